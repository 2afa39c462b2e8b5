"""Attacks and accidents as data, and the class of made-up students in which they are graded.

A piece is one attack with the name of the outcome that it should have. A family packs its pieces into few submissions,
since every submission costs a room: cells stand together in one notebook, of whose tasks every second is answered
wrongly; bodies take the place of one task's answer each; what may hurt a whole submission hands in its own. Honest
neighbours are graded at the same time, and around the class lie canaries, listeners and a fingerprint of the world.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grading.attacks.world import World
from grading.classroom import hand_in, submission
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils import tasks
from course_utils.authoring import bank
from course_utils.grading import grade
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.rooms.limits import Limits

PATHS = ["cold", "warm"]  # the ways to a room
NOTEBOOK = "05_ddpm"
TASKS = [t.id for t in tasks.tasks_of(NOTEBOOK)]
WRONG = TASKS[1::2]  # where a submission is half wrong

UNCHANGED = "score unchanged"
LOST = "only its task lost"
LEFT_OUT = "only its cell left out"
HURT = "only its submission hurt"
NOTHING = "nothing found"
ROW = "a row with its reason"
FULL = "full marks"


@dataclass(frozen=True)
class Piece:
    """One attack or accident.

    Attributes:
        title: What it does.
        outcome: How it should end: one of the names above.
        why: Words of the sentence that the student or the instructor reads about it.
        cell: A cell of its own at the end of a notebook that is right in every second task, or, for FULL, in all.
        body: What stands in place of a task's answer; `task` says which, else any.
        edit: What is done to a notebook that is otherwise right in every second task, or, for FULL, right in all.
        hand_in: What is put into the folder of submissions, as (folder, student).
        alone: Whether a cell has its own submission.
        student: The name under which it is handed in, where that is the attack.
    """

    title: str
    outcome: str
    why: str = ""
    cell: str = ""
    body: str = ""
    task: str = ""
    edit: Callable[[NotebookNode], object] | None = None
    hand_in: Callable[[Path, str], object] | None = None
    alone: bool = False
    student: str = ""


@dataclass(frozen=True)
class Family:
    """Pieces that are graded together, `jobs` submissions at a time; with `only`, on that task alone."""

    name: str
    pieces: list[Piece]
    limits: Limits = field(default_factory=lambda: Limits(cell=15, probe=6, notebook=60))
    neighbours: int = 1
    only: str | None = None
    jobs: int = 2

    @property
    def asked(self) -> list[str]:
        """The tasks that are graded."""
        return [self.only] if self.only else TASKS


@dataclass
class Seat:
    """A student's place in the class: the pieces that the notebook carries, and which tasks they stand in."""

    student: str
    pieces: list[Piece]
    bodies: dict[str, Piece] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Ending:
    """What became of a piece: the outcome's name and the sentence with it."""

    piece: Piece
    outcome: str
    sentence: str

    @property
    def survived(self) -> bool:
        """Whether it ended as it should."""
        return self.outcome == self.piece.outcome and self.piece.why in self.sentence


def seats(family: Family) -> list[Seat]:
    """Who hands in what, in the order of the folder: the neighbours spread among the others."""
    together = [p for p in family.pieces if not p.alone and (p.cell or p.edit and p.outcome != FULL)]
    wrong = set(WRONG) if any(p.outcome != FULL for p in together) else set()
    found = [Seat("cells", together, wrong=wrong)] if together else []
    found += list(_dealt([p for p in family.pieces if p.body], family))
    for n, piece in enumerate(p for p in family.pieces if p not in together and not p.body):
        found.append(Seat(f"own-{n:02}", [piece], wrong=set() if piece.outcome == FULL else set(WRONG)))
    for k in range(family.neighbours):
        found.insert(1 + 2 * k, Seat("neighbour", []))
    for n, seat in enumerate(found):
        seat.student = next((p.student for p in seat.pieces if p.student), f"{n:02}-{seat.student}")
    return found


def _dealt(bodies: list[Piece], family: Family) -> Iterator[Seat]:
    """Each body to a task that is still free, in as few submissions as there may be."""
    left = list(bodies)
    while left:
        seat = Seat("bodies", [])
        for piece in sorted(left, key=lambda p: not p.task):
            free = [t for t in family.asked if t not in seat.bodies and piece.task in ("", t.split(".")[1])]
            if free:
                seat.bodies[free[0]] = piece
        seat.pieces = list(seat.bodies.values())
        left = [p for p in left if p not in seat.pieces]
        yield seat


def notebook_of(seat: Seat, world: World) -> NotebookNode:
    """The notebook that a student hands in."""
    wrong = {id: _mistake(id) for id in seat.wrong}
    bodies = {id: world.fill(piece.body) for id, piece in seat.bodies.items()}
    nb = submission(NOTEBOOK, wrong | bodies)
    for piece in seat.pieces:
        if piece.edit:
            piece.edit(nb)
        if piece.cell:
            nb.cells.append(new_code_cell(world.fill(piece.cell), metadata={"piece": piece.title}))
    return nb


