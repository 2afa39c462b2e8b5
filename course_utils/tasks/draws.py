"""What the asker owns while a probe runs: inputs, random draws, parameters, and stand-ins for other answers."""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


class Rng:
    """Draws a task's inputs by numpy's PCG64, so that they are the same on every torch version."""

    def __init__(self, seed: int, name: str = ""):
        self._rng = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal float32 tensor."""
        return torch.from_numpy(self._rng.standard_normal(shape).astype(np.float32))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform float32 tensor in [low, high)."""
        return torch.from_numpy(self._rng.uniform(low, high, shape).astype(np.float32))

    def images(self, b: int, c: int, size: int) -> Tensor:
        """(b, c, size, size) tensor in [-1, 1)."""
        return self.uniform(b, c, size, size, low=-1.0)

    def integers(self, *shape: int, low: int = 0, high: int) -> Tensor:
        """int64 tensor in [low, high)."""
        return torch.from_numpy(self._rng.integers(low, high, shape))

    def timesteps(self, b: int, T: int) -> Tensor:
        """(b,) int64 indices in 0…T−1; the first two are 0 and T−1, where formulas go wrong."""
        t = self.integers(b, high=T)
        t[:2] = torch.tensor([0, T - 1])[:b]
        return t


_NORMAL = {"randn", "randn_like", "normal", "normal_"}
_INTEGER = {"randint", "randint_like", "random_", "random"}


class _Answers(TorchDispatchMode):
    def __init__(self, noise: list[Tensor], t: list[Tensor]):
        super().__init__()
        self.noise, self.t = iter(noise), iter(t)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import all of torch._dynamo, 1.3 s, only to keep this mode out of compiled code

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)  # the real draw gives shape, dtype and device
        op = func.overloadpacket.__name__
        if op in _NORMAL:
            return self._answer(out, next(self.noise, None), *_mean_std(op, args, kwargs))
        if op in _INTEGER:
            return self._answer(out, next(self.t, None))
        return out

    @staticmethod
    def _answer(out: Tensor, values: Tensor | None, mean=0.0, std=1.0) -> Tensor:
        if values is None:
            return out
        # A draw of another shape than expected is a mistake that the comparison will see: repeat the values to fit.
        flat = values.reshape(-1)
        index = torch.arange(out.numel()) % flat.numel()
        return out.copy_(flat[index].reshape(out.shape).to(out) * std + mean)


def _mean_std(op: str, args: tuple, kwargs: dict) -> tuple:
    """The location and scale that a call of torch.normal or Tensor.normal_ asked for."""
    if op not in {"normal", "normal_"}:
        return 0.0, 1.0
    given = dict(zip(("mean", "std"), args[1:] if op == "normal_" else args, strict=False)) | kwargs
    return given.get("mean", 0.0), given.get("std", 1.0)


@contextlib.contextmanager
def drawn(*, noise: Tensor | list[Tensor] = (), t: Tensor | list[Tensor] = ()) -> Iterator[None]:
    """Answers the n-th normal draw with `noise[n]` and the n-th integer draw with `t[n]` (a tensor is one draw).

    The values come in whatever dtype and shape were asked for. Every other draw, and those after the last given one,
    come from generators seeded here, whose state is put back at the end.
    """
    noise, t = ([x] if isinstance(x, Tensor) else list(x) for x in (noise, t))
    states = torch.random.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(0), np.random.seed(0), random.seed(0)
    try:
        with _Answers(noise, t):
            yield
    finally:
        torch.random.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


def fill(module: nn.Module, pool: Tensor, scale: float = 0.2) -> nn.Module:
    """Fills parameters from `pool` (n,) by their names, in eval mode: the order of construction does not matter.

    Weights are divided by √fan_in, so that a deep network's output keeps a size at which an error is seen.
    """
    with torch.no_grad():
        for name, p in module.named_parameters():
            index = (zlib.crc32(name.encode()) + torch.arange(p.numel())) % pool.numel()
            fan_in = p[0].numel() if p.dim() > 1 else 1
            p.copy_((pool[index].reshape(p.shape) * (scale if fan_in == 1 else fan_in**-0.5)).to(p))
    return module.eval()


@contextlib.contextmanager
def stand_ins(nb: Any, **others: Any) -> Iterator[None]:
    """Puts `others` in the place of the notebook's names, whether they exist or not, and puts the old ones back.

    So a probe sees one task only: the student's other functions do not decide its verdict.
    """
    names = vars(nb)
    old = {name: names[name] for name in others if name in names}
    names.update(others)
    try:
        yield
    finally:
        for name in others:
            del names[name]
        names.update(old)
