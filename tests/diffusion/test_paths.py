"""Every path against the papers' closed forms, autograd, and the moments that its own SDE drives."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from course_utils.diffusion.paths import (
    VE,
    VP,
    DiscreteVP,
    RectifiedFlow,
    SubVP,
    cosine_betas,
    linear_betas,
    sigmoid_betas,
)

PATHS = {"vp": VP(), "sub_vp": SubVP(), "ve": VE(), "rectified": RectifiedFlow(),
         "chain": DiscreteVP(cosine_betas(50))}
CONTINUOUS = [name for name in PATHS if name != "chain"]
KINDS = ["noise", "x_start", "v", "velocity", "score"]


def inner_times(path, n: int = 7) -> torch.Tensor:
    """Times between the ends, none on one of the chain's indices, where derivatives jump."""
    return torch.linspace(0.053, 0.953, n, dtype=torch.float64) * path.T


@pytest.fixture(params=PATHS)
def path(request):
    return PATHS[request.param]


@pytest.mark.parametrize("schedule", [linear_betas, cosine_betas, sigmoid_betas])
def test_schedules_turn_data_into_noise(schedule):
    betas = schedule(200)
    path = DiscreteVP(betas)
    assert betas.dtype == torch.float64 and betas.min() >= 0 and betas.max() <= 0.999
    t = torch.arange(-1, 200)
    assert path.alpha(t)[0] == 1 and path.sigma(t)[0] == 0 and path.alpha(t)[-1] < 0.01
    assert torch.allclose(path.alpha(t) ** 2 + path.sigma(t) ** 2, torch.ones(201, dtype=torch.float64))
    assert torch.allclose(path.alpha(t[1:]) ** 2, torch.cumprod(1 - betas, 0), rtol=1e-12)
    assert (path.alpha(t).diff() < 0).all()


def test_the_last_signal_of_the_long_chain():
    """1/√ᾱ at the last index: about 1,800 for the sigmoid schedule and 20,000 for the cosine one."""
    last = lambda betas: 1 / DiscreteVP(betas).alpha(torch.tensor(999)).item()  # noqa: E731
    assert last(sigmoid_betas(1000)) == pytest.approx(1800, rel=0.05)
    assert last(cosine_betas(1000)) == pytest.approx(20_000, rel=0.1)


def test_the_ends_are_data_and_noise(path):
    clean = torch.tensor([path.clean], dtype=torch.float64)
    assert path.alpha(clean) == 1 and path.sigma(clean) == 0
    last = torch.tensor([path.T], dtype=torch.float64)
    assert path.sigma(last).item() == pytest.approx(path.prior_std, rel=1e-4)
    assert path.alpha(last).item() < 0.01 or path.prior_std > 10


def test_derivatives_are_autograds(path):
    t = inner_times(path).requires_grad_()
    for value, derivative in [(path.alpha(t), path.alpha_dot(t)), (path.sigma(t), path.sigma_dot(t))]:
        if not value.requires_grad:  # α of VE is 1 whatever t is
            slope = torch.zeros_like(t)
        else:
            (slope,) = torch.autograd.grad(value.sum(), t)
        torch.testing.assert_close(derivative, slope, rtol=1e-9, atol=1e-12)


