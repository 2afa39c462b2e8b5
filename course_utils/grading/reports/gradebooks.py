"""Files that a learning platform's gradebook takes in: Canvas's import CSV, and one for both of Moodle's imports.

Canvas knows students by `ID`, else by login, else by name; `Title (id)` is an assignment that it has, a title without
an id becomes a new one. Moodle's gradebook lets the instructor say which column is what; its assignments take a
worksheet with `Identifier`, `Grade` and `Last modified (grade)`, and leave other columns alone.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from pathlib import Path

from course_utils.grading.intake.names import tidy
from course_utils.grading.records import NotebookResult, Result
from course_utils.grading.reports import marks, tables
from course_utils.grading.reports.page import format_number

WHO = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
POSSIBLE = "Points Possible"
Points = tuple[float, float] | None  # earned, and what there are; None where there is nothing yet
Column = tuple[str, float, list[Points]]  # notebook or task, its points, and each student's


def make_files(results: list[Result], canvas: Template | None = None) -> tuple[dict[str, str], list[str]]:
    """The files by name, and sentences about what the exported gradebook `canvas` does not have."""
    notebooks, tasks = make_columns(results)
    found = {"canvas.csv": format_canvas(results, notebooks), "canvas-tasks.csv": format_canvas(results, tasks),
             "moodle.csv": format_moodle(results, [*notebooks, *tasks])}
    if canvas is None:
        return found, []
    found["canvas.csv"], notes = fill_template(canvas, results, notebooks, tasks)
    return found, notes


def make_columns(results: list[Result]) -> tuple[list[Column], list[Column]]:
    """Each notebook's points and each task's, as they count, student for student; None where a student has none."""
    notebooks: dict[str, dict[str, Points]] = {}
    tasks: dict[str, dict[str, Points]] = {}
    for r in results:
        for n in r.notebooks:
            notebooks.setdefault(n.notebook, {})[r.student] = n.earned, n.points
            for t, earned in zip(n.tasks, share_points(n), strict=True):
                tasks.setdefault(t.task, {})[r.student] = None if t.unmarked else (earned, t.points)
    return tuple([(id, max(points[1] for points in by.values() if points), [by.get(r.student) for r in results])
                  for id, by in kind.items() if any(by.values())] for kind in (notebooks, tasks))


def share_points(n: NotebookResult) -> list[float]:
    """What each task brings of the points that count, after lateness or by a mark for the whole: they add up to those.

    A mark for a notebook without any points is shared out by what the tasks are worth.
    """
    weights = [t.earned if n.before else t.points for t in n.tasks]
    return [n.earned * weight / (sum(weights) or 1) for weight in weights]


# ---- Canvas --------------------------------------------------------------------------------------------------------


def format_canvas(results: list[Result], found: list[Column]) -> str:
    """A gradebook with these columns, which Canvas makes new assignments of when it has none of their titles."""
    rows = [[*WHO, *(id for id, _, _ in found)],
            [POSSIBLE, *[""] * 4, *(format_number(points) for _, points, _ in found)]]
    for i, r in enumerate(results):
        rows.append([r.student, r.ids.get("canvas", ""), "", r.student, "", *(_format_points(c[2][i]) for c in found)])
    return tables.format_csv(rows)


class Template:
    """A gradebook that Canvas exported: who is in the course, and which assignments there are.

    Raises:
        ValueError: When the file is no such gradebook.
    """

    def __init__(self, path: Path):
        rows = [row for _, row in tables.read(path) if row]
        header = [cell.strip() for cell in rows[0]] if rows else []
        if not {"ID", "Section"} <= set(header) or not {"Student", "LastName"} & set(header):
            raise ValueError(f"{path} is no gradebook exported by Canvas, which begins with Student, ID and Section.")
        self.name, self.width = path.name, header.index("Section") + 1
        self.header = header
        above = [row for row in rows[1:3] if "Points Possible" in row[0]]
        self.possible = above[0] if above else []
        self.students = [row for row in rows[1:] if len(row) >= self.width and "Points Possible" not in row[0]
                         and row[header.index("ID")].strip()]

    def find_column(self, id: str) -> int | None:
        """Where the assignment of this title stands, with its number behind it or without."""
        titles = [tidy(re.sub(r"\s*\(\d+\)$", "", title)).lower() for title in self.header]
        places = [i for i, title in enumerate(titles) if i >= self.width and title == id.lower()]
        return places[0] if len(places) == 1 else None

    def find_row(self, r: Result) -> list[str] | None:
        """A student's row: by Canvas's own id, else by whatever is the folder's name; None unless it is one row."""
        place = self.header.index("ID")
        if "canvas" in r.ids:
            return _take_single(row for row in self.students if row[place].strip() == r.ids["canvas"])
        wanted = tidy(r.student).lower()
        return _take_single(row for row in self.students if wanted in self._collect_names(row))

    def _collect_names(self, row: list[str]) -> set[str]:
        """All that a student is called: id, login, `Last, First` and `First Last`."""
        said = {name: tidy(cell).lower() for name, cell in zip(self.header, row[:self.width - 1], strict=False)}
        last, _, first = said.get("Student", f"{said.get('LastName')}, {said.get('FirstName')}").partition(", ")
        return {*said.values(), f"{first} {last}".strip()} - {""}


