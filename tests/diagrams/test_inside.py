"""Costs are those of the formulas, feature maps those of the layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_utils import diagrams, models


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
