"""What differs between two reports: whose points, in which tasks, and whether the work, the rubric or neither changed.

Compared is what the machine found; marks by hand and lateness are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from course_utils.grading.records import NotebookResult, Result
from course_utils.grading.reports import tables
from course_utils.grading.reports.page import format_count, format_number, render
from course_utils.terminal import printable

HANDED_IN = "another submission"
RUBRIC = "a changed task"
POINTS = "changed points"
DRAWS = "only the draws are others"  # a verdict close to a tolerance, or a deadline


@dataclass(frozen=True)
class Change:
    """One task of one student: points before and now, and why they may differ."""

    student: str
    notebook: str
    task: str
    before: float
    now: float
    cause: str


@dataclass
class Changes:
    """All that differs.

    Attributes:
        tasks: Of every task in both reports, its points before and now.
        changes: Of each student and task in both, where the points earned differ.
        totals: Of each student in both, the points before and now, over the notebooks in both.
        only: What stands in one report alone, as sentences.
    """

    tasks: dict[str, tuple[float, float]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    totals: dict[str, tuple[float, float]] = field(default_factory=dict)
    only: list[str] = field(default_factory=list)

    def list_students(self) -> list[tuple[str, float, float, str]]:
        """Those whose total differs, the largest difference first: student, before, now, and the causes."""
        causes: dict[str, dict[str, None]] = {}
        for c in self.changes:
            causes.setdefault(c.student, {})[c.cause] = None
        rows = [(s, before, now, ", ".join(causes.get(s, {}))) for s, (before, now) in self.totals.items()
                if abs(now - before) > 1e-9]
        return sorted(rows, key=lambda r: -abs(r[2] - r[1]))

    def group_by_task(self) -> list[tuple[str, list[Change]]]:
        """The tasks whose points are others now, or in which a student who handed in the same gained or lost."""
        same = [c for c in self.changes if c.cause != HANDED_IN]
        rows = [(task, [c for c in same if c.task == task]) for task in self.tasks]
        return [(task, found) for task, found in rows if found or len(set(self.tasks[task])) > 1]


def compare(old: list[Result], new: list[Result]) -> Changes:
    """Compares two reports, student for student, notebook for notebook, task for task."""
    before, found = {r.student: r for r in old}, Changes(only=_find_unmatched(old, new))
    for r in {r.student: r for r in new}.values():
        if r.student in before:
            _add_student(found, before[r.student], r)
    return found


def _find_unmatched(old: list[Result], new: list[Result]) -> list[str]:
    """What stands in one report alone: students, notebooks, and tasks of the notebooks in both."""
    was, have = _list_tasks(old), _list_tasks(new)
    both = [n for n in have if n in was]
    students = [list(dict.fromkeys(r.student for r in results)) for results in (old, new)]
    return [*_describe_unmatched("student", *students), *_describe_unmatched("notebook", list(was), list(have)),
            *_describe_unmatched("task", [t for n in both for t in was[n]], [t for n in both for t in have[n]])]


def _add_student(found: Changes, old: Result, new: Result) -> None:
    """Puts a student's totals, tasks and changes into `found`, in place."""
    pairs = _pair_notebooks(old, new)
    found.totals[new.student] = sum(a.earned for a, _ in pairs), sum(b.earned for _, b in pairs)
    for a, b in pairs:
        now = {t.task: t for t in b.tasks}
        for s, t in ((s, now[s.task]) for s in a.tasks if s.task in now):
            found.tasks[t.task] = s.points, t.points
            if s.earned != t.earned:
                cause = (HANDED_IN if old.digest != new.digest else RUBRIC if a.rubric != b.rubric
                         else POINTS if s.points != t.points else DRAWS)
                found.changes.append(Change(new.student, b.notebook, t.task, s.earned, t.earned, cause))


def _pair_notebooks(old: Result, new: Result) -> list[tuple[NotebookResult, NotebookResult]]:
    was = {n.notebook: n for n in old.notebooks}
    return [(was[n.notebook], n) for n in new.notebooks if n.notebook in was]


def _list_tasks(results: list[Result]) -> dict[str, list[str]]:
    """The notebooks, each with its tasks."""
    return {n.notebook: [t.task for t in n.tasks] for r in results for n in r.notebooks}


def _describe_unmatched(what: str, old: list[str], new: list[str]) -> list[str]:
    """A sentence for each side that has names the other lacks."""
    sides = {"Only in the old report": [n for n in old if n not in set(new)],
             "Only in this report": [n for n in new if n not in set(old)]}
    return [f"{side}: {format_count(len(names), what)}, {', '.join(names)}." for side, names in sides.items() if names]


# ---- as text, table and page ---------------------------------------------------------------------------------------


def describe(c: Changes) -> list[str]:
    """The comparison for a terminal, a line each."""
    changed = c.list_students()
    ups = sum(now > before for _, before, now, _ in changed)
    both = format_count(len(c.totals), "student")
    lines = [f"Of {both} in both reports, {ups} gained and {len(changed) - ups} lost points."]
    for task, found in c.group_by_task():
        old, new = c.tasks[task]
        worth = f" (worth {format_number(old)} before, {format_number(new)} now)" if old != new else ""
        gained = sum(x.now > x.before for x in found)
        lines.append(f"  {task}{worth}: {gained} gained, {len(found) - gained} lost")
    lines += [f"  {s}: {format_number(before)} → {format_number(now)} ({format_signed(now - before)}), {cause}"
              for s, before, now, cause in changed]
    return [*map(printable, [*lines, *c.only])]


def format_table(c: Changes) -> str:
    """A line for each task of each student that has other points now, as CSV."""
    rows = [[x.student, x.notebook, x.task, format_number(x.before), format_number(x.now),
             round(x.now - x.before, 6), x.cause] for x in c.changes]
    return tables.format_csv([["student", "notebook", "task", "before", "now", "change", "cause"], *rows])


def render_page(c: Changes, names: dict[str, str], sandbox: bool = True) -> str:
    """The comparison as HTML, each student under the name that `names` has for the id."""
    return render("changes.html", "Changes", sandbox, summary=describe(c)[0], only=c.only,
                  tasks=[_make_task_row(task, found, c.tasks[task]) for task, found in c.group_by_task()],
                  students=[_make_student_row(names[student], *rest) for student, *rest in c.list_students()])


@dataclass(frozen=True)
class _Student:
    """The first cell of a student's row."""

    name: str
    cause: str


def _make_task_row(task: str, found: list[Change], points: tuple[float, float]) -> list[str]:
    gained = sum(x.now > x.before for x in found)
    return [task, " → ".join(dict.fromkeys(map(format_number, points))), str(gained), str(len(found) - gained)]


def _make_student_row(name: str, before: float, now: float, cause: str) -> list[_Student | str]:
    return [_Student(name, cause), format_number(before), format_number(now), format_signed(now - before)]


def format_signed(points: float) -> str:
    """+2.5 or −3, with a minus sign that is no hyphen."""
    return f"+{format_number(points)}" if points > 0 else f"−{format_number(-points)}"
