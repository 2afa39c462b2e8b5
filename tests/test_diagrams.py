"""The diagram of a UNet shows every tensor and joins every skip to its mirror image; the map shows the course."""

from __future__ import annotations

import torch

from course_utils import diagrams, notebooks, plot


def test_boxes_are_those_of_the_network():
    axes = diagrams.unet(28, [24, 48, 96]).axes[0]
    words = [text.get_text() for text in axes.texts]
    assert [w for w in words if "×" in w] == ["28 × 28", "14 × 14", "7 × 7"]
    assert [int(w) for w in words if w.isdigit()] == [1, *[24] * 3, *[48] * 3, *[96] * 3, *[48] * 3, *[24] * 3, 1]


def test_skips_are_nested():
    lines = diagrams.unet(32, [4, 8, 16, 32], channels=3).axes[0].lines
    ends = [(line.get_xdata()[0], line.get_xdata()[-1]) for line in lines]
    assert len(ends) == 6
    assert sorted(ends) == sorted(ends, key=lambda e: -e[1])  # what was kept first is used last


def test_it_fits_the_text_column():
    assert plot.logical_size(diagrams.unet(64, [8, 16, 32, 64, 128]))[0] <= plot.WIDEST


# ---- the map of the course, the arrow of time


def test_the_map_draws_solid_what_exists_and_dashed_what_is_to_come():
    assert diagrams.written() == [source.stem[:2] for source in notebooks.sources()]
    axes = diagrams.course_map().axes[0]
    numbers = [text.get_text()[:2] for text in axes.texts if text.get_text()]
    assert numbers == list(diagrams.COURSE) == [f"{i:02}" for i in range(16)]
    solid = [number for number, box in zip(numbers, axes.patches, strict=True) if box.get_linestyle() == "solid"]
    assert solid == diagrams.written()


def test_on_the_map_whatever_is_needed_stands_above_or_beside_and_nothing_is_covered():
    places = {number: place for number, (_, place, _) in diagrams.COURSE.items()}
    for number, (_, (_, row), needs) in diagrams.COURSE.items():
        assert all(needed < number and places[needed][1] <= row for needed in needs)
        assert needs or number == "00"
    apart = [(abs(a - c) >= 2 * diagrams.WIDE or b != d) for a, b in places.values() for c, d in places.values()]
    assert apart.count(False) == len(places)  # each covers itself only


def test_the_arrow_of_time_counts_in_three_ways():
    words = [text.get_text() for text in diagrams.arrow_of_time(torch.rand(5, 1, 28, 28)).axes[0].texts]
    assert [w for w in words if w] == [
        "time runs, noise is added", "sampling", "continuous time t", "0", "1", "our index t", "x_start", "0", "T − 1",
        "a paper's t", "0", "1", "T"]
