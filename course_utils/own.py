"""What a student wrote in an earlier notebook, used again in a later one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course_utils import notebooks, tasks
from course_utils.tasks.compare import first_difference
from course_utils.tasks.recorded import load_recorded


def own(notebook: str, name: str, checks: list[str]) -> tuple[Any | None, str]:
    """A name from the notebook that lies beside the running one, if what it needs is right.

    Args:
        notebook: Such as "05_ddpm".
        name: What to take from it, such as "GaussianDiffusion".
        checks: The tasks whose checks must pass first.

    Returns:
        The object and a sentence for the reader; None and the reason, when the notebook is missing, does not run, or
        does not pass one of the checks. It never raises because of what the notebook holds.
    """
    number = notebook.split("_")[0]
    path = next((p for p in map(Path, (f"{notebook}.ipynb", f"{notebook}.py")) if p.exists()), None)
    if path is None:
        return None, f"{name}: the library's, because {notebook}.ipynb is not beside this notebook."
    try:
        nb = notebooks.load(path)
        failed = next((id for id in checks if not passes(id, nb)), None)
        if failed is None:
            return getattr(nb, name), f"{name}: your own, from notebook {number}."
    except Exception as e:  # a student's notebook may raise anything
        return None, f"{name}: the library's, because notebook {number} does not run by itself ({type(e).__name__})."
    return None, f"{name}: the library's, until the check of {failed} in notebook {number} passes."


def passes(id: str, nb: Any) -> bool:
    """Whether a namespace passes a task's visible check, without a word."""
    task, recorded = tasks.get(id), load_recorded(tasks.notebook_of(id))
    return first_difference(tasks.observe(task, nb, recorded.inputs[id]), recorded.reference[id], task) is None
