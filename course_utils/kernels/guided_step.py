"""One step of an ancestral or DDIM sampler after the network, in one pass.

    out     = (1 + w)·cond − w·uncond               Ho & Salimans 2022, eq. 6
    x_start = clamp(k_x·x + k_out·out)              from noise, x_start or v
    x_next  = c_x·x + c_start·x_start + c_noise·z   z ~ N(0, 1); Ho et al. 2020, eqs. 6–7; Song et al. 2021, eq. 12

The coefficients come from a table on the device, and so do the seeds: a captured CUDA graph of all steps can be
replayed with another guidance, grid or picture. Because x_next is written in x and x_start, clamping x_start changes
the noise that it implies as well.

Bytes: x, cond and uncond are read, x_next is written, 4 passes; plain torch makes about 30.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import check_shapes, jit, on_cpu, tl, triton, use_operator
from course_utils.kernels.noise import normal_like, normal_tile

BLOCK = 1024  # elements a program; the Philox words of more would not fit its threads' registers


@jit
def guided_step_kernel(x_ptr, cond_ptr, uncond_ptr, row_ptr, seed_ptr, out_ptr, n, limit,
                       GUIDED: tl.constexpr, CLAMP: tl.constexpr, BLOCK: tl.constexpr):
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
    c_noise = tl.load(row_ptr + 5)
    if c_noise > 0:  # the same for all programs: a step without noise does not pay for it
        group = start // 4 + tl.arange(0, BLOCK // 4)
        z = normal_tile(tl.load(seed_ptr), tl.reshape(group, (1, BLOCK // 4)), 1, BLOCK)
        x_next += c_noise * tl.reshape(z, (BLOCK,))
    tl.store(out_ptr + start + offset, x_next, mask=mask)


def launch(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor, clamp: float | None) -> Tensor:
    """The Triton kernel on (b, *) tensors, copied first where they are not contiguous; the result is contiguous."""
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    n = out.numel()
    if n == 0:
        return out
    x, cond = x.contiguous(), cond.contiguous()
    other = cond if uncond is None else uncond.contiguous()
    block = max(16, min(BLOCK, triton.next_power_of_2(n)))
    guided_step_kernel[(triton.cdiv(n, block),)](
        x, cond, other, row.contiguous(), seed, out, n, 0.0 if clamp is None else clamp,
        GUIDED=uncond is not None, CLAMP=clamp is not None, BLOCK=block)
    return out


def reference(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, noise: Tensor | None,
              clamp: float | None) -> Tensor:
    """The same in torch, with the noise given; None adds none."""
    wide = torch.promote_types(x.dtype, torch.float32)
    w, k_x, k_out, c_x, c_start, c_noise = row.to(wide).unbind()
    narrow, x, out = x.dtype, x.to(wide), cond.to(wide)
    if uncond is not None:
        out = torch.lerp(uncond.to(wide), out, 1 + w)
    x_start = torch.addcmul(k_x * x, k_out, out)
    if clamp is not None:
        x_start = x_start.clamp(-clamp, clamp)
    x_next = torch.addcmul(c_x * x, c_start, x_start)
    return (x_next if noise is None else torch.addcmul(x_next, c_noise, noise)).to(narrow)


def drawn(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor, clamp: float | None) -> Tensor:
    """The reference with noise of the seed, where the row asks for any."""
    return reference(x, cond, uncond, row, normal_like(x, seed) if row[5] > 0 else None, clamp)


def _setup(ctx, inputs: tuple, output: Tensor) -> None:
    x, cond, uncond, row, _, ctx.clamp = inputs
    ctx.save_for_backward(x, cond, uncond, row)


def _backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
    """Through the affine map; where x_start was clamped nothing flows through it."""
    x, cond, uncond, row = ctx.saved_tensors
    w, k_x, k_out, c_x, c_start, _ = row.unbind()
    out = cond if uncond is None else (1 + w) * cond - w * uncond
    x_start = k_x * x + k_out * out
    slope = grad * c_start
    if ctx.clamp is not None:
        slope = slope * (x_start.abs() <= ctx.clamp)
    need_x, need_cond, need_uncond, *_ = ctx.needs_input_grad
    scale = 1 if uncond is None else 1 + w
    grad_x = (grad * c_x + slope * k_x).to(x.dtype) if need_x else None
    grad_cond = (slope * k_out * scale).to(cond.dtype) if need_cond else None
    grad_uncond = (slope * k_out * -w).to(uncond.dtype) if need_uncond else None
    return grad_x, grad_cond, grad_uncond, None, None, None


operator = torch.library.custom_op(
    "course::guided_step", launch, mutates_args=(), device_types="cuda",
    schema="(Tensor x, Tensor cond, Tensor? uncond, Tensor row, Tensor seed, float? clamp) -> Tensor")
operator.register_kernel("cpu")(on_cpu(launch, drawn))
operator.register_fake(lambda x, *_: torch.empty_like(x, memory_format=torch.contiguous_format))
operator.register_autograd(_backward, setup_context=_setup)


def guided_step(x: Tensor, cond: Tensor, uncond: Tensor | None, row: Tensor, seed: Tensor,
                clamp: float | None = 1.0) -> Tensor:
    """The next x of a sampler.

    Args:
        x: (b, *) the current x.
        cond: (b, *) what the network predicts with the condition.
        uncond: (b, *) what it predicts without; None for no guidance.
        row: (6,) float32, one row of `step_table`, on x's device.
        seed: One int64 on x's device, another for each step, of `draw_seeds`. The noise is its and the position's in
            (b, *) alone; Triton and the reference draw different numbers.
        clamp: x_start is clamped to [−clamp, clamp]; None leaves it.

    Returns:
        (b, *) of x's type.

    Raises:
        ValueError: The shapes differ.
    """
    check_shapes(x=x, cond=cond, uncond=uncond)
    run = operator if use_operator(x, cond, uncond, draws=True) else drawn
    return run(x, cond, uncond, row, seed, clamp)


def step_table(alpha: Tensor, sigma: Tensor, c_x: Tensor, c_start: Tensor, c_noise: Tensor,
               prediction: str | tuple[Tensor, Tensor] = "noise", w: float | Tensor = 0.0) -> Tensor:
    """The rows of all steps, computed in float64.

    Args:
        alpha, sigma: (n,) of each step's time, x = α·x_start + σ·noise.
        c_x, c_start, c_noise: (n,) of the sampler's equation.
        prediction: What the network predicts: "noise", "x_start" or "v" = α·noise − σ·x_start (Salimans & Ho 2022);
            or the weights k_x and k_out, (n,) each, of x and of any other prediction in x_start.
        w: Guidance weight, one for all or (n,); 0 is the plain conditional.

    Returns:
        (n, 6) float32, rows w, k_x, k_out, c_x, c_start, c_noise; x_start = k_x·x + k_out·out.

    Raises:
        ValueError: An unknown prediction.
    """
    k = _weights(alpha.double(), sigma.double(), prediction) if isinstance(prediction, str) else prediction
    weight = torch.ones_like(c_x, dtype=torch.float64) * w
    return torch.stack([c.double() for c in (weight, *k, c_x, c_start, c_noise)], dim=1).float()


def _weights(alpha: Tensor, sigma: Tensor, prediction: str) -> tuple[Tensor, Tensor]:
    if prediction == "noise":
        return 1 / alpha, -sigma / alpha
    if prediction == "x_start":
        return torch.zeros_like(alpha), torch.ones_like(alpha)
    if prediction == "v":
        power = alpha**2 + sigma**2  # 1 on a variance-preserving path only
        return alpha / power, -sigma / power
    raise ValueError(f"prediction is one of noise, x_start, v, but it is {prediction!r}.")


def bytes_moved(elements: int, dtype: torch.dtype, guided: bool = True) -> int:
    """x and the predictions are read, x_next is written; the noise moves nothing."""
    return (4 if guided else 3) * elements * dtype.itemsize
