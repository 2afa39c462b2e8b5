"""The whole bank of mistakes goes through the grader: each costs exactly its task, and is known by name.

The warm path, which a class takes, sees every mistake; the cold one must agree with it in every word.
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
COLD = {"05_ddpm": None}  # how many submissions also take the cold path: here all, three of every other notebook


def combined(notebook: str) -> list[dict[str, bank.Entry]]:
    """Submissions that carry the k-th mistake of every task, as many as the task with most mistakes has."""
    entries = bank.read_bank(bank.bank_of(notebooks.source_of(notebook)))
    by_task = {t.id: [e for e in entries if e.task == t.id] for t in tasks.tasks_of(notebook)}
    made = [{id: known[k] for id, known in by_task.items() if k < len(known)}
            for k in range(max(map(len, by_task.values())))]
    assert sorted((e for wrong in made for e in wrong.values()), key=entries.index) == entries  # each once
    return made


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
    few = COLD.get(notebook, 3)
    assert graded(tmp_path / "cold", notebook, classes[:few], warm=False) == warm[:few]
