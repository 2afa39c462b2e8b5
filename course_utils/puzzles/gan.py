"""Notebook 04: a game of two networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import densities
from course_utils.puzzles.descent import descend


def slipped_games() -> dict[str, Tensor]:
    """500 fakes (500, 2) after 200 steps of three games on the ring of eight, each with another slip in its step."""
    return {"A": _game(_sleep), "B": _game(_flee), "C": _game(_detach_fakes)}


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


def _discriminator_loss(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


def _flee(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The generator goes where fakes are called fake."""
    descend(opt_d, _discriminator_loss(D, real, G(z_d).detach()))
    descend(opt_g, F.softplus(D(G(z_g))).mean())


def _detach_fakes(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The generator's own fakes are detached."""
    descend(opt_d, _discriminator_loss(D, real, G(z_d).detach()))
    descend(opt_g, F.softplus(-D(G(z_g).detach())).mean())


def _sleep(G, D, opt_g, opt_d, real: Tensor, z_d: Tensor, z_g: Tensor) -> None:
    """The discriminator never steps."""
    descend(opt_g, F.softplus(-D(G(z_g))).mean())
