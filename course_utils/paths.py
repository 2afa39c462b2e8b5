"""Gaussian paths: how data turns into noise, x_t = α(t)·x_start + σ(t)·noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def linear_betas(T: int) -> Tensor:
    """β from 1e-4 to 0.02, scaled by 1000/T so that ᾱ_T stays near 0: (T,) float64; Ho et al. 2020, section 4."""
    return torch.linspace(1e-4, 0.02, T, dtype=torch.float64).mul_(1000 / T).clamp_(0, 0.999)


def cosine_betas(T: int, s: float = 0.008) -> Tensor:
    """β of ᾱ(u) = cos²((u + s)/(1 + s)·π/2): (T,) float64; Nichol & Dhariwal 2021, eq. 17."""
    u = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    return _betas_of(torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2)


def sigmoid_betas(T: int, start: float = -3.0, end: float = 3.0, tau: float = 1.0) -> Tensor:
    """β of a sigmoid ᾱ between start and end: (T,) float64; Jabri et al. 2022, algorithm 1."""
    u = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    v_start, v_end = torch.sigmoid(torch.tensor([start / tau, end / tau], dtype=torch.float64))
    gamma = (v_end - torch.sigmoid((u * (end - start) + start) / tau)) / (v_end - v_start)
    return _betas_of(gamma)


def _betas_of(alpha_bar: Tensor) -> Tensor:
    """β_t = 1 − ᾱ_t/ᾱ_{t−1}, clipped at 0.999: at the end ᾱ reaches 0, and nothing could be divided by it."""
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp_(0, 0.999)


class DiscreteVP:
    """The DDPM chain of T noise steps; index t = 0…T−1 already carries t + 1 of them (Ho et al. 2020).

    Args:
        betas: (T,) variances of the steps, in [0, 1).
    """

    def __init__(self, betas: Tensor):
        self.betas = betas.double()
        self.alphas_cumprod = torch.cumprod(1 - self.betas, dim=0)

    def __len__(self) -> int:
        return len(self.betas)

    def alpha(self, t: Tensor) -> Tensor:
        """√ᾱ_t, float64, of t's shape; t = −1 is clean data, where it is 1."""
        return self._alpha_bar(t).sqrt()

    def sigma(self, t: Tensor) -> Tensor:
        """√(1 − ᾱ_t), float64, of t's shape; 0 at t = −1."""
        return (1 - self._alpha_bar(t)).sqrt()

    def _alpha_bar(self, t: Tensor) -> Tensor:
        # Index −1 reaches the appended 1: before the first noise step ᾱ is 1.
        return torch.cat([self.alphas_cumprod, self.alphas_cumprod.new_ones(1)]).to(t.device)[t]

    def add_noise(self, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """A draw of q(x_t | x_start); Ho et al. 2020, eq. 4.

        Args:
            x_start: (b, *) clean data.
            t: (b,) indices.
            noise: (b, *) standard normal.
        """
        alpha, sigma = (_like(c(t), x_start) for c in (self.alpha, self.sigma))
        return alpha * x_start + sigma * noise


def _like(coefficient: Tensor, x: Tensor) -> Tensor:
    """(b,) to (b, 1, …, 1) of x's rank and dtype."""
    return coefficient.to(x.dtype).reshape(-1, *[1] * (x.dim() - 1))
