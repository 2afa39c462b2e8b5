"""Notebook 10 against known answers: the Gaussian's flow and likelihood, traces by enumeration, DDIM's two ends."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from course_utils import densities, notebooks, puzzles
from course_utils.diffusion import likelihood, plans, solvers
from course_utils.diffusion.paths import VP

PATH = VP()
KAPPA = torch.tensor([9.0, 0.25], dtype=torch.float64)
ANGLE = math.pi / 6
TURN = torch.tensor([[math.cos(ANGLE), -math.sin(ANGLE)], [math.sin(ANGLE), math.cos(ANGLE)]], dtype=torch.float64)
GAUSS = densities.Gaussian(TURN @ KAPPA.diag() @ TURN.T)
RING = densities.ring(std=0.2)


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("10"))


def noise(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def variance(t: float) -> torch.Tensor:
    """Of the noised Gaussian along its two axes."""
    return torch.exp(-PATH.integral(torch.tensor(t, dtype=torch.float64))) * (KAPPA - 1) + 1


# ---- the flow and its likelihood


def test_the_gaussians_log_likelihood_is_that_of_what_the_flow_pushes(nb):
    x = torch.tensor([[6.0, -1.0], [3.0, 0.4]], dtype=torch.float64) @ TURN.T
    logp, z, nfe = nb.likelihood_ode(PATH, GAUSS.score_fn(PATH), x, rtol=1e-7, atol=1e-7)
    pushed = densities.Gaussian(TURN @ (variance(1e-5) / variance(1.0)).diag() @ TURN.T)
    torch.testing.assert_close(logp, pushed.log_prob(x), rtol=0, atol=1e-4)
    assert (logp - GAUSS.log_prob(x))[0].abs() > 3e-4  # the prior's mismatch at t = 1 shows in the first point
    torch.testing.assert_close(z @ TURN, x @ TURN * (variance(1.0) / variance(1e-5)).sqrt(), rtol=0, atol=1e-4)
    assert isinstance(nfe, int) and nfe > 50


def test_the_gaussians_samples_are_stretched_along_its_axes(nb):
    z = noise(4, 2)
    x = nb.ode_sample(PATH, GAUSS.score_fn(PATH), z, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(x @ TURN, z @ TURN * (variance(1e-5) / variance(1.0)).sqrt(), rtol=0, atol=1e-4)


def test_noise_comes_back_from_the_round_trip(nb):
    score, z = RING.model(PATH, "score"), noise(5, 2)
    x = nb.ode_sample(PATH, score, z, t_min=1e-3, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(nb.likelihood_ode(PATH, score, x, 1e-3, 1e-8, 1e-8)[1], z, rtol=0, atol=1e-4)


# ---- divergences


def field(x, t):
    """Curved, of any rank, with a Jacobian that is neither diagonal nor symmetric."""
    flat = x.flatten(1)
    return (torch.sin(flat @ noise(flat.shape[1], flat.shape[1], seed=1) + t[:, None]) + flat**2).reshape(x.shape)


def test_the_mean_over_all_signs_is_the_exact_divergence_of_images(nb):
    x, t = noise(2, 1, 2, 3), torch.tensor([0.2, 0.7], dtype=torch.float64)
    exact = nb.exact_divergence(field, x, t)
    J = [torch.autograd.functional.jacobian(lambda one, t=t[i:i + 1]: field(one, t), x[i:i + 1]) for i in range(2)]
    torch.testing.assert_close(exact, torch.stack([j.reshape(6, 6).trace() for j in J]))
    signs = [torch.tensor(s, dtype=torch.float64).reshape(1, 1, 2, 3) for s in itertools.product((-1, 1), repeat=6)]
    estimates = torch.stack([nb.hutchinson_divergence(field, x, t, s.expand(2, -1, -1, -1)) for s in signs])
    torch.testing.assert_close(estimates.mean(0), exact)
    assert (estimates.std(0) > 0.1).all()


def test_one_rademacher_probe_is_exact_for_a_diagonal_jacobian(nb):
    x, t = noise(3, 2, 2), torch.zeros(3, dtype=torch.float64)
    assert torch.allclose(nb.hutchinson_divergence(lambda x, t: x**3, x, t, noise(3, 2, 2).sign()),
                          (3 * x**2).flatten(1).sum(1))


# ---- bits


@pytest.mark.parametrize("data_range, offset", [((-1, 1), 7), ((0, 1), 8)])
def test_an_even_density_costs_eight_bits(nb, data_range, offset):
    low, high = data_range
    even = torch.tensor([-784 * math.log(high - low)])  # the density of 784 numbers that are all evenly spread
    assert nb.bits_per_dim(even, 784, data_range).item() == pytest.approx(8)
    assert nb.bits_per_dim(torch.zeros(1), 784, data_range).item() == pytest.approx(offset)
    torch.testing.assert_close(nb.bits_per_dim(even, 784, data_range), likelihood.bits_per_dim(even, 784, data_range))


# ---- DDIM


@pytest.mark.parametrize("eta, plan", [(0.0, plans.plan_ddim), (1.0, plans.plan_ancestral)])
def test_both_ends_of_eta_are_ddim_and_ancestral_sampling(nb, eta, plan):
    times = torch.tensor([0.8, 0.3], dtype=torch.float64)
    x, noise_pred, z = noise(3, 2), noise(3, 2, seed=4), noise(3, 2, seed=5)
    left_t, left_s = (PATH.alpha(t).square().expand(3) for t in times)
    x_start = (x - (1 - left_t[:, None]).sqrt() * noise_pred) / left_t[:, None].sqrt()
    c_x, c_start, _, c_noise = plan(PATH, times).steps[0]
    expected = c_x * x + c_start * x_start + c_noise * z
    torch.testing.assert_close(nb.ddim_step_eta(x, noise_pred, left_t, left_s, eta, z), expected)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_every_eta_keeps_the_marginals_of_one_data_point(nb, eta):
    x_start, n = torch.tensor([1.5, -0.5], dtype=torch.float64), 40_000
    left_t, left_s = torch.full((n,), 0.2, dtype=torch.float64), torch.full((n,), 0.7, dtype=torch.float64)
    e = noise(n, 2)
    x_t = left_t[0].sqrt() * x_start + (1 - left_t[0]).sqrt() * e
    x_s = nb.ddim_step_eta(x_t, e, left_t, left_s, eta, noise(n, 2, seed=6))
    # five standard errors of the mean and of the variance
    torch.testing.assert_close(x_s.mean(0), left_s[0].sqrt() * x_start, rtol=0, atol=5 * (0.3 / n) ** 0.5)
    torch.testing.assert_close(x_s.var(0), torch.full((2,), 0.3, dtype=torch.float64), rtol=0,
                               atol=5 * 0.3 * (2 / n) ** 0.5)


# ---- Heun


def test_heuns_error_falls_with_the_square_of_the_step_and_is_the_librarys(nb):
    def drift(x, t):
        return torch.sin(3 * t)[:, None] - x**2

    start = noise(4, 2).abs() * 0.3
    def run(n):
        x, grid = start, torch.linspace(1, 0, n + 1, dtype=torch.float64)
        for t, s in zip(grid[:-1], grid[1:], strict=True):
            x = nb.heun_step(drift, x, t.expand(4), s.expand(4))
        return x

    grid = torch.linspace(1, 0, 9, dtype=torch.float64)
    torch.testing.assert_close(run(8), solvers.heun(drift, start, grid).x)
    truth = solvers.rk45(drift, start, 1.0, 0.0, 1e-10, 1e-10).x
    assert 3.5 < (run(40) - truth).norm() / (run(80) - truth).norm() < 4.5


# ---- what the notebook's figures stand on


def test_the_gaussians_score_is_the_gradient_of_its_log_density_at_any_time():
    x = noise(5, 2).requires_grad_()
    t = torch.tensor(0.3, dtype=torch.float64)
    alpha, sigma = PATH.alpha(t), PATH.sigma(t)
    noised = densities.Gaussian(alpha**2 * GAUSS.cov + sigma**2 * torch.eye(2, dtype=torch.float64))
    grad, = torch.autograd.grad(noised.log_prob(x).sum(), x)
    torch.testing.assert_close(GAUSS.score_fn(PATH)(x.detach(), t.expand(5)), grad)
    drawn = GAUSS.sample(20_000, torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(drawn.T.cov(), GAUSS.cov, rtol=0.05, atol=0.05)


def test_the_puzzles_three_slips_look_as_the_answer_says():
    clouds = puzzles.slipped_flows(RING, PATH, noise(400, 2).float())
    spread = {name: torch.cdist(x.double(), RING.means).amin(1).median().item() for name, x in clouds.items()}
    assert spread["B"] < 0.25 < 0.3 < spread["A"] < 1 < spread["C"]
    near = (torch.cdist(clouds["B"].double(), clouds["B"].double()) < 0.1).double().mean()
    assert near > 0.08  # eight knots, each with an eighth of the points
