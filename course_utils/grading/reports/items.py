"""What a class's answers say about the tasks: how many solve each, whom it tells apart, and how it went run by run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from statistics import mean

from course_utils import files
from course_utils.grading.records import UNFILLED, Result, TaskResult
from course_utils.grading.reports import tables

KINDS = {"right": "right", "partly": "partly right", "wrong": "not right", "empty": "not filled in"}
FEWEST = 10  # students, for a correlation that is more than chance
POOR = 0.2  # below this, a task hardly tells those who know the notebook from those who do not (Ebel 1965)
TREND = "trend.csv"
RUNS = 20  # the latest that are kept

Trend = dict[str, list[float]]  # by task, the share of right answers in each run


def count_answers(results: list[Result]) -> dict[str, dict[str, Counter[str]]]:
    """For each notebook, each task's answers counted by kind, among those who handed in a notebook to grade.

    A question in words counts where it has a mark.
    """
    found: dict[str, dict[str, Counter[str]]] = {}
    for r in results:
        for n in r.notebooks:
            table = found.setdefault(n.notebook, {})
            for t in n.tasks:
                table.setdefault(t.task, Counter()).update([] if n.reason or t.unmarked else [classify(t)])
    return found


def classify(t: TaskResult) -> str:
    """One of `KINDS`."""
    return "right" if t.right else "partly" if t.earned else "empty" if t.why == UNFILLED else "wrong"


def compute_discrimination(results: list[Result]) -> dict[str, float]:
    """How far those who solve a task also have the other points of its notebook: the item-rest correlation, in [-1, 1].

    It is the correlation of a task's points with the sum of the notebook's other tasks, without the task's own part in
    it (Henrysson 1963, "Correction of item-total correlations in item analysis", Psychometrika 28); where a task is
    right or wrong, the point-biserial one. A task that all or none solve, or that too few answered, has none.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    for n in (n for r in results for n in r.notebooks if not n.reason):
        counted = [t for t in n.tasks if not t.unmarked]
        total = sum(t.earned for t in counted)
        for t in counted:
            pairs.setdefault(t.task, []).append((t.earned, total - t.earned))
    found = {task: correlate(both) for task, both in pairs.items() if len(both) >= FEWEST}
    return {task: r for task, r in found.items() if r is not None}


def correlate(pairs: list[tuple[float, float]]) -> float | None:
    """Pearson's; None where one side is always the same."""
    middle = [mean(side) for side in zip(*pairs, strict=True)]
    x, y = ([pair[i] - middle[i] for pair in pairs] for i in (0, 1))
    spread = sqrt(sum(a * a for a in x) * sum(b * b for b in y))
    return sum(a * b for a, b in zip(x, y, strict=True)) / spread if spread > 1e-9 else None


# ---- run by run ----------------------------------------------------------------------------------------------------


def update_trend(path: Path, results: list[Result]) -> Trend:
    """Puts a run's counts into the report's `trend.csv`, where they differ from the last run's, and gives all runs'."""
    runs = _read(path) if path.exists() else []
    now = {task: (c["right"], sum(c.values()))
           for table in count_answers(results).values() for task, c in table.items()}
    if now and (not runs or runs[-1][1] != now):
        runs = [*runs, (datetime.now(UTC).isoformat(timespec="seconds"), now)][-RUNS:]
        rows = [[time, task, *counts] for time, counted in runs for task, counts in counted.items()]
        files.write(path, tables.format_csv([["run", "task", "right", "answers"], *rows]))
    return {task: [right / total for _, counted in runs for right, total in [counted.get(task, (0, 0))] if total]
            for task in now}


def _read(path: Path) -> list[tuple[str, dict[str, tuple[int, int]]]]:
    """The runs of a file, as far as it can be understood."""
    runs: dict[str, dict[str, tuple[int, int]]] = {}
    for _, row in tables.read(path):
        if row and len(row) == 4 and row[2].isdecimal() and row[3].isdecimal():
            runs.setdefault(row[0], {})[row[1]] = int(row[2]), int(row[3])
    return list(runs.items())
