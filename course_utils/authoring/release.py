"""`course release`: what students get, a folder that stands by itself and a wheel of its library, no grader in either.

Of the library everything goes along but the rooms in KEPT. The recorded answers go along too, since the visible check
compares with them: they hold the reference's numbers on the public inputs and the hints to known slips, no code.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

from course_utils import files, notebooks

LIBRARY = Path(__file__).resolve().parents[1]
KEPT = {"grading", "authoring", "bench"}  # rooms of the library that stay with the instructor
EXTRAS = {"site", "grade", "test"}  # of pyproject.toml, for what stays with the instructor
TABLES = ("build-system", "project", "tool.setuptools")  # of pyproject.toml, with all below them: what an install needs

README = """\
# {course}

```
make lab     # opens the course in JupyterLab
```

The first time this makes an environment of its own in `.venv`. It needs Python 3.11–3.13, `make`, and 12 GB of disk on
Linux; no GPU, and no network once it is installed. Without `make`: `pip install -e '.[lab,emoji]'` in an environment of
yours, then `jupyter lab`.

| | |
| --- | --- |
{rows}

A task is one cell with a `TODO`, and the cell below it is its check. The check says that you passed, or which output is
off, or, when your answer is a known slip, gives a hint. Nothing breaks when a task is left open: Run All goes to the
end. Training cells load a checkpoint that lies in `course_utils/checkpoints`; with `TRAIN = True` you train it.

Hand in your notebooks under their names, such as `{first}.ipynb`. What is graded is what the cells define: the checks
run again on other numbers. Keep the cells' order such that Run All works, and put helpers wherever you like. If a
notebook imports `.py` files of your own, from the folder that it lies in, hand them in with it.

When a newer release comes, `course adopt OLD.ipynb`, run there, puts what you have filled in into its notebook.

`course_utils/` is the library that the notebooks use. It holds fast versions of some of what you will write; they are
there for later notebooks to build on, and to be read when yours works.
"""

MAKEFILE = """\
SHELL := /bin/sh
.PHONY: lab
PYTHON = $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell command -v $(p))))
export JUPYTER_PREFER_ENV_PATH = 1

# `make lab ARGS=--no-browser` prints the address instead of opening a browser.
lab: .venv/ready
	@.venv/bin/python -m course_utils.data
	@.venv/bin/python -m jupyter trust notebooks/*.ipynb >/dev/null 2>&1 || true
	@.venv/bin/python -m jupyter lab --LabApp.default_url=/lab/tree/notebooks --log-level=ERROR $(ARGS)

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("The course needs Python 3.11, \\
	3.12 or 3.13; name one by PYTHON=/path/to/python.")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet 'setuptools>=70.1'
	@.venv/bin/python -m pip install --no-build-isolation -e '.[lab,emoji]'
	@touch $@
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course release`."""
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the folder to make")
    parser.add_argument("--zip", action="store_true", help="pack it into FOLDER.zip, too")


def run(args: argparse.Namespace) -> int:
    """`course release`: makes the bundle and the wheel, and says what they hold."""
    release(args.out)
    wheel = build_wheel(args.out)
    made = f"{args.out} holds {len(notebooks.sources())} notebooks and the library, {wheel} the library alone."
    if args.zip:
        made += f" The same is packed in {pack(args.out)}."
    print(made)
    return 0


def release(out: Path) -> None:
    """Makes the students' bundle in a folder that does not exist yet, whole or not at all.

    Raises:
        ValueError: When the folder is there already, or a notebook is not what its source gives.
    """
    from course_utils.authoring import build

    if out.exists():
        raise ValueError(f"{out} is there already; name a new folder.")
    faults = [fault for source in notebooks.sources() for fault in build.check(source)]
    if faults:
        raise ValueError(" ".join(faults))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        _write(part)
        part.chmod(0o755)
        os.rename(part, out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _write(folder: Path) -> None:
    root = LIBRARY.parent
    for source in notebooks.sources():
        _copy(notebooks.student_path(source), folder / "notebooks" / f"{source.stem}.ipynb")
    for path in sorted(LIBRARY.rglob("*")):
        place = path.relative_to(LIBRARY)
        unwanted = any(part.startswith((".", "__pycache__")) for part in place.parts)
        if path.is_file() and not unwanted and place.parts[0].removesuffix(".py") not in KEPT:
            _copy(path, folder / "course_utils" / place)
    for name in ("LICENSE", "LICENSE-text"):
        _copy(root / name, folder / name)
    texts = {"README.md": _readme(), "Makefile": MAKEFILE,
             "pyproject.toml": project((root / "pyproject.toml").read_text("utf-8"))}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def project(text: str) -> str:
    """The part of the instructor's pyproject.toml that installs the students' library."""
    tables = re.split(r"(?m)^(?=\[)", text)
    kept = "".join(t for t in tables if t[1:].startswith(TABLES))
    return re.sub(rf"(?ms)^({'|'.join(sorted(EXTRAS))}) = \[.*?^\]\n", "", kept)


def _readme() -> str:
    rows = [f"| [{s.stem}](notebooks/{s.stem}.ipynb) | {_title(notebooks.student_path(s))} |"
            for s in notebooks.sources()]
    course = (LIBRARY.parent / "README.md").read_text("utf-8").splitlines()[0].lstrip("# ")
    return README.format(course=course, rows="\n".join(rows), first=notebooks.sources()[0].stem)


def _title(path: Path) -> str:
    heading = re.search(r"(?m)^# (.+)$", nbformat.read(path, as_version=4).cells[0].source)
    return heading[1] if heading else path.stem


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def pack(folder: Path) -> Path:
    """Packs a folder into a zip file beside it; the same content gives the same bytes."""
    path = folder.with_name(f"{folder.name}.zip")
    with files.writing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder).as_posix()}")  # 1980, as of zip itself
            info.external_attr, info.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
    return path


def build_wheel(bundle: Path) -> Path:
    """Builds the wheel of a bundle's library beside the bundle; the same content gives the same bytes.

    Raises:
        ValueError: It could not be built; the last line that pip said.
    """
    with tempfile.TemporaryDirectory(dir=bundle.parent, prefix=f".{bundle.name}-") as folder:
        copy = shutil.copytree(bundle, Path(folder) / "course")  # building leaves files in the folder that it builds
        words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                 "--wheel-dir", folder, str(copy)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}  # 1980, where a zip's time begins
        built = subprocess.run(words, env=environment, capture_output=True, text=True)
        if built.returncode:
            raise ValueError(f"The wheel could not be built: {built.stderr.strip().splitlines()[-1]}")
        (made,) = Path(folder).glob("*.whl")
        return made.replace(bundle.parent / made.name)
