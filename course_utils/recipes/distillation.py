"""Few-step students of `mnist-flow` by progressive distillation, of notebook 14."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import files, zoo
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import RectifiedFlow
from course_utils.models.guidance_unet import GuidanceUnet
from course_utils.recipes import digits
from course_utils.recipes.continuous import MnistFlow

TEACHERS_STEPS = (1, 2, 4, 8, 16)  # at which `mnist-flow` is measured beside its students
WEIGHT = 1.0  # of guidance, in the tables


class Halving(nn.Module):
    """A student that learns to go two of its teacher's steps in one; Salimans & Ho 2022, algorithm 2.

    On the straight path two steps of DDIM are two of Euler, so that the target is the mean of the two velocities. Both
    networks are in evaluation mode throughout: a target does not drop units, and what imitates it need not.

    Args:
        args: Of both networks.

    Attributes:
        steps: Of the student.
        guides: Whether the teacher knows no w and is guided instead (Meng et al. 2023, stage 1).
    """

    def __init__(self, args: dict[str, Any]):
        super().__init__()
        self.student, self.teacher = GuidanceUnet(**args), GuidanceUnet(**args).requires_grad_(False)
        self.path, self.steps, self.guides = RectifiedFlow(), 8, True

    def train(self, mode: bool = True) -> Halving:
        return super().train(False)

    def forward(self, x_start: Tensor, noise: Tensor, u: Tensor, text_emb: Tensor, w: Tensor) -> Tensor:
        """The loss at one of the student's times for each sample, drawn by u (b,) in [0, 1); w (b,)."""
        t = ((u * self.steps).floor() + 1) / self.steps
        z_t = self.path.add_noise(x_start, t, noise)
        predicted = self.student(z_t, t, {"text_emb": text_emb, "w": w})
        return F.mse_loss(predicted.float(), self.target(z_t, t, text_emb, w))

    @torch.no_grad()
    def target(self, z_t: Tensor, t: Tensor, text_emb: Tensor, w: Tensor) -> Tensor:
        """The mean velocity of the teacher's two steps from t to t − 1/steps."""
        half = 1 / (2 * self.steps)
        teacher = partial(self.teacher, model_kwargs={"text_emb": text_emb, "w": w})
        if self.guides:
            teacher = guided(self.teacher, {"text_emb": text_emb}, None, w)
        first = teacher(z_t, t).float()
        second = teacher(z_t - half * first, t - half).float()
        return (first + second) / 2


@dataclass(frozen=True)
class _Student(MnistFlow):
    """The weight of guidance w is an input; each half of the run halves the number of steps."""

    notebook: ClassVar[str] = "14"
    network: ClassVar[str] = "guidance_unet"
    TEACHER: ClassVar[str]
    HALVINGS: ClassVar[int] = 2
    steps: int = 1200
    learning_rate: float = 5e-4
    ema: float = 0.99
    largest_w: float = 4.0

    @property
    def restarts(self) -> tuple[int, ...]:
        return tuple(self.steps * i // self.HALVINGS for i in range(1, self.HALVINGS))

    def model(self) -> nn.Module:
        model, teacher = Halving(self.ARGS), zoo.load(self.TEACHER).model
        for network in (model.student, model.teacher):
            network.load_teacher(teacher)
        return model

    def shipped(self, model: nn.Module) -> nn.Module:
        return model.student

    def before_step(self, model: nn.Module, step: int) -> None:
        """At each restart the student becomes the teacher."""
        halvings = sum(step >= restart for restart in self.restarts)
        model.guides = halvings == 0 and self.TEACHER == MnistFlow.name
        model.steps = self.sampling_steps * 2 ** (self.HALVINGS - 1 - halvings)
        if step in self.restarts:
            model.teacher.load_state_dict(model.student.state_dict())

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        batch = super().batch(generator)
        return batch | {"w": self.largest_w * torch.rand(self.batch_size, generator=generator)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        x_start = self.x_start(batch).to(memory_format=torch.channels_last)
        return model(x_start, batch["noise"], batch["t"], batch["text_emb"], batch["w"])

    def guide(self, model: nn.Module, cond: dict[str, Tensor], w: float) -> Any:
        rows = cond["text_emb"]
        return partial(model, model_kwargs=cond | {"w": torch.full((len(rows),), w, device=rows.device)})

    def preview(self, model: nn.Module) -> Tensor:
        return self.sample(model, torch.arange(10), w=1.0)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        """The student's quality at its own number of steps; beside it `mnist-flow` with as many, guided."""
        measured, images = super().measure(model)
        labels = torch.arange(self.measured) % 10
        flow = MnistFlow(sampling_steps=self.sampling_steps).sample(zoo.load(MnistFlow.name).model, labels, w=1.0)
        return measured | {"recognised_undistilled": digits.share_recognised(flow, labels)}, images

    def config(self) -> dict[str, Any]:
        weights = zoo.load(self.TEACHER).model.state_dict()
        return super().config() | {"teacher": files.digest(weights)}


@dataclass(frozen=True)
class MnistFlow4(_Student):
    """From 16 guided steps to 4."""

    name: ClassVar[str] = "mnist-flow-4"
    about: ClassVar[str] = "4-step student of mnist-flow"
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier", "mnist-flow")
    TEACHER: ClassVar[str] = "mnist-flow"
    minutes: ClassVar[dict[str, float]] = {"two cores": 34}
    sampling_steps: int = 4


@dataclass(frozen=True)
class MnistFlow1(_Student):
    """From 4 steps to one."""

    name: ClassVar[str] = "mnist-flow-1"
    about: ClassVar[str] = "1-step student of mnist-flow-4"
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier", "mnist-flow", "mnist-flow-4")
    TEACHER: ClassVar[str] = "mnist-flow-4"
    minutes: ClassVar[dict[str, float]] = {"two cores": 24}
    sampling_steps: int = 1

    def tables(self, model: nn.Module) -> dict[str, list[dict[str, float]]]:
        """Quality over steps at w = 1: the teacher's, guided, and each student's at its own; real digits to compare.

        All begin at the same noise, and a row tells of how many samples it is.
        """
        labels = torch.arange(self.measured) % min(10, self.measured // 2)
        teacher = zoo.load(MnistFlow.name).model.to(digits.device_of(model))
        four = zoo.load(self.TEACHER).model.to(digits.device_of(model))

        def row(recipe: MnistFlow, network: nn.Module) -> dict[str, float]:
            images = recipe.sample(network, labels, WEIGHT)
            return {"w": WEIGHT, "steps": recipe.sampling_steps, "samples": len(labels),
                    **digits.quality(images, labels)}

        return {"teacher": [row(MnistFlow(sampling_steps=n), teacher) for n in TEACHERS_STEPS],
                "students": [row(MnistFlow4(), four), row(self, model)],
                "real": [digits.quality_of_real(labels)]}
