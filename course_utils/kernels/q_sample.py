"""x_t = α_t·x_start + σ_t·noise in one pass; Ho et al. 2020, eq. 4.

Bytes: x_start and noise are read, x_t is written, 3 passes; plain torch makes 7.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import check_shapes, jit, on_cpu, rows, tl, triton, use_operator

BLOCK = 2048  # elements a program: 16 of each thread's, two or four 16-byte loads


@jit
def q_sample_kernel(x_ptr, t_ptr, noise_ptr, alpha_ptr, sigma_ptr, out_ptr, n, x_stride, noise_stride,
                    BLOCK: tl.constexpr):
    """Program (i, j): block j of sample i. A row may start beyond 2³¹ elements, so its number is 64 bits wide."""
    row, offset = tl.program_id(0).to(tl.int64), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    t, mask = tl.load(t_ptr + row), offset < n
    alpha, sigma = tl.load(alpha_ptr + t).to(tl.float32), tl.load(sigma_ptr + t).to(tl.float32)
    x_start = tl.load(x_ptr + row * x_stride + offset, mask=mask, other=0.0).to(tl.float32)
    noise = tl.load(noise_ptr + row * noise_stride + offset, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * n + offset, alpha * x_start + sigma * noise, mask=mask)


def launch(x_start: Tensor, t: Tensor, noise: Tensor, alphas: Tensor, sigmas: Tensor) -> Tensor:
    """The Triton kernel on (b, *) tensors; the result is contiguous."""
    out = torch.empty_like(x_start, memory_format=torch.contiguous_format)
    if out.numel() == 0:
        return out
    x_start, noise = rows(x_start), rows(noise)
    b, n = x_start.shape
    block = min(BLOCK, triton.next_power_of_2(n))
    q_sample_kernel[(b, triton.cdiv(n, block))](
        x_start, t.contiguous(), noise, alphas, sigmas, out, n, x_start.stride(0), noise.stride(0), BLOCK=block)
    return out


def reference(x_start: Tensor, t: Tensor, noise: Tensor, alphas: Tensor, sigmas: Tensor) -> Tensor:
    """The same in torch: two gathers, one product and one multiply–add."""
    shape = (-1, *[1] * (x_start.dim() - 1))
    alpha, sigma = (c[t].to(x_start.dtype).reshape(shape) for c in (alphas, sigmas))
    return torch.addcmul(alpha * x_start, sigma, noise.to(x_start.dtype))


def _backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
    t, alphas, sigmas = ctx.saved_tensors
    shape = (-1, *[1] * (grad.dim() - 1))
    need_x, _, need_noise, _, _ = ctx.needs_input_grad
    grad_x = (grad * alphas[t].reshape(shape)).to(grad.dtype) if need_x else None
    grad_noise = (grad * sigmas[t].reshape(shape)).to(ctx.noise_dtype) if need_noise else None
    return grad_x, None, grad_noise, None, None


def _setup(ctx, inputs: tuple, output: Tensor) -> None:
    _, t, noise, alphas, sigmas = inputs
    ctx.noise_dtype = noise.dtype
    ctx.save_for_backward(t, alphas, sigmas)


operator = torch.library.custom_op(
    "course::q_sample", launch, mutates_args=(), device_types="cuda",
    schema="(Tensor x_start, Tensor t, Tensor noise, Tensor alphas, Tensor sigmas) -> Tensor")
operator.register_kernel("cpu")(on_cpu(launch, reference))
operator.register_fake(lambda x_start, *_: torch.empty_like(x_start, memory_format=torch.contiguous_format))
operator.register_autograd(_backward, setup_context=_setup)


def q_sample(x_start: Tensor, t: Tensor, noise: Tensor, alphas: Tensor, sigmas: Tensor) -> Tensor:
    """A draw of q(x_t | x_start).

    Args:
        x_start: (b, *) clean data.
        t: (b,) int64 indices into the tables.
        noise: (b, *) standard normal.
        alphas: (T,) α of every index, √ᾱ_t for DDPM's chain.
        sigmas: (T,) σ of every index, √(1 − ᾱ_t).

    Returns:
        (b, *) of x_start's type.

    Raises:
        ValueError: noise has another shape than x_start.
    """
    check_shapes(x_start=x_start, noise=noise)
    if use_operator(x_start, noise):
        return operator(x_start, t, noise, alphas, sigmas)
    return reference(x_start, t, noise, alphas, sigmas)


def bytes_moved(elements: int, dtype: torch.dtype) -> int:
    """Two passes read, one written."""
    return 3 * elements * dtype.itemsize
