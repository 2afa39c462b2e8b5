"""Causality of the tiles by gradients, and that the likelihoods of all images sum to 1."""

from __future__ import annotations

import copy
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from course_utils.models.tiles import TileTransformer


def small() -> TileTransformer:
    torch.manual_seed(0)
    return TileTransformer(6, 2, dim=16, depth=2, heads=2)


def test_a_pixel_sees_all_earlier_tiles_and_no_other():
    net, x = small(), torch.rand(1, 6, 6, requires_grad=True)
    rows, columns = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    number = 3 * (rows // 2) + columns // 2  # of the tile in which a pixel lies
    logits = net(x)
    for i, j in product(range(6), range(6)):
        grad = torch.autograd.grad(logits[0, i, j], x, retain_graph=True)[0][0]
        assert torch.equal(grad != 0, number < number[i, j])


def test_the_likelihoods_of_all_images_sum_to_one():
    torch.manual_seed(0)
    images = (torch.arange(2**16)[:, None] >> torch.arange(16) & 1).view(-1, 4, 4)  # all there are
    with torch.no_grad():
        logits = TileTransformer(4, 2, dim=8, depth=1, heads=2).double()(images)
    nll = F.binary_cross_entropy_with_logits(logits, images.double(), reduction="none").sum(dim=(1, 2))
    assert (-nll).exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    assert nll.std() > 0.1  # not all images are equally likely


def test_whole_numbers_and_floats_are_the_same_image():
    net, x = small(), torch.randint(2, (3, 6, 6))
    assert torch.equal(net(x), net(x.float())) and torch.equal(net(x), net(x.bool()))


def test_the_first_tiles_logits_are_the_same_for_every_image():
    logits = small()(torch.randint(2, (5, 6, 6)))
    torch.testing.assert_close(logits[:, :2, :2], logits[:1, :2, :2].expand(5, 2, 2))


def test_its_size_is_what_a_checkpoint_may_weigh():
    net = TileTransformer()
    assert 0.18e6 < sum(p.numel() for p in net.parameters()) < 0.22e6
    with torch.no_grad():
        assert net(torch.zeros(2, 28, 28)).shape == (2, 28, 28)


def test_every_parameter_gets_a_gradient_under_autocast():
    net = copy.deepcopy(small())
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.randint(2, (4, 6, 6)))
    logits.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in net.parameters())


def test_another_size_is_one_sentence():
    with pytest.raises(ValueError, match=r"^An image is 6 × 6 here, but x is \(1, 1, 6, 6\)\.$"):
        small()(torch.zeros(1, 1, 6, 6))
