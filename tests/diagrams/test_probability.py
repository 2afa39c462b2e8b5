"""Tables, trees and chains say the numbers that they are given."""

from __future__ import annotations

import pytest
import torch
from matplotlib.patches import Circle

from course_utils import diagrams


def test_what_competes_sums_to_one_in_each_frame():
    """The numbers of the four tables, row by row."""
    joint = torch.tensor([[0.3, 0.1], [0.2, 0.4]])
    panels = diagrams.competing(joint, torch.zeros(2, 4, 4), ["a", "b"]).axes
    told = [[float(t.get_text()) for t in axes.texts if t.get_text() not in "ab"] for axes in panels]
    assert told == [[0.3, 0.1, 0.2, 0.4], [0.5, 0.5], [0.6, 0.2, 0.4, 0.8], [0.75, 0.25, 0.333, 0.667]]
    frames = [sum(not patch.get_fill() for patch in axes.patches) for axes in panels]
    assert frames == [1, 1, 2, 2]


def test_the_two_fits_differ_as_the_directions_do():
    """One stays on the larger bump, the other lies between both; exchanged arguments exchange them."""

    def divergence(p, q):
        return torch.special.xlogy(p, p / q).sum(-1)

    def tops(distance):
        curves = {line.get_label(): line.get_xydata() for line in diagrams.two_fits(distance).axes[0].lines}
        assert all(xy[:, 1].sum() * 0.02 == pytest.approx(1) for xy in curves.values())
        return [float(curves[f"q, fit {name}"][:, 0][curves[f"q, fit {name}"][:, 1].argmax()]) for name in "AB"]

    assert tops(divergence) == pytest.approx([-2, -0.4], abs=0.15)
    assert tops(lambda p, q: divergence(q, p)) == tops(divergence)[::-1]


def test_a_chain_has_an_arrow_for_every_way_and_areas_for_shares():
    P = torch.tensor([[0.2, 0.6, 0.2], [0.3, 0.0, 0.7], [0.5, 0.0, 0.5]])
    axes = diagrams.markov_chain(P, "ABC", share=torch.tensor([0.25, 0.25, 0.5])).axes[0]
    said = [text.get_text() for text in axes.texts if text.get_text()]
    assert sorted(words for words in said if "\n" not in words) == ["0.2", "0.2", "0.3", "0.5", "0.5", "0.6", "0.7"]
    areas = [circle.radius**2 for circle in axes.patches if isinstance(circle, Circle)]
    assert areas[2] == pytest.approx(2 * areas[0])


def test_the_family_has_a_leaf_for_every_kind_of_model():
    words = [text.get_text().replace("\n", " ") for text in diagrams.family().axes[0].texts]
    leaves = {"autoregressive models", "flows", "variational autoencoders", "diffusion", "adversarial networks"}
    assert leaves < set(words)
