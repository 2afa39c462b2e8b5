"""The visible check: says what is wrong and why, in sentences."""

from __future__ import annotations

import contextlib
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Collection, Iterator
from types import FrameType, TracebackType
from typing import Any

from course_utils import tasks
from course_utils.tasks import Namespace, Task, observe
from course_utils.tasks.compare import first_difference, worst_relative_error
from course_utils.tasks.explain import blame, explain, older_definition, still_red
from course_utils.tasks.given import bring
from course_utils.tasks.recorded import Recorded, known_mistake, load_recorded

LONGEST = 20.0  # seconds that a check may take; right answers take one or two

_verdicts: dict[str, str] = {}  # of this kernel's checks that did not pass when they last ran: "red" or "open"


def _lines(sentence: str) -> list[str]:
    """Jupyter breaks a long line in the middle of a word; 84 letters fit beside its side bar."""
    return [part for line in sentence.splitlines() for part in textwrap.wrap(line, 84, subsequent_indent="  ")]


class _Sentence(Exception):
    """An exception that a notebook shows as its sentence only, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return _lines(str(self))


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
    task, recorded = tasks.get(id), load_recorded(tasks.notebook_of(id))
    if nb is not None:
        return _judge(task, recorded, nb)
    _watch_cells()
    with _remember(id):
        _judge(task, recorded, Namespace(vars(sys.modules["__main__"])))


def _judge(task: Task, recorded: Recorded, nb: Any) -> None:
    with bring(nb, recorded.given.get("setup", ())), stop_after(LONGEST):
        outcome = observe(task, nb, recorded.inputs[task.id])
    difference = first_difference(outcome, recorded.reference[task.id], task)
    if difference is None:
        error = worst_relative_error(outcome, recorded.reference[task.id], task)
        print(f"✓ {task.id} passed (relative error {error:.0e})")
        if older := older_definition(task, nb, recorded.owners.get(task.id)):
            print(f"  {older}")
        return
    if isinstance(outcome.exception, Unfinished):
        raise Unfinished(str(outcome.exception)) from None
    mistake = known_mistake(outcome, recorded.mistakes[task.id], task)
    stopped = difference.kind == "error" and outcome.exception is not None
    sentence = explain(outcome.exception, task, recorded) if stopped else difference.sentence
    raise CheckFailed(f"✗ {task.id}: {sentence}" + (f"\n  Hint: {mistake.hint}" if mistake else "")) from None


@contextlib.contextmanager
def stop_after(seconds: float) -> Iterator[None]:
    """Raises TookTooLong in the block after so long, where the platform can: in the main thread of Unix.

    A block that was hardly served, by a busy machine or a slow disk, may take three times as long. The clock of a block
    around it stands still meanwhile.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    begin, served = time.monotonic(), time.process_time()

    def stop(*_: Any) -> None:
        if time.process_time() - served < seconds / 2 and time.monotonic() - begin < 3 * seconds:
            return
        raise TookTooLong(f"it was stopped after {seconds:g} seconds: is there a loop that never ends?")

    before = signal.signal(signal.SIGALRM, stop)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds, 5)  # again, should the student's own `except` have caught it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, before)


# ---- cells that need what a check calls wrong ----------------------------------------------------------------------


def name_red(ids: Collection[str] | None = None) -> str:
    """Which checks are still red or open, as a sentence for a cell that shows a result which is not right.

    Args:
        ids: The tasks that the cell uses; default: all whose checks ran in this kernel.

    Returns:
        E.g. "`ddpm.q_sample` is still red: mend it first, this cell uses it."; empty where none of them is.
    """
    return still_red({id: said for id, said in _verdicts.items() if ids is None or id in ids})


@contextlib.contextmanager
def _remember(id: str) -> Iterator[None]:
    """Keeps what a check of the running notebook said, for the cells below it."""
    try:
        yield
    except (Unfinished, CheckFailed) as e:
        _verdicts[id] = "open" if isinstance(e, Unfinished) else "red"
        raise
    _verdicts.pop(id, None)


def _watch_cells() -> None:
    """Has IPython, where it runs the notebook, ask `_tell_red` when a cell fails; a handler that is there stays."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((Exception,), _tell_red)


def _tell_red(shell: Any, kind: type, error: Exception, trace: TracebackType, tb_offset: int | None = None) -> None:
    """Shows a cell's exception; where red checks are its cause, their sentence below it or in its place."""
    if _verdicts and not hasattr(error, "_render_traceback_"):
        recorded = load_recorded(tasks.notebook_of(next(iter(_verdicts))))  # a kernel runs one notebook
        sentence, alone = blame(error, _verdicts, Namespace(shell.user_ns), recorded)
        if alone:
            error._render_traceback_ = lambda: _lines(sentence)
        elif sentence:
            error.add_note(sentence)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)
