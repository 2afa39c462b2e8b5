"""Adaptive instance normalisation: a style sets the mean and the spread of every channel.

Huang & Belongie 2017, eq. 8; as a layer with a learned map from the style in StyleGAN, Karras et al. 2019, eq. 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def adain(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """w·(x − μ) / √(var + 1e-5) + b, with the mean and the biased variance of each channel of each image.

    Args:
        x: (n, c, *) with two places or more.
        w: (n, c) new standard deviations.
        b: (n, c) new means.

    Returns:
        (n, c, *).
    """
    shape = (*w.shape, *[1] * (x.dim() - 2))  # (n, c, 1, …)
    return w.view(shape) * F.instance_norm(x, eps=1e-5) + b.view(shape)  # 1e-5 keeps a flat channel from 0 / 0


class AdaIN(nn.Module):
    """`adain` with w and b from a linear map of the style, which starts around w = 1 and b = 0.

    Args:
        channels: Of x.
        style_dim: Length of a style.
    """

    def __init__(self, channels: int, style_dim: int):
        super().__init__()
        self.affine = nn.Linear(style_dim, 2 * channels)
        with torch.no_grad():
            self.affine.bias[:channels] = 1
            self.affine.bias[channels:] = 0

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x (n, channels, *) and style (n, style_dim) → (n, channels, *)."""
        return adain(x, *self.affine(style).chunk(2, dim=1))


NETWORK = AdaIN
