"""Probes of notebook 07: few steps, guidance by a classifier and without one.

Each probe sees one task only. `ddim_sample` runs on a chain of eleven indices with stand-ins for its two helpers, which
know that chain and no other; so an answer that calls them and an answer that writes them out give the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, fill, stand_ins, steady
from course_utils.tasks.refusals import one_tensor

NOTEBOOK = "07_cfg"
QUESTIONS = {"cfg.1": 5, "cfg.2": 5, "cfg.3": 5, "cfg.4": 5}  # points, graded by hand


# What the probes say where a function is called in another way: a class for each, so that they are known apart

class AList(Told):
    """Times as a Python list."""


class Floating(Told):
    """Times that are no integers."""


class OtherGrid(Told):
    """Other times are asked for than those of the chain."""


class NoTensor(Told):
    """A number where a tensor is taken."""


class OtherLevel(Told):
    """An alpha_bar that is none of the chain's."""


class AllNoise(Told):
    """An alpha_bar of 0."""


class Unpacked(Told):
    """No dict where the condition's dict is taken."""


class OneTime(Told):
    """Other than one time for each sample."""


class WithDoor(Told):
    """The bare network got a cfg_scale."""


class AsksNet(Told):
    """cfg_forward asks self.net."""


class Unequal(Told):
    """x, time and text_emb of one call differ in length."""


class Stacked(Told):
    """Two batches on an axis of their own."""


# Few steps

def _times_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(T=rng.integers(low=151, high=400), num_steps=2 * rng.integers(low=4, high=12))


@task("cfg.timesteps", inputs=_times_inputs)
def timesteps(nb, T, num_steps):
    """An even number of times (between which no number lies half-way), all of a short chain's, two, and one."""
    yield dict(times=_times(nb, int(T), int(num_steps)))
    yield dict(all_of_6=_times(nb, 6, 6), two_of_50=_times(nb, 50, 2), four_of_11=_times(nb, 11, 4))
    yield dict(one_of_50=_times(nb, 50, 1))


def _times(nb: Any, T: int, num_steps: int) -> Any:
    times = nb.timesteps(T, num_steps)
    if isinstance(times, (list, tuple, range)):
        raise AList("timesteps returns a tensor of integers, int64, and not a Python list.")
    if isinstance(times, Tensor) and times.is_floating_point():
        raise Floating(f"the times index a table, so they are integers, int64; yours are {times.dtype}.")
    return times


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=1.2 * rng.normal(4, 3, 4, 4), noise_pred=rng.normal(4, 3, 4, 4),
                alpha_bar_t=rng.uniform(4, low=0.1, high=0.5), alpha_bar_s=rng.uniform(4, low=0.6, high=0.9),
                points=rng.normal(5, 2), noise_of_points=rng.normal(5, 2),
                alpha_bar_points=rng.uniform(5, low=0.3, high=0.5), later=rng.uniform(5, low=0.6, high=0.9))


@task("cfg.ddim_step", inputs=_step_inputs)
def ddim_step(nb, x_t, noise_pred, alpha_bar_t, alpha_bar_s, points, noise_of_points, alpha_bar_points, later):
    """Without a bound, with the default one and with another; on points and for one image; on the way to clean data."""
    def free() -> Any:
        return nb.ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_s, clamp=None)

    yield dict(without_clamp=steady(free, "with the same arguments (DDIM draws no noise)"))
    yield dict(x_s=nb.ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_s))
    yield dict(clamped_at_a_half=nb.ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_s, 0.5))
    yield dict(points=nb.ddim_step(points, noise_of_points, alpha_bar_points, later, clamp=None),
               one_image=nb.ddim_step(x_t[:1], noise_pred[:1], alpha_bar_t[:1], alpha_bar_s[:1]))
    yield dict(clean=nb.ddim_step(x_t, noise_pred, alpha_bar_t, torch.ones(4)))


_CHAIN = torch.tensor([0.98, 0.93, 0.87, 0.8, 0.7, 0.58, 0.45, 0.33, 0.22, 0.12, 0.05])  # alpha_bar, T = 11
_GRIDS = {1: [10], 2: [10, 0], 4: [10, 7, 3, 0], 11: [*range(10, -1, -1)]}


