"""The probes of notebook 05: what they put in the place of other tasks, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from course_utils import notebooks
from course_utils.authoring import bank
from course_utils.check import CheckFailed, check
from course_utils.tasks import ddpm, draw_inputs, observe, tasks_of

SOURCE = notebooks.source_of("05_ddpm")
VARIANTS = Path(__file__).parent / "variants" / "05_ddpm_keywords.py"


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(SOURCE)


def test_what_the_probes_call_known_is_what_the_reference_answers(nb):
    """On the chain of three steps the stand-ins must equal the right methods, or right answers would fail."""
    first, second = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(0))
    t = torch.arange(3)
    for name in ("q_sample", "predict_start_from_noise", "predict_noise_from_start", "mean_from_noise", "q_posterior"):
        stand_in = vars(ddpm.Known)[name]
        args = (first, second, t) if name == "q_posterior" else (first, t, second)
        want, got = stand_in(None, *args), ddpm.ask_known(nb, name, *args)
        if name == "q_posterior":
            torch.testing.assert_close(got[1], want[1])
            want, got = want[0], got[0]
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    for variance in ("beta", "posterior"):
        for i in t:
            args = (first, i.expand(3), second, first.flip(0), variance)
            got, want = ddpm.ask_known(nb, "ancestral_step", *args), ddpm.Known().ancestral_step(*args)
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)


def test_a_step_through_another_task_passes_while_that_one_is_not_written(capsys):
    right = bank.read_bank(VARIANTS)
    through = {entry.task: entry.code for entry in right if entry.task == "ddpm.p_sample"}
    assert "self.ancestral_step(" in through["ddpm.p_sample"]
    for others in ("raise Unfinished()", "return x_t"):
        check("ddpm.p_sample", notebooks.load(SOURCE, through | {"ddpm.ancestral_step": others}))
    assert capsys.readouterr().out.count("passed") == 2


@pytest.mark.parametrize("id, code, name", [
    ("ddpm.ancestral_step", "z[t == 0] = 0\nreturn self.mean_from_noise(x_t, t, noise_pred) + z", "z"),
    ("ddpm.q_sample", "with torch.no_grad():\n    noise.mul_(2)\nreturn x_start + noise", "noise")])
def test_what_is_written_into_is_named(id, code, name):
    with pytest.raises(CheckFailed, match=f"a tensor that it was given, `{name}` "):
        check(id, notebooks.load(SOURCE, {id: code}))


def test_an_unpacked_condition_is_told():
    code = "return self.model(x_start, t, **model_kwargs).mean()"
    with pytest.raises(CheckFailed, match=r"called as model\(x_t, t, model_kwargs\)"):
        check("ddpm.p_losses", notebooks.load(SOURCE, {"ddpm.p_losses": code}))


@pytest.mark.parametrize("task", tasks_of("05_ddpm"), ids=lambda task: task.id)
def test_a_probe_leaves_the_notebook_as_it_was(nb, task):
    before = dict(vars(nb))
    observe(task, nb, draw_inputs(task))
    assert vars(nb) == before


def test_stand_ins_go_even_after_an_error(nb):
    before = dict(vars(nb))
    with pytest.raises(AttributeError, match="no_such_method"):
        ddpm.ask_known(nb, "no_such_method")
    assert vars(nb) == before


def test_the_stand_in_for_extract_is_no_answer_to_it(nb):
    task = tasks_of("05_ddpm")[1]
    assert task.id == "ddpm.extract"
    with ddpm.stand_ins(nb, extract=ddpm._extract):
        outcome = observe(task, nb, draw_inputs(task))
    assert outcome.error == "KeyError"  # it knows images and points, not sequences
