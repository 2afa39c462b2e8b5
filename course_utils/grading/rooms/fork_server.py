"""The process that warm rooms come from: it loaded torch before any submission was there, and forks for each.

It runs inside a bubblewrap of its own. Its mounts, environment and paths are those of a room, so that what a fork
remembers is true in the room that it enters, and the staged files are all that it ever saw. It has no secrets.

For each room requested it forks a launcher. The launcher lets bubblewrap make a room around a process that does
nothing, joins the room's namespaces and forks. The fork drops its privileges and goes on as `python -m module` would in
a cold room. The launcher ends when the fork has ended, or when the grader closes the room's control socket or is gone,
and all of the room ends with it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import runpy
import select
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from course_utils.grading.rooms.namespaces import CLONE_NEWUSER, ROOM_NAMESPACES

IDLE_COMMAND = ["/bin/sh", "-c", "echo && exec sleep infinity"]  # first in a room; its line says: the room is there
FILTER_FD = 3  # the descriptor at which bubblewrap finds the filter of system calls
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 22, 24, 38
SECCOMP_MODE_FILTER = 2
MADV_COLLAPSE, LARGE_PAGE = 25, 2 << 20
CAPABILITY_VERSION = 0x20080522
LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """`python -m course_utils.grading.rooms.fork_server MODULE`: serves the requests on its standard input."""
    module = sys.argv[1]
    load_modules(module)
    launch_requests = socket.socket(fileno=0)
    while True:
        request, fds, _, _ = socket.recv_fds(launch_requests, 1 << 17, 16)
        if not request:
            os._exit(0)
        for fd in fds:
            os.set_inheritable(fd, False)
        if os.fork() == 0:
            launch_requests.detach()
            _run_and_exit(launch_room, module, json.loads(request), *fds)
        for fd in fds:
            os.close(fd)
        _reap_children()


def load_modules(module: str) -> None:
    """Imports what a room will need: all staged modules but the one that is run there, and what they load later."""
    if importlib.util.find_spec("course_utils.grading.rooms.preload"):
        from course_utils.grading.rooms import preload

        preload.preload_all()
    import course_utils

    for found in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if found.name != module:
            importlib.import_module(found.name)
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("The fork server has several threads and cannot fork; a module that it imports starts them.")
    gc.collect()
    gc.freeze()  # a collection in a fork would write to, and so copy, all that is shared
    _enlarge_pages()


def _enlarge_pages() -> None:
    """Puts memory into pages of 2 MiB where the kernel can, Linux 6.1 and later: there are fewer to share in a fork."""
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, inode, *_ = line.split()
        if rights == "rw-p" and inode == "0":
            begin, end = (int(address, 16) for address in span.split("-"))
            begin, end = -(-begin // LARGE_PAGE) * LARGE_PAGE, end // LARGE_PAGE * LARGE_PAGE
            if begin < end:
                libc.madvise(begin, end - begin, MADV_COLLAPSE)


def launch_room(module: str, request: dict[str, Any], control: int, requests: int, replies: int, errors: int,
                program: int, *groups: int) -> None:
    """Has a room made, sends a fork into it, and waits for its end, or for the grader to close `control`.

    Args:
        module: What runs in the room.
        request: `command` is bubblewrap's; `arguments` are the module's; `user` is the host user id to take, or None
            where the room has a user namespace instead.
        control, requests, replies, errors: The room's ends of what the grader holds.
        program: The filter of system calls, compiled.
        groups: Control groups to join, as descriptors of `cgroup.procs`.
    """
    os.dup2(errors, 2)
    for group in groups:
        os.write(group, b"0")
    filters = os.pread(program, 1 << 20, 0)
    room = _make_room(request["command"], program, control)
    _call_libc(libc.setns, os.pidfd_open(room), ROOM_NAMESPACES | (CLONE_NEWUSER if request["user"] is None else 0))
    worker = os.fork()
    if worker == 0:  # setns() moves only children into a process namespace
        _set_standard_fds(requests, replies, errors)
        _drop_privileges(request["user"], filters)
        sys.argv[1:] = request["arguments"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    for fd in (requests, replies, errors, 2):
        os.close(fd)
    select.select([control, os.pidfd_open(worker)], [], [])


def _make_room(command: list[str], program: int, control: int) -> int:
    """Runs bubblewrap, which ends with this process; returns the idle process in the room that it made."""
    ready, line = os.pipe()
    null = os.open(os.devnull, os.O_RDONLY)
    moves = [(os.POSIX_SPAWN_DUP2, fd, to) for fd, to in ((null, 0), (line, 1), (2, 2), (program, FILTER_FD))]
    bubblewrap = os.posix_spawn(command[0], command, {}, file_actions=moves)
    os.close(line)
    select.select([ready, control], [], [])
    if not select.select([ready], [], [], 0)[0] or not os.read(ready, 1):
        raise RuntimeError("bubblewrap made no room.")
    return _find_child(_find_child(bubblewrap))


def _find_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _set_standard_fds(*standard: int) -> None:
    """Makes these the standard descriptors and closes all others."""
    os.setsid()
    os.chdir("/tmp")
    for to, fd in enumerate(standard):
        os.dup2(fd, to)
    os.closerange(len(standard), 1 + max(map(int, os.listdir("/proc/self/fd"))))


def _drop_privileges(user: int | None, filters: bytes) -> None:
    """Becomes the user, without a capability, without a way to new ones, behind the filter of system calls."""
    _call_libc(libc.prctl, PR_SET_DUMPABLE, 0, 0, 0, 0)
    for capability in range(int(LAST_CAPABILITY.read_text()) + 1):
        _call_libc(libc.prctl, PR_CAPBSET_DROP, capability, 0, 0, 0)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _call_libc(libc.capset, struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24))
    _call_libc(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    code = ctypes.create_string_buffer(filters, len(filters))
    program = struct.pack("HP", len(filters) // 8, ctypes.addressof(code))  # a struct sock_fprog
    _call_libc(libc.prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def _call_libc(function: Any, *arguments: int | bytes) -> None:
    if function(*(ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments)) == -1:
        raise OSError(ctypes.get_errno(), f"{function.__name__}: {os.strerror(ctypes.get_errno())}")


def _run_and_exit(work: Any, *arguments: Any) -> NoReturn:
    """Does the work of a fork, which must never come back into the loop that it was forked from."""
    try:
        work(*arguments)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(1)


def _reap_children() -> None:
    while any(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) or ()):
        pass


if __name__ == "__main__":
    main()
