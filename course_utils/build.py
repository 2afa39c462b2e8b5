"""`course build`: students' notebooks every time, answers and executed references when what they are made of changed.

What a file was made of is a digest kept in it. `--check` executes nothing and imports no torch: the points come from
the reference, whose digest says that they are those of the tasks file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import notebooks
from course_utils.bank import bank_of

_HERE = Path(__file__).parent
_CHECKPOINT = re.compile(r"""zoo\.load\(\s*["']([\w-]+)["']""")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course build`."""
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="such as 05 or 05_ddpm; all of them by default")
    parser.add_argument("--check", action="store_true", help="only say what is out of date; executes nothing")
    parser.add_argument("--force", action="store_true", help="execute references and record answers in any case")


def run(args: argparse.Namespace) -> int:
    """Builds or checks; 1 if something is out of date or failed."""
    chosen = [notebooks.source_of(name) for name in args.notebooks] or notebooks.sources()
    if args.check:
        found = [fault for source in chosen for fault in check(source)]
        print("\n".join(found) or f"All {len(chosen)} notebooks are up to date.")
        return bool(found)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(2, len(chosen) or 1), mp_context=spawn) as pool:
        faults = [_told(job) for job in [pool.submit(build, source, args.force) for source in chosen]]
    for fault in filter(None, faults):
        print(f"course build: {fault}", file=sys.stderr)
    return any(faults)


def _told(job: Future) -> BaseException | None:
    """Prints what a job did, as soon as it is done, or gives the reason for which it failed."""
    if not job.exception():
        print(job.result(), flush=True)
    return job.exception()


def build(source: Path, force: bool = False) -> str:
    """Builds one notebook and says in a line what was done.

    Raises:
        ValueError: If the source or its bank cannot be read, or a cell fails; what was there before then stays.
    """
    start, done = time.monotonic(), []
    nb = notebooks.read(source)
    notebooks.graded(nb, _points(source, nb))
    nb.metadata.course["digest"] = made_of(source, nb)
    if _write(notebooks.student_path(source), notebooks.student_face(nb)):
        done.append("student's notebook written")
    if force or answers_digest(source.stem) != answers_made_of(source, nb):
        from course_utils.bank import record

        record(source, answers_made_of(source, nb))
        done.append("answers recorded")
    if force or not _is_face_of(_reference(source), nb):
        _write(source.with_suffix(".ipynb"), notebooks.executed(nb, source.parent))
        done.append("reference executed")
    return f"{source.stem}: {', '.join(done) or 'nothing to do'} ({time.monotonic() - start:.0f} s)"


def check(source: Path) -> list[str]:
    """What is out of date about one notebook, a sentence each; nothing is executed or written."""
    nb, reference, student = notebooks.read(source), _reference(source), notebooks.student_path(source)
    nb.metadata.course["digest"] = made_of(source, nb)
    again = f"run `course build {source.stem[:2]}`."
    if not reference or reference.metadata.course.get("digest") != nb.metadata.course.digest:
        return [f"{source.stem}: the reference was not made from this source; {again}"]
    notebooks.graded(nb, _points_in(reference))
    found = []
    if not _is_face_of(reference, nb):
        found.append(f"{source.stem}: the reference's cells are not those of the source; {again}")
    if not student.exists() or student.read_text(encoding="utf-8") != _text(notebooks.student_face(nb)):
        found.append(f"{source.stem}: the student's notebook is not what its source gives; {again}")
    if answers_digest(source.stem) != answers_made_of(source, nb):
        found.append(f"{source.stem}: the recorded answers are out of date; {again}")
    return found


# ---- what a file was made of ---------------------------------------------------------------------------------------


def made_of(source: Path, nb: NotebookNode) -> str:
    """The digest of what an executed reference is made of: its source, its tasks and the checkpoints that it names."""
    names = sorted(set(_CHECKPOINT.findall("\n".join(c.source for c in nb.cells if c.cell_type == "code"))))
    return _digest([source, *_tasks_files(nb), *(_HERE / "checkpoints" / f"{name}.safetensors" for name in names)])


def answers_made_of(source: Path, nb: NotebookNode) -> str:
    """The digest of what answers are made of: the source, its tasks, the draws and the bank."""
    return _digest([source, *_tasks_files(nb), _HERE / "tasks" / "draws.py", bank_of(source)])


def _tasks_files(nb: NotebookNode) -> list[Path]:
    return [_HERE / "tasks" / f"{prefix}.py" for prefix in sorted(notebooks.prefixes_of(nb))]


def _digest(files: list[Path]) -> str:
    parts = [f"{f.name} {hashlib.sha256(f.read_bytes()).hexdigest() if f.exists() else 'absent'}" for f in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answers_digest(notebook: str) -> str | None:
    """The digest kept in a notebook's recorded answers, read from the file's header alone; None without a file."""
    path = _HERE / "answers" / f"{notebook}.safetensors"
    if not path.exists():
        return None
    with path.open("rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    return json.loads(header["__metadata__"]["course"])["digest"]


# ---- files ---------------------------------------------------------------------------------------------------------


def _points(source: Path, nb: NotebookNode) -> dict[str, float]:
    reference = _reference(source)
    if reference and reference.metadata.course.get("digest") == made_of(source, nb):
        return _points_in(reference)
    return notebooks.registry_points(notebooks.prefixes_of(nb))


def _points_in(reference: NotebookNode) -> dict[str, float]:
    """Points by task or question id; a task's cell has none of its own, its check's cell says them."""
    return {cell.metadata[word]: cell.metadata.nbgrader.points
            for cell in reference.cells for word in ("check", "question") if word in cell.metadata}


def _reference(source: Path) -> NotebookNode | None:
    path = source.with_suffix(".ipynb")
    return nbformat.read(path, as_version=4) if path.exists() else None


def _is_face_of(reference: NotebookNode | None, nb: NotebookNode) -> bool:
    def cells(nb: NotebookNode) -> list:
        return [nb.metadata, *((c.id, c.cell_type, c.source, c.metadata) for c in nb.cells)]

    return reference is not None and cells(reference) == cells(nb)


def _text(nb: NotebookNode) -> str:
    return nbformat.writes(nb) + "\n"


def _write(path: Path, nb: NotebookNode) -> bool:
    """Writes a notebook atomically; False where the file already holds just this."""
    text = _text(nb)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return True
