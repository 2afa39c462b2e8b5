"""Where a class is graded: in threads of this process, or by the workers of a Dask cluster (see `dask_pool`).

A pool is a `with` block and `map(submissions, alone)`, which yields results as they come. Leaving the block, however
it is left, ends what is still being graded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self

from course_utils.grading.grader_process import GraderConfig, GraderProcess
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.records import Result


class LocalPool:
    """Threads of this process: each waits for its room.

    Args:
        jobs: Notebooks graded at the same time.
    """

    def __init__(self, config: GraderConfig, jobs: int):
        self._jobs = jobs
        self._process = GraderProcess(config, jobs)
        self._threads = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._process.close()
        self._threads.shutdown()

    def map(self, submissions: Iterable[Submission], alone: bool = False) -> Iterator[Result]:
        """Grades them, each with nothing else running when `alone`; yields results as they come."""
        todo, running = deque(submissions), set[Future]()
        most, alone = (1, True) if alone else (2 * self._jobs, self._jobs == 1)  # so that no thread waits
        while todo or running:
            while todo and len(running) < most:
                running.add(self._threads.submit(self._process.grade, todo.popleft(), alone))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
