"""A pool of the workers of a Dask cluster: its client's side first, then what runs in a worker.

What goes to a worker is a `GraderConfig` and a submission's bytes; what comes back are strings and numbers in our own
dataclasses. Dask pickles both: that is between processes which trust each other, and nothing that a student's process
made is ever pickled.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from course_utils.grading import records
from course_utils.grading.grader_process import GraderConfig, GraderProcess
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.records import Result
from course_utils.grading.version import digest_course

if TYPE_CHECKING:
    import distributed

NO_WORKER_SECONDS = 60  # seconds without any worker before a run gives up
MAX_WORKER_DEATHS = 3  # workers that a submission may cost
IDLE_SECONDS = 600  # seconds after which a worker closes what it holds for a run that did not say its end
SAME_VERSION = "All need this very version of the course."
GO_ON = "What is graded is on disk; go on with --resume."


class DaskPool:
    """The workers of a Dask cluster, which may come and go; each grades as many at a time as it has threads.

    Each submission is sent to a slot, a worker's free thread, and none waits there. So it is known which submissions a
    dying worker takes along. Each of these is sent to another worker, until it has cost too many. A worker that
    refuses, fails or answers what nobody asked is named and gets no more. (Dask's own second attempts end where all
    workers were gone for a moment.)

    Args:
        address: The scheduler's, such as `tls://host:8786`.
        tls: PEM files of the authority, this client's certificate and its key; Dask's own configuration by default.
        say: Is given a sentence about a connection without TLS, and about each worker that refuses.

    Raises:
        OSError: When the scheduler cannot be reached; in `map`, when it or the last worker is gone.
    """

    def __init__(self, config: GraderConfig, address: str, tls: tuple[Path, Path, Path] | None = None,
                 say: Callable[[str], object] = print):
        self._config, self._address, self._say = config, address, say
        self._client = _connect(address, tls)
        if not address.startswith(("tls://", "wss://", "inproc://")):
            say(f"The connection to {address} is not encrypted: whoever can reach it can read the submissions and the "
                "run's secret, and run code on the workers. Use a tls:// address.")
        self._excluded: dict[str, str] = {}
        self._known_workers: set[str] = set()
        self._seen = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the scheduler may be gone
            if self._client.status == "running":
                self._client.run(_close_process, self._config.run, on_error="ignore")
        self._client.close(timeout=5)

    def map(self, submissions: Iterable[Submission], alone: bool = False) -> Iterator[Result]:
        """Grades them, each with nothing else of this run on its machine when `alone`; yields results as they come."""
        from distributed.comm import CommClosedError

        try:
            yield from self._map(submissions, alone)
        except (CancelledError, CommClosedError) as e:
            raise OSError(f"The scheduler {self._address} is gone. {GO_ON}") from e

    def _map(self, submissions: Iterable[Submission], alone: bool) -> Iterator[Result]:
        todo, deaths = deque(submissions), Counter[str]()
        running: dict[distributed.Future, tuple[Submission, str, str]] = {}
        while todo or running:
            workers = self._list_workers()
            taken = {slot for _, slot, _ in running.values()}
            for slot, worker in self._list_slots(workers, alone).items():
                if todo and slot not in taken:
                    submission = todo.popleft()
                    running[self._send(submission, worker, alone)] = submission, slot, worker
            finished = self._wait_for_some(running)
            for future in finished | {f for f, (_, _, worker) in running.items() if worker not in workers}:
                submission, _, worker = running.pop(future)
                answer = self._fetch_result(future, submission, worker) if future in finished else None
                if answer is None:
                    future.cancel()
                    deaths[submission.student] += 1
                if isinstance(answer, Result):
                    yield answer
                elif deaths[submission.student] == MAX_WORKER_DEATHS:
                    reason = f"Its grading was given up: {MAX_WORKER_DEATHS} workers died over it."
                    yield self._config.make_failed_result(submission, reason)
                else:
                    todo.append(submission)

    def _list_workers(self) -> dict[str, int]:
        """The workers that are there, by address, and how many threads each has."""
        workers = self._client.nthreads()
        self._check_versions(workers.keys() - self._known_workers)
        if workers:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > NO_WORKER_SECONDS:
            raise OSError(f"There has been no worker at {self._address} for {NO_WORKER_SECONDS} seconds. {GO_ON}")
        if workers and workers.keys() <= self._excluded.keys():
            raise OSError(f"No worker of {self._address} can grade. {' '.join(set(self._excluded.values()))} {GO_ON}")
        return workers

    def _check_versions(self, workers: set[str]) -> None:
        """Leaves out those that lack this version of the course: they would die of what is sent to them."""

        async def versions() -> dict[str, object]:
            return await self._client.run(digest_course, workers=sorted(workers), on_error="return")

        self._known_workers |= workers
        try:
            said = self._client.sync(versions, callback_timeout=NO_WORKER_SECONDS) if workers else {}
        except TimeoutError:
            raise OSError(f"Workers of {self._address} do not answer: {', '.join(sorted(workers))}. {GO_ON}") from None
        for worker, version in said.items():
            if isinstance(version, Exception):
                self._exclude(worker, f"It cannot say which version of the course it has: {version}. {SAME_VERSION}")
            elif version != self._config.course:
                self._exclude(worker, "It has another version of the course.")

    def _exclude(self, worker: str, why: str) -> None:
        if worker not in self._excluded:
            self._say(f"The worker {worker} is left out: {why}")
            self._excluded[worker] = why

    def _list_slots(self, workers: dict[str, int], alone: bool) -> dict[str, str]:
        """Where submissions can be graded at one time: the places' names, each with its worker's address."""
        threads = {w: n for w, n in workers.items() if w not in self._excluded}
        if alone:
            return {str(urlsplit(w).hostname): w for w in threads}
        return {f"{w} {n}": w for n in range(max(threads.values(), default=0)) for w in threads if n < threads[w]}

    def _send(self, submission: Submission, worker: str, alone: bool) -> distributed.Future:
        read = submission.load_contents(self._config.notebooks)
        return self._client.submit(_grade_in_worker, self._config, read, alone, workers=[worker], pure=False)

    def _wait_for_some(self, futures: Iterable[distributed.Future]) -> set[distributed.Future]:
        """Those that are finished; after a second none, since by then a worker may have come or gone."""
        from distributed import wait

        if not futures:
            time.sleep(1)
            return set()
        try:
            with self._client.as_current():
                return wait(list(futures), timeout=1, return_when=FIRST_COMPLETED).done
        except TimeoutError:
            return set()

    def _fetch_result(self, future: distributed.Future, submission: Submission, worker: str) -> Result | Refusal | None:
        """What the worker said, as far as it can be; None when it died before that could be fetched."""
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        try:
            answer = future.result(timeout=10)
        except (KilledWorker, TimeoutError):
            return None
        except (CancelledError, CommClosedError):
            raise
        except Exception as e:
            answer = Refusal(worker, f"It failed with {type(e).__name__}: {e}. {SAME_VERSION}")
        if not isinstance(answer, Refusal):
            try:
                return records.validate(self._config.check_result(submission, answer))
            except ValueError:
                answer = Refusal(worker, "It answered something else than it was asked.")
        self._exclude(worker, answer.why)
        return answer


def _connect(address: str, tls: tuple[Path, Path, Path] | None) -> distributed.Client:
    from distributed import Client, Security

    if not re.fullmatch(r"(tcp|tls|ws|wss)://.+:\d+|inproc://.+", address):
        raise ValueError(f"A scheduler's address is such as tls://host:8786, not {address!r}.")
    security = Security()
    if tls:
        if not address.startswith("tls://"):
            raise ValueError(f"Certificates are of use with a tls:// address only, not with {address}.")
        if missing := [str(path) for path in tls if not path.is_file()]:
            raise ValueError(f"There is no file {' and no '.join(missing)}.")
        ca, cert, key = map(str, tls)
        security = Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)
    elif address.startswith(("tls://", "wss://")) and not security.get_connection_args("client").get("ssl_context"):
        raise ValueError(f"{address} wants certificates: --tls-ca, --tls-cert, --tls-key, or those of Dask's own "
                         "configuration.")
    try:
        return Client(address, security=security, set_as_default=False)
    except (OSError, RuntimeError) as e:
        raise OSError(f"The scheduler {address} cannot be reached: {e}") from e


# ---- in a worker ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """A worker's answer when it cannot grade for this run at all."""

    worker: str
    why: str


