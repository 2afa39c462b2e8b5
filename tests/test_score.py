"""Notebook 08 against known answers: the exact scores of Gaussian mixtures, two samples, the library's conversions."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from two_samples import LEVEL, p_value

from course_utils import densities, diagrams, notebooks, plot, puzzles
from course_utils.diffusion.paths import VE, VP, RectifiedFlow, SubVP

TWO = densities.Mixture(torch.tensor([[-1.0, -0.6], [1.2, 0.8]], dtype=torch.float64), 0.6,
                        weights=torch.tensor([0.3, 0.7], dtype=torch.float64))
KINDS = ("noise", "x_start", "v", "score")


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("08"))


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# ---- two samples


def test_the_two_sample_test_tells_apart_what_differs_and_nothing_else():
    same = [p_value(TWO.sample(300, seeded(i)), TWO.sample(300, seeded(100 + i))) for i in range(5)]
    assert min(same) > LEVEL
    shifted = TWO.sample(300, seeded(1)) + 0.3
    assert p_value(shifted, TWO.sample(300, seeded(2))) <= LEVEL


def walk(nb, density: densities.Mixture, steps: int, h: float, n: int = 400) -> Tensor:
    x, generator = 2 * torch.randn(n, 2, generator=seeded(7)), seeded(8)
    for _ in range(steps):
        x = nb.langevin_step(x, density.score(x), h, torch.randn(n, 2, generator=generator))
    return x


def test_langevin_reaches_the_mixture(nb):
    x = walk(nb, TWO, steps=1500, h=0.02)
    assert p_value(x, TWO.sample(400, seeded(9))) > LEVEL


@pytest.mark.parametrize("steps, h", [(20, 0.02), (1000, 0.55)])
def test_few_steps_and_large_ones_do_not(nb, steps, h):
    assert p_value(walk(nb, TWO, steps, h), TWO.sample(400, seeded(9))) <= LEVEL


def test_langevin_steps_have_the_variance_of_their_fixed_point(nb):
    """On N(0, s²) the step is linear: its variance settles at s²/(1 − h/2s²)."""
    s, h, var = 0.7, 0.1, 0.0
    for _ in range(400):
        pull = nb.langevin_step(torch.ones(1), torch.full((1,), -1 / s**2), h, torch.zeros(1)).item()
        kick = nb.langevin_step(torch.zeros(1), torch.zeros(1), h, torch.ones(1)).item()
        var = pull**2 * var + kick**2
    assert math.isclose(var, s**2 / (1 - h / (2 * s**2)), rel_tol=1e-5)


def test_annealed_steps_reach_far_hills_in_the_right_shares_which_plain_ones_do_not(nb):
    far = densities.Mixture(torch.tensor([[-3.0, 0.0], [3.0, 0.0]], dtype=torch.float64), 0.4,
                            weights=torch.tensor([0.25, 0.75], dtype=torch.float64))
    levels, generator = nb.sigmas(0.05, 8.0, 12), seeded(5)
    x = levels[-1] * torch.randn(400, 2, generator=generator)
    for sigma in levels.flip(0).tolist():
        h, here = nb.annealed_step_size(0.25, sigma, 1.0), far.noised(1.0, sigma)
        for _ in range(40):
            x = nb.langevin_step(x, here.score(x), h, torch.randn(x.shape, generator=generator))
    assert p_value(x, far.sample(400, seeded(9))) > LEVEL
    assert p_value(walk(nb, far, steps=500, h=0.02), far.sample(400, seeded(9))) <= LEVEL


# ---- the losses


def grid() -> tuple[Tensor, Tensor]:
    """Points (n, 2) of a fine grid and the mixture's probability of each cell."""
    line = torch.linspace(-5, 5, 121, dtype=torch.float64)
    x = torch.cartesian_prod(line, line)
    return x, TWO.log_prob(x).exp() * (line[1] - line[0]) ** 2


