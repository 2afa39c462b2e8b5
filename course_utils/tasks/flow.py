"""Probes of notebook 12: straight lines, the mean of their velocities, Euler's sampler, reflow, the general table.

Each probe sees one task only. For `loss` the points on the lines are known for the probe's own batch alone; for
`reflow_pairs` the velocity depends on the time alone, so that what stands in for `euler_sample` is right for it and for
hardly another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, fixed_draws, stand_ins, steady
from course_utils.tasks.refusals import answer_of, one_tensor

NOTEBOOK = "12_rectified_flow"
QUESTIONS = {"flow.1": 5, "flow.2": 5, "flow.3": 5, "flow.4": 5}  # points, graded by hand


# What the probes say where a function is called, or answers, in another way: a class for each

class NotAPair(Told):
    """Other than two results where a pair is wanted."""


class ANumber(Told):
    """A time that is a number, where one for each sample is taken."""


class OneTime(Told):
    """Other than one time for each sample."""


class NoTensor(Told):
    """Something else than a tensor where a state is taken."""


class OtherShape(Told):
    """A state of another shape than the data's."""


class OtherDtype(Told):
    """A state or a time of another dtype than the data's."""


class OtherPlace(Told):
    """Another function of the notebook is asked with other arguments than those given."""


class OtherTimes(Told):
    """The place is asked for at other times than those given."""


class Swapped(Told):
    """Two arguments of another function of the notebook change places."""


class OtherCondition(Told):
    """The condition arrives in another form."""


def _pair(ask: Callable[[], Any], names: tuple[str, str], suffix: str = "") -> dict[str, Any]:
    """Two results under their names; a sentence of ours where it is not two."""
    out = answer_of(ask)
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        raise NotAPair(f"two tensors are to be returned, {names[0]} and {names[1]}, in this order.")
    for part in out:
        answer_of(lambda part=part: part)
    return {f"{name}{suffix}": part for name, part in zip(names, out, strict=True)}


def _look(x: Any, t: Any, shape: torch.Size, dtype: torch.dtype) -> None:
    """Whether a model is asked as it should be: states of the data's shape, a time for each."""
    if not isinstance(x, Tensor):
        raise NoTensor(f"the model is asked at a {type(x).__name__}; it takes a tensor of places and one of times.")
    if x.shape[1:] != shape:
        like = ", ".join(map(str, ("b", *shape)))
        raise OtherShape(f"the model is asked at x of shape {tuple(x.shape)}; the data's is ({like}).")
    if not isinstance(t, Tensor) or not t.dim():
        raise ANumber(f"the model takes one time for each sample, a tensor {(len(x),)}, not one number.")
    if tuple(t.shape) != (len(x),):
        raise OneTime(f"the model takes one time for each sample, a tensor {(len(x),)}, not {tuple(t.shape)}.")
    if x.dtype != dtype or t.dtype not in (dtype, torch.float64):
        raise OtherDtype(f"the model is asked at x of {x.dtype} and t of {t.dtype}; the data's dtype is {dtype}.")


# ---- lines and their loss

def _line_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 4, 4), z=rng.normal(4, 3, 4, 4), t=rng.uniform(4, low=0.1, high=0.9),
                points=rng.normal(3, 2), noise=rng.normal(3, 2), times=rng.uniform(3, low=0.1, high=0.9))


@task("flow.interpolate", inputs=_line_inputs)
def interpolate(nb, x, z, t, points, noise, times):
    """Pictures as wide as the batch; points; one alone; both ends; float64."""
    names = ("x_t", "u")
    yield _pair(lambda: nb.interpolate(x, z, t), names)
    yield _pair(lambda: nb.interpolate(points, noise, times), names, "_of_points")
    yield _pair(lambda: nb.interpolate(points[:1], noise[:1], times[:1]), names, "_of_one_alone")
    ends = torch.tensor([0.0, 1.0, 0.5])
    yield _pair(lambda: nb.interpolate(points.double(), noise.double(), ends.double()), names, "_at_both_ends")


