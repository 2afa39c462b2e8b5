"""Notebook 13: who reads whom among the tokens of a video, measured by gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FRAMES, PLACES = 4, 6


def token_patterns() -> dict[str, Tensor]:
    """Which of 24 tokens (rows) reads which (columns), (24, 24) of 0 and 1, for five ways to attend over a video."""
    ways = {"A": _time, "B": _in_order, "C": _frames_so_far, "D": _space, "E": _space_then_time}
    return {name: _read(way) for name, way in ways.items()}


def _mix(x: Tensor) -> Tensor:
    """Attention with equal weights over the middle axis of (·, tokens, 1)."""
    return x.mean(dim=1, keepdim=True).expand_as(x)


def _space(x: Tensor) -> Tensor:
    return _mix(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def _time(x: Tensor) -> Tensor:
    return _space(x.transpose(1, 2)).transpose(1, 2)


def _space_then_time(x: Tensor) -> Tensor:
    return _time(_space(x))


def _frames_so_far(x: Tensor) -> Tensor:
    """All places of the own frame and of those before it."""
    return torch.stack([x[:, :f + 1].mean(dim=(1, 2)).expand_as(x[:, f, :, 0])[..., None] for f in range(FRAMES)], 1)


def _in_order(x: Tensor) -> Tensor:
    """A reshape in the place of a transposition: as many tokens as there are frames, as they stand in memory."""
    return _mix(x.reshape(-1, FRAMES, 1)).reshape(x.shape)


def _read(way: Callable[[Tensor], Tensor]) -> Tensor:
    """Where the gradient of each token's answer is not 0."""
    def answer(x: Tensor) -> Tensor:
        return way(x.reshape(1, FRAMES, PLACES, 1)).flatten()

    return (torch.autograd.functional.jacobian(answer, torch.zeros(FRAMES * PLACES)) != 0).float()
