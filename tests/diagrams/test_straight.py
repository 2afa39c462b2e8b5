"""Figures of straight flows draw the ways that they are given."""

from __future__ import annotations

import numpy as np
import torch

from course_utils import diagrams

WAYS = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 2.0]], [[2.0, 0.0], [1.0, 3.0]]])  # (3, 2 ways, 2)


def drawn(collection):
    return [path.vertices for path in collection.get_paths()]


def test_each_way_is_a_line_with_data_and_noise_at_its_ends():
    axes, _ = diagrams.ways({"one": WAYS, "two": WAYS}).axes
    np.testing.assert_allclose(drawn(axes.collections[0]), WAYS.transpose(0, 1))
    data, noise = (line.get_xydata() for line in axes.lines)
    np.testing.assert_allclose(data, WAYS[0])
    np.testing.assert_allclose(noise, WAYS[-1])


def test_a_flight_shows_the_way_so_far_and_the_place():
    axes, _ = diagrams.flights({"one": WAYS, "two": WAYS}, 0.5).axes
    whole, so_far = axes.collections
    np.testing.assert_allclose(drawn(whole), WAYS.transpose(0, 1))
    np.testing.assert_allclose(drawn(so_far), WAYS[:2].transpose(0, 1))
    np.testing.assert_allclose(axes.lines[0].get_xydata(), WAYS[1])


def test_each_flow_has_its_own_ends():
    clouds = [torch.zeros(3, 2), torch.ones(3, 2)]
    fig = diagrams.ways_and_ends({"one": WAYS, "two": WAYS}, clouds)
    for axes, cloud in zip(fig.axes, clouds, strict=True):
        np.testing.assert_allclose(axes.lines[0].get_xydata(), cloud)


def test_steps_are_in_order_whatever_order_they_come_in():
    axes, = diagrams.over_steps({"a": {4: 0.9, 1: 0.5}, "b": {2: 0.7}}, "share").axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 0.5], [4, 0.9]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4"]


def test_there_is_a_curve_for_each_prediction_of_each_path():
    t = torch.tensor([0.25, 0.75])
    one, two = diagrams.determinants(t, {"one": {"noise": 1 - t, "velocity": t * 0 + 1}, "two": {"noise": t}}).axes
    assert [line.get_label() for line in one.lines] == ["noise", "velocity"]
    assert two.lines[0].get_ydata().tolist() == [0.25, 0.75]
