"""The diffusion transformer: tokens are patches, time modulates every block, text is read by attention.

Peebles & Xie 2023 ("Scalable diffusion models with transformers"), figure 3, with adaLN-zero.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from course_utils.models.attention import CrossAttention, JointAttention, SelfAttention, is_token
from course_utils.models.continuous_unet import time_mlp


def patchify(x: Tensor, p: int) -> Tensor:
    """Images (b, c, h, w) → tokens (b, (h/p)·(w/p), p·p·c): rows of patches first; inside a patch (p, p, c).

    Raises:
        ValueError: When p does not divide height and width.
    """
    h, w = x.shape[-2:]
    if h % p or w % p:
        raise ValueError(f"Patches of {p} × {p} do not fill an image of {h} × {w}.")
    x = x.unflatten(3, (w // p, p)).unflatten(2, (h // p, p))  # (b, c, h/p, p, w/p, p)
    return x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def unpatchify(tokens: Tensor, p: int, h: int, w: int) -> Tensor:
    """The inverse of `patchify`: (b, (h/p)·(w/p), p·p·c) → (b, c, h, w)."""
    x = tokens.unflatten(2, (p, p, -1)).unflatten(1, (h // p, w // p))  # (b, h/p, w/p, p, p, c)
    return x.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x·(1 + scale) + shift: tokens (b, n, d), a shift and a scale (b, d) for all of a sample's tokens."""
    return x * (1 + scale[:, None]) + shift[:, None]


def modulation(dim: int, chunks: int, width: int | None = None) -> nn.Sequential:
    """(b, dim) → (b, chunks·width), the shifts, scales and gates; `width` is `dim` where it is not given."""
    return nn.Sequential(nn.SiLU(), nn.Linear(dim, chunks * (width or dim)))


def adaln_zero_init(model: nn.Module) -> None:
    """Sets the last linear of every modulation and the head to zero, in place: a block is then the identity."""
    last = [module.modulation[-1] for module in model.modules() if hasattr(module, "modulation")]
    heads = [module.head for module in model.modules() if hasattr(module, "head")]
    for linear in (*last, *heads):
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)


def mlp(dim: int, ratio: int) -> nn.Sequential:
    """Two linear layers on each token: (b, n, dim) → (b, n, dim), through ratio·dim channels."""
    return nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))


class SelfAndCross(nn.Module):
    """Self-attention plus cross-attention to the text, of the same tokens: (x, context, mask) → (x, context)."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.self_attention = SelfAttention(dim, heads)
        self.cross_attention = CrossAttention(dim, dim, heads)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return self.self_attention(x) + self.cross_attention(x, context, mask), context


class Joint(nn.Module):
    """Joint attention of both streams; the text's has its norm and residual here: (x, context, mask) → (x, context)."""

    def __init__(self, dim: int, heads: int, last: bool):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = JointAttention(dim, heads, last)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x, change = self.attention(x, self.norm(context), mask)
        return x, context if change is None else context + change


class DiTBlock(nn.Module):
    """Attention and an MLP, each normed, modulated and gated by six chunks of c.

    The chunks are shift, scale and gate for the attention, then for the MLP.

    Args:
        dim: Channels of a token and of c.
        attention: (x, context, mask) → (x, context), without x's residual.
        ratio: Width of the MLP, as a multiple of `dim`.
    """

    def __init__(self, dim: int, attention: nn.Module, ratio: int):
        super().__init__()
        # 1e-6 is the paper's: it only keeps a constant token from being divided by 0.
        self.norm1, self.norm2 = (nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6) for _ in range(2))
        self.attention, self.mlp = attention, mlp(dim, ratio)
        self.modulation = modulation(dim, 6)

    def forward(self, x: Tensor, c: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens (b, n, dim) and the context (b, m, dim) for the next block; c (b, dim), mask (b, m)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=-1)
        read, context = self.attention(modulate(self.norm1(x), shift1, scale1), context, mask)
        x = x + gate1[:, None] * read
        return x + gate2[:, None] * self.mlp(modulate(self.norm2(x), shift2, scale2)), context


class Transformer(nn.Module):
    """DiT blocks between patches and patches; at first it answers zeros, and every block is the identity.

    Args:
        tokens: How many patches.
        patch_dim: Numbers in a patch.
        dim: Channels of a token.
        attentions: One for each block, (x, context, mask) → (x, context).
        context_dim: Length of a token of the text.
        ratio: Width of the MLPs, as a multiple of `dim`.
    """

    def __init__(self, tokens: int, patch_dim: int, dim: int, attentions: Iterable[nn.Module], context_dim: int,
                 ratio: int):
        super().__init__()
        self.embed = nn.Linear(patch_dim, dim)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, dim))
        self.time_mlp = time_mlp(dim, dim)
        self.context_embed = nn.Linear(context_dim, dim)
        self.blocks = nn.ModuleList(DiTBlock(dim, attention, ratio) for attention in attentions)
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.modulation = modulation(dim, 2)
        self.head = nn.Linear(dim, patch_dim)
        adaln_zero_init(self)

    def transform(self, patches: Tensor, c: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """(b, tokens, patch_dim) → the same, modulated by c (b, dim); context (b, m, context_dim), mask (b, m).

        Raises:
            ValueError: When there are more or fewer patches than the network has positions.
        """
        if patches.shape[1] != len(self.positions):
            raise ValueError(f"The network has {len(self.positions)} tokens, but the input has {patches.shape[1]}.")
        x, context = self.embed(patches) + self.positions, self.context_embed(context)
        for block in self.blocks:
            x, context = block(x, c, context, mask)
        return self.head(modulate(self.norm(x), *self.modulation(c).chunk(2, dim=-1)))


class DiT(Transformer):
    """Predicts v from a noisy latent, its time and the tokens of a text.

    Args:
        channels: Of the latent.
        size: Its height and width.
        patch: Side of a patch, divides `size`.
        dim: Channels of a token.
        depth: Number of blocks.
        heads: Of the attention; divides `dim`.
        context_dim: Length of a token of the text.
        text: "cross": the tokens read the text beside their self-attention. "joint": both streams read both, as in
            Esser et al. 2024 (without an MLP for the text's).
        ratio: Width of the MLPs, as a multiple of `dim`. The paper's is 4; 3 makes room for the text.

    Raises:
        ValueError: For another `text`.
    """

    def __init__(self, channels: int = 8, size: int = 8, patch: int = 1, dim: int = 128, depth: int = 6,
                 heads: int = 4, context_dim: int = 384, text: str = "cross", ratio: int = 3):
        if text not in ("cross", "joint"):
            raise ValueError(f'Text is read by "cross" or "joint" attention, not by {text!r}.')
        attentions = (SelfAndCross(dim, heads) if text == "cross" else Joint(dim, heads, last=i == depth - 1)
                      for i in range(depth))
        super().__init__((size // patch) ** 2, patch**2 * channels, dim, attentions, context_dim, ratio)
        self.patch = patch

    def forward(self, z: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The prediction (b, channels, size, size).

        Args:
            z: (b, channels, size, size).
            t: (b,) in [0, 1].
            context: (b, m, context_dim); rows of zeros are padding, and are not read.
        """
        patches = self.transform(patchify(z, self.patch), self.time_mlp(t), context, is_token(context))
        return unpatchify(patches, self.patch, *z.shape[-2:])


NETWORK = DiT
