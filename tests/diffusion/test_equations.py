"""Samplers against the papers' own loops and tables."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from diffusion.exact import PATHS, Exact, noise

from course_utils.diffusion import samplers
from course_utils.diffusion.paths import DiscreteVP, cosine_betas, linear_betas
from course_utils.diffusion.plans import (
    plan_ancestral,
    plan_ddim,
    plan_euler,
    plan_euler_maruyama,
    plan_reverse_diffusion,
    times_log_snr,
    times_uniform,
)
from course_utils.diffusion.running import Run


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
        run = Run(score_fn, x, plan_ddim(path, t), "score", None)
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