def _known_times(T: int, num_steps: int) -> Tensor:
    """The times on the chain of eleven, for a few numbers of steps."""
    if T != len(_CHAIN) or num_steps not in _GRIDS:
        raise OtherGrid(f"`timesteps` is asked for {num_steps} of {T} times, but there are {len(_CHAIN)} and num_steps "
                        "of them are wanted.")
    return torch.tensor(_GRIDS[num_steps])


def _known_step(x_t, noise_pred, alpha_bar_t, alpha_bar_s, clamp=1.0):
    """A step between two levels of that chain."""
    levels = [_level(value, len(x_t), x_t.dim()) for value in (alpha_bar_t, alpha_bar_s)]
    (a, b), (c, d) = ((level.sqrt(), (1 - level).sqrt()) for level in levels)
    x_start = (x_t - b * noise_pred) / a
    x_start = x_start if clamp is None else x_start.clamp(-clamp, clamp)
    return c * x_start + d * (x_t - a * x_start) / b


def _level(value: Any, b: int, rank: int) -> Tensor:
    """Levels of the chain, or 1, shaped for data of that rank."""
    if not isinstance(value, Tensor):
        raise NoTensor(f"`ddim_step` takes both alpha_bars as tensors (b,), but one of them is a "
                       f"{type(value).__name__}.")
    if value.numel() not in (1, b):
        raise Unequal(f"`ddim_step` takes one alpha_bar for each of the {b} samples, and here are {value.numel()}.")
    if (value == 0).any():
        raise AllNoise("`ddim_step` is given an alpha_bar of 0: that would be all noise and no data.")
    known = torch.cat([_CHAIN, torch.ones(1)]).double()
    if not torch.isclose(value.double().reshape(-1, 1), known, atol=1e-6).any(1).all():
        raise OtherLevel("`ddim_step` is given an alpha_bar that is no number of the table alphas_cumprod, nor 1.")
    return value.reshape(-1, *[1] * (rank - 1))


class _Asked(nn.Module):
    """In the network's place: notes the times at which it is asked, and answers by x, the time and the condition."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w, self.times = nn.Parameter(w.clone()), []

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}, **unpacked: Any) -> Tensor:
        if unpacked or not isinstance(model_kwargs, dict):
            raise Unpacked("the model is called as model(x, t, model_kwargs), with the dict itself, not unpacked.")
        shape = tuple(time.shape) if isinstance(time, Tensor) else ()
        if shape != (len(x),):
            raise OneTime(f"the model takes one time for each sample, a tensor {(len(x),)}, not {shape}.")
        if time.is_floating_point():
            raise Floating("the model's times are integers (int64), for they look up an embedding.")
        self.times.append(int(time[0]))
        return _answer(self.w, x, time, model_kwargs.get("text_emb"))


def _answer(w: Tensor, x: Tensor, time: Tensor, text_emb: Tensor | None) -> Tensor:
    """An answer in which each sample's own time and condition (b, k) count."""
    column = (-1,) + (1,) * (x.dim() - 1)
    shift = torch.zeros(len(x)) if text_emb is None else (text_emb * torch.arange(1, text_emb.shape[1] + 1)).sum(1)
    return torch.tanh(w * x + 0.2 * shift.reshape(column)) * (1 + 0.1 * time.reshape(column))


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_T=rng.normal(4, 3, 4, 4), text_emb=rng.normal(4, 3), w=rng.uniform(low=0.5, high=1.0),
                points=rng.normal(5, 2))


@task("cfg.ddim_sample", inputs=_sample_inputs)
def ddim_sample(nb, x_T, text_emb, w, points):
    """Four steps: the times that the model saw, the samples, the dict, a graph; two, one and all steps; points."""
    model, kwargs = _Asked(w), {"text_emb": text_emb}

    def draw(x: Tensor, num_steps: int, *kwargs: dict) -> Any:
        model.times.clear()
        return nb.ddim_sample(model, x, _CHAIN.clone(), num_steps, *kwargs)

    with stand_ins(nb, timesteps=_known_times, ddim_step=_known_step):
        samples = steady(lambda: draw(x_T, 4, dict(kwargs)), "from the same x_T")
        yield dict(times_that_the_model_saw=torch.tensor(model.times), samples=samples)
        draw(x_T, 2, kwargs)
        yield dict(dict_unchanged=torch.tensor([len(kwargs) == 1, kwargs.get("text_emb") is text_emb]),
                   a_graph_is_kept=torch.tensor(samples.requires_grad))
        yield dict(by_two_steps=draw(x_T, 2, kwargs), by_one_step=draw(x_T, 1, kwargs))
        yield dict(by_all_steps=draw(x_T, 11), points=draw(points, 4))


