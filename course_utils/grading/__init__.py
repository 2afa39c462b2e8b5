"""Grading: strangers' notebooks, run where they can do no harm, compared where they cannot reach.

    rooms                where a stranger's notebook runs, and what passes in and out
    intake               what students hand in: folders, zip files, and whose a notebook in them is
    records              what the machine found out about a submission
    rubric               what it is held against, and whether that has changed
    causes               why points were lost, in sentences
    outcomes             by what two wrong answers are known to be the same one
    grader               the answer key of a notebook, and one submission compared with it
    grader_process       what one process needs to grade for one run
    version              which course this is, for machines that grade together
    pools, dask_pool     threads here, or workers of a Dask cluster
    reports              what is made of records and of marks by hand: tables, pages, files for gradebooks
    settings             how a class is graded: what holds for a whole run
    runs                 a whole class, from its folder to its report

`docs/grading.md` says what is promised and what is not; `docs/grading-inside.md` draws how a submission travels.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.grading.records import Result
    from course_utils.grading.settings import RunSettings


def grade(submissions: Path | str, out: Path | str, settings: RunSettings | None = None,
          **options: Any) -> Iterator[Result]:
    """Grades the submissions in a folder or zip file and yields each student's result as it is known.

    Each result is on disk before it is yielded. Leaving the loop early, or an interruption, ends what is being graded
    and loses nothing of what was; `resume` goes on. After the last one, `out` holds `grades.csv`, `index.html`, a page
    for every student, and files that Canvas and Moodle take in. Points given by hand in `out`'s `marks.csv` are in all
    of them, not in what is yielded.

    Args:
        submissions: A folder or a zip file, in one of the layouts that `RunSettings.layout` names.
        out: Where the report goes. The run's secret seed stands in its `run.json`.
        settings: How to grade; see `settings.RunSettings`.
        options: Single settings, by name, which go before `settings`: `grade(folder, out, jobs=4, warm=True)`.

    Raises:
        ValueError: When there is nothing to grade, `out` holds another run, or another grader is at work there.
        SandboxError: When the sandbox does not hold on this machine; an OSError that names what failed.
        OSError: When the scheduler cannot be reached, when it or the last worker is gone.
    """
    from course_utils.grading.runs import grade_folder
    from course_utils.grading.settings import RunSettings

    return grade_folder(Path(submissions), Path(out), replace(settings or RunSettings(), **options))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course grade`."""
    parser.add_argument("submissions", type=Path,
                        help="a folder or zip file: a folder per student, or as Moodle, Canvas or nbgrader give it")
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT", help="the folder to write the report to")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks graded at the same time (2)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, whose workers grade: tls://host:8786")
    for what, name in {"ca": "the authority's certificate", "cert": "your certificate", "key": "its key"}.items():
        parser.add_argument(f"--tls-{what}", type=Path, metavar="FILE", help=f"{name}, for a tls:// scheduler (PEM)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in REPORT")
    parser.add_argument("--only", metavar="TASK", help="one task (ddpm.q_sample) or one notebook (05_ddpm)")
    parser.add_argument("--student", metavar="ID", help="one student, as the report names them")
    parser.add_argument("--canvas", type=Path, metavar="FILE",
                        help="the gradebook that Canvas exported: canvas.csv gets its titles and ids")
    parser.add_argument("--compare", type=Path, metavar="OLD", help="an older report: say what has changed since")
    parser.add_argument("--late", type=Path, metavar="FILE", help="the rules for late work, and weights")
    parser.add_argument("--roster", type=Path, metavar="FILE",
                        help="who is in the class: ids, or a table of Canvas's or Moodle's; names who is missing")
    parser.add_argument("--layout", choices=("folders", "flat", "moodle", "canvas", "nbgrader"),
                        help="how the submissions lie, where it is not seen by itself")
    parser.add_argument("--feedback", action="store_true",
                        help="make feedback.zip, which Moodle and Canvas take back as feedback files")
    parser.add_argument("--anonymous", action="store_true", help="make the students' pages without names, too")
    parser.add_argument("--similar", action="store_true",
                        help="make similar.html, pairs of students whose code is alike, for you to look at")
    parser.add_argument("--earlier", type=Path, action="append", default=[], metavar="OLD",
                        help="an older report: compare the code with that class's, too (may be given again)")
    parser.add_argument("--cell-seconds", type=float, default=20, metavar="S", help="a cell's deadline (20)")
    parser.add_argument("--task-seconds", type=float, default=10, metavar="S", help="a task's deadline (10)")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB", help="memory of a process (2048)")
    parser.add_argument("--warm", action="store_true", help="load torch once, not once for every submission")
    parser.add_argument("--no-sandbox", action="store_true",
                        help="run the submissions with your own rights, unprotected; the report says so")


def run(args: argparse.Namespace) -> int:
    """`course grade`: grades with a progress bar on stderr and says where the report is."""
    results = grade(args.submissions, args.out, _read_settings(args))
    total = incomplete = 0
    try:
        for result in results:
            total += 1
            incomplete += result.status != "graded"
    except KeyboardInterrupt:
        results.close()
        print(f"Interrupted. {total} are graded and on disk; go on with --resume.", file=sys.stderr)
        return 130
    except OSError as e:
        results.close()
        if not (args.out / "run.json").exists():  # nothing had begun
            raise
        raise OSError(f"{_describe_error(e)} What is graded is on disk; go on with --resume.") from None
    print(f"{total} graded, of which {incomplete} with a reason to look at. The report: {args.out / 'index.html'}")
    return 0


def _read_settings(args: argparse.Namespace) -> RunSettings:
    """The settings that the arguments give; ValueError where one makes no sense."""
    from tqdm import tqdm

    from course_utils.grading.rooms.limits import Limits, MiB
    from course_utils.grading.settings import RunSettings

    tls = args.tls_ca, args.tls_cert, args.tls_key
    if any(tls) and not all(tls):
        raise ValueError("--tls-ca, --tls-cert and --tls-key belong together.")
    for name in ("jobs", "cell_seconds", "task_seconds", "memory"):
        if not 0 < vars(args)[name] < math.inf:
            raise ValueError(f"--{name.replace('_', '-')} is a number above 0, not {vars(args)[name]:g}.")
    same = {field.name: vars(args)[field.name] for field in fields(RunSettings) if field.name in vars(args)}
    limits = Limits(cell=args.cell_seconds, probe=args.task_seconds, memory=args.memory * MiB,
                    room_memory=(args.memory + 512) * MiB)
    return RunSettings(**same | {"earlier": tuple(args.earlier)}, tls=tls if all(tls) else None,
                       sandbox=not args.no_sandbox, limits=limits, progress=True, say=tqdm.write)


def _describe_error(e: OSError) -> str:
    """What failed, as a sentence; where a disk is full, what helps."""
    from course_utils.files import FULL

    if e.filename and e.errno in FULL:
        return f"{e.filename} could not be written: the disk is full. Free some space, or name another by TMPDIR."
    return f"{e.filename}: {e.strerror}." if e.filename else str(e)
