"""Diagrams of pixels show what is seen and what is not."""

from __future__ import annotations

import numpy as np
import torch

from course_utils import diagrams


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
    assert [tint.tolist() for tint in tinted] == [[[False, False], [False, False]], [[False, False], [True, False]]]


def test_a_token_is_tinted_at_the_tile_that_it_holds():
    weights = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.4, 0.4, 0], [0.1, 0.2, 0.3, 0.4]])
    panel = diagrams.attention(weights, torch.zeros(8, 8), tiles=[3], columns=2).axes[1]
    assert np.allclose(panel.images[1].get_alpha(), 0.85 * np.array([[0.5, 0.75], [1, 0]]))
