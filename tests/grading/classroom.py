"""Students made up for the tests, and what they hand in."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import bank
from course_utils.grading.limits import Limits

QUICK = Limits(cell=15, probe=6)  # a cell that first imports an optimizer takes 3 s, more beside other tests


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
