"""The bank of mistakes goes through the grader: each costs exactly its task, and is known by name.

The warm path, which a class takes, sees all of one notebook's bank and an even choice of every other one; the cold
path, whose rooms load torch anew, must agree with it in every word on some of the first, and on a few of the others.
What a mistake does to its own task, test_tasks.py asks of each without a room, by the same probe, inputs of a grader's
and comparison. So another notebook has to show here only that its rooms hold what its tasks need, wrong and right.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from grading.classroom import hand_in, submission

from course_utils import notebooks, tasks
from course_utils.authoring import bank
from course_utils.grading import grade
from course_utils.grading.records import NotebookResult

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sandbox")]
WHOLE = "05_ddpm"  # its whole bank on the warm path
COLD = 16  # submissions of it on the cold path
MANY, FEW = 8, 3  # submissions of every other notebook on the warm path, and on the cold one


def combined(notebook: str) -> list[dict[str, bank.Entry]]:
    """Submissions of one mistake a task: as many as the task with most mistakes has, or an even choice of `MANY`."""
    entries = bank.read_bank(bank.bank_of(notebooks.source_of(notebook)))
    by_task = {t.id: [e for e in entries if e.task == t.id] for t in tasks.tasks_of(notebook)}
    made = [{id: known[k] for id, known in by_task.items() if k < len(known)}
            for k in range(max(map(len, by_task.values())))]
    assert sorted((e for wrong in made for e in wrong.values()), key=entries.index) == entries  # each once
    return made if notebook == WHOLE else made[::-(-len(made) // MANY)]


def graded(folder: Path, notebook: str, classes: list[dict[str, bank.Entry]], *, warm: bool) -> list[NotebookResult]:
    """What the grader says of these submissions, in their order."""
    for k, wrong in enumerate(classes):
        nb = submission(notebook, {id: entry.code for id, entry in wrong.items()})
        hand_in(folder / "in", f"student {k:02}", nb, notebook)
    found = {r.student: r.notebooks for r in grade(folder / "in", folder / "out", seed=7, warm=warm)}
    assert len(found) == len(classes)
    return [result for _, (result,) in sorted(found.items())]


@pytest.mark.parametrize("notebook", [p.stem for p in notebooks.sources()])
def test_each_mistake_costs_its_task_and_no_other_on_both_paths(tmp_path, notebook):
    classes = combined(notebook)
    warm = graded(tmp_path / "warm", notebook, classes, warm=True)
    for wrong, result in zip(classes, warm, strict=True):
        assert not result.reason and not result.stopped
        lost = {t.task: t.mistake for t in result.tasks if t.earned == 0}
        kept = {t.task for t in result.tasks if t.earned == t.points}
        assert lost == {id: entry.title for id, entry in wrong.items()}
        assert kept == {t.id for t in tasks.tasks_of(notebook)} - set(wrong)
    cold = graded(tmp_path / "cold", notebook, classes[:COLD if notebook == WHOLE else FEW], warm=False)
    assert cold == warm[:len(cold)]
