"""Thirty submissions that go to every limit, and two honest neighbours, all at one time.

    course bench crowd

Prints how many rows there are and how the neighbours fared, and the most that was taken of the machine. It wants 12 GiB
of memory, of which each may have 320 MiB, and control groups. The command fails when a row is missing, or anything
around it is not as it should be.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from grading.attacks import crowd, suite  # noqa: E402

from course_utils.grading.rooms.limits import MiB  # noqa: E402

SIZE = 30
LIMITS = replace(crowd.NARROW, memory=128 * MiB, room_memory=320 * MiB)


def main() -> int:
    """Grades them by the warm path; 1 when something is amiss."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        graded = suite.run(crowd.crowd(SIZE, LIMITS), "warm", Path(folder) / "class")
    survived = sum(e.survived for e in graded.endings.values())
    broken = [f"{promise}: {what}" for promise, what in graded.around.items() if what]
    print(f"{survived} of {SIZE} cost their own submission alone, in {time.monotonic() - begin:.0f} s.")
    print("At the most: " + ", ".join(f"{value} {name}" for name, value in graded.peaks.items()) + ".")
    print("\n".join(broken) or f"Around them: {', '.join(graded.around)}.")
    return int(survived < SIZE or bool(broken))


if __name__ == "__main__":
    sys.exit(main())
