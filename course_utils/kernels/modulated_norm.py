"""RMSNorm over channels, then ·(scale + 1) + shift, then GELU, in one pass; backward in one more.

    r = √C / ‖x‖        n = x·r                  Zhang & Sennrich 2019
    u = n·g·(1 + scale) + shift,   y = GELU(u)

Backward, with du = dy·GELU′(u) and dn = du·g·(1 + scale):
    dx = r·(dn − n·⟨dn, n⟩/C)
    per sample A = Σ du·n and B = Σ du over positions give dscale = A·g, dshift = B, dg = Σ A·(1 + scale)

A program keeps several positions with all their channels and goes through a share of a sample's positions; its sums go
to a row of its own and are added up afterwards, in a fixed order: no atomics, the same bits every time.

Bytes: x is read, y written, 2 passes forward; x and dy read, dx written, 3 backward. Plain torch makes 13 and 25.
Channels lie side by side (channels-last); other layouts are copied into it first.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.kernels.dispatch import jit, on_cpu, programs, tl, triton, use_operator

TILE, TILE_BACKWARD = 4096, 2048  # elements a program holds at a time
# The square of F.normalize's 1e-12: it only keeps 0 / 0 from happening.
TINY = 1e-24


@jit
def _modulation(g_ptr, scale_ptr, sample, scale_stride, col, C: tl.constexpr, MODULATED: tl.constexpr):
    """g·(1 + scale) of a sample's channels."""
    gain = tl.load(g_ptr + col, mask=col < C, other=0.0).to(tl.float32)
    if MODULATED:
        gain *= 1 + tl.load(scale_ptr + sample * scale_stride + col, mask=col < C, other=0.0).to(tl.float32)
    return gain


