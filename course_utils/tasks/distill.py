"""Probes of notebook 14: the targets of a student, and consistency models.

Each probe sees one task only; networks are played by small curved functions whose parameters ask for gradients. Where a
batch is as long as the last axis of its data, a coefficient that was not given the data's axes broadcasts along that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, steady
from course_utils.tasks.refusals import answer_of, one_tensor

NOTEBOOK = "14_distillation"
QUESTIONS = {"distill.1": 5, "distill.2": 5, "distill.3": 5}  # points, graded by hand


# What the probes say where a function is called in another way: a class for each

class ANumber(Told):
    """A time that is a number, where one for each sample is taken."""


class OneTime(Told):
    """Other than one time for each sample."""


class NotTheStates(Told):
    """States of another shape than the data's."""


class NoCondition(Told):
    """Something else than a condition or None."""


def _column(c: Tensor, x: Tensor) -> Tensor:
    """(b,) coefficients shaped for x (b, *)."""
    return c.reshape(-1, *[1] * (x.dim() - 1))


class _Net(nn.Module):
    """In a network's place: curved in its states, (b, *), and told their times, (b,), which it notes."""

    def __init__(self, w: Tensor, name: str):
        super().__init__()
        self.w, self.name, self.times = nn.Parameter(w.clone()), name, []

    def forward(self, x: Any, t: Any) -> Tensor:
        if not isinstance(x, Tensor) or x.dim() < 2:
            raise NotTheStates(f"`{self.name}` takes the states first, a tensor (b, *), then their times.")
        if not isinstance(t, Tensor) or not t.dim():
            raise ANumber(f"`{self.name}` takes one time for each sample, a tensor {(len(x),)}, not one number.")
        if t.shape != (len(x),):
            raise OneTime(f"`{self.name}` takes one time for each sample, a tensor {(len(x),)}, not {tuple(t.shape)}.")
        self.times.extend(t.tolist())
        w, t = self.w.to(x), _column(t.to(x), x)
        return torch.sin(w * x + 1.5 * t) + 0.3 * t * x

    def times_asked(self) -> Tensor:
        """The times at which it was asked, each once, falling."""
        return torch.tensor(sorted({round(t, 4) for t in self.times}, reverse=True))


# ---- progressive distillation

def _ways(rng: Rng, b: int) -> dict[str, list[Tensor]]:
    """Three falling times for b samples, with factors that belong to no particular path."""
    def falling(low: float) -> list[Tensor]:
        return [rng.uniform(b, low=a + low, high=a + low + 0.15) for a in (0.6, 0.35, 0.1)]

    return {"times": falling(0.1), "alphas": [1 - 0.9 * c for c in falling(0.1)], "sigmas": falling(0.0)}


def _progressive_inputs(rng: Rng) -> dict[str, Tensor]:
    inputs = dict(z_t=rng.normal(3, 2, 4, 3), points=rng.normal(5, 2), w=rng.uniform(low=0.7, high=1.3))
    for name, b in (("", 3), ("_of_points", 5)):
        inputs |= {key + name: torch.stack(three) for key, three in _ways(rng, b).items()}
    return inputs


@task("distill.progressive_target", inputs=_progressive_inputs)
def progressive_target(nb, z_t, points, w, times, alphas, sigmas, times_of_points, alphas_of_points, sigmas_of_points):
    """Between two noisy times; what is left of a graph; to clean data, from pure noise, points, one alone, float64."""
    def ask(z: Tensor, *ways: Tensor) -> Any:
        return one_tensor(lambda: nb.progressive_target(_Net(w, "teacher"), z, *(tuple(three) for three in ways)))

    target = steady(lambda: ask(z_t, times, alphas, sigmas), "with the same arguments (no noise is drawn)")
    yield dict(target=target)
    yield dict(a_graph_is_kept=torch.tensor(target.requires_grad))
    clean = torch.tensor([1.0, 1.0, 0.0])[:, None]
    yield dict(to_clean_data=ask(z_t, times * clean, 1 - (1 - alphas) * clean, sigmas * clean))
    noise = torch.tensor([1.0, 0.0, 0.0])[:, None]
    yield dict(from_pure_noise=ask(z_t, times, alphas * (1 - noise), torch.maximum(sigmas, noise)))
    yield dict(points=ask(points, times_of_points, alphas_of_points, sigmas_of_points),
               one_alone=ask(z_t[:1], times[:, :1], alphas[:, :1], sigmas[:, :1]),
               float64=ask(z_t.double(), times.double(), alphas.double(), sigmas.double()))


