"""Notebook 02: a PixelCNN."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models import pixelcnn
from course_utils.puzzles.descent import descend


def slipped_pixels(x: Tensor) -> dict[str, Tensor]:
    """The bits per dimension (128,) at each step of three trainings of a PixelCNN, each with another slip.

    Args:
        x: (n, 28, 28) int64 in 0 … 3.
    """
    slips = {"A": (_turn_over, 1), "B": (_show_centre, 1), "C": (lambda net: None, -1)}
    return {name: _bits(x, spoil, axis) for name, (spoil, axis) in slips.items()}


def _bits(x: Tensor, spoil: Callable, axis: int) -> Tensor:
    """Of a small PixelCNN whose masks are spoilt, and whose bets sum to 1 along an axis of its logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = pixelcnn.PixelCNN(channels=16, blocks=2)
    spoil(net)
    optimizer, bits = torch.optim.Adam(net.parameters(), lr=4e-3), []
    for batch in torch.randint(len(x), (128, 8), generator=torch.Generator().manual_seed(0)):
        loss = F.nll_loss(F.log_softmax(net(x[batch]), dim=axis), x[batch]) / math.log(2)
        descend(optimizer, loss)
        bits.append(loss.detach())
    return torch.stack(bits)


def _turn_over(net: nn.Module) -> None:
    """All masks upside down, so that the kernels see what comes later."""
    for layer in (m for m in net.modules() if isinstance(m, pixelcnn.MaskedConv2d)):
        layer.mask.copy_(layer.mask.flip(0, 1))


def _show_centre(net: nn.Module) -> None:
    """The mask of type A with its centre."""
    net.init_conv.mask[3, 3] = 1
