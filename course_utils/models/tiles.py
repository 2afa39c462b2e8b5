"""An image as a sequence of tiles: a causal transformer gives each tile's pixels from the tiles before it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models.attention import SelfAttention
from course_utils.models.dit import mlp, patchify, unpatchify


class CausalBlock(nn.Module):
    """Causal self-attention and an MLP, each after a norm and beside a skip; Radford et al. 2019 (GPT-2)."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention, self.mlp = SelfAttention(dim, heads, causal=True), mlp(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TileTransformer(nn.Module):
    """p(x) = Π_k p(tile k | tiles before it), tiles by rows; the pixels of a tile are independent given those.

    Args:
        size: Height and width of an image.
        tile: Side of a tile, divides `size`.
        dim: Channels of a token.
        depth: Number of blocks.
        heads: Of the attention; divides `dim`.
    """

    def __init__(self, size: int = 28, tile: int = 4, dim: int = 64, depth: int = 4, heads: int = 4):
        super().__init__()
        self.size, self.tile = size, tile
        self.embed = nn.Linear(tile**2, dim)
        self.positions = nn.Parameter(0.02 * torch.randn((size // tile) ** 2, dim))
        self.blocks = nn.Sequential(*(CausalBlock(dim, heads) for _ in range(depth)))
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, tile**2))

    def forward(self, x: Tensor) -> Tensor:
        """The logit of each pixel's being 1, (b, size, size), none of which depends on its own or a later tile.

        Args:
            x: (b, size, size) of 0 and 1, in any dtype.

        Raises:
            ValueError: For another size.
        """
        if x.shape[1:] != (self.size, self.size):
            raise ValueError(f"An image is {self.size} × {self.size} here, but x is {tuple(x.shape)}.")
        tiles = patchify(x[:, None].to(self.embed.weight.dtype), self.tile)  # (b, n, tile²)
        before = F.pad(self.embed(tiles[:, :-1]), (0, 0, 1, 0))  # token k is tile k − 1; the first one is empty
        return unpatchify(self.head(self.blocks(before + self.positions)), self.tile, *x.shape[1:])[:, 0]


NETWORK = TileTransformer
