"""z = μ + e^(½·logvar)·noise and KL(N(μ, σ²) ‖ N(0, 1)) of each row, in one pass each way; Kingma & Welling 2014.

The noise is counted, not stored: the backward pass draws the same numbers again from the seed.

Bytes: μ and logvar are read, z is written, 3 passes forward; backward μ, logvar and z's gradient are read, two
gradients written, 5. Plain torch makes 14 forward.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import check_shapes, jit, on_cpu, rows, tl, triton, use_operator
from course_utils.kernels.noise import normal_like, normal_tile

TILE = 1024  # elements a program holds at a time, of one long row or of several short ones


@jit
def _tile(row, first, d, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Columns (1, COLS) from `first`, and the groups of four (ROWS, COLS // 4) that their noise is drawn by."""
    col = first + tl.arange(0, COLS)[None, :]
    group = first // 4 + tl.arange(0, COLS // 4)[None, :]
    return col, row[:, None] * ((d + 3) // 4) + group


@jit
def forward_kernel(mu_ptr, logvar_ptr, seed_ptr, z_ptr, kl_ptr, b, d, mu_stride, logvar_stride,
                   ROWS: tl.constexpr, COLS: tl.constexpr):
    """Program i: ROWS rows, walked COLS columns at a time."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    seed, kl = tl.load(seed_ptr), tl.zeros((ROWS,), tl.float32)
    chunk = 0  # `while` and not `range`, which the interpreter of Triton 3.6 does not run with the newest numpy
    while chunk * COLS < d:
        col, group = _tile(row, chunk * COLS, d, ROWS, COLS)
        mask = (row < b)[:, None] & (col < d)
        mu = tl.load(mu_ptr + row[:, None] * mu_stride + col, mask=mask, other=0.0).to(tl.float32)
        logvar = tl.load(logvar_ptr + row[:, None] * logvar_stride + col, mask=mask, other=0.0).to(tl.float32)
        std = tl.exp(0.5 * logvar)
        z = mu + std * normal_tile(seed, group, ROWS, COLS)
        tl.store(z_ptr + row[:, None] * d + col, z, mask=mask)
        kl += 0.5 * tl.sum(std * std + mu * mu - 1 - logvar, axis=1)  # μ = logvar = 0 off the row adds nothing
        chunk += 1
    tl.store(kl_ptr + row, kl, mask=row < b)


@jit
def backward_kernel(mu_ptr, logvar_ptr, seed_ptr, dz_ptr, dkl_ptr, dmu_ptr, dlogvar_ptr, b, d, mu_stride,
                    logvar_stride, ROWS: tl.constexpr, COLS: tl.constexpr):
    """dμ = dz + dKL·μ; dlogvar = ½·(dz·σ·noise + dKL·(σ² − 1))."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    seed, dkl = tl.load(seed_ptr), tl.load(dkl_ptr + row, mask=row < b, other=0.0).to(tl.float32)[:, None]
    chunk = 0
    while chunk * COLS < d:
        col, group = _tile(row, chunk * COLS, d, ROWS, COLS)
        mask = (row < b)[:, None] & (col < d)
        here = row[:, None] * d + col
        mu = tl.load(mu_ptr + row[:, None] * mu_stride + col, mask=mask, other=0.0).to(tl.float32)
        logvar = tl.load(logvar_ptr + row[:, None] * logvar_stride + col, mask=mask, other=0.0).to(tl.float32)
        dz = tl.load(dz_ptr + here, mask=mask, other=0.0).to(tl.float32)
        std = tl.exp(0.5 * logvar)
        dlogvar = 0.5 * (dz * std * normal_tile(seed, group, ROWS, COLS) + dkl * (std * std - 1))
        tl.store(dmu_ptr + here, dz + dkl * mu, mask=mask)
        tl.store(dlogvar_ptr + here, dlogvar, mask=mask)
        chunk += 1


def _shape(b: int, d: int) -> tuple[tuple[int], dict[str, int]]:
    cols = max(4, min(TILE, triton.next_power_of_2(d)))
    tile = {"ROWS": min(max(1, TILE // cols), triton.next_power_of_2(b)), "COLS": cols}
    return (triton.cdiv(b, tile["ROWS"]),), tile


def launch(mu: Tensor, logvar: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """The Triton kernel; a chunk of a wider tensor is read where it lies."""
    z = torch.empty_like(mu, memory_format=torch.contiguous_format)
    kl = torch.zeros(len(mu), device=mu.device)
    if z.numel() == 0:
        return z, kl
    mu, logvar = rows(mu), rows(logvar)
    grid, tile = _shape(*mu.shape)
    forward_kernel[grid](mu, logvar, seed, z, kl, *mu.shape, mu.stride(0), logvar.stride(0), **tile)
    return z, kl


def launch_backward(mu: Tensor, logvar: Tensor, seed: Tensor, dz: Tensor, dkl: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of μ and logvar, contiguous."""
    dmu = torch.empty_like(mu, memory_format=torch.contiguous_format)
    dlogvar = torch.empty_like(logvar, memory_format=torch.contiguous_format)
    if dmu.numel() == 0:
        return dmu, dlogvar
    mu, logvar = rows(mu), rows(logvar)
    grid, tile = _shape(*mu.shape)
    backward_kernel[grid](mu, logvar, seed, dz.contiguous(), dkl.contiguous(), dmu, dlogvar, *mu.shape, mu.stride(0),
                          logvar.stride(0), **tile)
    return dmu, dlogvar


def reference(mu: Tensor, logvar: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The same in torch, with the noise given."""
    wide = torch.promote_types(mu.dtype, torch.float32)
    mean, log_variance = mu.to(wide), logvar.to(wide)
    std = torch.exp(0.5 * log_variance)
    kl = 0.5 * (std * std + mean * mean - 1 - log_variance).unsqueeze(-1).flatten(1).sum(dim=1)
    return torch.addcmul(mean, std, noise).to(mu.dtype), kl


def reference_backward(mu: Tensor, logvar: Tensor, noise: Tensor, dz: Tensor, dkl: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients in torch, as the kernel computes them."""
    wide = torch.promote_types(mu.dtype, torch.float32)
    dkl = dkl.reshape(-1, *[1] * (mu.dim() - 1)).to(wide)
    std = torch.exp(0.5 * logvar.to(wide))
    dlogvar = 0.5 * (dz * std * noise + dkl * (std * std - 1))
    return (dz + dkl * mu).to(mu.dtype), dlogvar.to(logvar.dtype)


def draw_latents(mu: Tensor, logvar: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """The reference with noise of the seed."""
    return reference(mu, logvar, normal_like(mu, seed))


def redraw_gradients(mu: Tensor, logvar: Tensor, seed: Tensor, dz: Tensor, dkl: Tensor) -> tuple[Tensor, Tensor]:
    """The reference's gradients with the same noise again."""
    return reference_backward(mu, logvar, normal_like(mu, seed), dz, dkl)


def _fake(mu: Tensor, logvar: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    wide = torch.promote_types(mu.dtype, torch.float32)
    return torch.empty_like(mu, memory_format=torch.contiguous_format), mu.new_empty(mu.shape[0], dtype=wide)


def _fake_backward(mu: Tensor, logvar: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(torch.empty_like(x, memory_format=torch.contiguous_format) for x in (mu, logvar))


def _backward(ctx, dz: Tensor, dkl: Tensor) -> tuple[Tensor, Tensor, None]:
    mu, logvar, seed = ctx.saved_tensors
    if not torch.is_grad_enabled():
        return *operator_backward(mu, logvar, seed, dz, dkl), None
    # The kernel's gradients cannot be differentiated again; those in torch can. The noise is a draw of N(0, 1).
    nothing = torch.zeros_like(mu, dtype=torch.promote_types(mu.dtype, torch.float32))
    return *reference_backward(mu, logvar, operator(nothing, nothing, seed)[0], dz, dkl), None


operator = torch.library.custom_op(
    "course::reparameterize_kl", launch, mutates_args=(), device_types="cuda",
    schema="(Tensor mu, Tensor logvar, Tensor seed) -> (Tensor, Tensor)")
operator_backward = torch.library.custom_op(
    "course::reparameterize_kl_backward", launch_backward, mutates_args=(), device_types="cuda",
    schema="(Tensor mu, Tensor logvar, Tensor seed, Tensor dz, Tensor dkl) -> (Tensor, Tensor)")
operator.register_kernel("cpu")(on_cpu(launch, draw_latents))
operator_backward.register_kernel("cpu")(on_cpu(launch_backward, redraw_gradients))
operator.register_fake(_fake)
operator_backward.register_fake(_fake_backward)
operator.register_autograd(_backward, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))


def reparameterize_kl(mu: Tensor, logvar: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """A draw of q(z | x) = N(μ, e^logvar) and its divergence from N(0, 1).

    Args:
        mu: (b, *) means.
        logvar: (b, *) logarithms of the variances.
        seed: One int64 on their device, another for each call, of `draw_seeds`; Triton and the reference draw
            different numbers from it.

    Returns:
        z, (b, *) of mu's type, and the KL of each row in nats, (b,) float32 (float64 for float64).

    Raises:
        ValueError: The shapes differ.
    """
    check_shapes(mu=mu, logvar=logvar)
    run = operator if use_operator(mu, logvar, draws=True) else draw_latents
    return run(mu, logvar, seed)


def bytes_moved(elements: int, dtype: torch.dtype, backward: bool = False) -> int:
    """Forward three passes, backward five; the row's KL is not counted."""
    return (5 if backward else 3) * elements * dtype.itemsize
