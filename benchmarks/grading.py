"""The grader beside nbgrader's autograde and otter.

Every student hands in notebooks 05 and 06, each with three of the known mistakes and without its demo cells;
all graders get the same files on the same machine. nbgrader and otter run the visible checks, one submission after the
other and without a sandbox. The course's grader works on as many at a time as there are cores; its start, its self-test
and the reference's own run are included.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import nbformat

from course_utils import notebooks, tasks
from course_utils.authoring import bank
from course_utils.bench import Row, is_installed
from course_utils.grading import grade
from course_utils.grading.grader_process import GraderConfig, GraderProcess
from course_utils.grading.intake import layouts

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from grading.classroom import submission  # noqa: E402

ROUNDS = 3
CLASSES = {"cold": 6, "warm": 60, "nbgrader": 2, "otter": 1}  # students in a round
COURSE = ["05_ddpm", "06_unet"]  # of every submission: with all sixteen nbgrader and otter would take an hour
QUIET = os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def rows() -> Iterator[Row]:
    """Submissions a minute, and what one waits beyond its own code."""
    graders = {"cold": ours, "warm": lambda folder: ours(folder, warm=True), "nbgrader": nbgrader}
    if is_installed("otter-grader"):
        graders["otter"] = otter
    rates: dict[str, list[float]] = {name: [] for name in graders}
    for turn in range(ROUNDS):
        for name, run in graders.items():
            rates[name].append(60 * CLASSES[name] / in_class(run, CLASSES[name], seed=turn))
    median = {name: statistics.median(r) for name, r in rates.items()}
    unit = "submissions a minute"
    limits = {"warm": "the student's own code, and the forks", "cold": "the import of torch in every room"}
    for (name, limit), goal in zip(limits.items(), (20, 1.5), strict=True):
        yield Row.rate(f"{name}, against nbgrader", median[name], median["nbgrader"], unit=unit, goal=goal, limit=limit)
        if "otter" in median:
            yield Row.rate(f"{name}, against otter", median[name], median["otter"], unit=unit, limit=limit)
    yield Row.time(f"one submission of {len(COURSE)} notebooks, warm: its latency beyond its own code, against 0.5 s",
                   beyond_own_code(), 0.5, unit="s", goal=1, limit="a fork for each task")


def in_class(run: Callable[[Path], float], students: int, seed: int = 0) -> float:
    """The seconds that a grader says it took for a class of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return run(classroom(Path(folder) / "submissions", students, seed))


def classroom(folder: Path, students: int, seed: int = 0) -> Path:
    """Students who hand in every notebook with three known mistakes each, drawn from the seed."""
    rng = random.Random(seed)
    for name in COURSE:
        entries = bank.read_bank(bank.bank_of(notebooks.source_of(name)))
        for i in range(students):
            nb = submission(name, {e.task: e.code for e in rng.sample(entries, 3)})
            nb.cells = [c for c in nb.cells if notebooks.kind_of(c) != "demo"]
            path = folder / f"student-{i:04}" / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(nb, path)
    return folder


def ours(submissions: Path, jobs: int = os.cpu_count() or 1, warm: bool = False) -> float:
    """The course's grader."""
    begin = time.perf_counter()
    for result in grade(submissions, submissions.parent / "report", jobs=jobs, warm=warm):
        if result.status != "graded":
            raise ValueError(f"{result.student} was not graded: {result.reason}")
    return time.perf_counter() - begin


def nbgrader(submissions: Path) -> float:
    """nbgrader's autograde; its release, which is made once, does not count."""
    course = submissions.parent / "course"
    for path in [*notebooks.SOLUTIONS.glob("*.ipynb"), *submissions.glob("*/*.ipynb")]:
        name, student = path.stem, path.parent.name
        folder = course / ("submitted" if path.is_relative_to(submissions) else "source")
        folder = folder / student / name if folder.name == "submitted" else folder / name
        folder.mkdir(parents=True)
        shutil.copy(path, folder)
    shutil.copy(notebooks.SOLUTIONS / "nbgrader_config.py", course)
    command = [sys.executable, "-m", "nbgrader"]
    for name in COURSE:
        _run([*command, "generate_assignment", name], course)
    begin = time.perf_counter()
    for name in COURSE:
        _run([*command, "autograde", name], course)
    return time.perf_counter() - begin


OTTER = '''OK_FORMAT = True
test = {{"name": "{name}", "points": {points}, "suites": [{{"cases": [{{"code": r"""
>>> import contextlib, io, types
>>> from course_utils.check import check
>>> with contextlib.redirect_stdout(io.StringIO()):
...     _ = check("{id}", types.SimpleNamespace(**globals()))
""", "hidden": False, "locked": False}}], "scored": True, "setup": "", "teardown": "", "type": "doctest"}}]}}
'''


def otter(submissions: Path) -> float:
    """otter's run on one notebook after the other; its zip of tests, which is made once, does not count."""
    folder = submissions.parent
    for name in COURSE:
        tests = folder / name
        tests.mkdir()
        for task in tasks.tasks_of(name):
            test = task.id.replace(".", "_")
            (tests / f"{test}.py").write_text(OTTER.format(name=test, id=task.id, points=task.points))
        _run(["otter", "generate", "-t", str(tests), "-o", f"{name}.zip", "--no-requirements", "--no-environment"],
             folder)
    begin = time.perf_counter()
    for path in submissions.glob("*/*.ipynb"):
        _run(["otter", "run", "-a", f"{path.stem}.zip", "-o", ".", "--no-logo", str(path)], folder)
    return time.perf_counter() - begin


def _run(command: list[str], folder: Path) -> None:
    ran = subprocess.run(command, cwd=folder, env=QUIET, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise ValueError(f"{' '.join(command[:4])} failed: {ran.stderr[-300:]}")


OWN = """
import sys, time
from pathlib import Path
import torch, torch._dynamo
from course_utils import notebooks, tasks
torch.set_num_threads(1)
torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 2, 2)).sum().backward()
inputs = {t.id: tasks.draw_inputs(t, 0) for t in tasks.tasks_of(Path(sys.argv[1]).stem)}
notebooks.load(sys.argv[1])
begin = time.perf_counter()
nb = notebooks.load(sys.argv[1])
for id, drawn in inputs.items():
    tasks.observe(tasks.get(id), nb, drawn)
print(time.perf_counter() - begin)
"""


def beyond_own_code(students: int = 10) -> float:
    """Seconds that a submission waits for its result, one at a time, less what its cells and probes take elsewhere.

    The notebooks of a submission are graded beside each other, so only the slowest one's own code is taken off.
    """
    beyond = []
    with tempfile.TemporaryDirectory() as folder:
        submissions = layouts.find_submissions(classroom(Path(folder), students)).submissions
        with closing(GraderProcess(GraderConfig("", "", 0, tuple(COURSE), warm=True), os.cpu_count() or 1)) as process:
            for submission in submissions:
                begin = time.perf_counter()
                process.grade(submission, alone=False)
                beyond.append(time.perf_counter() - begin)
        for i, submission in enumerate(submissions):
            beyond[i] -= max(own_code(Path(folder) / submission.student / f"{name}.ipynb") for name in COURSE)
    return statistics.median(beyond)


def own_code(path: Path) -> float:
    """Seconds that a notebook's cells and probes take in a plain process that has run them before."""
    ran = subprocess.run([sys.executable, "-c", OWN, str(path)], env=QUIET, capture_output=True, text=True, check=True)
    return float(ran.stdout)