# ---- guidance

class _Conditional(nn.Module):
    """A network of states, times and a condition; without one it answers differently from a condition of zeros."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.net, self.with_it = _Net(w, "teacher"), nn.Parameter(w.clone())

    def forward(self, x: Any, t: Any, y: Any) -> Tensor:
        out = self.net(x, t)
        if y is None:
            return out * 0.5 + 0.7
        if not isinstance(y, Tensor) or len(y) != len(x):
            raise NoCondition("the teacher takes a condition for each sample, or None for all, as its third argument.")
        return torch.cos(out + self.with_it.to(x) * _column(y.to(x).reshape(len(x), -1).sum(1), x))


def _guidance_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=rng.normal(3, 2, 4, 3), t=rng.uniform(3), y=rng.normal(3, 4), w=rng.uniform(3, low=0.5, high=3.0),
                weight=rng.uniform(low=0.7, high=1.3), points=rng.normal(5, 2), t_of_points=rng.uniform(5),
                y_of_points=rng.integers(5, high=4), w_of_points=rng.uniform(5, low=0.5, high=3.0))


@task("distill.guidance_target", points=5, inputs=_guidance_inputs)
def guidance_target(nb, x_t, t, y, w, weight, points, t_of_points, y_of_points, w_of_points):
    """At some weights; what is left of a graph; at weights 0 and −1; points with whole conditions; one alone."""
    teacher = _Conditional(weight)

    def ask(*given: Tensor) -> Any:
        return one_tensor(lambda: nb.guidance_target(teacher, *given))

    target = ask(x_t, t, y, w)
    yield dict(target=target)
    yield dict(a_graph_is_kept=torch.tensor(target.requires_grad))
    yield dict(at_w_0=ask(x_t, t, y, torch.zeros(3)), at_w_minus_1=ask(x_t, t, y, -torch.ones(3)))
    yield dict(points=ask(points, t_of_points, y_of_points, w_of_points), one_alone=ask(x_t[:1], t[:1], y[:1], w[:1]))


# ---- consistency

def _parametrisation_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(F=rng.normal(3, 2, 4, 3), x=rng.normal(3, 2, 4, 3), t=rng.uniform(3, low=0.5, high=2.0),
                F_of_points=rng.normal(5, 2), points=rng.normal(5, 2), t_of_points=rng.uniform(5, low=0.5, high=9.0),
                sigma_data=rng.uniform(low=0.8, high=1.5), t_min=rng.uniform(low=0.2, high=0.4))


@task("distill.consistency_parametrisation", inputs=_parametrisation_inputs)
def consistency_parametrisation(nb, F, x, t, F_of_points, points, t_of_points, sigma_data, t_min):
    """With other constants, at the boundary, with the usual ones, gradients, points, one alone, float64."""
    constants = dict(sigma_data=float(sigma_data), t_min=float(t_min))

    def ask(*given: Tensor, **options: float) -> Any:
        return one_tensor(lambda: nb.consistency_parametrisation(*given, **options))

    yield dict(f=ask(F, x, t, **constants))
    yield dict(at_t_min=ask(F, x, torch.full((3,), float(t_min)), **constants), with_the_usual_constants=ask(F, x, t))
    yield _gradients(ask, F, x, t)
    yield dict(points=ask(F_of_points, points, t_of_points), one_alone=ask(F[:1], x[:1], t[:1]),
               float64=ask(F.double(), x.double(), t.double()))


def _gradients(ask: Callable, F: Tensor, x: Tensor, t: Tensor) -> dict[str, Tensor]:
    """Of the mean square, with respect to the network's answer and to the states."""
    F, x = F.clone().requires_grad_(), x.clone().requires_grad_()
    found = answer_of(lambda: torch.autograd.grad(ask(F, x, t).square().mean(), (F, x), allow_unused=True))
    return {name: _or_zero(g) for name, g in zip(("gradient_of_F", "gradient_of_x"), found, strict=True)}


