"""The visible check: says what is wrong and why, in sentences."""

from __future__ import annotations

import linecache
import sys
import sysconfig
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_utils import tasks
from course_utils.tasks import Namespace, Task, observe
from course_utils.tasks.compare import first_difference, worst_relative_error
from course_utils.tasks.recorded import known_mistake, load_recorded


class _Sentence(Exception):
    """An exception that a notebook shows as its sentence only, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter breaks a long line in the middle of a word; 84 letters fit beside its side bar.
        return [part for line in str(self).splitlines() for part in textwrap.wrap(line, 84, subsequent_indent="  ")]


class Unfinished(_Sentence, NotImplementedError):
    """Raised by a TODO that is not filled in yet; it finds the name of the function that it stands in."""

    def __init__(self, sentence: str | None = None):
        name = sys._getframe(1).f_code.co_qualname
        super().__init__(sentence or f"`{name}` is still to be written: fill in its TODO and run that cell again.")


class CheckFailed(_Sentence, AssertionError):
    """Raised by a check that does not pass."""


def method_of(cls: type) -> Callable[[Callable], Callable]:
    """Sets the decorated function on a class under its own name, so that a method can stand in a cell of its own."""

    def attach(function: Callable) -> Callable:
        setattr(cls, function.__name__, function)
        return function

    return attach


def check(id: str, nb: Any = None) -> None:
    """Runs a task's probe on the notebook and compares with the recorded answer.

    Args:
        id: The task, e.g. "ddpm.q_sample".
        nb: Namespace with the student's names as attributes; default: the running notebook.

    Raises:
        CheckFailed: Which output is off and by how much, with a hint where the mistake is a known one.
        Unfinished: The TODO, or one that it needs, is not filled in yet.
    """
    task = tasks.get(id)
    recorded = load_recorded(tasks.notebook_of(id))
    outcome = observe(task, nb or Namespace(vars(sys.modules["__main__"])), recorded.inputs[id])
    difference = first_difference(outcome, recorded.reference[id], task)
    if difference is None:
        print(f"✓ {id} passed (relative error {worst_relative_error(outcome, recorded.reference[id]):.0e})")
        return
    if isinstance(outcome.exception, Unfinished):
        raise Unfinished(str(outcome.exception)) from None
    mistake = known_mistake(outcome, recorded.mistakes[id], task)
    stopped = difference.kind == "error" and outcome.exception is not None
    sentence = explain(outcome.exception, task) if stopped else difference.sentence
    raise CheckFailed(f"✗ {id}: {sentence}" + (f"\n  Hint: {mistake.hint}" if mistake else "")) from None


def explain(error: BaseException, task: Task) -> str:
    """One sentence on an exception that ended a probe: what to run or where to look, with the student's own line."""
    name = getattr(error, "name", None)
    if isinstance(error, NameError) and _line_of_student(error) is None:
        return f"`{name}` is not defined yet: run the cells above, from the top of the notebook."
    if isinstance(error, AttributeError) and name:
        missing = [t.id for t in tasks.tasks_of(tasks.notebook_of(task.id)) if name in (t.name, t.id.split(".")[1])]
        if missing:
            return (f"there is no `{name}` yet: run the cell of {missing[0]}. (When a class's own cell is run again, "
                    "the cells of its methods must be run again too.)")
    where = _line_of_student(error)
    if where is None and isinstance(error, (TypeError, ValueError)):
        return f"what it takes or returns is not what the notebook asks for: {error}"
    return f"{type(error).__name__}: {error}" + (f"\n  in your line {where}" if where else "")


def _line_of_student(error: BaseException) -> str | None:
    """The innermost line of the student's own code on the way to the exception, as `12: x = y`."""
    ours = [str(Path(__file__).parent), *{sysconfig.get_path(p) for p in ("stdlib", "purelib", "platlib")}]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if not any(file.startswith(folder) for folder in ours) and not file.startswith("<frozen"):
            return f"{line}: {linecache.getline(file, line).strip()}"
    return None
