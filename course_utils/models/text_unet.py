"""A UNet for latents that reads text by cross-attention at each of its resolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.models.attention import CrossAttention, is_token
from course_utils.models.continuous_unet import time_mlp
from course_utils.models.unet import Downsample, ResnetBlock, RMSNorm, Upsample, check_size


class ReadText(nn.Module):
    """x plus what each place of (b, dim, h, w) reads in the context (b, m, context_dim)."""

    def __init__(self, dim: int, context_dim: int, heads: int):
        super().__init__()
        self.norm = RMSNorm(dim)
        self.attention = CrossAttention(dim, context_dim, heads)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        places = self.norm(x).flatten(2).mT  # (b, h·w, dim)
        return x + self.attention(places, context, mask).mT.unflatten(2, x.shape[2:])


class TextBlock(nn.Module):
    """A ResnetBlock for the time, then the text."""

    def __init__(self, dim: int, dim_out: int, time_dim: int, context_dim: int, heads: int):
        super().__init__()
        self.resnet = ResnetBlock(dim, dim_out, time_dim)
        self.text = ReadText(dim_out, context_dim, heads)

    def forward(self, x: Tensor, time: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        return self.text(self.resnet(x, time), context, mask)


class TextUnet(nn.Module):
    """Predicts v from a noisy latent, its time and the tokens of a text; Rombach et al. 2022, section 3.3.

    It is built like `Unet`: two blocks a level, a skip after each, mirrored on the way up.

    Args:
        channels: Of the latent, in and out.
        dim: Channels at full resolution.
        dim_mults: Channels of each level, as multiples of `dim`; every level halves height and width.
        context_dim: Length of a token of the text.
        heads: Of the attention; divides `dim`.
    """

    def __init__(self, channels: int = 8, dim: int = 64, dim_mults: tuple[int, ...] = (2,), context_dim: int = 384,
                 heads: int = 4):
        super().__init__()
        dims = [dim, *(dim * m for m in dim_mults)]
        levels = list(zip(dims[:-1], dims[1:], strict=True))
        rest = (4 * dim, context_dim, heads)

        self.init_conv = nn.Conv2d(channels, dim, 3, padding=1)
        self.time_mlp = time_mlp(dim, 4 * dim)
        self.downs = nn.ModuleList(nn.ModuleList([
            TextBlock(d, d, *rest), TextBlock(d, d, *rest), Downsample(d, d_out)]) for d, d_out in levels)
        self.mids = nn.ModuleList([TextBlock(dims[-1], dims[-1], *rest), TextBlock(dims[-1], dims[-1], *rest)])
        self.ups = nn.ModuleList(nn.ModuleList([
            Upsample(d_out, d), TextBlock(2 * d, d, *rest), TextBlock(2 * d, d, *rest)])
            for d, d_out in reversed(levels))
        self.final_conv = nn.Conv2d(dim, channels, 1)

    def forward(self, z: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The prediction for noisy latents.

        Args:
            z: (b, channels, h, w), h and w divisible by 2 to the number of levels.
            t: (b,) in [0, 1].
            context: (b, m, context_dim); rows of zeros are padding, and are not read.

        Returns:
            (b, channels, h, w).

        Raises:
            ValueError: When height and width cannot be halved so often.
        """
        check_size(z, len(self.downs))
        x, skips = self.init_conv(z), []
        given = self.time_mlp(t).to(x.dtype), context.to(x.dtype), is_token(context)
        for *blocks, downsample in self.downs:
            for block in blocks:
                x = block(x, *given)
                skips.append(x)
            x = downsample(x)
        for block in self.mids:
            x = block(x, *given)
        for upsample, *blocks in self.ups:
            x = upsample(x)
            for block in blocks:
                x = block(torch.cat([x, skips.pop()], dim=1), *given)
        return self.final_conv(x)


NETWORK = TextUnet
