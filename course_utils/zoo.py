"""The shipped checkpoints by name: weights, config and measured quality in one safetensors file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_utils import files, models

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
        remark: What whoever looked at its samples found to fall short, in words.
        tables: The quality over settings, by a table's name its rows, where the recipe measures such.
    """

    model: nn.Module
    config: dict[str, Any]
    metrics: dict[str, float]
    remark: str = ""
    tables: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def path(self) -> GaussianPath:
        """The Gaussian path that the model was trained on; ValueError for a model that is not of one."""
        from course_utils.diffusion import paths

        if "path" not in self.config:
            raise ValueError(f"A {self.config['model']} has no path: it was not trained on noised data.")
        return paths.from_config(self.config["path"])

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


def load(name: str, folder: Path = FOLDER) -> Item:
    """The checkpoint of this name. Loading never runs code from the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: There is no such checkpoint, it is damaged, or it is of another version of the course.
    """
    path = folder / f"{name}.safetensors"
    try:
        weights, about = files.read_tensors(path)
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.safetensors"))) or "none"
        raise ValueError(f"There is no checkpoint {name}; there are: {known}. `course train --list` says which can be "
                         "made.") from None
    except ValueError:
        raise ValueError(f"The checkpoint {name} is damaged; restore {path.name} from the repository.") from None
    config = about.get("config", {})
    if not {"model", "args"} <= config.keys():
        raise ValueError(f"{path} is no checkpoint: it does not tell its network.")
    try:
        model = models.build(config["model"], config["args"])
        _fill(model, weights)
    except ValueError as e:
        raise ValueError(f"The checkpoint {name} is of another version of the course. {e}") from None
    return Item(model.eval(), config, about["metrics"], about.get("remark", ""), about.get("tables", {}))


def _fill(model: nn.Module, weights: dict[str, Tensor]) -> None:
    expected = model.state_dict()
    different = [key for key in expected.keys() | weights.keys()
                 if key not in expected or key not in weights or expected[key].shape != weights[key].shape]
    if different:
        raise ValueError(f"{len(different)} of its weights are not the network's, such as {min(different)}.")
    model.load_state_dict(weights)


def save(name: str, model: nn.Module, config: dict[str, Any], metrics: dict[str, float],
         folder: Path = FOLDER, remark: str = "", tables: dict[str, list[dict[str, float]]] | None = None) -> Path:
    """Writes a checkpoint: weights in float16, config, what was measured, a remark, the weights' digest.

    Returns its path.

    Raises:
        ValueError: A weight is not finite in float16.
        OSError: The file could not be written.
    """
    weights = {key: _halve(key, weight) for key, weight in model.state_dict().items()}
    path = folder / f"{name}.safetensors"
    files.write_tensors(path, weights, {"config": config, "metrics": metrics, "remark": remark, "tables": tables or {}})
    return path


def set_remark(name: str, remark: str, folder: Path = FOLDER) -> None:
    """Says in a checkpoint what falls short of what was wanted; its weights and their digest stay."""
    item = load(name, folder)
    save(name, item.model, item.config, item.metrics, folder, remark, item.tables)


def _halve(name: str, weight: Tensor) -> Tensor:
    """A weight as it is written: float16, half of the file, is fine enough; integers stay."""
    if not weight.is_floating_point():
        return weight
    if not weight.half().isfinite().all():
        raise ValueError(f"The weight {name} is not finite in float16, whose largest number is 65,504.")
    return weight.half()


def samples(name: str, folder: Path = FOLDER, of: str = "") -> Path:
    """The PNG grid of samples that the recipe made with the checkpoint; its file name carries the weights' digest.

    Args:
        name: The checkpoint.
        folder: Where it lies.
        of: Which of the recipe's further `pictures`; empty for the samples that were measured.

    Raises:
        OSError: The checkpoint cannot be read.
        ValueError: There is no grid, or it belongs to other weights.
    """
    path = _samples_path(name, folder, of)
    if not path.exists():
        raise ValueError(f"There is no grid of samples of checkpoint {name} as it is; `course train {name}` makes it.")
    return path


def save_samples(name: str, images: Tensor, folder: Path = FOLDER, of: str = "") -> Path:
    """Writes a checkpoint's grid of samples (n, c, h, w) in [0, 1], ten a row; its like of former weights goes.

    A last row that is not full ends in white.
    """
    from PIL import Image

    images = images.cpu().mul(255).round().clamp(0, 255).to(torch.uint8)
    missing = -len(images) % 10 if len(images) > 10 else 0
    images = torch.cat([images, images.new_full((missing, *images.shape[1:]), 255)])
    rows = [torch.cat(list(row), dim=2) for row in images.split(10)]
    grid = torch.cat(rows, dim=1).permute(1, 2, 0).squeeze(2).numpy()  # (rows·h, 10·w[, 3])
    path = _samples_path(name, folder, of)
    for old in folder.glob(path.name.replace(path.stem[-12:], "[0-9a-f]" * 12)):
        old.unlink()
    with files.writing(path) as part:
        Image.fromarray(grid).save(part, format="png", optimize=True)
    return path


def _samples_path(name: str, folder: Path, of: str = "") -> Path:
    about = files.read_about(folder / f"{name}.safetensors")
    return folder / f"{name}{of and '-' + of}-{about['sha256'][:12]}.png"


def misfits(weights: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """A puzzle (notebook 06): a UNet's weights as classes would have saved them that differ from it in one line each.

    Args:
        weights: A state dict of `models.unet.Unet` or of the notebook's class; it stays as it is.

    Returns:
        "A", "B" and "C": one differs in a name, one in a shape, one in an order.
    """
    renamed = {name.replace("mid_block", "middle"): w.clone() for name, w in weights.items()}
    reshaped = {name: w.flatten() if name.endswith(".g") else w.clone() for name, w in weights.items()}
    reordered = {name: w.roll(w.shape[1] // 2, dims=1) if name == "time_mlp.1.weight" else w.clone()
                 for name, w in weights.items()}
    return {"A": renamed, "B": reshaped, "C": reordered}
