"""The visible check speaks in sentences: what is off, the student's own line, a hint; never a traceback of ours."""

from __future__ import annotations

import linecache
import signal
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
GIVEN = "import math\n\n\ndef twice(x):\n    return x + x"
METHOD = CLASS + "@method_of(Model)\ndef double(self, x):\n    "


@pytest.fixture(autouse=True)
def demo(monkeypatch):
    """One task with one known mistake, in the place of the course's."""
    inputs = {"x": torch.tensor([1.0, -2.0, 3.0])}
    record = lambda code: observe(TASK, namespace(METHOD + code), inputs)  # noqa: E731
    recorded = Recorded({TASK.id: inputs}, {TASK.id: record("return 2 * x")},
                        {TASK.id: [Mistake("squared", "Twice, not the second power.", record("return x ** 2"))]})
    recorded.owners, recorded.given = {TASK.id: "Model"}, {"setup": [GIVEN]}
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
    with pytest.raises(Unfinished, match="`Model.double` is still to be written"):
        check(TASK.id, namespace(METHOD + "raise Unfinished()"))


def test_the_running_notebook_is_the_default(monkeypatch, capsys):
    student = SimpleNamespace(**vars(namespace(METHOD + "return 2 * x")))
    monkeypatch.setitem(sys.modules, "__main__", student)
    check(TASK.id)
    assert "passed" in capsys.readouterr().out


# ---- the true reason -----------------------------------------------------------------------------------------------


def test_a_function_that_is_called_as_a_method_is_told(monkeypatch):
    helper = Task("demo.helper", 10, TASK.inputs, TASK.probe, 1e-4, 1e-5)
    monkeypatch.setattr(tasks, "tasks_of", lambda notebook: [TASK, helper])
    said = failure(METHOD + "return self.helper(x)")
    assert "`helper` is a function, not a method: call helper(…) by its name alone" in said and "in your line 4" in said


def test_of_two_methods_of_one_name_the_one_of_the_objects_class_is_missed(monkeypatch):
    other = Task("demo.Other.double", 10, TASK.inputs, TASK.probe, 1e-4, 1e-5)
    monkeypatch.setattr(tasks, "tasks_of", lambda notebook: [other, TASK])
    check_module.load_recorded("99_demo").owners["demo.Other.double"] = "Other"
    assert "run the cell of demo.double." in failure(CLASS)


def test_what_given_cells_define_is_brought_where_it_is_missing(capsys):
    nb = namespace(METHOD + "return twice(x) * math.cos(0)")
    names = set(vars(nb))
    check(TASK.id, nb)
    assert "passed" in capsys.readouterr().out and set(vars(nb)) == names
    assert "is off" in failure("twice = lambda x: x\n" + METHOD + "return twice(x)")  # the notebook's own comes first


@pytest.mark.parametrize("given", ["", GIVEN + "\n"])
def test_the_line_told_is_the_students_and_not_a_given_one(given):
    nb = namespace(METHOD + "return twice(None)")
    if given:
        linecache.cache["cell-2"] = (len(given), None, given.splitlines(True), "cell-2")
        exec(compile(given, "cell-2", "exec"), vars(nb))
    with pytest.raises(CheckFailed, match="TypeError: (.|\n)*in your line 4: return twice"):
        check(TASK.id, nb)


@pytest.mark.parametrize("code", ["x += x\n    return x", "return x.mul_(2)", "x[0] = 2\n    return 2 * x"])
def test_writing_into_what_is_given_is_told(code):
    assert "it writes into a tensor that it was given" in failure(METHOD + code)


def test_torchs_own_refusal_to_write_in_place_is_told_in_the_same_words():
    said = failure(METHOD + "x = x.clone().requires_grad_()\n    x += 1\n    return x")
    assert "it writes into a tensor that it was given" in said and "in your line 5: x += 1" in said


@pytest.mark.parametrize("setting", ["torch.set_default_dtype(torch.float64)", "torch.set_grad_enabled(False)",
                                     "torch.set_default_device('meta')"])
def test_the_notebooks_defaults_change_no_verdict_and_stay(setting, capsys):
    code = "w = torch.ones(3, requires_grad=True)\n    g, = torch.autograd.grad((w * 2 * x).sum(), w)\n    return g"
    state = lambda: (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_default_device())  # noqa: E731
    try:
        exec(setting)
        chosen = state()
        check(TASK.id, namespace(METHOD + code))
        assert state() == chosen
    finally:
        torch.set_default_dtype(torch.float32), torch.set_grad_enabled(True), torch.set_default_device(None)
    assert "passed" in capsys.readouterr().out


@pytest.mark.parametrize("loop", ["while True: pass", "while True:\n        try:\n            while True: pass\n"
                                  "        except TimeoutError: x = 0 / 0"])
def test_an_endless_loop_is_stopped(loop, monkeypatch):
    monkeypatch.setattr(check_module, "LONGEST", 0.2)
    said = failure(METHOD + loop)
    assert "stopped after 0.2 seconds" in said or "ZeroDivisionError" in said
    assert "in your line" in said and "check.py" not in said
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_right_answer_that_had_to_wait_is_not_stopped(monkeypatch, capsys):
    """An import from a slow disk, on a busy machine: not a loop."""
    monkeypatch.setattr(check_module, "LONGEST", 0.2)
    check(TASK.id, namespace(METHOD + "import time; time.sleep(0.3); return 2 * x"))
    assert "passed" in capsys.readouterr().out


def test_a_stub_that_replaced_a_method_of_the_class_says_so():
    whole = "class Model:\n    def double(self, x): return 2 * x\n"
    stub = "@method_of(Model)\ndef double(self, x):\n    raise Unfinished()\n"
    with pytest.raises(Unfinished, match=r"`Model.double` is a stub: its TODO cell ran after your class"):
        check(TASK.id, namespace(whole + stub + stub))
    with pytest.raises(Unfinished, match=r"`Model.double` is still to be written"):
        check(TASK.id, namespace("class Model: pass\n" + stub + stub))


RIGHT = "@method_of(Model)\ndef double(self, x):\n    return 2 * x"


@pytest.mark.parametrize("later, why", [
    (RIGHT + " +", "is no Python (invalid syntax, line 3)"),
    ("def double(self, x):\n    return 7", "lacks the line @method_of(Model) above its def"),
    ("1 / 0\n" + RIGHT.replace("2", "3"), "did not come to its end"),
    (RIGHT, None), ("@method_of(Other)\ndef double(self, x):\n    return 7", None), ("x = 7", None)])
def test_an_older_definition_is_told_under_the_tick(later, why, capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns["method_of"] = method_of
    for cell in (CLASS + "class Other: pass", RIGHT, later):
        shell.run_cell(cell, store_history=True)
    capsys.readouterr()
    check(TASK.id, Namespace(shell.user_ns))
    said = capsys.readouterr().out.splitlines()
    assert said[1:] == ([f"  This is the `double` of In [2]: the last run of its cell, In [3], {why}."] if why else [])


def test_methods_can_be_set_on_a_class_one_by_one():
    class Model:
        pass

    @method_of(Model)
    def double(self, x):
        return 2 * x

    assert Model().double(4) == 8 and double(None, 1) == 2