_processes: dict[str, tuple[GraderProcess, float]] = {}  # this process's, by run, and when each was used last
_runs_in_progress: dict[object, str] = {}  # the run of each submission that is being graded here
_creation_lock = threading.Lock()


def _grade_in_worker(config: GraderConfig, submission: Submission, alone: bool) -> Result | Refusal:
    """The unit of work as a worker does it; its first one for a run tests the sandbox and makes the keys."""
    from distributed import get_worker

    here = object()
    _runs_in_progress[here] = config.run
    try:
        try:
            process = _get_process(config, get_worker().state.nthreads)
        except Exception as e:  # another worker may be able to
            return Refusal(get_worker().address, str(e))
        return process.grade(submission, alone)
    finally:
        del _runs_in_progress[here]


def _get_process(config: GraderConfig, jobs: int) -> GraderProcess:
    with _creation_lock:
        if config.course != digest_course():
            raise ValueError("It has another version of the course.")
        busy = {config.run, *list(_runs_in_progress.values())}
        now = time.monotonic()
        for run in [r for r, (_, used) in _processes.items() if r not in busy and now - used > IDLE_SECONDS]:
            _close_process(run)
        if config.run in _processes:
            process = _processes[config.run][0]
        else:
            process = GraderProcess(replace(config, private=(*config.private, *_list_private_paths())), jobs)
        _processes[config.run] = process, time.monotonic()
        return process


def _list_private_paths() -> list[Path]:
    """What a worker has on its disk that no room may see: the folder that it spills into, and the cluster's keys."""
    from distributed import get_worker

    worker = get_worker()
    keys = [getattr(worker.security, f"tls_{who}_key", None) for who in ("scheduler", "worker", "client")]
    named = [worker.local_directory, *(key for key in keys if key and "\n" not in key)]  # else it is the key itself
    return [path for path in map(Path, dict.fromkeys(named)) if path.exists()]


def _close_process(run: str) -> None:
    """Closes a run's grader process, in a thread, because a worker that waits does not answer its scheduler."""
    process, _ = _processes.pop(run, (None, 0))
    if process:
        threading.Thread(target=process.close).start()
