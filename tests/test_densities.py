"""The plane's densities against a grid, autograd and their own samples."""

from __future__ import annotations

import math

import pytest
import torch

from course_utils import data
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, cosine_betas

NAMES = ["moons", "swiss_roll", "ring", "checkerboard"]


def grid(n: int = 350, limit: float = 3.5) -> tuple[torch.Tensor, float]:
    """Cell centres (n, n, 2) over [-limit, limit]² in float64, and a cell's area."""
    side = (torch.arange(n, dtype=torch.float64) + 0.5) * (2 * limit / n) - limit
    return torch.stack(torch.meshgrid(side, side, indexing="ij"), -1), (2 * limit / n) ** 2


@pytest.mark.parametrize("name", NAMES)
def test_log_prob_integrates_to_one(name):
    x, area = grid()  # 350 cells over 7 units: the board's edges lie between cells
    log_prob = getattr(data, name)().log_prob(x)
    assert log_prob.shape == x.shape[:-1]
    assert log_prob.dtype == x.dtype
    assert log_prob.exp().sum().item() * area == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["moons", "swiss_roll", "ring"])
def test_score_is_the_gradient_of_log_prob(name):
    density = getattr(data, name)()
    x = (torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 6 - 3).requires_grad_()
    (gradient,) = torch.autograd.grad(density.log_prob(x).sum(), x)
    torch.testing.assert_close(density.score(x.detach()), gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_samples_follow_the_density(name):
    density, n = getattr(data, name)(), 200_000
    samples = density.sample(n, torch.Generator().manual_seed(5))
    assert samples.dtype == torch.float32
    x, area = grid()
    cells = density.log_prob(x).exp().reshape(35, 10, 35, 10).sum((1, 3)) * area  # probability of each 0.2-wide cell
    counts, _ = torch.histogramdd(samples.double(), [35, 35], range=[-3.5, 3.5, -3.5, 3.5])
    chi = ((counts - n * cells) / (n * cells).clamp_min(1).sqrt())[cells > 20 / n]
    assert chi.square().mean().item() == pytest.approx(1, abs=3 * (2 / len(chi)) ** 0.5)  # Poisson counts
    assert counts[cells < 1e-9].sum() <= 2


def test_samples_come_from_the_generator_alone():
    for name in NAMES:
        density = getattr(data, name)()
        torch.manual_seed(0)
        a = density.sample(50, torch.Generator().manual_seed(3))
        torch.manual_seed(1)
        assert torch.equal(a, density.sample(50, torch.Generator().manual_seed(3)))


def test_checkerboard_is_flat_inside_and_nothing_outside():
    board = data.checkerboard()
    inside, outside = torch.tensor([[-1.5, -1.5], [0.5, 0.5]]), torch.tensor([[-0.5, -1.5], [2.5, 0.5], [-2.5, -1.5]])
    assert torch.allclose(board.log_prob(inside), torch.tensor(-math.log(8.0)))
    assert board.log_prob(outside).eq(-math.inf).all()
    assert board.score(inside).eq(0).all()
    assert board.score(outside).isnan().all()
    assert board.score(outside).shape == (3, 2)


def test_ring_is_the_mixture_that_it_says():
    density = data.ring(modes=4, radius=2.0, std=0.5)
    x = torch.tensor([0.3, -0.7], dtype=torch.float64)
    centres = torch.tensor([[2.0, 0], [0, 2], [-2, 0], [0, -2]], dtype=torch.float64)
    want = torch.exp(-((x - centres) ** 2).sum(-1) / (2 * 0.25)).mean() / (2 * math.pi * 0.25)
    assert density.log_prob(x).exp().item() == pytest.approx(want.item(), rel=1e-12)


def test_weights_count():
    means = torch.tensor([[-2.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    density = data.Mixture(means, 0.3, torch.tensor([0.9, 0.1], dtype=torch.float64))
    left = density.sample(10_000, torch.Generator().manual_seed(0))[:, 0] < 0
    assert left.float().mean().item() == pytest.approx(0.9, abs=0.02)
    assert (density.log_prob(means[0]) - density.log_prob(means[1])).item() == pytest.approx(math.log(9), abs=1e-9)


def test_noised_is_the_density_of_the_noised_samples():
    density, alpha, sigma = data.moons(), 0.6, 0.8
    generator = torch.Generator().manual_seed(4)
    samples = alpha * density.sample(100_000, generator) + sigma * torch.randn(100_000, 2, generator=generator)
    noised = density.noised(alpha, sigma)
    other = noised.sample(100_000, generator)
    torch.testing.assert_close(samples.T.cov(), other.T.cov(), rtol=0.03, atol=0.02)
    # the mean of −log p over samples is the same for both, to their standard error
    torch.testing.assert_close(noised.log_prob(samples).mean(), noised.log_prob(other).mean(), rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", ["noise", "x_start", "v", "velocity", "score"])
def test_a_mixtures_model_is_the_best_prediction(kind):
    """Its score is that of the noised density, for every sample at its own time; the other kinds say the same."""
    density, t = data.Mixture(torch.tensor([[-1.0, 0.5], [1.0, 0.0]]).double(), 0.3), torch.tensor([0.05, 0.4, 0.9])
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    for path in (VP(), VE(0.01, 5), RectifiedFlow(), DiscreteVP(cosine_betas(10))):
        times = (t * path.T).ceil().long() if isinstance(path, DiscreteVP) else t
        alpha, sigma = path.alpha(times).tolist(), path.sigma(times).tolist()
        score = torch.cat([density.noised(a, s).score(row[None].double())
                           for a, s, row in zip(alpha, sigma, x, strict=True)])
        want = path.convert(score, x.double(), times, "score", kind)
        torch.testing.assert_close(density.model(path, kind)(x, times), want.float(), rtol=1e-4, atol=1e-5)
    last = density.model(RectifiedFlow(), "velocity")(x, torch.ones(3))  # where noise says nothing of x_start
    torch.testing.assert_close(last, x - density.means.mean(0).float())


def test_a_mixture_on_the_line_is_of_columns():
    with pytest.raises(ValueError, match=r"\(k, d\)"):
        data.Mixture(torch.tensor([-1.0, 1.0]), 0.2)
