"""An autoencoder with a small KL for latent diffusion: 32 × 32 × 3 ↔ 8 × 8 × 8."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from course_utils.models.unet import Block, Downsample, Upsample, check_size


class Residual(nn.Sequential):
    """x plus two Blocks of it: (b, dim, h, w) → (b, dim, h, w)."""

    def __init__(self, dim: int):
        super().__init__(Block(dim, dim), Block(dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Autoencoder(nn.Module):
    """Images (b, channels, h, w) in [-1, 1] to latents (b, latent_channels, h/f, w/f) and back, f = 2^(len(dims) − 1).

    Each side is convolutional, with one residual block per resolution and one more at the lowest.
    Source: Rombach et al. 2022, section 3.1.

    Args:
        dims: Channels at each resolution, the image's first.
        latent_channels: Of the latents.
        channels: Of the images.
    """

    def __init__(self, dims: tuple[int, ...] = (24, 48, 96), latent_channels: int = 8, channels: int = 3):
        super().__init__()
        self.levels = len(dims) - 1
        self.encoder = nn.Sequential(nn.Conv2d(channels, dims[0], 3, padding=1), Residual(dims[0]))
        for dim, dim_out in pairwise(dims):
            self.encoder.extend([Downsample(dim, dim_out), Residual(dim_out)])
        self.encoder.extend([Residual(dims[-1]), nn.Conv2d(dims[-1], 2 * latent_channels, 1)])

        self.decoder = nn.Sequential(nn.Conv2d(latent_channels, dims[-1], 3, padding=1), Residual(dims[-1]))
        for dim, dim_out in pairwise(reversed(dims)):
            self.decoder.extend([Residual(dim), Upsample(dim, dim_out)])
        self.decoder.extend([Residual(dims[0]), nn.Conv2d(dims[0], channels, 3, padding=1)])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The latents' mean and log-variance, (b, latent_channels, h/f, w/f) each.

        Raises:
            ValueError: When f does not divide height and width.
        """
        check_size(x, self.levels)
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu, logvar.clamp(-30, 20)  # keeps exp finite while the encoder is still far off

    def decode(self, z: Tensor) -> Tensor:
        """Images (b, channels, h, w), in [-1, 1] up to the network's error."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction from the latents' mean."""
        return self.decode(self.encode(x)[0])


NETWORK = Autoencoder
