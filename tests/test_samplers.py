"""Samplers against densities whose every noised marginal is known, the papers' own loops, and diffusers."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy
import pytest
import torch
from conftest import require

from course_utils import samplers
from course_utils.data import Mixture, ring
from course_utils.paths import VE, VP, DiscreteVP, RectifiedFlow, SubVP, cosine_betas, linear_betas
from course_utils.plans import (
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

PATHS = {"vp": VP(), "sub_vp": SubVP(), "ve": VE(0.01, 10), "rectified": RectifiedFlow(),
         "chain": DiscreteVP(cosine_betas(400))}
CONTINUOUS = [name for name in PATHS if name != "chain"]
GRIDS = [times_uniform, times_quadratic, times_log_snr]
PAIR = Mixture(torch.tensor([[-1.5], [0.5]], dtype=torch.float64), 0.3, torch.tensor([0.3, 0.7], dtype=torch.float64))


class Exact:
    """The best prediction of any kind for a mixture's data: E[x_start | x_t] is known in closed form."""

    def __init__(self, path, density=PAIR, kind="x_start"):
        self.path, self.density, self.kind, self.calls = path, density, kind, 0

    def __call__(self, x, t, model_kwargs=None):
        self.calls += 1
        return self.density.model(self.path, self.kind)(x, t)


def cdf(density, x):
    """Of a mixture on the line: (n,) to (n,)."""
    z = (x[:, None] - density.means[:, 0]) / (density.std * math.sqrt(2))
    return 0.5 * (1 + torch.erf(z)) @ density.weights


def carried(path, x, start, end):
    """Where the ODE carries points of the line from start to end: it is monotone, so it keeps quantiles."""
    ends = [PAIR.noised(*(c(torch.tensor(t, dtype=torch.float64)).item() for c in (path.alpha, path.sigma)))
            for t in (start, end)]
    low, high = torch.full_like(x, -60.0), torch.full_like(x, 60.0)
    for _ in range(80):
        middle = (low + high) / 2
        below = cdf(ends[1], middle) < cdf(ends[0], x)
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return low


def distance(samples, density=PAIR):
    """Kolmogorov's √n·sup|F_n − F|: above 1.95 once in a thousand for true samples."""
    n = len(samples)
    below = cdf(density, samples.flatten().double().sort().values)
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    return math.sqrt(n) * torch.maximum((below - steps[:-1]).abs().max(), (below - steps[1:]).abs().max()).item()


