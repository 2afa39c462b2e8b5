"""Notebook 08: walks down the noise levels with a slip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils import densities

STEPS, RATIO = 30, 0.3  # steps at each level, and their ratio of signal to noise


def slipped_walks(n: int = 500) -> dict[str, Tensor]:
    """Points (n, 2) of three people who walked with the exact score of a ring, each with another slip: A, B and C."""
    geometric, even = torch.logspace(-1.3, 0.7, 10), torch.linspace(0.05, 5.0, 10)
    return {"A": _walk(n, geometric), "B": _walk(n, geometric.flip(0), lambda h: h),
            "C": _walk(n, even.flip(0))}


def _walk(n: int, levels: Tensor, kick: Callable[[float], float] = lambda h: (2 * h) ** 0.5) -> Tensor:
    """Langevin steps along the levels in their order; `kick` is the size of the noise in a step of size h."""
    ring, generator = densities.ring(), torch.Generator().manual_seed(0)
    x = levels.max() * torch.randn(n, 2, generator=generator)
    for sigma in levels.tolist():
        h = 2 * (RATIO * sigma) ** 2
        for _ in range(STEPS):
            x = x + h * ring.noised(1.0, sigma).score(x) + kick(h) * torch.randn(n, 2, generator=generator)
    return x
