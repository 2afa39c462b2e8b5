"""A class of a thousand, graded by the warm path.

Every student hands in notebooks 05 and 06 with three of the known mistakes. Seconds a submission among the first ten
and the first hundred are held against those of the whole class, and the grader's memory after ten against its memory
after all.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from course_utils.bench import Row, load
from course_utils.grading import grade

STUDENTS = 1000


def rows() -> Iterator[Row]:
    """Times from the first result on, so that the start, which is the same for all, does not count."""
    classroom = load("grading").classroom
    with tempfile.TemporaryDirectory() as folder:
        submissions = classroom(Path(folder) / "submissions", STUDENTS)
        at, held = [], []
        for result in grade(submissions, Path(folder) / "report", jobs=os.cpu_count() or 1, warm=True):
            if result.status != "graded":
                raise ValueError(f"{result.student} was not graded: {result.reason}")
            at.append(time.perf_counter())
            held.append(_resident())
    whole = (at[-1] - at[0]) / (len(at) - 1)
    for first in (10, 100):
        yield Row.time(f"seconds a submission: all {len(at)}, against the first {first}", whole,
                       (at[first] - at[0]) / first, unit="s", goal=0.9, limit="the student's own code")
    yield Row.time(f"the grader's memory: after all {len(at)}, against after 10", held[-1], held[9], unit="MiB",
                   goal=0.9, limit="a result is small")


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
