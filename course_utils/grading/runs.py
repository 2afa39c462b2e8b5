"""A run over a folder of submissions: its secret seed, its pool, its records, and going on where it was ended."""

from __future__ import annotations

import json
import queue
import secrets
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_utils import notebooks, tasks
from course_utils.grading import layouts, records, report, rubric
from course_utils.grading.grader import Grader, notebooks_in
from course_utils.grading.limits import Limits
from course_utils.grading.records import Result
from course_utils.grading.room import Rooms, self_test
from course_utils.grading.submissions import Submission


def grade_folder(folder: Path, out: Path, *, jobs: int, resume: bool, only: str | None, student: str | None,
                 sandbox: bool, seed: int | None, limits: Limits, beside: report.Beside,
                 say: Callable[[str], object]) -> Iterator[Result]:
    """See `course_utils.grading.grade`."""
    found = layouts.see(folder).submissions
    wanted = _wanted(found, only)
    if student is not None:
        found = [s for s in found if s.student == student]
        if not found:
            raise ValueError(f"There is no submission of {student} in {folder}.")
    rooms = Rooms(limits, (notebooks.SOLUTIONS, folder.resolve(), out.resolve()), sandbox)
    if sandbox:
        self_test(rooms)
    about = _begin(out, resume, {"only": only, "sandbox": sandbox, "notebooks": wanted}, seed)
    done = records.load_all(out / "records")
    todo = []
    for submission in found:
        before = rubric.kept(done.get(submission.student), submission)
        if before:
            if before != done[submission.student]:  # other points, or another time
                records.save(before, out / "records")
            yield before
        else:
            todo.append(submission)
    if todo:
        yield from _grade(todo, rooms, about, out, jobs)
    for sentence in report.write(out, list(records.load_all(out / "records").values()), sandbox, beside):
        say(sentence)


def _grade(todo: list[Submission], rooms: Rooms, about: dict[str, Any], out: Path, jobs: int) -> Iterator[Result]:
    """Grades in `jobs` rooms at a time; each result is on disk before it is counted."""
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    with tempfile.TemporaryDirectory(prefix="grading-") as staging:
        grader = Grader(rooms, about["seed"], Path(staging))
        for notebook in about["notebooks"]:
            grader.add_key(notebook, _task_ids(about["only"]))

        def work(submission: Submission) -> Result:
            slot = slots.get()
            try:
                result = grader.grade(submission, slot)
                records.save(result, out / "records")
                return result
            finally:
                slots.put(slot)

        with _pool(jobs) as pool:
            for future in as_completed([pool.submit(work, s) for s in todo]):
                yield future.result()


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads, because each only waits for its room; when the run is ended, what has not begun does not begin."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _task_ids(only: str | None) -> list[str]:
    return [only] if only and "." in only else []


def _wanted(found: list[Submission], only: str | None) -> list[str]:
    """The notebooks to grade: those that `only` names, else those that anybody handed in."""
    if only is None:
        wanted = notebooks_in(found)
        if not wanted:
            raise ValueError("None of the submissions holds a notebook of the course, such as 05_ddpm.ipynb.")
        return wanted
    if "." in only:
        tasks.get(only)
        return [tasks.notebook_of(only)]
    return [notebooks.source_of(only).stem]


def _begin(out: Path, resume: bool, settings: dict[str, Any], seed: int | None) -> dict[str, Any]:
    """The run's settings and seed: new ones, written for the owner's eyes only, or those that a resumed run had."""
    path = out / "run.json"
    if path.exists():
        if not resume:
            raise ValueError(f"{out} holds a report already; go on with --resume, or name another folder.")
        about = json.loads(path.read_text("utf-8"))
        if settings["only"] != about["only"] or settings["sandbox"] != about["sandbox"]:
            raise ValueError(f"{out} was begun with other settings: --only {about['only']}, sandbox "
                             f"{'on' if about['sandbox'] else 'off'}.")
        return about
    about = {"seed": secrets.randbits(63) if seed is None else seed, **settings}
    records.write_atomically(path, json.dumps(about, indent=1), mode=0o600)
    return about
