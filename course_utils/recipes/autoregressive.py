"""Pixel by pixel: PixelCNN at 4 and at 256 levels, PixelRNN, and tiles of binarised digits, of notebook 02."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data
from course_utils.recipes import Recipe, digits


@dataclass(frozen=True)
class _Pixels(Recipe):
    """The likelihood of quantised digits, each pixel from the ones before it in raster order."""

    notebook: ClassVar[str] = "02"
    data: ClassVar[str] = digits.DATA
    LEVELS: ClassVar[int] = 4
    steps: int = 4000
    learning_rate: float = 4e-3
    drawn: int = 100  # samples of the shipped grid

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": data.quantise(digits.draw(self.batch_size, generator)[0], self.LEVELS)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch["x"]).float(), batch["x"])

    @torch.no_grad()
    def sample(self, model: nn.Module, n: int, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) samples in [0, 1], on the CPU: one evaluation for each of the 784 pixels."""
        device = digits.device_of(model)
        generator = torch.Generator(device).manual_seed(seed)
        x = torch.zeros(n, 28, 28, dtype=torch.long, device=device)
        for i in range(28):
            for j in range(28):
                p = model(x[:, :i + 1])[:, :, i, j].softmax(dim=1)  # later rows change nothing
                x[:, i, j] = torch.multinomial(p, 1, generator=generator).squeeze(1)
        return data.dequantise(x.cpu(), self.LEVELS)

    @torch.no_grad()
    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        train, test = (data.quantise(digits.load(split)[0], self.LEVELS) for split in ("train", "test"))
        nats = [F.cross_entropy(model(x), x, reduction="none").mean((1, 2))
                for x in test.to(digits.device_of(model)).split(100)]
        independent = _independent_pixels(train, test, self.LEVELS)
        return _in_bits(torch.cat(nats).cpu(), independent), self.sample(model, self.drawn)

    def config(self) -> dict[str, Any]:
        return super().config() | {"levels": self.LEVELS}


def _independent_pixels(train: Tensor, test: Tensor, levels: int) -> float:
    """Nats a pixel of test digits (n, h, w) where each pixel has the training digits' own histogram.

    Each level is counted once more than it occurs, so that none is impossible (Laplace's rule of succession).
    """
    counts = F.one_hot(train, levels).sum(0) + 1  # (h, w, levels)
    log_p = (counts / counts.sum(-1, keepdim=True)).log()
    return -log_p.expand(len(test), *log_p.shape).gather(-1, test.unsqueeze(-1)).mean().item()


def _in_bits(nats: Tensor, independent: float) -> dict[str, float]:
    """Bits per dimension of images (n,), told in nats, their mean's standard error, and independent pixels'."""
    bits = nats / math.log(2)
    return {"bits_per_dim": bits.mean().item(), "bits_per_dim_stderr": (bits.std() / len(bits) ** 0.5).item(),
            "bits_per_dim_independent": independent / math.log(2)}


@dataclass(frozen=True)
class PixelCNN(_Pixels):
    """Masked convolutions on digits of four levels."""

    name: ClassVar[str] = "pixelcnn"
    about: ClassVar[str] = "PixelCNN of digits with 4 levels"
    network: ClassVar[str] = "pixelcnn"
    ARGS: ClassVar[dict[str, Any]] = {"levels": 4, "channels": 32, "blocks": 6}
    minutes: ClassVar[dict[str, float]] = {"two cores": 11}


@dataclass(frozen=True)
class PixelCNN256(_Pixels):
    """Masked convolutions on digits of all 256 levels: what the likelihood of notebook 10 is compared with."""

    name: ClassVar[str] = "pixelcnn-256"
    about: ClassVar[str] = "PixelCNN of digits with 256 levels"
    network: ClassVar[str] = "pixelcnn"
    LEVELS: ClassVar[int] = 256
    ARGS: ClassVar[dict[str, Any]] = {"levels": 256, "channels": 32, "blocks": 6}
    minutes: ClassVar[dict[str, float]] = {"two cores": 29}


@dataclass(frozen=True)
class PixelRNN(_Pixels):
    """A recurrence that runs down the rows, of PixelCNN's size."""

    name: ClassVar[str] = "pixelrnn"
    about: ClassVar[str] = "PixelRNN by rows of digits with 4 levels"
    network: ClassVar[str] = "pixelrnn"
    ARGS: ClassVar[dict[str, Any]] = {"levels": 4, "channels": 32, "layers": 2}
    minutes: ClassVar[dict[str, float]] = {"two cores": 16}
    steps: int = 3000


@dataclass(frozen=True)
class Tiles(Recipe):
    """A causal transformer on the 49 tiles of 4 × 4 pixels of binarised digits, binarised anew in every batch."""

    name: ClassVar[str] = "tiles"
    notebook: ClassVar[str] = "02"
    about: ClassVar[str] = "causal transformer of binarised digits in tiles"
    data: ClassVar[str] = f"{digits.DATA}, binarised"
    network: ClassVar[str] = "tiles"
    ARGS: ClassVar[dict[str, Any]] = {"size": 28, "tile": 4, "dim": 64, "depth": 4, "heads": 4}
    minutes: ClassVar[dict[str, float]] = {"two cores": 5.5}
    steps: int = 3000
    weight_decay: float = 0.1
    drawn: int = 100  # samples of the shipped grid

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": data.binarise(digits.draw(self.batch_size, generator)[0], generator).squeeze(1)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.binary_cross_entropy_with_logits(model(batch["x"]).float(), batch["x"])

    @torch.no_grad()
    def sample(self, model: nn.Module, n: int, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) of 0 and 1, on the CPU: one evaluation for each of the 49 tiles."""
        device = digits.device_of(model)
        generator = torch.Generator(device).manual_seed(seed)
        x = torch.zeros(n, 28, 28, device=device)
        for i in range(0, 28, 4):
            for j in range(0, 28, 4):
                tile = (..., slice(i, i + 4), slice(j, j + 4))
                x[tile] = torch.bernoulli(model(x)[tile].sigmoid(), generator=generator)
        return x.unsqueeze(1).cpu()

    @torch.no_grad()
    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        train, test = (data.binarised_mnist(split)[0].squeeze(1) for split in ("train", "test"))
        nats = [F.binary_cross_entropy_with_logits(model(x), x, reduction="none").mean((1, 2))
                for x in test.to(digits.device_of(model)).split(100)]
        independent = _independent_pixels(train.long(), test.long(), 2)
        return _in_bits(torch.cat(nats).cpu(), independent), self.sample(model, self.drawn)

    def config(self) -> dict[str, Any]:
        return super().config() | {"levels": 2}
