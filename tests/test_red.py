"""A cell that fails below a red check: a sentence names the check, in the place of torch's traceback or under it."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell

from course_utils import check as check_module
from course_utils import notebooks
from course_utils.authoring import build
from course_utils.cells import run
from course_utils.check import CheckFailed, Unfinished, check, name_red
from course_utils.tasks.explain import blame, still_red
from course_utils.tasks.recorded import load_recorded

SOURCE = notebooks.source_of("05_ddpm")
RED = "`ddpm.q_sample` is still red: mend it first, this cell uses it."
OPEN = "`ddpm.q_sample` is still open: write it first, this cell uses it."
USES = "x = torch.ones(2, 3)\nGaussianDiffusion(None, image_size=8, timesteps=10).q_sample(x, torch.tensor([0, 9]), x)"
RAISES, RETURNS_NONE = "return x_start @ torch.ones(7)", "return None"


TASK, CHECK, FIGURE = "ddpm-q_sample-todo", "ddpm-q_sample", "demo-5"
ABOVE = ["setup-1", "demo-1", "ddpm-cosine_beta_schedule-todo", "setup-2", "ddpm-extract-todo", "setup-3"]


def cells_with(code: str | None = None) -> dict[str, str]:
    """The texts of 05's cells by their ids, with `code` in the place of q_sample's solution."""
    nb = notebooks.replace(notebooks.read(SOURCE), {} if code is None else {"ddpm.q_sample": code})
    return {c.id: c.source for c in nb.cells}


def shown_below(cells: list[str], folder) -> list[str]:
    """What a kernel shows under each cell, without colours, after the cells that `q_sample` needs."""
    nb, given = notebooks.read(SOURCE), cells_with()
    nb.cells = [new_code_cell(text) for text in [*(given[id] for id in ABOVE), *cells]]
    ran = build.execute(nb, folder, allow_errors=True).cells[len(ABOVE):]
    shown = ["\n".join(line for o in c.outputs for line in o.get("traceback", [o.get("text", "")])) for c in ran]
    return [re.sub(r"\x1b\[[\d;]*m", "", text).strip() for text in shown]


def test_in_a_kernel_a_given_figure_shows_a_sentence_and_an_own_cell_its_traceback_too(tmp_path):
    task, asked, figure = (cells_with(RAISES)[id] for id in (TASK, CHECK, FIGURE))
    says = "from course_utils.check import name_red\nprint('same outputs: False', name_red())"
    cells = [task, asked, figure, USES, "1 / 0", says, f"{task}\n\n{USES}", cells_with()[TASK], asked, figure, says]
    _, red, drawn, own, other, printed, below, _, green, drawn_now, printed_now = shown_below(cells, tmp_path)
    assert red.startswith("✗ ddpm.q_sample: RuntimeError") and drawn == RED and printed == f"same outputs: False {RED}"
    assert "RuntimeError" in own and "q_sample(self, x_start, t, noise)" in own and own.endswith(RED)
    assert other.endswith("ZeroDivisionError: division by zero")
    assert "RuntimeError" in below and "still red" not in below  # a task's own cell
    assert green.startswith("✓") and "Error" not in drawn_now and printed_now == "same outputs: False"


def test_in_a_kernel_stubs_keep_their_words_and_what_a_red_task_returned_is_told(tmp_path):
    stub, none = cells_with("raise Unfinished()")[TASK], cells_with(RETURNS_NONE)[TASK]
    asked, figure = (cells_with()[id] for id in (CHECK, FIGURE))
    _, unfinished, not_drawn, _, _, drawn = shown_below([stub, asked, figure, none, asked, figure], tmp_path)
    said = "`GaussianDiffusion.q_sample` is still to be written: fill in its TODO and run that cell again."
    assert " ".join(unfinished.split()) == " ".join(not_drawn.split()) == said
    assert drawn == f"{RED}\nTypeError: 'NoneType' object is not subscriptable"


# ---- without a kernel ----------------------------------------------------------------------------------------------


@pytest.fixture
def verdicts(monkeypatch):
    """What this process's checks said, forgotten at the end."""
    fresh: dict[str, str] = {}
    monkeypatch.setattr(check_module, "_verdicts", fresh)
    return fresh


@pytest.mark.parametrize("code, said", [(RETURNS_NONE, RED), ("raise Unfinished()", OPEN)])
def test_a_check_remembers_what_it_said_until_it_passes(code, said, verdicts, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    monkeypatch.setitem(sys.modules, "__main__", notebooks.load(SOURCE, {"ddpm.q_sample": code}))
    with pytest.raises((CheckFailed, Unfinished)):
        check("ddpm.q_sample")
    assert name_red() == name_red(["ddpm.q_sample"]) == said and name_red(["ddpm.extract"]) == ""
    monkeypatch.delitem(sys.modules, "IPython")
    monkeypatch.setitem(sys.modules, "__main__", notebooks.load(SOURCE))
    check("ddpm.q_sample")
    assert name_red() == "" and "passed" in capsys.readouterr().out


def test_another_notebooks_names_are_no_verdict_on_the_running_one(verdicts):
    with pytest.raises(CheckFailed):
        check("ddpm.q_sample", notebooks.load(SOURCE, {"ddpm.q_sample": RETURNS_NONE}))
    assert verdicts == {} and name_red() == ""


def test_a_handler_that_is_there_stays(verdicts, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "__main__", notebooks.load(SOURCE))
    check("ddpm.q_sample")
    assert shell.custom_exceptions == (Exception,)
    shell.set_custom_exc((KeyError,), lambda *_, **__: None)
    check("ddpm.q_sample")
    assert shell.custom_exceptions == (KeyError,)


def test_a_sentence_names_all_that_are_red_and_all_that_are_open():
    said = still_red({"ddpm.a": "red", "ddpm.b": "open", "ddpm.c": "red"}, "may need")
    assert said == "`ddpm.a`, `ddpm.c` are still red, `ddpm.b` is still open: mend them first, this cell may need them."
    assert still_red({}) == ""


@pytest.mark.parametrize("verdicts, said", [
    ({"ddpm.q_sample": "red", "ddpm.extract": "red"}, RED),
    ({"ddpm.extract": "red"}, "`ddpm.extract` is still red: mend it first, this cell may need it.")])
def test_a_given_cell_that_fails_elsewhere_names_what_it_calls_or_all(verdicts, said):
    nb = notebooks.load(SOURCE, {"ddpm.q_sample": RETURNS_NONE})
    run(cells_with()["demo-1"], "<imports>", nb)
    with pytest.raises(TypeError) as caught:
        run(cells_with()[FIGURE], "<a given cell>", nb)
    error = caught.value.with_traceback(caught.tb.tb_next)  # without this file's frame, which is not the course's
    assert blame(error, verdicts, nb, load_recorded("05_ddpm")) == (f"{said}\nTypeError: {error}", True)
