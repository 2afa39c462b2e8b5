"""Arrays written once to the user's cache folder, and which of them are held out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from course_utils import files

Arrays = dict[str, np.ndarray]


def cache_folder() -> Path:
    """Where arrays are cached: $COURSE_CACHE, else `course_utils` in the user's cache folder."""
    if os.environ.get("COURSE_CACHE"):
        return Path(os.environ["COURSE_CACHE"]).expanduser()
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "course_utils"
    if home() is None:
        raise OSError("There is no home folder to keep the data sets in: set COURSE_CACHE to a folder.")
    return home() / ".cache" / "course_utils"


def home() -> Path | None:
    """The user's folder; None for a user who has none, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def load_or_build(name: str, build: Callable[[], Arrays]) -> Arrays:
    """The arrays of `name` from the cache; built and written first when they are missing or damaged.

    Two processes may do it at once: whoever comes last wins with the same content.

    Raises:
        OSError: When the cache cannot be read or written, in one sentence that names the file.
    """
    path = cache_folder() / f"{name}.arrays"
    arrays = _read(path)
    if arrays is None:
        arrays = build()
        with _explain_failure():
            files.write_tensors(path, {k: torch.tensor(np.ascontiguousarray(v)) for k, v in arrays.items()}, {})
    return arrays


def _read(path: Path) -> Arrays | None:
    """The arrays of a whole cache file; None for one that is missing or damaged."""
    with _explain_failure():
        try:
            tensors, _ = files.read_tensors(path)
        except (FileNotFoundError, ValueError):
            return None
    return {name: x.numpy() for name, x in tensors.items()}


@contextlib.contextmanager
def _explain_failure() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise OSError(f"{e} COURSE_CACHE may name another folder for the data.") from None


def check_split(split: str) -> None:
    """ValueError for anything but "train" and "test"."""
    if split not in {"train", "test"}:
        raise ValueError(f'split is "train" or "test", not {split!r}.')


def select_split(n: int, split: str) -> np.ndarray:
    """Which of n examples belong to the split: every tenth is held out."""
    held_out = np.arange(n) % 10 == 9
    return held_out if split == "test" else ~held_out
