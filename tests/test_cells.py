"""A cell runs as a notebook would run it, with its magics out of the way."""

import asyncio
import sys

import pytest

from course_utils.cells import fresh_notebook
from course_utils.grading.rooms.work import run_cell


@pytest.fixture
def nb(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return fresh_notebook("__main__")


@pytest.mark.parametrize("source", [
    "%matplotlib inline\nx = 7", "x = 7\n!pip install nothing", "%%time\nx = 7", "%time x = 7", "files = !ls\nx = 7",
    "%load_ext autoreload\n%autoreload 2\nx = 7", "x = 7\nx?", "get_ipython().run_line_magic('time', 'x = 7')",
    "display('shown')\nx = 7", "%%capture out\n%config InlineBackend.figure_format = 'svg'\nx = 7",
    "from __future__ import annotations\nx = 7", "if True:\n    %time x = 7\n    !ls",
    "import asyncio\nawait asyncio.sleep(0)\nx = 7", "%load_ext nothing\nimport asyncio\nx = await asyncio.sleep(0, 7)",
    "%time import asyncio; x = await asyncio.sleep(0, 7)",
    "async def f():\n    return 7\n[x] = [await f() for _ in range(1)]",
    "def f(a: int):\n    return a\nx = f(7)", "x = 7\n'''\n%not a magic\n'''"])
def test_magics_and_shell_lines_do_not_stop_a_cell(nb, source):
    assert run_cell(source, "<cell 1>", nb).error is None
    assert nb.x == 7


def test_a_cell_awaits_where_a_kernels_loop_is_running(nb):
    async def kernel():
        return run_cell("import asyncio\nx = await asyncio.sleep(0, 7)", "<cell 1>", nb)

    assert asyncio.run(kernel()).error is None
    assert nb.x == 7


def test_a_foreign_language_is_not_run(nb, tmp_path):
    assert run_cell(f"%%bash\ntouch {tmp_path}/made", "<cell 1>", nb).error is None
    assert run_cell(f"!touch {tmp_path}/made", "<cell 2>", nb).error is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source, error", [
    ("x = 7\nraise ValueError('no')", "ValueError"), ("x = 7\nexit()", "SystemExit"),
    ("x = 7\n1/0", "ZeroDivisionError"), ("import asyncio\nx = 7\nawait asyncio.sleep(0)\n1/0", "ZeroDivisionError"),
    ("x = 7\nraise KeyboardInterrupt", "KeyboardInterrupt"),
    ("x = 7\nclass E(Exception):\n    def __str__(self): raise RuntimeError\nraise E", "E")])
def test_an_exception_ends_the_cell_and_keeps_what_it_did(nb, source, error):
    assert run_cell(source, "<cell 1>", nb).error == error
    assert nb.x == 7


def test_a_cell_that_is_no_python_is_told(nb):
    assert run_cell("def f(:\n", "<cell 1>", nb).error == "SyntaxError"


def test_classes_belong_to_main_and_their_source_is_found(nb):
    import inspect

    run_cell("class A:\n    def f(self):\n        return 7\n", "<cell 1>", nb)
    assert nb.A.__module__ == "__main__" and sys.modules["__main__"] is nb
    assert "return 7" in inspect.getsource(nb.A.f)


def test_a_cell_awaits_where_a_loop_is_running_already(nb):
    import asyncio

    async def kernel():
        return run_cell("import asyncio\nx = await asyncio.sleep(0, 7)", "<cell 1>", nb)

    assert asyncio.run(kernel()).error is None and nb.x == 7
