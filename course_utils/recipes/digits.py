"""What the recipes of digits share: batches, slight moves, and the classifier that judges samples."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, metrics, zoo

DATA = "MNIST, 4,500 digits"


@cache
def load(split: str) -> tuple[Tensor, Tensor]:
    """The digits of `data.mnist(split)`, read once."""
    return data.mnist(split)


def draw(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images in [0, 1] and labels, drawn with replacement: there is no epoch whose state a resume must know."""
    images, labels = load("train")
    index = torch.randint(len(labels), (size,), generator=generator)
    return images[index], labels[index]


def draw_moves(size: int, generator: torch.Generator) -> Tensor:
    """(size, 4) uniform in [−1, 1]: what `move_slightly` takes."""
    return torch.rand(size, 4, generator=generator) * 2 - 1


def move_slightly(images: Tensor, move: Tensor, amount: float = 1.0) -> Tensor:
    """Digits turned by up to ±0.1 rad, scaled by ±5 % and shifted by ±1 pixel, in [0, 1].

    Args:
        images: (b, 1, 28, 28) in [0, 1].
        move: (b, 4) in [−1, 1]: turn, scale, shift to the left, shift up.
        amount: Of these moves; 2 doubles all of them.
    """
    angle, log_scale, dx, dy = (amount * move).unbind(1)
    cos, sin, scale = (0.1 * angle).cos(), (0.1 * angle).sin(), (0.05 * log_scale).exp()
    rows = [torch.stack([scale * cos, -scale * sin, dx / 14], 1), torch.stack([scale * sin, scale * cos, dy / 14], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)  # (b, 28, 28, 2)
    return F.grid_sample(images, grid, align_corners=False).clamp(0, 1)


def class_table(seed: int) -> Tensor:
    """(10, 64) embeddings of the classes: fixed, so that a network's state dict is all there is to ship."""
    return torch.randn(10, 64, generator=torch.Generator().manual_seed(seed))


def share_recognised(images: Tensor, labels: Tensor) -> float:
    """Share of samples (n, 1, 28, 28) in [0, 1] that the shipped classifier reads as their labels."""
    return metrics.accuracy(zoo.load("mnist-classifier").model, images.cpu(), labels.cpu())


@torch.no_grad()
def features(images: Tensor) -> Tensor:
    """(n, 64) features of the shipped classifier."""
    model = zoo.load("mnist-classifier").model
    return torch.cat([model.features(part) for part in images.cpu().split(500)])


@cache
def real_features() -> Tensor:
    """(n, 64) features of the training digits in a random order."""
    images = load("train")[0]
    return features(images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))])


def distances(images: Tensor, size: int = 1000) -> dict[str, float]:
    """Kernel distance of samples to training digits over ten draws of `size`, and of digits to digits likewise."""
    return metrics.kernel_distances(features(images), real_features(), size=min(size, len(images)))


def quality(images: Tensor, labels: Tensor) -> dict[str, float]:
    """Recognised as their classes, diversity within a class, kernel distance to real digits, and that one's spread.

    Args:
        images: (n, 1, 28, 28) in [0, 1].
        labels: (n,) the classes that were asked for, two samples of each at least.
    """
    diversity, _ = metrics.class_diversity(features(images), labels.cpu())
    apart = distances(images)
    return {"recognised": share_recognised(images, labels), "diversity": diversity,
            "kernel_distance": apart["kernel_distance"], "kernel_distance_std": apart["kernel_distance_std"]}


def quality_of_real(labels: Tensor) -> dict[str, float]:
    """The quality of training digits of the classes (n,), in random order.

    How many are recognised is said of held-out ones, which the classifier that reads them never saw.
    """
    return quality(real(labels), labels) | {"recognised": share_recognised(*load("test"))}


def real(labels: Tensor) -> Tensor:
    """(n, 1, 28, 28) training digits of the classes (n,), in random order."""
    images, classes = load("train")
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))
    taken = {c: iter(order[classes[order] == c].tolist()) for c in range(10)}
    return images[[next(taken[c]) for c in labels.tolist()]]


def device_of(model: nn.Module) -> torch.device:
    """Where a model's weights are."""
    return next(model.parameters()).device
