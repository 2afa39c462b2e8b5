"""The moving average of a model's weights: torch's foreach form already is one launch for many tensors."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def ema_update(averages: Iterable[Tensor], parameters: Iterable[Tensor], decay: float) -> None:
    """average ← decay·average + (1 − decay)·parameter, in place.

    Args:
        averages: Floating point tensors, best in float32: with decay near 1 a narrower type loses the update.
        parameters: Tensors of the same shapes, any floating point type.
        decay: In [0, 1].

    Raises:
        ValueError: The two are not equally many, or decay is outside [0, 1].
    """
    averages, parameters = list(averages), list(parameters)
    if len(averages) != len(parameters) or not 0 <= decay <= 1:
        raise ValueError(f"{len(averages)} averages, {len(parameters)} parameters, decay {decay}: "
                         "as many of both are needed, and a decay in [0, 1].")
    if averages:
        same = [p.to(a.dtype) for a, p in zip(averages, parameters, strict=True)]
        torch._foreach_lerp_(averages, same, 1 - decay)


def bytes_moved(elements: int, dtype: torch.dtype) -> int:
    """Three passes: both are read, the average is written."""
    return 3 * elements * dtype.itemsize
