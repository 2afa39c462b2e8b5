"""Counter-based normal numbers: a value depends on its seed and its position alone, not on who computes it."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import jit, tl


@jit
def normal_tile(seed, group, ROWS: tl.constexpr, COLS: tl.constexpr):
    """Philox and Box–Muller; Salmon et al. 2011. `group` (ROWS, COLS // 4) counts fours of neighbours.

    All four words of a Philox call are used: element j of a group is its j-th normal number.
    """
    n0, n1, n2, n3 = tl.randn4x(seed, group)
    return tl.reshape(tl.join(tl.join(n0, n2), tl.join(n1, n3)), (ROWS, COLS))


def draw_seeds(count: int, generator: torch.Generator | None = None, device: str | torch.device = "cpu") -> Tensor:
    """(count,) int64 seeds on `device`, one for each call that draws noise.

    They are tensors so that a captured CUDA graph can be replayed with new ones.
    """
    return torch.randint(2**63 - 1, (count,), generator=generator, device=device)


def normal_like(x: Tensor, seed: Tensor) -> Tensor:
    """(b, *) float32 or wider: the reference's noise. Other numbers than the kernel's, the same for the same seed.

    Args:
        x: (b, *) whose shape, device and precision it takes.
        seed: One int64. On a GPU reading it waits for the device.
    """
    generator = torch.Generator(x.device).manual_seed(int(seed))
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=torch.promote_types(x.dtype, torch.float32))
