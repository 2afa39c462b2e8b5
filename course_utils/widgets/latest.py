"""Work that follows a hand: the newest job only, in the background.

    newest = Latest()
    newest.ask(lambda: show(slow_picture(3)))
    newest.ask(lambda: show(slow_picture(4)))  # the first is stopped at its next `check`, or never begun

Nothing here knows of figures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stale(Exception):
    """Something newer was asked for: the job that meets this ends, and nobody hears of it."""


class Latest:
    """One thread that does the newest job that it was asked for.

    At most one job waits. A newer one replaces it and makes the one being done stale, which calls `check` wherever it
    can stop. Jobs never run at the same time, so that what only they write needs no lock. The thread ends when there
    is nothing to do.
    """

    def __init__(self):
        self._news = threading.Condition()
        self._waiting: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, job: Callable[[], None]) -> None:
        """Does `job` as soon as the one being done has stopped."""
        with self._news:
            self._waiting = job
            self._news.notify_all()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def check(self) -> None:
        """To be called by a job: raises `Stale` when a newer one waits."""
        self.pause(0)

    def pause(self, seconds: float) -> None:
        """To be called by a job: waits, and raises `Stale` as soon as a newer one does."""
        with self._news:
            if self._news.wait_for(lambda: self._waiting is not None, seconds):
                raise Stale

    def awaits(self, job: Callable[[], None]) -> bool:
        """Whether this is the job that waits."""
        with self._news:
            return self._waiting == job

    def finish(self) -> None:
        """Returns when nothing is left to do."""
        with self._news:
            self._news.wait_for(lambda: self._thread is None)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Stale:
                continue
            except BaseException:
                self._end()
                raise

    def _next(self) -> Callable[[], None] | None:
        with self._news:
            job, self._waiting = self._waiting, None
            if job is None:
                self._end()
            return job

    def _end(self) -> None:
        with self._news:
            self._thread = None
            self._news.notify_all()
