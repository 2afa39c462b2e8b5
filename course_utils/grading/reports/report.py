"""What a run leaves for people: grades.csv, a page for every student, one about the class, and files for gradebooks.

A page tells no expected value, no input and no seed; every text on it, a student's id and a raised message too, is
escaped; nothing on it can load, and nothing can run but the class's page's own sorting and filtering.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils import files
from course_utils.grading.intake import roster
from course_utils.grading.intake.names import make_sort_key
from course_utils.grading.records import NotebookResult, Result, TaskResult, load_all, make_file_name
from course_utils.grading.reports import (
    changes,
    classlist,
    feedback,
    gradebooks,
    items,
    late,
    marks,
    overview,
    similar,
    tables,
)
from course_utils.grading.reports.page import format_number, render


@dataclass(frozen=True)
class ReportInputs:
    """What a report may be held beside: Canvas's gradebook, an older report's records, rules for late work, a roster.

    `earlier` holds the records of reports whose work is compared with this one's, by their names.
    `paths` are those of `canvas`, `late` and `roster`, by which the same is read when the run goes on.
    """

    canvas: gradebooks.Template | None = None
    older: list[Result] | None = None
    rules: late.Rules | None = None
    roster: list[roster.Person] | None = None
    paths: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, list[Result]] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: dict[str, Path | str | None], compare: Path | str | None,
             earlier: Collection[Path | str] = ()) -> ReportInputs:
        """Reads them before anything is graded; ValueError or OSError where one is not what it should be."""
        older = _load_records(Path(compare)) if compare else None
        found = {name: Path(path).absolute() for name, path in paths.items() if path}
        for name, path in found.items():
            if not path.is_file():
                raise ValueError(f"{path} is no file, and --{name} names it, now or when the run was begun.")
        canvas, rules, who = map(found.get, ("canvas", "late", "roster"))
        return cls(gradebooks.Template(canvas) if canvas else None, older, late.read(rules) if rules else None,
                   roster.read(who) if who else None, {name: str(path) for name, path in found.items()},
                   {str(path): _load_records(Path(path)) for path in earlier})


def _load_records(report: Path) -> list[Result]:
    found = list(load_all(report / "records").values())
    if not found:
        raise ValueError(f"{report} holds no records of an older report.")
    return found


def write(out: Path, graded: list[Result], sandbox: bool = True, beside: ReportInputs | None = None,
          seen: Sequence[str] = (), also: Collection[str] = ()) -> list[str]:
    """Writes the whole report of these results into `out`, with the marks given by hand, sorted as people sort.

    Args:
        seen: Sentences about what was handed in, which the class's page shows as well.
        also: "feedback" for `feedback.zip`, "anonymous" for pages without names, "similar" for pairs of similar work.

    Returns:
        sentences for the instructor: what could not be understood, and what has changed.
    """
    beside = beside or ReportInputs()
    graded = sorted(graded, key=lambda r: (make_sort_key(classlist.strip_number(r)), r.student))
    results, notes = marks.add(graded, out / "marks.csv")
    if beside.rules:
        results, unknown = late.apply(results, beside.rules)
        notes += unknown
    pages, unmatched = gradebooks.make_files(results, beside.canvas)
    notes += unmatched
    names = classlist.choose_names(results)
    alike = similar.find_pairs(results, beside.earlier) if "similar" in also else None
    if alike is not None:
        pages["similar.html"] = similar.render_page(alike, names, sandbox)
    trend = items.update_trend(out / items.TREND, results)
    pages |= {"grades.csv": format_grades(results), "index.html": overview.render_page(
        results, [*seen, *notes], sandbox, trend, None if alike is None else len(alike))}
    by_student = {r.student: render_student(r, sandbox, names[r.student]) for r in results}
    pages |= {f"students/{make_file_name(student)}.html": page for student, page in by_student.items()}
    if "anonymous" in also:
        pages |= {f"anonymous/{number}.html": render_student(r, sandbox)
                  for number, r in feedback.make_anonymous(results, out)}
    if beside.older is not None:
        found = changes.compare(beside.older, graded)
        pages |= {"changes.csv": changes.format_table(found),
                  "changes.html": changes.render_page(found, names, sandbox)}
        notes = [*notes, *changes.describe(found)]
    for name, text in pages.items():
        files.write(out / name, text)
    if "feedback" in also:
        files.write(out / "feedback.zip", feedback.pack_zip(by_student, results))
    return notes


def format_grades(results: list[Result]) -> str:
    """The table as CSV: student, total, max, status, reason, a column per notebook, then one per task.

    Where there are marks or comments by hand, a last column tells them.
    """
    notebooks = list(dict.fromkeys(n.notebook for r in results for n in r.notebooks))
    tasks = list(dict.fromkeys(t.task for r in results for n in r.notebooks for t in n.tasks))
    by_hand = ["by hand"] if any(map(marks.describe_marks, results)) else []
    rows = [["student", "total", "max", "status", "reason", *notebooks, *tasks, *by_hand]]
    for r in results:
        by_id = {n.notebook: format_number(n.earned) for n in r.notebooks}
        by_id |= {t.task: format_number(t.earned) for n in r.notebooks for t in n.tasks if not t.unmarked}
        rows.append([r.student, format_number(r.total), format_number(r.max), r.status, r.remarks,
                     *(by_id.get(id, "") for id in (*notebooks, *tasks)), *(marks.describe_marks(r) for _ in by_hand)])
    return tables.format_csv(rows)


def render_student(result: Result, sandbox: bool = True, name: str | None = None) -> str:
    """One student's feedback as HTML; `name` is what the student is called, by default the id."""
    name = name or result.student
    notebooks = [(n, _choose_tasks(n)) for n in result.notebooks]
    return render("student.html", f"Feedback for {name}", sandbox, name=name, result=result, notebooks=notebooks,
                  right=_describe_right(result))


def _describe_right(result: Result) -> str:
    counted = [t for n in result.notebooks for t in n.tasks if not t.unmarked]
    right = sum(t.right for t in counted)
    if right == len(counted):
        return f"All {right} tasks are right."
    return f"{right} of {len(counted)} tasks {'is' if right == 1 else 'are'} right."


def _choose_tasks(n: NotebookResult) -> list[TaskResult]:
    """The tasks that a page shows: of a notebook that could not be graded, those of which a person said something."""
    return [t for t in n.tasks if not n.reason or t.question or t.comment or t.machine is not None]
