"""Probes of notebook 09: SDEs, the way back, predictors, correctors, a projection.

Each probe sees one task only. Where a task asks an SDE for its coefficients, `_Line` stands there: at each of a few
known times it has a drift, a diffusion and a marginal of its own, which are drawn numbers and follow from no schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, fixed_draws, stand_ins

NOTEBOOK = "09_score_sde"
QUESTIONS = {"sde.1": 5, "sde.2": 5, "sde.3": 5}  # points, graded by hand


# What the probes say where a function is called, or answers, in another way: a class for each

class NotAPair(Told):
    """Something else than two values came back."""


class ANumber(Told):
    """A number where a tensor belongs."""


class NoTensor(Told):
    """A number where a time for each sample is taken."""


class OtherTimes(Told):
    """Times that the SDE, or the score, is not asked about."""


class OtherShape(Told):
    """x and t of one call differ in length."""


class Unsteady(Told):
    """Another answer at every call."""


class NotCallable(Told):
    """get_score_fn gave no function."""


def _pair(out: Any, names: str) -> tuple[Any, Any]:
    """Two values that a function returned, as they are."""
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        what = f"{len(out)} values" if isinstance(out, (tuple, list)) else type(out).__name__
        raise NotAPair(f"two values are to be returned, {names}, and here is {what}.")
    for name, value in zip(names.split(" and "), out, strict=True):
        if isinstance(value, (int, float)):
            raise ANumber(f"{name} is the number {value:g}; it should be a tensor.")
    return tuple(out)


def _steady(call: Callable[[], Any], x: Tensor) -> Any:
    """What `call` gives; a sentence where a second call gives something else, though x is as it was."""
    before = x.clone()
    with fixed_draws():
        out = call()
        again = call() if torch.equal(x, before) else out
    for one, other in zip(*((y if isinstance(y, (tuple, list)) else [y]) for y in (out, again)), strict=False):
        if isinstance(one, Tensor) and not torch.allclose(one, other, equal_nan=True):
            raise Unsteady("with the same arguments every call gives another answer.")
    return out


def _rows(c: Tensor, x: Tensor) -> Tensor:
    """(b,) as (b, 1, …, 1)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))


class _Score:
    """In the score's place: an answer that depends on each sample and on its own time, and that is not linear."""

    def __init__(self, w: Tensor, learns: bool = False):
        self.w = w.clone().requires_grad_(learns)

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        if not isinstance(t, Tensor) or t.dim() != 1:
            raise NoTensor("score_fn is called as score_fn(x, t) with a time for each sample, a tensor (b,).")
        if len(t) != len(x):
            raise OtherShape(f"score_fn is called with {len(x)} samples and {len(t)} times.")
        return torch.tanh(self.w * x) * (1 + _rows(t, x)) - 0.3 * x


class _Line:
    """In an SDE's place: coefficients (k,) at each of k known times (k,)."""

    T, N = 1, 50

    def __init__(self, times: Tensor, pull: Tensor, g: Tensor, keep: Tensor, std: Tensor):
        self.times, self.table = times, dict(pull=pull, g=g, keep=keep, std=std)

    def _at(self, name: str, x: Tensor, t: Any) -> Tensor:
        if not isinstance(t, Tensor) or t.dim() != 1:
            raise NoTensor("an SDE is asked about a time for each sample, a tensor (b,).")
        if len(t) != len(x):
            raise OtherShape(f"an SDE is asked about {len(x)} samples at {len(t)} times.")
        same = torch.isclose(t[:, None].double(), self.times.double(), atol=1e-6)
        if not same.any(1).all():
            raise OtherTimes("the SDE is asked about another time than t.")
        return self.table[name][same.int().argmax(1)].to(x.dtype)

    def sde(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Drift (b, *), which is not proportional to x, and diffusion (b,)."""
        return _rows(self._at("pull", x, t), x) * torch.sin(x), self._at("g", x, t)

    def marginal_prob(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (b, *) and std (b,)."""
        return _rows(self._at("keep", x, t), x) * x, self._at("std", x, t)


def _line_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(times=torch.tensor([0.11, 0.35, 0.52, 0.8, 0.97]), pull=-rng.uniform(5, low=0.3, high=1.5),
                g=rng.uniform(5, low=0.5, high=2.5), keep=rng.uniform(5, low=0.2, high=0.9),
                std=rng.uniform(5, low=0.3, high=1.8))


# The SDEs

def _marginal_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 5, 4), t=rng.uniform(4, low=0.05), beta_min=rng.uniform(low=0.2, high=0.5),
                beta_max=rng.uniform(low=3.0, high=9.0), points=rng.normal(5, 2), t_of_points=rng.uniform(5, low=0.1))


