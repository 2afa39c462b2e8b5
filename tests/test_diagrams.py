"""The UNet's diagram shows every tensor and joins every skip; clocks tell times; costs and maps are the network's."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from course_utils import diagrams, models, plot


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


def test_arrows_say_what_they_do():
    axes = diagrams.unet(28, [24, 48, 96]).axes[0]
    words = [text.get_text().strip() for text in axes.texts]
    assert {word: words.count(word) for word in ("down", "up", "cat")} == {"down": 2, "up": 2, "cat": 2}
    assert {"block", "here the context enters"} <= set(words)
    blocks = 4 + 2 + 4
    assert len(axes.collections) == blocks + 2  # a dot at each block, and two in the legend


def test_letters_are_read_where_the_page_is_400_pixels_wide():
    fig = diagrams.unet(28, [24, 48, 96])
    shrunk = 400 / plot.logical_size(fig)[0]
    letters = [text.get_fontsize() for text in fig.axes[0].texts if text.get_text()]
    assert min(letters) * 100 / 72 * shrunk > 7


def test_an_image_that_cannot_be_halved_is_one_sentence():
    with pytest.raises(ValueError, match="30 pixels cannot be halved 2 times"):
        diagrams.unet(30, [24, 48, 96])


def test_a_clocks_hand_points_at_its_sine_and_cosine():
    angle = torch.tensor([[0.0, math.pi / 2], [math.pi, -math.pi / 2]])
    axes = diagrams.clocks(torch.cat([angle.sin(), angle.cos()], dim=1), ["a", "b"]).axes[0]
    hands = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) == 2]
    found = [(hand[1] - hand[0]) / 0.4 for hand in hands]
    for way, wanted in zip(found, [(0, 1), (1, 0), (0, -1), (-1, 0)], strict=True):
        assert tuple(way) == pytest.approx(wanted, abs=1e-6)


def test_costs_are_the_formulas():
    net = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.GELU(), nn.Conv2d(5, 2, 2, stride=2))
    costs = diagrams.costs(net, torch.zeros(4, 3, 8, 6))
    assert costs == {"0": (5 * 3 * 9 + 5, 9 * 3 * 5 * 48), "1": (0, 0), "2": (2 * 5 * 4 + 2, 4 * 5 * 2 * 12)}
    assert diagrams.costs(nn.Sequential(nn.Linear(7, 3)), torch.zeros(2, 7)) == {"0": (24, 21)}
    assert not net[0]._forward_hooks


def test_feature_maps_are_the_layers_output_from_0_to_1():
    torch.manual_seed(0)
    net = models.build("unet", {"dim": 4, "condition_dim": 3, "dim_mults": [1], "channels": 1}).eval()
    x, t = torch.randn(2, 1, 6, 6), torch.tensor([1, 2])
    maps = diagrams.feature_maps(net.init_conv, lambda: net(x, t), channels=3)
    with torch.no_grad():
        want = net.init_conv(x)[0, :3, None]
    assert maps.shape == (3, 1, 6, 6) and maps.amin() == 0 and maps.amax() == pytest.approx(1, abs=1e-4)
    for got, wanted in zip(maps, want, strict=True):
        assert torch.corrcoef(torch.stack([got.flatten(), wanted.flatten()]))[0, 1] > 0.9999
