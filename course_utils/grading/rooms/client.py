"""The grader's side of a room: it asks with deadlines, and believes nothing that comes back."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from operator import itemgetter

import torch
from torch import Tensor

from course_utils.grading.rooms import wire
from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.room import Room, RoomFailed
from course_utils.grading.rooms.work import Work
from course_utils.tasks import Outcome

START_SECONDS = 120  # seconds that a machine under load may need to import torch
GRACE_SECONDS = 0.4  # seconds after a deadline, which the worker keeps itself, until the room counts as stuck
MAX_TEXT_FRAME = wire.MAX_HEADER + 4  # bytes of a frame without tensors; there is one for each cell that failed
LOST = ("Deadline", "Ended", "Refused")  # errors that the grader names, besides the exceptions of the student's code


class RoomClient:
    """With one room, from its start to the last answer.

    Once a room has missed a deadline or broken the protocol, it is killed, and every later request counts as lost.

    Attributes:
        overran: Whether anything ran into its deadline.
    """

    def __init__(self, room: Room, limits: Limits):
        self._room, self._limits, self.overran = room, limits, False
        self._lost: Outcome | None = None
        for end in (room.stdin, room.stdout):  # another reader could empty a pipe after poll(): no read may block
            os.set_blocking(end.fileno(), False)
        try:
            if self._receive(START_SECONDS, MAX_TEXT_FRAME)[0] != "here":
                raise wire.WireError("something else than its greeting came.")
        except (OSError, EOFError, ValueError) as e:
            room.kill()
            said = room.stderr.read(4000).decode(errors="replace").strip().splitlines()
            raise RoomFailed(f"The room did not start: {said[-1] if said else e}") from None

    def run(self, work: Work) -> list[tuple[int, Outcome]]:
        """Runs a notebook's cells and returns those that failed, or were run in part, in their order."""
        packed = torch.frombuffer(bytearray(work.pack()), dtype=torch.uint8)
        failed: list[tuple[int, Outcome]] = []
        numbers = {f"cell:{n}": n for n, _ in work.cells}
        deadline = time.monotonic() + self._limits.notebook
        try:
            self._send(wire.pack("work", Outcome({"work": packed})))
            while True:
                id, outcome = self._receive(deadline - time.monotonic(), MAX_TEXT_FRAME)
                if id == "ready":
                    return sorted(failed, key=itemgetter(0))
                failed.append((numbers.pop(id), self._restate(outcome, "The cell", self._limits.cell)))
        except (OSError, EOFError, ValueError, KeyError) as e:
            self._mark_lost(e, "The notebook")
            return [*sorted(failed, key=itemgetter(0)), (0, self._lost)]

    def ask(self, id: str, inputs: dict[str, Tensor]) -> Outcome:
        """The outcome of a task's probe on these inputs, or of its loss."""
        if self._lost:
            return self._lost
        deadline = time.monotonic() + self._limits.probe + GRACE_SECONDS
        try:
            self._send(wire.pack(id, Outcome(inputs)))
            frame = wire.receive(self._room.stdout.fileno(), deadline - time.monotonic(), self._limits.reply)
            try:
                answered, outcome = wire.unpack(frame)
            except wire.WireError as e:  # the frame had its length: the next one can be read
                return Outcome(error="Refused", message=str(e))
            if answered != id:
                raise wire.WireError("An answer came to a question that was not asked.")
            self.overran |= outcome.error == "Deadline"
            return self._restate(outcome, "It", self._limits.probe)
        except (OSError, EOFError, ValueError) as e:
            self._mark_lost(e, "The answer")
            return self._lost

    def _restate(self, outcome: Outcome, what: str, seconds: float) -> Outcome:
        """A student's exception may bear the name of one of the grader's errors, but never speak in its voice."""
        said = {"Deadline": f"{what} took longer than {seconds:g} seconds.",
                "Ended": f"{what} ended the Python process.",
                "Refused": f"An answer may have {self._limits.reply / 2**20:.2g} MiB; this one was refused."}
        return replace(outcome, message=said.get(outcome.error, outcome.message))

    def _send(self, frame: bytes) -> None:
        wire.send(self._room.stdin.fileno(), frame, self._limits.probe + GRACE_SECONDS)

    def _receive(self, seconds: float, cap: int) -> tuple[str, Outcome]:
        id, outcome = wire.unpack(wire.receive(self._room.stdout.fileno(), seconds, cap))
        self.overran |= outcome.error == "Deadline"
        return id, outcome

    def _mark_lost(self, e: Exception, what: str) -> None:
        self._room.kill()
        if isinstance(e, TimeoutError):
            self.overran = True
            self._lost = Outcome(error="Deadline", message=f"{what} took too long, and the notebook was stopped.")
        elif isinstance(e, wire.WireError):
            self._lost = Outcome(error="Refused", message=str(e))
        else:
            self._lost = Outcome(error="Ended", message="The notebook's process ended before it could answer.")
