"""Trainings that went wrong, for the notebooks' puzzles: a cell that draws them does not tell what the slip was."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models import pixelcnn, vae

STEPS, RATE = 200, 0.3


def slipped_steps(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The losses (STEPS,) of three trainings of a classifier, each with another slip in its step, for notebook 00.

    Args:
        images: (n, 1, 28, 28) in [0, 1].
        labels: (n,) int64 in 0 … 9.
    """
    slips = {"A": _squeezed, "B": _emptied, "C": _piled}
    return {name: _losses(slip, images, labels) for name, slip in slips.items()}


def _losses(slip: Callable, images: Tensor, labels: Tensor) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    batches = torch.randint(len(images), (STEPS, 64), generator=torch.Generator().manual_seed(0))
    return torch.stack([slip(model, optimizer, images[batch], labels[batch]) for batch in batches])


def _squeezed(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Probabilities in the place of logits."""
    loss = F.cross_entropy(F.softmax(model(x), dim=1), y)
    _descend(optimizer, loss)
    return loss.detach()


def _emptied(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Gradients that are thrown away before the step."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach()


def _piled(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Gradients that are never thrown away."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


# ---- notebook 02


def slipped_pixels(x: Tensor) -> dict[str, Tensor]:
    """The bits per dimension (128,) at each step of three trainings of a PixelCNN, each with another slip.

    Args:
        x: (n, 28, 28) int64 in 0 … 3.
    """
    slips = {"A": (_turned, 1), "B": (_shown, 1), "C": (lambda net: None, -1)}
    return {name: _bits(x, spoil, axis) for name, (spoil, axis) in slips.items()}


def _bits(x: Tensor, spoil: Callable, axis: int) -> Tensor:
    """Of a small PixelCNN whose masks are spoilt, and whose bets sum to 1 along an axis of its logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = pixelcnn.PixelCNN(channels=16, blocks=2)
    spoil(net)
    optimizer, bits = torch.optim.Adam(net.parameters(), lr=4e-3), []
    for batch in torch.randint(len(x), (128, 16), generator=torch.Generator().manual_seed(0)):
        loss = F.nll_loss(F.log_softmax(net(x[batch]), dim=axis), x[batch]) / math.log(2)
        _descend(optimizer, loss)
        bits.append(loss.detach())
    return torch.stack(bits)


def _turned(net: nn.Module) -> None:
    """All masks upside down, so that the kernels see what comes later."""
    for layer in (m for m in net.modules() if isinstance(m, pixelcnn.MaskedConv2d)):
        layer.mask.copy_(layer.mask.flip(0, 1))


def _shown(net: nn.Module) -> None:
    """The mask of type A with its centre."""
    net.init_conv.mask[3, 3] = 1


# ---- notebook 03


def slipped_vaes(images: Tensor, held_out: Tensor, epochs: int = 6) -> dict[str, dict[str, Tensor]]:
    """Three trainings of a VAE, each with another slip: A, B and C.

    Args:
        images: (n, 1, 28, 28) in [0, 1], drawn in black and white anew in each epoch.
        held_out: (m, 1, 28, 28) of 0 and 1.

    Returns:
        of each, "terms" (epochs, 2): reconstruction and KL of the held-out digits, nats a digit, and eight images
        that are brought "back" and eight that are "drawn".
    """
    slips = {"A": {"kl_weight": 1 / 256}, "B": {"squash": torch.sigmoid}, "C": {"noise": 0.0}}
    return {name: _coded(images, held_out, epochs, **slip) for name, slip in slips.items()}


def _coded(images: Tensor, held_out: Tensor, epochs: int, kl_weight: float = 1.0, noise: float = 1.0,
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
            _descend(optimizer, reconstruction + kl_weight * kl)
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
