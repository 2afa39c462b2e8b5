"""PixelCNN: its masks, and what it may see."""

from __future__ import annotations

import pytest
import torch
from models.contract import assert_all_images_sum_to_one, assert_causal, assert_keeps_the_contract, parameters

from course_utils.models.pixelcnn import MaskedConv2d, PixelCNN, causal_mask


def test_the_masks_are_those_of_the_paper():
    assert causal_mask(3, "A").tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert causal_mask(3, "B").tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert causal_mask(1, "A").tolist() == [[0]]


def test_a_wrong_mask_is_one_sentence():
    with pytest.raises(ValueError, match=r"^A masked kernel needs a centre: its size must be odd, but it is 4\.$"):
        causal_mask(4, "A")
    with pytest.raises(ValueError, match=r"""^The type of a mask is "A" or "B", but it is 'a'\.$"""):
        causal_mask(3, "a")


def test_weights_behind_the_mask_never_move():
    conv = MaskedConv2d("B", 2, 3, 3)
    conv(torch.randn(1, 2, 5, 5)).square().sum().backward()
    assert (conv.weight.grad * (1 - conv.mask) == 0).all() and (conv.weight.grad * conv.mask).any()
    assert list(conv.state_dict()) == ["weight", "bias"]


def test_a_pixel_sees_earlier_ones_only():
    assert_causal(PixelCNN(levels=4, channels=8, blocks=2), levels=4)


def test_the_likelihoods_of_all_images_sum_to_one():
    assert_all_images_sum_to_one(PixelCNN(levels=2, channels=8, blocks=2))


@pytest.mark.parametrize("x", [torch.rand(2, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.long)])
def test_an_image_that_is_not_levels_is_one_sentence(x):
    with pytest.raises(ValueError, match=r"^x must be levels, \(b, h, w\) of integers, but it is \(2, .*"):
        PixelCNN(channels=2, blocks=0)(x)


def test_it_keeps_the_contract():
    torch.manual_seed(0)
    assert_keeps_the_contract(PixelCNN(channels=16, blocks=2), torch.randint(4, (3, 8, 9)))


@pytest.mark.parametrize(("levels", "count"), [(4, 23_140), (256, 31_456)])
def test_parameter_counts_and_logits(levels, count):
    model = PixelCNN(levels=levels)
    assert parameters(model) == count
    assert model(torch.randint(levels, (2, 7, 6))).shape == (2, levels, 7, 6)
