"""Points and comments given by hand: `REPORT/marks.csv`, which the instructor edits and the grader only reads.

    student,id,points,comment,answer
    ada,ddpm.1,4,"Right, but why at t = 0?",Because the noise is
    ben,ddpm.1,,,(no answer)
    ada,ddpm.q_sample,10,The formula is right; only a bracket is missing.,
    ben,05_ddpm,,Come and see me.,

It is made with a line for each answer to a question in words, so that marking is to fill a column. An id is a
question's, a task's (the mark replaces the machine's) or a notebook's (it replaces the sum). Without points, the line
is a comment. A question is in the report as soon as one answer to it has points; an answer without stands outside of
the sum, and what was not answered has 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from course_utils import files
from course_utils.grading import rubric
from course_utils.grading.intake.names import tidy
from course_utils.grading.records import UNFILLED, UNMARKED, NotebookResult, Result, TaskResult
from course_utils.grading.reports import tables
from course_utils.grading.reports.page import format_number

HEADER = "student,id,points,comment"
ANSWER = "answer"  # the column that is only read by people
EXAMPLE = '# Lines that begin with # are not read. For example:\n# ada,ddpm.1,4,"Right, but why at t = 0?",\n'
MORE = "marks-more.csv"
FIRST_WORDS = 100  # characters of an answer
NO_ANSWER = "(no answer)"


@dataclass(frozen=True)
class Mark:
    """One line: points, or None for a comment alone."""

    points: float | None
    comment: str


Marks = dict[tuple[str, str], Mark]  # by student and id


def add(results: list[Result], path: Path) -> tuple[list[Result], list[str]]:
    """The results with the marks of a file, which is made where there is none, and a sentence for each faulty line."""
    questions = {n: rubric.find_questions(n) for n in dict.fromkeys(n.notebook for r in results for n in r.notebooks)}
    lines = _list_lines(results, questions)
    if not path.exists():
        files.write(path, f"{HEADER},{ANSWER}\n{EXAMPLE}" + tables.format_csv(lines))
    ids = {id for asked in questions.values() for id in asked} | set(questions)
    ids |= {t.task for r in results for n in r.notebooks for t in n.tasks}
    marks, faults = read(path, [r.student for r in results], ids)
    faults += _write_later_lines(path, [line for line in lines if (line[0], line[1]) not in marks])
    marked = {id for (_, id), mark in marks.items() if mark != Mark(None, "")}
    counting = {n: {id: points for id, points in asked.items() if id in marked} for n, asked in questions.items()}
    return [replace(r, notebooks=[_mark_notebook(r.student, n, marks, counting[n.notebook]) for n in r.notebooks])
            for r in results], faults


def _list_lines(results: list[Result], questions: dict[str, dict[str, float]]) -> list[list[str]]:
    """A line for each answer that can be marked: student, question, and the answer's first words."""
    return [[r.student, id, "", "", _shorten(n.answers[id])] for r in results for n in r.notebooks
            for id in questions[n.notebook] if id in n.answers]


def _shorten(answer: str) -> str:
    text = tables.join_lines(answer)
    return (text if len(text) <= FIRST_WORDS else text[:FIRST_WORDS].rsplit(" ", 1)[0] + " …") or NO_ANSWER


def _write_later_lines(path: Path, lines: list[list[str]]) -> list[str]:
    """Puts lines that came too late for the file into another one, and says so; nothing where the file is one's own."""
    more = path.with_name(MORE)
    with path.open("rb") as file:
        is_filled = ANSWER.encode() in file.readline()
    if not lines or not is_filled:
        more.unlink(missing_ok=True)
        return []
    files.write(more, f"{HEADER},{ANSWER}\n" + tables.format_csv(lines))
    many = f"{len(lines)} answers that have" if len(lines) > 1 else "1 answer that has"
    return [f"{more.name} holds {many} no line in {path.name} yet: copy them over to mark them."]


