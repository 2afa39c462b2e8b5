"""A notebook's cell as plain Python, run the way a kernel would run it; magics and shell lines do nothing."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import sys
import warnings
import zlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import CodeType, ModuleType
from typing import Any

RUNS_ITS_BODY = {"time", "timeit", "capture", "prun"}  # cell magics under which Python code stands


class Shell:
    """`get_ipython()` where no kernel is: magics and shell lines do nothing, timing ones run what they time."""

    def __init__(self, names: dict[str, Any]):
        self.user_ns = names

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> None:
        """`%time x = f()` runs its statement; other line magics do nothing."""
        if name == "time":
            _execute(to_python(line), "<%time>", self.user_ns)

    def run_cell_magic(self, name: str, line: str, body: str, *_: Any, **__: Any) -> None:
        """`%%time` and its like run their cell; `%%bash`, `%%writefile` and others do nothing."""
        if name in RUNS_ITS_BODY:
            _execute(to_python(body), f"<%%{name}>", self.user_ns)

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        """`files = !ls` finds nothing."""
        return []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def fresh_notebook(name: str) -> ModuleType:
    """An empty module in `sys.modules`, with what a notebook finds in its own besides Python's names.

    Args:
        name: Of the module, where dataclasses and pickle look a class up; "__main__" takes that one's place.
    """
    nb = ModuleType(name)
    shell = Shell(vars(nb))
    nb.get_ipython = lambda: shell
    nb.display = lambda *_, **__: None
    sys.modules[name] = nb
    return nb


def to_python(source: str) -> str:
    """The cell with its magics and shell lines turned into calls, by IPython's own parser, if it holds any."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `compile` warns of "\d"; running the cell does so again
            _compile(source, "<cell>")
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)
    return source


def run(source: str, name: str, nb: ModuleType) -> None:
    """Runs a cell in the notebook's namespace; `name` is what tracebacks, which show its lines, call it."""
    python = to_python(source)
    lines = python.splitlines(keepends=True)
    if linecache.cache.get(name, (0, None, lines))[2] != lines:  # functions of another such cell still read their lines
        name = f"{name} {zlib.crc32(python.encode()):x}"
    linecache.cache[name] = (len(python), None, lines, name)
    _execute(python, name, vars(nb))


def _compile(python: str, name: str) -> CodeType:
    """Code that may await outside of functions, as a kernel allows."""
    return compile(python, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _execute(python: str, name: str, names: dict[str, Any]) -> None:
    code = _compile(python, name)
    begun = eval(code, names)  # noqa: S307 (running cells is the job)
    if code.co_flags & inspect.CO_COROUTINE:
        _finish(begun)


def _finish(coroutine: Coroutine) -> None:
    """Runs what a cell awaits to its end; in a thread of its own where a kernel's loop is running in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
    else:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(asyncio.run, coroutine).result()