def fill_template(template: Template, results: list[Result], notebooks: list[Column],
                  tasks: list[Column]) -> tuple[str, list[str]]:
    """The columns that a template has, with its titles, ids and students; and sentences about what it has not."""
    wanted, notes = _match_columns(template, notebooks, tasks)
    rows, more = _match_students(template, results)
    titles = [template.header[place] if place is not None else c[0] for c, place in wanted]
    possible = [_read_cell(template.possible, place) or format_number(c[1]) for c, place in wanted]
    differing = [f"{title} has {there} points in Canvas and {format_number(c[1])} here; Canvas's are kept."
                 for title, there, (c, _) in zip(titles, possible, wanted, strict=True) if not _is_same(there, c[1])]
    blank = [""] * (template.width - 1)
    table = [[*template.header[:template.width], *titles], [POSSIBLE, *blank, *possible]]
    table += [[*row[:template.width], *(_format_points(c[2][i]) for c, _ in wanted)] for i, row in rows]
    return tables.format_csv(table), [*notes, *more, *differing]


def _match_columns(template: Template, notebooks: list[Column], tasks: list[Column],
                   ) -> tuple[list[tuple[Column, int | None]], list[str]]:
    """The columns to fill, each with its place in the template; without any there, all notebooks, as new ones."""
    places = [(c, template.find_column(c[0])) for c in (*notebooks, *tasks)]
    found = [(c, place) for c, place in places if place is not None]
    missing = [c[0] for c, place in places[:len(notebooks)] if place is None]
    if found or not missing:
        return found, []
    note = f"{template.name} has no assignment named {' or '.join(missing)}; Canvas would make new ones."
    return [(c, None) for c in notebooks], [note]


def _match_students(template: Template, results: list[Result]) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The template's row of each result that has one, by the result's place; and sentences about the others."""
    rows = [(i, template.find_row(r)) for i, r in enumerate(results)]
    found = [(i, row) for i, row in rows if row is not None]
    lost = [results[i].student for i, row in rows if row is None]
    notes = [f"{template.name} has no student {', '.join(map(repr, lost))}; not in canvas.csv."] if lost else []
    twice = [row[0] for row, n in Counter(tuple(row) for _, row in found).items() if n > 1]
    notes += [f"{template.name}: more than one submission belongs to {', '.join(map(repr, twice))}."] if twice else []
    return found, notes


def _take_single(rows: object) -> list[str] | None:
    found = list(rows)
    return found[0] if len(found) == 1 else None


def _read_cell(row: list[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _is_same(there: str, points: float) -> bool:
    try:
        return float(there.replace(",", ".")) == points
    except ValueError:
        return True  # Canvas writes "(read only)", or nothing


def _format_points(points: Points) -> str:
    return "" if points is None else format_number(points[0])


# ---- Moodle --------------------------------------------------------------------------------------------------------


def format_moodle(results: list[Result], found: list[Column]) -> str:
    """All columns in percent, since 100 points are the most that Moodle takes unless its settings say otherwise."""
    rows = [["Identifier", "Student", "Grade", "Last modified (grade)", *(f"{id} (%)" for id, _, _ in found),
             "Feedback comments"]]
    for i, r in enumerate(results):
        identifier = f"Participant {r.ids['moodle']}" if "moodle" in r.ids else ""
        rows.append([identifier, r.student, _format_percent((r.total, r.max)), "",
                     *(_format_percent(c[2][i]) for c in found), escape(describe_result(r), quote=False)])
    return tables.format_csv(rows)


def _format_percent(points: Points) -> str:
    return "" if points is None else format_number(min(100, 100 * points[0] / points[1])) if points[1] else "0"


def describe_result(r: Result) -> str:
    """What was lost and what a person said, in a few lines of our own and the instructor's words."""
    lost = [f"{t.task} {format_number(t.earned)}/{format_number(t.points)}" for n in r.notebooks for t in n.tasks
            if not (t.right or t.unmarked)]
    parts = [f"{format_number(r.total)} of {format_number(r.max)} points.", r.remarks,
             f"Lost in: {', '.join(lost)}." if lost else "", marks.describe_marks(r)]
    return " ".join(filter(None, parts))
