"""What emoji are made of: the drawings, and which of them may be painted, mirrored, or stand in a pair."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.openmoji import openmoji
from course_utils.data.paint import COLOURS, OTHER_COLOURS, Paint, paint_of, recolour

HELD_OUT = 10  # one combination in so many is held out
SALT = 138  # of the checksums that hold combinations out: with it "blue apple" and "cat and red heart" are among them
PLAIN = re.compile(r"[a-z]+( [a-z]+)?")
PEOPLE = re.compile(r"\b(wo)?m[ae]n\b|\b(person|people|girl|boy|child|children|baby|family|older|deaf|men|women)\b")
SIGNS = re.compile(r"\b(button|sign|symbol|arrow|flag|rainbow|keycap|mark|suit|no|potable|crossing)\b")
# What is wrong in a mirror: sides and directions, writing, clocks, what rises or falls, the moon's phases.
ONE_WAY = re.compile(
    r"\b(left|right|\w+wards?|arrows?|clock|watch|stopwatch|flags?|button|sign|mark|symbols?|numbers|letters?|notes?|music\w*"
    r"|score|banknote|exchange|points|calendar|newspaper|receipt|dvd|taxi|ambulance|car|bus|stop|chart|information|closet"
    r"|bank|hospital|hotel|store|office|moon|quarter|memo|joker|cards?|badge|tickets?|copyright|registered|and|prohibited"
    r"|no|medal|die|map|globe|keyboard|cinema|placard|fax|slot|passport|customs|suit|spiral|cyclone)\b")


@dataclass(frozen=True, eq=False)
class Album:
    """The drawings and what can be made of them.

    Attributes:
        images: (n, 3, 32, 32) in [0, 1], those of the training split first.
        names: n names.
        seen: How many drawings are of the training split.
    """

    images: Tensor
    names: list[str]
    seen: int

    @cached_property
    def index(self) -> dict[str, int]:
        """Where a name is."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def halves(self) -> Tensor:
        """The drawings at half their size, (n, 3, 16, 16)."""
        return F.avg_pool2d(self.images, 2)

    @cached_property
    def paint(self) -> Paint:
        """The drawings' dominant colours."""
        return paint_of(self.images)

    @cached_property
    def things(self) -> dict[str, int]:
        """Drawings of one colour, by their names without it ("apple"); where several have one name, the first."""
        fit = (self.paint.area > 0.1) & (self.paint.purity > 0.75)
        things = {}
        for i, name in enumerate(self.names):
            first, _, rest = name.partition(" ")
            thing = rest if first in (*COLOURS, *OTHER_COLOURS) else name
            if fit[i] and PLAIN.fullmatch(thing) and not PEOPLE.search(thing) and not SIGNS.search(thing):
                things.setdefault(thing, i)
        return things

    @cached_property
    def pairable(self) -> list[int]:
        """Training drawings that stand in pairs: names of one or two plain words, no people and no signs."""
        return [i for i, name in enumerate(self.names[:self.seen])
                if PLAIN.fullmatch(name) and not PEOPLE.search(name) and not SIGNS.search(name)]

    @cached_property
    def remainders(self) -> list[int]:
        """Of the pairable names: what is left of their checksums, see `is_held_apart`."""
        return [_remainder(self.names[i]) for i in self.pairable]

    @cached_property
    def mirrors(self) -> Tensor:
        """(n,) bool: whether the name stays true in a mirror."""
        return torch.tensor([bool(re.fullmatch(r"[a-z -]+", n)) and not ONE_WAY.search(n) for n in self.names])

    @cached_property
    def combinations(self) -> dict[str, list[tuple[str, str]]]:
        """(colour, thing) by split, of training drawings; none is called as a drawing is."""
        every = [(colour, thing) for thing, i in self.things.items() if i < self.seen for colour in COLOURS
                 if f"{colour} {thing}" not in self.index]
        return {split: [c for c in every if is_held_apart(*c) == (split == "test")] for split in ("train", "test")}

    def recolour(self, drawings: Sequence[int], colours: Sequence[str]) -> Tensor:
        """Drawings by their indices, each in a named colour: (b, 3, 32, 32)."""
        index = torch.as_tensor(drawings)
        return recolour(self.images[index], self.paint[index], colours)


@cache
def album() -> Album:
    """OpenMoji's drawings of both splits, loaded once a process."""
    (images, names), (held_out, held_out_names) = openmoji("train"), openmoji("test")
    return Album(torch.cat([images, held_out]), names + held_out_names, len(names))


def is_held_apart(a: str, b: str) -> bool:
    """Whether a combination of two words, in either order, is never in training: about one in ten."""
    return (_remainder(a) + _remainder(b)) % HELD_OUT == 0


def _remainder(word: str) -> int:
    """A number below 10 that is the same on every machine."""
    return zlib.crc32(word.encode(), SALT) % HELD_OUT
