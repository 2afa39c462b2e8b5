"""How good are samples? Functions of samples and features; whoever calls them brings the classifier."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.no_grad()
def accuracy(classifier: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of images (n, c, h, w) that the classifier recognises as their labels (n,), in [0, 1]."""
    predicted = torch.cat([classifier(batch).argmax(1) for batch in images.split(256)])
    return (predicted == labels).float().mean().item()


def kernel_distance(a: Tensor, b: Tensor, subsets: int = 4) -> tuple[float, float]:
    """Kernel distance (squared MMD) of two sets of features; Bińkowski et al. 2018, eq. 4, kernel (⟨x, y⟩/d + 1)³.

    Features are scaled to length √d, so that the distance does not depend on the size of a classifier's activations.
    It is unbiased for independent draws: near 0, and possibly below, for two sets of one distribution. Sets that hold
    equally many of each class are more even than independent draws and lie a little lower: print real against real.

    Args:
        a: (n, d) features.
        b: (m, d) features.
        subsets: Disjoint parts, drawn by a fixed seed, over which mean and standard deviation are taken.

    Returns:
        Mean over the parts and their standard deviation.
    """
    if min(len(a), len(b)) < 2 * subsets:
        raise ValueError(f"Each of the {subsets} parts needs two features, but there are {len(a)} and {len(b)} in all.")
    generator = torch.Generator().manual_seed(0)
    a, b = (x[torch.randperm(len(x), generator=generator)].double() for x in (a, b))  # rows may be sorted by class
    a, b = (F.normalize(x, dim=1) * x.shape[1] ** 0.5 for x in (a, b))
    parts = torch.stack([_mmd2(a[i::subsets], b[i::subsets]) for i in range(subsets)])
    return parts.mean().item(), parts.std().item()


def _mmd2(x: Tensor, y: Tensor) -> Tensor:
    """The unbiased estimate of squared MMD between (n, d) and (m, d): no sample meets itself."""
    return _within(x) + _within(y) - 2 * _kernel(x, y).mean()


def _within(x: Tensor) -> Tensor:
    k, n = _kernel(x, x), len(x)
    return (k.sum() - k.diagonal().sum()) / (n * (n - 1))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
