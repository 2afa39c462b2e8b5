"""Probes of notebook 15: kernels, and what they move.

A kernel of Triton's runs in its interpreter, on any machine, and plain torch is as right. While it runs every address
is looked at first: a program that would touch what belongs to no tensor is stopped by a sentence, instead of spoiling
the process. New memory holds NaN, so that what was never written is seen, and so do masked lanes that were not told
what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.kernels.interpreter import Access, watch_accesses
from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng
from course_utils.tasks.refusals import Sentences, answer_of, in_our_words, one_tensor

NOTEBOOK = "15_gpu_kernels"
QUESTIONS = {"kernels.1": 5, "kernels.2": 5, "kernels.3": 5}  # points, graded by hand


class ReadsOutside(Told):
    """A program reads where no tensor is."""


class WritesOutside(Told):
    """A program writes where no tensor is."""


class Race(Told):
    """What comes out depends on which of two programs is first."""


class GridNoTuple(Told):
    """A grid that is one number."""


class NoPowerOfTwo(Told):
    """A block of another length."""


class NoConstant(Told):
    """A block whose length is an argument."""


class NotTwo(Told):
    """Something else than the two tensors that were asked for."""


class _Memory(TorchDispatchMode):
    """Knows the memory of every tensor that is given or made while it is on; what is made without values holds NaN.

    Attributes:
        race: What is the first place where the order of two programs matters, as a sentence; empty while there is none.
    """

    def __init__(self, given: tuple[Any, ...]):
        super().__init__()
        self.race = ""
        self.kept: list[Tensor] = []
        self.spans: dict[int, int] = {}  # first byte to the one after the last
        self.stored: dict[int, tuple[tuple[int, int, int], float]] = {}  # by which program and what, in this launch
        self._know(given)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import all of torch._dynamo, 1.3 s

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.stored.clear()  # torch hands over the arguments of each launch, and does nothing within one
        out = func(*args, **(kwargs or {}))
        self._know((*args, *(kwargs or {}).values(), out))
        if "empty" in func.__name__ and isinstance(out, Tensor) and out.is_floating_point():
            out.fill_(float("nan"))
        return out

    def _know(self, values: Any) -> None:
        for x in values:
            if isinstance(x, Tensor):
                storage = x.untyped_storage()
                self.spans[storage.data_ptr()] = storage.data_ptr() + storage.nbytes()
                self.kept.append(x)  # its memory must not become another tensor's
            elif isinstance(x, (tuple, list)):
                self._know(x)

    def look(self, access: Access) -> None:
        """Raises where the access leaves the tensors; notes where it meets what another program has stored."""
        first, end = (np.array(side) for side in zip(*sorted(self.spans.items()), strict=True))
        span = np.searchsorted(first, access.addresses, side="right") - 1
        if ((span < 0) | (access.addresses + access.itemsize > end[span])).any():
            kind, verb = (ReadsOutside, "reads") if access.kind == "load" else (WritesOutside, "writes")
            raise kind(f"program {_number(access.program)} {verb} where no tensor is, past an end or before a "
                       "beginning.")
        if not self.race:
            self.race = {"load": self._read, "store": self._conflict}.get(access.kind, lambda _: "")(access)

    def _read(self, access: Access) -> str:
        """A sentence where another program of the launch has stored what is read: a GPU runs both at the same time."""
        for place in self.stored.keys() & access.addresses.tolist():
            if (other := self.stored[place][0]) != access.program:
                return (f"program {_number(access.program)} reads what program {_number(other)} has stored. On a GPU "
                        "both run at the same time, and the one may read before the other stores.")
        return ""

    def _conflict(self, access: Access) -> str:
        """A sentence where another program of the launch has stored something else in the same place."""
        for place, value in zip(access.addresses.tolist(), access.values.tolist(), strict=True):
            other, before = self.stored.get(place, (access.program, value))
            if other != access.program and before != value:
                return (f"programs {_number(other)} and {_number(access.program)} store different numbers in the same "
                        "place. On a GPU chance says whose number stays.")
            self.stored[place] = access.program, value
        return ""


def _number(program: tuple[int, int, int]) -> int | tuple[int, ...]:
    """A program's number as its author counts: on as many axes as are used."""
    axes = max((axis for axis in range(3) if program[axis]), default=0) + 1
    return program[0] if axes == 1 else program[:axes]


_REFUSED: Sentences = {  # Triton's
    "has no len()": (GridNoTuple, "the grid is a number, and Triton takes a tuple: `kernel[(n,)](…)`."),
    "must be a power of 2": (NoPowerOfTwo, "`tl.arange` is asked for a length that is no power of two."),
    "must be of type tl.constexpr": (NoConstant, "`tl.arange` takes constants; a kernel's argument is one where its "
                                                 "type says so, `BLOCK: tl.constexpr`."),
}


