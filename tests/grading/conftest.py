"""What the grader's tests share: whether there is a sandbox, and classes of made-up students."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from course_utils import bank
from course_utils.grading.limits import Limits
from course_utils.grading.room import Rooms, SandboxError, self_test
from tests.conftest import require

QUICK = Limits(cell=4, probe=3)


@cache
def why_not() -> str:
    """Why the sandbox does not work here; empty when it does."""
    try:
        self_test(Rooms())
    except SandboxError as e:
        return str(e)
    return ""


@pytest.fixture
def sandbox() -> None:
    """Skips, or fails where it is required, without a working sandbox."""
    require("sandbox", not why_not(), f"no sandbox: {why_not()}")


def hand_in(submissions: Path, student: str, notebook: NotebookNode | str, name: str = "05_ddpm") -> Path:
    """Puts a notebook, or any text, into a student's folder."""
    path = submissions / student / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
    return path


def ddpm(**answers: str) -> NotebookNode:
    """05_ddpm answered by the reference, but for the tasks named here: `ddpm(q_sample="return x_start")`."""
    return bank.submission("05_ddpm", {f"ddpm.{name}": code for name, code in answers.items()})


def with_cell(nb: NotebookNode, source: str, at: int | None = None) -> NotebookNode:
    """Puts a cell of the student's own before cell `at`, or at the end."""
    nb.cells.insert(len(nb.cells) if at is None else at, nbformat.v4.new_code_cell(source))
    return nb
