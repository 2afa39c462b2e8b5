"""Notebook 00: a classifier's step."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.puzzles.descent import descend

STEPS, RATE = 200, 0.3


def slipped_steps(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The losses (STEPS,) of three trainings of a classifier, each with another slip in its step, for notebook 00.

    Args:
        images: (n, 1, 28, 28) in [0, 1].
        labels: (n,) int64 in 0 … 9.
    """
    slips = {"A": _squeeze, "B": _empty, "C": _pile_up}
    return {name: _losses(slip, images, labels) for name, slip in slips.items()}


def _losses(slip: Callable, images: Tensor, labels: Tensor) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    batches = torch.randint(len(images), (STEPS, 64), generator=torch.Generator().manual_seed(0))
    return torch.stack([slip(model, optimizer, images[batch], labels[batch]) for batch in batches])


def _squeeze(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Probabilities in the place of logits."""
    loss = F.cross_entropy(F.softmax(model(x), dim=1), y)
    descend(optimizer, loss)
    return loss.detach()


def _empty(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Gradients that are thrown away before the step."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach()


def _pile_up(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """Gradients that are never thrown away."""
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()
