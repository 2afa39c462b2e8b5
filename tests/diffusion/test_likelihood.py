"""The likelihood against Gaussians and a mixture that are known in closed form, scipy, and automatic derivatives."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from course_utils.diffusion.gaussian import like
from course_utils.diffusion.likelihood import (
    Solver,
    bits_per_dim,
    decode,
    dequantize,
    draw_probes,
    encode,
    exact_divergence,
    hutchinson_divergence,
    log_likelihood,
)
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, SubVP, cosine_betas

TIGHT = Solver(rtol=1e-7, atol=1e-7)


class Gaussian:
    """Data N(0, Σ) whose eigenvectors lie across the axes, and what a perfect model predicts for it."""

    def __init__(self, path, kind="score", stds=(0.3, 1.0, 3.0)):
        self.path, self.kind, self.calls = path, kind, 0
        self.s2 = torch.tensor(stds, dtype=torch.float64) ** 2
        self.Q = torch.linalg.qr(torch.randn(len(stds), len(stds), dtype=torch.float64,
                                             generator=torch.Generator().manual_seed(3)))[0]

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self.calls += 1
        score = -(x @ self.Q / self.variance(t[:, None])) @ self.Q.T
        return self.path.convert(score, x, t, "score", self.kind)

    def variance(self, t: Tensor) -> Tensor:
        """Eigenvalues of the covariance at time t."""
        return self.path.alpha(t) ** 2 * self.s2 + self.path.sigma(t) ** 2

    def data(self, n: int) -> Tensor:
        noise = torch.randn(n, len(self.s2), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
        return noise * self.s2.sqrt() @ self.Q.T

    def stretch(self, t_min: float, t_max: float) -> Tensor:
        """The flow from t_max to t_min, along each eigenvector: it is linear, and keeps the marginals."""
        late, early = (self.variance(torch.tensor(t, dtype=torch.float64)) for t in (t_max, t_min))
        return (early / late).sqrt()

    def pushed_logp(self, x: Tensor, t_min: float, t_max: float) -> Tensor:
        """Log-density at t_min of what the flow makes of the prior N(0, prior_std²) at t_max."""
        std = self.stretch(t_min, t_max) * self.path.prior_std
        return torch.distributions.Normal(0, std).log_prob(x @ self.Q).sum(1)


PATHS = [(VP(), 1e-5, 1.0), (SubVP(), 1e-4, 1.0), (VE(0.01, 10), 0.0, 1.0), (RectifiedFlow(), 1e-4, 1 - 1e-4),
         (DiscreteVP(cosine_betas(50)), 0.0, 48.0)]  # at the last index β is clipped, and x is noise long before


@pytest.mark.parametrize("variable", [None, "log_snr"])
@pytest.mark.parametrize("path, t_min, t_max", PATHS, ids=[type(p[0]).__name__ for p in PATHS])
def test_a_correlated_gaussian_has_its_pushed_density(path, t_min, t_max, variable):
    gaussian = Gaussian(path)
    x = gaussian.data(4)
    solver = replace(TIGHT, variable=variable, t_min=t_min, t_max=t_max)
    found = log_likelihood(gaussian, x, path, prediction="score", divergence="exact", solver=solver)
    assert torch.allclose(found.logp, gaussian.pushed_logp(x, t_min, t_max), rtol=0, atol=1e-4)
    z = x @ gaussian.Q / gaussian.stretch(t_min, t_max) @ gaussian.Q.T
    assert torch.allclose(found.z, z, rtol=1e-4, atol=1e-4)
    assert (found.stderr == 0).all() and (found.error < 1e-3).all()


def test_a_chain_is_solved_in_its_log_snr_and_others_in_time():
    for path, variable in [(DiscreteVP(cosine_betas(20)), "log_snr"), (VP(), "time")]:
        gaussian, rough = Gaussian(path, "noise"), Solver(rtol=1e-3, atol=1e-3)
        ours, named = (encode(gaussian, gaussian.data(2), path, solver=solver)
                       for solver in (rough, replace(rough, variable=variable)))
        assert torch.equal(ours.nfe, named.nfe) and torch.equal(ours.x, named.x)


def test_the_pushed_density_is_not_quite_the_data_s():
    """Variances s²/v, v = exp(−B)·s² + 1 − exp(−B): at 1e-4 the prior's mismatch at t = 1 can be seen."""
    gaussian = Gaussian(VP())
    x = torch.tensor([[4.0, -4.0, 7.0]], dtype=torch.float64) @ gaussian.Q.T
    found = log_likelihood(gaussian, x, gaussian.path, prediction="score", divergence="exact",
                           solver=replace(TIGHT, t_min=1e-7)).logp.item()
    decay = math.exp(-10.05)  # B = (0.1 + 20)/2
    logp = lambda variance: torch.distributions.Normal(0, variance.sqrt()).log_prob(x @ gaussian.Q).sum().item()  # noqa: E731
    assert found == pytest.approx(logp(gaussian.s2 / (decay * gaussian.s2 + 1 - decay)), abs=1e-4)
    assert abs(found - logp(gaussian.s2)) > 5e-4


