"""What one submission may use, and the part of it that a process can impose on itself."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

MiB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The limits of one room.

    Attributes:
        cell: Seconds that a notebook cell may run; a cell that takes longer is left out.
        probe: Seconds that the answer to one task may take.
        notebook: Seconds for all cells of a notebook together, the import of torch included.
        memory: Bytes that a process may add to what it holds once torch is imported.
        room_memory: Bytes that all of a room may hold, its /tmp and /dev/shm too, where there are control groups.
        processes: Processes and threads at one time.
        scratch: Bytes of /tmp, and as many of /dev/shm, and of a single file.
        reply: Bytes of one answer.
    """

    cell: float = 20
    probe: float = 10
    notebook: float = 300
    memory: int = 2048 * MiB
    room_memory: int = 2560 * MiB
    processes: int = 64
    scratch: int = 128 * MiB
    reply: int = 64 * MiB

    def describe_excess(self, rooms: int) -> str:
        """The sentence that says when so many rooms could take more memory than there is; empty when they cannot."""
        has, most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, rooms * self.room_memory / 2**30
        if most <= has:
            return ""
        return (f"This machine has {has:.1f} GiB of memory, and {rooms} notebooks at one time may take {most:.1f}: "
                "grade with fewer --jobs, or with less --memory.")

    def confine(self, count_processes: bool = True) -> None:
        """Lowers this process's resource limits, and those of all that it forks, for good.

        Memory is measured from here, because importing torch maps 1 GB (CPU build) to 4 GB (CUDA build) of addresses.

        Args:
            count_processes: Whether to limit processes; the kernel counts them per user, so that a process that
                shares its user with others must not.
        """
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limits = {
            resource.RLIMIT_AS: held + self.memory,
            resource.RLIMIT_FSIZE: self.scratch,
            resource.RLIMIT_NOFILE: 256,
            resource.RLIMIT_CORE: 1,  # at 0 the kernel would still start a program that collects core dumps
            resource.RLIMIT_SIGPENDING: 1000,  # signals and timers: counted for the user, as queues are
            resource.RLIMIT_MSGQUEUE: 0,
            resource.RLIMIT_CPU: int(2 * self.notebook),  # ends what outlives the deadlines, which are in wall time
        }
        if count_processes:
            limits[resource.RLIMIT_NPROC] = self.processes
        for which, value in limits.items():
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))
