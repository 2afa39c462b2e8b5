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
    pools                threads here or workers elsewhere
    reports              what is made of records and of marks by hand: tables, pages, files for gradebooks
    runs                 a whole class, from its folder to its report

`docs/grading.md` says what is promised and what is not.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.grading.records import Result
    from course_utils.grading.rooms.limits import Limits


def grade(submissions: Path | str, out: Path | str, *, jobs: int = 2, scheduler: str | None = None,
          tls: tuple[Path, Path, Path] | None = None, resume: bool = False, only: str | None = None,
          student: str | None = None, sandbox: bool = True, warm: bool = False, seed: int | None = None,
          limits: Limits | None = None, canvas: Path | str | None = None, compare: Path | str | None = None,
          late: Path | str | None = None, roster: Path | str | None = None, layout: str | None = None,
          feedback: bool = False, anonymous: bool = False, similar: bool = False, earlier: Sequence[Path | str] = (),
          progress: bool = False,
          say: Callable[[str], object] = warnings.warn) -> Iterator[Result]:
    """Grades the submissions in a folder or zip file and yields each student's result as it is known.

    Each result is on disk before it is yielded. Leaving the loop early, or an interruption, ends what is being graded
    and loses nothing of what was; `resume` goes on. After the last one, `out` holds `grades.csv`, `index.html`, a page
    for every student, and files that Canvas and Moodle take in. Points given by hand in `out`'s `marks.csv` are in all
    of them, not in what is yielded.

    Args:
        submissions: A folder or a zip file, in one of the layouts that `layout` names.
        out: Where the report goes. The run's secret seed stands in its `run.json`.
        jobs: Notebooks graded at the same time on this machine; without meaning with a scheduler.
        scheduler: The address of a Dask scheduler, such as `tls://host:8786`, whose workers grade instead.
        tls: PEM files for a `tls://` scheduler: the authority's certificate, one's own, its key; else those of Dask.
        resume: Go on with the run in `out`; what is there is kept, unless a submission has changed since. `canvas`,
            `late`, `roster` and `layout` are those of before, files read again, unless others are given.
        only: Grade one notebook (`05_ddpm`) or one task (`ddpm.q_sample`).
        student: Grade one student.
        sandbox: False runs the submissions with your own rights: they can then read and change all that you can.
        warm: Start rooms from a process that has loaded torch already: the same verdicts, sooner.
        seed: The run's seed, instead of a fresh one; for tests.
        limits: Of time and memory.
        canvas: The gradebook that Canvas exported, for the titles and ids in `canvas.csv`.
        compare: An older report; what has changed since is written to `changes.html` and `changes.csv`.
        late: The rules for late work, a TOML file; they apply to the report, not to what is yielded.
        roster: Who is in the class: ids, or a table of Canvas's or Moodle's. Who is missing has a row, too.
        layout: One of `folders`, `flat`, `moodle`, `canvas`, `nbgrader`; by default that of most of what lies there.
        feedback: Also write `feedback.zip`, which Moodle and Canvas take back; `anonymous`: pages without names.
        similar: Also write `similar.html`, pairs of students whose code is alike; `earlier`: of older reports, too.
        progress: Show a bar with the time left on stderr.
        say: Is given every sentence about files and marks that are nobody's, who is missing, changes, the cluster.

    Raises:
        ValueError: When there is nothing to grade, `out` holds another run, or another grader is at work there.
        SandboxError: When the sandbox does not hold on this machine; an OSError that names what failed.
        OSError: When the scheduler cannot be reached, when it or the last worker is gone.
    """
    from course_utils.grading.reports.report import ReportInputs
    from course_utils.grading.rooms.limits import Limits
    from course_utils.grading.runs import grade_folder, read_remembered
    from course_utils.terminal import printable

    if jobs < 1:
        raise ValueError(f"jobs is a number from 1 on, not {jobs}.")
    paths = {"canvas": canvas, "late": late, "roster": roster}
    before = read_remembered(Path(out)) if resume else {}
    also = _list_extras(feedback=feedback, anonymous=anonymous, similar=similar or bool(earlier))
    before_layout = before.pop("layout", None)
    paths = before | {name: path for name, path in paths.items() if path is not None}
    beside = ReportInputs.read(paths, compare, earlier)
    return grade_folder(Path(submissions), Path(out), jobs=jobs, scheduler=scheduler, tls=tls, resume=resume, only=only,
                        student=student, sandbox=sandbox, warm=warm, seed=seed, limits=limits or Limits(),
                        beside=beside, layout=layout or before_layout, also=also, progress=progress,
                        say=lambda sentence: say(printable(sentence)))


def _list_extras(**asked: bool) -> list[str]:
    """What a report holds besides, by name; ValueError where a library for it is missing."""
    from course_utils.grading.reports.similar import require_copydetect

    if asked["similar"]:
        require_copydetect()
    return [name for name, wanted in asked.items() if wanted]


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
    from tqdm import tqdm

    from course_utils.grading.intake import layouts
    from course_utils.grading.rooms.limits import Limits, MiB
    from course_utils.grading.runs import read_remembered
    from course_utils.terminal import printable

    tls = args.tls_ca, args.tls_cert, args.tls_key
    if any(tls) and not all(tls):
        raise ValueError("--tls-ca, --tls-cert and --tls-key belong together.")
    for name in ("jobs", "cell_seconds", "task_seconds", "memory"):
        if not 0 < vars(args)[name] < math.inf:
            raise ValueError(f"--{name.replace('_', '-')} is a number above 0, not {vars(args)[name]:g}.")
    before = read_remembered(args.out) if args.resume else {}
    found = layouts.find_submissions(args.submissions, args.layout or before.get("layout"))
    print(printable(found.sentence), file=sys.stderr)
    limits = Limits(cell=args.cell_seconds, probe=args.task_seconds, memory=args.memory * MiB,
                    room_memory=(args.memory + 512) * MiB)
    results = grade(args.submissions, args.out, jobs=args.jobs, scheduler=args.scheduler, tls=tls if all(tls) else None,
                    resume=args.resume, only=args.only, student=args.student, sandbox=not args.no_sandbox,
                    warm=args.warm, limits=limits, canvas=args.canvas, compare=args.compare, late=args.late,
                    roster=args.roster, layout=args.layout, feedback=args.feedback,
                    anonymous=args.anonymous, similar=args.similar, earlier=args.earlier, progress=True, say=tqdm.write)
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


def _describe_error(e: OSError) -> str:
    """What failed, as a sentence; where a disk is full, what helps."""
    from course_utils.files import FULL

    if e.filename and e.errno in FULL:
        return f"{e.filename} could not be written: the disk is full. Free some space, or name another by TMPDIR."
    return f"{e.filename}: {e.strerror}." if e.filename else str(e)
