"""PixelCNN: every pixel's distribution from the pixels above it and to its left; van den Oord et al. 2016."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def causal_mask(kernel_size: int, mask_type: str) -> Tensor:
    """What a convolution may see of a k × k window in raster order: 1 before the centre, 0 after it.

    Args:
        kernel_size: k, odd.
        mask_type: "A" hides the centre, "B" shows it; van den Oord et al. 2016, section 3.4.

    Returns:
        (k, k) of 0. and 1.

    Raises:
        ValueError: The kernel has no centre, or the type is another.
    """
    if kernel_size % 2 == 0:
        raise ValueError(f"A masked kernel needs a centre: its size must be odd, but it is {kernel_size}.")
    if mask_type not in ("A", "B"):
        raise ValueError(f'The type of a mask is "A" or "B", but it is {mask_type!r}.')
    mask = torch.zeros(kernel_size**2)
    mask[: kernel_size**2 // 2 + (mask_type == "B")] = 1
    return mask.view(kernel_size, kernel_size)


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees no later pixel: (b, dim, h, w) → (b, dim_out, h, w)."""

    def __init__(self, mask_type: str, dim: int, dim_out: int, kernel_size: int):
        super().__init__(dim, dim_out, kernel_size, padding=kernel_size // 2)
        self.register_buffer("mask", causal_mask(kernel_size, mask_type), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.weight * self.mask
        return F.conv2d(x, seen, self.bias, padding=self.padding)


class ResidualBlock(nn.Module):
    """x + 1×1 → masked 3×3 → 1×1 with half of the channels between; van den Oord et al. 2016, figure 5."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(), nn.Conv2d(channels, channels // 2, 1),
            nn.ReLU(), MaskedConv2d("B", channels // 2, channels // 2, 3),
            nn.ReLU(), nn.Conv2d(channels // 2, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class PixelCNN(nn.Module):
    """A mask of type A hides each pixel from itself once; blocks of type B widen what lies before it.

    A pixel above and to the right may stay unseen, in the blind spot of the stacked masks.

    Args:
        levels: Values of a pixel.
        channels: Of the trunk.
        blocks: Residual blocks.
    """

    def __init__(self, levels: int = 4, channels: int = 32, blocks: int = 6):
        super().__init__()
        self.levels = levels
        self.init_conv = MaskedConv2d("A", 1, channels, 7)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.ReLU(),
                                  nn.Conv2d(channels, levels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The logits of every pixel, given all before it.

        Args:
            x: (b, h, w) integers in 0 … levels − 1.

        Returns:
            (b, levels, h, w).

        Raises:
            ValueError: x is an image of another kind.
        """
        if x.is_floating_point() or x.dim() != 3:
            raise ValueError(f"x must be levels, (b, h, w) of integers, but it is {tuple(x.shape)} of {x.dtype}.")
        image = x.unsqueeze(1).to(self.init_conv.weight.dtype) * (2 / (self.levels - 1)) - 1  # (b, 1, h, w) in [-1, 1]
        return self.head(self.blocks(self.init_conv(image)))


NETWORK = PixelCNN