_bank = bank.read_bank(bank.bank_of(bank.notebooks.source_of(NOTEBOOK)))


def _mistake(task: str) -> str:
    return next(entry.code for entry in _bank if entry.task == task)


# ---- the class is graded, and each piece's ending read from the results --------------------------------------------


@dataclass
class Graded:
    """A family's class after it was graded: each piece's ending, the world around it, and how late deadlines were.

    `peaks` is the most that was taken of the machine.
    """

    endings: dict[str, Ending]
    around: dict[str, str]
    late: list[float]
    peaks: dict[str, int]


def run(family: Family, path: str, folder: Path) -> Graded:
    """Grades the family's class on one of the PATHS."""
    with World(folder) as world:
        taken = seats(family)
        places = {}
        for seat in taken:
            places[seat.student] = _take(seat, world)
        world.remember()
        options = {"warm": True} if path == "warm" else {}
        results = {r.student: r for r in grade(world.submissions, world.report, jobs=family.jobs, seed=world.seed,
                                               only=family.only or NOTEBOOK, limits=family.limits, **options)}
        endings = {p.title: _ending(p, s, places[s.student], results.get(s.student), family)
                   for s in taken for p in s.pieces}
        alone = [_lost(results[s.student], family) for s in taken if not s.pieces]
        around = {"an honest neighbour has full marks": str(next((lost for lost in alone if lost), "")),
                  **world.look_around(family.limits, family.jobs)}
        return Graded(endings, around, world.late, world.watch.peaks)


def _take(seat: Seat, world: World) -> NotebookNode | None:
    if seat.pieces and seat.pieces[0].hand_in:
        seat.pieces[0].hand_in(world.submissions, seat.student)
        return None
    nb = notebook_of(seat, world)
    hand_in(world.submissions, seat.student, json.dumps(nb))  # as it is: nbformat would mend it
    if not seat.pieces:
        (world.submissions / seat.student / "notes.txt").write_text(world.canary)
    return nb


def _ending(piece: Piece, seat: Seat, nb: NotebookNode | None, result: Result | None, family: Family) -> Ending:
    """The outcome by name, from what the grader recorded."""
    if result is None:
        return Ending(piece, "no row", "")
    (graded,) = result.notebooks
    earned = {t.task: t.earned for t in graded.tasks}
    if piece.body:
        task = next(id for id, p in seat.bodies.items() if p is piece)
        return _of_body(piece, next(t for t in graded.tasks if t.task == task), _spoilt(seat, earned, family))
    if result.status != "graded":
        return Ending(piece, ROW if not sum(earned.values()) else "a row with points", result.reason)
    if piece.outcome == FULL:
        lost = [f"{t.task}: {t.why}" for t in graded.tasks if t.earned < t.points]
        stopped = _stopped(piece, nb, graded)
        return Ending(piece, "marks lost" if lost else "its cell stopped" if stopped else FULL,
                      " ".join(lost) or stopped or result.reason)
    if any(earned.get(id) for id in seat.wrong):
        return Ending(piece, "points for a wrong answer", str(earned))
    if piece.outcome == HURT:
        return Ending(piece, HURT, " ".join([t.why for t in graded.tasks] + [what for _, what in graded.stopped]))
    if lost := _spoilt(seat, earned, family):
        return Ending(piece, "right answers lost", f"{lost} {[what for _, what in graded.stopped]}")
    stopped = _stopped(piece, nb, graded)
    return Ending(piece, LEFT_OUT if stopped else UNCHANGED, stopped)


def _of_body(piece: Piece, judged: TaskResult, spoilt: list[str]) -> Ending:
    if judged.earned:
        return Ending(piece, "its task earned", "")
    if spoilt:
        return Ending(piece, "right answers lost", f"{spoilt} {judged.why}")
    if "raised `Found`" in judged.why:
        return Ending(piece, NOTHING if judged.why.endswith(": []") else "found", judged.why)
    return Ending(piece, LOST, judged.why)


def _spoilt(seat: Seat, earned: dict[str, float], family: Family) -> list[str]:
    """The tasks that the seat answered rightly and lost all the same."""
    return [id for id in family.asked if id not in seat.bodies and id not in seat.wrong and not earned[id]]


def _stopped(piece: Piece, nb: NotebookNode | None, graded: NotebookResult) -> str:
    """What stopped the piece's own cell; empty when it ran to its end."""
    own = [n for n, c in enumerate(nb.cells if nb else [], 1) if c.metadata.get("piece") == piece.title]
    return next((what for n, what in graded.stopped if n in own), "")


def _lost(result: Result, family: Family) -> list[str]:
    """What an honest student lost."""
    lost = [f"{t.task}: {t.why}" for n in result.notebooks for t in n.tasks if t.earned < t.points]
    return lost + ([result.reason] if result.status != "graded" else [])
