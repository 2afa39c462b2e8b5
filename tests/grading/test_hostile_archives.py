"""Of many hostile archives each is a row with its reason, and none takes more of the grader than the others did."""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace

import pytest
from grading.attacks import archives

from course_utils.grading.grader import Grader
from course_utils.grading.intake import layouts
from course_utils.grading.rooms.room import RoomFactory

KEY = SimpleNamespace(notebook="05_ddpm", tasks=[], rubric="")
LARGEST = 20 << 20  # bytes of a notebook


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def rows_of(folder: Path, students: int, grader: Grader) -> dict[str, str]:
    """Each student's reason, by the grader's own way to it; no room is opened."""
    archives.hand_in(folder, students)
    seen = layouts.find_submissions(folder)
    assert seen.notes == []
    return {s.student: grader.grade(s.load_contents(["05_ddpm"])).reason for s in seen.submissions}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_every_hostile_archive_is_a_row_and_memory_stays(tmp_path, monkeypatch):
    grader = Grader(RoomFactory(), 1, tmp_path / "rooms")
    monkeypatch.setattr(grader, "keys", {"05_ddpm": KEY})
    kinds = len(archives.KINDS)
    first = rows_of(tmp_path / "once", kinds, grader)
    held = resident()
    rows = rows_of(tmp_path / "in", 4 * kinds, grader)
    assert resident() - held < LARGEST
    assert len(first) == kinds and len(rows) == 4 * kinds
    assert {student: why for student, why in rows.items() if not why or not len(why) < 6000 or "Error" in why} == {}
    grader.close()
