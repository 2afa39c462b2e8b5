"""Digits on a chain of noise: the class-conditional UNet of notebooks 05–07 and the two classifiers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import metrics
from course_utils.diffusion import plans, samplers
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.recipes import Recipe, digits
from course_utils.recipes.guidance import Guidance


@dataclass(frozen=True)
class MnistClassifier(Recipe):
    """A convolutional classifier, trained on shifted, turned and scaled digits."""

    name: ClassVar[str] = "mnist-classifier"
    notebook: ClassVar[str] = "04"
    about: ClassVar[str] = "classifier of digits that measures the others' samples"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "classifier"
    ARGS: ClassVar[dict[str, Any]] = {"channels": 1, "num_classes": 10, "width": 16}
    minutes: ClassVar[dict[str, float]] = {"two cores": 2.1}
    steps: int = 1500
    batch_size: int = 128
    ema: float = 0.99
    learning_rate: float = 2e-3

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = digits.draw(self.batch_size, generator)
        return {"images": images, "labels": labels, "move": digits.draw_moves(len(images), generator)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(digits.move_slightly(batch["images"], batch["move"], amount=2)), batch["labels"])

    def measure(self, model: nn.Module) -> tuple[dict[str, float], None]:
        images, labels = (x.to(digits.device_of(model)) for x in digits.load("test"))
        return {"held_out_accuracy": metrics.accuracy(model, images, labels)}, None


@cache
def _chain(timesteps: int) -> DiscreteVP:
    """One chain for all steps: it keeps its table on the device."""
    return DiscreteVP(cosine_betas(timesteps))


@dataclass(frozen=True)
class _OnTheChain(Recipe):
    """Digits noised on the cosine chain of 200 steps, after slight moves."""

    timesteps: int = 200

    @property
    def path(self) -> DiscreteVP:
        return _chain(self.timesteps)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = digits.draw(self.batch_size, generator)
        t = torch.randint(self.timesteps, (self.batch_size,), generator=generator)
        noise = torch.randn(images.shape, generator=generator)
        move = digits.draw_moves(len(images), generator)
        return {"images": images, "labels": labels, "move": move, "t": t, "noise": noise}

    def add_noise(self, batch: dict[str, Tensor]) -> Tensor:
        """x_t (b, 1, 28, 28) of a batch."""
        x_start = digits.move_slightly(batch["images"], batch["move"]) * 2 - 1
        x_t = self.path.add_noise(x_start, batch["t"], batch["noise"])
        return x_t.to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class MnistUnet(_OnTheChain):
    """Noise prediction on the cosine chain of 200 steps; the class enters by a fixed table of embeddings."""

    name: ClassVar[str] = "mnist-unet"
    notebook: ClassVar[str] = "05"
    about: ClassVar[str] = "class-conditional DDPM of 28 × 28 digits"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "unet"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 24, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1,
                                      "uncond_prob": 0.2}
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier",)
    minutes: ClassVar[dict[str, float]] = {"two cores": 106, "a GPU": 5}
    steps: int = 8000
    learning_rate: float = 2e-3
    ema: float = 0.9995
    guidance: float = 1.0  # w of the guided samples and of the shipped grid
    measured: int = 1000  # samples of each kind

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        batch = super().batch(generator)
        return batch | {"text_emb": digits.class_table(self.seed)[batch.pop("labels")]}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        predicted = model(self.add_noise(batch), batch["t"], {"text_emb": batch["text_emb"]})
        return F.mse_loss(predicted.float(), batch["noise"])

    def sample(self, model: nn.Module, labels: Tensor, plan: plans.Plan, w: float = 0.0, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) samples of classes (n,) in [0, 1] by a plan on the chain, on the CPU."""
        device = digits.device_of(model)
        generator = torch.Generator(device).manual_seed(seed)
        images = []
        for part in labels.split(250):
            cond = {"text_emb": digits.class_table(self.seed)[part].to(device)}
            fn = guided(model, cond, None, w) if w else partial(model, model_kwargs=cond)
            noise = torch.randn(len(part), 1, 28, 28, generator=generator, device=device)
            images.append((samplers.sample(fn, noise, plan, generator=generator).cpu() + 1) / 2)
        return torch.cat(images)

    def preview(self, model: nn.Module) -> Tensor:
        return self.sample(model, torch.arange(10), plans.plan_ddim(self.path, 20))

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        """Unguided by all steps and by DDIM-20, guided by DDIM-20, and the distance of the unguided by DDIM-20."""
        labels = torch.arange(self.measured) % 10
        all_steps, few = plans.plan_ancestral(self.path), plans.plan_ddim(self.path, 20)
        guided_images = self.sample(model, labels, few, self.guidance)
        quick = self.sample(model, labels.repeat(2), few)
        return {"recognised": digits.share_recognised(guided_images, labels),
                "recognised_unguided": digits.share_recognised(self.sample(model, labels, all_steps), labels),
                "recognised_unguided_ddim20": digits.share_recognised(quick, labels.repeat(2)),
                **digits.distances(quick, self.measured)}, guided_images

    def config(self) -> dict[str, Any]:
        return super().config() | {"table": digits.class_table(self.seed).tolist(), "image_size": 28,
                                   "prediction": "noise"}


@dataclass(frozen=True)
class MnistNoisyClassifier(_OnTheChain):
    """Reads noised digits and is told the time: its gradient guides the sampler of notebook 07.

    Its tables are those of that notebook: guidance by it, and beside it the guidance that needs no classifier.
    """

    name: ClassVar[str] = "mnist-noisy-classifier"
    notebook: ClassVar[str] = "07"
    about: ClassVar[str] = "classifier of noised digits for classifier guidance"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "time_classifier"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 16, "channels": 1, "num_classes": 10}
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier", "mnist-unet")
    minutes: ClassVar[dict[str, float]] = {"two cores": 5.3}
    steps: int = 3000
    batch_size: int = 128
    measured: int = 1000  # samples of a row

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(self.add_noise(batch), batch["t"]).float(), batch["labels"])

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        """The share of held-out digits that it reads at five times of the chain; the sheet of guidance."""
        images, labels = (x.to(digits.device_of(model)) for x in digits.load("test"))
        generator = torch.Generator().manual_seed(0)
        measured = {}
        for share in (0, 0.25, 0.5, 0.75, 1):
            t = torch.full_like(labels, round(share * (self.timesteps - 1)))
            noise = torch.randn(images.shape, generator=generator).to(images.device)
            x_t = self.path.add_noise(images * 2 - 1, t, noise)
            measured[f"accuracy_at_t{int(t[0])}"] = metrics.accuracy(partial(_logits, model, int(t[0])), x_t, labels)
        return measured, Guidance(model, 20).sheet()

    def tables(self, model: nn.Module) -> dict[str, list[dict[str, float]]]:
        return Guidance(model, self.measured).tables()


def _logits(model: nn.Module, t: int, x_t: Tensor) -> Tensor:
    return model(x_t, torch.full((len(x_t),), t, device=x_t.device))