# A classifier's guidance

class _Reader(nn.Module):
    """A classifier of noisy data that is told the time: (b, *) and (b,) to logits (b, 5)."""

    def __init__(self, size: int, pool: Tensor):
        super().__init__()
        self.first, self.last = nn.Linear(size, 7), nn.Linear(7, 5)
        fill(self, pool)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        if not (isinstance(t, Tensor) and t.shape == (len(x_t),)):
            raise OneTime("the classifier takes the noisy data and one time for each sample, classifier(x_t, t).")
        return self.last(torch.tanh(self.first(x_t.flatten(1)) + t[:, None] / 100))


def _gradient_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=rng.normal(5, 2, 3, 5), t=rng.timesteps(5, 200), y=torch.tensor([0, 3, 1, 4, 2]),
                points=rng.normal(3, 2), pool=rng.normal(997))


@task("cfg.classifier_gradient", inputs=_gradient_inputs)
def classifier_gradient(nb, x_t, t, y, points, pool):
    """With gradients on, then off; what is left of a graph on either side; points; one sample and a frozen reader."""
    reader = _Reader(30, pool)
    yield dict(grad=one_tensor(lambda: nb.classifier_gradient(reader, x_t, t, y)))
    yield dict(x_t_asks_for_a_gradient=torch.tensor(x_t.requires_grad))
    with torch.no_grad():
        off = one_tensor(lambda: nb.classifier_gradient(reader, x_t, t, y))
        recording = torch.is_grad_enabled()
    yield dict(grad_where_gradients_are_off=off, gradients_stay_off_for_the_caller=torch.tensor(not recording))
    yield dict(again=nb.classifier_gradient(reader, x_t, t, y), a_graph_is_kept=torch.tensor(off.requires_grad))
    yield dict(points=nb.classifier_gradient(_Reader(2, pool), points, t[:3], y[:3]),
               one_alone=nb.classifier_gradient(reader.requires_grad_(False), x_t[1:2], t[1:2], y[1:2]))


def _guidance_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(noise_pred=rng.normal(4, 3, 4, 4), grad=rng.normal(4, 3, 4, 4), sigma_t=rng.uniform(4, low=0.2),
                gamma=rng.uniform(low=1.5, high=3.0), points=rng.normal(5, 2), grad_of_points=rng.normal(5, 2),
                sigma_of_points=rng.uniform(5, low=0.2))


@task("cfg.classifier_guidance", inputs=_guidance_inputs)
def classifier_guidance(nb, noise_pred, grad, sigma_t, gamma, points, grad_of_points, sigma_of_points):
    """At some strength, at none, on points, for one sample."""
    gamma = float(gamma)
    yield dict(guided=nb.classifier_guidance(noise_pred, grad, sigma_t, gamma))
    yield dict(at_gamma_0=nb.classifier_guidance(noise_pred, grad, sigma_t, 0),
               points=nb.classifier_guidance(points, grad_of_points, sigma_of_points, gamma),
               one_alone=nb.classifier_guidance(noise_pred[:1], grad[:1], sigma_t[:1], gamma))


# Guidance without a classifier

