"""A run over a folder of submissions: its secret seed, its pool, its records, and going on where it was ended."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from course_utils import files, notebooks, tasks
from course_utils.grading import records, rubric
from course_utils.grading.dask_pool import DaskPool
from course_utils.grading.grader import find_notebooks
from course_utils.grading.grader_process import GraderConfig
from course_utils.grading.intake import layouts, roster
from course_utils.grading.intake.names import tidy
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.pools import LocalPool
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.reports import report
from course_utils.grading.reports.similar import require_copydetect
from course_utils.grading.settings import FILES, RunSettings
from course_utils.grading.version import digest_course
from course_utils.terminal import printable

REMEMBERED = (*FILES, "layout")  # what a resumed run is given again unless told otherwise


def grade_folder(folder: Path, out: Path, settings: RunSettings) -> Iterator[Result]:
    """See `course_utils.grading.grade`. What the run needs is read at once; grading begins with the first result."""
    remembered = _read_remembered(out) if settings.resume else {}
    layout = remembered.pop("layout", None)
    if "similar" in settings.extras:
        require_copydetect()
    inputs = report.ReportInputs.read(remembered | settings.files, settings.compare, settings.earlier)
    say = settings.say
    settings = replace(settings, layout=settings.layout or layout, say=lambda sentence: say(printable(sentence)))
    return _grade_folder(folder, out, settings, inputs)


def _grade_folder(folder: Path, out: Path, settings: RunSettings, inputs: report.ReportInputs) -> Iterator[Result]:
    if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{out} lies in {folder}, where a report would be taken for a student's: name another place.")
    found, missing, notes = _find_class(folder, settings, inputs)
    wanted, everybody = _choose_notebooks(found, settings.only), {s.student for s in found}
    if settings.student is not None:
        found = [s for s in found if s.student == tidy(settings.student)]
        if not found:
            raise ValueError(f"There is no submission of {settings.student} in {folder}.")
    for note in notes:
        settings.say(note)
    with _lock_report(out):
        about = _load_run(out, settings, wanted) | inputs.paths
        about |= {"layout": settings.layout} if settings.layout else {}
        yield from _grade_submissions(found, folder, out, settings, about)
        _write_run(out, about)
        graded = records.load_all(out / "records")
        if gone := [s for s in graded if s not in everybody]:
            settings.say(f"The report keeps {len(gone)} of an earlier run, who are not in {folder}: {', '.join(gone)}.")
        absent = [_make_absent_row(p, about["notebooks"], settings.task_ids) for p in missing
                  if p.student not in graded]
        if settings.student is None:
            yield from absent
        results = [*graded.values(), *absent]
        for sentence in report.write(out, results, settings.sandbox, inputs, notes, settings.extras):
            settings.say(sentence)


def _find_class(folder: Path, settings: RunSettings, inputs: report.ReportInputs,
                ) -> tuple[list[Submission], list[roster.Person], list[str]]:
    """The submissions; who is on the roster and handed in nothing; and sentences about what is odd."""
    found = layouts.find_submissions(folder, settings.layout)
    if settings.progress:
        print(printable(found.sentence), file=sys.stderr)
    if inputs.roster is None:
        return found.submissions, [], found.notes
    submissions, missing, more = roster.compare(found.submissions, inputs.roster, Path(inputs.paths["roster"]))
    return submissions, missing, [*found.notes, *more]


def _grade_submissions(found: list[Submission], folder: Path, out: Path, settings: RunSettings,
                       about: dict[str, Any]) -> Iterator[Result]:
    """Each submission's result: those on record first, then, from a pool, those that are to be graded."""
    todo, again, done = _sort_submissions(found, about["notebooks"], out / "records")
    with tqdm(desc="Grading", unit=" students", total=len(found), initial=len(done), file=sys.stderr,
              disable=not settings.progress) as bar:  # `initial`: those on record do not count for the speed
        for submission in done:
            yield records.load(submission.student, out / "records")
        if not (todo or again):
            return
        if settings.scheduler is None and (too_much := settings.limits.describe_excess(settings.jobs)):
            settings.say(too_much)
        config = GraderConfig(secrets.token_hex(8), digest_course(), about["seed"], tuple(about["notebooks"]),
                              settings.task_ids, settings.limits, (folder.resolve(), out.resolve()), settings.sandbox,
                              settings.warm)
        with _open_pool(config, settings) as pool:
            _write_run(out, about)
            for result in _grade(todo, again, pool, out / "records"):
                bar.update()
                yield result


def _open_pool(config: GraderConfig, settings: RunSettings) -> LocalPool | DaskPool:
    if settings.scheduler is None:
        return LocalPool(config, settings.jobs)
    return DaskPool(config, settings.scheduler, settings.tls, settings.say)


