"""Students made up for the tests, and what they hand in."""

from __future__ import annotations

import copy
import random
from collections.abc import Collection
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import notebooks, tasks
from course_utils.authoring import build
from course_utils.grading import rubric
from course_utils.grading.records import UNFILLED, NotebookResult, Result, TaskResult
from course_utils.grading.rooms.limits import Limits
from course_utils.tasks.recorded import load_recorded

QUICK = Limits(cell=15, probe=6)  # a cell that first imports an optimizer takes 3 s, more beside other tests


def hand_in(submissions: Path, student: str, notebook: NotebookNode | str, name: str = "05_ddpm") -> Path:
    """Puts a notebook, or any text, into a student's folder."""
    path = submissions / student / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
    return path


def submission(notebook: str | Path, replaced: dict[str, str] | None = None,
               unfilled: Collection[str] = ()) -> NotebookNode:
    """A student's notebook whose tasks are answered by the reference, or by the code given, or not at all.

    Args:
        notebook: A name such as `05_ddpm`, or the source itself.
        replaced: Task id to the code that the student wrote instead of the reference's.
        unfilled: Ids of tasks left as they were handed out.
    """
    source = notebook if isinstance(notebook, Path) else notebooks.source_of(notebook)
    handed_out, reference = copy.deepcopy(_faces(source, source.read_text("utf-8")))
    code = {c.metadata["task"]: notebooks.solution(c.source) for c in reference.cells if "task" in c.metadata}
    notebooks.replace(reference, code | (replaced or {}))
    answers = {c.metadata["task"]: c.source for c in reference.cells if "task" in c.metadata}
    for cell in handed_out.cells:
        if "task" in cell.metadata and cell.metadata["task"] not in unfilled:
            cell.source = answers[cell.metadata["task"]]
    return handed_out


@cache
def _faces(source: Path, text: str) -> tuple[NotebookNode, NotebookNode]:
    """A source's two faces, made once as long as its text is the same: the student's and the graded reference."""
    nb = notebooks.read(source)
    build.add_metadata_(nb, build.registry_points(build.prefixes_of(nb)))
    return build.student_face(nb), nb


def ddpm(**answers: str) -> NotebookNode:
    """05_ddpm answered by the reference, but for the tasks named here: `ddpm(q_sample="return x_start")`."""
    return submission("05_ddpm", {f"ddpm.{name}": code for name, code in answers.items()})


def with_cell(nb: NotebookNode, source: str, at: int | None = None) -> NotebookNode:
    """Puts a cell of the student's own before cell `at`, or at the end."""
    nb.cells.insert(len(nb.cells) if at is None else at, nbformat.v4.new_code_cell(source))
    return nb


NAMES = ("abebe bikila åsa berit chidi dmitri emeka farida giulia hana imani jorge kenji lucía mei nadia olu priya "
         "quinn rosa sofía tariq uma viktor wanjiru ximena yusuf zoë").split()


def made_up_class(students: int = 40, notebooks: tuple[str, ...] = ("05_ddpm", "06_unet")) -> list[Result]:
    """The records of a class of mixed abilities, the same at every call; the first task is solved by everybody."""
    dice = random.Random(5)
    return [_made_up(f"{NAMES[i % len(NAMES)]}{i:02d}", notebooks, dice) for i in range(students)]


def _made_up(student: str, notebooks: tuple[str, ...], dice: random.Random) -> Result:
    skill, done = dice.betavariate(3, 1.4), []
    for notebook in notebooks:
        answers = [_answer(t, i, skill, notebook, dice) for i, t in enumerate(tasks.tasks_of(notebook))]
        reason = f"{notebook}.ipynb is missing." if dice.random() < 0.04 else ""
        if reason:
            answers = [TaskResult(t.task, t.points, 0) for t in answers]
        done.append(NotebookResult(notebook, answers, reason, rubric=rubric.digest(notebook)))
    return Result(student, f"digest of {student}", done, ids={"canvas": str(1000 + dice.randrange(9000))})


def _answer(t: tasks.Task, place: int, skill: float, notebook: str, dice: random.Random) -> TaskResult:
    if dice.random() < skill + 0.4 - 0.05 * place or not place:
        return TaskResult(t.id, t.points, t.points)
    if dice.random() < 0.3 - 0.3 * skill:
        return TaskResult(t.id, t.points, 0, UNFILLED)
    known = load_recorded(notebook).mistakes[t.id]
    slip = known[min(int(dice.expovariate(0.6)), len(known) - 1)]
    named = dice.random() < 0.8
    return TaskResult(t.id, t.points, 0, "`x_t` is off in 768 of 768 values.", slip.title if named else "",
                      slip.hint if named else "")
