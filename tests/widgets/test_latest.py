"""The newest job only: no queue, stale jobs stop where they can, and nothing runs at the same time."""

from __future__ import annotations

import threading

import pytest

from course_utils.widgets.latest import Latest, Stale


@pytest.fixture
def newest():
    return Latest()


class Held:
    """A job that waits in the middle until it is let go, and says what became of it."""

    def __init__(self, newest: Latest):
        self.newest, self.begun, self.go, self.ended = newest, threading.Event(), threading.Event(), None

    def __call__(self) -> None:
        self.begun.set()
        self.go.wait(60)
        try:
            self.newest.check()
        except Stale:
            self.ended = "stale"
            raise
        self.ended = "done"


def test_a_job_is_done_in_another_thread_which_ends(newest):
    where = []
    newest.ask(lambda: where.append(threading.current_thread()))
    newest.finish()
    assert where[0] is not threading.current_thread()
    where[0].join(60)
    assert not where[0].is_alive()


def test_nothing_newer_lets_a_job_go_on(newest):
    held = Held(newest)
    held.go.set()
    newest.ask(held)
    newest.finish()
    assert held.ended == "done"


def test_of_many_jobs_the_one_being_done_is_stopped_and_the_newest_is_done(newest):
    held, done = Held(newest), []
    newest.ask(held)
    assert held.begun.wait(60)
    for i in range(5):
        newest.ask(lambda i=i: done.append(i))
    held.go.set()
    newest.finish()
    assert held.ended == "stale" and done == [4]


def test_a_pause_ends_when_something_newer_comes(newest):
    begun, done = threading.Event(), []

    def slow():
        begun.set()
        newest.pause(3600)
        done.append("slow")

    newest.ask(slow)
    assert begun.wait(60)
    newest.ask(lambda: done.append("newer"))
    newest.finish()
    assert done == ["newer"]


def test_a_job_may_ask_for_the_next(newest):
    done = []
    newest.ask(lambda: (done.append(1), newest.ask(lambda: done.append(2))))
    newest.finish()
    assert done == [1, 2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_a_job_that_breaks_leaves_the_next_its_thread(newest, error):
    def broken():
        raise error

    done = []
    newest.ask(broken)
    newest.finish()
    newest.ask(lambda: done.append("next"))
    newest.finish()
    assert done == ["next"]
