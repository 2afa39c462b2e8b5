"""Samplers against densities whose every noised marginal is known: grids, densities, orders."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from diffusion.exact import CONTINUOUS, GRIDS, PAIR, PATHS, Exact, carried, distance, noise

from course_utils.data import Mixture, ring
from course_utils.diffusion import samplers
from course_utils.diffusion.paths import DiscreteVP, cosine_betas, linear_betas
from course_utils.diffusion.plans import (
    plan_ancestral,
    plan_ddim,
    plan_dpmpp_2m,
    plan_euler,
    plan_euler_maruyama,
    plan_reverse_diffusion,
    times_log_snr,
    times_quadratic,
    times_uniform,
)
from course_utils.diffusion.running import Run

# --- grids


@pytest.mark.parametrize("name, grid, n", list(itertools.product(PATHS, GRIDS, [1, 2, 7, 60])))
def test_grids_fall_from_noise_to_data(name, grid, n):
    path = PATHS[name]
    times = grid(path, n)
    assert len(times) == n + 1 and (times.diff() < 0).all()
    assert times[0] == path.T and times[-1] == path.clean
    assert times.is_floating_point() == (name != "chain")
    if n > 1:
        end = 5 if name == "chain" else 0.01
        inner = grid(path, n, end)
        assert len(inner) == n + 1 and inner[0] == path.T and inner[-1] == end and (inner.diff() < 0).all()


def test_grids_are_spaced_as_they_say():
    path = PATHS["vp"]
    assert torch.allclose(times_uniform(path, 4), torch.tensor([1, 0.75, 0.5, 0.25, 0]).double())
    assert torch.allclose(times_quadratic(path, 4).sqrt(), torch.tensor([1, 0.75, 0.5, 0.25, 0]).double())
    steps = path.log_snr(times_log_snr(path, 6, 0.01)).diff()
    assert torch.allclose(steps, steps[0])
    assert times_uniform(PATHS["rectified"], 50)[:-1].tolist() == pytest.approx([1 - i / 50 for i in range(50)])


def test_a_chain_gives_each_index_once():
    path = DiscreteVP(linear_betas(20))
    for grid in GRIDS:
        assert grid(path, 20).tolist() == list(range(19, -2, -1))
    assert times_uniform(path, 1).tolist() == [19, -1]
    with pytest.raises(ValueError, match="more than the chain has: 20"):
        times_uniform(path, 21)


# --- densities

DETERMINISTIC = {"ddim": lambda m, x, p: samplers.sample_ddim(m, x, p, 200, prediction=m.kind, clamp=None),
                 "dpmpp_2m": lambda m, x, p: samplers.sample_dpmpp_2m(m, x, p, 60, prediction=m.kind, clamp=None),
                 "euler": lambda m, x, p: samplers.sample_euler(m, x, p, times_log_snr(p, 200), prediction=m.kind,
                                                                clamp=None),
                 "heun": lambda m, x, p: samplers.sample_heun(m, x, p, times_log_snr(p, 60), prediction=m.kind,
                                                              clamp=None)}


@pytest.mark.parametrize("name, sampler", list(itertools.product(PATHS, DETERMINISTIC)))
def test_deterministic_samplers_reach_the_density(name, sampler):
    path = PATHS[name]
    model = Exact(path, kind="velocity" if name == "rectified" else "noise")
    assert distance(DETERMINISTIC[sampler](model, noise(path), path)) < 2.2


@pytest.mark.parametrize("name, plan", list(itertools.product(
    PATHS, [plan_ancestral, plan_reverse_diffusion, plan_euler_maruyama, lambda p, t: plan_ddim(p, t, eta=0.7),
            lambda p, t: plan_ancestral(p, t, "beta")])))
def test_stochastic_plans_reach_the_density(name, plan):
    path = PATHS[name]
    times = times_uniform(path, 400)
    times[0] -= 0.002 if name == "rectified" else 0  # f and g are infinite at 1
    x = samplers.sample(Exact(path), noise(path), plan(path, times), prediction="x_start", clamp=None,
                        generator=torch.Generator().manual_seed(1))
    assert distance(x) < 2.5


@pytest.mark.parametrize("predictor, corrector, name", [
    ("reverse_diffusion", "langevin", "ve"), ("euler_maruyama", "annealed", "vp"), ("ancestral", "langevin", "sub_vp"),
    ("ancestral", "annealed", "chain"), ("reverse_diffusion", None, "rectified")])
def test_predictors_and_correctors_reach_the_density(predictor, corrector, name):
    path = PATHS[name]
    options = dict(predictor=predictor, corrector=corrector, clamp=None, snr=0.05)
    kind = "velocity" if name == "rectified" else "score"
    x = samplers.sample_pc(Exact(path, kind=kind), noise(path), path, 300, prediction=kind,
                           generator=torch.Generator().manual_seed(2), **options)
    assert distance(x) < 2.5


def test_correctors_alone_hold_the_marginal():
    """From samples of p_t, and from wrong ones, Langevin's steps lead to p_t."""
    path, t = PATHS["vp"], torch.tensor([0.3, 0.299], dtype=torch.float64)
    noised = PAIR.noised(path.alpha(t[0]).item(), path.sigma(t[0]).item())
    wrong = 0.5 * noise(path)
    run = Run(Exact(path, kind="score"), wrong, plan_ddim(path, t), "score", None)
    for kind in ("langevin", "annealed"):
        correct = samplers._corrector(run, path, t, "score", kind, 0.1, torch.Generator().manual_seed(0))
        x = wrong
        for _ in range(300):
            x = correct(0, x)
        assert distance(wrong, noised) > 8 and distance(x, noised) < 2.5


