"""Continuous time: what its recipes share, the digits' VP model and their rectified flow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.diffusion import likelihood, plans, samplers
from course_utils.diffusion.gaussian import Kind
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import VP, GaussianPath, RectifiedFlow
from course_utils.recipes import Recipe, digits

WALKERS, WALK = 40, 100  # digits in the picture of notebook 08's long walk, and its steps at each level
EARLIEST = 1e-5  # the smallest time of a loss, as in Song et al. 2021b: below it x_t is data to the last bit


@dataclass(frozen=True)
class Continuous(Recipe):
    """Learns `prediction` on a path, at times spread evenly over each batch; a subclass says what x_start is."""

    prediction: ClassVar[Kind] = "v"
    learning_rate: float = 2e-3
    ema: float = 0.9995

    @property
    def path(self) -> GaussianPath:
        return VP()

    def noise_for(self, shape: torch.Size, generator: torch.Generator) -> dict[str, Tensor]:
        """`noise` of this shape and `t` (b,), one draw and its equal shifts; Kingma et al. 2021, appendix I.1."""
        u = (torch.rand((), generator=generator) + torch.arange(shape[0]) / shape[0]) % 1
        return {"t": EARLIEST + (1 - EARLIEST) * u, "noise": torch.randn(shape, generator=generator)}

    def x_start(self, batch: dict[str, Tensor]) -> Tensor:
        """The clean data (b, *) of a batch, on its device."""
        return batch["x_start"]

    def condition(self, batch: dict[str, Tensor]) -> tuple:
        """What the network is given after x_t and t."""
        return ()

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        x_start, t, noise = self.x_start(batch), batch["t"], batch["noise"]
        x_t = self.path.add_noise(x_start, t, noise)
        if x_t.dim() == 4:
            x_t = x_t.to(memory_format=torch.channels_last)
        predicted = model(x_t, t, *self.condition(batch))
        return F.mse_loss(predicted.float(), self.path.target(x_start, t, noise, self.prediction))

    def config(self) -> dict[str, Any]:
        return super().config() | {"prediction": self.prediction}


@dataclass(frozen=True)
class MnistVP(Continuous):
    """v-prediction on the VP path, without classes, for scores, SDEs and the likelihood."""

    name: ClassVar[str] = "mnist-vp"
    notebook: ClassVar[str] = "08"
    about: ClassVar[str] = "digits in continuous time, without classes"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "continuous_unet"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 24, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1}
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier",)
    minutes: ClassVar[dict[str, float]] = {"two cores": 115}
    steps: int = 8000
    sampling_steps: int = 50
    measured: int = 2000  # samples
    rated: int = 128  # held-out digits whose likelihood is followed over the run
    rated_at_end: int = 500  # and those that the finished model is measured on
    tolerance: float = 1e-3  # of the likelihood's solver, for the state and for bits per dimension alike

    @property
    def milestones(self) -> tuple[int, ...]:
        return self.steps // 8, self.steps // 2, self.steps

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, _ = digits.draw(self.batch_size, generator)
        move = digits.draw_moves(len(images), generator)
        return {"images": images, "move": move} | self.noise_for(images.shape, generator)

    def x_start(self, batch: dict[str, Tensor]) -> Tensor:
        return digits.move_slightly(batch["images"], batch["move"]) * 2 - 1

    def record(self, model: nn.Module, step: int) -> dict[str, float]:
        """Bits per dimension of the first held-out digits, of 256 levels."""
        return {f"bits_per_dim_after_{step}": self.bits(model, self.rated)[0]}

    def bits(self, model: nn.Module, n: int) -> tuple[float, float]:
        """Mean over n held-out digits of every class, and its standard error."""
        images = digits.load("test")[0]
        images = images[torch.linspace(0, len(images) - 1, min(n, len(images))).long()]
        generator = torch.Generator().manual_seed(0)
        x = likelihood.dequantize(images, torch.rand(images.shape, generator=generator)).to(digits.device_of(model))
        tolerance = self.tolerance
        solver = likelihood.Solver(rtol=tolerance, atol=tolerance, bits_tol=tolerance, t_min=EARLIEST)
        probes = torch.Generator(x.device).manual_seed(0)
        logp = [likelihood.log_likelihood(model, part, self.path, prediction=self.prediction, solver=solver,
                                          per_sample=[], generator=probes).logp for part in x.split(128)]
        bits = likelihood.bits_per_dim(torch.cat(logp).cpu(), images[0].numel())
        return bits.mean().item(), (bits.std() / len(bits) ** 0.5).item()

    def preview(self, model: nn.Module) -> Tensor:
        return sample_unconditionally(self, model, (10, 1, 28, 28), 20)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        bits, error = self.bits(model, self.rated_at_end)
        images = sample_unconditionally(self, model, (self.measured, 1, 28, 28), self.sampling_steps)
        return {"bits_per_dim": bits, "bits_per_dim_stderr": error, **digits.distances(images)}, images

    def more_samples(self, model: nn.Module) -> dict[str, Tensor]:
        """Digits of notebook 08's annealed Langevin dynamics, at rest on every level."""
        return {"langevin": annealed_langevin(self, model, (WALKERS, 1, 28, 28), WALK, snr=0.2)}


