"""Notebook 07: guided sampling with a slip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS, W = 8, 2.0


@torch.no_grad()
def slipped_guidance(network: Callable, text_emb: Tensor, noise: Tensor, alphas_cumprod: Tensor) -> dict[str, Tensor]:
    """Pictures (b, *) in [-1, 1] of three people who guided a network from the same noise, each with another slip.

    Args:
        network: Called as network(x, t, model_kwargs).
        text_emb: (b, condition_dim).
        noise: (b, *).
        alphas_cumprod: (T,) of the chain.
    """
    def walk(weights: list[float], short: bool = False) -> Tensor:
        times = torch.linspace(len(alphas_cumprod) - 1, 0, STEPS).round().long()
        x, following = noise, torch.cat([times[1:], times.new_tensor([-1])])
        for t, s, w in zip(times, times - 1 if short else following, weights, strict=True):
            at = t.expand(len(x))
            cond, uncond = network(x, at, {"text_emb": text_emb}), network(x, at, {})
            x = _onwards(x, torch.lerp(uncond, cond, 1 + w), alphas_cumprod[t], alphas_cumprod[s] if s >= 0 else 1.0)
        return x

    return {"A": walk([W] + (STEPS - 1) * [0.0]), "B": walk(STEPS * [W], short=True), "C": walk(STEPS * [-1 - W])}


def _onwards(x: Tensor, noise: Tensor, left: Tensor, left_then: Tensor | float) -> Tensor:
    """From one noise level to a lower one."""
    x_start = ((x - (1 - left) ** 0.5 * noise) / left**0.5).clamp(-1, 1)
    noise = (x - left**0.5 * x_start) / (1 - left) ** 0.5
    return left_then**0.5 * x_start + (1 - left_then) ** 0.5 * noise
