"""Probes of notebook 10: the probability flow, its likelihood, DDIM with fresh noise, Heun's step.

Each probe sees one task only. The two that solve an ODE do so for a drift of degree 2 in x. So what stands in for
`exact_divergence` there may take it by central differences, which are exact for such a drift and for few others.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, stand_ins, steady
from course_utils.tasks.refusals import FromNumpy, answer_of, one_tensor

NOTEBOOK = "10_ode_likelihood"
QUESTIONS = {"ode.1": 5, "ode.2": 5, "ode.3": 5, "ode.4": 5}  # points, graded by hand


# What the probes say where a function is called, or answers, in another way: a class for each

class OneTime(Told):
    """Other than one time for each sample."""


class OtherShape(Told):
    """A state of another shape than the data's."""


class OtherDtype(Told):
    """A state of another dtype than the data's."""


class Outside(Told):
    """A time at which nothing is known."""


class NotThree(Told):
    """A tuple of other than three results."""


class Alone(Told):
    """One result where three are wanted."""


class ANumber(Told):
    """A time that is a number, where one for each sample is taken."""


class OtherLevel(Told):
    """An alpha_bar that is none of those given."""


class TooMany(Told):
    """Many more evaluations than the solve needs."""


def _rows(c: Tensor, x: Tensor) -> Tensor:
    """(b,) coefficients shaped for x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))


def _one_time_each(x: Tensor, t: Any) -> None:
    if not isinstance(t, Tensor) or not t.dim():
        raise ANumber(f"a function of (x, t) takes one time for each sample, a tensor {(len(x),)}, not one number.")
    shape = tuple(t.shape)
    if shape != (len(x),):
        raise OneTime(f"a function of (x, t) takes one time for each sample, a tensor {(len(x),)}, not {shape}.")


# ---- divergences

class _Field:
    """A field in the plane or on images, (b, *) and (b,) to (b, *): curved, and its Jacobian is not symmetric."""

    def __init__(self, pool: Tensor):
        self.pool = pool

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or isinstance(t, Tensor) and t.dim() > 1:
            raise OneTime("fn is called as fn(x, t): first the states, then one time for each of them.")
        _one_time_each(x, t)
        d = x.shape[1:].numel()
        W = self.pool[:d * d].reshape(d, d).to(x) + torch.eye(d).to(x)
        flat = torch.sin(x.reshape(len(x), d) @ W.T + t[:, None].to(x)) + 0.3 * x.reshape(len(x), d) ** 2
        return flat.reshape(x.shape)


def _field_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3), t=rng.uniform(4), images=rng.normal(3, 2, 2, 3), times=rng.uniform(3),
                pool=0.7 * rng.normal(144), probe=rng.normal(4, 3), signs=rng.normal(3, 2, 2, 3).sign())


@task("ode.exact_divergence", inputs=_field_inputs)
def exact_divergence(nb, x, t, images, times, pool, probe, signs):
    """Points with gradients on, then off; what is left of a graph on either side; images; one alone; float64."""
    return _divergences(lambda fn, x, t, _: nb.exact_divergence(fn, x, t), x, t, images, times, pool, probe, signs)


@task("ode.hutchinson_divergence", inputs=_field_inputs)
def hutchinson_divergence(nb, x, t, images, times, pool, probe, signs):
    """The same with probes, which for the images are signs; and a probe of nothing but ones."""
    yield from _divergences(nb.hutchinson_divergence, x, t, images, times, pool, probe, signs)
    yield dict(twice_the_probe=one_tensor(lambda: nb.hutchinson_divergence(_Field(pool), x, t, 2 * probe)))


def _divergences(ask: Callable, x: Tensor, t: Tensor, images: Tensor, times: Tensor, pool: Tensor, probe: Tensor,
                 signs: Tensor) -> Any:
    fn = _Field(pool)
    on = steady(lambda: one_tensor(lambda: ask(fn, x, t, probe)), "with the same arguments")
    yield dict(divergence=on)
    yield dict(x_asks_for_a_gradient=torch.tensor(x.requires_grad))
    with torch.no_grad():
        off = one_tensor(lambda: ask(fn, x, t, probe))
    yield dict(where_gradients_are_off=off, a_graph_is_kept=torch.tensor(on.requires_grad))
    yield dict(of_images=one_tensor(lambda: ask(fn, images, times, signs)))
    yield dict(one_alone=one_tensor(lambda: ask(fn, x[1:2], t[1:2], probe[1:2])),
               float64=one_tensor(lambda: ask(fn, x.double(), t.double(), probe.double())))


# ---- the flow of a small SDE

class _Bent:
    """An SDE of notebook 09's kind, f = −pull·(1 + t)·x and g² = 0.4 + heat·t, with its own T; notes what it was asked.

    Its score is a polynomial of degree 2 in x, so that each sample has a divergence of its own.
    """

    T, N = 0.6, 100

    def __init__(self, pull: Tensor, heat: Tensor, matrix: Tensor, shift: Tensor, like: Tensor):
        d = like.shape[1:].numel()
        stretch = matrix[:d, :d] @ matrix[:d, :d].T / d + torch.eye(d)
        self.pull, self.heat, self.stretch, self.shift = (c.to(like) for c in (pull, heat, stretch, shift[:d]))
        self.shape, self.dtype, self.asked = like.shape, like.dtype, []

    def _look(self, x: Any, t: Any, name: str) -> None:
        if not isinstance(x, Tensor):
            raise FromNumpy(f"{name} takes tensors, not a {type(x).__name__}.")
        if x.shape[1:] != self.shape[1:]:
            raise OtherShape(f"{name} is given x of shape {tuple(x.shape)}; the data's is {tuple(self.shape)}.")
        _one_time_each(x, t)
        if x.dtype != self.dtype or t.dtype not in (self.dtype, torch.float64):
            raise OtherDtype(f"{name} is given x of {x.dtype} and t of {t.dtype}; the data's "
                             f"dtype is {self.dtype}.")
        if not ((t > -1e-6) & (t < self.T + 1e-6)).all():
            raise Outside(f"{name} is asked at time {t.max().item():g}; it is known from 0 to sde.T = {self.T:g}.")

    def sde(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        self._look(x, t, "sde.sde")
        self.asked.append(float(t[0]))
        if len(self.asked) > 1500:
            raise TooMany("the solver does not come to an end: its slope is no smooth function of x and t.")
        return -_rows(self.pull * (1 + t), x) * x, (0.4 + self.heat * t).sqrt()

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        self._look(x, t, "score_fn")
        slope = self.shift - x.reshape(len(x), -1) @ self.stretch
        slope = slope + 0.1 * x.reshape(len(x), -1) ** 2
        return (slope * (1 + 0.5 * t[:, None])).reshape(x.shape)

    def reverse(self, score_fn: Callable, probability_flow: bool = False) -> SimpleNamespace:
        """As notebook 09's classes have it: an object whose sde gives drift and diffusion."""
        def sde(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            f, g = self.sde(x, t)
            pull = _rows(g**2, x) * score_fn(x, t)
            return (f - pull / 2, torch.zeros_like(g)) if probability_flow else (f - pull, g)

        return SimpleNamespace(sde=sde, T=self.T, N=self.N)

    def prior_logp(self, z: Tensor) -> Tensor:
        """Of a normal distribution of standard deviation 1.5."""
        if not isinstance(z, Tensor):
            raise FromNumpy(f"sde.prior_logp takes a tensor (b, *), not a {type(z).__name__}.")
        if z.shape[1:] != self.shape[1:]:
            raise OtherShape(f"sde.prior_logp is given z of shape {tuple(z.shape)}; the data's is {tuple(self.shape)}.")
        flat = z.reshape(len(z), -1)
        return -flat.square().sum(1) / 4.5 - flat.shape[1] * float(np.log(1.5 * np.sqrt(2 * np.pi)))


def _differences(fn: Callable, x: Tensor, t: Tensor) -> Tensor:
    """The divergence of a field of degree 2 in x, by its central differences along the axes."""
    _one_time_each(x, t)
    total, x = 0, x.detach()
    for i in range(x.shape[1:].numel()):
        along = torch.zeros_like(x).reshape(len(x), -1)
        along[:, i] = 1
        along = along.reshape(x.shape)
        change = (fn(x + along, t) - fn(x - along, t)).detach() / 2
        total = total + change.reshape(len(x), -1)[:, i]
    return total


def _flow_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(points=0.7 * rng.normal(3, 2), images=0.7 * rng.normal(2, 1, 1, 3), one=0.7 * rng.normal(1, 2),
                pull=rng.uniform(low=0.5, high=1.0), heat=rng.uniform(low=1.0, high=2.0), matrix=rng.normal(3, 3),
                shift=0.5 * rng.normal(3))


@task("ode.ode_sample", inputs=_flow_inputs, rtol=1e-3, atol=1e-3)
def ode_sample(nb, points, images, one, **line):
    """Points, images, one alone, float64; another t_min, and a tolerance so loose that it shows."""
    def ask(z: Tensor, **options: float) -> Any:
        sde = _Bent(like=z, **line)
        return one_tensor(lambda: nb.ode_sample(sde, sde.score, z, **options))

    yield dict(x=ask(points))
    yield dict(a_graph_is_kept=torch.tensor(ask(one).requires_grad))
    yield dict(of_images=ask(images), one_alone=ask(one), float64=ask(points.double()))
    yield dict(with_t_min_03=ask(points, t_min=0.3), at_a_tight_tolerance=ask(points.double(), rtol=1e-7, atol=1e-7))
    yield dict(fewer_evaluations_at_loose_tolerances=torch.tensor(
        [_fewer(nb.ode_sample, one, line, rtol, atol) for rtol, atol in ((0.1, 0.1), (0.1, 1e-5), (1e-5, 0.1))]))


@task("ode.likelihood_ode", inputs=_flow_inputs, rtol=1e-3, atol=1e-3)
def likelihood_ode(nb, points, images, one, **line):
    """The noise, then the log-density: of points, images, one alone, in float64, from another t_min."""
    def ask(x: Tensor, name: str, **options: float) -> dict[str, Any]:
        sde = _Bent(like=x, **line)
        out = answer_of(lambda: nb.likelihood_ode(sde, sde.score, x, **options))
        if not isinstance(out, (tuple, list)):
            raise Alone("likelihood_ode returns three things, (logp, z, nfe), and here is one.")
        if len(out) != 3:
            raise NotThree("likelihood_ode returns three things, (logp, z, nfe).")
        for part in out[:2]:
            answer_of(lambda part=part: part)
        return {f"z{name}": out[1], f"logp{name}": out[0]}

    with stand_ins(nb, exact_divergence=exact_divergence_of(_differences)):
        yield ask(points, "")
        yield ask(images, "_of_images")
        yield ask(one.double(), "_of_one_alone_in_float64")
        yield ask(points, "_with_t_min_03", t_min=0.3)
        yield dict(fewer_evaluations_at_loose_tolerances=torch.tensor(
            _fewer(nb.likelihood_ode, one, line, 0.1, 0.1)))


def exact_divergence_of(differences: Callable) -> Callable:
    """`differences` under the name and with the arguments of the notebook's function."""
    def exact_divergence(fn: Callable, x: Tensor, t: Tensor) -> Tensor:
        return differences(fn, x, t)

    return exact_divergence


def _fewer(solve: Callable, x: Tensor, line: dict[str, Tensor], rtol: float, atol: float) -> bool:
    """Whether looser tolerances ask the SDE less often."""
    def asked(**options: float) -> int:
        sde = _Bent(like=x, **line)
        solve(sde, sde.score, x, **options)
        return len(sde.asked)

    return asked(rtol=rtol, atol=atol) < asked()


# ---- bits

def _bits_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(logp=300 * rng.normal(5) + 200, dims=rng.integers(low=50, high=900), low=rng.uniform(low=-3, high=-0.5),
                high=rng.uniform(low=0.5, high=4.0))


@task("ode.bits_per_dim", inputs=_bits_inputs)
def bits_per_dim(nb, logp, dims, low, high):
    """On [-1, 1], on [0, 1], on some other range; one picture; whole numbers."""
    dims, other = int(dims), (float(low), float(high))
    yield dict(from_minus_1_to_1=answer_of(lambda: nb.bits_per_dim(logp, dims, (-1, 1))))
    yield dict(from_0_to_1=answer_of(lambda: nb.bits_per_dim(logp, dims, (0, 1))))
    yield dict(on_another_range=answer_of(lambda: nb.bits_per_dim(logp, dims, other)),
               one_alone=answer_of(lambda: nb.bits_per_dim(logp[:1], dims, (-1.0, 1.0))))


# ---- DDIM with fresh noise

def _sigma_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(alpha_bar_t=rng.uniform(5, low=0.05, high=0.45), alpha_bar_s=rng.uniform(5, low=0.5, high=0.95))


@task("ode.ddim_sigma", inputs=_sigma_inputs)
def ddim_sigma(nb, alpha_bar_t, alpha_bar_s):
    """At η = 0.4, 1 and 0; on the way to clean data; one alone."""
    yield dict(at_eta_04=answer_of(lambda: nb.ddim_sigma(0.4, alpha_bar_t, alpha_bar_s)))
    yield dict(at_eta_1=nb.ddim_sigma(1.0, alpha_bar_t, alpha_bar_s),
               at_eta_0=nb.ddim_sigma(0.0, alpha_bar_t, alpha_bar_s))
    yield dict(to_clean_data=nb.ddim_sigma(0.4, alpha_bar_t, torch.ones(5)),
               one_alone=nb.ddim_sigma(0.4, alpha_bar_t[:1], alpha_bar_s[:1]))


# The levels of a step, and the standard deviation of the fresh noise between them at η = 1
_STEPS = torch.tensor([[0.2, 0.6, 0.577350], [0.35, 0.5, 0.480384], [0.5, 0.9, 0.298142], [0.1, 0.3, 0.720082],
                       [0.4, 1.0, 0.0]])


def _known_sigma(eta: float, alpha_bar_t: Tensor, alpha_bar_s: Tensor) -> Tensor:
    """The standard deviation for the levels above, and for no others."""
    found = ((_STEPS[:, 0] - alpha_bar_t.reshape(-1, 1)).abs() < 1e-4) & (
        (_STEPS[:, 1] - alpha_bar_s.reshape(-1, 1)).abs() < 1e-4)
    if not found.any(1).all():
        raise OtherLevel("`ddim_sigma` is asked for levels that are not those of this step: it takes eta, alpha_bar_t "
                         "and alpha_bar_s, in this order and as they were given.")
    return eta * _STEPS[found.long().argmax(1), 2].to(alpha_bar_t).reshape(alpha_bar_t.shape)


def _eta_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=rng.normal(5, 3, 4, 2), noise_pred=rng.normal(5, 3, 4, 2), z=rng.normal(5, 3, 4, 2),
                points=rng.normal(4, 2), noise_of_points=rng.normal(4, 2), z_of_points=rng.normal(4, 2))


