"""What the asker owns while a probe runs: inputs, random draws, parameters, and stand-ins for other answers."""

from __future__ import annotations

import contextlib
import inspect
import random
import sysconfig
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType
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
_NUMPYS = ("randn", "normal", "standard_normal", "default_rng", "RandomState")  # its ways to normal numbers


class _Stream:
    """Values that are handed out in order, however many a draw asks for, until there are no more."""

    def __init__(self, tensors: list[Tensor]):
        self.values = torch.cat([x.reshape(-1) for x in tensors]) if tensors else torch.empty(0)
        self.next = 0

    def __bool__(self) -> bool:
        return self.next < len(self.values)

    def take(self, n: int) -> Tensor:
        """The next n. Where fewer are left the draw is a mistake, which the comparison will see: they begin anew."""
        index = torch.arange(self.next, self.next + n) % len(self.values)
        self.next += n
        return self.values[index]


class _Answers(TorchDispatchMode):
    def __init__(self, noise: _Stream, t: _Stream):
        super().__init__()
        self.noise, self.t = noise, t

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import all of torch._dynamo, 1.3 s, only to keep this mode out of compiled code

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)  # the real draw gives shape, dtype and device
        op = func.overloadpacket.__name__
        if op in _NORMAL and self.noise:
            mean, std = _mean_std(op, args, kwargs)
            return out.copy_(self.noise.take(out.numel()).reshape(out.shape).to(out) * std + mean)
        if op in _INTEGER and self.t:
            return out.copy_(self.t.take(out.numel()).reshape(out.shape))
        return out


def _mean_std(op: str, args: tuple, kwargs: dict) -> tuple:
    """The location and scale that a call of torch.normal or Tensor.normal_ asked for."""
    if op not in {"normal", "normal_"}:
        return 0.0, 1.0
    given = dict(zip(("mean", "std"), args[1:] if op == "normal_" else args, strict=False)) | kwargs
    return given.get("mean", 0.0), given.get("std", 1.0)


def _refuse_numpy(*_: Any, **__: Any) -> None:
    raise ValueError("draw the noise with torch, in the shape of the data: numpy's numbers cannot be foreseen here.")


@contextlib.contextmanager
def fixed_draws(*, noise: Tensor | list[Tensor] = (), t: Tensor | list[Tensor] = ()) -> Iterator[None]:
    """Answers normal draws from the values of `noise` and integer draws from those of `t`, for one call of a function.

    The values come in order, in whatever shapes and dtype they are asked for: for a whole batch, or sample by sample.
    Every other draw, and those after the last given value, come from generators seeded here, whose state is put back
    at the end. Where noise is given, normal numbers of numpy are refused by a sentence.
    """
    streams = [_Stream([x] if isinstance(x, Tensor) else list(x)) for x in (noise, t)]
    states = torch.random.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(0), np.random.seed(0), random.seed(0)
    try:
        with _put(vars(np.random), dict.fromkeys(_NUMPYS if streams[0] else (), _refuse_numpy)), _Answers(*streams):
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


def watch(*modules: nn.Module) -> list[int]:
    """Collects, from now on, which of these modules run and the shapes of what they get.

    To be yielded after an exception only, so that two slips which torch refuses by one type are known apart.
    """
    seen: list[int] = []

    def note(i: int, module: nn.Module, args: tuple, kwargs: dict) -> None:
        seen.append(-i - 1)
        for part in (*args, *kwargs.values()):
            seen.extend(part.shape if isinstance(part, Tensor) else [])

    for i, module in enumerate(modules):
        module.register_forward_pre_hook(partial(note, i), with_kwargs=True)
    return seen


def steady(call: Callable[[], Any], where: str) -> Any:
    """What `call` gives; ValueError where, at `where`, a second call gives something else."""
    with fixed_draws():
        out, again = call(), call()
    if isinstance(out, Tensor) and not torch.allclose(out, again, equal_nan=True):
        raise ValueError(f"{where}, every call gives another answer.")
    return out


def on_one_device(name: str, call: Callable[[], Any]) -> None:
    """ValueError where tensors of two devices meet in `call`, whose inputs lie on "meta": shapes without numbers.

    Whatever else fails there is no mistake: a loop over a tensor's numbers, say, cannot run without them.
    """
    try:
        call()
    except Exception as e:
        if "same device" in str(e) or "expected device" in str(e):
            raise ValueError(f"a tensor is made on the CPU, wherever {name} lies: give it {name}'s device.") from None


# ---- stand-ins -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def stand_ins(nb: Any, **others: Any) -> Iterator[None]:
    """Puts `others` in the place of the notebook's names, whether they exist or not, and puts the old ones back.

    So a probe sees one task only: the student's other functions do not decide its verdict. Where the notebook's
    classes and functions come from files of the student's, the names that those files have are replaced there too.
    """
    with contextlib.ExitStack() as stack:
        for names in _names_of_files(vars(nb)):
            stack.enter_context(_put(names, {name: x for name, x in others.items() if name in names}))
        stack.enter_context(_put(vars(nb), others))
        yield


@contextlib.contextmanager
def _put(names: dict[str, Any], others: dict[str, Any]) -> Iterator[None]:
    old = {name: names[name] for name in others if name in names}
    names.update(others)
    try:
        yield
    finally:
        for name in others:
            del names[name]
        names.update(old)


def _names_of_files(names: dict[str, Any]) -> list[dict[str, Any]]:
    """The global names of all files of the student's that functions and classes among `names` come from."""
    found, waiting = {id(names): names}, [names]
    while waiting:
        for function in _functions(waiting.pop()):
            theirs = function.__globals__
            if id(theirs) not in found and by_student(function.__code__.co_filename):
                found[id(theirs)] = theirs
                waiting.append(theirs)
    return list(found.values())[1:]


def _functions(names: dict[str, Any]) -> Iterator[FunctionType]:
    """The functions among `names`, and those of the classes there and of the classes that these are made from.

    Of a decorated one, what it was before.
    """
    classes = {cls for value in names.values() if isinstance(value, type) for cls in value.__mro__}
    for value in [*names.values(), *(f for cls in classes for f in vars(cls).values())]:
        function = inspect.unwrap(value) if isinstance(value, FunctionType) else value
        if isinstance(function, FunctionType):
            yield function


def by_student(file: str) -> bool:
    """Whether code of this file, which may be a notebook's cell, is the student's: not the course's or Python's."""
    return not file.startswith(_NOT_THEIRS)


_NOT_THEIRS = (str(Path(__file__).parents[1]), *{sysconfig.get_path(p) for p in ("stdlib", "purelib", "platlib")},
               "<frozen")
