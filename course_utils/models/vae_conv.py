"""The convolutional variational autoencoder of notebook 03."""

from __future__ import annotations

from torch import nn

from course_utils.models.vae import GaussianAutoencoder


class ConvVAE(GaussianAutoencoder):
    """A VAE of images (b, 1, 28, 28): two convolutions down to 7 × 7 and two up again, of 4 × 4 with stride 2.

    Args:
        width: Channels at 14 × 14; at 7 × 7 there are twice as many.
        latent_dim: Length of z.
    """

    def __init__(self, width: int = 32, latent_dim: int = 16):
        inner = (2 * width, 7, 7)
        flat = 2 * width * 7 * 7
        encoder = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(flat, 2 * latent_dim))
        decoder = nn.Sequential(
            nn.Linear(latent_dim, flat), nn.ReLU(), nn.Unflatten(1, inner),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Sigmoid())
        super().__init__(encoder, decoder, (1, 28, 28))


NETWORK = ConvVAE