class _Learner(nn.Module):
    """A velocity of points or pictures with weights that learn; it looks at what it is given."""

    def __init__(self, pool: Tensor, shape: torch.Size):
        super().__init__()
        self.w, self.shape = nn.Parameter(pool[:shape.numel()].reshape(shape).clone()), shape

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        _look(x, t, self.shape, torch.float32)
        if y is not None and (not isinstance(y, Tensor) or y.shape != (len(x),)):
            raise OtherCondition("the model is given another y than the loss was: hand it on as it is.")
        time = t.reshape(-1, *[1] * (x.dim() - 1))
        wish = 0.0 if y is None else y.reshape(time.shape)
        return torch.sin(self.w * x + 2 * time) + x * time + wish


def _same(a: Tensor, b: Tensor) -> bool:
    return a.numel() == b.numel() and torch.allclose(a.reshape(-1).double(), b.reshape(-1).double())


def _loss_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 2, 3, 4), z=rng.normal(4, 2, 3, 4), t=rng.uniform(4, low=0.1, high=0.9),
                y=rng.normal(4), pool=rng.normal(24), points=rng.normal(3, 2), noise=rng.normal(3, 2),
                times=rng.uniform(3, low=0.1, high=0.9))


@task("flow.loss", inputs=_loss_inputs)
def loss(nb, x, z, t, y, pool, points, noise, times):
    """Without a condition, its gradient, with one; of points; of one alone."""
    known = []

    def place(x: Tensor, z: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        for (data, noise, times), answer in known:
            if _same(x, data) and _same(z, noise):
                if not _same(t, times):
                    raise OtherTimes("`interpolate` is asked for other times than those that the loss was given.")
                return tuple(part.to(x) for part in answer)
            if _same(x, noise) and _same(z, data):
                raise Swapped("`interpolate` takes the data first, then the noise, then the times.")
        raise OtherPlace("`interpolate` is asked for other than x, z and t, as the loss was given them.")

    def ask(x: Tensor, z: Tensor, t: Tensor, *y: Tensor) -> tuple[Any, _Learner]:
        time, model = t.reshape(-1, *[1] * (x.dim() - 1)), _Learner(pool, x.shape[1:])
        known.append(((x, z, t), (x - time * (x - z), z - x)))
        return one_tensor(lambda: nb.loss(model, x, z, t, *y)), model

    with stand_ins(nb, interpolate=place):
        value, model = ask(x, z, t)
        yield dict(loss=value)
        yield dict(with_a_condition=ask(x, z, t, y)[0])
        yield dict(of_points=ask(points, noise, times)[0])
        yield dict(grad_of_the_weights=answer_of(lambda: torch.autograd.grad(value.sum(), model.w)[0]))
        one = [c[:1] for c in (points, noise, times)]
        yield dict(of_one_alone=ask(*one)[0])


# ---- the velocity of a finite set

def _set_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=rng.normal(4, 4), t=rng.uniform(4, low=0.3, high=0.8), data=rng.normal(4, 4),
                pictures=0.7 * rng.normal(3, 1, 2, 3), times=rng.uniform(3, low=0.4, high=0.9),
                album=0.7 * rng.normal(5, 1, 2, 3))


@task("flow.marginal_velocity", inputs=_set_inputs)
def marginal_velocity(nb, x_t, t, data, pictures, times, album):
    """Points; pictures; at t = 1; one alone; a set of one; far from all data at a small t; float64."""
    yield dict(u=steady(lambda: one_tensor(lambda: nb.marginal_velocity(x_t, t, data)), "with the same arguments"))
    yield dict(at_t_1=one_tensor(lambda: nb.marginal_velocity(x_t, torch.ones(4), data)))
    yield dict(of_pictures=one_tensor(lambda: nb.marginal_velocity(pictures, times, album)))
    yield dict(a_set_of_one=one_tensor(lambda: nb.marginal_velocity(x_t, t, data[:1])))
    yield dict(at_a_small_t=one_tensor(lambda: nb.marginal_velocity(x_t, torch.full((4,), 0.02), data)))
    yield dict(one_alone=one_tensor(lambda: nb.marginal_velocity(x_t[:1], t[:1], data)),
               float64=one_tensor(lambda: nb.marginal_velocity(x_t.double(), t.double(), data.double())))


