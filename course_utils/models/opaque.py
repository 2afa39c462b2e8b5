"""What torch.compile calls as it is, since the code it would make for a CPU is many times slower.

Its random numbers are drawn one at a time, and the gradient of its bilinear upsampling is added by atomic operations.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def draw(n: int, p: float) -> Tensor:
    """(n,) bool, False with probability p to 2⁻¹⁷: one 64-bit draw of torch's generator serves four."""
    words = torch.empty(-(-n // 4), dtype=torch.int64).random_(-(2**63), None)
    return words.view(torch.int16)[:n] >= round(p * 2**16) - 2**15


# The tag keeps the compiler from drawing again in the backward pass, and from drawing once for two calls.
@torch.library.custom_op("course::keep", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,))
def keep(n: int, p: float) -> Tensor:
    """`draw`, opaque."""
    return draw(n, p)


@keep.register_fake
def _(n: int, p: float) -> Tensor:
    return torch.empty(n, dtype=torch.bool)


@torch.library.custom_op("course::double", mutates_args=())
def double(x: Tensor) -> Tensor:
    """Bilinear ×2: (b, C, h, w) → (b, C, 2h, 2w)."""
    return F.interpolate(x, scale_factor=2, mode="bilinear")


@double.register_fake
def _(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return x.new_empty(b, c, 2 * h, 2 * w).to(memory_format=torch._prims_common.suggest_memory_format(x))


@torch.library.custom_op("course::double_backward", mutates_args=())
def double_backward(dy: Tensor) -> Tensor:
    """The transposed of `double`: (b, C, 2h, 2w) → (b, C, h, w)."""
    b, c, h, w = dy.shape
    return torch.ops.aten.upsample_bilinear2d_backward(dy, (h, w), (b, c, h // 2, w // 2), False, 2.0, 2.0)


@double_backward.register_fake
def _(dy: Tensor) -> Tensor:
    b, c, h, w = dy.shape
    return dy.new_empty(b, c, h // 2, w // 2).to(memory_format=torch._prims_common.suggest_memory_format(dy))


# Each is the other's transposed, so both differentiate as often as one likes.
double.register_autograd(lambda ctx, dy: double_backward(dy))
double_backward.register_autograd(lambda ctx, d: double(d))