@task("sde.VPSDE.marginal_prob", inputs=_marginal_inputs)
def vp_marginal_prob(nb, x, t, beta_min, beta_max, points, t_of_points):
    """With the usual schedule and with another; one image, points; near the data, in float64."""
    if not hasattr(nb.VPSDE, "marginal_prob"):
        raise NotImplementedError("VPSDE has no marginal_prob yet; run the cell of sde.VPSDE.marginal_prob (again).")

    def ask(sde: Any, x: Tensor, t: Tensor) -> tuple[Any, Any]:
        return _pair(sde.marginal_prob(x, t), "mean and std")

    usual, other = nb.VPSDE(), nb.VPSDE(beta_min=float(beta_min), beta_max=float(beta_max), N=100)
    mean, std = ask(usual, x, t)
    yield dict(mean=mean, std=std)
    mean, std = ask(other, x, t)
    yield dict(mean_with_other_betas=mean, std_with_other_betas=std)
    mean, std = ask(other, points, t_of_points)
    yield dict(mean_of_points=mean, std_of_points=std)
    mean, std = ask(usual, x[:1], t[:1])
    yield dict(mean_of_one=mean, std_of_one=std)
    mean, std = ask(usual, x[:2].double(), torch.tensor([0.01, 0.0], dtype=torch.float64))
    yield dict(mean_near_data=mean, std_near_data=std)


def _ve_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 5, 4), t=rng.uniform(4), sigma_min=rng.uniform(low=0.02, high=0.1),
                sigma_max=rng.uniform(low=3.0, high=30.0), points=rng.normal(5, 2), t_of_points=rng.uniform(5))


@task("sde.VESDE.sde", inputs=_ve_inputs)
def ve_sde(nb, x, t, sigma_min, sigma_max, points, t_of_points):
    """With the usual sigmas and with others; points; one image; in float64."""
    if not hasattr(nb.VESDE, "sde"):
        raise NotImplementedError("VESDE has no sde yet; run the cell of sde.VESDE.sde (again).")

    def ask(sde: Any, x: Tensor, t: Tensor) -> tuple[Any, Any]:
        return _pair(sde.sde(x, t), "drift and diffusion")

    usual, other = nb.VESDE(), nb.VESDE(sigma_min=float(sigma_min), sigma_max=float(sigma_max), N=100)
    drift, diffusion = ask(other, x, t)
    yield dict(drift=drift, diffusion=diffusion)
    drift, diffusion = ask(usual, points, t_of_points)
    yield dict(drift_of_points=drift, diffusion_with_other_sigmas=diffusion)
    drift, diffusion = ask(other, x[:1].double(), t[:1].double())
    yield dict(drift_of_one=drift, diffusion_of_one=diffusion)


# The way back

def _reverse_inputs(rng: Rng) -> dict[str, Tensor]:
    return _line_inputs(rng) | dict(x=rng.normal(4, 3, 5, 4), points=rng.normal(3, 2),
                                    w=rng.uniform(low=0.5, high=1.5))


