"""Wrong answers without a name meet where they are one mistake, and nowhere else, whatever the seed and rounding."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
from grading.classroom import made_up_class

from course_utils import notebooks, tasks
from course_utils.authoring import bank
from course_utils.grading import grader, outcomes
from course_utils.grading.grader import AnswerKey
from course_utils.grading.records import NotebookResult, Result, TaskResult, load, save
from course_utils.grading.reports import overview
from course_utils.tasks import Outcome
from course_utils.tasks.recorded import load_recorded

NOTEBOOK, TASK = "05_ddpm", "ddpm.q_sample"
HALVED = "return extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start / 2 + noise / 2"
REWRITTEN = """half = torch.full_like(x_start, 0.5, dtype=torch.float64)
signal = extract(self.sqrt_alphas_cumprod.double(), t, x_start.shape)
return ((signal * x_start.double() + noise) * half).float()"""
THIRD = "return extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start / 3 + noise / 3"


class Room:
    """Answers a task by code of a student's, without walls."""

    def __init__(self, code: str):
        self._nb = notebooks.load(notebooks.source_of(NOTEBOOK), {TASK: code})

    def ask(self, id: str, inputs: dict[str, torch.Tensor]) -> Outcome:
        return tasks.observe(tasks.get(id), self._nb, inputs)


def judged(code: str, seed: int = 7) -> TaskResult:
    """What the grader says of the code in a run with this seed."""
    task, recorded = tasks.get(TASK), load_recorded(NOTEBOOK)
    inputs = tasks.draw_inputs(task, seed)
    reference = notebooks.load(notebooks.source_of(NOTEBOOK))
    wanted = tasks.observe(task, reference, inputs)
    key = AnswerKey(NOTEBOOK, [task], {TASK: inputs}, {TASK: wanted}, None, recorded, "",
                    Path())
    return grader._judge(task, key, Room(code))


def test_one_wrong_formula_is_one_group_under_other_seeds_and_another_rounding():
    same = [judged(HALVED), judged(HALVED, seed=8), judged(REWRITTEN, seed=9)]
    assert len({t.outcome for t in same}) == 1 and same[0].outcome.startswith("value ")
    assert same[0].sketch != same[2].sketch  # rounded otherwise
    other = [judged(THIRD), judged("return x_start[:, 0]"), judged("raise KeyError(3)"), judged("raise KeyError(4)")]
    n = NotebookResult(NOTEBOOK, [])
    found = outcomes.group_same([(str(i), n, t) for i, t in enumerate([*same, *other])])
    assert [[student for student, _, _ in group] for group in found] == [["0", "1", "2"], ["3"], ["4"], ["5"], ["6"]]


def test_an_address_in_a_message_is_chance_and_what_has_a_name_or_no_answer_is_in_no_group():
    objects = [judged("raise ValueError(f'what is {object()}?')") for _ in range(2)]
    assert outcomes.is_same(*objects) and outcomes.describe(objects[0]) == "The same exception"
    known = judged(next(e.code for e in bank.read_bank(bank.bank_of(notebooks.source_of("05"))) if e.task == TASK))
    unanswered = judged("class Unfinished(Exception): pass\nraise Unfinished")
    assert known.mistake and not known.outcome and not unanswered.outcome


def test_answers_right_on_the_recorded_inputs_alone_are_told():
    task, recorded = tasks.get(TASK), load_recorded(NOTEBOOK)
    learnt, _ = outcomes.fingerprint(recorded.reference[TASK], recorded.reference[TASK], task)
    assert outcomes.describe(TaskResult(TASK, 10, 0, outcome=learnt)) == "Right on the check's own inputs alone"


MEETING = {  # what differs by less than rounding does, though not for the check
    ("gan.generator_loss_saturating", "probabilities by hand", "probabilities in double precision"),
    ("mle.bernoulli_log_likelihood", "the number of orders counted in", "torch's Binomial"),
    ("start.rel_error", "another floor, 1e-12", "the floor below the quotient")}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", ["00_start_here", "01_mle", "04_gan", "05_ddpm"])  # those with the closest ones
def test_no_two_mistakes_of_a_bank_meet(notebook):
    recorded, met, compared = load_recorded(notebook), set(), 0
    for task in tasks.tasks_of(notebook):
        rows = [(m.title, *outcomes.fingerprint(m.outcome, recorded.reference[task.id], task))
                for m in recorded.mistakes[task.id]]
        pairs = list(combinations([(title, TaskResult(task.id, 1, 0, outcome=o, sketch=s)) for title, o, s in rows], 2))
        met |= {(task.id, a, b) for (a, s), (b, t) in pairs if outcomes.is_same(s, t)}
        compared += len(pairs)
    assert met <= MEETING and compared > 200


def test_what_is_not_finite_counts_by_its_place():
    task, odd = tasks.get(TASK), torch.tensor([1.0, float("nan"), 2.0])
    wrong = [Outcome({"x_t": x}) for x in (odd, odd.flip(0), odd.roll(1), torch.tensor([1.0, float("inf"), 2.0]))]
    found = [outcomes.fingerprint(o, Outcome({"x_t": torch.ones(3)}), task) for o in wrong]
    assert found[0][0].startswith("nan ") and found[0][0] != found[2][0]
    assert found[0][0] == found[1][0] == found[3][0] and found[0][1] != found[1][1]


def test_what_is_too_large_to_be_read_counts_by_its_shape():
    task, wanted = tasks.get(TASK), Outcome({"x_t": torch.ones(3)})
    large = [torch.zeros(1, dtype=torch.int8).expand(1 << 40, 2), torch.ones(1, dtype=torch.int8).expand(1 << 40, 3)]
    (one, sketch), (other, _) = (outcomes.fingerprint(Outcome({"x_t": x}), wanted, task) for x in large)
    assert one.startswith("shape ") and one != other and sketch == []


def test_the_class_page_counts_them_and_leads_to_one_cell(tmp_path):
    t = replace(judged(HALVED), cell=12)
    n = NotebookResult(NOTEBOOK, [t], sources=[(12, HALVED)])
    class_ = [Result(name, "", [n]) for name in ("ada", "ben", "cy")]
    alone = replace(judged(THIRD), cell=12)
    page = overview.render_page([*class_, Result("dee", "", [NotebookResult(NOTEBOOK, [alone])])])
    assert "<b>The same wrong value</b>" in page and '<span class="many">3' in page
    assert f'#{NOTEBOOK}-12">ada, cell 12</a>' in page and "1 wrong answer of a kind that nobody else gave" in page
    assert "without a name" not in overview.render_page(made_up_class(3))
    save(class_[0], tmp_path)
    assert load("ada", tmp_path) == class_[0]
