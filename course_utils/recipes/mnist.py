"""Digits: the class-conditional UNet of notebooks 05–07, and the classifier that measures it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, metrics, zoo
from course_utils.diffusion import samplers
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.recipes import Recipe


@cache
def _digits(split: str) -> tuple[Tensor, Tensor]:
    return data.mnist(split)


def _batch(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images in [0, 1] and labels, drawn with replacement: there is no epoch whose state a resume must know."""
    images, labels = _digits("train")
    index = torch.randint(len(labels), (size,), generator=generator)
    return images[index], labels[index]


@dataclass(frozen=True)
class MnistClassifier(Recipe):
    """A convolutional classifier, trained on shifted, turned and scaled digits."""

    name: ClassVar[str] = "mnist-classifier"
    notebook: ClassVar[str] = "05"
    about: ClassVar[str] = "classifier of digits that measures the others' samples"
    data: ClassVar[str] = "MNIST, 4,500 digits"
    network: ClassVar[str] = "classifier"
    ARGS: ClassVar[dict[str, Any]] = {"channels": 1, "num_classes": 10, "width": 16}
    minutes: ClassVar[dict[str, float]] = {"two cores": 1}
    steps: int = 1500
    batch_size: int = 128
    ema: float = 0.99
    learning_rate: float = 2e-3

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = _batch(self.batch_size, generator)
        return {"images": images, "labels": labels, "move": torch.rand(len(images), 4, generator=generator) * 2 - 1}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(self._moved(batch["images"], batch["move"])), batch["labels"])

    @staticmethod
    def _moved(images: Tensor, move: Tensor) -> Tensor:
        """Turned by up to ±0.2 rad, scaled by ±10 %, shifted by ±2 pixels: `move` (b, 4) in [−1, 1]."""
        angle, log_scale, dx, dy = move.unbind(1)
        cos, sin, scale = (0.2 * angle).cos(), (0.2 * angle).sin(), (0.1 * log_scale).exp()
        rows = [torch.stack([scale * cos, -scale * sin, dx / 7], 1), torch.stack([scale * sin, scale * cos, dy / 7], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)  # (b, 28, 28, 2)
        return F.grid_sample(images, grid, align_corners=False)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], None]:
        device = next(model.parameters()).device
        images, labels = (x.to(device) for x in _digits("test"))
        return {"held_out_accuracy": metrics.accuracy(model, images, labels)}, None


@dataclass(frozen=True)
class MnistUnet(Recipe):
    """Noise prediction on the cosine chain of 200 steps; the class enters by a fixed table of embeddings."""

    name: ClassVar[str] = "mnist-unet"
    notebook: ClassVar[str] = "05"
    about: ClassVar[str] = "class-conditional DDPM of 28 × 28 digits"
    data: ClassVar[str] = "MNIST, 4,500 digits"
    network: ClassVar[str] = "unet"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 24, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1,
                                      "uncond_prob": 0.2}
    minutes: ClassVar[dict[str, float]] = {"two cores": 17}
    steps: int = 2200
    batch_size: int = 64
    learning_rate: float = 2e-3
    timesteps: int = 200
    guidance: float = 1.0  # w of the measured samples and of the shipped grid

    @property
    def path(self) -> DiscreteVP:
        return DiscreteVP(cosine_betas(self.timesteps))

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = _batch(self.batch_size, generator)
        t = torch.randint(self.timesteps, (self.batch_size,), generator=generator)
        noise = torch.randn(images.shape, generator=generator)
        return {"x_start": images * 2 - 1, "t": t, "noise": noise, "text_emb": self.table()[labels]}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        x_t = self.path.add_noise(batch["x_start"], batch["t"], batch["noise"])
        predicted = model(x_t.to(memory_format=torch.channels_last), batch["t"], {"text_emb": batch["text_emb"]})
        return F.mse_loss(predicted.float(), batch["noise"])

    def table(self) -> Tensor:
        """(10, 64) embeddings of the classes: fixed, so that the UNet's state dict is all there is to ship."""
        return torch.randn(10, 64, generator=torch.Generator().manual_seed(self.seed))

    def sample(self, model: nn.Module, labels: Tensor, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) guided samples in [0, 1] by all steps of the chain."""
        device = next(model.parameters()).device
        generator = torch.Generator(device).manual_seed(seed)
        kwargs = {"text_emb": self.table()[labels].to(device), "cfg_scale": self.guidance}
        noise = torch.randn(len(labels), 1, 28, 28, generator=generator, device=device)
        x = samplers.sample_ancestral(partial(model, model_kwargs=kwargs), noise, self.path, generator=generator)
        return (x.cpu() + 1) / 2

    def preview(self, model: nn.Module) -> Tensor:
        x = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(1))
        device = next(model.parameters()).device
        kwargs = {"text_emb": self.table().to(device)}
        plan = samplers.plan_ddim(self.path, 20)
        return (samplers.sample(partial(model, model_kwargs=kwargs), x.to(device), plan).cpu() + 1) / 2

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        labels = torch.arange(200) % 10
        images = torch.cat([self.sample(model, part, seed) for seed, part in enumerate(labels.split(100))])
        classifier = zoo.load("mnist-classifier").model
        with torch.no_grad():
            held_out, train = (classifier.features(_digits(split)[0]) for split in ("test", "train"))
            distance, spread = metrics.kernel_distance(classifier.features(images), held_out)
            floor, _ = metrics.kernel_distance(train[::23], held_out)  # as many real digits, of all classes
        return {"recognised": metrics.accuracy(classifier, images, labels), "kernel_distance": distance,
                "kernel_distance_std": spread, "kernel_distance_real": floor}, images

    def config(self) -> dict[str, Any]:
        return super().config() | {
            "table": self.table().tolist(), "image_size": 28, "objective": "pred_noise"}