def sample_unconditionally(recipe: Continuous, model: nn.Module, shape: tuple[int, ...], steps: int,
                           seed: int = 1) -> Tensor:
    """Samples of `shape` in [0, 1] by DDIM without a condition, 250 at a time, on the CPU."""
    device = digits.device_of(model)
    generator = torch.Generator(device).manual_seed(seed)
    plan = plans.plan_ddim(recipe.path, steps)
    noise = torch.randn(shape, generator=generator, device=device)
    images = [samplers.sample(model, part, plan, prediction=recipe.prediction).cpu() for part in noise.split(250)]
    return (torch.cat(images) + 1) / 2


@torch.no_grad()
def annealed_langevin(recipe: Continuous, model: nn.Module, shape: tuple[int, ...], steps: int, snr: float,
                      seed: int = 1) -> Tensor:
    """Samples of `shape` in [0, 1] by Langevin steps at falling noise, on the CPU; Song & Ermon 2019, algorithm 1.

    The model is seen on a variance-exploding path: x_t/α_t carries noise of σ_t/α_t, the same noise as x_t.

    Args:
        recipe: Of the model.
        model: Predicts the recipe's kind.
        shape: (n, c, h, w).
        steps: At each of ten levels from 10 to 0.1.
        snr: Signal-to-noise ratio of a step, whose size is 2(snr·σ)².
        seed: Of the noise.
    """
    device, path = digits.device_of(model), recipe.path
    generator = torch.Generator(device).manual_seed(seed)
    levels = torch.logspace(1, -1, 10, dtype=torch.float64)
    times = path.inverse_log_snr(-2 * levels.log())
    weights = torch.stack([path.alpha(times), *path.mixing(times, recipe.prediction, "noise")], dim=1)
    x = levels[0] * torch.randn(shape, generator=generator, device=device)
    for sigma, t, (alpha, a, b) in zip(levels.tolist(), times.tolist(), weights.tolist(), strict=True):
        t = torch.full(shape[:1], t, device=device)
        for _ in range(steps):
            noise = a * alpha * x + b * model(alpha * x, t)
            z = torch.randn(shape, generator=generator, device=device)
            x = x - 2 * snr**2 * sigma * noise + 2 * snr * sigma * z
    noise = a * alpha * x + b * model(alpha * x, t)
    return ((x - sigma * noise).cpu() + 1) / 2


@dataclass(frozen=True)
class MnistFlow(Continuous):
    """The velocity of the straight path, with classes: notebook 12's model and 14's teacher."""

    name: ClassVar[str] = "mnist-flow"
    notebook: ClassVar[str] = "12"
    about: ClassVar[str] = "class-conditional rectified flow of digits"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "continuous_unet"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 24, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1,
                                      "uncond_prob": 0.2}
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier",)
    prediction: ClassVar[Kind] = "velocity"
    minutes: ClassVar[dict[str, float]] = {"two cores": 44}
    steps: int = 3000
    sampling_steps: int = 20
    measured: int = 1000  # samples of each kind

    @property
    def path(self) -> RectifiedFlow:
        return RectifiedFlow()

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = digits.draw(self.batch_size, generator)
        move, text_emb = digits.draw_moves(len(images), generator), digits.class_table(self.seed)[labels]
        return {"images": images, "move": move, "text_emb": text_emb} | self.noise_for(images.shape, generator)

    def x_start(self, batch: dict[str, Tensor]) -> Tensor:
        return digits.move_slightly(batch["images"], batch["move"]) * 2 - 1

    def condition(self, batch: dict[str, Tensor]) -> tuple:
        return ({"text_emb": batch["text_emb"]},)

    def sample(self, model: nn.Module, labels: Tensor, w: float = 0.0, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) samples of classes (n,) in [0, 1] by Euler's method, on the CPU."""
        device = digits.device_of(model)
        generator, plan = torch.Generator(device).manual_seed(seed), plans.plan_euler(self.path, self.sampling_steps)
        images = []
        for part in labels.split(250):
            cond = {"text_emb": digits.class_table(self.seed)[part].to(device)}
            noise = torch.randn(len(part), 1, 28, 28, generator=generator, device=device)
            x = samplers.sample(self.guide(model, cond, w), noise, plan, prediction=self.prediction, clamp=None)
            images.append((x.cpu() + 1) / 2)
        return torch.cat(images)

    def guide(self, model: nn.Module, cond: dict[str, Tensor], w: float) -> Any:
        """The velocity as a function of x and t, guided by w."""
        return guided(model, cond, None, w) if w else partial(model, model_kwargs=cond)

    def preview(self, model: nn.Module) -> Tensor:
        return self.sample(model, torch.arange(10))

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        labels = torch.arange(self.measured) % 10
        images, unguided = self.sample(model, labels, w=1.0), self.sample(model, labels.repeat(2))
        return {"recognised": digits.share_recognised(images, labels),
                "recognised_unguided": digits.share_recognised(unguided, labels.repeat(2)),
                **digits.distances(unguided, self.measured)}, images

    def config(self) -> dict[str, Any]:
        return super().config() | {"table": digits.class_table(self.seed).tolist(), "image_size": 28}