def _make_absent_row(person: roster.Person, notebooks: list[str], task_ids: Collection[str]) -> Result:
    """The row of somebody from whom nothing has come: never a record, so that it ends when something comes."""
    each = {n: [t for t in tasks.tasks_of(n) if t.id in (task_ids or [t.id])] for n in notebooks}
    rows = [NotebookResult(n, [TaskResult(t.id, t.points, 0) for t in asked], "Nothing was handed in." if not i else "")
            for i, (n, asked) in enumerate(each.items())]
    return Result(person.student, "", rows, ids=person.ids)


def _grade(todo: list[Submission], again: list[Submission], pool: LocalPool | DaskPool, folder: Path,
           ) -> Iterator[Result]:
    """Each submission's result, on disk before it is counted.

    What missed a deadline beside others is graded once more, alone, when all others are done, and this verdict stays:
    so that none depends on the pool. A loop without end costs its deadlines twice, and no more.
    """
    crowded = {s.student: s for s in again}
    by_student = {s.student: s for s in todo}
    for result in pool.map(todo):
        records.save(result, folder)
        if result.provisional:
            crowded[result.student] = by_student[result.student]
        else:
            yield result
    for result in pool.map(crowded.values(), alone=True):
        records.save(result, folder)
        yield result


def _sort_submissions(found: Iterable[Submission], notebooks: list[str], folder: Path,
                      ) -> tuple[list[Submission], list[Submission], list[Submission]]:
    """The submissions to grade, those to grade again alone, and those that are done; one record in memory at a time."""
    todo, again, done = [], [], []
    for submission in found:
        before = records.load(submission.student, folder)
        kept = rubric.reuse_record(before, submission, notebooks)
        if not kept:
            todo.append(submission)
            continue
        if kept != before:  # its points or its time of handing in have changed
            records.save(kept, folder)
        (again if kept.provisional else done).append(submission)
    return todo, again, done


@contextmanager
def _lock_report(out: Path) -> Iterator[None]:
    """Keeps a second grader out of the report; the system lets go of the lock even when this process is killed."""
    with ExitStack() as held:
        try:
            held.enter_context(files.lock(out / ".lock", wait=2))  # a killed grader's lock is released soon
        except BlockingIOError:
            raise ValueError(f"Another grader is at work in {out}; wait for its end, or name another folder.") from None
        yield


def _choose_notebooks(found: list[Submission], only: str | None) -> list[str]:
    """The notebooks to grade: those that `only` names, else those that anybody handed in."""
    if only is None:
        wanted = find_notebooks(found)
        if not wanted:
            raise ValueError("None of the submissions holds a notebook of the course, such as 05_ddpm.ipynb.")
        return wanted
    if "." in only:
        tasks.get(only)
        return [tasks.notebook_of(only)]
    return [notebooks.source_of(only).stem]


def _load_run(out: Path, settings: RunSettings, notebooks: list[str]) -> dict[str, Any]:
    """What `run.json` says of the run: that of a new one, or of the one that goes on, perhaps with more notebooks."""
    if not (out / "run.json").exists():
        seed = secrets.randbits(63) if settings.seed is None else settings.seed
        return {"seed": seed, "only": settings.only, "sandbox": settings.sandbox, "notebooks": notebooks}
    if not settings.resume:
        raise ValueError(f"{out} holds a report already; go on with --resume, or name another folder.")
    about = _read_run(out)
    if settings.only != about["only"] or settings.sandbox != about["sandbox"]:
        only = f"with --only {about['only']}" if about["only"] else "without --only"
        raise ValueError(f"{out} was begun {only} and {'with' if about['sandbox'] else 'without'} a sandbox; go on so, "
                         "or name another folder.")
    about["notebooks"] = sorted({*about["notebooks"], *notebooks})
    return about


def _read_run(out: Path) -> dict[str, Any]:
    try:
        about = json.loads((out / "run.json").read_text("utf-8"))
        names = [about["only"] or "", *about["notebooks"], *(about.get(name, "") for name in REMEMBERED)]
        if not (all(isinstance(name, str) for name in names) and isinstance(about["sandbox"], bool)
                and type(about["seed"]) is int and 0 <= about["seed"] < 1 << 64
                and {*about["notebooks"]} <= {source.stem for source in notebooks.sources()}):
            raise ValueError("It says what no run does.")
        return about
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{out / 'run.json'} is damaged, and the run cannot go on: name another folder.") from None


def _read_remembered(out: Path) -> dict[str, str]:
    """What the run in `out` was given: Canvas's gradebook, the late rules, the roster, and the layout's name."""
    about = _read_run(out) if (out / "run.json").exists() else {}
    return {name: about[name] for name in REMEMBERED if name in about}


def _write_run(out: Path, about: dict[str, Any]) -> None:
    """Writes `run.json`, which holds the secret, for its owner's eyes only."""
    files.write(out / "run.json", json.dumps(about, indent=1), mode=0o600)
