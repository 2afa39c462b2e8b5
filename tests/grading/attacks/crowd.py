"""Many submissions that go to every limit, all at one time: memory, processes, files, output, descriptors, time."""

from __future__ import annotations

from grading.attacks.suite import HURT, Family, Piece

from course_utils.grading.rooms.limits import Limits, MiB

NARROW = Limits(cell=12, probe=6, notebook=120, memory=256 * MiB, room_memory=512 * MiB, processes=16, scratch=16 * MiB)
EVERYTHING = """
import os, signal, sys, threading, time
end = time.monotonic() + SECONDS
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def until_refused(work, *refused):
    kept = []
    try:
        while time.monotonic() < end: kept.append(work(len(kept)))
    except (OSError, MemoryError, RuntimeError): pass
    return kept
def filled(folder):
    return until_refused(lambda n: open(f"{folder}/{n}", "wb").write(bytes(1 << 20)))
def spends():
    os.setsid()
    kept = until_refused(lambda n: b"x" * (1 << 20))
    while time.monotonic() < end: os.write(1, b"x" * (1 << 16))
filled("/tmp"), filled("/dev/shm")
for _ in range(64):
    try:
        if os.fork() == 0: spends(); os._exit(0)
    except OSError: break
kept = until_refused(lambda n: threading.Thread(target=threading.Event().wait, daemon=True).start())
kept += until_refused(lambda n: os.open("/dev/null", os.O_RDWR))
while time.monotonic() < end: os.write(1, b"x" * (1 << 16))
os._exit(0)
"""


def crowd(size: int, limits: Limits = NARROW) -> Family:
    """A family of so many, every fourth of which also runs into its deadline, with two honest neighbours."""
    pieces = [Piece(f"everything up to its limit at once, {n + 1} of {size}", HURT, alone=True,
                    cell=EVERYTHING.replace("SECONDS", "1e9" if n % 4 == 3 else "6")) for n in range(size)]
    return Family("A crowd at all limits", pieces, limits, neighbours=2, only="ddpm.q_sample", jobs=size + 2)


FAMILY = crowd(4)
