"""Notebook 12 against known answers: finite sets, mixtures, straight ways, the general table, Meta's flow_matching."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from course_utils import densities, metrics, notebooks, puzzles
from course_utils.diffusion import paths, plans, samplers

STRAIGHT = paths.RectifiedFlow()
RING = densities.ring(modes=5, radius=2.0, std=0.2)
KINDS = ("x_start", "noise", "v", "velocity")


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("12"))


def noise(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def times(n):
    return torch.linspace(0.1, 0.9, n, dtype=torch.float64)


# ---- lines, and the mean of their velocities


def test_the_velocity_is_the_derivative_of_the_line(nb):
    x, z, t = noise(4, 2, 3), noise(4, 2, 3, seed=4), times(4)
    x_t, u = nb.interpolate(x, z, t)
    _, slope = torch.func.jvp(lambda t: nb.interpolate(x, z, t)[0], (t,), (torch.ones_like(t),))
    torch.testing.assert_close(slope, u)
    torch.testing.assert_close(x_t, STRAIGHT.add_noise(x, t, z))


def test_the_loss_of_the_best_answer_is_what_nobody_can_learn(nb):
    """The data's variance at t = 1, and nearly the noise's, which is 1, at t = 0."""
    generator = torch.Generator().manual_seed(0)
    x, z = RING.sample(20_000, generator), torch.randn(20_000, 2, generator=generator)
    exact = RING.model(STRAIGHT, "velocity")
    ends = [nb.loss(lambda x, t, y: exact(x, t), x, z, torch.full((20_000,), t)).item() for t in (1.0, 0.001)]
    assert ends == pytest.approx([2.0 + 0.2**2, 1.0], rel=0.03)


def test_the_velocity_of_a_finite_set_is_that_of_narrow_bumps(nb):
    points = noise(6, 2)
    narrow = densities.Mixture(points, std=1e-6)
    x_t, t = noise(8, 2, seed=5), times(8)
    torch.testing.assert_close(nb.marginal_velocity(x_t, t, points), narrow.model(STRAIGHT, "velocity")(x_t, t))


def test_the_velocity_of_a_finite_set_is_the_best_answer_for_its_pairs(nb):
    """Its gradient of the loss vanishes: over many pairs, its error is uncorrelated with any function of the place."""
    points, n = noise(4, 2), 200_000
    x = points[torch.randint(4, (n,), generator=torch.Generator().manual_seed(1))]
    x_t, u = nb.interpolate(x, noise(n, 2, seed=6), torch.full((n,), 0.6, dtype=torch.float64))
    error = nb.marginal_velocity(x_t, torch.full((n,), 0.6, dtype=torch.float64), points) - u
    for feature in (torch.ones_like(x_t), x_t, x_t.flip(1), x_t**2, torch.sin(3 * x_t)):
        assert (error * feature).mean(0).abs().max() < 4 * (error * feature).std() / math.sqrt(n)


def test_the_exact_velocity_memorises(nb):
    album = noise(20, 1, 4, 4)
    drawn = nb.euler_sample(lambda x, t: nb.marginal_velocity(x, t, album), noise(30, 1, 4, 4, seed=7), 40)
    apart, which = metrics.nearest(drawn.flatten(1), album.flatten(1))
    assert apart.max() < 1e-3 and len(which.unique()) > 5


# ---- the sampler


def test_one_member_is_reached_in_any_number_of_steps(nb):
    point, z = noise(1, 3), noise(5, 3, seed=4)
    for n in (1, 2, 7):
        drawn = nb.euler_sample(lambda x, t: nb.marginal_velocity(x, t, point), z, n)
        torch.testing.assert_close(drawn, point.expand(5, 3))


@pytest.mark.parametrize("n", [1, 4, 50])
def test_the_sampler_is_the_librarys(nb, n):
    model, z = RING.model(STRAIGHT, "velocity"), noise(6, 2)
    plan = plans.plan_euler(STRAIGHT, n)
    torch.testing.assert_close(nb.euler_sample(model, z, n),
                               samplers.sample(model, z, plan, prediction="velocity", clamp=None))


# ---- straightness and reflow


def test_a_straight_way_has_straightness_0_and_a_quarter_circle_the_integral(nb):
    x, z, share = noise(3, 2), noise(3, 2, seed=4), torch.linspace(0, 1, 9, dtype=torch.float64)[:, None, None]
    assert nb.straightness(z + share * (x - z)).item() == pytest.approx(0, abs=1e-24)
    angle = torch.linspace(0, math.pi / 2, 2001, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)[:, None]
    assert nb.straightness(circle).item() == pytest.approx((math.pi / 2) ** 2 - 2, rel=1e-5)


def test_reflow_straightens_and_keeps_its_pairs(nb):
    """For the ring's exact flow: pairs that belong together make one step as good as many."""
    model, z = RING.model(STRAIGHT, "velocity"), noise(500, 2)
    x, same = nb.reflow_pairs(model, z, 50)
    assert same is z or torch.equal(same, z)
    torch.testing.assert_close(x, nb.euler_sample(model, z, 50))
    joined = nb.straightness(torch.stack([nb.interpolate(x, z, torch.full((500,), t).double())[0]
                                          for t in torch.linspace(1, 0, 11).tolist()]))
    seen = []
    end = nb.euler_sample(lambda x, t: (seen.append(x), model(x, t))[1], z, 50)
    assert joined < 1e-12 < 0.5 < nb.straightness(torch.stack([*seen, end]))


