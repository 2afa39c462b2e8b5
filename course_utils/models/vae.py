"""The variational autoencoder of notebook 03; Kingma & Welling 2014."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.kernels.reparameterize_kl import reference


class GaussianAutoencoder(nn.Module):
    """What makes any encoder and decoder a VAE: q(z | x) = N(mu, e^logvar), a draw of it, and the way back.

    Args:
        encoder: (b, *shape) in [0, 1] → (b, 2·latent_dim), mu before logvar.
        decoder: (b, latent_dim) → (b, *shape) in (0, 1).
        shape: Of an image as the encoder takes it.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, shape: tuple[int, ...]):
        super().__init__()
        self.encoder, self.decoder, self.shape = encoder, decoder, shape

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar, both (b, latent_dim), of x (b, *) in whatever shape its numbers stand."""
        return self.encoder(x.reshape(len(x), *self.shape)).chunk(2, dim=1)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """A draw z = mu + e^(½·logvar)·noise, of mu's shape; eq. 10."""
        return reference(mu, logvar, torch.randn_like(mu))[0]

    def decode(self, z: Tensor) -> Tensor:
        """The images (b, *shape) of z (b, latent_dim)."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (b, *) in [0, 1] → (recon_x of x's shape, mu, logvar)."""
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)).reshape(x.shape), mu, logvar


class VAE(GaussianAutoencoder):
    """One hidden layer each way: 784 → 256 → 2·2 and 2 → 256 → 784.

    Args:
        input_dim: Numbers of an image.
        inter_dim: Width of the hidden layers.
        latent_dim: Length of z.
    """

    def __init__(self, input_dim: int = 784, inter_dim: int = 256, latent_dim: int = 2):
        encoder = nn.Sequential(nn.Linear(input_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, 2 * latent_dim))
        decoder = nn.Sequential(nn.Linear(latent_dim, inter_dim), nn.ReLU(), nn.Linear(inter_dim, input_dim),
                                nn.Sigmoid())
        super().__init__(encoder, decoder, (input_dim,))


NETWORK = VAE
