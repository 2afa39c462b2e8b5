"""How good are samples? Functions of samples and features; whoever calls them brings the classifier."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def accuracy(classifier: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of images (n, c, h, w) that the classifier recognises as their labels (n,), in [0, 1]."""
    predicted = torch.cat([classifier(batch).argmax(1) for batch in images.split(256)])
    return (predicted == labels).float().mean().item()


def kernel_distance(a: Tensor, b: Tensor, subsets: int = 10) -> tuple[float, float]:
    """Kernel distance (squared MMD) of two sets of features; Bińkowski et al. 2018, eq. 4, kernel (⟨x, y⟩/d + 1)³.

    Unbiased, so near 0 and possibly below it for sets of one distribution.

    Args:
        a, b: (n, d) and (m, d) features.
        subsets: Disjoint parts over which mean and standard deviation are taken.

    Returns:
        Mean over the parts and their standard deviation.
    """
    n = min(len(a), len(b)) // subsets
    if n < 2:
        raise ValueError(f"Each of the {subsets} parts needs two features or more; there are {len(a)} and {len(b)}.")
    pairs = zip(a.double().split(n)[:subsets], b.double().split(n)[:subsets], strict=True)
    parts = torch.stack([_mmd2(x, y) for x, y in pairs])
    return parts.mean().item(), parts.std().item()


def _mmd2(x: Tensor, y: Tensor) -> Tensor:
    """The unbiased estimate of squared MMD between (n, d) and (n, d): no sample meets itself."""
    kernel = lambda u, v: (u @ v.T / u.shape[1] + 1) ** 3  # noqa: E731
    n = len(x)
    same = sum((k.sum() - k.diagonal().sum()) / (n * (n - 1)) for k in (kernel(x, x), kernel(y, y)))
    return same - 2 * kernel(x, y).mean()