def test_logits_of_the_times_are_normal(nb):
    torch.manual_seed(0)
    logits = torch.logit(nb.logit_normal_t(40_000, mean=0.5, std=2.0).double())
    assert logits.mean().item() == pytest.approx(0.5, abs=0.05) and logits.std().item() == pytest.approx(2, abs=0.05)


# ---- the general table


@pytest.mark.parametrize("path", [paths.VP(), paths.VE(), STRAIGHT], ids=lambda path: type(path).__name__)
@pytest.mark.parametrize("source, target", list(itertools.product(KINDS, repeat=2)))
def test_every_row_becomes_every_other_and_comes_back(nb, path, source, target):
    x, z, t = noise(7, 2, 3), noise(7, 2, 3, seed=4), times(7)
    a, b, x_t = path.alpha(t), path.sigma(t), path.add_noise(x, t, z)

    def row(kind):
        zero = torch.zeros_like(t)
        return {"x_start": (zero + 1, zero), "noise": (zero, zero + 1), "v": (-b, a),
                "velocity": (path.alpha_dot(t), path.sigma_dot(t))}[kind]

    def told(kind, pair):
        return sum(nb.column(c, x) * part for c, part in zip(row(kind), pair, strict=True))

    given = path.target(x, t, z, source)
    found = nb.recover(a, b, *row(source), x_t, given)
    torch.testing.assert_close(told(target, found), path.target(x, t, z, target), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(told(target, found), path.convert(given, x_t, t, source, target), rtol=1e-9, atol=1e-9)
    back = nb.recover(a, b, *row(target), x_t, told(target, found))
    torch.testing.assert_close(torch.stack(back), torch.stack([x, z]), rtol=1e-9, atol=1e-9)


# ---- a peer whose time runs from noise to data


def test_metas_flow_matching_agrees_when_time_is_turned_round(nb):
    peer = pytest.importorskip("flow_matching.path")
    x, z, t = noise(5, 2, 3), noise(5, 2, 3, seed=4), times(5)
    theirs = peer.CondOTProbPath().sample(t=1 - t, x_0=z, x_1=x)
    x_t, u = nb.interpolate(x, z, t)
    torch.testing.assert_close(x_t, theirs.x_t)
    torch.testing.assert_close(u, -theirs.dx_t)


def test_metas_conversions_agree_when_time_is_turned_round(nb):
    peer = pytest.importorskip("flow_matching.path").CondOTProbPath()
    y, x_t, t = noise(5, 2), noise(5, 2, seed=4), times(5)
    one = torch.ones_like(t)
    x, z = nb.recover(1 - t, t, -one, one, x_t, y)
    turned = (1 - t)[:, None]
    torch.testing.assert_close(x, peer.velocity_to_target(-y, x_t, turned))
    torch.testing.assert_close(z, peer.velocity_to_epsilon(-y, x_t, turned))
    torch.testing.assert_close(nb.recover(1 - t, t, 0 * one, one, x_t, y)[0], peer.epsilon_to_target(y, x_t, turned))


# ---- the puzzle


def test_the_puzzles_slips_are_what_the_answer_says():
    clouds = puzzles.slipped_lines(RING, noise(400, 2).float())
    radius = {name: cloud.norm(dim=1) for name, cloud in clouds.items()}
    bumps = torch.cdist(clouds["B"], RING.means.float()).min(1).values.square().mean().div(2).sqrt()
    assert radius["A"].median() < 1.8 < 1.9 < radius["B"].median() < 2.2
    assert 0.2 < bumps < 0.35  # wider than the data's 0.2
    assert radius["C"].quantile(0.25) < 0.3 and radius["C"].quantile(0.9) > 3
