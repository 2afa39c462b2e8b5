"""Notebook 03: a variational autoencoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models import vae
from course_utils.puzzles.descent import descend


def slipped_vaes(images: Tensor, held_out: Tensor, epochs: int = 4) -> dict[str, dict[str, Tensor]]:
    """Three trainings of a VAE, each with another slip: A, B and C.

    Args:
        images: (n, 1, 28, 28) in [0, 1], drawn in black and white anew in each epoch.
        held_out: (m, 1, 28, 28) of 0 and 1.

    Returns:
        of each, "terms" (epochs, 2): reconstruction and KL of the held-out digits, nats a digit, and eight images
        that are brought "back" and eight that are "drawn".
    """
    slips = {"A": {"kl_weight": 1 / 256}, "B": {"squash": torch.sigmoid}, "C": {"noise": 0.0}}
    return {name: _train(images, held_out, epochs, **slip) for name, slip in slips.items()}


def _train(images: Tensor, held_out: Tensor, epochs: int, kl_weight: float = 1.0, noise: float = 1.0,
           squash: Callable = torch.clone) -> dict[str, Tensor]:
    """Of a VAE whose divergence has a weight, whose noise is scaled, and whose pixels go through `squash`."""
    generator, chosen = torch.Generator().manual_seed(0), torch.arange(3, 403, 50)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = vae.VAE()
    optimizer, terms = torch.optim.Adam(net.parameters(), lr=3e-3), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(128):
            reconstruction, kl, _ = _terms(net, images[batch].bernoulli(generator=generator), noise, squash, generator)
            descend(optimizer, reconstruction + kl_weight * kl)
        with torch.no_grad():
            *both, recon_x = _terms(net, held_out, noise, squash, generator)
        terms.append(torch.stack(both))
    z = torch.randn(8, 2, generator=generator)
    with torch.no_grad():
        return {"terms": torch.stack(terms), "back": recon_x[chosen], "drawn": squash(net.decode(z)).view(8, 1, 28, 28)}


def _terms(net: nn.Module, x: Tensor, noise: float, squash: Callable, generator: torch.Generator) -> tuple:
    """Reconstruction and divergence in nats a digit, and what is brought back."""
    mu, logvar = net.encode(x)
    z = mu + noise * (0.5 * logvar).exp() * torch.randn(mu.shape, generator=generator)
    recon_x = squash(net.decode(z)).view(x.shape)
    reconstruction = F.binary_cross_entropy(recon_x, x, reduction="sum")
    return reconstruction / len(x), 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum() / len(x), recon_x
