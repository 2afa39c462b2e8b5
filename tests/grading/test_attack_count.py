"""The attacks are as many as the page says, and no two of a family share a title."""

from __future__ import annotations

import re
from pathlib import Path

from grading.attacks import crowd, honest, stopped, unchanged_score, unreachable, unreadable
from grading.attacks.suite import PATHS

FAMILIES = [unchanged_score.FAMILY, unreachable.FAMILY, stopped.TASKS, stopped.DEADLINES, stopped.ROOMS, stopped.HELD,
            crowd.FAMILY, unreadable.FAMILY, honest.FAMILY]


def test_the_page_tells_how_many_there_are():
    page = (Path(__file__).parents[2] / "docs/grading.md").read_text("utf-8")
    counts = re.findall(r"(\d+) (?:attacks and accidents|survived)", page)
    assert counts == [str(sum(len(f.pieces) for f in FAMILIES))] * (1 + len(PATHS))
    assert all(len({p.title for p in f.pieces}) == len(f.pieces) for f in FAMILIES)
