"""Runs inside a room, before anybody's code does, and tries to get out. It prints what it managed, as JSON."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable

from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.namespaces import CLONE_NEWUSER

OWN_PROCESSES = 16  # that a room's control group allows besides the student's
MS_BIND, MS_REMOUNT = 4096, 32
FAN_REPORT_FID = 0x200  # the form of fanotify that needs no privilege
WHOLE_FILE = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)  # a struct flock
LOCK_COMMANDS = [(fcntl.F_SETLEASE, fcntl.F_WRLCK), (fcntl.F_NOTIFY, fcntl.DN_ACCESS), (fcntl.F_SETLK, WHOLE_FILE)]
libc = ctypes.CDLL(None, use_errno=True)


def is_refused(work: Callable[[], object]) -> bool:
    """Whether the work ended in an error of the operating system or of memory."""
    try:
        work()
    except (OSError, MemoryError):
        return True
    return False


def is_visible(path: str) -> bool:
    """Whether anything can be found at a path: a file to read, or a folder."""
    return os.path.isdir(path) or os.path.lexists(path) and not is_refused(lambda: open(path).close())


def lock_shared_file(command: int, argument: int | bytes) -> None:
    """Makes the others who open a file wait, or tells them something: a lease, a watch or a lock on a shared file."""
    with open(os.devnull, "w") as file:
        fcntl.fcntl(file, command, argument)


def check_result(result: int) -> None:
    """Turns a C call's result of -1 into OSError."""
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def can_fork(most: int) -> bool:
    """Whether `most` sleeping children can be had at a time; ends them."""
    children = []
    try:
        for _ in range(most):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    except OSError:
        return False
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    return True


def can_hold(size: int) -> bool:
    """Whether four children can hold `size` bytes each, at one time; ends them."""
    children, answers = [], []
    for _ in range(4):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            mine = b"x" * size
            os.write(writing, mine[:1])
            signal.pause()
        os.close(writing)
        answers.append(os.read(reading, 1))  # empty where the child was killed
        children.append(pid)
    alive = [pid for pid in children if os.waitpid(pid, os.WNOHANG)[0] == 0]
    for pid in alive:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return all(answers) and alive == children


def try_group_limits(limits: Limits, counted: list[str]) -> dict[str, bool]:
    """The same for what only the room's control groups refuse, as long as no process has taken on limits."""
    tried = {}
    if "pids" in counted:
        tried["many processes in a room"] = not can_fork(limits.processes + OWN_PROCESSES)
    if "memory" in counted:
        tried["much memory in a room"] = not can_hold(limits.room_memory // 3)
    return tried


def connect_to(listener: str) -> None:
    """Connects to an abstract unix socket, which belongs to a network namespace as an address of the internet does."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect("\0" + listener)


def try_to_escape(limits: Limits, outside: list[str], listener: str) -> dict[str, bool]:
    """Each attempt by name, and whether it was refused, as it should be.

    Args:
        limits: The room's, which this process has taken on.
        outside: Files that exist on the host and must not be seen.
        listener: The name of an abstract unix socket on which the host listens.
    """
    return {
        "seeing what lies outside": not any(map(is_visible, outside)),
        "writing to the system": is_refused(lambda: open("/usr/course-self-test", "w").close()),
        "writing to the course": is_refused(lambda: open("/room/course-self-test", "w").close()),
        "mounting /usr again": is_refused(
            lambda: check_result(libc.mount(b"none", b"/usr", None, MS_REMOUNT | MS_BIND, None))),
        "a new user namespace": is_refused(lambda: check_result(libc.unshare(CLONE_NEWUSER))),
        "becoming root": os.geteuid() != 0 and is_refused(lambda: os.setuid(0)),
        "tracing a process": is_refused(lambda: check_result(libc.ptrace(16, 1, None, None))),
        "the network": is_refused(lambda: connect_to(listener)),
        "sockets of the internet": is_refused(lambda: socket.socket(socket.AF_INET).close()),
        "semaphores": is_refused(lambda: check_result(libc.semget(0, 1, 0o600))),
        "seeing other processes": len([p for p in os.listdir("/proc") if p.isdigit()]) <= 3,
        "many processes": not can_fork(limits.processes + 8),
        "much memory": is_refused(lambda: bytearray(limits.memory + (64 << 20))),
        "much in /tmp": _measure_size("/tmp") <= limits.scratch,
        "much in /dev/shm": _measure_size("/dev/shm") <= limits.scratch,
        "leases and locks on files": all(
            is_refused(lambda c=c: lock_shared_file(*c)) for c in LOCK_COMMANDS) and is_refused(
            lambda: fcntl.flock(open(os.devnull), fcntl.LOCK_SH)),
        "watching files": all(is_refused(lambda c=c: check_result(c)) for c in (
            libc.inotify_init1(0), libc.fanotify_init(FAN_REPORT_FID, 0))),
        "memory files": not hasattr(os, "memfd_create") or is_refused(lambda: os.memfd_create("x")),
        "capabilities": _read_capabilities() == 0,
    }


def _measure_size(path: str) -> int:
    status = os.statvfs(path)
    return status.f_blocks * status.f_frsize


def _read_capabilities() -> int:
    with open("/proc/self/status") as f:
        return sum(int(line.split()[1], 16) for line in f if line.startswith(("CapPrm", "CapEff", "CapBnd", "CapAmb")))


def main() -> None:
    """`python -m course_utils.grading.rooms.selftest LIMITS OUTSIDE LISTENER COUNTED`: prints `{attempt: refused}`."""
    limits, (outside, listener, counted) = Limits(**json.loads(sys.argv[1])), map(json.loads, sys.argv[2:])
    tried = try_group_limits(limits, counted)
    limits.confine()
    print(json.dumps(tried | try_to_escape(limits, outside, listener)), flush=True)
    if os.fork() == 0:
        os.setsid()  # a daemon holds the pipe: it too must end with the room
    signal.pause()


if __name__ == "__main__":
    main()