@pytest.mark.parametrize("kind", ["noise", "x_start", "v", "velocity"])
def test_every_prediction_gives_the_same(kind):
    path, solver = VP(), replace(TIGHT, t_min=1e-3)
    x = Gaussian(path).data(2)
    results = [log_likelihood(Gaussian(path, k), x, path, prediction=k, divergence="exact", solver=solver)
               for k in (kind, "score")]
    assert torch.allclose(results[0].logp, results[1].logp, atol=1e-6)


@pytest.mark.parametrize("method, cost", [("heun", 400), ("rk4", 800), ("adams", 201)])
def test_fixed_steps_in_log_snr(method, cost):
    gaussian = Gaussian(VP())
    x = gaussian.data(3)
    solver = Solver(method, steps=200, variable="log_snr", t_min=1e-4)
    found = log_likelihood(gaussian, x, gaussian.path, prediction="score", divergence="exact", solver=solver)
    assert torch.allclose(found.logp, gaussian.pushed_logp(x, 1e-4, 1.0), atol=1e-4 if method == "rk4" else 2e-3)
    assert found.nfe.tolist() == [cost] * 3 and gaussian.calls == cost and found.error.isnan().all()


class Mixture:
    """Two Gaussians in the plane under VP, in numpy: slope and divergence of the flow from formulas."""

    MEANS, STD = np.array([[1.0, 0.5], [-0.8, -0.2]]), 0.4

    def __init__(self, path):
        self.path = path

    def parts(self, x, t):
        alpha, sigma = (c(torch.tensor(t, dtype=torch.float64)).item() for c in (self.path.alpha, self.path.sigma))
        away, v = alpha * self.MEANS - x, alpha**2 * self.STD**2 + sigma**2
        weights = np.exp(-(away**2).sum(1) / (2 * v))
        return away, v, weights / weights.sum()

    def score(self, x, t):
        away, v, r = self.parts(x, t)
        return r @ away / v

    def laplacian(self, x, t):
        away, v, r = self.parts(x, t)
        return -2 / v + (r @ (away**2).sum(1) - ((r @ away) ** 2).sum()) / v**2

    def rates(self, t, y):
        """dx/dt = −½β(x + score), and its divergence."""
        beta = 0.1 + 19.9 * t
        return np.append(-0.5 * beta * (y[:2] + self.score(y[:2], t)), -0.5 * beta * (2 + self.laplacian(y[:2], t)))

    def model(self, x: Tensor, t: Tensor) -> Tensor:
        means = torch.from_numpy(self.MEANS)
        alpha, sigma = self.path.alpha(t)[:, None], self.path.sigma(t)[:, None]
        v = alpha**2 * self.STD**2 + sigma**2
        away = alpha[:, None] * means - x[:, None]  # (m, 2, 2)
        r = (-away.square().sum(-1) / (2 * v)).softmax(1)
        return (r[..., None] * away).sum(1) / v


@pytest.mark.parametrize("tol", [1e-4, 1e-6])
def test_scipy_agrees_to_the_tolerance(tol):
    mixture = Mixture(VP())
    x = torch.tensor([[0.7, 0.1], [-1.5, 0.9], [0.1, 0.1]], dtype=torch.float64)
    found = log_likelihood(mixture.model, x, mixture.path, prediction="score", divergence="exact",
                           solver=Solver(rtol=tol, atol=tol, t_min=1e-3))
    for i in range(3):
        end = solve_ivp(mixture.rates, (1e-3, 1), np.append(x[i].numpy(), 0), rtol=1e-10, atol=1e-10).y[:, -1]
        logp = end[2] - (end[:2] ** 2).sum() / 2 - math.log(2 * math.pi)
        error = abs(found.logp[i].item() - logp)
        assert error < 20 * tol and error < 3 * found.error[i].item() < 300 * tol
        assert np.allclose(found.z[i].numpy(), end[:2], rtol=20 * tol, atol=20 * tol)