# ---- sampling

class _Current(nn.Module):
    """A curved velocity with weights, of points or pictures; it looks at what it is given."""

    def __init__(self, pool: Tensor, like: Tensor):
        super().__init__()
        d = like.shape[1:].numel()
        self.w = nn.Parameter(pool[:d * d].reshape(d, d).to(like.dtype))
        self.shape, self.dtype = like.shape[1:], like.dtype

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        _look(x, t, self.shape, self.dtype)
        flat = x.reshape(len(x), -1)
        t = t[:, None].to(x)
        return (torch.sin(flat @ self.w.T + 3 * t) + flat * t**2).reshape(x.shape)


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(z=rng.normal(3, 2), pictures=rng.normal(2, 1, 2, 3), pool=0.6 * rng.normal(36))


@task("flow.euler_sample", inputs=_sample_inputs)
def euler_sample(nb, z, pictures, pool):
    """One step; five; fifty, by default; what is left of a graph; pictures; one alone; float64."""
    def ask(z: Tensor, *steps: int) -> Any:
        return one_tensor(lambda: nb.euler_sample(_Current(pool, z), z, *steps))

    with fixed_draws(noise=pool):
        one_step = ask(z, 1)
    yield dict(in_1_step=one_step)
    x = steady(lambda: ask(z, 5), "with the same arguments (Euler's steps draw no noise)")
    yield dict(in_5_steps=x)
    yield dict(by_default=ask(z))
    yield dict(of_pictures=ask(pictures, 3), one_alone=ask(z[:1], 4))
    yield dict(float64=ask(z.double(), 4))
    yield dict(a_graph_is_kept=torch.tensor(isinstance(x, Tensor) and x.requires_grad))


def _guided_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(u_cond=rng.normal(3, 1, 2, 4), u_uncond=rng.normal(3, 1, 2, 4), w=rng.uniform(low=0.6, high=3.0))


@task("flow.cfg_velocity", points=5, inputs=_guided_inputs)
def cfg_velocity(nb, u_cond, u_uncond, w):
    """Guided; plain; without the class; points."""
    w = float(w)
    yield dict(guided=answer_of(lambda: nb.cfg_velocity(u_cond, u_uncond, w)))
    yield dict(at_w_0=nb.cfg_velocity(u_cond, u_uncond, 0.0), at_w_minus_1=nb.cfg_velocity(u_cond, u_uncond, -1.0))
    yield dict(of_points=nb.cfg_velocity(u_cond[:, 0, 0], u_uncond[:, 0, 0], 2 * w))


# ---- times

def _time_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(noise=rng.normal(7), mean=rng.uniform(low=0.4, high=1.2), std=rng.uniform(low=1.5, high=2.5))


@task("flow.logit_normal_t", points=5, inputs=_time_inputs)
def logit_normal_t(nb, noise, mean, std):
    """Seven times; with another mean; with another standard deviation; with both; a single one."""
    mean, std = float(mean), float(std)

    def ask(n: int, *law: float, **named: float) -> Any:
        with fixed_draws(noise=noise[:n]):
            return answer_of(lambda: nb.logit_normal_t(n, *law, **named))

    yield dict(t=ask(7))
    yield dict(with_another_mean=ask(7, mean=mean))
    yield dict(with_another_std=ask(7, std=std))
    yield dict(with_both=ask(7, mean, std), a_single_one=ask(1, -mean, std))


# ---- straight ways

def _way_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(path=rng.normal(6, 3, 2), pictures=rng.normal(4, 2, 1, 2, 3), ends=rng.normal(2, 4, 2))