@task("sde.reverse_sde", inputs=_reverse_inputs)
def reverse_sde(nb, x, points, w, **line):
    """The SDE, the flow and its diffusion; points; one sample; by keyword."""
    sde, score, t = _Line(**line), _Score(w), line["times"][[3, 1, 4, 0]]
    drift, diffusion = _pair(nb.reverse_sde(sde, score, x, t), "drift and diffusion")
    yield dict(drift=drift, diffusion=diffusion)
    drift, diffusion = _flow_pair(nb.reverse_sde(sde, score, x, t, True), len(x))
    yield dict(drift_of_flow=drift, diffusion_of_flow=diffusion)
    drift, diffusion = _pair(nb.reverse_sde(sde, score, points, t[:3], probability_flow=False), "drift and diffusion")
    yield dict(drift_of_points=drift, diffusion_of_points=diffusion)
    drift, _ = _flow_pair(nb.reverse_sde(sde, score, x[:1], t[2:3], True), 1)
    yield dict(drift_of_flow_of_one=drift)


def _flow_pair(out: Any, b: int) -> tuple[Any, Tensor]:
    """A drift and a diffusion of zeros, for which the number 0 may stand."""
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        return _pair(out, "drift and diffusion")
    drift, diffusion = out
    if not isinstance(diffusion, Tensor):
        diffusion = torch.tensor(float(diffusion))
    return drift, diffusion.float().expand(b) if diffusion.dim() == 0 else diffusion


class _Free(_Line):
    """Another SDE of that kind: the one that `_known_reverse` knows."""

    def reverse(self, score_fn: Callable, probability_flow: bool = False) -> SimpleNamespace:
        """Its way back."""
        return SimpleNamespace(sde=lambda x, t: _known_reverse(self, score_fn, x, t, probability_flow))


def _known_reverse(sde: Any, score_fn: Callable, x: Tensor, t: Tensor, probability_flow: bool = False) -> tuple:
    """In the place of the reader's reverse_sde: knows `_Free` alone."""
    if not isinstance(sde, _Free):
        raise OtherTimes("reverse_sde is asked about another SDE than the one that was given.")
    drift, g = sde.sde(x, t)
    flow = drift - _rows(g * g, x) * score_fn(x, t) / (2 if probability_flow else 1)
    return flow, g * (not probability_flow)


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return _line_inputs(rng) | dict(x=rng.normal(4, 3, 5, 4), z=rng.normal(4, 3, 5, 4), points=rng.normal(3, 2),
                                    z_of_points=rng.normal(3, 2), dt=rng.uniform(low=0.02, high=0.2),
                                    w=rng.uniform(low=0.5, high=1.5))


@task("sde.euler_maruyama_step", inputs=_step_inputs)
def euler_maruyama_step(nb, x, z, points, z_of_points, dt, w, **line):
    """A step; without noise; points with another length; one sample."""
    sde, score, t, dt = _Free(**line), _Score(w), line["times"][[3, 1, 4, 0]], float(dt)
    with stand_ins(nb, reverse_sde=_known_reverse):
        step = _steps(nb.euler_maruyama_step, sde, score)
        yield from step(x, t, dt, z)
        yield from step(points, t[:3], 0.5 * dt, z_of_points, of="_of_points")
        yield from step(x[:1], t[1:2], dt, z[:1], of="_of_one")


def _steps(step: Callable, sde: Any, score: Callable) -> Callable:
    """What a step gives, x_mean first: it has fewer parts."""
    def ask(x: Tensor, *rest: Any, of: str = "") -> Any:
        after, mean = _pair(_steady(lambda: step(sde, score, x, *rest), x), "x and x_mean")
        yield {f"x_mean{of}": mean, f"x{of}": after}

    return ask


# From a network to a score

def _given_inputs(rng: Rng) -> dict[str, Tensor]:
    i = torch.cat([torch.tensor([0, 13]), rng.integers(2, high=18)])
    return dict(x=rng.normal(4, 3, 5, 4), i=i, w=rng.uniform(low=0.5, high=1.5), points=rng.normal(3, 2),
                std=rng.uniform(4, low=0.2, high=0.9))


