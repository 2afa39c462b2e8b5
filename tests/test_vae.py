"""Notebook 03 against what is known: closed forms, quadrature, a linear model's exact likelihood, shipped weights."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, LogNormal, Normal, kl_divergence

from course_utils import data, notebooks, puzzles, zoo
from course_utils.check import check
from course_utils.kernels.reparameterize_kl import reparameterize_kl
from course_utils.tasks.draws import fixed_draws


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("03"))


# ---- the example with a known answer: z ~ Exp(1), x | z ~ N(z, 1) --------------------------------------------------


@pytest.fixture(scope="module", params=[-1.0, 0.5, 1.0, 3.0])
def example(request):
    """x, the middles of narrow bins of z, and log p(x, z) there, in float64."""
    x = torch.tensor(request.param, dtype=torch.double)
    z = (torch.arange(40_000, dtype=torch.double) + 0.5) / 2000  # 0 … 20
    return x, z, -z + Normal(z, 1.0).log_prob(x)


def exact(x: torch.Tensor) -> torch.Tensor:
    return 0.5 - x + torch.special.log_ndtr(x - 1)


def test_the_evidence_has_a_closed_form(example):
    x, _, log_joint = example
    torch.testing.assert_close(log_joint.logsumexp(0) - math.log(2000), exact(x), rtol=0, atol=1e-6)


def test_the_posterior_is_a_cut_off_normal(example):
    x, z, log_joint = example
    cut_off = Normal(x - 1, 1.0).log_prob(z) - torch.special.log_ndtr(x - 1)
    torch.testing.assert_close(log_joint - exact(x), cut_off)


def test_the_bound_is_exact_for_the_posterior_and_else_short_by_the_gap(example):
    x, z, log_joint = example
    posterior = log_joint - exact(x)
    for log_q, tight in ((posterior, True), (LogNormal(0.0, 0.5).log_prob(z), False)):
        q = log_q.exp() / 2000
        gap = (q * (log_q - posterior)).sum()
        torch.testing.assert_close((q * (log_joint - log_q)).sum(), exact(x) - gap, rtol=0, atol=1e-5)
        assert (gap.abs() < 1e-6) == tight and gap > -1e-6


# ---- the terms of the bound ----------------------------------------------------------------------------------------


def test_draws_have_the_mean_and_variance_that_were_asked_for(nb):
    torch.manual_seed(0)
    mu, logvar = torch.tensor([[0.5, -2.0]]), torch.tensor([[-1.0, 1.5]])
    z = nb.reparameterize(mu.expand(200_000, 2), logvar.expand(200_000, 2))
    torch.testing.assert_close(z.mean(0), mu[0], rtol=0, atol=0.02)
    torch.testing.assert_close(z.var(0), logvar[0].exp(), rtol=0.02, atol=0)


def test_the_divergence_is_torchs(nb):
    mu, logvar = torch.randn(2, 6, 5, dtype=torch.double)
    known = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(torch.zeros_like(mu), 1.0))
    torch.testing.assert_close(nb.kl_loss(mu, logvar), known.sum())
    x, recon_x = torch.randint(2, (6, 12)).double(), torch.rand(6, 12, dtype=torch.double)
    log_px = Bernoulli(recon_x).log_prob(x).sum(1)
    torch.testing.assert_close(nb.recon_loss(recon_x, x), -log_px.sum())
    torch.testing.assert_close(nb.elbo(recon_x, x, mu, logvar), log_px - known.sum(1))
    loss = nb.recon_loss(recon_x, x) + nb.kl_loss(mu, logvar)
    torch.testing.assert_close(-nb.elbo(recon_x, x, mu, logvar).sum(), loss)


def test_the_kernel_gives_the_notebooks_numbers(nb):
    mu, logvar = torch.randn(2, 33, 7).requires_grad_()
    seed, nothing = torch.tensor(3), torch.zeros(33, 7)
    z, kl = reparameterize_kl(mu, logvar, seed)
    with fixed_draws(noise=reparameterize_kl(nothing, nothing, seed)[0]):
        torch.testing.assert_close(nb.reparameterize(mu, logvar), z)
    torch.testing.assert_close(nb.kl_loss(mu, logvar), kl.sum())


# ---- the tighter bound ---------------------------------------------------------------------------------------------


class Tiny(nn.Module):
    """One latent number and six binary pixels, whose log p(x) a sum over 20,001 places gives."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.encoder, self.decoder = nn.Linear(6, 2), nn.Sequential(nn.Linear(1, 6), nn.Sigmoid())
        nn.init.normal_(self.decoder[0].weight, std=2.0)


@torch.no_grad()
def log_p(model: Tiny, x: torch.Tensor) -> torch.Tensor:
    z = torch.linspace(-10, 10, 20_001)[:, None]
    log_px = Bernoulli(model.decoder(z)[:, None]).log_prob(x).sum(-1)
    return (log_px + Normal(0.0, 1.0).log_prob(z)).logsumexp(0) + math.log(1e-3)


def test_the_bound_rises_with_the_draws_towards_the_exact_likelihood(nb):
    model, x = Tiny(), torch.randint(2, (8, 6)).float()
    noise, known = torch.randn(4096, 8, 1), log_p(model, x)
    torch.testing.assert_close(nb.iwae_bound(model, x, noise), known, rtol=0, atol=0.1)
    means = [torch.stack([nb.iwae_bound(model, x, part) for part in noise.split(k)]).mean(0) for k in (1, 16, 256)]
    assert (means[0] < means[1]).all() and (means[1] < means[2]).all() and (means[2] < known + 0.02).all()


