"""The grader's core: a notebook's answer key, and one submission held against it.

The grader draws every task's inputs from the run's secret seed and asks the reference and the student the same
questions, each in a room of its own. Only here, outside, do the two answers meet.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from nbformat import NotebookNode
from torch import Tensor

from course_utils import notebooks, tasks
from course_utils.grading import rubric
from course_utils.grading.causes import add_cause, describe_error, find_common_causes, find_imports
from course_utils.grading.intake import student_modules
from course_utils.grading.intake.archives import Unreadable
from course_utils.grading.intake.submissions import GivenCells, StudentNotebook, Submission, read
from course_utils.grading.outcomes import fingerprint
from course_utils.grading.records import UNFILLED, NotebookResult, Result, TaskResult
from course_utils.grading.rooms.client import LOST, RoomClient
from course_utils.grading.rooms.room import Room, RoomFactory, RoomFailed
from course_utils.grading.rooms.stage import stage
from course_utils.grading.rooms.work import PARTLY, Work
from course_utils.tasks import Outcome, Task
from course_utils.tasks.compare import first_difference
from course_utils.tasks.recorded import Recorded, known_mistake, load_recorded

WORKER = "course_utils.grading.rooms.worker"
MAX_SOURCES = 20  # cells of a notebook that a page shows
STUB = "raise Unfinished()"  # where nothing is written yet
MAX_STOPPED = 100  # failed cells that a record lists
NOT_YET = "This task is new: the notebook is of an older release, which does not have it."


@dataclass(frozen=True)
class AnswerKey:
    """What a notebook is graded with: its tasks, this run's inputs, and what the reference answers to them.

    Attributes:
        notebook: For example `05_ddpm`.
        given: The demo and check cells, whose text is not run.
        recorded: The public inputs and the known mistakes.
        rubric: The digest of what it is graded with.
        staged: The folder that a room for this notebook sees of the course.
        release: The notebook's release, as it is given out today.
        imports: The names that its setup cells import.
        lines: Those that its tasks' cells are given out with.
    """

    notebook: str
    tasks: list[Task]
    inputs: dict[str, dict[str, Tensor]]
    wanted: dict[str, Outcome]
    given: GivenCells
    recorded: Recorded
    rubric: str
    staged: Path
    release: str = ""
    imports: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


class Grader:
    """Grades submissions, all with the same keys.

    Args:
        rooms: How rooms are made.
        seed: The run's secret; inputs follow from it.
        folder: An empty folder of the grader's own, for the staged folders that rooms see.
        jobs: Notebooks graded at the same time, of one submission or of several.
    """

    def __init__(self, rooms: RoomFactory, seed: int, folder: Path, jobs: int = 1):
        self.rooms, self.seed, self.folder = rooms, seed, folder
        self.keys: dict[str, AnswerKey] = {}
        self.closed = False
        self._threads = ThreadPoolExecutor(jobs)
        self._open: dict[int, Room | None] = {}  # the rooms, each in its slot; None for one that is being made
        self._change = threading.Condition()

    def close(self) -> None:
        """Ends the rooms that are open and opens no more; what is graded now fails."""
        with self._change:
            self.closed = True
            for room in filter(None, self._open.values()):
                room.kill()
            self._change.wait_for(lambda: not self._open)
        self._threads.shutdown()

    def add_keys(self, names: Sequence[str], only: Collection[str] = ()) -> None:
        """Makes the keys of notebooks by running their references.

        Args:
            only: The tasks to grade; all by default.

        Raises:
            ValueError: When a reference itself does not answer.
        """
        staged = [self._stage(name) for name in names]
        for i, name in enumerate(names):
            for soon in staged[i:i + os.cpu_count()]:
                self.rooms.prestart(soon, WORKER)
            self.keys[name] = self._make_key(name, only, staged[i])

    def _stage(self, notebook: str) -> Path:
        source = notebooks.read(notebooks.source_of(notebook))
        demos = [c.source for c in source.cells if notebooks.kind_of(c) == "demo"]
        return stage(self.folder / notebook, notebook, load_recorded(notebook).modules, notebooks.checkpoints(source),
                     demos)

    def _make_key(self, notebook: str, only: Collection[str], staged: Path) -> AnswerKey:
        source = notebooks.read(notebooks.source_of(notebook))
        asked = [t for t in tasks.tasks_of(notebook) if not only or t.id in only]
        inputs = {t.id: tasks.draw_inputs(t, self.seed) for t in asked}
        given = GivenCells.of(source)
        with self._open_room(staged) as client:
            stopped = client.run(given.make_work(source.cells))
            wanted = {t.id: client.ask(t.id, inputs[t.id]) for t in asked}
        faults = [f"cell {n}: {describe_error(o)}" for n, o in stopped]
        faults += [f"{id}: {describe_error(o)}" for id, o in wanted.items() if o.error and not o.tensors]
        if faults:
            raise ValueError(f"The reference of {notebook} does not run in the sandbox. {' '.join(faults)}")
        return AnswerKey(notebook, asked, inputs, wanted, given, load_recorded(notebook), rubric.digest(notebook),
                         staged, source.metadata.course.release, find_imports(source), find_given_lines(source))

    def grade(self, submission: Submission, alone: bool = True) -> Result:
        """A student's result, whatever was handed in.

        Args:
            alone: Whether its notebooks are graded one after the other, instead of beside each other and others'.
        """
        each = map if alone else self._threads.map
        rows = list(each(partial(self._grade_or_explain, submission), self.keys.values()))
        return Result(submission.student, submission.digest(), [row for row, _ in rows], any(lost for _, lost in rows),
                      submission.ids, submission.handed_in, list(submission.notes))

    def _grade_or_explain(self, submission: Submission, key: AnswerKey) -> tuple[NotebookResult, bool]:
        """A notebook's result, and whether it is the grader's fault that there is none."""
        try:
            return self._grade_notebook(submission, key), False
        except Unreadable as e:
            return _make_ungraded(key, str(e)), False
        except Exception as e:  # the others of the class are graded all the same
            what = str(e) if isinstance(e, RoomFailed) else f"{type(e).__name__}: {e}"
            return _make_ungraded(key, f"{key.notebook} could not be graded: {what}"), True

    def _grade_notebook(self, submission: Submission, key: AnswerKey) -> NotebookResult:
        if key.notebook not in submission.notebooks:
            raise Unreadable(" ".join([f"{key.notebook}.ipynb is missing.", *submission.unread]))
        handed_in = read(submission.notebooks[key.notebook])
        files, refused = student_modules.read(submission.beside.get(key.notebook, {}))
        work = key.given.make_work(handed_in.cells, files)
        try:
            result = self._ask_tasks(work, key)
        except RoomFailed:  # the machine may have been short of memory: once more
            result = self._ask_tasks(work, key)
        result = _explain_older_release(result, handed_in, key)
        result = _add_places(result, handed_in, rubric.find_questions(key.notebook))
        return replace(result, notes=[*result.notes, *refused], solutions=handed_in.read_solutions(key.lines))

    def _ask_tasks(self, work: Work, key: AnswerKey) -> NotebookResult:
        with self._open_room(key.staged) as client:
            failed = client.run(work)
            results = [_judge(task, key, client) for task in key.tasks]
        partly = [n for n, o in failed if n in work.claimed and o.error in (PARTLY, "ModuleNotFoundError")]
        stopped = [(n, describe_error(o)) for n, o in failed if o.error != PARTLY or n not in partly][:MAX_STOPPED]
        return NotebookResult(key.notebook, [add_cause(r, stopped) for r in results], stopped=stopped, partly=partly,
                              rubric=key.rubric, overran=client.overran,
                              notes=find_common_causes(results, stopped, key.imports))

    @contextmanager
    def _open_room(self, staged: Path) -> Iterator[RoomClient]:
        """The conversation with a new room."""
        limits = self.rooms.limits
        arguments = json.dumps(asdict(limits)), json.dumps(self.rooms.sandbox)
        with self._take_slot() as slot, self.rooms.open(staged, WORKER, *arguments, slot=slot) as room:
            with self._change:
                self._open[slot] = room
                if self.closed:
                    room.kill()
            yield RoomClient(room, limits)

    @contextmanager
    def _take_slot(self) -> Iterator[int]:
        with self._change:
            if self.closed:
                raise RoomFailed("The run was ended.")
            slot = next(n for n in itertools.count() if n not in self._open)
            self._open[slot] = None
        try:
            yield slot
        finally:
            with self._change:
                del self._open[slot]
                self._change.notify_all()


def _judge(task: Task, key: AnswerKey, client: RoomClient) -> TaskResult:
    """Asks one task on this run's inputs; for a wrong answer, again on the public ones, to know the mistake."""
    got = client.ask(task.id, key.inputs[task.id])
    difference = first_difference(got, key.wanted[task.id], task, reveal=False)
    if difference is None:
        return TaskResult(task.id, task.points, task.points)
    why = describe_error(got) if got.error in (*LOST, "Unfinished") else difference.sentence
    if got.error in (*LOST, "Unfinished") or task.id not in key.recorded.inputs:
        return TaskResult(task.id, task.points, 0, why)
    public = client.ask(task.id, key.recorded.inputs[task.id])
    if known := known_mistake(public, key.recorded.mistakes.get(task.id, []), task):
        return TaskResult(task.id, task.points, 0, why, known.title, known.hint)
    outcome, sketch = fingerprint(public, key.recorded.reference[task.id], task)
    return TaskResult(task.id, task.points, 0, why, outcome=outcome, sketch=sketch)


