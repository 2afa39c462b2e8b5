"""The diagram of a UNet shows every tensor and joins every skip; those of pixels show what is seen and what is not."""

from __future__ import annotations

import numpy as np
import torch

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


def test_what_is_not_seen_is_told_from_what_comes_later():
    influence = torch.zeros(3, 4)
    influence[0, 1], influence[1, 0] = 0.5, 1e-30
    fig = diagrams.reach({"a": influence, "b": influence}, (1, 2))
    assert [axes.get_title() for axes in fig.axes] == ["a", "b"]
    kind = np.asarray(fig.axes[0].images[0].get_array())
    assert kind.tolist() == [[1, 0, 1, 1], [0, 1, 2, 2], [2, 2, 2, 2]]


def test_only_what_comes_before_the_next_pixel_is_shown():
    images = torch.rand(2, 3, 4)
    kept = images.clone()
    fig = diagrams.next_pixels(images, [(1, 2), (0, 0)], torch.tensor([[0.25, 0.75], [1.0, 0.0]]))
    shown = [np.asarray(axes.images[0].get_array().filled(np.nan)) for axes in fig.axes[:2]]
    assert [np.isfinite(image).sum() for image in shown] == [6, 0]
    assert [bar.get_height() for bar in fig.axes[2].patches] == [0.25, 0.75]
    assert torch.equal(images, kept)


def test_masks_and_attention_show_the_numbers_that_they_are_given():
    mask = torch.tensor([[1.0, 1, 1], [1, 0, 0], [0, 0, 0]])
    texts = diagrams.masks({"A": mask}).axes[0].texts
    assert [float(text.get_text()) for text in texts] == mask.flatten().tolist()
    weights = torch.eye(4)
    left, *panels = diagrams.attention(weights, torch.zeros(8, 8), tiles=[0, 3], columns=2).axes
    assert np.array_equal(left.images[0].get_array(), weights)
    tinted = [panel.images[1].get_alpha() > 0 for panel in panels]
    assert [tint.tolist() for tint in tinted] == [[[True, False], [False, False]], [[False, False], [False, True]]]