@task("flow.straightness", inputs=_way_inputs)
def straightness(nb, path, pictures, ends):
    """Of points, forwards and backwards; pictures; one way alone; straight ways; a single step; float64."""
    def ask(path: Tensor) -> Any:
        return one_tensor(lambda: nb.straightness(path))

    yield dict(straightness=ask(path))
    yield dict(of_pictures=ask(pictures), backwards=ask(path.flip(0)), of_one_way=ask(path[:, :1]))
    share = torch.linspace(0, 1, 5)[:, None, None]
    yield dict(of_straight_ways=ask(ends[0] + share * (ends[1] - ends[0])), of_one_step=ask(path[:2]))
    yield dict(float64=ask(path.double()))


class _Wind(nn.Module):
    """A velocity that depends on the time alone, with weights."""

    def __init__(self, pool: Tensor, like: Tensor):
        super().__init__()
        self.w = nn.Parameter(pool[:like.shape[1:].numel()].reshape(like.shape[1:]).to(like.dtype))
        self.dtype = like.dtype

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        _look(x, t, self.w.shape, self.dtype)
        time = t.reshape(-1, *[1] * (x.dim() - 1)).to(x)
        return torch.sin(self.w + 4 * time) + time**2 * self.w


@task("flow.reflow_pairs", inputs=_sample_inputs)
def reflow_pairs(nb, z, pictures, pool):
    """Points by four steps and by one, what is left of a graph; pictures; one alone; float64."""
    def ask(z: Tensor, steps: int, suffix: str = "") -> dict[str, Any]:
        with fixed_draws(noise=pool):
            return _pair(lambda: nb.reflow_pairs(_Wind(pool, z), z, steps), ("x", "z"), suffix)

    def blown(model: Callable, z: Tensor, num_steps: int = 50) -> Tensor:
        if not isinstance(z, Tensor):
            raise Swapped("`euler_sample` takes the model first, then the noise, then the number of steps.")
        with torch.no_grad():
            winds = [model(z, torch.full((len(z),), i / num_steps, dtype=z.dtype)) for i in range(1, num_steps + 1)]
            return z - torch.stack(winds).mean(0)

    with stand_ins(nb, euler_sample=blown):
        pair = ask(z, 4)
        yield pair
        yield dict(a_graph_is_kept=torch.tensor([p.requires_grad for p in pair.values() if isinstance(p, Tensor)]))
        yield ask(z, 1, "_by_one_step")
        yield ask(pictures, 3, "_of_pictures")
        yield ask(z[:1].double(), 2, "_of_one_alone_in_float64")


# ---- the general table

def _table_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(a=rng.uniform(4, low=0.3, high=0.9), b=rng.uniform(4, low=0.3, high=0.9),
                c=rng.uniform(4, low=-1.2, high=-0.3), d=rng.uniform(4, low=0.4, high=1.2),
                x_t=rng.normal(4, 2, 4, 4), y=rng.normal(4, 2, 4, 4), points=rng.normal(4, 2), answers=rng.normal(4, 2))


@task("flow.recover", inputs=_table_inputs)
def recover(nb, a, b, c, d, x_t, y, points, answers):
    """Pictures as wide as the batch; points, where y is the noise; where y is x; one alone; float64."""
    names, zero, one = ("x", "z"), torch.zeros(4), torch.ones(4)
    yield _pair(lambda: nb.recover(a, b, c, d, x_t, y), names)
    yield _pair(lambda: nb.recover(a, b, zero, one, points, answers), names, "_from_the_noise")
    yield _pair(lambda: nb.recover(a, b, one, zero, points, answers), names, "_from_x")
    yield _pair(lambda: nb.recover(*(k[:1] for k in (a, b, c, d, points, answers))), names, "_of_one_alone")
    yield _pair(lambda: nb.recover(*(k.double() for k in (a, b, c, d, x_t, y))), names, "_in_float64")
