"""What was found out about each submission, on disk as one small file each, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.grading.intake.hand_in_time import HandInTime

PLAIN = {"str": str, "int": int, "float": int | float, "float | None": int | float | None}  # a field's kinds
MAX_POINTS = 1e9  # points: a larger number is a damaged record, and sums of such could overflow
MAX_SKETCHED = 1e33  # of a sketch's numbers
UNFILLED = "It is not filled in yet."  # why a task that nobody touched has no points
UNMARKED = "It is not marked yet."  # why an answer in words has no points, and stands outside of the sum


@dataclass(frozen=True)
class TaskResult:
    """A task's points and, when they were lost, why: one sentence, and the known mistake with its hint if it is one.

    `cell` is the place of the student's cell in the notebook; 0 where it is not known. `outcome` and `sketch` are what
    a wrong answer that is no known mistake is recognised by (see `outcomes`).
    What comes from `marks.csv` is never in a record: a person's `comment`, the points of the `machine` where a person
    gave others, and whole tasks that are a `question`, answered in words.
    """

    task: str
    points: float
    earned: float
    why: str = ""
    mistake: str = ""
    hint: str = ""
    comment: str = ""
    machine: float | None = None
    question: bool = False
    cell: int = 0
    outcome: str = ""
    sketch: list[float] = field(default_factory=list)

    @property
    def unmarked(self) -> bool:
        """Whether it is a question whose answer has no mark yet."""
        return self.question and self.why == UNMARKED

    @property
    def right(self) -> bool:
        """Whether all its points were earned."""
        return self.earned >= self.points


@dataclass(frozen=True)
class NotebookResult:
    """A notebook's tasks; `reason` when it could not be graded; `stopped`: (cell, what happened) of failed cells.

    `notes` are sentences that go before all else, on what costs many tasks or was not taken along; `partly` the given
    cells that were changed, and run in part; `release` that of the notebook, `outdated` whether there is a newer one.
    `answers` are those in words, by question, empty where there is none; `sources` the (cell, text) of cells that went
    wrong; `solutions` is all of the student's own code. `overran` says that a cell or a task ran into its deadline,
    `rubric` is the digest of what it was graded with. From `marks.csv` come a `mark` for the whole notebook, which
    replaces the sum of its tasks, and a `comment`. What the late rules say, the `factor` of its points, the sentence
    `late` and the `weight` (the points that the notebook brings to the total), is set for a report, too, and never in a
    record.
    """

    notebook: str
    tasks: list[TaskResult]
    reason: str = ""
    stopped: list[tuple[int, str]] = field(default_factory=list)
    overran: bool = False
    rubric: str = ""
    notes: list[str] = field(default_factory=list)
    partly: list[int] = field(default_factory=list)
    release: str = ""
    outdated: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    sources: list[tuple[int, str]] = field(default_factory=list)
    solutions: str = ""
    mark: float | None = None
    comment: str = ""
    factor: float = 1.0
    late: str = ""
    weight: float | None = None

    @property
    def before(self) -> float:
        """The points earned, before lateness took its share."""
        return sum(t.earned for t in self.tasks)

    @property
    def earned(self) -> float:
        """The points earned."""
        return self.factor * self.before if self.mark is None else self.mark

    @property
    def points(self) -> float:
        """The points that there are; a question counts once its answer is marked."""
        return sum(t.points for t in self.tasks if not t.unmarked)

    @property
    def share(self) -> float:
        """What each of its points brings to the total."""
        return self.weight / self.points if self.weight is not None and self.points else 1.0


@dataclass(frozen=True)
class Result:
    """A student's submission, graded. `digest` tells whether it has changed since.

    `ids`, `handed_in` (by notebook) and `notes` are those of the submission.
    """

    student: str
    digest: str
    notebooks: list[NotebookResult]
    failed: bool = False  # by the grader's fault: graded again on --resume
    ids: dict[str, str] = field(default_factory=dict)
    handed_in: dict[str, HandInTime] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    crowded: bool = False  # others were graded at the same time, on the same machine

    @property
    def provisional(self) -> bool:
        """Whether a deadline may have been missed for the others' sake: to be graded again, alone."""
        return self.crowded and any(n.overran for n in self.notebooks)

    @property
    def total(self) -> float:
        """The points earned, as the notebooks weigh."""
        return sum(n.earned * n.share for n in self.notebooks)

    @property
    def max(self) -> float:
        """The points that there are, as the notebooks weigh."""
        return sum(n.points * n.share for n in self.notebooks)

    @property
    def reason(self) -> str:
        """Why the row is not complete, what is missing, and which of several files counted; empty for nothing."""
        told = [sentence for n in self.notebooks for sentence in (n.reason, *n.notes) if sentence]
        return " ".join([*told, *self.notes])

    @property
    def remarks(self) -> str:
        """The reason, and what was late."""
        late = (f"{n.notebook}: {n.late}" for n in self.notebooks if n.late and n.mark is None)
        return " ".join(filter(None, [self.reason, *late]))

    @property
    def status(self) -> str:
        """`graded`; `incomplete` when a notebook was missing or unreadable; `failed` when the grader was at fault."""
        return "failed" if self.failed else "incomplete" if any(n.reason for n in self.notebooks) else "graded"


