"""Figures of the probability flow draw the numbers that they are given, and say them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_utils import densities, diagrams


def lines_of(axes):
    return [line.get_xydata() for line in axes.lines]


def test_the_crowds_end_in_their_histograms():
    density = densities.Mixture(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), std=0.15)
    states = torch.stack([torch.linspace(0, end, 5) for end in (-1.0, 1.0, 1.0, 1.0)])
    fig = diagrams.two_crowds(torch.linspace(1, 0, 5), {"one": states, "two": states}, density, drawn=2)
    paths, beside = fig.axes[0], fig.axes[1]
    assert [xy[-1].tolist() for xy in lines_of(paths)] == [[0, -1], [0, 1]]
    widths = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in beside.patches if bar.get_width()}
    assert widths[1] == pytest.approx(3 * widths[-1])


def test_a_point_keeps_its_colour():
    start = torch.tensor([[1.0, 0.1], [-1.0, 0.1], [0.1, -1.0]])
    before, after = diagrams.transport_map({"before": start, "after": -start}, by=start).axes
    for a, b in zip(before.collections, after.collections, strict=True):
        np.testing.assert_allclose(a.get_offsets(), -b.get_offsets())
        np.testing.assert_allclose(a.get_facecolors(), b.get_facecolors())


def test_estimates_say_their_spread():
    values = torch.tensor([1.0, 3.0])
    fig = diagrams.probe_estimates({("a", "law"): values, ("b", "law"): values - 1}, truth=1.5)
    assert [axes.get_title() for axes in fig.axes] == [f"{field}, law: spread 1.41" for field in "ab"]


def test_both_maps_have_one_scale_and_lie_as_the_grid_does():
    side = torch.linspace(-1, 1, 3)
    values = torch.cartesian_prod(side, side)[:, 0]  # grows along the first axis
    fig = diagrams.log_density_maps({"a": values, "b": values - 1}, side)
    a, b = (axes.images[0] for axes in fig.axes[:2])
    assert a.get_clim() == b.get_clim() == (-10, 1)
    assert np.asarray(a.get_array())[0].tolist() == [-1, 0, 1]


def test_steps_stand_at_their_beginning():
    axes, _ = diagrams.step_sizes({"a": np.array([0.0, 0.1, 0.4]), "b": np.array([0.0, 1.0])}).axes
    np.testing.assert_allclose(lines_of(axes)[0], [[0, 0.1], [0.1, 0.3]])


def test_a_round_trip_says_how_far_it_is_off():
    before = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    left, right = diagrams.round_trip(before, before + torch.tensor([0.3, 0.4]), torch.tensor([-1.0, -2.0]),
                                      torch.tensor([-1.5, -2.5]), "9 evaluations").axes
    assert left.get_title() == "9 evaluations; 0.5 apart" and right.get_title() == "off by 0.5 nats"


def test_runs_from_one_start_look_alike():
    walk = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]])
    axes = diagrams.walks_from(walk, torch.zeros(1, 2)).axes[0]
    colours = [line.get_color() for line in axes.lines if len(line.get_xydata()) == 2]
    assert colours[0] == colours[1] != colours[2]


def test_curves_hold_what_they_are_given():
    axes = diagrams.error_curves({"Euler": {5: 0.1, 10: 0.05}, "Heun": {6: 0.02}}).axes[0]
    np.testing.assert_allclose(lines_of(axes)[0], [[5, 0.1], [10, 0.05]])
    assert axes.get_xscale() == axes.get_yscale() == "log"
    axes = diagrams.bits_over_training([1000, 4000], [2.47, 2.15]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["2.47", "2.15"]
