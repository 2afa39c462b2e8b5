"""What a run leaves for people: grades.csv, a page for every student, and an index.

A page tells no expected value, no input and no seed; every text on it, a student's id and a raised message too, is
escaped, and nothing on it can run or load.
"""

from __future__ import annotations

import csv
import io
from html import escape
from pathlib import Path

from course_utils.grading.page import bar, document, number
from course_utils.grading.records import NotebookResult, Result, TaskResult, file_name, write_atomically


def write(out: Path, results: list[Result], sandbox: bool = True) -> None:
    """Writes the whole report of these results into `out`, sorted by student."""
    results = sorted(results, key=lambda r: r.student)
    write_atomically(out / "grades.csv", grades(results))
    for result in results:
        write_atomically(out / "students" / f"{file_name(result.student)}.html", student_page(result, sandbox))
    write_atomically(out / "index.html", index_page(results, sandbox))


def grades(results: list[Result]) -> str:
    """The table as CSV: student, total, max, status, reason, a column per notebook, then one per task."""
    notebooks = list(dict.fromkeys(n.notebook for r in results for n in r.notebooks))
    tasks = list(dict.fromkeys(t.task for r in results for n in r.notebooks for t in n.tasks))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["student", "total", "max", "status", "reason", *notebooks, *tasks])
    for r in results:
        by_notebook = {n.notebook: number(n.earned) for n in r.notebooks}
        by_task = {t.task: number(t.earned) for n in r.notebooks for t in n.tasks}
        table.writerow([_plain(r.student), number(r.total), number(r.max), r.status, _plain(r.reason),
                        *(by_notebook.get(n, "") for n in notebooks), *(by_task.get(t, "") for t in tasks)])
    return text.getvalue()


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line."""
    text = " ".join(text.split()) if text.strip() else ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def student_page(result: Result, sandbox: bool = True) -> str:
    """One student's feedback as HTML."""
    lost = sum(t.earned < t.points for n in result.notebooks for t in n.tasks)
    count = sum(len(n.tasks) for n in result.notebooks)
    what = f"All {count} tasks are right." if not lost else f"{count - lost} of {count} tasks are right."
    head = (f'<header>\n<p class="soft">Feedback for</p>\n<h1>{_visible(result.student)}</h1>\n'
            f'<p class="sum"><b>{number(result.total)}</b> <span class="soft">of {number(result.max)} points. '
            f"{what}</span></p>\n{bar(result.total, result.max)}\n</header>\n")
    foot = ("<footer>Every task is asked on numbers of its own, drawn anew for this grading. To see a task's "
            "mistake closer, run its check in the notebook.</footer>")
    sections = "\n".join(map(_notebook, result.notebooks))
    return document(f"Feedback for {result.student}", head + sections + foot, sandbox)


def _notebook(n: NotebookResult) -> str:
    parts = [f'<section>\n<h2><span>{escape(n.notebook)}</span> '
             f'<span class="points">{number(n.earned)} / {number(n.points)}</span></h2>']
    if n.reason:
        parts.append(f'<p class="warn">{escape(n.reason)}</p>')
    else:
        parts.append('<ul class="tasks">\n' + "\n".join(map(_task, n.tasks)) + "\n</ul>")
    if n.stopped:
        cells = "\n".join(f"<li>{_where(cell)} {_visible(what)}</li>" for cell, what in n.stopped)
        word = "cell" if len(n.stopped) == 1 else "cells"
        parts.append(f"<details><summary>{len(n.stopped)} {word} of the notebook stopped; the others still counted"
                     f"</summary>\n<ul>\n{cells}\n</ul></details>")
    return "\n".join(parts) + "\n</section>"


def _where(cell: int) -> str:
    return f"Cell {cell}:" if cell else ""


def _task(t: TaskResult) -> str:
    kind, mark, said = (("full", "✓", "right") if t.earned >= t.points
                        else ("some", "◐", "partly right") if t.earned else ("none", "✗", "not right"))
    why = f'\n<p class="why soft">{_visible(t.why)}</p>' if t.why else ""
    hint = f'\n<div class="hint"><b>A likely slip</b>{_visible(t.hint)}</div>' if t.hint else ""
    return (f'<li class="{kind}"><span class="mark" role="img" aria-label="{said}">{mark}</span>'
            f'<code>{escape(t.task)}</code>'
            f'<span class="points">{number(t.earned)} / {number(t.points)}</span>{why}{hint}</li>')


def _visible(text: str) -> str:
    """Escaped, `code` marked up, and characters that turn or hide text taken out."""
    text = "".join(c if c.isprintable() else " " for c in text)
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:  # a backtick of its own
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def index_page(results: list[Result], sandbox: bool = True) -> str:
    """All students with their points, each linked to their page."""
    complete = sum(r.status == "graded" for r in results)
    odd = f", {len(results) - complete} with a reason to look at" if complete < len(results) else ""
    mean = sum(r.total / r.max for r in results if r.max) / max(1, len(results))
    head = (f"<header>\n<h1>Grades</h1>\n<p class=\"soft\">{len(results)} students{odd}; {mean:.0%} of the points on "
            'average. The same as a table: <a href="grades.csv">grades.csv</a></p>\n</header>\n')
    rows = "\n".join(map(_row, results))
    table = ('<table>\n<thead><tr><th scope="col">Student</th><th scope="col" class="points">Points</th>'
             f'<th scope="col"></th><th scope="col">Reason</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>')
    return document("Grades", head + table, sandbox)


def _row(r: Result) -> str:
    return (f'<tr><td><a href="students/{file_name(r.student)}.html">{_visible(r.student)}</a></td>'
            f'<td class="points">{number(r.total)} / {number(r.max)}</td>'
            f'<td class="meter">{bar(r.total, r.max)}</td><td>{escape(r.reason)}</td></tr>')
