"""From a drawing to the embedding of its name: finds drawings by a sentence; after CLIP, Radford et al. 2021."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models.critic import halving


class DrawingEncoder(nn.Module):
    """Three convolutions down to 4 × 4, the mean over places, a linear map, length 1.

    Args:
        channels: Of the images.
        dims: Channels of the stages, each of which halves height and width.
        embedding_dim: Length of the sentence encoder's vectors.
    """

    def __init__(self, channels: int = 3, dims: tuple[int, ...] = (48, 96, 128), embedding_dim: int = 384):
        super().__init__()
        self.stages = nn.Sequential(*(halving(dim, dim_out) for dim, dim_out in pairwise([channels, *dims])))
        self.head = nn.Linear(dims[-1], embedding_dim)

    def forward(self, x: Tensor) -> Tensor:
        """x (b, channels, h, w) in [-1, 1] → unit vectors (b, embedding_dim), float32 under autocast too."""
        return F.normalize(self.head(self.stages(x).mean(dim=(2, 3))).float(), dim=1)


NETWORK = DrawingEncoder