def read(path: Path, students: list[str], ids: set[str]) -> tuple[Marks, list[str]]:
    """The marks of a file for these students and ids, and a sentence for each line that is not one."""
    marks: Marks = {}
    lines: dict[tuple[str, str], int] = {}
    faults = []
    names = {tidy(tables.escape_formulas(s)): s for s in students} | {tidy(s): s for s in students}
    try:
        rows = list(tables.read(path))
    except ValueError as e:
        return {}, [f"{e} No mark is counted."]
    width = 4
    for line, row in rows:
        if row and row[0].lstrip().startswith("#"):
            continue
        if row and ",".join(row[:4]).replace(" ", "").lower() == HEADER:
            width = 5 if ANSWER in row[4:] else 4
            continue
        try:
            student, id, mark = _parse_line(row, names, ids, width)
        except ValueError as e:
            faults.append(f"{path.name}, line {line}: {e} The line is not counted.")
            continue
        if (student, id) in marks:
            faults.append(f"{path.name}, lines {lines[student, id]} and {line}: both mark {id} of {student!r}; "
                          "the later counts.")
        marks[student, id], lines[student, id] = mark, line
    return marks, faults


def _parse_line(row: list[str] | None, names: dict[str, str], ids: set[str], width: int) -> tuple[str, str, Mark]:
    if row is None or len(row) < 3 or any(cell.strip() for cell in row[width:]):
        raise ValueError(f"a line is {HEADER}, with quotation marks round a comment that has a comma.")
    student, id, points = map(tidy, row[:3])
    comment = " ".join(row[3].split()) if len(row) > 3 else ""
    if student not in names:
        raise ValueError(f"there is no student {student!r} in this report.")
    if id not in ids:
        raise ValueError(f"there is no notebook, task or question {id!r} in this report.")
    return names[student], id, Mark(_parse_points(points), comment)


def _parse_points(text: str) -> float | None:
    if not text:
        return None
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = float("nan")
    if not isfinite(points) or points < 0:
        raise ValueError(f"points are a number from 0 on, not {text!r}.")
    return points


def _mark_notebook(student: str, n: NotebookResult, marks: Marks, questions: dict[str, float]) -> NotebookResult:
    whole = marks.get((student, n.notebook), Mark(None, ""))
    done = [_mark_task(t, marks.get((student, t.task))) for t in n.tasks]
    done += [_mark_question(id, points, marks.get((student, id)), n) for id, points in questions.items()]
    return replace(n, tasks=done, mark=whole.points, comment=whole.comment)


def _mark_task(t: TaskResult, mark: Mark | None) -> TaskResult:
    if mark is None or mark.points is None:
        return replace(t, comment=mark.comment if mark else "")
    return replace(t, earned=mark.points, machine=t.earned, comment=mark.comment)


def _mark_question(id: str, points: float, mark: Mark | None, n: NotebookResult) -> TaskResult:
    """A question as it is marked; without a mark it has 0 where nothing was handed in, or nothing was answered."""
    earned = mark.points if mark and mark.points is not None else None
    why = "" if earned is not None or n.reason else UNFILLED if n.answers.get(id) == "" else UNMARKED
    return TaskResult(id, points, earned or 0.0, why, comment=mark.comment if mark else "", question=True)


def describe_marks(r: Result) -> str:
    """What was given by hand, such as `ddpm.q_sample 10 (not 0): only a bracket is missing`."""
    parts = []
    for n in r.notebooks:
        whole = format_number(n.mark) if n.mark is not None else ""
        parts += [_describe_mark(n.notebook, whole, n.comment)] if whole or n.comment else []
        for t in n.tasks:
            points = format_number(t.earned) if t.machine is not None else ""
            points += f" (not {format_number(t.machine)})" if t.machine not in (None, t.earned) else ""
            parts += [_describe_mark(t.task, points, t.comment)] if points or t.comment else []
    return "; ".join(parts)


def _describe_mark(id: str, points: str, comment: str) -> str:
    return " ".join(filter(None, (id, points))) + (f": {comment}" if comment else "")