def make_file_name(student: str) -> str:
    """A file name for a student's id, whatever that holds: readable, without a path, different for different ids."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", student).strip("-")[:60]
    return f"{readable or 'student'}-{hashlib.sha256(student.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def save(result: Result, folder: Path) -> None:
    """Writes a result, atomically, under the student's file name."""
    files.write(folder / f"{make_file_name(result.student)}.json", json.dumps(asdict(result), indent=1))


def load(student: str, folder: Path) -> Result | None:
    """A student's result, if there is one."""
    path = folder / f"{make_file_name(student)}.json"
    return _read(path) if path.exists() else None


def load_all(folder: Path) -> dict[str, Result]:
    """The results in a folder by student."""
    return {r.student: r for r in map(_read, sorted(folder.glob("*.json")))}


def validate(result: Result) -> Result:
    """The result as its record would be read back: plain values; ValueError where no grader can have come to it."""
    try:
        return _build_result(json.loads(json.dumps(asdict(result))))
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"This is no result ({type(e).__name__}).") from None


def _read(path: Path) -> Result:
    try:
        result = _build_result(json.loads(path.read_text("utf-8")))
        if path.stem != make_file_name(result.student):
            raise ValueError("It is another student's.")
        return result
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"{path} is damaged ({type(e).__name__}): delete it, and --resume grades it again.") from None


def _build_result(data: dict[str, Any]) -> Result:
    notebooks = [_build(NotebookResult, {**n, "tasks": [_build(TaskResult, t) for t in n["tasks"]],
                                         "stopped": [(cell, what) for cell, what in n["stopped"]],
                                         "sources": [(cell, text) for cell, text in n.get("sources", [])]})
                 for n in data["notebooks"]]
    if not all(map(_is_possible, notebooks)) or len({n.notebook for n in notebooks}) < len(notebooks):
        raise ValueError("It says what no grader does.")
    handed_in = {name: _build(HandInTime, h) for name, h in data.get("handed_in", {}).items()}
    return _build(Result, {**data, "notebooks": notebooks, "handed_in": handed_in})


def _is_possible(n: NotebookResult) -> bool:
    """Whether a machine may have found this: each task once, no more points than there are, nothing by hand."""
    return (len({t.task for t in n.tasks}) == len(n.tasks) and all(0 <= t.earned <= t.points for t in n.tasks)
            and not any(t.comment or t.question or t.machine is not None for t in n.tasks)
            and (n.mark, n.comment, n.factor, n.late, n.weight) == (None, "", 1, "", None))


def _build(kind: type, data: dict[str, Any]) -> Any:
    """A record's part, also one that another version wrote: fields that are not known here are left out.

    TypeError for a value that its field cannot have: what somebody has edited must not end a run in its middle.
    """
    known = [f for f in fields(kind) if f.name in data]
    if wrong := [f.name for f in known if not _fits(data[f.name], f.type)]:
        raise TypeError(wrong[0])
    return kind(**{f.name: data[f.name] for f in known})


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is of a field's kind, with all that it holds."""
    if kind == "list[float]":
        return isinstance(value, list) and all(isinstance(x, int | float) and abs(x) <= MAX_SKETCHED for x in value)
    container, _, inner = kind.removesuffix("]").partition("[")
    if container == "list":
        return isinstance(value, list) and all(_fits(v, inner) for v in value)
    if container == "dict":
        return isinstance(value, dict) and all(_fits(v, inner.removeprefix("str, ")) for v in value.values())
    if container == "tuple":
        return isinstance(value, tuple) and all(map(_fits, value, inner.split(", ")))
    if isinstance(value, bool) or kind == "bool":
        return isinstance(value, bool) and kind == "bool"
    is_number = isinstance(value, int | float)
    return isinstance(value, PLAIN.get(kind, object)) and (not is_number or -MAX_POINTS < value < MAX_POINTS)
