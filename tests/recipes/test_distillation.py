"""What few-step students were measured to reach, beside their teacher."""

from __future__ import annotations

import pytest

from course_utils import zoo
from course_utils.recipes import distillation

TABLES = zoo.load("mnist-flow-1").tables


def test_the_shipped_tables_are_complete():
    assert [row["steps"] for row in TABLES["teacher"]] == list(distillation.TEACHERS_STEPS)
    assert [row["steps"] for row in TABLES["students"]] == [4, 1]
    assert len(TABLES["real"]) == 1
    assert {row["w"] for row in TABLES["teacher"] + TABLES["students"]} == {distillation.WEIGHT}
    assert {row["samples"] for row in TABLES["teacher"] + TABLES["students"]} == {1000}


@pytest.mark.parametrize("row", TABLES["students"], ids=lambda row: f"{row['steps']} steps")
def test_a_student_is_nearly_as_good_as_sixteen_guided_steps(row):
    sixteen = TABLES["teacher"][-1]
    assert sixteen["steps"] == 16
    assert row["recognised"] >= sixteen["recognised"] - 0.02
    assert row["diversity"] == pytest.approx(sixteen["diversity"], rel=0.1)
