"""A student's cell as plain Python, run the way a notebook would run it. Used inside a room."""

from __future__ import annotations

import linecache
import sys
import warnings
from types import ModuleType
from typing import Any

from course_utils.tasks import Outcome

RUNS_ITS_BODY = {"time", "timeit", "capture", "prun"}  # cell magics under which Python code stands


class Shell:
    """What `get_ipython()` gives in a room: magics and shell lines do nothing, timing ones run what they time."""

    def __init__(self, names: dict[str, Any]):
        self.user_ns = names

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> None:
        """`%time x = f()` runs its statement; other line magics do nothing."""
        if name == "time":
            exec(to_python(line), self.user_ns)

    def run_cell_magic(self, name: str, line: str, body: str, *_: Any, **__: Any) -> None:
        """`%%time` and its like run their cell; `%%bash`, `%%writefile` and others do nothing."""
        if name in RUNS_ITS_BODY:
            exec(compile(to_python(body), f"<%%{name}>", "exec", dont_inherit=True), self.user_ns)

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        """`files = !ls` finds nothing."""
        return []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def fresh_notebook() -> ModuleType:
    """An empty module that takes `__main__`'s place, with what a notebook finds there besides Python's own names."""
    nb = ModuleType("__main__")
    shell = Shell(vars(nb))
    nb.get_ipython = lambda: shell
    nb.display = lambda *_, **__: None
    sys.modules["__main__"] = nb
    return nb


def to_python(source: str) -> str:
    """The cell with its magics and shell lines turned into calls, by IPython's own parser, if it holds any."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `compile` warns of "\d"; running the cell does so again
            compile(source, "<cell>", "exec", dont_inherit=True)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)
    return source


def run_cell(source: str, name: str, nb: ModuleType) -> Outcome:
    """Runs a cell in the notebook's namespace; an exception ends the cell, as in a notebook, not the notebook."""
    try:
        python = to_python(source)
        linecache.cache[name] = (len(python), None, python.splitlines(keepends=True), name)
        exec(compile(python, name, "exec", dont_inherit=True), vars(nb))
    except BaseException as e:  # SystemExit and KeyboardInterrupt would not end a notebook either
        return Outcome(error=type(e).__name__, message=_text(e))
    return Outcome()


def _text(e: BaseException) -> str:
    try:
        return str(e)
    except Exception:  # a student's own exception may be broken
        return ""
