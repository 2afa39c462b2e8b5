"""One step of any planned sampler after the network, in one pass.

    out     = (1 + w)·cond − w·uncond               Ho & Salimans 2022, eq. 6
    x_start = clamp(k_x·x + k_out·out)              from noise, x_start or v
    x_next  = c_x·x + c_start·x_start + c_previous·(the x_start before) + c_noise·z,  z ~ N(0, 1)

That is Ho et al. 2020, eqs. 6–7; Song et al. 2021, eq. 12; and with the x_start before Lu et al. 2022b, algorithm 2.

The coefficients come from a table on the device, and so do the seeds: a captured CUDA graph of all steps can be
replayed with another guidance, grid or picture. Because x_next is written in x and x_start, clamping x_start changes
the noise that it implies as well.

Bytes: x, cond and uncond are read, x_next is written, 4 passes; plain torch makes about 30. A sampler that remembers
reads the x_start before and writes its own as well, 6 passes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import check_shapes, jit, on_cpu, tl, triton, use_operator
from course_utils.kernels.noise import normal_like, normal_tile

BLOCK = 1024  # elements a program; the Philox words of more would not fit its threads' registers


@jit
def guided_step_kernel(x_ptr, cond_ptr, uncond_ptr, previous_ptr, row_ptr, seed_ptr, out_ptr, n, limit,
                       GUIDED: tl.constexpr, REMEMBER: tl.constexpr, CLAMP: tl.constexpr, BLOCK: tl.constexpr):
    """Program i: elements i·BLOCK … of the flat tensors; the start is 64 bits wide, the rest counts from there."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    offset = tl.arange(0, BLOCK)
    mask = offset < n - start
    x = tl.load(x_ptr + start + offset, mask=mask, other=0.0).to(tl.float32)
    out = tl.load(cond_ptr + start + offset, mask=mask, other=0.0).to(tl.float32)
    if GUIDED:
        w = tl.load(row_ptr)
        uncond = tl.load(uncond_ptr + start + offset, mask=mask, other=0.0).to(tl.float32)
        out = (1 + w) * out - w * uncond
    x_start = tl.load(row_ptr + 1) * x + tl.load(row_ptr + 2) * out
    if CLAMP:
        x_start = tl.clamp(x_start, -limit, limit, propagate_nan=tl.PropagateNan.ALL)
    x_next = tl.load(row_ptr + 3) * x + tl.load(row_ptr + 4) * x_start
    if REMEMBER:
        previous = tl.load(previous_ptr + start + offset, mask=mask, other=0.0).to(tl.float32)
        x_next += tl.load(row_ptr + 5) * previous
        tl.store(out_ptr + n + start + offset, x_start, mask=mask)  # the second half of the output
    c_noise = tl.load(row_ptr + 6)
    if c_noise > 0:  # the same for all programs: a step without noise does not pay for it
        group = start // 4 + tl.arange(0, BLOCK // 4)
        z = normal_tile(tl.load(seed_ptr), tl.reshape(group, (1, BLOCK // 4)), 1, BLOCK)
        x_next += c_noise * tl.reshape(z, (BLOCK,))
    tl.store(out_ptr + start + offset, x_next, mask=mask)


def _empty(x: Tensor, previous: Tensor | None) -> Tensor:
    """Room for x_next, and for x_start behind it where a sampler remembers."""
    return x.new_empty(x.shape if previous is None else (2, *x.shape))


def launch(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor, clamp: float | None,
           previous: Tensor | None) -> Tensor:
    """The Triton kernel on (b, *) tensors, copied first where they are not contiguous; the result is contiguous."""
    out, n = _empty(x, previous), x.numel()
    if n == 0:
        return out
    x, cond = x.contiguous(), cond.contiguous()
    other, before = (cond if given is None else given.contiguous() for given in (uncond, previous))
    block = max(16, min(BLOCK, triton.next_power_of_2(n)))
    guided_step_kernel[(triton.cdiv(n, block),)](
        x, cond, other, before, row.contiguous(), seed, out, n, 0.0 if clamp is None else clamp,
        GUIDED=uncond is not None, REMEMBER=previous is not None, CLAMP=clamp is not None, BLOCK=block)
    return out


def reference(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, noise: Tensor | None,
              clamp: float | None, previous: Tensor | None = None) -> Tensor:
    """The same in torch, with the noise given; None adds none. (b, *), or (2, b, *) where `previous` is given."""
    wide = torch.promote_types(x.dtype, torch.float32)
    w, k_x, k_out, c_x, c_start, c_previous, c_noise = row.to(wide).unbind()
    narrow, x, out = x.dtype, x.to(wide), cond.to(wide)
    if uncond is not None:
        out = torch.lerp(uncond.to(wide), out, 1 + w)
    x_start = torch.addcmul(k_x * x, k_out, out)
    if clamp is not None:
        x_start = x_start.clamp(-clamp, clamp)
    x_next = torch.addcmul(c_x * x, c_start, x_start)
    if noise is not None:
        x_next = torch.addcmul(x_next, c_noise, noise)
    if previous is None:
        return x_next.to(narrow)
    return torch.stack([torch.addcmul(x_next, c_previous, previous.to(wide)), x_start]).to(narrow)


def draw_step(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor, clamp: float | None,
          previous: Tensor | None = None) -> Tensor:
    """The reference with noise of the seed, where the row asks for any."""
    return reference(x, cond, uncond, row, normal_like(x, seed) if row[6] > 0 else None, clamp, previous)


def _setup(ctx, inputs: tuple, output: Tensor) -> None:
    x, cond, uncond, row, _, ctx.clamp, previous = inputs
    ctx.remember = previous is not None
    ctx.save_for_backward(x, cond, uncond, row)


def _backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
    """Through the affine map; where x_start was clamped nothing flows through it."""
    x, cond, uncond, row = ctx.saved_tensors
    w, k_x, k_out, c_x, c_start, c_previous, _ = row.unbind()
    out = cond if uncond is None else (1 + w) * cond - w * uncond
    x_start = k_x * x + k_out * out
    grad, of_start = grad if ctx.remember else (grad, None)
    slope = grad * c_start if of_start is None else grad * c_start + of_start
    if ctx.clamp is not None:
        slope = slope * (x_start.abs() <= ctx.clamp)
    need_x, need_cond, need_uncond, *_, need_previous = ctx.needs_input_grad
    scale = 1 if uncond is None else 1 + w
    grad_x = (grad * c_x + slope * k_x).to(x.dtype) if need_x else None
    grad_cond = (slope * k_out * scale).to(cond.dtype) if need_cond else None
    grad_uncond = (slope * k_out * -w).to(uncond.dtype) if need_uncond else None
    grad_previous = (grad * c_previous).to(x.dtype) if need_previous else None
    return grad_x, grad_cond, grad_uncond, None, None, None, grad_previous


operator = torch.library.custom_op(
    "course::guided_step", launch, mutates_args=(), device_types="cuda",
    schema="(Tensor x, Tensor cond, Tensor? uncond, Tensor row, Tensor seed, float? clamp, Tensor? previous) -> Tensor")
operator.register_kernel("cpu")(on_cpu(launch, draw_step))
operator.register_fake(lambda x, cond, uncond, row, seed, clamp, previous: _empty(x, previous))
operator.register_autograd(_backward, setup_context=_setup)


def guided_step(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor, clamp: float | None = 1.0,
                previous: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
    """The next x of a sampler.

    Args:
        x: (b, *) the current x.
        cond: (b, *) what the network predicts with the condition.
        uncond: (b, *) what it predicts without; None for no guidance.
        row: (7,) float32 on x's device: w, 0 for the plain conditional; k_x and k_out, the weights of x and the
            prediction in x_start; c_x, c_start, c_previous, c_noise, a row of a plan's table.
        seed: One int64 on x's device, another for each step, of `draw_seeds`. The noise is its and the position's in
            (b, *) alone; Triton and the reference draw different numbers.
        clamp: x_start is clamped to [−clamp, clamp]; None leaves it.
        previous: (b, *) x_start of the step before, of x's type; in the first step anything finite.

    Returns:
        (b, *) of x's type; with `previous` that and this step's x_start.

    Raises:
        ValueError: The shapes differ.
    """
    check_shapes(x=x, cond=cond, uncond=uncond, previous=previous)
    run = operator if use_operator(x, cond, uncond, previous, draws=True) else draw_step
    out = run(x, cond, uncond, row, seed, clamp, previous)
    return out if previous is None else tuple(out.unbind())


def bytes_moved(elements: int, dtype: torch.dtype, guided: bool = True, remember: bool = False) -> int:
    """x and the predictions are read, x_next is written, each x_start is written and read; the noise moves nothing."""
    return (3 + guided + 2 * remember) * elements * dtype.itemsize
