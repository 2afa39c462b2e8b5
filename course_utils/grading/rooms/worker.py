"""The process inside a room: it runs a student's notebook, then answers the grader's requests.

    room -> grader   a frame "here", once torch is imported
    grader -> room   one frame "work": the notebook's code cells and what belongs to them, as JSON
    room -> grader   a frame "cell:N" for every cell that failed, then "ready"
    grader -> room   a frame for each task: its id and its inputs
    room -> grader   its answer: the same id, and the outcome of the task's probe

Before a stretch of cells the process forks: the child runs them and, when all come through, becomes the notebook. When
a cell kills its process or outlives its deadline, the process before the fork goes on without that cell: what came
earlier in the stretch is run again, and finds none of the files that it made. That takes a moment, since a stretch ends
once it has run for that long. Every probe runs in a fork of the final process, so that no task can spoil another.

Nothing here is secret or believed: the student's code may read and change all of it, and can hurt only itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import sys
from contextlib import suppress
from time import monotonic  # a student may put another clock into the module
from types import ModuleType

import numpy as np
import torch

from course_utils import tasks
from course_utils.cells import fresh_notebook
from course_utils.grading.rooms import preload, wire
from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.work import Work
from course_utils.tasks import Namespace, Outcome

Cells = list[tuple[int, str]]  # number and source
REQUEST_CAP = 1 << 30  # bytes; what the grader sends is trusted
STRETCH = 0.25  # seconds of work between two forks, each of which costs a few milliseconds
CELL_DONE, STRETCH_DONE = b".", b"!"  # written to the parent after each cell, and after the last of a stretch
PR_SET_CHILD_SUBREAPER = 36
HOME = os.environ["HOME"]  # the notebook's working folder


def main() -> None:
    """Runs one room: `python -m course_utils.grading.rooms.worker LIMITS SANDBOXED`, both as JSON."""
    limits, sandboxed = Limits(**json.loads(sys.argv[1])), json.loads(sys.argv[2])
    preload.copy_fonts()
    preload.use_dotfile_locks()
    preload.initialise_torch()
    np.random.seed()  # forks of one process would all draw the same
    limits.confine(count_processes=sandboxed)
    requests, replies = _take_pipes()
    _fork_and_wait()
    wire.send(replies, wire.pack("here", Outcome()))
    serve(requests, replies, limits)
    os._exit(0)


def serve(requests: int, replies: int, limits: Limits) -> None:
    """Runs the notebook that comes first, then answers one request after the other until there are no more."""
    nb = fresh_notebook("__main__")
    work = _receive_work(requests)
    work.place_files(HOME)
    cells = work.cells
    while cells:
        cells = _run_next_stretch(work, cells, nb, replies, limits)
    wire.send(replies, wire.pack("ready", Outcome()))
    late = 0.0
    while True:
        try:
            id, inputs = wire.unpack(wire.receive(requests, None, REQUEST_CAP))
        except EOFError:
            return
        late = _answer(id, inputs.tensors, nb, replies, limits, late)


def _run_next_stretch(work: Work, cells: Cells, nb: ModuleType, replies: int, limits: Limits) -> Cells:
    """Forks and returns, in the child, what is left after its stretch, or else, here, all cells but the lost one."""
    through, telling = os.pipe()
    files = set(os.listdir(HOME))
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(through)
        left = _run_stretch(work, cells, nb, replies, telling)
        os.close(telling)
        return left
    os.close(telling)
    for place, (number, _) in enumerate(cells):
        try:
            if wire.read(through, 1, monotonic() + limits.cell) == STRETCH_DONE:
                break
        except (TimeoutError, EOFError) as e:
            _kill(pid)
            os.close(through)
            _remove(set(os.listdir(HOME)) - files)
            wire.send(replies, wire.pack(f"cell:{number}", _describe_loss(e, "The cell", limits.cell)))
            return cells[:place] + cells[place + 1:]
    os._exit(0)  # the child goes on in this process's place


def _run_stretch(work: Work, cells: Cells, nb: ModuleType, replies: int, telling: int) -> Cells:
    """Runs cells until they have taken a while, and returns the others; what failed is told when none can be lost."""
    begin, failed = monotonic(), []
    for ran, (number, source) in enumerate(cells, 1):
        outcome = work.run(number, source, nb)
        if outcome.error:
            failed.append(wire.pack(f"cell:{number}", outcome))
        if ran == len(cells) or monotonic() - begin > STRETCH:
            break
        os.write(telling, CELL_DONE)
    for frame in failed:
        wire.send(replies, frame)
    os.write(telling, STRETCH_DONE)
    return cells[ran:]


def _answer(id: str, inputs: dict, nb: ModuleType, replies: int, limits: Limits, late: float) -> float:
    """Replies with a probe's outcome, made in a fork that is gone afterwards; returns how long its end took.

    The grader's clock runs from its request, so by as much as the end before took, `late`, the deadline is sooner.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(reading)
        wire.send(writing, _observe(id, inputs, nb))
        os._exit(0)
    os.close(writing)
    try:
        body = wire.receive(reading, limits.probe - late, limits.reply)
        frame = len(body).to_bytes(4, "little") + body
    except (TimeoutError, EOFError) as e:
        frame = wire.pack(id, _describe_loss(e, "It", limits.probe))
    except wire.WireError as e:
        frame = wire.pack(id, Outcome(error="Refused", message=str(e)))
    wire.send(replies, frame)
    os.close(reading)
    begin = monotonic()
    _kill(pid)
    return monotonic() - begin


def _observe(id: str, inputs: dict, nb: ModuleType) -> bytes:
    try:
        torch.set_default_dtype(torch.float32)  # a cell may have changed these for its own ends
        torch.set_default_device(None)
        torch.set_grad_enabled(True)
        torch.set_num_threads(1)
        return wire.pack(id, tasks.observe(tasks.get(id), Namespace(vars(nb)), inputs))
    except BaseException as e:  # SystemExit in a function; a tensor that is not dense
        return wire.pack(id, Outcome(error=type(e).__name__, message=str(e)))


def _describe_loss(e: Exception, what: str, seconds: float) -> Outcome:
    if isinstance(e, TimeoutError):
        return Outcome(error="Deadline", message=f"{what} took longer than {seconds:g} seconds.")
    return Outcome(error="Ended", message=f"{what} ended the Python process.")


def _receive_work(requests: int) -> Work:
    _, outcome = wire.unpack(wire.receive(requests, None, REQUEST_CAP))
    return Work.unpack(outcome.tensors["work"].numpy().tobytes())


def _take_pipes() -> tuple[int, int]:
    """Keeps the grader's pipes for this module and gives the student's prints to nobody."""
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    return requests, replies


def _fork_and_wait() -> None:
    """Forks; the child goes on, and this process, which the room lives as long as, waits until none is left."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans become this process's children
    if os.fork() == 0:
        return
    os.closerange(3, 256)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            os._exit(0)


def _remove(names: set[str]) -> None:
    for path in (os.path.join(HOME, name) for name in names):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                os.remove(path)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
