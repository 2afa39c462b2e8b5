"""The list of a class: a row for each student, a column for each notebook, sorted and filtered where it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from course_utils.grading.records import NotebookResult, Result
from course_utils.grading.reports.page import TEMPLATES, format_number

MANY = 4  # notebooks; with more, a column is headed by the number alone
SCRIPT = (TEMPLATES / "class/sort_and_filter.js").read_text("utf-8")


@dataclass(frozen=True)
class Row:
    """A student's row.

    Attributes:
        result: The student's.
        notebooks: For each column, the student's notebook or None.
        lost: The points that lateness cost.
        shown: These, as they are written; empty where nothing was late.
        late: What the late rules say, for those who point at the cell.
    """

    result: Result
    notebooks: list[NotebookResult | None]
    lost: float
    shown: str
    late: str


@dataclass(frozen=True)
class ClassList:
    """The list: its columns, each with a title for those who point at it, and its rows in their order."""

    columns: list[tuple[str, str]]
    rows: list[Row]
    is_waiting: bool  # whether an answer is not marked yet


def choose_names(results: list[Result]) -> dict[str, str]:
    """What each student is called: the id without the platform's number, where nobody else is called so."""
    bare = {r.student: strip_number(r) for r in results}
    taken = Counter(bare.values())
    return {student: name if taken[name] == 1 else student for student, name in bare.items()}


def strip_number(r: Result) -> str:
    """A student's id without the number that Moodle or Canvas puts behind a name."""
    ends = (f"_{number}" for number in r.ids.values() if r.student.endswith(f"_{number}"))
    return next((r.student.removesuffix(end) for end in ends if len(r.student) > len(end)), r.student)


def make_list(results: list[Result]) -> ClassList:
    """The list, sorted as `results` are; without a script it stays so."""
    notebooks = list(dict.fromkeys(n.notebook for r in results for n in r.notebooks))
    headings = [n if len(notebooks) <= MANY else n.partition("_")[0] for n in notebooks]
    columns = [("Student", ""), ("Total", "points, as they count"), *zip(headings, notebooks, strict=True),
               ("Late", "points lost by lateness")]
    is_waiting = any(t.unmarked for r in results for n in r.notebooks for t in n.tasks)
    return ClassList(columns, [_make_row(r, notebooks) for r in results], is_waiting)


def _make_row(r: Result, notebooks: list[str]) -> Row:
    by_name = {n.notebook: n for n in r.notebooks}
    late = [n for n in r.notebooks if n.late and n.mark is None]
    lost = sum(n.before - n.earned for n in late)
    shown = ("−" if lost else "") + format_number(lost) if late else ""
    return Row(r, [by_name.get(n) for n in notebooks], lost, shown, " ".join(f"{n.notebook}: {n.late}" for n in late))
