"""The visible check speaks in sentences: what is off, the student's own line, a hint; never a traceback of ours."""

from __future__ import annotations

import linecache
import sys
from types import SimpleNamespace

import pytest
import torch

from course_utils import check as check_module
from course_utils import tasks
from course_utils.check import CheckFailed, Unfinished, check, method_of
from course_utils.tasks import Namespace, Task, observe
from course_utils.tasks.recorded import Mistake, Recorded

# a probe stands in a file of tasks/, which is not the student's
PROBE = compile("lambda nb, x: {'y': nb.Model().double(x)}", tasks.__file__.replace("__init__", "demo"), "eval")
TASK = Task("demo.double", 10, lambda rng: {"x": rng.normal(3)}, eval(PROBE), 1e-4, 1e-5)


def namespace(source: str) -> Namespace:
    """A student's notebook of one cell, whose lines a traceback can show as IPython's can."""
    names: dict = {"torch": torch, "method_of": method_of, "Unfinished": Unfinished}
    linecache.cache["cell-1"] = (len(source), None, source.splitlines(True), "cell-1")
    exec(compile(source, "cell-1", "exec"), names)
    return Namespace(names)


CLASS = "class Model: pass\n"
METHOD = CLASS + "@method_of(Model)\ndef double(self, x):\n    "


@pytest.fixture(autouse=True)
def demo(monkeypatch):
    """One task with one known mistake, in the place of the course's."""
    inputs = {"x": torch.tensor([1.0, -2.0, 3.0])}
    record = lambda code: observe(TASK, namespace(METHOD + code), inputs)  # noqa: E731
    recorded = Recorded({TASK.id: inputs}, {TASK.id: record("return 2 * x")},
                        {TASK.id: [Mistake("squared", "Twice, not the second power.", record("return x ** 2"))]})
    monkeypatch.setattr(check_module, "load_recorded", lambda notebook: recorded)
    monkeypatch.setattr(tasks, "get", lambda id: TASK)
    monkeypatch.setattr(tasks, "notebook_of", lambda id: "99_demo")
    monkeypatch.setattr(tasks, "tasks_of", lambda notebook: [TASK])


def failure(source: str) -> str:
    with pytest.raises(CheckFailed) as caught:
        check(TASK.id, namespace(source))
    shown = caught.value._render_traceback_()  # all that a notebook shows: the same words in lines of a readable length
    assert " ".join(shown).split() == str(caught.value).split() and all(len(line) <= 84 for line in shown)
    return str(caught.value)


def test_a_right_answer_passes(capsys):
    check(TASK.id, namespace(METHOD + "return x + x"))
    out = capsys.readouterr()
    assert out.out == "✓ demo.double passed (relative error 0e+00)\n" and out.err == ""


def test_a_known_mistake_gets_its_hint():
    said = failure(METHOD + "return x.square()")
    assert "`y` is off in 3 of 3 values" in said and said.endswith("Hint: Twice, not the second power.")


def test_another_mistake_gets_its_worst_element_and_no_hint():
    said = failure(METHOD + "return 3 * x")
    assert "the worst is 9 at [2], expected 6" in said and "Hint" not in said


def test_shape_and_dtype_come_before_values():
    assert "has shape (1, 3), expected (3,)" in failure(METHOD + "return x[None]")
    assert "has dtype torch.int64, expected torch.float32" in failure(METHOD + "return (2 * x).long()")


def test_an_exception_is_shown_with_the_students_own_line():
    said = failure(METHOD + "return torch.stack(x, y=undefined)")
    assert "NameError: name 'undefined' is not defined" in said
    assert "in your line 4: return torch.stack(x, y=undefined)" in said
    said = failure(METHOD + "return x @ torch.ones(7)")
    assert said.startswith("✗ demo.double: RuntimeError") and "in your line 4" in said


def test_what_was_not_run_is_named():
    assert "`Model` is not defined yet: run the cells above" in failure("pass")
    assert "there is no `double` yet: run the cell of demo.double" in failure(CLASS)


def test_another_signature_is_told_without_a_traceback():
    said = failure(CLASS + "@method_of(Model)\ndef double(self): return 1")
    assert "what it takes or returns is not what the notebook asks for" in said


def test_no_tensor_is_told():
    assert "`y` should be a tensor, but it is of type float" in failure(METHOD + "return 2.0")


def test_an_unfinished_todo_says_where_it_is():
    with pytest.raises(Unfinished, match="`double` is still to be written"):
        check(TASK.id, namespace(METHOD + "raise Unfinished()"))


def test_the_running_notebook_is_the_default(monkeypatch, capsys):
    student = SimpleNamespace(**vars(namespace(METHOD + "return 2 * x")))
    monkeypatch.setitem(sys.modules, "__main__", student)
    check(TASK.id)
    assert "passed" in capsys.readouterr().out


def test_methods_can_be_set_on_a_class_one_by_one():
    class Model:
        pass

    @method_of(Model)
    def double(self, x):
        return 2 * x

    assert Model().double(4) == 8 and double(None, 1) == 2
