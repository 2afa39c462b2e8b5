"""The visible check: says what is wrong and why, in sentences."""

from __future__ import annotations

import contextlib
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from course_utils import tasks
from course_utils.tasks import Namespace, observe
from course_utils.tasks.compare import first_difference, worst_relative_error
from course_utils.tasks.explain import explain, older_definition
from course_utils.tasks.given import bring
from course_utils.tasks.recorded import known_mistake, load_recorded

LONGEST = 20.0  # seconds that a check may take; right answers take one or two


class _Sentence(Exception):
    """An exception that a notebook shows as its sentence only, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter breaks a long line in the middle of a word; 84 letters fit beside its side bar.
        return [part for line in str(self).splitlines() for part in textwrap.wrap(line, 84, subsequent_indent="  ")]


class Unfinished(_Sentence, NotImplementedError):
    """Raised by a TODO that is not filled in yet; it finds the name of the function that it stands in."""

    def __init__(self, sentence: str | None = None):
        super().__init__(sentence or _todo(sys._getframe(1)))


def _todo(frame: FrameType) -> str:
    name, owner = frame.f_code.co_qualname, type(frame.f_locals.get("self"))
    if owner is not type(None) and "." not in name:  # a method in a cell of its own
        name = f"{owner.__name__}.{name}"
    if hasattr(getattr(owner, frame.f_code.co_name, None), "replaced"):
        return (f"`{name}` is a stub: its TODO cell ran after your class and replaced the method that you wrote in it. "
                "Delete that cell, then run the cell of your class again.")
    return f"`{name}` is still to be written: fill in its TODO and run that cell again."


class CheckFailed(_Sentence, AssertionError):
    """Raised by a check that does not pass."""


class TookTooLong(TimeoutError):
    """The student's code was stopped in the middle."""


def method_of(cls: type) -> Callable[[Callable], Callable]:
    """Sets the decorated function on a class under its own name, so that a method can stand in a cell of its own."""

    def attach(function: Callable) -> Callable:
        name = function.__name__
        before = vars(cls).get(name)
        if hasattr(before, "replaced") or getattr(before, "__qualname__", "") == f"{cls.__qualname__}.{name}":
            function.replaced = True  # a method from the body of the class
        setattr(cls, name, function)
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
    nb = nb or Namespace(vars(sys.modules["__main__"]))
    with bring(nb, recorded.given.get("setup", ())), _stopped_after(LONGEST):
        outcome = observe(task, nb, recorded.inputs[id])
    difference = first_difference(outcome, recorded.reference[id], task)
    if difference is None:
        print(f"✓ {id} passed (relative error {worst_relative_error(outcome, recorded.reference[id]):.0e})")
        if older := older_definition(task, nb, recorded.owners.get(id)):
            print(f"  {older}")
        return
    if isinstance(outcome.exception, Unfinished):
        raise Unfinished(str(outcome.exception)) from None
    mistake = known_mistake(outcome, recorded.mistakes[id], task)
    stopped = difference.kind == "error" and outcome.exception is not None
    sentence = explain(outcome.exception, task, recorded) if stopped else difference.sentence
    raise CheckFailed(f"✗ {id}: {sentence}" + (f"\n  Hint: {mistake.hint}" if mistake else "")) from None


@contextlib.contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Raises TookTooLong in the block after so long, where the platform can: in the main thread of Unix."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise TookTooLong(f"it was stopped after {seconds:g} seconds: is there a loop that never ends?")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)  # again, should the student's own `except` have caught it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
