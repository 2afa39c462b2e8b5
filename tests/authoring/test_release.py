"""The students' bundle works by itself and holds nothing that grading keeps to itself."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_utils import cli, notebooks
from course_utils.authoring import bank, release

pytestmark = pytest.mark.slow
ROOT = Path(release.__file__).parents[2]


def files(bundle):
    return {p.relative_to(bundle).as_posix(): p.read_bytes() for p in sorted(bundle.rglob("*")) if p.is_file()}


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def test_only_what_students_need_is_in_it(bundle):
    names = set(files(bundle))
    assert {n.partition("/")[0] for n in names} == {
        "LICENSE", "LICENSE-text", "Makefile", "README.md", "course_utils", "notebooks", "pyproject.toml"}
    assert [n for n in sorted(names) if n.startswith("notebooks/")] == [
        f"notebooks/{s.stem}.ipynb" for s in notebooks.sources()]
    rooms = {n.split("/")[1].removesuffix(".py") for n in names if n.startswith("course_utils/")}
    there = {p.stem for p in (ROOT / "course_utils").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert there - rooms == release.KEPT
    assert {"answers", "checkpoints", "check", "tasks"} <= rooms
    assert not [n for n in names if "mistake" in n or "variant" in n or "solution" in n or n.endswith(".pyc")]


def test_no_solution_and_no_mistakes_code_is_in_it(bundle):
    """A region or a slip of one short line may be said elsewhere by chance; longer ones may not."""
    texts = {}
    for name, content in files(bundle).items():
        text = content.decode("utf-8", "ignore")
        if name.endswith(".ipynb"):
            text = "\n".join(c.source for c in nbformat.reads(text, as_version=4).cells)
        texts[name] = squeezed(text)
    sources = notebooks.sources()
    answers = [notebooks.solution(c.source) for s in sources for c in notebooks.read(s).cells if "task" in c.metadata]
    slips = [e.code for s in sources for e in bank.read_bank(bank.bank_of(s))]
    said = [squeezed(code) for code in answers + slips if len(squeezed(code)) > 60]
    assert len(said) > 40
    assert not [(name, code) for code in said for name, text in texts.items() if code in text]


def test_no_line_of_the_bank_is_in_the_recorded_answers(bundle):
    recorded = b"".join(path.read_bytes() for path in sorted((bundle / "course_utils/answers").iterdir()))
    entries = [e for source in notebooks.sources() for e in bank.read_bank(bank.bank_of(source))]
    lines = {line.strip() for e in entries for line in e.code.splitlines() if len(line.strip()) > 25}
    given = [c.source for path in (bundle / "notebooks").iterdir() for c in nbformat.read(path, as_version=4).cells]
    lines = {line for line in lines if not any(line in source for source in given)}
    assert len(lines) > 100 and sum(e.title.encode() in recorded for e in entries) > 40  # hints and titles are
    assert not [line for line in lines if line.encode() in recorded]


def test_every_module_finds_what_it_imports(bundle):
    def there(name):
        path = bundle.joinpath(*name.split("."))
        return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()

    for path in bundle.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
                if node.module == "course_utils":
                    names = [f"course_utils.{a.name}" for a in node.names]
            assert not [n for n in names if n.startswith("course_utils") and not there(n)], path


USE = """
import json, sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "ditable" not in str(finder)]  # of this course's own install
from course_utils import cli, notebooks
from course_utils.check import CheckFailed, Unfinished, check
print(cli.__file__)
for name, ids in json.loads(sys.argv[1]).items():
    nb = notebooks.load(name)
    for id in ids:
        try:
            check(id, nb)
        except (CheckFailed, Unfinished) as e:
            print(type(e).__name__, id)
cli.main(["--help"])
"""
ASKED = {f"{source.stem}.ipynb": bank.task_ids(source) for source in notebooks.sources()}


@pytest.fixture(scope="module")
def said(bundle):
    """What is said when the bundle's own library, and no other, checks all its notebooks, then tells its commands."""
    environment = {**os.environ, "PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run([sys.executable, "-c", USE, json.dumps(ASKED)], cwd=bundle / "notebooks", env=environment,
                             capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    where, *said = process.stdout.splitlines()
    assert Path(where).is_relative_to(bundle)
    return said


def test_the_unfilled_notebooks_are_checked_from_the_bundle_alone(said):
    verdicts = [f"Unfinished {id}" for ids in ASKED.values() for id in ids]
    assert said[:len(verdicts)] == verdicts


def test_a_student_has_a_command_without_the_instructors_verbs(said):
    told = "\n".join(said)
    assert "train" in told and not re.search(r"(?m)^ +(grade|build|release)", told)


FAKE = """#!/bin/sh
echo "$@" >> "{folder}/asked"
case "$*" in "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;; esac
"""


def test_make_lab_installs_once_and_opens_the_course(bundle, tmp_path):
    python = tmp_path / "python3"
    python.write_text(FAKE.format(folder=tmp_path))
    python.chmod(0o755)
    course = tmp_path / "course"
    with zipfile.ZipFile(bundle.with_name(f"{bundle.name}.zip")) as archive:
        archive.extractall(tmp_path)
    (tmp_path / bundle.name).rename(course)
    for _ in range(2):
        process = subprocess.run(["make", "lab", f"PYTHON={python}"], cwd=course, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
    asked = (tmp_path / "asked").read_text()
    assert asked.count("-m venv .venv") == 1 and asked.count("-m pip install --no-build-isolation -e .[lab,emoji]") == 1
    assert asked.count("-m jupyter lab --LabApp.default_url=/lab/tree/notebooks") == 2


def test_the_zip_holds_the_folder_and_is_the_same_again(bundle, tmp_path):
    path = bundle.with_name(f"{bundle.name}.zip")
    with zipfile.ZipFile(path) as archive:
        held = {n.removeprefix(f"{bundle.name}/"): archive.read(n) for n in archive.namelist()}
    assert held == files(bundle)
    content = path.read_bytes()
    assert release.pack(bundle).read_bytes() == content


def test_requirements_are_those_of_a_student(bundle):
    about = tomllib.loads((bundle / "pyproject.toml").read_text("utf-8"))
    own = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = own["project"].pop("optional-dependencies")
    assert about["project"].pop("optional-dependencies") == {name: extras[name] for name in ("lab", "emoji")}
    assert about["project"] == own["project"] and set(about) == {"build-system", "project", "tool"}
    assert about["tool"] == {"setuptools": own["tool"]["setuptools"]}


def test_it_refuses_what_is_there_and_what_is_out_of_date(bundle, tmp_path, monkeypatch, capsys):
    assert cli.main(["release", "--out", str(bundle)]) == 2
    assert "is there already" in capsys.readouterr().err
    monkeypatch.setattr("course_utils.authoring.build.check", lambda source: [f"{source.stem} is old."])
    assert cli.main(["release", "--out", str(tmp_path / "new")]) == 2
    assert "05_ddpm is old." in capsys.readouterr().err and not list(tmp_path.iterdir())
