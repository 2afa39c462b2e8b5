"""The shipped checkpoints by name: weights, config and measured quality in one safetensors file each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

if TYPE_CHECKING:
    from course_utils.diffusion.paths import GaussianPath

FOLDER = Path(__file__).with_name("checkpoints")


@dataclass(frozen=True, eq=False, repr=False)
class Item:
    """A loaded checkpoint.

    Attributes:
        model: In eval mode, with the shipped weights.
        config: The recipe's numbers and the model's arguments.
        metrics: The quality that was measured when the checkpoint was made.
    """

    model: nn.Module
    config: dict[str, Any]
    metrics: dict[str, float]

    @property
    def path(self) -> GaussianPath:
        """The Gaussian path that the model was trained on; ValueError for a model that is not of one."""
        from course_utils.diffusion.paths import DiscreteVP, cosine_betas, linear_betas, sigmoid_betas

        schedules = {"linear": linear_betas, "cosine": cosine_betas, "sigmoid": sigmoid_betas}
        if "beta_schedule" not in self.config:
            raise ValueError(f"A {self.config['model']} has no path: it was not trained on noised data.")
        return DiscreteVP(schedules[self.config["beta_schedule"]](self.config["timesteps"]))

    def encode(self, labels: Tensor | Sequence[int]) -> Tensor:
        """Class labels (b,), integers, to the `text_emb` (b, condition_dim) of the training, on their device."""
        from course_utils.diffusion.gaussian import as_indices

        if "table" not in self.config:
            raise ValueError(f"A {self.config['model']} has no classes to draw: it was not trained with conditions.")
        labels, table = as_indices(labels, "The model's classes"), torch.tensor(self.config["table"])
        if not ((labels >= 0) & (labels < len(table))).all():
            raise ValueError(f"The model draws classes 0 to {len(table) - 1}, not {labels.tolist()}.")
        return table[labels.cpu()].to(labels.device)

    def __repr__(self) -> str:
        reached = ", ".join(f"{name} {value:.3g}" for name, value in self.metrics.items())
        return f"<{self.config['model']}, {sum(p.numel() for p in self.model.parameters()):,} parameters: {reached}>"


def build(kind: str, args: dict[str, Any]) -> nn.Module:
    """A freshly initialised model: `kind` is "unet" or "classifier", `args` its constructor's arguments."""
    from course_utils.models.classifier import Classifier
    from course_utils.models.unet import Unet

    kinds = {"unet": Unet, "classifier": Classifier}
    if kind not in kinds:
        raise ValueError(f"There is no kind of model {kind!r}; there are: {', '.join(kinds)}.")
    return kinds[kind](**args)


def load(name: str, folder: Path = FOLDER) -> Item:
    """The checkpoint of this name. Loading never runs code from the file.

    Raises:
        ValueError: In one sentence, when there is no such checkpoint, or the file is damaged or not what was written.
    """
    path = folder / f"{name}.safetensors"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.safetensors"))) or "none"
        raise ValueError(f"There is no checkpoint {name}; there are: {known}. `course train --list` says which can be "
                         "made.")
    try:
        weights, about = read_tensors(path)
        about = json.loads(about["course"])
        if digest(weights) != about["sha256"]:
            raise ValueError("not the weights it was written with")
        model = build(about["config"]["model"], about["config"]["args"])
        model.load_state_dict(weights)
        return Item(model.eval(), about["config"], about["metrics"])
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise ValueError(f"The checkpoint {name} is damaged; restore {path.name} from the repository.") from None


def save(name: str, model: nn.Module, config: dict[str, Any], metrics: dict[str, float],
         folder: Path = FOLDER) -> Path:
    """Writes a checkpoint, atomically: weights, config, metrics and the weights' hash. Returns its path."""
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    about = {"config": config, "metrics": metrics, "sha256": digest(weights)}
    path = folder / f"{name}.safetensors"
    write_tensors(path, weights, {"course": json.dumps(about, sort_keys=True)})
    return path


def samples(name: str, folder: Path = FOLDER) -> Path:
    """The PNG grid of samples that the recipe made with the checkpoint; its file name carries the weights' hash.

    Raises:
        ValueError: When there is none, or it belongs to other weights.
    """
    path = _samples_path(name, folder)
    if not path.exists():
        raise ValueError(f"There is no grid of samples of checkpoint {name} as it is; `course train {name}` makes it.")
    return path


def save_samples(name: str, images: Tensor, folder: Path = FOLDER) -> Path:
    """Writes a checkpoint's grid of samples (n, c, h, w) in [0, 1], ten a row; grids of former weights go."""
    from PIL import Image

    images = images.mul(255).round().clamp(0, 255).to(torch.uint8)
    rows = [torch.cat(list(row), dim=2) for row in images.split(10)]
    grid = torch.cat(rows, dim=1).permute(1, 2, 0).squeeze(2).numpy()  # (rows·h, 10·w[, 3])
    for old in folder.glob(f"{name}-" + "[0-9a-f]" * 12 + ".png"):
        old.unlink()
    path = _samples_path(name, folder)
    part = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(grid).save(part, format="png", optimize=True)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _samples_path(name: str, folder: Path) -> Path:
    _, about = read_tensors(folder / f"{name}.safetensors")
    return folder / f"{name}-{json.loads(about['course'])['sha256'][:12]}.png"


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and its metadata; ValueError where it is none, or there is none."""
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}
    except (SafetensorError, OSError):
        raise ValueError(f"{path} is missing or damaged: it is no whole safetensors file.") from None


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Writes a safetensors file so that a reader sees the old file or the new one, never half of one.

    Raises:
        OSError: The folder cannot be written to, or its disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")  # what a killed process leaves, the next one overwrites
    try:
        save_file(tensors, part, metadata)
        os.replace(part, path)
    except SafetensorError as e:
        raise OSError(f"{path} could not be written: {e}") from None
    finally:
        part.unlink(missing_ok=True)


def digest(weights: dict[str, Tensor]) -> str:
    """sha256 over names, dtypes, shapes and bytes, in the order of the names."""
    hasher = hashlib.sha256()
    for name in sorted(weights):
        x = weights[name]
        hasher.update(f"{name} {x.dtype} {tuple(x.shape)}".encode())
        hasher.update(x.reshape(-1).view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()
