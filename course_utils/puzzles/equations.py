"""Notebook 09: a walk back from noise."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.densities import Mixture
from course_utils.diffusion.paths import VP


def slipped_ways_back(density: Mixture, n: int = 1000, steps: int = 400) -> dict[str, Tensor]:
    """n points (n, 2) of three walks back on the VP path by Euler–Maruyama's steps, each with another slip."""
    slips = {"A": (1.0, 2, 1.0), "B": (0.5, 2, 0.5), "C": (1.0, 1, 0.5)}  # share of the pull, power of g, power of dt
    return {name: _walk(density, n, steps, *slip) for name, slip in slips.items()}


def _walk(density: Mixture, n: int, steps: int, share: float, power: int, root: float) -> Tensor:
    path, generator = VP(), torch.Generator().manual_seed(12)
    x, dt = torch.randn(n, 2, generator=generator), (1 - path.eps) / steps
    for i in range(steps):
        t = 1 - i * dt
        f, g = path.f(t).item(), path.g(t).item()
        score = density.noised(path.alpha(t).item(), path.sigma(t).item()).score(x)
        mean = x - (f * x - share * g**power * score) * dt
        x = mean + g * dt**root * torch.randn(n, 2, generator=generator)
    return mean
