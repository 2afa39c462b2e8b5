"""Arrays written once to the user's cache folder, and which of them are held out."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
CHECKSUM = 32  # bytes of the SHA-256 at the head of a cache file


def cache_folder() -> Path:
    """Where arrays are cached: $COURSE_CACHE, else `course_utils` in the user's cache folder."""
    if os.environ.get("COURSE_CACHE"):
        return Path(os.environ["COURSE_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "course_utils"


def cached(name: str, build: Callable[[], Arrays]) -> Arrays:
    """The arrays of `name` from the cache; built and written first when they are missing or damaged.

    A file is the SHA-256 of what follows, then safetensors, so that damage of any kind is noticed. Writing is
    atomic: two processes may do it at once, and whoever comes last wins with the same content.

    Raises:
        OSError: When the cache cannot be written, in one sentence that names the folder.
    """
    path = cache_folder() / f"{name}.arrays"
    arrays = _read(path)
    if arrays is None:
        arrays = build()
        _write(path, arrays)
    return arrays


def _read(path: Path) -> Arrays | None:
    """The arrays of a whole cache file; None for one that is missing, unreadable or damaged."""
    from safetensors.numpy import load

    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    if hashlib.sha256(content[CHECKSUM:]).digest() != content[:CHECKSUM]:
        return None
    return load(bytes(content[CHECKSUM:]))


def _write(path: Path, arrays: Arrays) -> None:
    from safetensors.numpy import save

    content = save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with open(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        os.chmod(temporary, 0o644)  # a cache may be shared by the users of a machine
        os.replace(temporary, path)
    except OSError as e:
        raise OSError(f"The data cache {path.parent} cannot be written ({e.strerror or e}): free some space, or set "
                      "COURSE_CACHE to another folder.") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def check_split(split: str) -> None:
    """ValueError for anything but "train" and "test"."""
    if split not in {"train", "test"}:
        raise ValueError(f'split is "train" or "test", not {split!r}.')


def kept(n: int, split: str) -> np.ndarray:
    """Which of n examples belong to the split: every tenth is held out."""
    held_out = np.arange(n) % 10 == 9
    return held_out if split == "test" else ~held_out
