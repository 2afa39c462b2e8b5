"""Control groups: what all processes of a room may use together, where this machine lets us limit it.

Version 1 has a tree of folders for each controller, version 2 has one for all. A room's groups are made below those
that this process is in, or above them, wherever it may; where it may not, the limits of each process are all there is.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from course_utils.grading.rooms.limits import Limits

CONTROLLERS = {"memory", "pids", "cpu"}  # cpu has no limit: groups share it equally, however many processes they run
OWN_PROCESSES = 16  # beside the student's: bubblewrap's and others that wait
PREFIX = "course-room-"
_numbers = itertools.count()


@contextmanager
def make_groups(limits: Limits) -> Iterator[list[Path]]:
    """Makes a room's groups and removes them afterwards, when all of the room has ended.

    Yields:
        Files. A process that writes "0" to each is inside, with all that it will fork.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_make_group(parent, limits)) for parent in find_usable()]


def make_join_command(files: list[Path]) -> list[str]:
    """The words before a command that let it run inside the groups."""
    join = 'until [ "$1" = -- ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", join, "sh", *map(str, files), "--"] if files else []


@cache
def find_usable() -> dict[Path, set[str]]:
    """The folders below which this process can make groups, each with what it can limit there.

    What a killed grader left behind in them is removed.
    """
    for parent in (found := find_candidates()):
        for left in parent.glob(f"{PREFIX}*"):
            if not os.path.exists(f"/proc/{left.name.split('-')[2]}"):
                _remove(left)
    return {parent: controllers for parent, controllers in found.items() if _works(parent)}


def _works(parent: Path) -> bool:
    """Whether a process can be put into a group made here; rights and real-time priorities may be in the way."""
    try:
        with _make_group(parent, Limits()) as file:
            command = [*make_join_command([file]), "true"]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_candidates(proc: Path = Path("/proc/self")) -> dict[Path, set[str]]:
    """The folders that have controllers to give: this process's own, or in version 2 the nearest above it.

    Args:
        proc: The folder with this process's `mountinfo` and `cgroup`.
    """
    own = {names: Path(path) for _, names, path in
           (line.split(":", 2) for line in (proc / "cgroup").read_text().splitlines())}
    found = {}
    for line in (proc / "mountinfo").read_text().splitlines():
        (*_, root, mount), (kind, _, options) = line.split()[:5], line.split(" - ")[1].split()
        if kind == "cgroup":
            controllers = CONTROLLERS & set(options.split(","))
            for names in own:
                if controllers & set(names.split(",")):
                    found[_find_folder(own[names], root, mount)] = controllers
        elif kind == "cgroup2" and "" in own:
            folder = _find_folder(own[""], root, mount)
            above = [folder, *(p for p in folder.parents if p.is_relative_to(mount))]
            found |= next(({p: given} for p in above if (given := _read_delegated(p))), {})
    return found


def _find_folder(group: Path, root: str, mount: str) -> Path:
    """Where a group is seen, below a mount that shows the groups from `root` on."""
    folder = Path(mount) / group.relative_to(root) if group.is_relative_to(root) else Path(mount)
    return folder if folder.is_dir() else Path(mount)


def _read_delegated(folder: Path) -> set[str]:
    """The controllers that a group of version 2 gives to those below it."""
    with suppress(OSError):
        return CONTROLLERS & set((folder / "cgroup.subtree_control").read_text().split())
    return set()


@contextmanager
def _make_group(parent: Path, limits: Limits) -> Iterator[Path]:
    folder = parent / f"{PREFIX}{os.getpid()}-{next(_numbers)}"
    folder.mkdir()
    try:
        memory, processes = limits.room_memory, limits.processes + OWN_PROCESSES
        for file, value in {
                "memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory,  # version 1; memsw: with swap
                "memory.max": memory, "memory.swap.max": 0, "pids.max": processes}.items():
            if (folder / file).exists():
                (folder / file).write_text(str(value))
        yield folder / "cgroup.procs"
    finally:
        _remove(folder, 5)


def _remove(folder: Path, seconds: float = 1) -> None:
    """Ends what is still in a group and removes it; what cannot be is removed at the next start."""
    deadline = time.monotonic() + seconds
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:  # somebody is inside
            if time.monotonic() > deadline:
                return
            with suppress(OSError):
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.002)
