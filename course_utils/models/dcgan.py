"""A generator of digits and its discriminator, without pooling; DCGAN of Radford et al. 2016, section 3."""

from __future__ import annotations

from torch import Tensor, nn


class Generator(nn.Module):
    """Digits from noise: 7 × 7 from a linear map, doubled twice.

    Args:
        latent_dim: Length of z.
        width: Channels at 14 × 14; at 7 × 7 there are twice as many.
    """

    def __init__(self, latent_dim: int = 64, width: int = 64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, 2 * width, 7, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Tanh())
        self.apply(draw_weights_)

    def forward(self, z: Tensor) -> Tensor:
        """z (b, latent_dim) of N(0, 1) → images (b, 1, 28, 28) in [-1, 1]."""
        return self.layers(z)


class Discriminator(nn.Module):
    """How real a digit looks. In train mode real and generated images want calls of their own: BatchNorm mixes a batch.

    Args:
        width: Channels at 14 × 14; at 7 × 7 there are twice as many.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 1, 7), nn.Flatten(0))
        self.apply(draw_weights_)

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 1, 28, 28) in [-1, 1] → logits (b,), positive for real."""
        return self.layers(x)


def draw_weights_(module: nn.Module) -> None:
    """Weights of N(0, 0.02²), and gains of BatchNorm around 1, as DCGAN's authors trained."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


NETWORK = Generator
