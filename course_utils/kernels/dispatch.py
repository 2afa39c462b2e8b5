"""Where a kernel runs: on CUDA Triton, elsewhere the reference, called directly."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl

    jit = triton.jit
except ImportError:  # no wheel of Triton for this system: the references remain
    triton = tl = None

    def jit(fn: Callable) -> Callable:
        """Leaves a kernel's text as it is; nothing will call it."""
        return fn

CHOICE = os.environ.get("COURSE_KERNELS", "")
INTERPRETED = triton is not None and os.environ.get("TRITON_INTERPRET") == "1"
# What the kernels load and store; they compute in float32, so float64 is left to the reference.
DTYPES = (torch.float32, torch.bfloat16, torch.float16)

if CHOICE not in ("", "reference", "triton"):
    raise ValueError(f"COURSE_KERNELS is 'reference', 'triton' or not set, but it is {CHOICE!r}.")


def use_operator(*tensors: Tensor | None, draws: bool = False) -> bool:
    """Whether a call on these tensors goes to the operator, and not directly to the reference.

    Args:
        tensors: What the call reads, the first is given.
        draws: The reference makes a random generator, which torch.compile cannot trace: inside a compiled graph the
            call goes to the operator, whatever the device.

    Raises:
        RuntimeError: `COURSE_KERNELS=triton` where Triton cannot run.
    """
    given = [x for x in tensors if x is not None]
    on_gpu, fits = given[0].is_cuda, all(x.dtype in DTYPES for x in given)
    if CHOICE == "triton":
        _require_triton(on_gpu)
        return fits
    if draws and not on_gpu and torch.compiler.is_compiling():
        return True
    return CHOICE != "reference" and on_gpu and fits and triton is not None


def _require_triton(on_gpu: bool) -> None:
    if triton is None:
        raise RuntimeError("COURSE_KERNELS=triton, but Triton is not installed: `pip install triton`, or unset it.")
    if not on_gpu and not INTERPRETED:
        raise RuntimeError("COURSE_KERNELS=triton on tensors in main memory needs Triton's interpreter: "
                           "set TRITON_INTERPRET=1 as well before Python starts, or unset COURSE_KERNELS.")


def on_cpu(launch: Callable, reference: Callable) -> Callable:
    """The operator's kernel for tensors in main memory: the interpreted Triton kernel where it is on.

    Like the kernel, the operator's reference returns contiguous tensors, and computes float64 itself.
    """
    def run(*inputs):
        if INTERPRETED and inputs[0].dtype in DTYPES:
            return launch(*inputs)
        out = reference(*inputs)
        return out.contiguous() if isinstance(out, Tensor) else tuple(part.contiguous() for part in out)

    return run


def programs(device: torch.device) -> int:
    """How many programs fill a device once: twice its multiprocessors; four in the interpreter, which is slow."""
    return 2 * _multiprocessors(device.index or 0) if device.type == "cuda" else 4


@lru_cache
def _multiprocessors(index: int) -> int:
    return torch.cuda.get_device_properties(index).multi_processor_count


def rows(x: Tensor) -> Tensor:
    """(b, *) as (b, n) with neighbours side by side in a row; rows may be apart. Copies only where it must."""
    x = x.unsqueeze(-1).flatten(1)  # (b, n), also of a (b,) tensor
    return x if x.shape[1] < 2 or x.stride(1) == 1 else x.contiguous()


def check_shapes(**tensors: Tensor | None) -> None:
    """All given tensors have the shape of the first.

    Raises:
        ValueError: Naming the one that has not.
    """
    (first, like), *others = tensors.items()
    for name, x in others:
        if x is not None and x.shape != like.shape:
            raise ValueError(f"{name} has shape {tuple(x.shape)}, but {first} has {tuple(like.shape)}.")
