"""What a run leaves for people: grades.csv, a page for every student, one about the class, and files for gradebooks.

A page tells no expected value, no input and no seed; every text on it, a student's id and a raised message too, is
escaped; nothing on it can load, and nothing can run but the class's page's own sorting and filtering.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from html import escape
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
from course_utils.grading.reports.page import (
    anchor,
    bar,
    document,
    format_count,
    format_number,
    has_text,
    verbatim,
    visible,
)


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
        pages |= {"changes.csv": changes.format_table(found), "changes.html": changes.render_page(found, sandbox)}
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
    lost = sum(not t.right for n in result.notebooks for t in n.tasks if not t.unmarked)
    every = sum(not t.unmarked for n in result.notebooks for t in n.tasks)
    right, are = every - lost, "is" if every - lost == 1 else "are"
    what = f"{right} of {every} tasks {are} right." if lost else f"All {every} tasks are right."
    head = (f'<header>\n<p class="soft">Feedback for</p>\n<h1>{visible(name)}</h1>\n'
            f'<p class="sum"><b>{format_number(result.total)}</b> '
            f'<span class="soft">of {format_number(result.max)} points. '
            f"{what}</span></p>\n{bar(result.total, result.max)}\n</header>\n")
    foot = ("<footer>Every task is asked on numbers of its own, drawn anew for this grading. To see a task's "
            "mistake closer, run its check in the notebook.</footer>")
    sections = "\n".join(map(_notebook, result.notebooks))
    notes = "".join(f'<p class="warn">{visible(note)}</p>\n' for note in result.notes)
    return document(f"Feedback for {name}", head + notes + sections + foot, sandbox)


def _notebook(n: NotebookResult) -> str:
    parts = [f'<section>\n<h2><span>{escape(n.notebook)}</span> '
             f'<span class="points">{format_number(n.earned)} / {format_number(n.points)}</span></h2>']
    shown = [t for t in n.tasks if not n.reason or t.question or t.comment or t.machine is not None]
    if n.mark is not None:
        below = f"; the tasks below have {format_number(n.before)} points" if shown else ""
        parts.append(f'<p class="soft">Marked by hand{below}.</p>')
    elif n.late:
        counts = f"{format_number(n.before)} points earned, {format_number(n.earned)} count."
        parts.append(f'<p class="warn">{visible(n.late)} {counts}</p>')
    if n.weight is not None:
        parts.append(f'<p class="soft">Weighs {format_number(n.weight)} points of the total.</p>')
    parts += [_comment(n.comment)] if n.comment else []
    parts += [f'<p class="warn">{visible(n.reason)}</p>'] if n.reason else []
    parts += [f'<p class="warn">{visible(note)}</p>' for note in n.notes]
    parts += [f'<p class="soft">{_release(n)}</p>'] if n.release else []
    parts += ['<ul class="tasks">\n' + "\n".join(_task(t, n) for t in shown) + "\n</ul>"] if shown else []
    if n.partly:
        parts.append(f'<p class="soft">{_partly(n.partly)}</p>')
    if n.stopped:
        cells = "\n".join(f"<li>{_where(cell, n)} {visible(what)}</li>" for cell, what in n.stopped)
        many = format_count(len(n.stopped), "cell")
        parts.append(f"<details><summary>{many} of the notebook stopped; the others still "
                     f"counted</summary>\n<ul>\n{cells}\n</ul></details>")
    parts += [_answers(n.answers)] if any(n.answers.values()) else []
    parts += [_sources(n)] if n.sources else []
    return "\n".join(parts) + "\n</section>"


def _answers(answers: dict[str, str]) -> str:
    said = "\n".join(f'<h4><code>{escape(id)}</code></h4>\n<div class="answer">{verbatim(text)}</div>'
                     for id, text in answers.items() if text)
    many = format_count(sum(map(bool, answers.values())), "answer")
    return f"<details><summary>{many} in words</summary>\n{said}\n</details>"


def _sources(n: NotebookResult) -> str:
    """The cells that went wrong, to which the tasks lead."""
    cells = "\n".join(f'<h4>Cell {cell}</h4>\n<pre id="{anchor(n, cell)}"><code>{verbatim(text)}</code></pre>'
                      for cell, text in n.sources)
    return f"<h3>Cells to look at</h3>\n{cells}"


def _release(n: NotebookResult) -> str:
    newer = " There is a newer one; its tasks were asked, by their names." if n.outdated else ""
    return f"Release {escape(n.release)} of the notebook.{newer}"


def _partly(cells: list[int]) -> str:
    one = len(cells) == 1
    named = ("Cell " if one else "Cells ") + ", ".join(map(str, cells))
    return (f"{named} {'is' if one else 'are'} given, and changed here: of such check and demo cells only the "
            "definitions count (imports, functions, classes, assignments that call nothing), and the rest is not run.")


def _where(cell: int, n: NotebookResult) -> str:
    """A cell's number, which leads to its text where the page has that."""
    if not cell:
        return ""
    return f'<a href="#{anchor(n, cell)}">Cell {cell}</a>:' if has_text(n, cell) else f"Cell {cell}:"


def _comment(text: str) -> str:
    return f'<p class="comment">{visible(text)}</p>'


def _task(t: TaskResult, n: NotebookResult) -> str:
    kind, mark, said = (("soft", "–", "not marked yet") if t.unmarked else ("full", "✓", "right") if t.right
                        else ("some", "◐", "partly right") if t.earned else ("none", "✗", "not right"))
    where = "" if t.right else _where(t.cell, n)
    more = [f'<p class="why soft">{where} {visible(t.why)}</p>'] if t.why else []
    if t.machine is not None:
        more.append(f'<p class="why soft">Marked by hand; the grader gave {format_number(t.machine)}.</p>')
    more += [f'<div class="hint"><b>A likely slip</b>{visible(t.hint)}</div>'] if t.hint else []
    more += [_comment(t.comment)] if t.comment else []
    earned = "–" if t.unmarked else format_number(t.earned)
    return (f'<li class="{kind}"><span class="mark" role="img" aria-label="{said}">{mark}</span>'
            f'<code>{escape(t.task)}</code><span class="points">{earned} / {format_number(t.points)}</span>'
            + "\n".join(["", *more]) + "</li>")
