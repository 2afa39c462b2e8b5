"""Notebook 12: points that followed the exact velocity of a straight flow, with a slip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.densities import Mixture
from course_utils.diffusion.paths import RectifiedFlow

STEPS = 10
EARLIEST = 1e-3  # at 0 itself the exact velocity is a division of 0 by 0


@torch.no_grad()
def slipped_lines(density: Mixture, noise: Tensor) -> dict[str, Tensor]:
    """Points (b, 2) of three people who went from the same noise (b, 2), each with another slip."""
    velocity = density.model(RectifiedFlow(), "velocity")
    left = [1 - i / STEPS for i in range(STEPS)]

    def walk(slope: Callable[[Tensor, Tensor], Tensor], times: Sequence[float]) -> Tensor:
        x = noise
        for t in times:
            x = x - slope(x, torch.full((len(x),), max(t, EARLIEST))) / STEPS
        return x

    return {"A": walk(velocity, [1 - t for t in left]), "B": walk(velocity, torch.linspace(1, 0, STEPS).tolist()),
            "C": walk(lambda x, t: -velocity(x, t), left)}