def noise(path, n=3000, seed=0, d=1):
    return path.prior_sampling((n, d), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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
    run = samplers._Run(Exact(path, kind="score"), wrong, plan_ddim(path, t), "score", None)
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


# --- equations

def test_the_ancestral_table_is_the_papers():
    betas = linear_betas(50)
    bar = torch.cumprod(1 - betas, 0)
    previous = torch.cat([torch.ones(1).double(), bar[:-1]])
    c_x = (1 - betas).sqrt() * (1 - previous) / (1 - bar)
    c_start = previous.sqrt() * betas / (1 - bar)
    posterior = (betas * (1 - previous) / (1 - bar)).sqrt()
    table = plan_ancestral(DiscreteVP(betas)).table
    zero = torch.zeros_like(c_x)
    torch.testing.assert_close(table, torch.stack([c_x, c_start, zero, posterior], 1).flip(0), rtol=1e-9, atol=1e-12)
    large = plan_ancestral(DiscreteVP(betas), variance="beta").table[:, 3]
    torch.testing.assert_close(large[:-1], betas[1:].sqrt().flip(0))
    assert large[-1] == 0  # clean data gets none
    torch.testing.assert_close(plan_ddim(DiscreteVP(betas), 50, eta=1.0).table, table, rtol=1e-6, atol=1e-9)


def test_predictor_tables_are_the_papers():
    """Of x and the score: eqs. 4 and 47 in their means, and the reverse SDE's Euler step, of Song et al. 2021b."""
    ve, t = PATHS["ve"], torch.tensor([0.6, 0.5], dtype=torch.float64)
    (s_t, s_s), x, score = ve.sigma(t), 1.7, -0.4
    x_start = x + s_t**2 * score
    c_x, c_start, _, c_noise = plan_ancestral(ve, t).table[0]
    assert (c_x * x + c_start * x_start).item() == pytest.approx((x + (s_t**2 - s_s**2) * score).item())
    assert c_noise.item() == pytest.approx((s_s * (s_t**2 - s_s**2).sqrt() / s_t).item())
    vp = PATHS["vp"]
    (a_t, a_s), sigma, dt = vp.alpha(t), vp.sigma(t)[0], 0.1
    x_start = (x + sigma**2 * score) / a_t
    beta, rate = 1 - (a_t / a_s) ** 2, 0.1 + 19.9 * 0.6
    for plan, want in [(plan_ancestral, (x + beta * score) / (1 - beta).sqrt()),
                       (plan_reverse_diffusion, (2 - (1 - beta).sqrt()) * x + beta * score),
                       (plan_euler_maruyama, x + (0.5 * rate * x + rate * score) * dt),
                       (plan_euler, x + 0.5 * rate * (x + score) * dt)]:
        c_x, c_start, *_ = plan(vp, t).table[0]
        assert (c_x * x + c_start * x_start).item() == pytest.approx(float(want))


def test_correctors_take_the_papers_steps():
    """x + η·s + √(2η)·z with η = 2α(snr·‖z‖/‖s‖)², α the chain's own 1 − β (Song et al. 2021b, algorithms 4 and 5)."""
    path, t = PATHS["chain"], torch.tensor([200, 199])
    x, score_fn = noise(path, 5, d=3), lambda x, t: torch.sin(3 * x) - x
    z = torch.randn(x.shape, generator=torch.Generator().manual_seed(4), dtype=x.dtype)
    score, alpha = score_fn(x, t), 1 - path.betas[200]
    ratio = z.norm(dim=1).mean() / score.norm(dim=1).mean()
    for kind, size in [("langevin", ratio), ("annealed", path.sigma(t[0]))]:
        eta = 2 * alpha * (0.16 * size) ** 2
        run = samplers._Run(score_fn, x, plan_ddim(path, t), "score", None)
        got = samplers._corrector(run, path, t, "score", kind, 0.16, torch.Generator().manual_seed(4))(0, x)
        torch.testing.assert_close(got, x + eta * score + (2 * eta).sqrt() * z)


def textbook_ddim(predict, x, alpha_bars, eta, draws, clamp):
    """Song et al. 2021a, eqs. 12 and 16, as they are printed."""
    for (bar, bar_s), z in zip(itertools.pairwise(alpha_bars), draws, strict=True):
        eps = predict(x, bar)
        x_start = (x - math.sqrt(1 - bar) * eps) / math.sqrt(bar)
        if clamp:
            x_start = x_start.clamp(-clamp, clamp)
            eps = (x - math.sqrt(bar) * x_start) / math.sqrt(1 - bar)
        std = eta * math.sqrt((1 - bar_s) / (1 - bar)) * math.sqrt(1 - bar / bar_s)
        x = math.sqrt(bar_s) * x_start + math.sqrt(1 - bar_s - std**2) * eps + std * z
    return x


@pytest.mark.parametrize("eta, clamp", [(0.0, None), (0.5, None), (1.0, 0.8), (0.0, 0.8)])
def test_ddim_is_the_papers_loop(eta, clamp):
    path = DiscreteVP(cosine_betas(100))
    times = torch.tensor([99, 70, 41, 12, 0, -1])
    predict = lambda x, bar: torch.sin(3 * x + bar)  # noqa: E731
    model = lambda x, t: predict(x, path.alphas_cumprod[t[0]].item())  # noqa: E731
    x = noise(path, 6, d=3)
    generator = torch.Generator().manual_seed(5)
    draws = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(4)] + [0 * x]
    bars = [path.alphas_cumprod[t].item() for t in times[:-1]] + [1.0]
    want = textbook_ddim(predict, x, bars, eta, draws, clamp)
    got = samplers.sample_ddim(model, x, path, times, eta=eta, clamp=clamp,
                               generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


def textbook_dpmpp_2m(predict, x, alphas, sigmas):
    """Lu et al. 2022b, algorithm 2, with a first-order step to clean data."""
    q = h_previous = None
    for i in range(1, len(alphas)):
        start = predict(x, alphas[i - 1], sigmas[i - 1])
        if sigmas[i] == 0:
            return start
        h = math.log(alphas[i] / sigmas[i]) - math.log(alphas[i - 1] / sigmas[i - 1])
        if q is None:
            d = start
        else:
            r = h_previous / h
            d = (1 + 1 / (2 * r)) * start - 1 / (2 * r) * q
        x = sigmas[i] / sigmas[i - 1] * x - alphas[i] * math.expm1(-h) * d
        q, h_previous = start, h
    return x


@pytest.mark.parametrize("name", ["vp", "sub_vp", "ve", "chain"])
@pytest.mark.parametrize("end", [None, 3])
def test_dpmpp_2m_is_the_papers_loop(name, end):
    path = PATHS[name]
    times = times_log_snr(path, 7, end if end is None or name == "chain" else 0.01 * end)
    predict = lambda x, alpha, sigma: torch.tanh(x / sigma + alpha)  # noqa: E731
    model = lambda x, t: predict(x, path.alpha(t)[0].item(), path.sigma(t)[0].item())  # noqa: E731
    x = noise(path, 6, d=3)
    want = textbook_dpmpp_2m(predict, x, path.alpha(times).tolist(), path.sigma(times).tolist())
    got = samplers.sample_dpmpp_2m(model, x, path, times, prediction="x_start", clamp=None)
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


def test_euler_on_the_rectified_path_is_the_plain_loop():
    path, x = PATHS["rectified"], noise(PATHS["rectified"], 4, d=2)
    field = lambda x, t: torch.sin(2 * x) + t[:, None]  # noqa: E731
    want = x
    for i in range(50):
        t = torch.full((4,), 1 - i / 50, dtype=torch.float64)
        want = want - field(want, t) / 50
    got = samplers.sample_euler(field, x, path, 50, prediction="velocity", clamp=None)
    torch.testing.assert_close(got, want)


def test_heun_is_the_trapezoid():
    path, x = PATHS["rectified"], noise(PATHS["rectified"], 4, d=2)
    field = lambda x, t: torch.sin(2 * x) + t[:, None]  # noqa: E731
    times, want = [1.0, 0.7, 0.4], x
    for t, s in itertools.pairwise(times):
        first = field(want, torch.full((4,), t).double())
        second = field(want + (s - t) * first, torch.full((4,), s).double())
        want = want + (s - t) * (first + second) / 2
    got = samplers.sample_heun(field, x, path, torch.tensor(times).double(), prediction="velocity", clamp=None)
    torch.testing.assert_close(got, want)
    model = Exact(path)
    samplers.sample_heun(model, x[:, :1], path, times_uniform(path, 5), prediction="x_start", clamp=None)
    assert model.calls == 9  # the step to clean data takes one


# --- diffusers

def run_scheduler(scheduler, steps, model, x, **options):
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, t.expand(len(x))), t, x, **options).prev_sample
    return x, torch.cat([scheduler.timesteps.long(), torch.tensor([-1])])


