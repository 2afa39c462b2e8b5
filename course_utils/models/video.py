"""A diffusion transformer for short videos: its blocks attend over space and over time in turn."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from course_utils.models.attention import SelfAttention
from course_utils.models.dit import SelfAndCross, Transformer, patchify, unpatchify


def spatial_attention(x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
    """`attend` (·, n, d) → (·, n, d) over the n places of each frame of x (b, f, n, d)."""
    return attend(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def temporal_attention(x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
    """`attend` (·, f, d) → (·, f, d) over the f frames of each place of x (b, f, n, d)."""
    return spatial_attention(x.transpose(1, 2), attend).transpose(1, 2)


class SpaceAndText(SelfAndCross):
    """Self-attention within each frame, plus cross-attention to the text: (x, context, mask) → (x, context)."""

    def __init__(self, dim: int, heads: int, frames: int):
        super().__init__(dim, heads)
        self.frames = frames

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        within = spatial_attention(x.unflatten(1, (self.frames, -1)), self.self_attention).flatten(1, 2)
        return within + self.cross_attention(x, context, mask), context


class Time(nn.Module):
    """Self-attention of each place over the frames: (x, context, mask) → (x, context)."""

    def __init__(self, dim: int, heads: int, frames: int):
        super().__init__()
        self.frames = frames
        self.self_attention = SelfAttention(dim, heads)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return temporal_attention(x.unflatten(1, (self.frames, -1)), self.self_attention).flatten(1, 2), context


class VideoDiT(Transformer):
    """Predicts v from a noisy video, its time and the tokens of a text.

    The blocks take turns: one attends over space and text, the next over time, all with adaLN-zero.
    Source: Ma et al. 2024 ("Latte"), variant 1.

    Args:
        channels: Of a frame.
        frames: Of a video.
        size: Height and width of a frame.
        patch: Side of a patch, divides `size`.
        dim: Channels of a token.
        depth: Number of blocks.
        heads: Of the attention; divides `dim`.
        context_dim: Length of a token of the text.
        ratio: Width of the MLPs, as a multiple of `dim`.
    """

    def __init__(self, channels: int = 1, frames: int = 8, size: int = 32, patch: int = 8, dim: int = 96,
                 depth: int = 6, heads: int = 3, context_dim: int = 384, ratio: int = 4):
        attentions = ((Time if i % 2 else SpaceAndText)(dim, heads, frames) for i in range(depth))
        tokens = frames * (size // patch) ** 2
        super().__init__(tokens, patch**2 * channels, dim, attentions, context_dim, ratio)
        self.patch = patch

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The prediction (b, frames, channels, size, size).

        Args:
            x: (b, frames, channels, size, size).
            t: (b,) in [0, 1], one for all frames.
            context: (b, m, context_dim); rows of zeros are padding, and are not read.
        """
        b, frames, _, h, w = x.shape
        patches = patchify(x.flatten(0, 1), self.patch).unflatten(0, (b, frames))  # (b, f, n, p·p·c)
        patches = self.transform(patches.flatten(1, 2), t, context).unflatten(1, (frames, -1))
        return unpatchify(patches.flatten(0, 1), self.patch, h, w).unflatten(0, (b, frames))


NETWORK = VideoDiT
