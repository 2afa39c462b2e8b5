"""How each shipped checkpoint is made: one small dataclass a model, one file a family."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from course_utils import models
from course_utils.diffusion.gaussian import GaussianPath


@dataclass(frozen=True)
class Recipe:
    """What the training loop needs to know of a model; a subclass says the network, the batch, the loss, the measure.

    Attributes:
        name: Of the recipe and of its checkpoint.
        notebook: Number of the notebook that shows it first, such as "05".
        about: What it is, in a line.
        data: What it is trained on.
        network: Name of the network, as `models.build` finds it.
        ARGS: The network's arguments.
        needs: Recipes whose checkpoints must be there first: they teach this one, or judge its samples.
        minutes: Of all steps, by the machine whose median step was measured.
        steps: Optimizer steps.
        batch_size: Samples a step.
        learning_rate: Of AdamW after the warm-up; it falls to 0 along a cosine.
        warmup: Steps of linear warm-up.
        ema: Decay of the weights' moving average, which is what is shipped.
        clip: Largest norm of the gradient.
        weight_decay: Of AdamW.
        betas: Of AdamW: decays of the averages of gradient and squared gradient.
        seed: Of the first weights, the batches and the noise.
    """

    name: ClassVar[str]
    notebook: ClassVar[str]
    about: ClassVar[str]
    data: ClassVar[str]
    network: ClassVar[str]
    ARGS: ClassVar[dict[str, Any]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    minutes: ClassVar[dict[str, float]] = {}
    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 100
    ema: float = 0.999
    clip: float = 1.0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    seed: int = 0

    @property
    def path(self) -> GaussianPath | None:
        """The Gaussian path that the model is trained on, which its checkpoint tells; None where there is none."""
        return None

    def model(self) -> nn.Module:
        """A freshly initialised model: all that is trained, and what must be kept beside it."""
        return models.build(self.network, self.ARGS)

    def shipped(self, model: nn.Module) -> nn.Module:
        """The part of the trained model that its checkpoint holds: the network."""
        return model

    @property
    def restarts(self) -> tuple[int, ...]:
        """Steps at which the learning rate's warm-up and fall begin anew, and what the loss computes may change.

        Elsewhere a loss launches the same work at every step, with nothing copied from or to the host: a GPU runs it
        as a graph. What changes from step to step is a tensor.
        """
        return ()

    @property
    def milestones(self) -> tuple[int, ...]:
        """Numbers of steps after which `record` looks at the run."""
        return ()

    def before_step(self, model: nn.Module, step: int) -> None:
        """Called before each step with the model itself, not its compiled form: for what is set or clipped by hand."""

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """One batch on the CPU: tensors (batch_size, …) by name, with every random number that the loss needs.

        Several processes draw the same batch and take a share each, so that their number changes nothing.
        """
        raise NotImplementedError

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The mean loss of a batch, or of a share of it, on the model's device."""
        raise NotImplementedError

    def preview(self, model: nn.Module) -> Tensor | None:
        """A few samples (n, c, h, w) in [0, 1] of the shipped part to look at while training, or None."""
        return None

    def record(self, model: nn.Module, step: int) -> dict[str, float]:
        """What the checkpoint should tell of the shipped part of the averaged model after a milestone's step."""
        return {}

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor | None]:
        """The quality of the shipped part, on its device, and the samples (n, c, h, w) in [0, 1] that it is of."""
        return {}, None

    def tables(self, model: nn.Module) -> dict[str, list[dict[str, float]]]:
        """The quality over settings, for a notebook's figure: by a table's name its rows. It may take long."""
        return {}

    def more_samples(self, model: nn.Module) -> dict[str, Tensor]:
        """Further samples (n, c, h, w) in [0, 1], by name, that are shipped as pictures. They may take long."""
        return {}

    def config(self) -> dict[str, Any]:
        """What the checkpoint's reader needs: this recipe's numbers, network and path, and whatever a subclass adds."""
        about = asdict(self) | {"model": self.network, "args": self.ARGS}
        return about if self.path is None else about | {"path": self.path.config()}


def names() -> list[str]:
    """The names of all recipes, in the order of the notebooks that show them first."""
    return list(_by_name())


def find(name: str) -> Recipe:
    """The recipe of this name; ValueError names those that exist."""
    found = _by_name()
    if name not in found:
        raise ValueError(f"There is no recipe {name}; there are: {', '.join(found)}.")
    return found[name]()


def _by_name() -> dict[str, type[Recipe]]:
    """Every class with a name of its own in this folder's files."""
    files = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
    classes = [c for file in files for c in vars(file).values()
               if isinstance(c, type) and issubclass(c, Recipe) and c.__module__ == file.__name__ and "name" in vars(c)]
    return {recipe.name: recipe for recipe in sorted(classes, key=lambda recipe: recipe.notebook)}
