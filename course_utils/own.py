"""What a student wrote in an earlier notebook, used again in a later one."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from nbformat import NotebookNode

from course_utils import notebooks, tasks
from course_utils.cells import fresh_notebook, run
from course_utils.check import LONGEST, stop_after
from course_utils.released import definitions, digest, imports
from course_utils.tasks import Namespace
from course_utils.tasks.compare import first_difference
from course_utils.tasks.recorded import load_recorded

GIVEN = ("demo", "check")  # the kinds of given cells that another notebook does not run


def own(notebook: str, name: str, checks: list[str]) -> tuple[Any | None, str]:
    """A name from the notebook that lies beside the running one, if what it needs is right.

    Args:
        notebook: Such as "05_ddpm".
        name: What to take from it, such as "GaussianDiffusion".
        checks: The tasks whose checks must pass first.

    Returns:
        The object and a sentence for the reader; None and the reason, when the notebook is missing, does not run, or
        does not pass one of the checks. It never raises because of what the notebook holds; what never ends is stopped
        after the seconds that a check may take.
    """
    number = notebook.split("_")[0]
    path = next((p for p in map(Path, (f"{notebook}.ipynb", f"{notebook}.py")) if p.exists()), None)
    if path is None:
        return None, f"{name}: the library's, because {notebook}.ipynb is not beside this notebook."
    try:
        with _undisturbed():
            with stop_after(LONGEST):
                nb = _names(path, load_recorded(notebook).given)
            failed = next((id for id in checks if not passes(id, nb)), None)
        if failed is None:
            return getattr(nb, name), f"{name}: your own, from notebook {number}."
    except Exception as e:  # a student's notebook may raise anything
        return None, f"{name}: the library's, because notebook {number} does not run by itself ({type(e).__name__})."
    return None, f"{name}: the library's, until the check of {failed} in notebook {number} passes."


def _names(path: Path, given: dict[str, list[str]]) -> Namespace:
    """What a student's notebook defines. As in a notebook, what raises ends its own cell only.

    Args:
        path: Of the notebook.
        given: The texts of its given cells, by their kind.
    """
    module = fresh_notebook(f"notebook_{path.stem}")
    demos = {digest({"cell_type": "code", "source": text}) for kind in GIVEN for text in given.get(kind, [])}
    for i, cell in enumerate(notebooks.read(path).cells):
        with contextlib.suppress(Exception, SystemExit):
            for part in _parts_of(cell, demos) if cell.cell_type == "code" else ():
                run(part, f"<{path.stem}, cell {i}>", module)
    return Namespace(vars(module))


def _parts_of(cell: NotebookNode, demos: set[str]) -> Iterator[str]:
    """What of a cell is run: of a given demo or check cell its imports, and of a changed one what it defines."""
    claims = notebooks.kind_of(cell) in GIVEN
    said = digest(cell)
    if said in demos or claims and said == cell.metadata.get("released"):
        yield imports(cell.source)
    elif claims:
        for _, definition in definitions(cell.source):
            yield definition
    else:
        yield cell.source


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Gives the caller its folder, defaults and random numbers back, and shows nothing of what is printed inside."""
    folder, nowhere = os.getcwd(), io.StringIO()
    try:
        with (tasks.our_defaults(), torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"),
              contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere)):
            yield
    finally:
        os.chdir(folder)


def passes(id: str, nb: Any) -> bool:
    """Whether a namespace passes a task's visible check, without a word."""
    task, recorded = tasks.get(id), load_recorded(tasks.notebook_of(id))
    with stop_after(LONGEST):
        outcome = tasks.observe(task, nb, recorded.inputs[id])
    return first_difference(outcome, recorded.reference[id], task) is None
