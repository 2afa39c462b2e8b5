"""What of the course enters a room's folder."""

from __future__ import annotations

import numpy as np

from course_utils import data
from course_utils.grading.rooms.stage import stage


def test_a_room_gets_the_cached_data_where_its_notebook_reads_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    data.cached("numbers", lambda: {"x": np.arange(3)})
    with_data = stage(tmp_path / "with", "05_ddpm", ["course_utils.data", "course_utils.data.cache"])
    assert (with_data / "cache/course_utils/numbers.arrays").is_file()
    assert {p.name for p in (with_data / "course_utils/data").iterdir()} == {"__init__.py", "cache.py"}
    without = stage(tmp_path / "without", "05_ddpm")
    assert not (without / "cache/course_utils").exists()
    assert not (without / "course_utils/data").exists()
