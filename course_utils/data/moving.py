"""Digits that move, with a sentence that says which and how: the smallest text-to-video data."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_utils.data.digits import mnist

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
MOTIONS = {"moves left": "left", "moves right": "right", "rises": "up", "falls": "down", "stands still": "none"}
STEPS = torch.tensor([(0, -1), (0, 1), (-1, 0), (1, 0), (0, 0)])  # rows and columns a step, in the order of MOTIONS
FRAMES, SIDE, DIGIT = 8, 16, 8
SPEED = 1  # pixel a frame
UNSEEN = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])  # each digit's motion that no training video shows
TRIES = 8  # places that are drawn for a pair of digits; the one where they come least close is taken


def moving_digits(n: int, generator: Generator, split: str = "train", most: int = 2) -> tuple[Tensor, list[str]]:
    """Videos of one or two digits, each with a motion of its own at one pixel a frame; none leaves the picture.

    A caption is one phrase such as "a three moves left", or two joined by "and" in a random order of the digits. In
    training videos each digit lacks one of the five motions: ten of the fifty phrases are in no training caption.

    Args:
        n: Videos; half of them, on average, have two digits, unless `most` is 1.
        generator: On the CPU, of every choice.
        split: The digits' drawings are those of `mnist(split)`; "test" has all fifty phrases.
        most: 1: no video has two digits.

    Returns:
        videos (n, 8, 1, 16, 16) float32 in [0, 1], frames first, and n captions.
    """
    sprites, labels = moving_sprites(split)
    which = torch.randint(len(labels), (n, 2), generator=generator)
    motion = _motions(labels[which], split, generator)
    shown = torch.stack([torch.ones(n), torch.randint(most, (n,), generator=generator)], 1)  # the second or not
    corners = _farthest(_corners(motion, torch.rand(TRIES, n, 2, 2, generator=generator)))
    videos = _draw(sprites[which] * shown[:, :, None, None], corners)
    phrases = [[_phrase(d, m) for d, m in zip(*row, strict=True)]
               for row in zip(labels[which].tolist(), motion.tolist(), strict=True)]
    return videos, [" and ".join(p[:1 + int(two)]) for p, two in zip(phrases, shown[:, 1], strict=True)]


def _phrase(digit: int, motion: int) -> str:
    return f"{'an' if digit == 8 else 'a'} {DIGITS[digit]} {list(MOTIONS)[motion]}"


def _motions(digits: Tensor, split: str, generator: Generator) -> Tensor:
    """An index into MOTIONS for each digit, of the same shape; in training never the one that UNSEEN names."""
    if split == "test":
        return torch.randint(len(STEPS), digits.shape, generator=generator)
    motion = torch.randint(len(STEPS) - 1, digits.shape, generator=generator)
    return motion + (motion >= UNSEEN[digits])


def phrases(kind: str = "all") -> list[str]:
    """The 50 phrases that captions are made of: "seen" in training, 40, "unseen", 10, or "all".

    Raises:
        ValueError: Another kind.
    """
    if kind not in ("all", "seen", "unseen"):
        raise ValueError(f'Phrases are "seen", "unseen" or "all", not {kind!r}.')
    return [_phrase(digit, motion) for digit in range(len(DIGITS)) for motion in range(len(MOTIONS))
            if kind == "all" or (motion == UNSEEN[digit]) == (kind == "unseen")]


@cache
def moving_sprites(split: str) -> tuple[Tensor, Tensor]:
    """The digits, without the outermost two pixels, at a third of their size: (n, 8, 8), and their labels."""
    images, labels = mnist(split)
    return F.avg_pool2d(images[:, :, 2:26, 2:26], 3).squeeze(1), labels


def _corners(motion: Tensor, u: Tensor) -> Tensor:
    """Rows and columns of the digits' upper left corners, (tries, n, 2, frames, 2) long.

    motion (n, 2) indexes MOTIONS; u (tries, n, 2, 2), uniform in [0, 1), says where in the picture they begin.
    """
    step = SPEED * STEPS[motion]  # (n, 2, 2)
    way = (FRAMES - 1) * step
    low, high = (-way).clamp(min=0), SIDE - DIGIT - way.clamp(min=0)
    start = low + ((high - low + 1) * u).long()
    return start.unsqueeze(-2) + torch.arange(FRAMES)[:, None] * step.unsqueeze(-2)


def _farthest(corners: Tensor) -> Tensor:
    """Of each video's tries, the one whose two digits are farthest apart when they are closest: (n, 2, frames, 2)."""
    apart = (corners[:, :, 0] - corners[:, :, 1]).abs().amax(-1).amin(-1)  # (tries, n)
    return corners[apart.argmax(0), torch.arange(corners.shape[1])]


def _draw(sprites: Tensor, corners: Tensor) -> Tensor:
    """(n, 2, 8, 8) sprites at their corners, the brighter one where two meet: (n, 8, 1, 16, 16)."""
    n, k = sprites.shape[:2]
    inside = torch.arange(DIGIT)
    rows, columns = (corners[..., i, None] + inside for i in range(2))  # (n, k, f, 8)
    place = (rows.unsqueeze(-1) * SIDE + columns.unsqueeze(-2)).flatten(3)  # (n, k, f, 64)
    layers = torch.zeros(n, k, FRAMES, SIDE * SIDE)
    layers.scatter_(3, place, sprites.flatten(2).unsqueeze(2).expand_as(place))
    return layers.amax(1).unflatten(-1, (1, SIDE, SIDE))
