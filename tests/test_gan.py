"""Notebook 04 against what is known: the best discriminator, closed forms, scipy's root, the circle, counted modes."""

from __future__ import annotations

import math

import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import densities, metrics, notebooks, puzzles
from course_utils.models import adain as library
from course_utils.tasks.draws import fixed_draws


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("04"))


REAL = densities.Mixture(torch.tensor([[-1.0], [2.0]]).double(), 0.5)
FAKE = densities.Mixture(torch.tensor([[0.0]]).double(), 1.0)


def test_knowing_nothing_costs_twice_the_logarithm_of_two(nb):
    zeros = torch.zeros(5)
    assert nb.discriminator_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2))
    assert nb.generator_loss(zeros).item() == pytest.approx(math.log(2))
    assert nb.generator_loss_saturating(zeros).item() == pytest.approx(-math.log(2))


def test_no_answer_has_a_higher_value_than_the_best_one(nb):
    """By quadrature on the line, V(D*) passes V of every disturbed answer, and equation (4) gives it."""
    x = torch.linspace(-8, 8, 8001, dtype=torch.float64)[:, None]
    p, q = REAL.log_prob(x).exp(), FAKE.log_prob(x).exp()
    best = nb.optimal_discriminator(p, q)
    values = [value(p, q, (best.logit() + shift).sigmoid(), x) for shift in (0, 0.1, -0.1, 0.3 * torch.sin(x[:, 0]))]
    assert all(values[0] > other for other in values[1:])
    m = (p + q) / 2
    divergences = sum(torch.trapezoid(torch.special.xlogy(d, d / m), x[:, 0]) for d in (p, q))
    assert values[0].item() == pytest.approx(-2 * math.log(2) + divergences.item(), abs=1e-6)


def value(p, q, answer, x):
    inside = torch.special.xlogy(p, answer) + torch.special.xlogy(q, 1 - answer)
    return torch.trapezoid(inside, x[:, 0])


def test_a_trained_discriminator_comes_near_the_best_one(nb):
    torch.manual_seed(0)
    D = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0))
    draws = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(D.parameters(), lr=1e-2)
    x = torch.linspace(-1.5, 2.5, 81)[:, None]
    best = nb.optimal_discriminator(REAL.log_prob(x).exp(), FAKE.log_prob(x).exp())
    before = (D(x).sigmoid() - best).abs().mean().item()
    for _ in range(400):
        optimizer.zero_grad()
        nb.discriminator_loss(D(REAL.sample(512, draws)), D(FAKE.sample(512, draws))).backward()
        optimizer.step()
    after = (D(x).sigmoid() - best).abs().mean().item()
    assert before > 0.2 and after < 0.05


def test_a_step_leaves_the_other_player_alone(nb):
    """With a rate of 0 for one player, the other moves as it would against a fixed opponent."""
    torch.manual_seed(0)
    G, D = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    still_d, still_g = D[0].weight.clone(), G.weight.clone()
    real, z = torch.randn(8, 2), torch.randn(8, 2)
    want = torch.autograd.grad(F.softplus(-D(G(z))).mean(), G.weight)[0]
    opt_g, opt_d = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.SGD(D.parameters(), lr=0.0)
    nb.train_step(G, D, opt_g, opt_d, real, z, z)
    assert torch.equal(D[0].weight, still_d)
    torch.testing.assert_close(G.weight, still_g - 0.1 * want)


def test_adain_gives_every_channel_its_new_mean_and_spread(nb):
    x, w, b = 3 * torch.randn(4, 3, 8, 8) + 5, torch.rand(4, 3) + 0.5, torch.randn(4, 3)
    out = nb.adain(x, w, b)
    torch.testing.assert_close(out.mean(dim=(2, 3)), b, atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std(dim=(2, 3), unbiased=False), w, atol=1e-4, rtol=0)
    torch.testing.assert_close(out, library.adain(x, w, b))


def test_slerp_walks_the_circle_at_constant_speed(nb):
    z0, z1 = F.normalize(torch.randn(2, 5, 16, dtype=torch.float64), dim=-1)
    walk = torch.stack([nb.slerp(z0, z1, t) for t in torch.linspace(0, 1, 33, dtype=torch.float64)])
    torch.testing.assert_close(walk.norm(dim=-1), torch.ones(33, 5, dtype=torch.float64))
    strides = (walk[1:] - walk[:-1]).norm(dim=-1)
    torch.testing.assert_close(strides, strides[:1].expand_as(strides))
    angle = torch.acos((z0 * z1).sum(-1))
    torch.testing.assert_close(strides[0], 2 * torch.sin(angle / 64))  # the shorter arc, in 32 parts


