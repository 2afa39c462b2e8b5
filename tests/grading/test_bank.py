"""The whole bank of mistakes goes through the grader: each costs exactly its task, and is known by name.

The cold path and the warm one must agree in every word.
"""

from __future__ import annotations

import itertools

import pytest
from grading.classroom import hand_in, submission

from course_utils import notebooks, tasks
from course_utils.authoring import bank
from course_utils.grading import grade

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sandbox")]


def combined(notebook: str) -> list[dict[str, bank.Entry]]:
    """Submissions that carry the k-th mistake of every second task; both halves of the tasks have their turn."""
    entries = bank.read_bank(bank.bank_of(notebooks.source_of(notebook)))
    by_task = {t.id: [e for e in entries if e.task == t.id] for t in tasks.tasks_of(notebook)}
    most = max(map(len, by_task.values()))
    halves = [list(by_task)[0::2], list(by_task)[1::2]]
    made = [{id: by_task[id][k] for id in half if k < len(by_task[id])} for k in range(most) for half in halves]
    carried = list(itertools.chain.from_iterable(wrong.values() for wrong in made))
    assert sorted(carried, key=entries.index) == entries  # every mistake has its turn, once
    return [wrong for wrong in made if wrong]


@pytest.mark.parametrize("notebook", [p.stem for p in notebooks.sources()])
def test_each_mistake_costs_its_task_and_no_other_on_both_paths(tmp_path, notebook):
    classes = combined(notebook)
    for k, wrong in enumerate(classes):
        nb = submission(notebook, {id: entry.code for id, entry in wrong.items()})
        hand_in(tmp_path / "in", f"student {k:02}", nb, notebook)
    warm, cold = ({r.student: r.notebooks for r in grade(tmp_path / "in", tmp_path / out, seed=7, warm=out == "warm")}
                  for out in ("warm", "cold"))
    assert warm == cold
    assert len(cold) == len(classes)
    for k, wrong in enumerate(classes):
        (graded,) = cold[f"student {k:02}"]
        assert not graded.reason and not graded.stopped
        lost = {t.task: t.mistake for t in graded.tasks if t.earned == 0}
        kept = {t.task for t in graded.tasks if t.earned == t.points}
        assert lost == {id: entry.title for id, entry in wrong.items()}
        assert kept == {t.id for t in tasks.tasks_of(notebook)} - set(wrong)
