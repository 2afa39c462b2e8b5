"""Multi-head attention over (b, n, d): one formula, and the three ways in which the course's networks call it.

Heads are consecutive blocks of d / heads numbers. Vaswani et al. 2017, section 3.2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """softmax(qkᵀ/√(d/heads))·v for each head; equation 1 of Vaswani et al. 2017.

    Args:
        q: (b, n, d).
        k: (b, m, d).
        v: (b, m, d).
        heads: Divides d.
        mask: (b, m), True for the keys that are seen; a sample without any gets zeros.
        causal: Query i sees keys 0 to i.

    Returns:
        (b, n, d).

    Raises:
        ValueError: When `heads` does not divide d.
    """
    if q.shape[-1] % heads:
        raise ValueError(f"{heads} heads cannot share {q.shape[-1]} channels equally.")
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))  # (b, heads, ·, d/heads)
    if mask is None:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return out.transpose(1, 2).flatten(2)
    seen = mask.any(dim=1)[:, None]  # a softmax over nothing is NaN: such a sample sees all keys, and is zeroed
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=(mask | ~seen)[:, None, None])
    return out.transpose(1, 2).flatten(2) * seen[..., None].to(out.dtype)


def is_token(context: Tensor) -> Tensor:
    """The mask (b, m) of a context (b, m, d_c): False for padding, which is rows of zeros."""
    return (context != 0).any(dim=-1)


class SelfAttention(nn.Module):
    """Every token of (b, n, dim) looks at all tokens, or at itself and the earlier ones.

    Args:
        dim: Channels of a token.
        heads: Divides `dim`.
        causal: Whether later tokens are hidden.
    """

    def __init__(self, dim: int, heads: int, causal: bool = False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(attend(*self.qkv(x).chunk(3, dim=-1), self.heads, causal=self.causal))


class CrossAttention(nn.Module):
    """Every token of (b, n, dim) looks at a context (b, m, context_dim).

    Args:
        dim: Channels of a token.
        context_dim: Channels of a token of the context.
        heads: Divides `dim`.
    """

    def __init__(self, dim: int, context_dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(context_dim, dim)
        self.to_v = nn.Linear(context_dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """(b, n, dim); `mask` (b, m) is True for the tokens of the context that are seen."""
        return self.out(attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads, mask))


class JointAttention(nn.Module):
    """Two streams with projections of their own look at all tokens of both; Esser et al. 2024, section 4.

    Args:
        dim: Channels of a token of both streams.
        heads: Divides `dim`.
        last: Whether nobody reads the context afterwards: then it has no output, and comes back as None.
    """

    def __init__(self, dim: int, heads: int, last: bool = False):
        super().__init__()
        self.heads = heads
        self.qkv_x, self.qkv_context = nn.Linear(dim, 3 * dim), nn.Linear(dim, 3 * dim)
        self.out_x = nn.Linear(dim, dim)
        self.out_context = None if last else nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Both streams' answers, (b, n, dim) and (b, m, dim), without the residual; `mask` (b, m) is the context's."""
        n = x.shape[1]
        q, k, v = torch.cat([self.qkv_x(x), self.qkv_context(context)], dim=1).chunk(3, dim=-1)  # (b, n + m, dim) each
        if mask is not None:
            mask = F.pad(mask, (n, 0), value=True)
        out = attend(q, k, v, self.heads, mask)
        return self.out_x(out[:, :n]), None if self.out_context is None else self.out_context(out[:, n:])
