"""Figures of few steps draw the numbers that they are given, and say them."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import diagrams


def row(steps, recognised):
    return {"w": 1.0, "steps": steps, "samples": 40, "recognised": recognised, "diversity": 10 * recognised,
            "kernel_distance": 1 - recognised}


TABLES = {"teacher": [row(1, 0.5), row(4, 0.9)], "students": [row(1, 0.8)], "real": [row(0, 1.0)]}


def test_the_teachers_curve_and_the_students_points_stand_at_their_steps():
    panels = diagrams.quality_over_steps(TABLES).axes
    for axes, scale in zip(panels[:2], (1, 10), strict=True):
        teacher, students, real = (line.get_xydata() for line in axes.lines)
        np.testing.assert_allclose(teacher, [[1, 0.5 * scale], [4, 0.9 * scale]])
        np.testing.assert_allclose(students, [[1, 0.8 * scale]])
        assert set(real[:, 1]) == {scale}
    assert panels[0].get_title() == "real digits: 1"


def test_guidance_is_charged_to_the_teacher_alone():
    lines = diagrams.describe_few_steps(TABLES).splitlines()
    assert [line[:36].split() for line in lines[1:4]] == [
        ["teacher,", "4", "steps", "8"], ["teacher,", "1", "step", "2"], ["student,", "1", "step", "1"]]
    assert "80.0%" in lines[3] and lines[4].startswith("real digits") and lines[5] == "(40 samples in each row)"


def test_the_clocks_meet_at_80_and_every_way_has_one_end():
    clock, ways = diagrams.two_clocks(drawn=4).axes
    t, ve = clock.lines[0].get_xydata().T
    assert np.interp(80 / 81, t, ve) == pytest.approx(80, rel=0.01)
    for line in ways.lines:
        times, x = line.get_xydata().T
        assert times[0] == pytest.approx(80) and times[-1] == pytest.approx(0.002)
        assert abs(x[-1]) == pytest.approx(1, abs=0.2)
        end = "#0072B2" if x[-1] > 0 else "#D55E00"
        assert line.get_color() == end
