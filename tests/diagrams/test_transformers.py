"""Figures of transformers draw what they are given; the puzzle's five patterns are what its answer says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from course_utils import diagrams, puzzles
from course_utils.models.dit import patchify


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_each_patch_stands_in_its_order_with_the_pixels_of_the_picture():
    picture = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    (axes,) = diagrams.patches(picture, {p: patchify(picture[None], p)[0] for p in (4, 2)}).axes
    whole, *tiles = [image.get_array() for image in axes.images[:5]]
    np.testing.assert_allclose(whole, picture.permute(1, 2, 0))
    corners = [picture[:, i:i + 4, j:j + 4].permute(1, 2, 0) for i in (0, 4) for j in (0, 4)]
    np.testing.assert_allclose(np.stack(tiles), torch.stack(corners))
    lefts = [image.get_extent()[0] for image in axes.images[1:5]]
    assert lefts == sorted(lefts)
    assert len(axes.images) == 2 + 4 + 16
    assert {"p = 4: 4 tokens of 48 numbers", "p = 2: 16 tokens of 12 numbers"} <= set(words(axes))


def test_tokens_in_several_rows_are_counted_at_their_ends():
    picture = torch.zeros(3, 16, 16)
    (axes,) = diagrams.patches(picture, {2: patchify(picture[None], 2)[0]}).axes
    assert [word for word in words(axes) if " to " in word] == ["0 to 15", "16 to 31", "32 to 47", "48 to 63"]


def test_the_block_shows_six_chunks_in_dits_order():
    said = words(diagrams.dit_block().axes[0])
    chunks = [word for word in said if "$_" in word]
    assert chunks == ["shift$_1$, scale$_1$", "gate$_1$", "shift$_2$, scale$_2$", "gate$_2$"]
    assert said.count("×") == said.count("+") == 2 and {"attention", "MLP"} <= set(said)


def test_only_in_joint_attention_does_the_text_read():
    cross, joint = (words(axes) for axes in diagrams.cross_and_joint(6, 3).axes)
    assert "the text reads nothing" in cross and "text reads picture" in joint
    assert {"6 places", "3 words"} <= set(cross) & set(joint)


def test_what_a_token_reads_is_dark_and_it_is_framed_once_a_row():
    seen = torch.zeros(2, 4)
    seen[1, 3] = 1
    (axes,) = diagrams.who_reads({"a": seen, "b": torch.ones(2, 4)}, (1, 3), columns=2).axes
    squares = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_fill()]
    white = [square.get_facecolor() == (1, 1, 1, 1) for square in squares]
    assert white == [True] * 7 + [False] * 9
    framed = [p.get_xy() for p in axes.patches if not p.get_fill()]
    assert framed == [(4, 1), (4, 4)]


def test_costs_are_drawn_as_bars_with_their_numbers():
    (axes,) = diagrams.shares_of_cost({"small": (57.1e9, 528e6, math.nan), "large": (96e12, 1.5e15, 25e12)}).axes
    assert [bar.get_width() for bar in axes.patches] == [57.1e9, 528e6, 96e12, 1.5e15, 25e12]
    assert words(axes) == ["57.1 G", "528 M", "96.0 T", "1.50 P", "25.0 T"]


@pytest.mark.parametrize(("number", "told"), [(528e6, "528 M"), (1.2345e9, "1.23 G"), (9e13, "90.0 T"), (12, "12")])
def test_operations_are_told_with_a_unit(number, told):
    assert diagrams.describe_operations(number) == told


def test_losses_stand_over_the_cost_of_their_own_training():
    curves = {"one": ([1e12, 2e12], [0.6, 0.4]), "other": ([1e13, 3e13], [0.5, 0.3])}
    (axes,) = diagrams.losses_over_cost(curves).axes
    for line, (cost, loss) in zip(axes.lines, curves.values(), strict=True):
        np.testing.assert_allclose(line.get_xydata().T, [cost, loss])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "other"]


def test_both_pipelines_tell_their_tokens():
    said = " ".join(words(diagrams.pipelines().axes[0]))
    assert f"{(1024 // 8 // 2) ** 2:,} tokens" in said
    assert f"{120 // 4 * (720 // 8 // 2) * (1280 // 8 // 2):,} tokens" in said


def test_the_puzzles_patterns_are_what_its_answer_says():
    f, n = 4, 6
    frame, place = np.arange(f * n) // n, np.arange(f * n) % n
    same_frame, same_place = frame[:, None] == frame, place[:, None] == place
    in_order = np.arange(f * n) // f
    expected = {"A": same_place, "B": in_order[:, None] == in_order, "C": frame[:, None] >= frame, "D": same_frame,
                "E": np.ones((f * n, f * n), bool)}
    found = puzzles.token_patterns()
    assert list(found) == list(expected)
    for name, pattern in found.items():
        np.testing.assert_array_equal(pattern.numpy() != 0, expected[name], err_msg=name)
    panels = diagrams.patterns(found, every=n).axes
    assert [axes.get_title() for axes in panels] == list("ABCDE")
    assert {len(axes.lines) for axes in panels} == {2 * (f - 1)}
