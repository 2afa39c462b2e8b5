"""The moon in its phases, drawn: a picture with one number behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

FINE = 8  # a pixel is the mean of 8 × 8 points, so that edges are smooth


def moon_phases(phases: Tensor | Sequence[float], size: int = 28) -> Tensor:
    """The moon at each phase, white on black, without what the eye sees of its dark side.

    The bright side ends at half an ellipse whose half axis is |cos(2π·phase)| of the radius.

    Args:
        phases: (n,) in [0, 1]: 0 new, 0.25 the right half, 0.5 full, 0.75 the left half, 1 new again.
        size: Pixels along a side; the radius is 0.4 of it.

    Returns:
        (n, 1, size, size) float32 in [0, 1].
    """
    phases = torch.as_tensor(phases, dtype=torch.float32)
    if phases.dim() != 1 or not ((phases >= 0) & (phases <= 1)).all():
        raise ValueError("phases are n numbers in [0, 1]: 0 is the new moon and 0.5 the full one.")
    places = ((torch.arange(size * FINE) + 0.5) / (size * FINE) - 0.5) / 0.4  # the radius is 1
    y, x = torch.meshgrid(places, places, indexing="ij")
    half_width = (1 - y.square()).clamp(min=0).sqrt()  # of the disc in each row
    waning = phases > 0.5
    side = torch.where(waning, -1.0, 1.0)[:, None, None]
    bright = side * x > (2 * math.pi * phases).cos()[:, None, None] * half_width  # (n, h, w)
    return F.avg_pool2d((bright & (x.abs() < half_width)).float().unsqueeze(1), FINE)