@pytest.mark.parametrize("name", PATHS)
def test_the_adaptive_ode_keeps_quantiles(name):
    path = PATHS[name]
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None] * path.prior_std
    end = 20 if name == "chain" else 0.02
    kind = "velocity" if name == "rectified" else "noise"
    got = samplers.sample_ode(Exact(path, kind=kind), x, path, end=end, rtol=1e-6, atol=1e-6, prediction=kind)
    torch.testing.assert_close(got[:, 0], carried(path, x[:, 0], path.T, end), rtol=0, atol=2e-4)
    if name == "vp":
        denoised = samplers.sample_ode(Exact(path, kind=kind), x, path, prediction=kind, denoise=True)
        assert (denoised - samplers.sample_ode(Exact(path, kind=kind), x, path, prediction=kind)).abs().max() < 0.05


def test_every_mode_of_the_plane_is_found():
    path, density = PATHS["vp"], ring()
    z = noise(path, 2000, d=2)
    x = samplers.sample_dpmpp_2m(Exact(path, density), z, path, 30, prediction="x_start", clamp=None)
    nearest = torch.cdist(x, density.means).min(1)
    assert nearest.values.max() < 6 * density.std
    counts = nearest.indices.bincount(minlength=8)
    assert (counts - 250).abs().max() < 4 * math.sqrt(250 * 7 / 8)


# --- orders

END = 0.1
ORDERS = {
    "euler": (1, lambda m, x, p, t: samplers.sample(m, x, plan_euler(p, t), prediction="x_start", clamp=None)),
    "ddim": (1, lambda m, x, p, t: samplers.sample(m, x, plan_ddim(p, t), prediction="x_start", clamp=None)),
    "dpmpp_2m": (2, lambda m, x, p, t: samplers.sample(m, x, plan_dpmpp_2m(p, t), prediction="x_start", clamp=None)),
    "heun": (2, lambda m, x, p, t: samplers.sample_heun(m, x, p, t, prediction="x_start", clamp=None)),
}


@pytest.mark.parametrize("sampler, drops", [("euler", 1.7), ("ddim", 1.7), ("heun", 3.2), ("dpmpp_2m", 3.2)])
def test_the_orders_of_convergence_on_a_chain(sampler, drops):
    """Of the times between T and 50 every second, every fourth …: its grids are coarse, so the orders are rougher."""
    path, (_, run) = DiscreteVP(linear_betas(450)), ORDERS[sampler]
    x = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64)[:, None]
    exact = carried(path, x[:, 0], path.T, 49)
    error = [(run(Exact(path), x, path, torch.arange(449, 48, -gap))[:, 0] - exact).square().mean().sqrt().item()
             for gap in (20, 10, 5)]
    assert error[0] / error[1] > drops and error[1] / error[2] > drops


@pytest.mark.parametrize("name, sampler", list(itertools.product(CONTINUOUS, ORDERS)))
def test_the_orders_of_convergence(name, sampler):
    path, (order, run) = PATHS[name], ORDERS[sampler]
    x = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64)[:, None] * path.prior_std
    grid = times_log_snr if sampler == "dpmpp_2m" and name != "rectified" else times_uniform
    exact = carried(path, x[:, 0], path.T, END)
    error = [(run(Exact(path), x, path, grid(path, n, END))[:, 0] - exact).square().mean().sqrt().item()
             for n in (200, 400)]
    assert math.log2(error[0] / error[1]) == pytest.approx(order, abs=0.25)
    assert error[1] < 0.05 ** order


def test_on_ve_steps_straight_in_time_end_far_off():
    """What the docstrings of Euler and Heun say, with 50 evaluations each."""
    path = PATHS["ve"]
    x = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64)[:, None] * path.prior_std
    exact, off = carried(path, x[:, 0], 1.0, 0.0), {}
    for name, n in (("euler", 50), ("ddim", 50), ("heun", 25), ("dpmpp_2m", 50)):
        got = ORDERS[name][1](Exact(path), x, path, times_uniform(path, n, 0.0))[:, 0]
        off[name] = (got - exact).square().mean().sqrt().item()
    assert off["euler"] > 5 * off["ddim"] and off["heun"] > 5 * off["dpmpp_2m"]


def test_ancestral_steps_of_the_posterior_are_too_narrow_when_coarse():
    """The variance β̃ is right for a single point of data (Ho et al. 2020, section 3.2)."""
    one = Mixture(torch.tensor([[0.3]], dtype=torch.float64), 0.2)
    spread = {}
    for T in (25, 100, 600):
        path, generator = DiscreteVP(cosine_betas(T)), torch.Generator().manual_seed(0)
        x = torch.randn(10_000, 1, generator=generator)
        x = samplers.sample_ancestral(Exact(path, one, "noise"), x, path, generator=generator)
        assert x.mean().item() == pytest.approx(0.3, abs=0.01)
        spread[T] = x.std().item()
    assert spread[25] < spread[100] < spread[600] == pytest.approx(0.2, abs=0.006)