def test_a_mixture_s_own_density_is_reached():
    mixture = Mixture(VP())
    x = torch.tensor([[0.7, 0.1], [0.1, 0.1]], dtype=torch.float64)
    found = log_likelihood(mixture.model, x, mixture.path, prediction="score", divergence="exact",
                           solver=replace(TIGHT, t_min=1e-6)).logp
    means = torch.from_numpy(mixture.MEANS)
    parts = -(x[:, None] - means).square().sum(-1) / (2 * 0.16) - math.log(2 * math.pi * 0.16) - math.log(2)
    assert torch.allclose(found, parts.logsumexp(1), atol=1e-3)


def test_hutchinson_is_unbiased_and_its_standard_error_true():
    gaussian = Gaussian(VP(), "noise")
    x = gaussian.data(1).expand(400, 3).contiguous()  # one point 400 times: every row draws its own probes
    solver = Solver(rtol=1e-4, atol=1e-4, t_min=1e-3)
    exact = log_likelihood(gaussian, x[:1], gaussian.path, divergence="exact", solver=solver).logp
    for law in ("rademacher", "gaussian"):
        found = log_likelihood(gaussian, x, gaussian.path, divergence=law, probes=4, solver=solver,
                               generator=torch.Generator().manual_seed(0))
        spread = found.logp.std().item()
        assert spread > 0.05  # a correlated covariance: an estimate that never errs tests nothing
        assert found.logp.mean().item() == pytest.approx(exact.item(), abs=4 * spread / 20)
        assert found.stderr.square().mean().sqrt().item() == pytest.approx(spread, rel=0.15)
    one = log_likelihood(gaussian, x[:2], gaussian.path, solver=solver)
    assert one.stderr.isnan().all() and one.logp.isfinite().all()


@pytest.mark.parametrize("law", ["rademacher", "gaussian"])
def test_the_estimate_s_variance_is_the_law_s(law):
    """For εᵀAε with S = (A + Aᵀ)/2: 2·Σ S² for Gaussian probes, without the diagonal for Rademacher ones."""
    A = torch.tensor([[1.0, 2.0, 0.0], [-0.5, 3.0, 1.0], [0.3, 0.0, -2.0]], dtype=torch.float64)
    x, t = torch.randn(1, 3, dtype=torch.float64), torch.zeros(1)
    eps = draw_probes(x, 20_000, law, torch.Generator().manual_seed(0))
    assert eps.mean(1).abs().max() < 0.03 and torch.allclose(eps.square().mean(), torch.ones(()).double(), atol=0.02)
    values = torch.einsum("bki,ji,bkj->bk", eps, A, eps)
    slope, some = hutchinson_divergence(lambda x, t: x @ A, x, t, eps[:, :50])
    assert torch.allclose(slope, x @ A) and torch.allclose(some, values[:, :50])
    S = (A + A.T) / 2
    variance = 2 * S.square().sum() - (2 * S.diagonal().square().sum() if law == "rademacher" else 0)
    assert values.var().item() == pytest.approx(variance.item(), rel=0.05)
    assert values.mean().item() == pytest.approx(2.0, abs=4 * math.sqrt(variance / 20_000))


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3, 3)])
def test_the_exact_divergence_is_the_jacobian_s_trace_at_any_rank(shape):
    torch.manual_seed(0)
    dims = math.prod(shape)
    mix = nn.Linear(dims, dims).double()

    def fn(x, t):
        return torch.tanh(mix(x.flatten(1)) * t[:, None]).reshape(x.shape)

    x, t = torch.randn(4, *shape, dtype=torch.float64), torch.rand(4, dtype=torch.float64)
    slope, div = exact_divergence(fn, x, t)
    assert torch.allclose(slope, fn(x, t)) and not slope.requires_grad
    for i in range(4):
        alone = lambda row: fn(row.reshape(1, *shape), t[i:i + 1]).flatten()  # noqa: B023, E731
        jacobian = torch.autograd.functional.jacobian(alone, x[i].flatten())
        assert torch.allclose(div[i], jacobian.trace())


def test_data_comes_back_from_its_code():
    path = VP()
    gaussian = Gaussian(path, "noise")
    x = gaussian.data(3)
    solver = replace(TIGHT, variable="log_snr", t_min=1e-4)
    code = encode(gaussian, x, path, solver=solver)
    back = decode(gaussian, code.x, path, solver=solver)
    assert torch.allclose(back.x, x, atol=1e-5)
    assert torch.allclose(code.x, x @ gaussian.Q / gaussian.stretch(1e-4, 1.0) @ gaussian.Q.T, atol=1e-5)
    found = log_likelihood(gaussian, x, path, divergence="exact", solver=solver)
    assert torch.allclose(found.z, code.x, atol=1e-5)