def test_log_snr_falls_and_has_an_inverse(path):
    t = inner_times(path, 50)
    log_snr = path.log_snr(t)
    assert (log_snr.diff() < 0).all()
    torch.testing.assert_close(log_snr, (path.alpha(t) / path.sigma(t)).square().log(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(path.inverse_log_snr(log_snr), t, rtol=1e-8, atol=1e-9)
    wanted = torch.linspace(log_snr[-1].item(), log_snr[0].item(), 50, dtype=torch.float64)
    torch.testing.assert_close(path.log_snr(path.inverse_log_snr(wanted)), wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["vp", "sub_vp", "rectified"])
def test_the_inverse_holds_next_to_data(name):
    t = torch.logspace(-11, -2, 50, dtype=torch.float64)
    torch.testing.assert_close(PATHS[name].inverse_log_snr(PATHS[name].log_snr(t)), t, rtol=1e-6, atol=0)


@pytest.mark.parametrize("source, target", list(itertools.product(KINDS, KINDS)))
def test_conversions_tell_the_truth_at_any_rank(path, source, target):
    t, generator = inner_times(path), torch.Generator().manual_seed(0)
    for shape in [(7,), (7, 2), (7, 1, 3, 3)]:
        x_start, noise = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        x_t = path.add_noise(x_start, t, noise)
        value, want = (path.target(x_start, t, noise, kind) for kind in (source, target))
        told = path.convert(value, x_t, t, source, target)
        torch.testing.assert_close(told, want, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(path.convert(told, x_t, t, target, source), value, rtol=1e-7, atol=1e-9)


def test_kinds_are_the_papers(path):
    t, generator = inner_times(path), torch.Generator().manual_seed(1)
    x_start, noise = torch.randn(2, 7, generator=generator, dtype=torch.float64)
    alpha, sigma = path.alpha(t), path.sigma(t)
    x_t = alpha * x_start + sigma * noise
    assert torch.allclose(path.add_noise(x_start, t, noise), x_t)
    v = alpha * noise - sigma * x_start
    assert torch.allclose(path.target(x_start, t, noise, "v"), v)
    power = alpha**2 + sigma**2
    assert torch.allclose(path.convert(v, x_t, t, "v", "x_start"), (alpha * x_t - sigma * v) / power)
    assert torch.allclose(path.convert(v, x_t, t, "v", "noise"), (sigma * x_t + alpha * v) / power)
    assert torch.allclose(path.target(x_start, t, noise, "score"), (alpha * x_start - x_t) / sigma**2)
    assert torch.allclose(path.velocity(x_start, t, noise), path.alpha_dot(t) * x_start + path.sigma_dot(t) * noise)
    with pytest.raises(ValueError, match="velocity"):
        path.target(x_start, t, noise, "epsilon")


def test_the_rectified_velocity_is_not_v():
    path, t = PATHS["rectified"], torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    x_start, noise = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(path.velocity(x_start, t, noise), noise - x_start)  # at both ends as well
    v = path.target(x_start, t, noise, "v")
    assert torch.allclose(v[0], noise[0]) and torch.allclose(v[2], -x_start[2])
    assert not torch.allclose(v[1], (noise - x_start)[1])
    x_t = path.add_noise(x_start, t, noise)
    assert torch.allclose(path.convert(noise - x_start, x_t, t, "velocity", "x_start"), x_start)


def test_drift_and_diffusion_are_the_papers():
    t = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    x = torch.randn(5, 2, 2, dtype=torch.float64)
    beta, B = 0.1 + 19.9 * t, 0.1 * t + 0.5 * 19.9 * t**2
    for name, f, g in [("vp", -beta / 2, beta.sqrt()), ("sub_vp", -beta / 2, (beta * (1 - torch.exp(-2 * B))).sqrt()),
                       ("ve", 0 * t, 0.01 * 5000**t * math.sqrt(2 * math.log(5000))),
                       ("rectified", -1 / (1 - t), (2 * t / (1 - t)).sqrt())]:
        drift, diffusion = PATHS[name].sde(x, t)
        torch.testing.assert_close(drift, f[:, None, None] * x)
        torch.testing.assert_close(diffusion, g)


def test_marginals_are_the_papers():
    t, x = torch.tensor([0.2, 0.7], dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64)
    log_mean = -0.25 * t**2 * 19.9 - 0.5 * t * 0.1
    for name, alpha, std in [("vp", log_mean.exp(), (1 - (2 * log_mean).exp()).sqrt()),
                             ("sub_vp", log_mean.exp(), 1 - (2 * log_mean).exp()),
                             ("ve", 1 + 0 * t, 0.01 * 5000**t), ("rectified", 1 - t, t)]:
        mean, spread = PATHS[name].marginal_prob(x, t)
        torch.testing.assert_close(mean, alpha[:, None] * x)
        torch.testing.assert_close(spread, std)


def test_the_sde_drives_the_marginals(path):
    """Mean and variance follow dm = f·m and dV = 2f·V + g² (Särkkä & Solin 2019, eqs. 5.50–5.51)."""
    start, end, n = 0.2 * path.T, 0.8 * path.T, 4000
    alpha, sigma = (c(torch.tensor([start], dtype=torch.float64)).item() for c in (path.alpha, path.sigma))
    h = (end - start) / n
    t = start + h * (torch.arange(n, dtype=torch.float64) + 0.5)
    growth = torch.exp(path.f(t) * h)
    for a, g in zip(growth.tolist(), path.g(t).tolist(), strict=True):
        alpha, sigma = alpha * a, math.sqrt(sigma**2 * a**2 + g**2 * h * a)  # midpoint in f and g: order 2
    last = torch.tensor([end], dtype=torch.float64)
    assert alpha == pytest.approx(path.alpha(last).item(), rel=1e-3)
    assert sigma == pytest.approx(path.sigma(last).item(), rel=1e-3)


def test_transitions_compose(path):
    r, s, t = torch.tensor([[0.2], [0.5], [0.9]], dtype=torch.float64) * path.T
    (a, b), (c, d), (e, f) = path.transition(s, r), path.transition(t, s), path.transition(t, r)
    torch.testing.assert_close(a * c, e)
    torch.testing.assert_close(b**2 * c**2 + d**2, f**2)


def test_discretize_gives_the_chains():
    x = torch.randn(3, 2, dtype=torch.float64)
    chain, t = PATHS["chain"], torch.tensor([0, 7, 49])
    F, G = chain.discretize(x, t)
    torch.testing.assert_close(F, (1 - chain.betas[t]).sqrt()[:, None] * x - x)
    torch.testing.assert_close(G, chain.betas[t].sqrt())
    ve = VE(0.01, 50, N=11)
    sigmas = torch.cat([torch.zeros(1), torch.linspace(math.log(0.01), math.log(50), 11).exp()]).double()
    F, G = ve.discretize(x, torch.tensor([0, 5, 10]).double() / 10)
    assert F.eq(0).all()
    torch.testing.assert_close(G, (sigmas[[1, 6, 11]] ** 2 - sigmas[[0, 5, 10]] ** 2).sqrt(), rtol=1e-5, atol=0)
    vp, t = VP(), torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    for found, rtol in ((vp.discretize(x, t), 1e-12), (vp.discretize(x, t, t - 1e-3), 0.015)):  # the paper's; exact
        torch.testing.assert_close(found[1] ** 2, (0.1 + 19.9 * t) / 1000, rtol=rtol, atol=0)
        torch.testing.assert_close(found[0], ((1 - found[1] ** 2).sqrt() - 1)[:, None] * x)
    assert (vp.discretize(x, t, t - 1e-3)[1] / vp.discretize(x, t)[1] - 1).abs().max() > 1e-3
    i = torch.tensor([0, 400, 999])
    for exactly, papers in zip(vp.chain().discretize(x, i), vp.discretize(x, i / 999.0), strict=True):
        torch.testing.assert_close(exactly, papers, rtol=1e-6, atol=1e-8)
    rectified = PATHS["rectified"]
    assert all(part.isfinite().all() for part in rectified.discretize(x, torch.ones(3)))  # f and g are not, at 1


def test_discretize_keeps_its_digits_in_float32():
    t, s = torch.tensor([0.5]), torch.tensor([0.4999])
    want = VP().discretize(torch.ones(1).double(), t.double(), s.double())[1]
    torch.testing.assert_close(VP().discretize(torch.ones(1), t, s)[1].double(), want, rtol=1e-5, atol=0)
    want = VP().discretize(torch.ones(1).double(), t.double())[1]
    torch.testing.assert_close(VP().discretize(torch.ones(1), t)[1].double(), want, rtol=1e-6, atol=0)


def test_a_vp_sde_has_its_chain():
    vp = VP(N=1000)
    chain = vp.chain()
    assert chain.betas[0].item() == pytest.approx(1e-4) and chain.betas[-1].item() == pytest.approx(0.02)
    t = torch.tensor([99, 499, 899])
    torch.testing.assert_close(chain.log_snr(t), vp.log_snr((t + 1) / 1000).double(), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_reverse_is_the_papers(name):
    path, t = PATHS[name], torch.tensor([0.3, 0.6], dtype=torch.float64)
    x, score = torch.randn(2, 4, dtype=torch.float64), lambda x, t: -0.7 * x
    drift, g = path.sde(x, t)
    reverse, flow = path.reverse(score), path.reverse(score, probability_flow=True)
    assert (reverse.T, reverse.N) == (path.T, path.N)
    torch.testing.assert_close(reverse.sde(x, t)[0], drift + 0.7 * g[:, None] ** 2 * x)
    assert torch.equal(reverse.sde(x, t)[1], g) and flow.sde(x, t)[1].eq(0).all()
    velocity = path.convert(score(x, t), x, t, "score", "velocity")  # f·x − ½g²·score, told another way
    torch.testing.assert_close(flow.sde(x, t)[0], velocity)
    F, G = path.discretize(x, t)
    torch.testing.assert_close(reverse.discretize(x, t)[0], F + 0.7 * G[:, None] ** 2 * x)
    assert torch.equal(reverse.discretize(x, t)[1], G) and flow.discretize(x, t)[1].eq(0).all()


def test_the_prior_is_normal(path):
    z = path.prior_sampling((4000, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(z, path.prior_sampling((4000, 3), generator=torch.Generator().manual_seed(0), dtype=z.dtype))
    assert z.std().item() == pytest.approx(path.prior_std, rel=0.03)
    normal = torch.distributions.Normal(0.0, path.prior_std)
    torch.testing.assert_close(path.prior_logp(z), normal.log_prob(z).sum(1))
    torch.testing.assert_close(path.prior_logp(z.reshape(-1, 1, 3, 1)), normal.log_prob(z).sum(1))
    torch.testing.assert_close(path.prior_logp(z[:, 0]), normal.log_prob(z[:, 0]))


def test_between_two_indices_the_signals_logarithm_is_straight():
    chain = PATHS["chain"]
    whole, half = torch.arange(-1, 50), torch.arange(0, 50) - 0.5
    assert torch.equal(chain.alpha(whole), chain.alpha(whole.double()))
    assert torch.equal(chain.sigma(whole), chain.sigma(whole.float()))
    log_alpha = chain.alpha(whole).log()
    torch.testing.assert_close(chain.alpha(half).log(), (log_alpha[1:] + log_alpha[:-1]) / 2)


def test_noise_is_added_at_any_rank_and_type(path):
    t = torch.tensor([0.1, 0.9]) * path.T
    for shape, dtype in itertools.product([(2,), (2, 3), (2, 3, 4, 4)], [torch.float32, torch.float64, torch.bfloat16]):
        x_start, noise = torch.randn(shape).to(dtype), torch.randn(shape).to(dtype)
        x_t = path.add_noise(x_start, t, noise)
        assert x_t.dtype == dtype and path.convert(noise, x_t, t, "noise", "v").dtype == dtype
        for i in range(2):
            want = path.alpha(t)[i].to(dtype) * x_start[i] + path.sigma(t)[i].to(dtype) * noise[i]
            torch.testing.assert_close(x_t[i], want, rtol=2e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-2)
    torch.testing.assert_close(path.add_noise(x_start, t[0], noise)[0], x_t[0])  # one time for all


def test_everything_stays_where_the_times_are(path):
    """The meta device refuses to be mixed with another one."""
    t, x = torch.full((2,), 0.5, device="meta"), torch.empty(2, 3, device="meta")
    results = [*path.sde(x, t), *path.marginal_prob(x, t), *path.discretize(x, t), path.log_snr(t), path.prior_logp(x),
               path.inverse_log_snr(t), path.add_noise(x, t, x), *(path.convert(x, x, t, k, "score") for k in KINDS)]
    assert all(result.device.type == "meta" for result in results)


def test_between_neighbours_a_chains_rate_is_the_mean():
    """A sampler of order 2 takes the slope at an index as that of the smooth curve there."""
    path = DiscreteVP(linear_betas(10))
    rate = -torch.log1p(-path.betas)
    torch.testing.assert_close(path.beta(torch.arange(10)), torch.cat([(rate[:-1] + rate[1:]) / 2, rate[-1:]]))
    torch.testing.assert_close(path.beta(torch.arange(10) - 0.5), rate)


def test_integers_are_times_of_a_chain_only():
    x, index = torch.zeros(3, 2), torch.tensor([100, 500, 999])
    for call in (VP().marginal_prob, VP().sde, VP().discretize, lambda x, t: VP().add_noise(x, t, x),
                 lambda x, t: VE().convert(x, x, t, "noise", "score")):
        with pytest.raises(TypeError, match="from time 0 to 1: give it floating point times, not the indices"):
            call(x, index)


def test_data_of_integers_and_betas_outside_are_refused():
    images = torch.full((2, 3), 200, dtype=torch.uint8)
    with pytest.raises(TypeError, match="data must be floating point, not torch.uint8"):
        VP().add_noise(images, torch.full((2,), 0.1), torch.zeros(2, 3))
    for betas in ([0.1, 1.0], [-0.1], [[0.1]], [float("nan")]):
        with pytest.raises(ValueError, match="one variance in"):
            DiscreteVP(torch.tensor(betas))
    with pytest.raises(ValueError, match="too few"):
        VP(N=10).chain()


def test_a_path_is_told_in_a_line():
    assert repr(VP()) == "VP(beta_min=0.1, beta_max=20, N=1000)" and repr(RectifiedFlow()) == "RectifiedFlow()"
    assert repr(DiscreteVP(linear_betas(10))) == "DiscreteVP(N=10, T=9)"


def test_coefficients_come_back_in_the_datas_type():
    for path, t in ((VP(), torch.full((2,), 0.3)), (DiscreteVP(linear_betas(10)), torch.tensor([3, 4]))):
        x = torch.randn(2, 3)
        for call in (path.marginal_prob, path.sde, path.discretize):
            assert {part.dtype for part in call(x, t)} == {x.dtype}
