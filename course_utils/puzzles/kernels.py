"""Notebook 15: what three kernels of q_sample write, each with a slip, told in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 512
SLIPS = {"A": "time", "B": "grid", "C": "row"}


def slipped_kernels(x_start: Tensor, noise: Tensor, alphas_cumprod: Tensor, t: Tensor) -> dict[str, Tensor]:
    """Three sheets of noised pictures; memory that was never written is 0.

    Args:
        x_start, noise: (b, 1, h, w).
        alphas_cumprod: (T,).
        t: (b,) times.
    """
    return {name: _noise_with(x_start, noise, alphas_cumprod, t, slip) for name, slip in SLIPS.items()}


def _noise_with(x_start: Tensor, noise: Tensor, table: Tensor, t: Tensor, slip: str) -> Tensor:
    out, n = torch.zeros_like(x_start), x_start[0].numel()
    x, e, to = x_start.flatten(), noise.flatten(), out.view(-1)
    blocks = n // BLOCK if slip == "grid" else -(-n // BLOCK)
    for sample in range(len(x_start)):
        for block in range(blocks):
            share = table[t[block if slip == "time" else sample]]
            first = 0 if slip == "row" else sample * n
            here = slice(first + block * BLOCK, first + min((block + 1) * BLOCK, n))
            to[here] = share.sqrt() * x[here] + (1 - share).sqrt() * e[here]
    return out
