"""What the recipes of OpenMoji's drawings share: pictures drawn beforehand, their texts, and how samples are judged."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils import data, metrics, text, zoo

DRAWINGS = "OpenMoji, 1,723 drawings, recoloured, mirrored and paired"


class Pool(NamedTuple):
    """Pictures or videos that batches are drawn from: a step on a GPU takes less time than drawing its pictures.

    Attributes:
        images: (n, *) uint8.
        names: Their names or captions, n.
    """

    images: Tensor
    names: list[str]

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images (size, *) in [0, 1] and their indices, with replacement."""
        index = torch.randint(len(self.images), (size,), generator=generator)
        return self.images[index].float() / 255, index


@cache
def draw_pool(n: int, kinds: tuple[str, ...] = ("plain", "coloured", "pair"), split: str = "train") -> Pool:
    """n pictures of `data.draw_emoji` with their names, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    return make_pool([data.draw_emoji(min(1024, n - i), generator, kinds, split) for i in range(0, n, 1024)])


def make_pool(parts: list[tuple[Tensor, list[str]]]) -> Pool:
    """The pool of pictures in [0, 1] with their names, drawn in parts."""
    images = torch.cat([(images * 255).round().to(torch.uint8) for images, _ in parts])
    return Pool(images, [name for _, names in parts for name in names])


def context_of(names: list[str]) -> Tensor:
    """(n, text.LENGTH, text.WIDTH) tokens of names, in float16."""
    parts = [text.tokens(names[i:i + 1024], text.LENGTH).half() for i in range(0, len(names), 1024)]
    return torch.cat(parts)


@torch.no_grad()
def embed(images: Tensor) -> Tensor:
    """(n, 384) sentence embeddings that the shipped model of drawings reads from images in [0, 1]."""
    model = zoo.load("emoji-retrieval").model
    return torch.cat([model(part * 2 - 1) for part in images.cpu().split(500)])


def drawing_distances(images: Tensor, kinds: tuple[str, ...], split: str = "train") -> dict[str, float]:
    """Kernel distance of pictures in [0, 1] to a split's pictures of these kinds, and of these to each other."""
    size = len(images) // 2
    reals = draw_pool(4 * size, kinds, split).images.float() / 255
    return metrics.kernel_distances(embed(images), embed(reals), size=size)


def rank_among(images: Tensor, names: list[str], others: list[str], count: int = 50, seed: int = 0) -> Tensor:
    """The place (n,) of each picture's own name among `count` names, the others drawn by the seed; 1 is first."""
    generator, read = torch.Generator().manual_seed(seed), embed(images)
    ranks = []
    for row, name in zip(read, names, strict=True):
        rest = [other for other in others if other != name]
        wrong = [rest[i] for i in torch.randperm(len(rest), generator=generator)[:count - 1]]
        candidates = text.sentence([name, *wrong])
        ranks.append(metrics.retrieval_rank(row[None], candidates, torch.tensor([0])))
    return torch.cat(ranks)


def first(ranks: Tensor) -> float:
    """The share of ranks (n,) that are 1."""
    return (ranks == 1).float().mean().item()