def _run(function: Callable, *given: Any) -> Any:
    """What the function gives; a kernel's own exception where the interpreter has put one of its own around it."""
    memory = _Memory(given)
    try:
        with memory, watch_accesses(memory.look, undefined=float("nan")):
            out = function(*given)
    except Exception as e:
        while type(e).__name__ == "InterpreterError" and e.__cause__ is not None:
            e = e.__cause__
        raise in_our_words(e, _REFUSED) from None
    if memory.race:
        _races.append(memory.race)
    return out


_races: list[str] = []  # of the probe that runs


def _without_races(probe: Callable) -> Callable:
    """The probe, which at its end refuses what came out right by the interpreter's order of programs alone."""
    @wraps(probe)
    def without_races(nb: Any, **inputs: Any) -> Iterator[dict[str, Tensor]]:
        _races.clear()
        yield from probe(nb, **inputs)
        if _races:
            raise Race(_races[0])
    return without_races


def _tensor(function: Callable, *given: Any) -> Any:
    return one_tensor(lambda: _run(function, *given))


# ---- warm-ups


def _two_vectors(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(37), y=rng.normal(37), long_x=rng.normal(96), long_y=rng.normal(96))


@task("kernels.add", points=5, inputs=_two_vectors)
@_without_races
def add(nb, x, y, long_x, long_y):
    """Of 37 numbers, of one, of a multiple of 32."""
    yield dict(sum=_tensor(nb.add, x, y))
    yield dict(of_one_number=_tensor(nb.add, x[:1].clone(), y[:1].clone()),
               of_96_numbers=_tensor(nb.add, long_x, long_y))


def _one_vector(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(37), long_x=rng.normal(96), longest_x=rng.normal(530))


@task("kernels.masked_copy", points=5, inputs=_one_vector)
@_without_races
def masked_copy(nb, x, long_x, longest_x):
    """Whether it is new memory of the same type; of 37 numbers, of one, of 96, of 530."""
    copy = _tensor(nb.masked_copy, x)
    yield dict(is_the_given_tensor=torch.tensor(isinstance(copy, Tensor) and copy.data_ptr() == x.data_ptr()),
               is_float32=torch.tensor(isinstance(copy, Tensor) and copy.dtype == x.dtype))
    yield dict(copy=copy)
    yield dict(of_one_number=_tensor(nb.masked_copy, x[:1].clone()), of_96_numbers=_tensor(nb.masked_copy, long_x),
               of_530_numbers=_tensor(nb.masked_copy, longest_x))


def _matrices(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(5, 37), square=rng.normal(8, 8), one=rng.normal(1, 1), wide=rng.normal(2, 300))


@task("kernels.row_sum", points=5, inputs=_matrices)
@_without_races
def row_sum(nb, x, square, one, wide):
    """Five rows of 37; a square, whose columns would have as many sums; one number; long rows."""
    yield dict(sums=_tensor(nb.row_sum, x))
    yield dict(of_a_square=_tensor(nb.row_sum, square))
    yield dict(of_one_number=_tensor(nb.row_sum, one), of_long_rows=_tensor(nb.row_sum, wide))


def _unequal_vectors(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(13), y=rng.normal(21), square_x=rng.normal(16), square_y=rng.normal(16))


@task("kernels.outer", points=5, inputs=_unequal_vectors)
@_without_races
def outer(nb, x, y, square_x, square_y):
    """13 by 21; a square, where rows and columns could change places; the other way round; one number each."""
    yield dict(products=_tensor(nb.outer, x, y))
    yield dict(of_16_and_16=_tensor(nb.outer, square_x, square_y))
    yield dict(of_21_and_13=_tensor(nb.outer, y, x), of_one_and_one=_tensor(nb.outer, x[:1].clone(), y[:1].clone()))


# ---- bytes


def _sizes(rng: Rng) -> dict[str, Tensor]:
    return dict(numel=rng.integers(high=9000, low=1000), reads=rng.integers(high=9, low=4), writes=torch.tensor(2))


@task("kernels.bytes_moved", inputs=_sizes)
def bytes_moved(nb, numel, reads, writes):
    """Whether a whole number comes; of float32 and of bfloat16; of more than 2³² bytes; where nothing is read."""
    def ask(*given: int) -> Tensor:
        return torch.as_tensor(answer_of(lambda: nb.bytes_moved(*given)))

    n, r, w = int(numel), int(reads), int(writes)
    answer = answer_of(lambda: nb.bytes_moved(n, r, w, 4))
    yield dict(is_an_int=torch.tensor(type(answer) is int))
    yield dict(bytes=torch.as_tensor(answer))
    yield dict(in_bfloat16=ask(n, r, w, 2), nothing_is_read=ask(n, 0, 1, 4), of_a_large_tensor=ask(2**31, r, w, 4))


# ---- kernels