class _Model:
    """In the network's place: notes labels, and answers by x and its sample's label."""

    def __init__(self, w: Tensor):
        self.w, self.labels = w, None

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        if not isinstance(labels, Tensor) or labels.shape != (len(x),):
            shape = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels).__name__
            raise NoTensor(f"the model takes one label for each sample, a tensor {(len(x),)}, not {shape}.")
        self.labels = labels
        return torch.tanh(self.w * x) + 0.01 * _rows(labels, x) + 0.2


def _with_std(sde: Any, times: Tensor, std: Tensor, keep: float = 0.7) -> Any:
    """The SDE with a marginal_prob that knows these times alone."""
    def marginal_prob(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if not isinstance(t, Tensor) or t.shape != (len(x),):
            raise NoTensor("marginal_prob is asked about a time for each sample, a tensor (b,).")
        same = torch.isclose(t[:, None].double(), times.double(), atol=1e-6)
        if not same.any(1).all():
            raise OtherTimes("marginal_prob is asked about another time than t.")
        return keep * x, std[same.int().argmax(1)].to(x.dtype)

    sde.marginal_prob = marginal_prob
    return sde


@task("sde.get_score_fn", inputs=_given_inputs)
def get_score_fn(nb, x, i, w, points, std):
    """Labels, then scores: VP continuous and discrete, VE likewise, sub-VP; then points and one sample."""
    N = 20
    t = (i + 0.2) / (N - 1)
    vp, sub = (_with_std(cls(0.1, 5.0, N), t, std) for cls in (nb.VPSDE, nb.subVPSDE))
    ve = _with_std(nb.VESDE(0.02, 8.0, N), t, std)
    model = _Model(w)

    def ask(sde: Any, x: Tensor, t: Tensor, *continuous: bool) -> Any:
        score_fn = nb.get_score_fn(sde, model, *continuous)
        if not callable(score_fn):
            raise NotCallable("get_score_fn returns a function, which is asked for a score later.")
        return score_fn(x, t)

    for name, sde, continuous in (("vp", vp, True), ("vp_discrete", vp, False), ("ve", ve, True),
                                  ("ve_discrete", ve, False), ("sub_vp", sub, True), ("sub_vp_discrete", sub, False)):
        score = ask(sde, x, t, continuous)
        yield {f"labels_{name}": model.labels, f"score_{name}": score}
    yield dict(continuous_unless_told=ask(vp, points, t[:3]), one_alone=ask(ve, x[:1], t[:1], False),
               of_one_discrete=ask(vp, x[1:2], t[1:2], False))


# Losses

def _loss_inputs(rng: Rng) -> dict[str, Tensor]:
    return _line_inputs(rng) | dict(x=rng.normal(4, 3, 5, 4), z=rng.normal(4, 3, 5, 4), points=rng.normal(3, 2),
                                    z_of_points=rng.normal(3, 2), w=rng.uniform(low=0.5, high=1.5))


@task("sde.sde_loss", inputs=_loss_inputs)
def sde_loss(nb, x, z, points, z_of_points, w, **line):
    """Both weightings, with the gradient in the score's parameter; points; one sample."""
    sde, t = _Line(**line), line["times"][[3, 1, 4, 0]]

    def ask(x: Tensor, t: Tensor, z: Tensor, *weighting: bool) -> tuple[Tensor, Tensor]:
        score = _Score(w, learns=True)
        loss = _steady(lambda: nb.sde_loss(sde, score, x, t, z, *weighting), x)
        if not isinstance(loss, Tensor):
            raise ANumber(f"the loss is of type {type(loss).__name__}; it should be a tensor, with its graph.")
        grad = torch.autograd.grad(loss, score.w)[0] if loss.dim() == 0 and loss.requires_grad else torch.tensor(0.0)
        return loss, grad

    loss, grad = ask(x, t, z, False)
    yield dict(loss=loss, grad=grad)
    loss, grad = ask(x, t, z, True)
    yield dict(loss_weighted=loss, grad_weighted=grad)
    yield dict(loss_of_points=ask(points, t[:3], z_of_points, False)[0],
               weighted_of_points=ask(points, t[:3], z_of_points, True)[0])
    yield dict(loss_of_one=ask(x[:1], t[:1], z[:1], True)[0])


# Predictors and correctors

def _chain_inputs(rng: Rng) -> dict[str, Tensor]:
    i = torch.cat([torch.tensor([0, 18]), rng.integers(2, low=1, high=18)])
    return dict(x=rng.normal(4, 3, 5, 4), z=rng.normal(4, 3, 5, 4), i=i, points=rng.normal(3, 2),
                z_of_points=rng.normal(3, 2), w=rng.uniform(low=0.5, high=1.5), snr=rng.uniform(low=0.1, high=0.4))


@task("sde.ancestral_predictor", inputs=_chain_inputs)
def ancestral_predictor(nb, x, z, i, points, z_of_points, w, snr):
    """VP and VE at several indices, the first among them; the last; points; one sample."""
    score, t = _Score(w), (i + 0.2) / 19
    end = torch.ones(3)
    for name, sde in (("_vp", nb.VPSDE(0.1, 5.0, N=20)), ("_ve", nb.VESDE(0.05, 4.0, N=20))):
        step = _steps(nb.ancestral_predictor, sde, score)
        yield from step(x, t, z, of=name)
        yield from step(points, end, z_of_points, of=f"{name}_at_the_end")
        yield from step(x[1:2], t[2:3], z[1:2], of=f"{name}_of_one")


@task("sde.langevin_corrector", inputs=_chain_inputs)
def langevin_corrector(nb, x, z, i, points, z_of_points, w, snr):
    """VE, VP, sub-VP; points; one sample."""
    score, t, snr = _Score(w), (i + 0.2) / 19, float(snr)
    x = x * torch.tensor([0.2, 1.0, 3.0, 1.5]).reshape(4, 1, 1, 1)  # norms that differ
    for name, sde in (("_ve", nb.VESDE(0.05, 4.0, N=20)), ("_vp", nb.VPSDE(0.1, 5.0, N=20)),
                      ("_sub_vp", nb.subVPSDE(0.1, 5.0, N=20))):
        step = _steps(nb.langevin_corrector, sde, score)
        yield from step(x, t, snr, z, of=name)
        yield from step(points, t[:3], 0.5 * snr, z_of_points, of=f"{name}_of_points")
        yield from step(x[2:3], t[2:3], snr, z[2:3], of=f"{name}_of_one")


# What is known

def _inpaint_inputs(rng: Rng) -> dict[str, Tensor]:
    return _line_inputs(rng) | dict(x=rng.normal(4, 3, 5, 4), known=rng.normal(4, 3, 5, 4), z=rng.normal(4, 3, 5, 4),
                                    mask=rng.integers(4, 3, 5, 4, high=2).float(), points=rng.normal(3, 2),
                                    known_points=rng.normal(3, 2), z_of_points=rng.normal(3, 2))


@task("sde.inpaint_step", points=10, inputs=_inpaint_inputs)
def inpaint_step(nb, x, known, z, mask, points, known_points, z_of_points, **line):
    """A mask for each pixel, one for all samples and channels, one for a coordinate of points; all known, nothing."""
    sde, t = _Line(**line), line["times"][[3, 1, 4, 0]]
    yield dict(x=_steady(lambda: nb.inpaint_step(sde, x, known, mask, t, z), x))
    yield dict(with_one_mask=nb.inpaint_step(sde, x, known, mask[:1, :1], t, z))
    yield dict(points=nb.inpaint_step(sde, points, known_points, torch.tensor([[1.0, 0.0]]), t[:3], z_of_points),
               one_alone=nb.inpaint_step(sde, x[:1], known[:1], mask[:1], t[:1], z[:1]))
    yield dict(all_known=nb.inpaint_step(sde, x, known, torch.ones_like(x), t, z),
               nothing_known=nb.inpaint_step(sde, x, known, torch.zeros_like(x), t, z))
