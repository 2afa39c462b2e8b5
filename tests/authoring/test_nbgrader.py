"""nbgrader's own release and autograde on notebook 05, its own validator on all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from grading.classroom import submission
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

from course_utils import notebooks, tasks
from course_utils.authoring import bank

NAME = "05_ddpm"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """nbgrader's course folder after release and autograde of a filled and an unfilled notebook, without demo cells."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(notebooks.SOLUTIONS / "nbgrader_config.py", root)
    (root / "source" / NAME).mkdir(parents=True)
    shutil.copy(notebooks.SOLUTIONS / f"{NAME}.ipynb", root / "source" / NAME)
    nbgrader(root, "generate_assignment", NAME)
    for student, unfilled in (("filled", ()), ("unfilled", bank.task_ids(notebooks.source_of(NAME)))):
        nb = submission(NAME, unfilled=unfilled)
        nb.cells = [c for c in nb.cells if notebooks.kind_of(c) != "demo"]
        folder = root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{NAME}.ipynb")
    nbgrader(root, "autograde", NAME)
    return root


def nbgrader(root: Path, *words: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls `alembic` by its name
    ran = subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=root, env={**os.environ, "PATH": path},
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def grades(course: Path, student: str) -> dict[str, tuple[float | None, float]]:
    """Grade id to (score given by the machine, full points)."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        (notebook,) = book.find_submission(NAME, student).notebooks
        return {g.name: (g.auto_score, g.max_score) for g in notebook.grades}


def test_nbgrader_releases_our_students_notebook(course):
    released = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    ours = nbformat.read(notebooks.student_path(notebooks.source_of(NAME)), as_version=4)
    for cell in ours.cells:
        if notebooks.kind_of(cell) in ("task", "question"):
            del cell.metadata["released"]  # nbgrader hands these cells out as we do, without their digest
    assert released == ours


def test_nbgrader_gives_the_reference_full_points_and_the_unfilled_none(course):
    points = {t.id.replace(".", "-"): t.points for t in tasks.tasks_of(NAME)}
    filled, unfilled = grades(course, "filled"), grades(course, "unfilled")
    assert {id: filled[id] for id in points} == {id: (n, n) for id, n in points.items()}
    assert {id: unfilled[id] for id in points} == {id: (0, n) for id, n in points.items()}
    assert all(score in (0, None) for score, _ in unfilled.values()), "a question left empty has points"


@pytest.mark.parametrize("source", notebooks.sources(), ids=lambda p: p.stem)
def test_nbgraders_validator_accepts_both_faces(source):
    for path in (source.with_suffix(".ipynb"), notebooks.student_path(source)):
        nb = nbformat.read(path, as_version=4)
        MetadataValidator().validate_nb(nb)  # raises what it does not accept
        assert {c.metadata.nbgrader.schema_version for c in nb.cells if "nbgrader" in c.metadata} == {3}
