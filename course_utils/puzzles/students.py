"""Notebook 14: students of one step that answer exactly what a slip made their target."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.densities import Mixture
from course_utils.diffusion.paths import RectifiedFlow

Network = Callable[[Tensor, Tensor], Tensor]  # (z (b, *), t (b,)) to the predicted data
SLIPS = {"A": "mean", "B": "first", "C": "state"}


def slipped_students(density: Mixture, noise: Tensor, steps: int = 16) -> dict[str, Tensor]:
    """What three students of one step draw, each at the end of halvings with another slip.

    Args:
        density: Of the data, whose exact network is the first teacher.
        noise: (b, 2).
        steps: Of the first teacher, a power of 2.
    """
    drawn = {}
    for name, slip in SLIPS.items():
        network, left = density.model(RectifiedFlow(), "x_start"), steps
        while left > 1:
            left //= 2
            network = _student(network, left, slip)
        drawn[name] = network(noise, torch.ones(len(noise)))
    return drawn


def _student(teacher: Network, steps: int, slip: str) -> Network:
    """A student that answers its target; SLIPS says which: two answers' mean, the first twice, where the steps land."""
    def answer(z: Tensor, t: Tensor) -> Tensor:
        middle, end = t - 0.5 / steps, (t - 1 / steps).clamp(min=0)
        first = teacher(z, t)
        z_m = _step(z, first, t, middle)
        second = first if slip == "first" else teacher(z_m, middle)
        if slip == "mean":
            return (first + second) / 2
        z_s = _step(z_m, second, middle, end)
        if slip == "state":
            return z_s
        ratio = (end / t)[:, None]
        return (z_s - ratio * z) / (1 - end[:, None] - ratio * (1 - t[:, None]))

    return answer


def _step(z: Tensor, x_start: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """DDIM's on the straight path."""
    t, s = t[:, None], s[:, None]
    return (1 - s) * x_start + s * (z - (1 - t) * x_start) / t
