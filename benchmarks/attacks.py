"""Attacks and accidents: every one that the tests know goes through the grader, and is listed with its outcome.

    course bench attacks

The pieces lie in tests/grading/attacks, one file a family. The command fails when one of them ends otherwise than it
should, or when a deadline was kept less well than to half a second.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from grading.attacks import crowd, honest, stopped, suite, unchanged_score, unreachable, unreadable  # noqa: E402

FAMILIES = [unchanged_score.FAMILY, unreachable.FAMILY, stopped.TASKS, stopped.DEADLINES, stopped.ROOMS, stopped.HELD,
            crowd.FAMILY, unreadable.FAMILY, honest.FAMILY]


def list_attacks(family: suite.Family, path: str) -> Counter[str]:
    """Grades a family's class, prints what became of each piece, and counts."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        graded = suite.run(family, path, Path(folder) / "class")
    print(f"\n{family.name}, on the {path} path")
    for ending in graded.endings.values():
        kept = "  " if ending.survived else "✗ "
        said = "".join(c if c.isprintable() else " " for c in ending.sentence)[:90]
        print(f"{kept}{ending.piece.title}: {ending.outcome}" + (f" ({said})" if said else ""))
    broken = [f"{promise}: {what}" for promise, what in graded.around.items() if what]
    broken += [f"a deadline was kept only to {late:.2f} s" for late in graded.late if late > 0.5]
    print("\n".join(f"✗ {b}" for b in broken) or f"  and around them: {', '.join(graded.around)}", flush=True)
    return Counter(pieces=len(graded.endings), survived=sum(e.survived for e in graded.endings.values()),
                   broken=len(broken))


def main() -> int:
    """Prints every piece by name and the count last; 1 when one is not survived."""
    counts = {path: sum((list_attacks(family, path) for family in FAMILIES), Counter()) for path in suite.PATHS}
    survived = "; ".join(f"{count['survived']} survived, on the {path} path" for path, count in counts.items())
    print(f"\n{counts['cold']['pieces']} attacks and accidents: {survived}.")
    return int(any(count["survived"] < count["pieces"] or count["broken"] for count in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