class Field(torch.nn.Module):
    """Some field in the plane, not a gradient."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([[0.7, -0.4], [0.9, 0.3]], dtype=torch.float64))

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        return torch.tanh(x @ self.w) - 0.3 * x


def test_score_matching_is_the_fisher_divergence_less_a_constant(nb):
    """Exactly, by integrals over the plane: the loss of each point by itself, weighted by the density."""
    x, p = grid()
    field, exact = Field(), TWO.score(x)
    fisher = 0.5 * (p * (field(x) - exact).square().sum(1)).sum()
    constant = 0.5 * (p * exact.square().sum(1)).sum()
    assert fisher > 0.1
    torch.testing.assert_close((p * pointwise(nb, field, x)).sum() + constant, fisher, rtol=1e-6, atol=1e-6)


def pointwise(nb, field: Field, x: Tensor) -> Tensor:
    """The loss of each point, from the one of the batch: with w·s for s it is a mean of w·tr + ½w²‖s‖²."""
    w = torch.ones(len(x), dtype=torch.float64, requires_grad=True)
    slope, = torch.autograd.grad(nb.score_matching_loss(lambda y: w[:, None] * field(y), x), w)  # tr + ‖s‖² at w = 1
    return slope * len(x) - 0.5 * field(x).square().sum(1)


def test_what_denoising_learns_is_the_score_of_the_noisy_mixture(nb):
    """The target's mean is the exact score, so any other field's loss is larger by its squared distance from it."""
    x, sigma, z = TWO.sample(200_000, seeded()).double(), torch.full((200_000,), 0.5).double(), noise(200_000, 2)
    exact = TWO.noised(1.0, 0.5).score
    extra = nb.dsm_loss(Field(), x, sigma, z) - nb.dsm_loss(lambda y, _: exact(y), x, sigma, z)
    noisy = x + 0.5 * z
    torch.testing.assert_close(extra, (Field()(noisy) - exact(noisy)).square().mean(), rtol=0.03, atol=0.0)


def test_ncsn_weighs_every_level_alike_and_is_the_loss_of_predicted_noise(nb):
    sigmas, level = nb.sigmas(0.1, 10.0, 5).double(), torch.tensor([0, 4, 2, 2, 1, 3])
    x, z = noise(6, 3, 4), noise(6, 3, 4, seed=4)

    def score_fn(y, sigma):
        return torch.tanh(y) / sigma[:, None, None]

    loss = nb.ncsn_loss(score_fn, x, level, sigmas, z)
    predicted = -torch.tanh(x + sigmas[level][:, None, None] * z)
    torch.testing.assert_close(loss, (predicted - z).square().mean())
    apart = [sigmas[k] ** 2 * nb.dsm_loss(score_fn, x[i, None], sigmas[k, None], z[i, None])
             for i, k in enumerate(level)]
    torch.testing.assert_close(loss, torch.stack(apart).mean())


# ---- levels and step sizes


def test_levels_are_those_of_the_variance_exploding_path(nb):
    path = VE(0.01, 50.0, N=1000)
    torch.testing.assert_close(nb.sigmas(0.01, 50.0, 1000).double(), path.sigma(torch.linspace(0, 1, 1000).double()),
                               rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 30.0])
def test_an_annealed_step_has_the_asked_ratio_of_signal_to_noise(nb, sigma):
    h = nb.annealed_step_size(0.16, sigma, 1.0)
    z = noise(1000)
    pull = nb.langevin_step(0 * z, z / sigma, h, 0 * z).norm()
    kick = nb.langevin_step(0 * z, 0 * z, h, z).norm()
    assert math.isclose(pull / kick, 0.16, rel_tol=1e-6)


# ---- the four kinds


PATHS = pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.05, 5.0), RectifiedFlow()],
                                ids=lambda path: type(path).__name__)


def noised(path) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    """By kind what a perfect network would say, the noised data, α and σ, in float64."""
    x_start, z, t = noise(6, 3, 4), noise(6, 3, 4, seed=4), torch.linspace(0.1, 0.9, 6).double()
    exact = {kind: path.target(x_start, t, z, kind) for kind in KINDS}
    return exact, path.add_noise(x_start, t, z), path.alpha(t), path.sigma(t)


@PATHS
@pytest.mark.parametrize("source, target", list(itertools.product(KINDS, KINDS)))
def test_every_conversion_is_exact_and_leads_back_in_float64(nb, path, source, target):
    exact, x_t, alpha, sigma = noised(path)
    told = nb.convert_prediction(exact[source], x_t, alpha, sigma, source, target)
    torch.testing.assert_close(told, exact[target], rtol=1e-9, atol=1e-9)
    back = nb.convert_prediction(told, x_t, alpha, sigma, target, source)
    torch.testing.assert_close(back, exact[source], rtol=1e-9, atol=1e-9)


@PATHS
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_noised_mixture(nb, path, kind):
    """From the best prediction of a kind, which is not the pair that was drawn but its mean."""
    x, t = noise(5, 2), torch.full((5,), 0.3, dtype=torch.float64)
    alpha, sigma = path.alpha(t), path.sigma(t)
    told = nb.to_score(TWO.model(path, kind)(x, t), x, alpha, sigma, kind)
    torch.testing.assert_close(told, TWO.noised(alpha[0].item(), sigma[0].item()).score(x), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(nb.convert_prediction(told, x, alpha, sigma, "score", kind), TWO.model(path, kind)(x, t))


# ---- the long walk, figures and the puzzle


class Mixed(torch.nn.Module):
    """The exact v of TWO in a network's place."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return TWO.model(VP(), "v")(x, t)


def test_the_recipes_long_walk_reaches_the_mixture():
    from course_utils.recipes.continuous import MnistVP, annealed_langevin

    x = 2 * annealed_langevin(MnistVP(), Mixed(), (400, 2), steps=60, snr=0.2) - 1
    cleaned = TWO.sample(400, seeded(9))  # the last step takes away noise of 0.1, a sixth of a hill's width
    assert p_value(x, cleaned) > LEVEL


def test_the_puzzles_walks_end_too_wide_too_narrow_and_around_the_bumps():
    ring = densities.ring()

    def width(x: Tensor) -> float:
        return torch.cdist(x.double(), ring.means).amin(1).median().item()

    right = width(ring.sample(300, seeded(1)))
    widths = {name: width(x) for name, x in puzzles.slipped_walks(300).items()}
    assert widths["B"] < right / 4 and 1.5 * right < widths["C"] < widths["A"] / 2


def test_fields_and_clouds_draw_what_they_are_given():
    fig = diagrams.score_fields({"a": TWO.score, "b": TWO.score}, {"a": TWO.log_prob, "b": TWO.log_prob},
                                points={"b": TWO.sample(20, seeded())})
    assert [axes.get_title() for axes in fig.axes] == ["a", "b"]
    assert [len(axes.lines) for axes in fig.axes] == [0, 1]
    clouds = diagrams.clouds_over({"x": TWO.sample(20, seeded())}, TWO.log_prob)
    for drawn in (fig, clouds, diagrams.timeline(), diagrams.quarter_circle(0.6), diagrams.rungs({"x": torch.ones(3)})):
        assert plot.logical_size(drawn)[0] <= plot.WIDEST