def test_an_evaluation_is_one_forward_pass():
    gaussian = Gaussian(VP(), "noise")
    log_likelihood(gaussian, gaussian.data(1), gaussian.path, probes=3)
    three, gaussian.calls = gaussian.calls, 0
    found = log_likelihood(gaussian, gaussian.data(1), gaussian.path, divergence="exact")
    assert gaussian.calls == found.nfe.item() and three < 2 * gaussian.calls


@pytest.mark.parametrize("divergence", ["exact", "rademacher"])
def test_a_model_that_records_no_gradient_is_refused(divergence):
    """Its divergence would be missing, for the flow depends on x without it as well."""
    gaussian = Gaussian(VP(), "noise")
    for model in (torch.no_grad()(gaussian), lambda x, t: gaussian(x.detach(), t)):
        with pytest.raises(ValueError, match="records no gradient of x"):
            log_likelihood(model, gaussian.data(2), gaussian.path, divergence=divergence)
        encode(model, gaussian.data(2), gaussian.path)  # which takes no divergence
    for run in (exact_divergence, lambda fn, x, t: hutchinson_divergence(fn, x, t, draw_probes(x, 1))):
        with pytest.raises(ValueError, match="records no gradient of x"):
            run(lambda x, t: torch.ones_like(x), torch.zeros(2, 3), torch.zeros(2))


def test_it_is_the_same_in_inference_mode():
    gaussian = Gaussian(VP(), "noise")
    want = log_likelihood(gaussian, gaussian.data(2), gaussian.path, divergence="exact")
    with torch.inference_mode():
        found = log_likelihood(gaussian, gaussian.data(2), gaussian.path, divergence="exact")
    assert torch.equal(found.logp, want.logp)


def test_a_model_may_hold_its_conditions_or_take_them_row_by_row():
    gaussian = Gaussian(VP(), "noise")
    x, gains = gaussian.data(6) * torch.linspace(0.01, 5, 6)[:, None], torch.linspace(0.5, 1.5, 6)[:, None].double()
    sizes: list[list[int]] = [[], []]

    def held(x: Tensor, t: Tensor) -> Tensor:
        sizes[0].append(len(x))
        return gains * gaussian(x, t)

    def told(x: Tensor, t: Tensor, gain: Tensor) -> Tensor:
        sizes[1].append(len(x))
        return gain * gaussian(x, t)

    a = log_likelihood(held, x, gaussian.path, divergence="exact")
    b = log_likelihood(told, x, gaussian.path, divergence="exact", per_sample=[gains])
    torch.testing.assert_close(a.logp, b.logp)
    assert torch.equal(a.nfe, b.nfe) and set(sizes[0]) == {6} and min(sizes[1]) < 6
    for carry in (encode, decode):
        torch.testing.assert_close(carry(held, x, gaussian.path).x, carry(told, x, gaussian.path, per_sample=[gains]).x)


def test_an_empty_batch_is_one():
    gaussian = Gaussian(VP(), "noise")
    for divergence in ("exact", "gaussian"):
        assert log_likelihood(gaussian, gaussian.data(0), gaussian.path, divergence=divergence).logp.shape == (0,)


def test_bits_have_a_tolerance_of_their_own():
    """A logp that may be rough lets the steps grow; one that must be fine makes them small, whatever x may do."""
    gaussian = Gaussian(VP())
    x = gaussian.data(1)
    nfe = {tol: log_likelihood(gaussian, x, gaussian.path, prediction="score", divergence="exact",
                               solver=Solver(rtol=1e-2, atol=1e-2, bits_tol=tol)).nfe.item() for tol in (1e-7, 1e-3, 1)}
    assert nfe[1e-7] > 2 * nfe[1e-3] and nfe[1e-3] >= nfe[1]


def test_samples_that_step_together_are_all_as_accurate():
    gaussian = Gaussian(VP(), "noise")
    x, tolerances = gaussian.data(1) * torch.tensor([[0.1], [1.0], [4.0]]), Solver(rtol=1e-5, atol=1e-5, t_min=1e-3)
    apart, together = (log_likelihood(gaussian, x, gaussian.path, divergence="exact", solver=solver)
                       for solver in (tolerances, replace(tolerances, together=True)))
    assert len(set(apart.nfe.tolist())) > 1 and len(set(together.nfe.tolist())) == 1
    assert apart.nfe.min() <= together.nfe[0] <= apart.nfe.max()
    assert torch.allclose(together.logp, gaussian.pushed_logp(x, 1e-3, 1.0), rtol=0, atol=1e-3)


