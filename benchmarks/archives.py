"""A thousand hostile archives in one run.

    course bench archives

Prints how many rows there are, what the grader's memory was after a hundred and after all of them, and the longest
reason. The command fails when a row is missing or its reason is, or an honest neighbour loses a mark.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from grading.attacks import archives  # noqa: E402
from grading.classroom import ddpm, hand_in  # noqa: E402

from course_utils.grading import grade  # noqa: E402

SIZE = 1000


def main() -> int:
    """Grades them beside an honest submission; 1 when something is amiss."""
    warnings.filterwarnings("ignore", "Duplicate name")
    with tempfile.TemporaryDirectory(prefix="archives-") as folder:
        submissions, begin = Path(folder) / "submissions", time.monotonic()
        names = archives.hand_in(submissions, SIZE)
        hand_in(submissions, "neighbour", ddpm())
        print(f"{SIZE} archives of {len(archives.KINDS)} kinds, made in {time.monotonic() - begin:.0f} s.", flush=True)
        begin, reasons, held = time.monotonic(), {}, []
        for result in grade(submissions, Path(folder) / "report", only="ddpm.extract"):
            reasons[result.student] = result.reason if result.student in names else f"{result.total:g} points"
            held.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20)
        seconds = time.monotonic() - begin
        size = sum(path.stat().st_size for path in (Path(folder) / "report").rglob("*") if path.is_file()) >> 20
    told = [reasons.get(name, "") for name in names]
    print(f"{sum(map(bool, told))} rows with a reason in {seconds:.0f} s; the grader's memory after 100: {held[99]} "
          f"MiB, after all: {held[-1]}, at its most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}; "
          f"the longest reason: {max(map(len, told))} characters; the report: {size} MiB; "
          f"the neighbour: {reasons.get('neighbour')}.")
    return int(not all(told) or reasons.get("neighbour") != "10 points")


if __name__ == "__main__":
    sys.exit(main())
