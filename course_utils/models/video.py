"""A diffusion transformer for short videos: blocks over space and over time in turn, between convolutions."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from course_utils.models.attention import SelfAttention, is_token
from course_utils.models.dit import SelfAndCross, Transformer, adaln_zero_init, modulation, patchify, unpatchify


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


class SpaceTimeConv(nn.Module):
    """Two convolutions over 3 frames × 3 × 3 pixels, modulated and gated by c; the identity while the gate is zero.

    Args:
        dim: Channels of a pixel.
        c_dim: Channels of c.
    """

    def __init__(self, dim: int, c_dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.modulation = modulation(c_dim, 3, dim)
        self.convs = nn.Sequential(nn.Conv3d(dim, dim, 3, padding=1), nn.GELU(), nn.Conv3d(dim, dim, 3, padding=1))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """x (b, f, h, w, dim), c (b, c_dim) → (b, f, h, w, dim)."""
        shift, scale, gate = (chunk[:, None, None, None] for chunk in self.modulation(c).chunk(3, dim=-1))
        seen = self.norm(x) * (1 + scale) + shift
        return x + gate * self.convs(seen.movedim(-1, 1)).movedim(1, -1)


class VideoDiT(Transformer):
    """Predicts v from a noisy video, its time and the tokens of a text.

    The transformer's blocks take turns: one attends over space and text, the next over time, all with adaLN-zero (Ma
    et al. 2024, "Latte", variant 1). What moves by less than a token is followed by convolutions over space and time
    before and after it, as Hoogeboom et al. 2023 ("simple diffusion") put convolutions around a transformer. The mean
    of the text's tokens joins the time in c.

    Args:
        channels: Of a frame.
        frames: Of a video.
        size: Height and width of a frame.
        patch: Side of the squares that are one pixel of the convolutions.
        merge: Side of a token, in such pixels; patch · merge divides `size`.
        width: Channels of the convolutions.
        convs: Pairs of convolutions on each side.
        dim: Channels of a token.
        depth: Number of blocks.
        heads: Of the attention; divides `dim`.
        context_dim: Length of a token of the text.
        ratio: Width of the MLPs, as a multiple of `dim`.
    """

    def __init__(self, channels: int = 1, frames: int = 8, size: int = 16, patch: int = 2, merge: int = 2,
                 width: int = 64, convs: int = 2, dim: int = 96, depth: int = 6, heads: int = 3,
                 context_dim: int = 384, ratio: int = 4):
        attentions = ((Time if i % 2 else SpaceAndText)(dim, heads, frames) for i in range(depth))
        tokens = frames * (size // (patch * merge)) ** 2
        super().__init__(tokens, merge**2 * width, dim, attentions, context_dim, ratio)
        self.merge, square = merge, (1, patch, patch)
        self.summary = nn.Linear(context_dim, dim)
        self.enter = nn.Conv3d(channels, width, square, square)
        self.before, self.after = (nn.ModuleList(SpaceTimeConv(width, dim) for _ in range(convs)) for _ in range(2))
        self.leave = nn.ConvTranspose3d(width, channels, square, square)
        adaln_zero_init(self)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The prediction (b, frames, channels, size, size).

        Args:
            x: (b, frames, channels, size, size).
            t: (b,) in [0, 1], one for all frames.
            context: (b, m, context_dim); rows of zeros are padding, and are not read.
        """
        mask = is_token(context)
        c = self.time_mlp(t) + self.summary(context.sum(1) / mask.sum(1, keepdim=True).clamp_min(1))
        x = self.enter(x.movedim(2, 1)).movedim(1, -1)  # (b, f, h, w, width)
        for conv in self.before:
            x = conv(x, c)
        x = x + self.attend(x, c, context, mask)
        for conv in self.after:
            x = conv(x, c)
        return self.leave(x.movedim(-1, 1)).movedim(1, 2)

    def attend(self, x: Tensor, c: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """The blocks on tokens of merge × merge pixels of x (b, f, h, w, width); the same shape."""
        (b, frames, h, w, _), frame = x.shape, x.flatten(0, 1).movedim(-1, 1)
        tokens = patchify(frame, self.merge).unflatten(0, (b, frames)).flatten(1, 2)
        tokens = self.transform(tokens, c, context, mask).unflatten(1, (frames, -1)).flatten(0, 1)
        return unpatchify(tokens, self.merge, h, w).movedim(1, -1).unflatten(0, (b, frames))


NETWORK = VideoDiT
