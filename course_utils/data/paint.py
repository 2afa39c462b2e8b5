"""A drawing's one dominant colour, and the same drawing in another.

A pixel (r, g, b) is a grey m = (r + g + b)/3 and a complex chroma z = r + g·ω + b·ω² with ω = exp(2πi/3), whose angle
is the hue. Multiplying z by a number turns and scales the colour, and leaves white, grey and black lines what they are.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

COLOURS = {"red": (234, 60, 50), "orange": (238, 125, 30), "yellow": (252, 220, 43), "green": (92, 170, 50),
           "blue": (60, 140, 235), "purple": (145, 85, 185), "pink": (255, 150, 190)}
OTHER_COLOURS = ("black", "white", "brown", "grey")  # words that a thing loses, and that nothing is painted in
THIRD = cmath.exp(2j * math.pi / 3)
NEAR = 0.6  # radians of hue on each side of the dominant one
CHROMATIC = 0.15  # |z| above which a pixel has a colour


@dataclass(frozen=True, eq=False)
class Paint:
    """The dominant colours of n drawings.

    Attributes:
        chroma: (n,) complex, the mean of the dominant pixels' z.
        grey: (n,) the mean of their m.
        area: (n,) share of the picture that they cover.
        purity: (n,) their share of all that is coloured.
    """

    chroma: Tensor
    grey: Tensor
    area: Tensor
    purity: Tensor

    def __getitem__(self, index: Tensor) -> Paint:
        return Paint(self.chroma[index], self.grey[index], self.area[index], self.purity[index])


def paint_of(images: Tensor) -> Paint:
    """The dominant colour of each picture (n, 3, h, w) in [0, 1]: the hue with most chroma within 0.6 rad of it."""
    grey, chroma = _split(images)
    strength, hue = chroma.abs(), chroma.angle()
    strength = torch.where(strength > CHROMATIC, strength, 0)
    candidates = torch.arange(24) * (2 * math.pi / 24) - math.pi
    sums = torch.stack([(strength * _near(hue, c)).sum((1, 2)) for c in candidates], 1)  # (n, 24)
    near = _near(hue, candidates[sums.argmax(1)][:, None, None]) & (strength > 0)
    count = near.sum((1, 2)).clamp(min=1)
    return Paint((chroma * near).sum((1, 2)) / count, (grey * near).sum((1, 2)) / count,
                 near.float().mean((1, 2)), (strength * near).sum((1, 2)) / strength.sum((1, 2)).clamp(min=1e-6))


def recolour(images: Tensor, paint: Paint, colours: Sequence[str]) -> Tensor:
    """The pictures (n, 3, h, w) with their dominant colours replaced by n named ones, light and dark shades kept."""
    grey, chroma = _split(images)
    own = paint.chroma[:, None, None]
    target_grey, target = _split(torch.tensor([COLOURS[c] for c in colours]).float()[:, :, None, None] / 255)
    share = (chroma.abs() / own.abs()).clamp(max=1)  # 1 in the colour itself, 0 in grey
    near = _near(chroma.angle(), own.angle()) & (chroma.abs() > 0.02)
    new_grey = grey + (target_grey - paint.grey[:, None, None]) * share
    return torch.where(near.unsqueeze(1), _join(new_grey, chroma * (target / own)), images).clamp(0, 1)


def _near(hue: Tensor, centre: Tensor) -> Tensor:
    """Whether hues lie within 0.6 rad of the centre, around the circle."""
    return ((hue - centre + math.pi) % (2 * math.pi) - math.pi).abs() < NEAR


def _split(images: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 3, h, w) → the grey (n, h, w) and the complex chroma (n, h, w)."""
    red, green, blue = images.unbind(1)
    return (red + green + blue) / 3, red + green * THIRD + blue * THIRD**2


def _join(grey: Tensor, chroma: Tensor) -> Tensor:
    """The inverse of `_split`."""
    return torch.stack([grey + (2 / 3) * (chroma * THIRD**-k).real for k in range(3)], 1)
