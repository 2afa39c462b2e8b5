"""Trainings that went wrong, for the notebooks' puzzles: a cell that draws them does not tell what the slip was."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import densities
from course_utils.models import pixelcnn

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


# ---- notebook 04


def slipped_games() -> dict[str, Tensor]:
    """500 fakes (500, 2) after 200 steps of three games on the ring of eight, each with another slip in its step."""
    return {"A": _game(_asleep), "B": _game(_fleeing), "C": _game(_stalled)}


def _game(step: Callable) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        G, D = (nn.Sequential(nn.Linear(2, 64), act, nn.Linear(64, 64), act, nn.Linear(64, outputs))
                for outputs, act in ((2, nn.ReLU()), (1, nn.LeakyReLU(0.2))))
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.5, 0.999)) for net in (G, D))
    ring, draws = densities.ring(), torch.Generator().manual_seed(0)
    for _ in range(200):
        z_d, z_g = torch.randn(2, 64, 2, generator=draws)
        step(G, D, opt_g, opt_d, ring.sample(64, draws), z_d, z_g)
    with torch.no_grad():
        return G(torch.randn(500, 2, generator=torch.Generator().manual_seed(9)))


def _told_apart(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


def _fleeing(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The generator goes where fakes are called fake."""
    _descend(opt_d, _told_apart(D, real, G(z_d).detach()))
    _descend(opt_g, F.softplus(D(G(z_g))).mean())


def _stalled(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The generator's own fakes are detached."""
    _descend(opt_d, _told_apart(D, real, G(z_d).detach()))
    _descend(opt_g, F.softplus(-D(G(z_g).detach())).mean())


def _asleep(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The discriminator never steps."""
    _descend(opt_g, F.softplus(-D(G(z_g))).mean())