class _Net(nn.Module):
    """In the network's place, for a Conditional: also reads a second key of the dict."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w = nn.Parameter(w.clone())

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}) -> Tensor:
        if not isinstance(model_kwargs, dict):
            raise Unpacked("the network takes a dict as its third argument.")
        if model_kwargs.get("cfg_scale") is not None:
            raise WithDoor("the bare network was given a dict with cfg_scale in it.")
        return _answer(self.w, x, time, model_kwargs.get("text_emb")) + model_kwargs.get("shift", 0.0)


def _cfg_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 4, 4), time=rng.timesteps(4, 20), text_emb=rng.normal(4, 3),
                cfg_scale=rng.uniform(low=1.5, high=3.0), w=rng.uniform(low=0.5, high=1.0),
                shift=rng.normal(4, 1, 1, 1),
                points=rng.normal(5, 2), text_of_points=rng.normal(5, 3), time_of_points=rng.timesteps(5, 20))


@task("cfg.cfg_forward", inputs=_cfg_inputs)
def cfg_forward(nb, x, time, text_emb, cfg_scale, w, shift, points, text_of_points, time_of_points):
    """By the door: the answer, the dict, the same dict again; w = 0, no wish, other keys, points; on another class."""
    guided, scale = nb.Conditional(_Net(w)), float(cfg_scale)
    if not hasattr(guided, "cfg_forward"):
        raise NotImplementedError("Conditional has no cfg_forward yet; run the cell of cfg.cfg_forward (again).")
    given = {"text_emb": text_emb, "cfg_scale": scale}
    yield dict(guided=guided(x, time, given))
    kept = [len(given) == 2, given.get("text_emb") is text_emb, given.get("cfg_scale") == scale]
    yield dict(dict_unchanged=torch.tensor(kept))
    yield dict(guided_again=guided(x, time, {"text_emb": text_emb, "cfg_scale": scale}))
    yield dict(at_w_0=guided(x, time, {"text_emb": text_emb, "cfg_scale": 0.0}),
               no_wish=guided(x, time, {"text_emb": None, "cfg_scale": scale}))
    yield dict(with_another_key=guided(x, time, {"text_emb": text_emb, "cfg_scale": scale, "shift": shift}))
    yield dict(points=guided(points, time_of_points, {"text_emb": text_of_points, "cfg_scale": scale}))
    yield dict(on_a_class_without_net=_elsewhere(nb, w)(x, time, given))


def _elsewhere(nb: Any, w: Tensor) -> Any:
    """The student's method on a network that is no Conditional, as notebook 06's Unet."""
    class Other(nn.Module):
        cfg_forward = nb.Conditional.cfg_forward

        def __init__(self):
            super().__init__()
            self.inner = _Net(w)

        def forward(self, x, time, model_kwargs={}):
            if model_kwargs.get("cfg_scale") is not None:
                return self.cfg_forward(x, time, model_kwargs)
            return self.inner(x, time, model_kwargs)

        def __getattr__(self, name):
            if name == "net":
                raise AsksNet("it asks self.net, but notebook 06's Unet, whose method it becomes as well, has no net: "
                              "ask through self(x, time, ...).")
            return super().__getattr__(name)

    return Other()


class _Batch(nn.Module):
    """In the network's place, for one call with two halves: notes how many rows came."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w, self.rows = nn.Parameter(w.clone()), []

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}, **unpacked: Any) -> Tensor:
        if unpacked or not isinstance(model_kwargs, dict):
            raise Unpacked('the model takes a dict as its third argument, {"text_emb": ...}.')
        text_emb = model_kwargs.get("text_emb")
        if time.dim() != 1:
            raise Stacked(f"the model takes one batch, not two of them on an axis of their own: time is "
                          f"{tuple(time.shape)}, and 2b rows would be ({time.numel()},).")
        counts = [len(x), len(time), len(x) if text_emb is None else len(text_emb)]
        if len(set(counts)) > 1:
            raise Unequal(f"x, time and text_emb of one call have as many rows each, not {counts}.")
        self.rows.append(len(x))
        return _answer(self.w, x, time, text_emb)


def _batched_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 4, 4), time=torch.tensor([3, 11, 0, 19]), text_emb=rng.normal(4, 3),
                cfg_scale=rng.uniform(low=1.5, high=3.0), w=rng.uniform(low=0.5, high=1.0), points=rng.normal(3, 2))


@task("cfg.batched_guidance", inputs=_batched_inputs)
def batched_guidance(nb, x, time, text_emb, cfg_scale, w, points):
    """The answer, how many calls there were and of how many rows; w = 0; points; one sample alone."""
    model, scale = _Batch(w), float(cfg_scale)
    yield dict(guided=nb.batched_guidance(model, x, time, text_emb, scale))
    yield dict(rows_of_each_call=torch.tensor(model.rows))
    yield dict(at_w_0=nb.batched_guidance(model, x, time, text_emb, 0.0),
               points=nb.batched_guidance(model, points, time[:3], text_emb[:3], scale),
               one_alone=nb.batched_guidance(model, x[:1], time[:1], text_emb[:1], scale))