@task("ode.ddim_step_eta", inputs=_eta_inputs)
def ddim_step_eta(nb, x_t, noise_pred, z, points, noise_of_points, z_of_points):
    """Without fresh noise, at η = 0.4 and 1; points; one alone; steps to clean data."""
    left_t, left_s = _STEPS[:, 0].clone(), _STEPS[:, 1].clone()

    def known(eta, alpha_bar_t, alpha_bar_s):
        return _known_sigma(eta, alpha_bar_t, alpha_bar_s)

    with stand_ins(nb, ddim_sigma=known):
        yield dict(at_eta_0=one_tensor(lambda: nb.ddim_step_eta(x_t, noise_pred, left_t, left_s, 0.0, z)))
        yield dict(at_eta_04=steady(lambda: nb.ddim_step_eta(x_t, noise_pred, left_t, left_s, 0.4, z),
                                    "with the same arguments (the fresh noise is z)"))
        yield dict(at_eta_1=nb.ddim_step_eta(x_t, noise_pred, left_t, left_s, 1.0, z),
                   points=nb.ddim_step_eta(points, noise_of_points, left_t[:4], left_s[:4], 0.4, z_of_points),
                   one_alone=nb.ddim_step_eta(x_t[:1], noise_pred[:1], left_t[:1], left_s[:1], 0.4, z[:1]))


# ---- Heun's step

class _Drift:
    """A curved drift of x and the time, (b, *) and (b,) to (b, *); counts its evaluations."""

    def __init__(self, w: Tensor):
        self.w, self.calls = w, 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        _one_time_each(x, t)
        self.calls += 1
        return torch.sin(self.w.to(x) * x + 1.5 * _rows(t.to(x), x)) + _rows(t.to(x) ** 2, x)


def _heun_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 2, 3, 2), t=rng.uniform(4, low=0.6, high=1.0), s=rng.uniform(4, high=0.4),
                w=rng.uniform(low=1.0, high=2.0), points=rng.normal(3, 2))


@task("ode.heun_step", inputs=_heun_inputs)
def heun_step(nb, x, t, s, w, points):
    """Down and up in time; how often the drift was asked; points; one alone."""
    drift = _Drift(w)
    yield dict(x_s=one_tensor(lambda: nb.heun_step(drift, x, t, s)))
    yield dict(evaluations=torch.tensor(drift.calls))
    yield dict(upwards=nb.heun_step(drift, x, s, t), points=nb.heun_step(drift, points, t[:3], s[:3]),
               one_alone=nb.heun_step(drift, x[:1], t[:1], s[:1]))