def test_slerp_of_a_quarter_turn_is_cosine_and_sine(nb):
    t = torch.linspace(0, 1, 9)
    z0, z1 = torch.tensor([[2.0, 0.0]]).repeat(9, 1), torch.tensor([[0.0, 2.0]]).repeat(9, 1)
    want = 2 * torch.stack([torch.cos(t * math.pi / 2), torch.sin(t * math.pi / 2)], dim=1)
    torch.testing.assert_close(nb.slerp(z0, z1, t), want)


def gaussian(seed, d=6):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(d, d, dtype=torch.float64, generator=generator)
    return torch.randn(d, dtype=torch.float64, generator=generator), a @ a.T + 0.1 * torch.eye(d, dtype=torch.float64)


def test_frechet_distance_on_the_line(nb):
    mu1, mu2, s1, s2 = torch.tensor([[1.0], [-2.0], [0.5], [3.0]], dtype=torch.float64)
    out = nb.frechet_distance(mu1, s1[:, None] ** 2, mu2, s2[:, None] ** 2)
    assert out.item() == pytest.approx((1 + 2) ** 2 + (0.5 - 3) ** 2)


def test_frechet_distance_of_commuting_covariances(nb):
    mu, cov = gaussian(0)
    axes = torch.linalg.eigh(cov)[1]
    a, b = torch.rand(2, 6, dtype=torch.float64) + 0.1
    out = nb.frechet_distance(mu, axes * a @ axes.T, mu + 1, axes * b @ axes.T)
    assert out.item() == pytest.approx(6 + (a.sqrt() - b.sqrt()).square().sum().item())


def test_frechet_distance_against_scipys_root(nb):
    (mu1, cov1), (mu2, cov2) = gaussian(1), gaussian(2)
    root = scipy.linalg.sqrtm((cov1 @ cov2).numpy()).real.trace()
    want = (mu1 - mu2).square().sum() + cov1.trace() + cov2.trace() - 2 * root
    assert nb.frechet_distance(mu1, cov1, mu2, cov2).item() == pytest.approx(want.item())
    assert nb.frechet_distance(mu1, cov1, mu1, cov1).item() == pytest.approx(0, abs=1e-9)


def test_frechet_distance_equals_the_librarys_of_features(nb):
    a, b = torch.randn(200, 5).double(), 2 * torch.randn(300, 5).double() + 1
    out = nb.frechet_distance(a.mean(0), a.T.cov(), b.mean(0), b.T.cov())
    assert out.item() == pytest.approx(metrics.frechet_distance(a, b))


@pytest.fixture(scope="module")
def demo():
    """The notebook's own functions of its demo cells on the ring, without their figures."""
    cells = [c.source for c in notebooks.read(notebooks.source_of("04")).cells if c.cell_type == "code"]
    names = dict(vars(notebooks.load(notebooks.source_of("04"))))
    for marker in ("from functools import cache", "def small(", "def play(", "def count_modes("):
        code = next(c for c in cells if marker in c)
        exec(code.split("\n\n\nx = ")[0].split("\n\n\nfound = ")[0].split("\n\n\nSLOW")[0], names)
    return names


def test_a_mode_counts_where_enough_samples_lie(demo):
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    samples = torch.tensor([[0.1, 0.0], [0.0, 0.1], [10.0, 0.2], [5.0, 5.0]])
    counts = [demo["count_modes"](samples, centres, 0.3, n) for n in (1, 2, 3)]
    assert counts == [2, 1, 0]


def test_a_slow_discriminator_loses_modes_and_equal_rates_find_them(demo):
    demo["STEPS"] = 450
    with fixed_draws():
        slow, equal = ([demo["count_modes"](fakes, demo["CENTRES"], 0.3, 10) for fakes, _ in
                        demo["play"](0, rate)[0].values()] for rate in (3e-4, 3e-3))
    assert max(slow) <= 3 and max(equal[-3:]) >= 6


def test_the_clouds_of_the_puzzle_tell_their_slips():
    clouds = puzzles.slipped_games()
    assert clouds["A"].abs().max() > 5
    assert clouds["B"].std(dim=0).max() < 0.05 and clouds["B"].abs().max() < 1
    assert clouds["C"].std(dim=0).max() > 0.05 and clouds["C"].abs().max() < 1
