"""How each shipped checkpoint is made: one small dataclass a model, one file a family."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

FAMILIES = {"mnist": ["mnist-classifier", "mnist-unet"]}


@dataclass(frozen=True)
class Recipe:
    """What the training loop needs to know of a model; a subclass says the model, the batch, the loss and the measure.

    Attributes:
        steps: Optimizer steps.
        batch_size: Samples a step.
        learning_rate: Of AdamW after the warm-up; it falls to 0 along a cosine.
        warmup: Steps of linear warm-up.
        ema: Decay of the weights' moving average, which is what is shipped.
        clip: Largest norm of the gradient.
        weight_decay: Of AdamW.
        seed: Of the first weights, the batches and the noise.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    data: ClassVar[str]
    minutes: ClassVar[dict[str, float]] = {}  # of all steps, by the machine whose median step was measured
    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 100
    ema: float = 0.999
    clip: float = 1.0
    weight_decay: float = 0.01
    seed: int = 0

    def model(self) -> nn.Module:
        """A freshly initialised model."""
        raise NotImplementedError

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """One batch on the CPU: tensors (batch_size, …) by name, with every random number that the loss needs.

        Several processes draw the same batch and take a share each, so that their number changes nothing.
        """
        raise NotImplementedError

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The mean loss of a batch, or of a share of it, on the model's device."""
        raise NotImplementedError

    def preview(self, model: nn.Module) -> Tensor | None:
        """A few samples (n, c, h, w) in [0, 1] to look at while training, or None."""
        return None

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor | None]:
        """The quality of the finished model, written into the checkpoint, and the samples (n, c, h, w) it is of."""
        return {}, None

    def config(self) -> dict[str, Any]:
        """What the checkpoint's reader needs: this recipe's numbers, and whatever a subclass adds."""
        return asdict(self)


def names() -> list[str]:
    """The names of all recipes."""
    return [name for family in FAMILIES.values() for name in family]


def find(name: str) -> Recipe:
    """The recipe of this name; ValueError names those that exist."""
    for family, members in FAMILIES.items():
        if name in members:
            module = importlib.import_module(f"{__name__}.{family}")
            return next(r() for r in vars(module).values() if isinstance(r, type) and getattr(r, "name", None) == name)
    raise ValueError(f"There is no recipe {name}; there are: {', '.join(names())}.")
