"""The map shows the course as it is; the arrow of time counts in three ways."""

from __future__ import annotations

import torch

from course_utils import diagrams, notebooks
from course_utils.diagrams.course import COURSE, WIDE


def test_the_map_has_a_box_for_each_notebook():
    axes = diagrams.course_map().axes[0]
    numbers = [text.get_text()[:2] for text in axes.texts if text.get_text()]
    assert numbers == list(COURSE) == [source.stem[:2] for source in notebooks.sources()]
    assert len(axes.patches) == len(numbers)


def test_on_the_map_whatever_is_needed_stands_above_or_beside_and_nothing_is_covered():
    places = {number: place for number, (_, place, _) in COURSE.items()}
    for number, (_, (_, row), needs) in COURSE.items():
        assert all(needed < number and places[needed][1] <= row for needed in needs)
        assert needs or number == "00"
    apart = [(abs(a - c) >= 2 * WIDE or b != d) for a, b in places.values() for c, d in places.values()]
    assert apart.count(False) == len(places)  # each covers itself only


def test_the_arrow_of_time_counts_in_three_ways():
    words = [text.get_text() for text in diagrams.arrow_of_time(torch.rand(5, 1, 28, 28)).axes[0].texts]
    assert [w for w in words if w] == [
        "time runs, noise is added", "sampling", "continuous time t", "0", "1", "our index t", "x_start", "0", "T − 1",
        "a paper's t", "0", "1", "T"]