def test_all_pictures_together_have_a_probability_of_one_at_most(nb):
    """The bound of all 64 pictures: with many draws their probabilities sum to nearly 1, with one to less."""
    model = Tiny()
    x = torch.arange(64)[:, None].bitwise_and(2 ** torch.arange(6)).ne(0).float()
    assert nb.iwae_bound(model, x, torch.randn(2048, 64, 1)).exp().sum() == pytest.approx(1, abs=0.03)
    single = torch.stack([nb.iwae_bound(model, x, torch.randn(1, 64, 1)) for _ in range(500)]).mean(0)
    assert single.exp().sum() < 0.95


def test_where_the_guess_is_the_posterior_one_draw_is_exact(nb):
    """A decoder that does not look at z: the posterior is the prior, and every weight is p(x) itself."""
    encoder, decoder = nn.Linear(5, 4), nn.Sequential(nn.Linear(2, 5), nn.Sigmoid())
    nn.init.zeros_(encoder.weight), nn.init.zeros_(encoder.bias), nn.init.zeros_(decoder[0].weight)
    x = torch.randint(2, (3, 5)).float()
    known = Bernoulli(decoder[0].bias.detach().sigmoid()).log_prob(x).sum(1)
    model = SimpleNamespace(encoder=encoder, decoder=decoder)
    torch.testing.assert_close(nb.iwae_bound(model, x, torch.randn(1, 3, 2)), known)


def test_a_linear_gaussian_models_likelihood_is_approached():
    """The library's identity behind (10) where everything is Gaussian: x = z + noise has the law N(0, 2)."""
    x, mu, std = torch.tensor(1.3, dtype=torch.double), 0.4, 0.9  # the posterior is N(0.65, 0.5)
    z = mu + std * torch.randn(200_000, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    log_w = Normal(z, 1.0).log_prob(x) + Normal(0.0, 1.0).log_prob(z) - Normal(mu, std).log_prob(z)
    known = Normal(0.0, math.sqrt(2)).log_prob(x)
    assert log_w.logsumexp(0) - math.log(200_000) == pytest.approx(known.item(), abs=5e-3)
    assert log_w.mean() < known - 0.05


def test_the_shipped_weights_reach_what_was_recorded(nb):
    shipped, x = zoo.load("vae-conv"), data.binarised_mnist("test")[0][::10]
    noise = torch.randn(16, len(x), 16, generator=torch.Generator().manual_seed(0))
    bound = nb.iwae_bound(shipped.model, x, noise).mean().item()
    log_w = nb.iwae_bound(shipped.model, x, noise[:1]).mean().item()
    assert log_w < bound and bound == pytest.approx(shipped.metrics["iwae_256"], abs=6)
    assert shipped.metrics["elbo"] > -108 and shipped.metrics["iwae_256"] > -101.5


# ---- the grid, and answers as others write them --------------------------------------------------------------------


def test_equally_many_codes_fall_between_neighbours(nb):
    grid = nb.latent_grid(19)
    torch.testing.assert_close(Normal(0.0, 1.0).cdf(grid[0, :, 0]).diff(), torch.full((18,), 0.05), rtol=0, atol=1e-5)
    torch.testing.assert_close(grid[9, 9], torch.zeros(2), rtol=0, atol=1e-6)
    assert (grid[3, 7] == torch.stack([grid[0, 7, 0], grid[3, 0, 1]])).all()


class VAE(nn.Module):
    """As it is written in one cell, with a method that draws."""

    def __init__(self, input_dim=784, inter_dim=256, latent_dim=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(input_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, latent_dim * 2))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, input_dim),
                                     nn.Sigmoid())

    def reparameterise(self, mu, logvar):
        epsilon = torch.randn_like(mu)
        return mu + epsilon * torch.exp(logvar / 2)

    def forward(self, x):
        org_size = x.size()
        batch = org_size[0]
        x = x.view(batch, -1)
        h = self.encoder(x)
        mu, logvar = h.chunk(2, dim=1)
        z = self.reparameterise(mu, logvar)
        recon_x = self.decoder(z).view(size=org_size)
        return recon_x, mu, logvar


@pytest.mark.filterwarnings("ignore:size_average")
@pytest.mark.parametrize("id, answer", [
    ("vae.kl_loss", lambda mu, logvar: -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())),
    ("vae.recon_loss", lambda recon_x, x: F.binary_cross_entropy(recon_x, x, reduction="sum")),
    ("vae.recon_loss", lambda recon_x, x: F.binary_cross_entropy(recon_x, x, size_average=False)),
    ("vae.VAE.forward", VAE)])
def test_lambdas_and_a_class_in_one_cell_are_right(nb, id, answer, capsys):
    names = vars(nb) | {"VAE" if answer is VAE else id.split(".")[1]: answer}
    check(id, SimpleNamespace(**names))
    assert "passed" in capsys.readouterr().out


def test_the_puzzle_tells_its_slips():
    slipped = puzzles.slipped_vaes(data.mnist("train", full=False)[0], data.binarised_mnist("test")[0], epochs=1)
    kl = {name: found["terms"][-1, 1].item() for name, found in slipped.items()}
    reconstruction = {name: found["terms"][-1, 0].item() for name, found in slipped.items()}
    assert reconstruction["B"] > 350 > max(reconstruction["A"], reconstruction["C"])
    assert kl["A"] > 3 * kl["C"]