def _or_zero(grad: Tensor | None) -> Tensor:
    """A gradient, or 0 where none comes."""
    return torch.zeros(()) if grad is None else grad


def _loss_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(3, 2, 4, 3), noise=rng.normal(3, 2, 4, 3), t_next=rng.uniform(3, low=0.2, high=0.6),
                t=rng.uniform(3, low=0.8, high=1.4), w=rng.uniform(low=0.7, high=0.9), v=rng.uniform(low=1.1, high=1.3),
                points=rng.normal(5, 2), noise_of_points=rng.normal(5, 2))


@task("distill.consistency_loss", inputs=_loss_inputs)
def consistency_loss(nb, x, noise, t_next, t, w, v, points, noise_of_points):
    """The loss, who gets a gradient, the same where both are one network; points, one alone, float64."""
    def ask(*given: Any) -> Any:
        return one_tensor(lambda: nb.consistency_loss(*given))

    student, target = _Net(w, "student"), _Net(v, "target")
    loss = steady(lambda: ask(student, target, x, noise, t_next, t), "with the same arguments (the noise is given)")
    yield dict(loss=loss)
    yield {f"gradient_of_the_{name}": g for name, g in _gradients_of(loss, student=student, target=target).items()}
    alone = ask(student, student, x, noise, t_next, t)
    yield dict(loss_where_both_are_one=alone)
    yield dict(gradient_where_both_are_one=_gradients_of(alone, student=student)["student"])
    five = torch.linspace(0.1, 0.5, 5)
    yield dict(points=ask(student, target, points, noise_of_points, five, 2 * five),
               one_alone=ask(student, target, x[:1], noise[:1], t_next[:1], t[:1]),
               float64=ask(student, target, x.double(), noise.double(), t_next.double(), t.double()))


def _gradients_of(loss: Tensor, **nets: _Net) -> dict[str, Tensor]:
    """The gradient of each network's parameter; 0 where none comes."""
    found = answer_of(lambda: torch.autograd.grad(loss, [net.w for net in nets.values()], retain_graph=True,
                                             allow_unused=True))
    return {name: _or_zero(g) for name, g in zip(nets, found, strict=True)}


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    times = torch.tensor([3.0, 1.6, 0.9, 0.5]) + rng.uniform(4, high=0.2)
    return dict(x_T=3 * rng.normal(3, 2, 4, 3), noises=rng.normal(3, 3, 2, 4, 3), times=times,
                w=rng.uniform(low=0.7, high=1.3), points=3 * rng.normal(5, 2), noises_of_points=rng.normal(2, 5, 2))


@task("distill.multistep_consistency_sample", inputs=_sample_inputs)
def multistep_consistency_sample(nb, x_T, noises, times, w, points, noises_of_points):
    """Four evaluations and when they were; with the usual t_min; two, and one; points, one alone, float64."""
    def ask(f: _Net, *given: Tensor, **options: float) -> Any:
        return one_tensor(lambda: nb.multistep_consistency_sample(f, *given, **options))

    f = _Net(w, "f")
    yield dict(by_one_evaluation=steady(lambda: ask(f, x_T, times[:1], noises[:0]), "with the same arguments"))
    f.times.clear()
    samples = steady(lambda: ask(f, x_T, times, noises, t_min=0.4), "with the same arguments (the noises are given)")
    yield dict(times_at_which_f_was_asked=f.times_asked())
    yield dict(by_four_evaluations=samples)
    yield dict(by_two_evaluations=ask(f, x_T, times[:2], noises[:1], t_min=0.4),
               with_the_usual_t_min=ask(f, x_T, times, noises))
    yield dict(points=ask(f, points, times[:3], noises_of_points), one_alone=ask(f, x_T[:1], times, noises[:, :1]),
               float64=ask(f, x_T.double(), times.double(), noises.double()))
