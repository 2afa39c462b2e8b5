"""The page about a class: how the points are spread, which tasks are hard, which mistakes are common, whom to see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from course_utils.grading import outcomes
from course_utils.grading.records import NotebookResult, Result
from course_utils.grading.reports import classlist, items
from course_utils.grading.reports.items import KINDS, count_answers
from course_utils.grading.reports.page import format_number, has_text, render

MAX_WHY = 200  # characters of what an exception says
SECTIONS = {"points": "Points", "odd": "To look at", "tasks": "Tasks", "mistakes": "Common mistakes",
            "unnamed": "Mistakes without a name", "similar": "Similar work", "students": "Students"}


@dataclass(frozen=True)
class Slip:
    """A known mistake and the students who made it."""

    task: str
    title: str
    hint: str
    students: list[str]


@dataclass(frozen=True)
class Histogram:
    """How many students earned 0 to 10 % of the points, and so on: number and height in percent; and in words."""

    columns: list[tuple[int, str]]
    said: str


@dataclass(frozen=True)
class TaskRow:
    """A task's answers.

    Attributes:
        said: All of it in words.
        stack: The kinds of answers, each with its width in percent.
        percent: The share of right ones.
        tells: How the task tells students apart, such as `.45`; empty where that is not known.
        line: The shares of right answers, run by run, as a polyline's points; empty for one run.
    """

    task: str
    said: str
    stack: list[tuple[str, str]]
    percent: str
    tells: str
    is_poor: bool
    line: str


@dataclass(frozen=True)
class TaskTable:
    """A notebook's tasks, how many students handed it in, and which tasks everybody or nobody solved."""

    notebook: str
    handed_in: int
    rows: list[TaskRow]
    has_runs: bool
    solved: dict[str, list[str]]


@dataclass(frozen=True)
class UnnamedMistake:
    """The same wrong answer of several students, with one of them as an example."""

    task: str
    kind: str
    students: list[str]
    student: str
    notebook: NotebookResult
    cell: int
    why: str


def compute_shares(results: list[Result]) -> list[float]:
    """Each student's share of the points, in [0, 1]."""
    return [min(1.0, r.total / r.max) if r.max else 0.0 for r in results]


def find_slips(results: list[Result]) -> list[Slip]:
    """The known mistakes that were made, the commonest first."""
    found: dict[tuple[str, str], Slip] = {}
    for r in results:
        for t in (t for n in r.notebooks for t in n.tasks if t.mistake):
            found.setdefault((t.task, t.mistake), Slip(t.task, t.mistake, t.hint, [])).students.append(r.student)
    return sorted(found.values(), key=lambda s: -len(s.students))


def render_page(results: list[Result], notes: Sequence[str] = (), sandbox: bool = True,
                trend: items.Trend | None = None, pairs: int | None = None) -> str:
    """The class report as HTML.

    Args:
        results: In the order in which the students are to be listed.
        notes: Sentences for the instructor, about files that could not be understood.
        trend: How each task went, run by run.
        pairs: How many pairs of similar work lie on a page of their own; None where nobody asked.
    """
    odd, slips, tells = [r for r in results if r.reason], find_slips(results), items.compute_discrimination(results)
    unnamed = outcomes.group_same((r.student, n, t) for r in results for n in r.notebooks for t in n.tasks)
    shared = [_make_unnamed(group) for group in unnamed if len(group) > 1]
    left_out = {"odd": not odd, "mistakes": not slips, "unnamed": not unnamed, "similar": pairs is None}
    return render(
        "class.html", "Class report", sandbox, classlist.SCRIPT, notes=notes, students=len(results),
        sections={id: heading for id, heading in SECTIONS.items() if not left_out.get(id)},
        points=format_number(max((r.max for r in results), default=0)), tiles=_make_tiles(results, len(odd)),
        names=classlist.choose_names(results), histogram=_make_histogram(compute_shares(results)), odd=odd,
        kinds=KINDS, task_tables=_make_task_tables(results, tells, trend or {}), tells_apart=bool(tells), slips=slips,
        unnamed={"shared": shared, "alone": len(unnamed) - len(shared)}, pairs=pairs,
        class_list=classlist.make_list(results))


def _make_tiles(results: list[Result], odd: int) -> dict[str, object]:
    every = compute_shares(results) or [0]
    return {"students": len(results), "mean": f"{mean(every):.0%}", "median": f"{median(every):.0%}", "to look at": odd}


def _make_histogram(every: list[float]) -> Histogram:
    bins = Counter(min(9, int(share * 10 + 1e-9)) for share in every)
    highest = max(bins.values(), default=1)
    said = "; ".join(f"{10 * i} to {10 * i + 10} %: {bins[i]}" for i in range(10) if bins[i])
    return Histogram([(bins[i], f"{85 * bins[i] / highest:.1f}") for i in range(10)], said)


def _make_task_tables(results: list[Result], tells: dict[str, float], trend: items.Trend) -> list[TaskTable]:
    made = []
    for notebook, table in count_answers(results).items():
        handed_in = max((sum(c.values()) for c in table.values()), default=0)
        rows = [_make_task_row(task, c, tells.get(task), trend.get(task, [])) for task, c in table.items()]
        answered = {t: c["right"] for t, c in table.items() if 0 < handed_in == sum(c.values())}
        solved = {who: [t for t, right in answered.items() if right == wanted]
                  for who, wanted in (("everybody", handed_in), ("nobody", 0))}
        made.append(TaskTable(notebook, handed_in, rows, any(row.line for row in rows), solved))
    return made


def _make_task_row(task: str, counted: Counter[str], tells: float | None, runs: list[float]) -> TaskRow:
    total = sum(counted.values())
    said = ", ".join(f"{counted[k]} {words}" for k, words in KINDS.items() if counted[k]) or "no answers"
    said += f"; r = {tells:.2f}" if tells is not None else ""
    said += f"; run by run: {', '.join(f'{share:.0%}' for share in runs)}" if len(runs) > 1 else ""
    stack = [(k, f"{100 * counted[k] / total:.1f}") for k in ("right", "partly", "wrong") if counted[k]]
    percent = f"{counted['right'] / total:.0%}" if total else "–"
    return TaskRow(task, said, stack, percent, "" if tells is None else format_correlation(tells),
                   tells is not None and tells < items.POOR, _draw_line(runs))


def format_correlation(r: float) -> str:
    """A correlation, .45 or −.12: without the 0 that it always begins with."""
    return f"{r:.2f}".replace("0.", ".").replace("-", "−")


def _draw_line(runs: list[float]) -> str:
    """The shares of right answers, run by run, from 0 at the bottom of a small picture to 1 at its top."""
    if len(runs) < 2:
        return ""
    return " ".join(f"{2 + 36 * i / (len(runs) - 1):.1f},{14 - 12 * share:.1f}" for i, share in enumerate(runs))


def _make_unnamed(group: list[outcomes.Answer]) -> UnnamedMistake:
    """The group's entry, with a student whose page shows the cell as the example, where there is one."""
    student, n, t = next((a for a in group if has_text(a[2].cell, a[1])), group[0])
    why = t.why if len(t.why) <= MAX_WHY else t.why[:MAX_WHY] + " …"
    return UnnamedMistake(t.task, outcomes.describe(t), [s for s, _, _ in group], student, n, t.cell, why)
