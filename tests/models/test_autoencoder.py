"""Shapes, what a latent depends on, and gradients of the autoencoder."""

from __future__ import annotations

import copy

import pytest
import torch

from course_utils.models.autoencoder import Autoencoder, Residual


def small(**options) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(dims=(4, 8, 8), latent_channels=2, **options)


def test_shapes_at_the_size_of_the_emoji():
    net = Autoencoder()
    with torch.no_grad():
        mu, logvar = net.encode(torch.zeros(2, 3, 32, 32))
        assert mu.shape == logvar.shape == (2, 8, 8, 8)
        assert net.decode(mu).shape == (2, 3, 32, 32)


def test_its_size_is_what_a_checkpoint_may_weigh():
    assert 0.76e6 < sum(p.numel() for p in Autoencoder().parameters()) < 0.92e6


def test_the_mean_and_the_log_variance_are_the_two_halves_and_only_the_latter_is_bounded():
    net, x = small(), torch.randn(1, 3, 8, 8)
    net.encoder[-1].bias.data[:] = torch.tensor([100.0, -100.0, 100.0, -100.0])
    mu, logvar = net.encode(x)
    assert mu.mean(dim=(0, 2, 3)).round(decimals=-1).tolist() == [100, -100]
    assert logvar.mean(dim=(0, 2, 3)).tolist() == [20, -30]


def test_forward_is_the_reconstruction_from_the_mean():
    net, x = small(), torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(net(x), net.decode(net.encode(x)[0]))


def test_a_residual_block_without_weights_is_the_identity():
    block, x = Residual(4), torch.randn(2, 4, 6, 6)
    for part in block:
        torch.nn.init.zeros_(part.norm.g)
    torch.testing.assert_close(block(x), x)


def test_images_of_a_batch_do_not_meet():
    net, x = small(), torch.randn(2, 3, 8, 8, requires_grad=True)
    net(x)[0].square().sum().backward()
    assert x.grad[0].abs().sum() > 0 and x.grad[1].abs().sum() == 0


def test_every_parameter_gets_a_gradient_under_autocast_and_channels_last():
    net = copy.deepcopy(small()).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        mu, logvar = net.encode(x)
        recon = net.decode(mu + (0.5 * logvar).exp() * torch.randn_like(mu))
    (recon.float().square().sum() + logvar.float().square().sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in net.parameters())
    assert recon.shape == x.shape


def test_a_size_that_cannot_be_quartered_is_one_sentence():
    with pytest.raises(ValueError, match=r"^Height and width must be divisible by 4 .* but x is 8 × 6\.$"):
        small().encode(torch.zeros(1, 3, 8, 6))