def _chain(rng: Rng) -> dict[str, Tensor]:
    table = torch.cumprod(1 - rng.uniform(12, low=0.05, high=0.3), 0)
    return dict(x_start=rng.normal(3, 2, 5, 7), noise=rng.normal(3, 2, 5, 7), alphas_cumprod=table,
                t=torch.tensor([7, 0, 11]), points=rng.normal(5, 2), noise_of_points=rng.normal(5, 2),
                t_of_points=rng.integers(5, high=12), large=rng.normal(2, 3, 40, 37),
                large_noise=rng.normal(2, 3, 40, 37))


@task("kernels.q_sample", inputs=_chain)
@_without_races
def q_sample(nb, x_start, noise, alphas_cumprod, t, points, noise_of_points, t_of_points, large, large_noise):
    """Three small pictures; the data alone, and the noise alone; points; one alone; pictures of several blocks."""
    def ask(*given: Tensor) -> Any:
        return _tensor(nb.q_sample, *given)

    yield dict(x_t=ask(x_start, noise, alphas_cumprod, t))
    nothing = torch.zeros_like(x_start)
    yield dict(without_noise=ask(x_start, nothing, alphas_cumprod, t),
               of_noise_alone=ask(nothing, noise, alphas_cumprod, t))
    yield dict(of_4440_numbers_each=ask(large, large_noise, alphas_cumprod, t[:2].clone())[..., ::6])
    yield dict(points=ask(points, noise_of_points, alphas_cumprod, t_of_points),
               one_alone=ask(x_start[:1].clone(), noise[:1].clone(), alphas_cumprod, t[:1].clone()))


def _step(rng: Rng) -> dict[str, Tensor]:
    small = {name: rng.normal(3, 2, 5, 7) for name in ("x", "cond", "uncond", "z")}
    large = {f"large_{name}": rng.normal(2, 3, 40, 37) for name in small}
    k = torch.tensor([1.1, -0.7, 0.6, 0.5, 0.4]) + rng.uniform(5, high=0.2)
    return small | large | dict(w=rng.uniform(low=1.2, high=1.8), coefficients=k)


@task("kernels.guided_step", inputs=_step)
@_without_races
def guided_step(nb, x, cond, uncond, z, w, coefficients, large_x, large_cond, large_uncond, large_z):
    """A step; without and with the whole of guidance; nothing clamped; everything; no noise; several blocks; points."""
    def ask(x: Tensor, cond: Tensor, uncond: Tensor, w: float, k: Tensor, z: Tensor) -> Any:
        return _tensor(nb.guided_step, x, cond, uncond, w, k, z)

    weight = float(w)
    yield dict(x_s=ask(x, cond, uncond, weight, coefficients, z))
    yield dict(at_w_0=ask(x, cond, uncond, 0.0, coefficients, z),
               at_w_minus_1=ask(x, cond, uncond, -1.0, coefficients, z))
    small = torch.tensor([0.05, 0.05, 1.0, 1.0, 1.0])
    yield dict(nothing_clamped=ask(x, cond, uncond, weight, coefficients * small, z),
               all_clamped=ask(x, cond, uncond, weight, coefficients * torch.tensor([99.0, 99.0, 1.0, 1.0, 1.0]), z))
    yield dict(without_noise=ask(x, cond, uncond, weight, coefficients * torch.tensor([1.0, 1, 1, 1, 0]), z))
    yield dict(of_8880_numbers=ask(large_x, large_cond, large_uncond, weight, coefficients, large_z)[..., ::6])
    x, cond, uncond, z = (whole.flatten()[:33].clone() for whole in (x, cond, uncond, z))
    yield dict(a_vector=ask(x, cond, uncond, weight, coefficients, z))


def _norm(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(3, 5, 4, 3), g=rng.uniform(1, 5, 1, 1, low=0.6, high=1.6), upstream=rng.normal(3, 5, 4, 3),
                large=rng.normal(2, 6, 13, 11), large_g=rng.uniform(1, 6, 1, 1, low=0.6, high=1.6),
                large_upstream=rng.normal(2, 6, 13, 11))


@task("kernels.rms_norm_backward", inputs=_norm)
@_without_races
def rms_norm_backward(nb, x, g, upstream, large, large_g, large_upstream):
    """Both gradients; with a gain of 1; of one pixel; of one channel, whose length is all it has; of several blocks."""
    def ask(*given: Tensor, word: str = "") -> dict[str, Tensor]:
        both = answer_of(lambda: _run(nb.rms_norm_backward, *given))
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise NotTwo("two tensors are wanted, grad_x and grad_g, in this order.")
        return {f"grad_x{word}": both[0], f"grad_g{word}": both[1]}

    yield ask(x, g, upstream)
    yield ask(x, torch.ones_like(g), upstream, word="_of_gain_1")
    yield ask(x[:1, :, :1, :1].clone(), g, upstream[:1, :, :1, :1].clone(), word="_of_one_pixel")
    yield ask(x[:, :1].clone(), g[:, :1].clone(), upstream[:, :1].clone(), word="_of_one_channel")
    yield ask(large, large_g, large_upstream, word="_of_143_pixels")
