"""Notebook 11: pipes for text to image, each with a slip in one of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def slipped_pipes(pipe: Any) -> dict[str, Any]:
    """Three pipes like a given one, to draw with as usual."""
    return {"A": _Late(pipe), "B": _Unscaled(pipe), "C": _Swapped(pipe)}


class _Slipped:
    """The parts of a pipe, but for what a subclass has otherwise."""

    def __init__(self, pipe: Any):
        self.pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)


class _Unscaled(_Slipped):
    """Latents go to the decoder in the network's unit."""

    scale = 1.0


class _Late(_Slipped):
    """The network is told the clean end of a step."""

    def __init__(self, pipe: Any):
        super().__init__(pipe)
        self.following: dict[float, float] = {}

    def times(self, n: int) -> Tensor:
        times = self.pipe.times(n)
        self.following = dict(zip(times[:-1].float().tolist(), times[1:].float().tolist(), strict=True))
        return times

    def unet(self, z: Tensor, t: Tensor, context: Tensor) -> Tensor:
        then = [self.following.get(time, time) for time in torch.as_tensor(t).float().expand(len(z)).tolist()]
        return self.pipe.unet(z, torch.tensor(then), context)


class _Swapped(_Slipped):
    """“” is encoded as the prompts, and the prompts as “”."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        return self.pipe.encode(["" if text else "cat" for text in texts])
