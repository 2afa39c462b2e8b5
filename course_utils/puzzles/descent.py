"""What all of these trainings share."""

from __future__ import annotations

import torch
from torch import Tensor


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of training."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