def wavy(x, t):
    return torch.sin(2 * x + 0.01 * t.reshape(-1, *[1] * (x.dim() - 1)))


BETAS = {"beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear", "num_train_timesteps": 1000}


@pytest.mark.parametrize("steps, clip", [(50, False), (50, True), (20, True)])
def test_ddim_agrees_with_diffusers(steps, clip):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scheduler = DDIMScheduler(**BETAS, clip_sample=clip)
    theirs, times = run_scheduler(scheduler, steps, wavy, x, use_clipped_model_output=True)
    ours = samplers.sample_ddim(wavy, x, path, times, clamp=1.0 if clip else None)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["epsilon", "sample", "v_prediction"])
def test_dpmpp_2m_agrees_with_diffusers(kind):
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scheduler = DPMSolverMultistepScheduler(**BETAS, solver_order=2, algorithm_type="dpmsolver++",
                                            prediction_type=kind, final_sigmas_type="zero")
    theirs, times = run_scheduler(scheduler, 20, wavy, x)
    ours = samplers.sample_dpmpp_2m(wavy, x, path, times, clamp=None, prediction={
        "epsilon": "noise", "sample": "x_start", "v_prediction": "v"}[kind])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.abs().max().item())


@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large"])
def test_ancestral_sampling_agrees_with_diffusers(variance):
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    theirs, times = run_scheduler(DDPMScheduler(**BETAS, variance_type=variance), 50, wavy, x,
                                  generator=torch.Generator().manual_seed(3))
    plan = plan_ancestral(path, times, "posterior" if variance == "fixed_small" else "beta")
    ours = samplers.sample(wavy, x, plan, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_euler_agrees_with_diffusers_flow():
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
    scheduler, x = FlowMatchEulerDiscreteScheduler(), torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    scheduler.set_timesteps(20)
    theirs = x
    for t in scheduler.timesteps:
        theirs = scheduler.step(wavy(theirs, t.expand(2)), t, theirs).prev_sample
    ours = samplers.sample_euler(lambda x, t: wavy(x, 1000 * t), x, PATHS["rectified"], scheduler.sigmas.double(),
                                 prediction="velocity", clamp=None)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


# --- the loop

def test_the_callback_sees_every_step_in_two_buffers():
    path, seen, places = DiscreteVP(linear_betas(5)), [], set()

    def callback(state):
        seen.append((state["i"], state["t"], state["s"]))
        places.update((state["x"].data_ptr(), state["x_start"].data_ptr()))
        last.update(state)

    last: dict = {}
    x = samplers.sample_ancestral(Exact(path, kind="noise"), noise(path, 2).float(), path, callback=callback)
    assert seen == [(0, 4, 3), (1, 3, 2), (2, 2, 1), (3, 1, 0), (4, 0, -1)]
    assert all(isinstance(t, int) for _, t, _ in seen)
    assert last["x"] is x and len(places) == 2
    continuous: list = []
    samplers.sample_heun(Exact(PATHS["vp"]), noise(PATHS["vp"], 2), PATHS["vp"], 3, prediction="x_start",
                         callback=lambda state: continuous.append(state["t"]))
    assert continuous == pytest.approx([1, 2 / 3, 1 / 3])


@pytest.mark.parametrize("kind", ["noise", "x_start", "v", "velocity", "score"])
def test_any_prediction_gives_the_same_samples(kind):
    path, x = PATHS["vp"], noise(PATHS["vp"], 5)
    want = samplers.sample_ddim(Exact(path), x, path, 10, prediction="x_start", clamp=0.7)
    got = samplers.sample_ddim(Exact(path, kind=kind), x, path, 10, prediction=kind, clamp=0.7)
    torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("run", [samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_ancestral,
                                 samplers.sample_heun, partial(samplers.sample_pc, corrector=None)])
def test_a_callback_may_write_to_x(run):
    """Inpainting: what is known is put back at the time that x has reached."""
    path, known = PATHS["vp"], torch.tensor([0.5])
    z = torch.randn(4, 1, dtype=torch.float64)

    def project(state):
        s = torch.full((4,), state["s"]).double()
        state["x"][:, :1] = path.add_noise(known.expand(4, 1).double(), s, z)
        state["x"][:, 1:] += 100.0 * (state["i"] == 0)  # the rest goes on from what it is told

    x = torch.randn(4, 2, dtype=torch.float64)
    out = run(lambda x, t: x, x, path, 5, prediction="x_start", clamp=None, callback=project)
    torch.testing.assert_close(out[:, :1], known.expand(4, 1).double())
    assert (out[:, 1] > 10).all()


@pytest.mark.parametrize("answer", [lambda x: x.view(x.shape), lambda x: x.detach(), lambda x: x.T.T, lambda x: x])
def test_a_model_may_answer_with_what_it_was_given(answer):
    path, x = PATHS["vp"], noise(PATHS["vp"], 4)
    for run in (samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_heun):
        want = run(lambda x, t: x.clone(), x, path, 4, prediction="x_start", clamp=0.7)
        torch.testing.assert_close(run(lambda x, t: answer(x), x, path, 4, prediction="x_start", clamp=0.7), want)


def test_a_grid_may_be_any_sequence_and_a_number_any_integer():
    path, chain = PATHS["vp"], PATHS["chain"]
    want = plan_ddim(path, torch.tensor([1.0, 0.5, 0.0]).double())
    for times in ([1.0, 0.5, 0.0], (1, 0.5, 0), numpy.array([1.0, 0.5, 0.0]), numpy.int64(2), 2):
        plan = plan_ddim(path, times)
        assert torch.equal(plan.table, want.table) and torch.equal(plan.times, want.times)
    assert plan_ddim(chain, numpy.array([300, 20])).times.dtype == torch.int64
    assert plan_ddim(RectifiedFlow(), torch.tensor([1, 0])).table.dtype == torch.float64
    for grid in GRIDS:  # the end told is the end that is taken
        for any_path in (chain, VE()):
            assert torch.equal(grid(any_path, 4, any_path.clean), grid(any_path, 4))


def test_what_cannot_be_told_is_said():
    path = PATHS["rectified"]
    for times, said in ((0, "1 step or more"), ([1.0], "at least two"), (0.5, "at least two"),
                        ([2.0, 0], "between 0 and 1"), (torch.arange(9, -1, -1), "between 0 and 1"),
                        ([0.5, -0.1], "between 0 and 1")):
        with pytest.raises(ValueError, match=said):
            plan_ddim(VP(), times)
    for grid in GRIDS:
        with pytest.raises(ValueError, match="fall from 1 to 0"):
            grid(VP(), 4, 1.0)
    for eta in (-0.1, 1.1):
        with pytest.raises(ValueError, match="eta is between 0"):
            plan_ddim(VP(), 4, eta)
    with pytest.raises(ValueError, match="clamp"):
        samplers.sample_ddim(Exact(path), noise(path, 2), path, 4, prediction="velocity", clamp=-1.0)
    with pytest.raises(ValueError, match=r"answered \(2, 1, 1\) to x of \(2, 1\)"):
        samplers.sample_ddim(lambda x, t: x[..., None], noise(path, 2), path, 4, prediction="velocity")
    with pytest.raises(ValueError, match="predictor is one of ancestral, "):
        samplers.sample_pc(Exact(path), noise(path, 2), path, 4, predictor="euler", prediction="velocity")
    with pytest.raises(ValueError, match="noise does not tell x_start at time 1: .*velocity"):
        samplers.sample_ddim(Exact(path), noise(path, 2), path, 4)
    with pytest.raises(ValueError, match="time 1 of RectifiedFlow"):
        plan_euler_maruyama(path, 4)
    with pytest.raises(ValueError, match="times must fall"):
        plan_ddim(path, torch.linspace(0, 1, 5))
    with pytest.raises(ValueError, match="'beta' or 'posterior'"):
        plan_ancestral(path, 4, "fixed_small")
    with pytest.raises(ValueError, match="corrector"):
        samplers.sample_pc(Exact(path), noise(path, 2), path, 4, corrector="newton", prediction="velocity")


def test_noise_is_drawn_only_where_it_is_used():
    path, x = PATHS["chain"], noise(PATHS["chain"], 4)
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    for plan in (plan_ddim(path, 5), plan_dpmpp_2m(path, 5), plan_euler(path, 5)):
        samplers.sample(Exact(path), x, plan, prediction="x_start", generator=generator)
    assert torch.equal(generator.get_state(), before)
    samplers.sample(Exact(path), x, plan_ancestral(path, 3), prediction="x_start", generator=generator)
    expected = torch.Generator().manual_seed(0)
    for _ in range(2):  # none in the step to clean data
        torch.randn(x.shape, generator=expected, dtype=x.dtype)
    assert torch.equal(generator.get_state(), expected.get_state())


def test_the_callers_noise_is_left_alone_and_no_graph_is_kept():
    path, x = PATHS["vp"], noise(PATHS["vp"], 4).requires_grad_()
    kept = x.detach().clone()
    for run in (samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_heun, samplers.sample_pc):
        out = run(lambda x, t: x, x, path, 4, prediction="x_start")  # answers with what it was given
        assert torch.equal(x, kept) and not out.requires_grad and out.isfinite().all()
    want = samplers.sample_ddim(lambda x, t: x.clone(), x, path, 4, prediction="x_start")
    assert torch.equal(samplers.sample_ddim(lambda x, t: x, x, path, 4, prediction="x_start"), want)


def test_no_step_waits_for_the_device():
    """Tensors of the meta device hold no values: reading one, or mixing it with the CPU's, raises."""
    x = torch.empty(2, 3, 4, 4, device="meta")
    model = lambda x, t: x * t.reshape(-1, 1, 1, 1)  # noqa: E731
    guide = samplers.guided(lambda x, t, c: model(x, t), torch.empty(2, 1, device="meta"), None, 2.0, (0.2, 0.8))
    for path in (PATHS["vp"], PATHS["chain"]):
        for plan, predict in itertools.product((plan_ddim(path, 4, 0.5), plan_dpmpp_2m(path, 4)), (model, guide)):
            assert samplers.sample(predict, x, plan, prediction="x_start").device.type == "meta"
        assert samplers.sample_heun(guide, x, path, 4, prediction="x_start").shape == x.shape
        assert samplers.sample_pc(guide, x, path, 4, prediction="x_start").shape == x.shape


def test_the_fused_loop_is_the_plain_one(monkeypatch):
    """What a GPU runs, here through the kernel's reference: the same up to rounding, and its noise to its spread."""
    path, seen = PATHS["vp"], {True: [], False: []}
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    model = lambda x, t, c: torch.sin(2 * x) * c + t[:, None]  # noqa: E731
    guide = samplers.guided(model, torch.ones(5, 1), None, 2.0, interval=(0.3, 0.8))
    wide = noise(path, 3000).float()
    for fused in (True, False):
        monkeypatch.setattr(samplers, "_fusible", lambda x, fused=fused: fused)
        callback = lambda state, fused=fused: seen[fused].extend((state["x"].clone(), state["x_start"].clone()))  # noqa: E731
        samplers.sample_ddim(guide, x, path, 6, prediction="v", callback=callback)
        samplers.sample_ddim(lambda x, t: torch.cos(x), x, path, 6, callback=callback)
        samplers.sample_dpmpp_2m(guide, x, path, 6, prediction="v", callback=callback)
        last = samplers.sample_dpmpp_2m(guide, x, path, 6, prediction="v")
        torch.testing.assert_close(last, seen[fused][-2], rtol=1e-4, atol=1e-5)
        drawn = samplers.sample(Exact(path), wide, plan_ancestral(path, 100, "beta"), prediction="x_start", clamp=None,
                                generator=torch.Generator().manual_seed(1))
        assert distance(drawn) < 3
    assert len(seen[True]) == len(seen[False]) == 36
    for ours, plain in zip(seen[True], seen[False], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_only_what_one_kernel_can_do_is_fused():
    path, x = PATHS["vp"], torch.randn(2, 3, 4, 4)
    assert not samplers._fusible(x)  # on the CPU
    require("gpu", torch.cuda.is_available(), "fusing a step needs a GPU")
    x = x.cuda()
    assert samplers._fusible(x)
    assert not samplers._fusible(x.double())
    assert not samplers._fusible(x.to(memory_format=torch.channels_last))
    model = lambda x, t: torch.sin(3 * x)  # noqa: E731
    for sampler in (samplers.sample_ddim, samplers.sample_dpmpp_2m):
        plain = sampler(model, x.cpu(), path, 10)
        torch.testing.assert_close(sampler(model, x, path, 10).cpu(), plain, rtol=1e-4, atol=1e-4)


def test_what_is_not_asked_for_is_not_computed_and_changes_nothing():
    """Without clamping, callback and memory x_start folds into the next x; a plan may both remember and draw."""
    path, x = PATHS["vp"], noise(PATHS["vp"], 5, d=3)
    model = lambda x, t: torch.sin(3 * x) + t[:, None]  # noqa: E731
    for kind in ("noise", "x_start", "v"):
        for plan in (plan_ddim(path, 8, 0.5), plan_dpmpp_2m(path, 8)):
            runs = [samplers.sample(model, x, plan, prediction=kind, clamp=None, callback=callback,
                                    generator=torch.Generator().manual_seed(0)) for callback in (None, lambda s: None)]
            torch.testing.assert_close(*runs, rtol=1e-10, atol=1e-10)
    table = torch.tensor([[0.0, 1, 0, 0], [0, 0, 2, 0.5]]).double()
    plan, starts = samplers.Plan(path, torch.tensor([0.9, 0.5, 0.1]).double(), table), []
    got = samplers.sample(model, x, plan, prediction="x_start", clamp=None, generator=torch.Generator().manual_seed(0))
    samplers.sample(model, x, plan, prediction="x_start", clamp=None,
                    callback=lambda state: starts.append(state["x_start"].clone()))
    drawn = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    torch.testing.assert_close(got, 2 * starts[0] + 0.5 * drawn)


def test_a_plan_serves_other_sizes_types_and_predictions():
    path, plan = PATHS["vp"], plan_dpmpp_2m(PATHS["vp"], 5)
    for dtype, b, kind in itertools.product((torch.float64, torch.float32), (2, 3), ("x_start", "v")):
        x = noise(path, b).to(dtype)
        again = samplers.sample(Exact(path, kind=kind), x, plan_dpmpp_2m(path, 5), prediction=kind)
        assert torch.equal(samplers.sample(Exact(path, kind=kind), x, plan, prediction=kind), again)


@pytest.mark.parametrize("plan, clamp", [(plan_ancestral, 1), (plan_ddim, 1), (plan_ddim, None), (plan_dpmpp_2m, None)])
def test_the_whole_loop_compiles_to_one_graph_once_its_plan_was_run(plan, clamp):
    net = torch.nn.Conv2d(1, 1, 3, padding=1)
    loop = partial(samplers.sample, lambda x, t: net(x) * t.view(-1, 1, 1, 1) / 1000, plan=plan(PATHS["chain"], 4),
                   clamp=clamp)
    compiled = torch.compile(loop, fullgraph=True, backend="aot_eager")  # this backend needs no compiler
    x, drawn = torch.randn(2, 1, 6, 6), []
    for run in (loop, compiled):
        torch.manual_seed(0)
        drawn.append(run(x))
    torch.testing.assert_close(*drawn)


def test_types_and_memory_formats_are_kept():
    path = PATHS["vp"]
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    seen = set()

    def model(x, t):
        seen.add((x.dtype, t.dtype, t.shape, x.is_contiguous(memory_format=torch.channels_last)))
        return torch.zeros_like(x)

    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        assert samplers.sample_ddim(model, x.to(dtype), path, 3, eta=0.5).dtype == dtype
    assert seen == {(torch.float32, torch.float32, (2,), True), (torch.bfloat16, torch.float32, (2,), True),
                    (torch.float64, torch.float64, (2,), True)}


def test_a_network_samples_in_evaluation_mode_and_gets_its_own_back():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout(0.5), torch.nn.ReLU())
    network[2].eval()
    seen = []

    def forward(x, t, condition=None):
        seen.append(network.training or network[1].training)
        return x

    network.forward = forward
    path, x = PATHS["vp"], noise(PATHS["vp"], 2)
    samplers.sample_ddim(network, x, path, 2)
    samplers.sample_ddim(samplers.guided(network, None, None, 1.0), x, path, 2)
    samplers.sample_ode(network, x, path)
    assert not any(seen) and [m.training for m in network.modules()] == [True, True, True, False]


def test_a_plan_of_one_step_gives_the_clean_prediction():
    path = DiscreteVP(linear_betas(10))
    plan = samplers.plan_ddim(path, 1)
    assert plan.times.tolist() == [9, -1] and plan.table.tolist() == [[0, 1, 0, 0]]
    for plan in (plan_euler, plan_dpmpp_2m, plan_reverse_diffusion, plan_euler_maruyama):
        for any_path in (path, PATHS["ve"], PATHS["vp"]):
            times = torch.tensor([0.3 if any_path is not path else 3.0, any_path.clean], dtype=torch.float64)
            if plan is not plan_reverse_diffusion or any_path is PATHS["ve"]:
                torch.testing.assert_close(plan(any_path, times).table, torch.tensor([[0.0, 1, 0, 0]]).double())
