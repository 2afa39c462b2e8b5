"""Notebook 11: pipes for text to image, each with a slip in one of its parts."""

from __future__ import annotations

from typing import Any

from torch import Tensor

FARTHEST = 4.0  # a clean latent's bound: at the first time x_start is told by a division by nearly 0


def slipped_pipes(pipe: Any) -> dict[str, Any]:
    """Three pipes like a given one, to draw with as usual."""
    return {"A": _AsStart(pipe), "B": _AsNoise(pipe), "C": _Unscaled(pipe)}


class _Slipped:
    """The parts of a pipe, but for what a subclass has otherwise."""

    def __init__(self, pipe: Any):
        self.pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)


class _Unscaled(_Slipped):
    """The decoder is given latents in the network's unit."""

    scale = 1.0


class _AsStart(_Slipped):
    """The network's answer is taken for x_start."""

    def step(self, z: Tensor, v: Tensor, t: Tensor, s: Tensor) -> Tensor:
        path = self.pipe.path
        return path.alpha(s) * v + path.sigma(s) * (z - path.alpha(t) * v) / path.sigma(t)


class _AsNoise(_Slipped):
    """The network's answer is taken for the noise."""

    def step(self, z: Tensor, v: Tensor, t: Tensor, s: Tensor) -> Tensor:
        path = self.pipe.path
        x_start = ((z - path.sigma(t) * v) / path.alpha(t)).clamp(-FARTHEST, FARTHEST)
        return path.alpha(s) * x_start + path.sigma(s) * v