def _explain_older_release(result: NotebookResult, handed_in: StudentNotebook, key: AnswerKey) -> NotebookResult:
    """A notebook of an older release is graded by its task ids: what it does not have yet is told so."""
    outdated, there = handed_in.release not in ("", key.release), handed_in.tasks
    rows = [replace(t, why=NOT_YET) if outdated and there and t.task not in there and not t.earned else t
            for t in result.tasks]
    return replace(result, tasks=rows, release=handed_in.release, outdated=outdated)


def _add_places(result: NotebookResult, handed_in: StudentNotebook, asked: Collection[str]) -> NotebookResult:
    """With what a page shows of the notebook: the cells that went wrong, and the answers in words."""
    places = handed_in.find_places()
    rows = [replace(t, cell=places.get(t.task, 0)) for t in result.tasks]
    wrong = [t.cell for t in rows if t.cell and not t.right and t.why != UNFILLED] + [n for n, _ in result.stopped]
    answers = {id: text for id, text in handed_in.read_answers().items() if id in asked}
    return replace(result, tasks=rows, answers=answers, sources=handed_in.read_sources(wrong[:MAX_SOURCES]))


def find_given_lines(source: NotebookNode) -> frozenset[str]:
    """The lines of a source's tasks around their solutions, and of the stub that stands in a solution's place."""
    cells = [notebooks.with_solution(c.source, STUB) for c in source.cells if notebooks.kind_of(c) == "task"]
    return frozenset(line.strip() for cell in cells for line in cell.splitlines())


def _make_ungraded(key: AnswerKey, reason: str) -> NotebookResult:
    return NotebookResult(key.notebook, [TaskResult(t.id, t.points, 0) for t in key.tasks], reason, rubric=key.rubric)


def find_notebooks(submissions: Iterable[Submission]) -> list[str]:
    """The course's notebooks that at least one student has handed in."""
    handed_in = {name for s in submissions for name in s.notebooks}
    return [path.stem for path in notebooks.sources() if path.stem in handed_in and tasks.tasks_of(path.stem)]
