"""Adaptive instance normalisation."""

from __future__ import annotations

import pytest
import torch
from models.contract import assert_keeps_the_contract, parameters

from course_utils.models.adain import AdaIN, adain


@pytest.mark.parametrize("places", [(7,), (4, 5), (2, 3, 4)])
def test_it_is_the_formula_in_every_rank(places):
    torch.manual_seed(0)
    x, w, b = 3 + 2 * torch.randn(2, 3, *places), torch.randn(2, 3), torch.randn(2, 3)
    want = torch.empty_like(x)
    for image in range(2):
        for channel in range(3):
            values = x[image, channel]
            spread = (values.var(unbiased=False) + 1e-5).sqrt()
            want[image, channel] = w[image, channel] * (values - values.mean()) / spread + b[image, channel]
    torch.testing.assert_close(adain(x, w, b), want)


def test_brightness_and_contrast_of_the_input_are_forgotten():
    torch.manual_seed(0)
    x, w, b = torch.randn(2, 3, 8, 8), torch.rand(2, 3) + 0.5, torch.randn(2, 3)
    y = adain(x, w, b)
    torch.testing.assert_close(y.mean(dim=(2, 3)), b)
    torch.testing.assert_close(y.std(dim=(2, 3), unbiased=False), w, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(adain(5 * x - 3, w, b), y, rtol=1e-4, atol=1e-4)


def test_a_flat_channel_becomes_its_mean():
    y = adain(torch.full((1, 1, 4, 4), 7.0), torch.ones(1, 1), torch.tensor([[2.0]]))
    torch.testing.assert_close(y, torch.full((1, 1, 4, 4), 2.0), rtol=0, atol=1e-4)


def test_the_style_of_zeros_is_plain_instance_normalisation():
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(AdaIN(16, 8)(x, torch.zeros(2, 8)), torch.nn.InstanceNorm2d(16)(x))


def test_it_keeps_the_contract():
    torch.manual_seed(0)
    model = AdaIN(16, 8)
    assert_keeps_the_contract(model, torch.randn(3, 16, 6, 6), torch.randn(3, 8))
    assert parameters(model) == 9 * 32