@jit
def forward_kernel(x_ptr, g_ptr, scale_ptr, shift_ptr, y_ptr, P, scale_stride, shift_stride,
                   C: tl.constexpr, MODULATED: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr):
    """ROWS positions of one sample; x is (b, P, C). One axis of programs, since the others end at 65,535."""
    blocks, col = tl.cdiv(P, ROWS), tl.arange(0, COLS)
    sample = (tl.program_id(0) // blocks).to(tl.int64)
    position = tl.program_id(0) % blocks * ROWS + tl.arange(0, ROWS)
    mask = (position < P)[:, None] & (col < C)[None, :]
    here = sample * P * C + position.to(tl.int64)[:, None] * C + col[None, :]
    x = tl.load(x_ptr + here, mask=mask, other=0.0).to(tl.float32)
    r = tl.rsqrt(tl.maximum(tl.sum(x * x, axis=1), 1e-24) * (1.0 / C))
    u = x * r[:, None] * _modulation(g_ptr, scale_ptr, sample, scale_stride, col, C, MODULATED)[None, :]
    if MODULATED:
        u += tl.load(shift_ptr + sample * shift_stride + col, mask=col < C, other=0.0).to(tl.float32)[None, :]
    y = 0.5 * u * (1 + tl.erf(u * 0.7071067811865476))
    tl.store(y_ptr + here, y, mask=mask)


@jit
def backward_kernel(x_ptr, g_ptr, scale_ptr, shift_ptr, dy_ptr, dx_ptr, a_ptr, b_ptr, P, scale_stride, shift_stride,
                    C: tl.constexpr, MODULATED: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Program (i, j): positions j·ROWS, (j + programs)·ROWS, … of sample i, and row (i, j) of the partial sums."""
    sample, col = tl.program_id(0).to(tl.int64), tl.arange(0, COLS)
    gain = _modulation(g_ptr, scale_ptr, sample, scale_stride, col, C, MODULATED)[None, :]
    a, b = tl.zeros((COLS,), tl.float32), tl.zeros((COLS,), tl.float32)
    shift = tl.zeros((1, COLS), tl.float32)
    if MODULATED:
        shift = tl.load(shift_ptr + sample * shift_stride + col, mask=col < C, other=0.0).to(tl.float32)[None, :]
    first = tl.program_id(1) * ROWS
    while first < P:  # not `range`, which the interpreter of Triton 3.6 does not run with the newest numpy
        position = first + tl.arange(0, ROWS)
        mask = (position < P)[:, None] & (col < C)[None, :]
        here = sample * P * C + position.to(tl.int64)[:, None] * C + col[None, :]
        x = tl.load(x_ptr + here, mask=mask, other=0.0).to(tl.float32)
        dy = tl.load(dy_ptr + here, mask=mask, other=0.0).to(tl.float32)
        square = tl.sum(x * x, axis=1)
        r = tl.rsqrt(tl.maximum(square, 1e-24) * (1.0 / C))[:, None]
        n = x * r
        u = n * gain + shift
        bell = tl.exp(-0.5 * u * u) * 0.3989422804014327
        du = dy * (0.5 * (1 + tl.erf(u * 0.7071067811865476)) + u * bell)
        dn = du * gain
        # Below the floor r is a constant, and nothing flows back through it.
        along = tl.where(square >= 1e-24, tl.sum(dn * n, axis=1) * (1.0 / C), 0.0)
        tl.store(dx_ptr + here, r * (dn - n * along[:, None]), mask=mask)
        a += tl.sum(du * n, axis=0)  # dy = 0 off the tensor
        b += tl.sum(du, axis=0)
        first += tl.num_programs(1) * ROWS
    partial = (sample * tl.num_programs(1) + tl.program_id(1)) * C + col
    tl.store(a_ptr + partial, a, mask=col < C)
    if MODULATED:
        tl.store(b_ptr + partial, b, mask=col < C)


def _tile(positions: int, channels: int, elements: int) -> dict[str, int]:
    cols = triton.next_power_of_2(channels)
    return {"C": channels, "ROWS": min(max(1, elements // cols), triton.next_power_of_2(positions)), "COLS": cols}


def _parts(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None) -> tuple:
    """Without modulation all samples are one; else rows of scale and shift may be apart, as a chunk's are."""
    if scale is None:
        return x.reshape(1, -1, x.shape[2]), g, g, g, 0, 0, False
    scale, shift = (c if c.stride(1) == 1 else c.contiguous() for c in (scale, shift))
    return x, g, scale, shift, scale.stride(0), shift.stride(0), True


def launch(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
    """The Triton kernel on (b, P, C); the result is contiguous."""
    x = x.contiguous()
    y = torch.empty_like(x)
    if y.numel() == 0:
        return y
    wide, g, scale, shift, scale_stride, shift_stride, modulated = _parts(x, g, scale, shift)
    b, positions, channels = wide.shape
    tile = _tile(positions, channels, TILE)
    forward_kernel[(b * triton.cdiv(positions, tile["ROWS"]),)](
        x, g, scale, shift, y, positions, scale_stride, shift_stride, MODULATED=modulated, **tile)
    return y


def launch_backward(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None,
                    dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dx (b, P, C), and A and B in float32: (b, C), or (1, C) without modulation, where B is not computed."""
    x, dy = x.contiguous(), dy.contiguous()
    dx = torch.empty_like(x)
    wide, g, scale, shift, scale_stride, shift_stride, modulated = _parts(x, g, scale, shift)
    b, positions, channels = wide.shape
    if dx.numel() == 0:
        return dx, x.new_zeros((b, channels), dtype=torch.float32), x.new_zeros((b, channels), dtype=torch.float32)
    tile = _tile(positions, channels, TILE_BACKWARD)
    splits = min(triton.cdiv(positions, tile["ROWS"]), max(1, programs(x.device) // b))
    sums = torch.empty((2 if modulated else 1, b, splits, channels), device=x.device)
    backward_kernel[(b, splits)](x, g, scale, shift, dy, dx, sums[0], sums[-1], positions, scale_stride, shift_stride,
                                 MODULATED=modulated, **tile)
    return dx, sums[0].sum(dim=1), sums[-1].sum(dim=1)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _floor(x: Tensor) -> float:
    """The least ‖x‖² that is divided by; r of a shorter x would not be a number of float16."""
    return max(TINY, (math.sqrt(x.shape[1]) / torch.finfo(x.dtype).max) ** 2)


def _factor(square: Tensor, x: Tensor) -> Tensor:
    """r = √C / ‖x‖ of ‖x‖²."""
    return (square.clamp_min(_floor(x)).rsqrt() * math.sqrt(x.shape[1])).to(x.dtype)


def inverse_rms(x: Tensor) -> Tensor:
    """√C / ‖x‖₂ over the channels of (b, C, *), (b, 1, *) of x's type, summed in float32 at least."""
    return _factor(_square(x), x)


def _square(x: Tensor) -> Tensor:
    return _wide(x).square().sum(dim=1, keepdim=True)


def _gain_and_shift(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """g·(1 + scale) and shift as x meets them, (1 or b, C, 1, …): they are small, so multiplied first."""
    shape = (-1, x.shape[1], *[1] * (x.dim() - 2))
    gain = g if scale is None else _wide(g).flatten() * (1 + _wide(scale).flatten(1))
    return gain.reshape(shape).to(x.dtype), None if shift is None else shift.reshape(shape).to(x.dtype)


def _before_gelu(x: Tensor, gain: Tensor, shift: Tensor | None, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """‖x‖² (b, 1, *) and u (b, C, *), which may be written to `out`."""
    square = _square(x)
    n = torch.mul(x, _factor(square, x), out=out)
    return square, torch.mul(n, gain, out=out) if shift is None else torch.addcmul(shift, n, gain, out=out)


def _gradients(x: Tensor, gain: Tensor, shift: Tensor | None, square: Tensor, u: Tensor,
               dy: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """dx, dgain and dshift: the equations at the top of this file, in operations that autograd can follow."""
    r = _factor(square, x)
    n, du = x * r, torch.ops.aten.gelu_backward(dy, u)
    along = du * n
    dgain, dshift = along.sum_to_size(gain.shape), None if shift is None else du.sum_to_size(shift.shape)
    # Below the floor r is a constant, and nothing flows back through it.
    along = (along * gain).mean(dim=1, keepdim=True) * (square >= _floor(x))
    return (du * gain).addcmul_(n, along, value=-1).mul_(r), dgain, dshift


class _Modulated(torch.autograd.Function):
    """GELU(u) and its gradients in a third of autograd's passes over memory."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, gain: Tensor, shift: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        square, u = _before_gelu(x, gain, shift)
        return F.gelu(u), square, u

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: tuple) -> None:
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*inputs, *output[1:])

    @staticmethod
    def backward(ctx, dy: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if dy is None:
            return None, None, None
        x, gain, shift, *kept = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradients will be differentiated, and what was kept is not known to be x's
            kept = _before_gelu(x, gain, shift)
        return _gradients(x, gain, shift, *kept, dy)


def reference(x: Tensor, g: Tensor, scale: Tensor | None = None, shift: Tensor | None = None, *,
              inplace: bool = False) -> Tensor:
    """The same in torch, as `modulated_norm`; a compiler makes its own backward pass."""
    gain, shift = _gain_and_shift(x, g, scale, shift)
    if torch.compiler.is_compiling():
        return F.gelu(_before_gelu(x, gain, shift)[1])
    if torch.is_grad_enabled():
        return _Modulated.apply(x, gain, shift)[0]
    return torch.ops.aten.gelu_(_before_gelu(x, gain, shift, out=x if inplace else None)[1])


def reference_backward(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None,
                       dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`launch_backward` in torch, which autograd can follow; x and dy are (b, P, C)."""
    wide, dy = _wide(x).mT, _wide(dy).mT
    gain, shift = _gain_and_shift(wide, g, scale, shift)
    dx, a, b = _gradients(wide, gain, shift, *_before_gelu(wide, gain, shift), dy)
    return dx.mT.to(x.dtype), a.flatten(1), (torch.zeros_like(a) if b is None else b).flatten(1)


def _by_position(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
    """`launch` in torch."""
    return reference(x.mT, g, scale, shift).mT


def _fake_backward(x: Tensor, g: Tensor, scale: Tensor | None, *_: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    sums = x.new_empty((1 if scale is None else x.shape[0], x.shape[2]), dtype=_wide(x).dtype)
    return torch.empty_like(x, memory_format=torch.contiguous_format), sums, torch.empty_like(sums)


def _setup(ctx, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx, dy: Tensor) -> tuple[Tensor | None, ...]:
    x, g, scale, shift = ctx.saved_tensors
    # The kernel's gradients cannot be differentiated again; those in torch can.
    dx, a, b = (reference_backward if torch.is_grad_enabled() else operator_backward)(x, g, scale, shift, dy)
    if scale is None:
        return dx, a[0].to(g.dtype), None, None
    dg = (a * (1 + _wide(scale))).sum(dim=0)
    return dx, dg.to(g.dtype), (a * g).to(scale.dtype), b.to(shift.dtype)


operator = torch.library.custom_op(
    "course::modulated_norm", launch, mutates_args=(), device_types="cuda",
    schema="(Tensor x, Tensor g, Tensor? scale, Tensor? shift) -> Tensor")
operator_backward = torch.library.custom_op(
    "course::modulated_norm_backward", launch_backward, mutates_args=(), device_types="cuda",
    schema="(Tensor x, Tensor g, Tensor? scale, Tensor? shift, Tensor dy) -> (Tensor, Tensor, Tensor)")
operator.register_kernel("cpu")(on_cpu(launch, _by_position))
operator_backward.register_kernel("cpu")(on_cpu(launch_backward, reference_backward))
operator.register_fake(lambda x, *_: torch.empty_like(x, memory_format=torch.contiguous_format))
operator_backward.register_fake(_fake_backward)
operator.register_autograd(_backward, setup_context=_setup)


def modulated_norm(x: Tensor, g: Tensor, scale: Tensor | None = None, shift: Tensor | None = None, *,
                   inplace: bool = False) -> Tensor:
    """GELU(RMSNorm(x)·(scale + 1) + shift), the normalisation being over channels. It differentiates twice.

    Args:
        x: (b, C, *), fastest in channels-last memory.
        g: C gains of the norm, e.g. (C,) or (1, C, 1, 1).
        scale: (b, C) or (b, C, 1, …); None together with shift for none.
        shift: Like scale.
        inplace: Whether x may be overwritten where no gradient is recorded.

    Returns:
        (b, C, *) of x's type. Triton's is channels-last in memory.

    Raises:
        ValueError: Only one of scale and shift is given, or a shape does not fit x.
    """
    _check(x, g, scale, shift)
    if not use_operator(x, g, scale, shift):
        return reference(x, g, scale, shift, inplace=inplace)
    positions = x.unsqueeze(-1).flatten(2).mT  # (b, P, C), a view of NCHW as of NHWC memory
    scale, shift = (c if c is None else c.flatten(1) for c in (scale, shift))
    return operator(positions, g.flatten(), scale, shift).mT.reshape(x.shape)


def _check(x: Tensor, g: Tensor, scale: Tensor | None, shift: Tensor | None) -> None:
    b, channels = x.shape[:2]
    if (scale is None) != (shift is None):
        raise ValueError("scale and shift come together: one is given, the other is None.")
    wanted = {"g": (g, channels), "scale": (scale, b * channels), "shift": (shift, b * channels)}
    for name, (c, count) in wanted.items():
        if c is not None and (c.numel() != count or (name != "g" and c.shape[:2] != x.shape[:2])):
            raise ValueError(f"{name} has shape {tuple(c.shape)}, which does not fit x of shape {tuple(x.shape)}.")


def bytes_moved(elements: int, dtype: torch.dtype, backward: bool = False) -> int:
    """Forward two passes, backward three; what is per channel is not counted."""
    return (3 if backward else 2) * elements * dtype.itemsize
