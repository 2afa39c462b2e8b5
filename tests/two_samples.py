"""Whether two samples are of one density: the energy test, for the tests of several notebooks."""

from __future__ import annotations

import torch
from torch import Tensor

LEVEL = 0.001  # how often two equal densities would be told apart by chance


def p_value(x: Tensor, y: Tensor, permutations: int = 1000) -> float:
    """How often samples (n, d) and (m, d), mixed at random, lie as far apart in energy distance.

    Székely & Rizzo 2004, "Testing for equal distributions in high dimension", equation 5.
    """
    n, m = len(x), len(y)
    both = torch.cat([x, y]).double()
    distances = torch.cdist(both, both)
    weights = torch.full((permutations + 1, n + m), 1 / n, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for i in range(permutations + 1):
        order = torch.randperm(n + m, generator=generator) if i else torch.arange(n + m)
        weights[i, order[n:]] = -1 / m
    apart = -((weights @ distances) * weights).sum(1)
    return (apart >= apart[0]).double().mean().item()