def test_logp_is_not_lost_among_the_pixels():
    """300 entries that stand still beside the one that stretches change neither the steps nor logp's error."""
    tolerances = Solver(rtol=1e-2, atol=1e-2, bits_tol=1e-3)
    stretch = lambda x, t: torch.cat([-5 * torch.sin(3 * t)[:, None] * x[:, :1], torch.zeros_like(x[:, 1:])], 1)  # noqa: E731
    field = VP()
    nfe = set()
    for dims in (1, 301):
        x = torch.zeros(1, dims, dtype=torch.float64)
        bits = replace(tolerances, bits_tol=1e-3 / dims)  # the same number of nats
        found = log_likelihood(stretch, x, field, prediction="velocity", divergence="exact", solver=bits)
        want = field.prior_logp(x) - 5 / 3 * (math.cos(3e-3) - math.cos(3))
        assert (found.logp - want).abs().item() < 2e-3
        nfe.add(found.nfe.item())
    assert len(nfe) == 1


class Net(nn.Module):
    """A small image model with dropout, of a condition for each sample."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop, self.out = nn.Conv2d(1, 4, 3, padding=1), nn.Dropout(), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x, t, condition):
        return self.out(self.drop(torch.tanh(self.conv(x) + like(condition * t, x))))


def test_images_with_a_condition_and_a_module_left_as_it_was():
    torch.manual_seed(0)
    net, path = Net(), VP()
    net.train()
    net.out.eval()
    x, condition = torch.randn(3, 1, 4, 4), torch.tensor([0.0, 1.0, 2.0])
    solver = Solver(t_min=1e-3, rtol=1e-4, atol=1e-4)
    together = log_likelihood(net, x, path, divergence="exact", solver=solver, per_sample=[condition])
    assert net.training and net.drop.training and not net.out.training
    assert all(p.grad is None for p in net.parameters()) and not together.logp.requires_grad
    for i in range(3):
        one = slice(i, i + 1)
        alone = log_likelihood(net, x[one], path, divergence="exact", solver=solver, per_sample=[condition[one]])
        assert torch.allclose(alone.logp, together.logp[i], rtol=1e-3)
    assert together.z.shape == x.shape and together.logp.dtype == torch.float32


def test_bits_per_dim():
    """A density of 1 on [0, 1] says nothing: 8 bits, of 256 levels; as does ½ on [-1, 1]; 7 and 8 are the offsets."""
    dims = 12
    assert bits_per_dim(torch.zeros(2), dims, (0, 1)).tolist() == [8, 8]
    assert bits_per_dim(torch.tensor([-dims * math.log(2)]), dims).item() == pytest.approx(8)
    assert bits_per_dim(torch.zeros(1), dims).item() == 7
    assert bits_per_dim(torch.zeros(1), dims, (0, 1), levels=2).item() == 1
    nats = torch.tensor([3.0])
    assert (bits_per_dim(nats, dims) - 7).item() == pytest.approx(-3 / (dims * math.log(2)), rel=1e-5)


def test_dequantized_images_keep_their_levels():
    levels = torch.arange(256)
    for u in (0.0, 0.5, 0.999):
        x = dequantize(levels.double() / 255, torch.full((256,), u, dtype=torch.float64))
        assert x.min() >= -1 and x.max() < 1 and torch.equal(((x + 1) * 128).floor().long(), levels)
    assert dequantize(torch.ones(1), torch.zeros(1), (0, 1), 2).item() == 0.5


def test_what_cannot_be_meant_is_said():
    x, path = torch.zeros(1, 2), RectifiedFlow()
    with pytest.raises(ValueError, match="smaller time"):
        log_likelihood(Gaussian(path), x, path, solver=Solver(t_min=1.0, t_max=0.1))
    with pytest.raises(ValueError, match="log-SNR is infinite"):
        encode(Gaussian(path), x, path, solver=Solver(variable="log_snr"))
    with pytest.raises(ValueError, match="rademacher"):
        log_likelihood(Gaussian(path), x, path, divergence="uniform")
    with pytest.raises(ValueError, match="rk45, heun, rk4 or adams"):
        Solver(method="euler")
    with pytest.raises(ValueError, match="1 step or more"):
        Solver("adams", steps=0)
    with pytest.raises(ValueError, match="1 probe or more"):
        log_likelihood(Gaussian(VP()), torch.zeros(1, 3), VP(), probes=0)
    with pytest.raises(ValueError, match=r"holds no probes for x of \(2, 3\): it is \(b, k, \*\)"):
        hutchinson_divergence(lambda x, t: x, torch.zeros(2, 3), torch.zeros(2), torch.zeros(2, 3))
