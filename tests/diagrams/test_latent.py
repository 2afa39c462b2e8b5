"""Diagrams of codes: places, guesses and pictures stand where they are said to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_utils import diagrams


def test_bounds_and_densities_are_told_by_one_line_each():
    z = torch.linspace(0.1, 4, 9)
    fits, climbs = {"a": z, "b": 1 / z}, {"a": [-2.0, -1.0], "b": [-3.0, -1.5]}
    left, right = diagrams.two_guesses(z, z, fits, climbs, exact=-0.9).axes
    assert [line.get_ydata()[0] for line in left.lines] == [pytest.approx(0.1), pytest.approx(10)]
    assert [line.get_ydata()[-1] for line in right.lines] == [-1.0, -1.5, -0.9]
    assert left.lines[0].get_linestyle() == right.lines[0].get_linestyle() != left.lines[1].get_linestyle()


def test_an_arrow_begins_at_its_mean_and_points_where_it_is_pulled():
    mu, pull = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[-1.0, 0.0], [0.0, 1.0]])
    axes, = diagrams.pull_of_decoder(torch.randn(5, 2, 2), mu, pull, radius=1.5).axes
    assert [text.xyann for text in axes.texts] == [(1.0, 2.0), (0.0, -1.0)]
    assert [text.xy for text in axes.texts] == [pytest.approx([0.4, 2.0]), pytest.approx([0.0, -0.4])]


def test_row_and_column_of_the_plane_are_those_of_the_grid():
    pictures = torch.zeros(4, 4, 2, 3)
    pictures[1, 2] = 1
    fig = diagrams.latent_plane(pictures, torch.linspace(-1, 1, 4), torch.randn(6, 2), torch.arange(6))
    sheet = np.asarray(fig.axes[0].images[0].get_array())
    assert sheet.shape == (8, 12) and sheet[2:4, 6:9].all() and sheet.sum() == 6


def test_a_place_and_rows_are_shown_as_they_are_given():
    codes, labels, picture = torch.randn(40, 2), torch.arange(40) % 10, torch.rand(5, 5)
    left, right = diagrams.place_and_picture(codes, labels, (0.5, -1.0), picture).axes
    assert left.lines[-1].get_xydata().tolist() == [[0.5, -1.0]]
    assert np.allclose(right.images[0].get_array(), picture)
    rows = {"a": torch.zeros(3, 1, 2, 2), "b": torch.ones(3, 1, 2, 2)}
    left, right = diagrams.codes_and_rows(codes, labels, rows).axes
    assert np.asarray(right.images[0].get_array()).tolist() == 2 * [[0] * 6] + 2 * [[1] * 6]
    assert [label.get_text() for label in right.get_yticklabels()] == ["a", "b"]


def test_both_terms_have_a_panel_each():
    left, right = diagrams.both_terms({"a": torch.tensor([[3.0, 1.0], [2.0, 4.0]])}).axes
    assert left.lines[0].get_ydata().tolist() == [3, 2] and right.lines[0].get_ydata().tolist() == [1, 4]
