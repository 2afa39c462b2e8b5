"""The diagram of a UNet shows every tensor and joins every skip to its mirror image."""

from __future__ import annotations

from course_utils import diagrams, plot


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
