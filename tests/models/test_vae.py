"""The VAEs of notebook 03: of linear layers, and of convolutions."""

from __future__ import annotations

import pytest
import torch
from models.contract import assert_keeps_the_contract, parameters

from course_utils.models.vae import VAE
from course_utils.models.vae_conv import ConvVAE

CLASSES = pytest.mark.parametrize("cls", [VAE, ConvVAE])


class Quiet(torch.nn.Module):
    """A VAE that draws the same noise at every call, with its outputs as one tensor."""

    def __init__(self, vae: VAE):
        super().__init__()
        self.vae = vae

    def forward(self, x):
        torch.manual_seed(1)
        return torch.cat([part.flatten(1).float() for part in self.vae(x)], dim=1)


@CLASSES
def test_the_reconstruction_has_the_inputs_shape_however_an_image_is_laid_out(cls):
    torch.manual_seed(0)
    vae, x = cls().eval(), torch.rand(3, 1, 28, 28)
    results = []
    for given in (x, x.flatten(1), x[:, 0]):
        torch.manual_seed(1)
        recon, mu, logvar = vae(given)
        assert recon.shape == given.shape and mu.shape == logvar.shape
        assert 0 < recon.min() and recon.max() < 1
        results.append([recon.flatten(), mu, logvar])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])


@CLASSES
def test_forward_is_encode_draw_decode(cls):
    torch.manual_seed(0)
    vae, x = cls(), torch.rand(3, 1, 28, 28)
    mu, logvar = vae.encoder(x.reshape(3, *vae.shape)).chunk(2, dim=1)
    torch.manual_seed(1)
    recon = vae(x)[0]
    torch.manual_seed(1)
    z = mu + logvar.exp().sqrt() * torch.randn_like(mu)
    torch.testing.assert_close(recon.flatten(1), vae.decode(z).flatten(1))


def test_draws_have_the_mean_and_the_variance():
    torch.manual_seed(0)
    mu, logvar = torch.tensor([[-1.0, 2.0]]), torch.tensor([[0.5, -3.0]])
    z = VAE().reparameterize(mu.expand(40_000, 2), logvar.expand(40_000, 2))
    std = logvar[0].exp().sqrt()
    assert ((z.mean(0) - mu[0]).abs() < 5 * std / 200).all()  # five standard errors
    assert ((z.std(0) / std - 1).abs() < 5 / 280).all()


@CLASSES
def test_it_keeps_the_contract(cls):
    torch.manual_seed(0)
    assert_keeps_the_contract(Quiet(cls()), torch.rand(4, 1, 28, 28))


def test_parameter_counts():
    assert parameters(VAE()) == 784 * 256 + 256 + 256 * 4 + 4 + 2 * 256 + 256 + 256 * 784 + 784
    assert parameters(ConvVAE()) == 220_385
    assert [tuple(part.shape) for part in ConvVAE().encode(torch.rand(5, 1, 28, 28))] == [(5, 16)] * 2
