"""Points and comments given by hand: `REPORT/marks.csv`, which the instructor edits and the grader only reads.

    student,id,points,comment
    ada,ddpm.1,4,"Right, but why at t = 0?"
    ada,ddpm.q_sample,10,The formula is right; only a bracket is missing.
    ben,05_ddpm,,Come and see me.

An id is a question's, a task's (the mark replaces the machine's) or a notebook's (it replaces the sum). Without points,
the line is a comment. A question counts for the whole class as soon as one answer to it has a line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from course_utils import files, tasks
from course_utils.grading.intake.names import tidy
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.reports import tables
from course_utils.grading.reports.page import number

HEADER = "student,id,points,comment"
EXAMPLE = '# Lines that begin with # are not read. For example:\n# ada,ddpm.1,4,"Right, but why at t = 0?"\n'
UNMARKED = "It has no mark yet."


@dataclass(frozen=True)
class Mark:
    """One line: points, or None for a comment alone."""

    points: float | None
    comment: str


Marks = dict[tuple[str, str], Mark]  # by student and id


def add(results: list[Result], path: Path) -> tuple[list[Result], list[str]]:
    """The results with the marks of a file, which is made where there is none, and a sentence for each faulty line."""
    if not path.exists():
        files.write(path, f"{HEADER}\n{EXAMPLE}")
    questions = {n: _questions(n) for n in dict.fromkeys(n.notebook for r in results for n in r.notebooks)}
    ids = {id for asked in questions.values() for id in asked} | set(questions)
    ids |= {t.task for r in results for n in r.notebooks for t in n.tasks}
    marks, faults = read(path, [r.student for r in results], ids)
    marked = {id for _, id in marks}
    counting = {n: {id: points for id, points in asked.items() if id in marked} for n, asked in questions.items()}
    return [replace(r, notebooks=[_marked(r.student, n, marks, counting[n.notebook]) for n in r.notebooks])
            for r in results], faults


def read(path: Path, students: list[str], ids: set[str]) -> tuple[Marks, list[str]]:
    """The marks of a file for these students and ids, and a sentence for each line that is not one."""
    marks: Marks = {}
    lines: dict[tuple[str, str], int] = {}
    faults = []
    names = {tidy(tables.plain(s)): s for s in students} | {tidy(s): s for s in students}
    try:
        rows = list(tables.read(path))
    except ValueError as e:
        return {}, [f"{e} No mark is counted."]
    for line, row in rows:
        if row and (row[0].lstrip().startswith("#") or ",".join(row[:4]).replace(" ", "").lower() == HEADER):
            continue
        try:
            student, id, mark = _line(row, names, ids)
        except ValueError as e:
            faults.append(f"{path.name}, line {line}: {e} The line is not counted.")
            continue
        if (student, id) in marks:
            faults.append(f"{path.name}, lines {lines[student, id]} and {line}: both mark {id} of {student!r}; "
                          "the later counts.")
        marks[student, id], lines[student, id] = mark, line
    return marks, faults


def _line(row: list[str] | None, names: dict[str, str], ids: set[str]) -> tuple[str, str, Mark]:
    if row is None or len(row) < 3 or any(cell.strip() for cell in row[4:]):
        raise ValueError(f"a line is {HEADER}, with quotation marks round a comment that has a comma.")
    student, id, points = map(tidy, row[:3])
    comment = " ".join(row[3].split()) if len(row) > 3 else ""
    if student not in names:
        raise ValueError(f"there is no student {student!r} in this report.")
    if id not in ids:
        raise ValueError(f"there is no notebook, task or question {id!r} in this report.")
    return names[student], id, Mark(_points(points), comment)


def _points(text: str) -> float | None:
    if not text:
        return None
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = float("nan")
    if not isfinite(points) or points < 0:
        raise ValueError(f"points are a number from 0 on, not {text!r}.")
    return points


def _questions(notebook: str) -> dict[str, float]:
    """The points of a notebook's questions in words, by id."""
    modules = [m for m in map(tasks.module_of, tasks.prefixes()) if m.NOTEBOOK == notebook]
    return {id: points for m in modules for id, points in getattr(m, "QUESTIONS", {}).items()}


def _marked(student: str, n: NotebookResult, marks: Marks, questions: dict[str, float]) -> NotebookResult:
    whole = marks.get((student, n.notebook), Mark(None, ""))
    done = [_task(t, marks.get((student, t.task))) for t in n.tasks]
    done += [_question(id, points, marks.get((student, id))) for id, points in questions.items()]
    return replace(n, tasks=done, mark=whole.points, comment=whole.comment)


def _task(t: TaskResult, mark: Mark | None) -> TaskResult:
    if mark is None or mark.points is None:
        return replace(t, comment=mark.comment if mark else "")
    return replace(t, earned=mark.points, machine=t.earned, comment=mark.comment)


def _question(id: str, points: float, mark: Mark | None) -> TaskResult:
    earned = mark.points if mark and mark.points is not None else None
    return TaskResult(id, points, earned or 0.0, "" if earned is not None else UNMARKED,
                      comment=mark.comment if mark else "", question=True)


def told(r: Result) -> str:
    """What was given by hand, such as `ddpm.q_sample 10 (not 0): only a bracket is missing`."""
    parts = []
    for n in r.notebooks:
        whole = number(n.mark) if n.mark is not None else ""
        parts += [_said(n.notebook, whole, n.comment)] if whole or n.comment else []
        for t in n.tasks:
            points = number(t.earned) if t.machine is not None else ""
            points += f" (not {number(t.machine)})" if t.machine not in (None, t.earned) else ""
            parts += [_said(t.task, points, t.comment)] if points or t.comment else []
    return "; ".join(parts)


def _said(id: str, points: str, comment: str) -> str:
    return " ".join(filter(None, (id, points))) + (f": {comment}" if comment else "")
