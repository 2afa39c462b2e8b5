"""Counter-based normal numbers: a value depends on its seed and its position alone, not on who computes it."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.kernels.dispatch import jit, tl


@jit
def normal_pair(radius_word, angle_word):
    """Two independent normal numbers of two random words of 32 bits; Box & Muller 1958.

    The angle's first two bits choose one of four quarters of the circle and the other 30 the place in it, at most π/4
    from its middle, where five terms of each series are exact to float32: no general sine, no table.
    """
    # In (0, 1]: the half keeps log 0 from happening, and lets radii reach 6.7.
    radius = tl.sqrt(-2.0 * tl.log(radius_word.to(tl.float32) * 2.3283064365386963e-10 + 1.1641532182693481e-10))
    radius = tl.where(angle_word >= 0x80000000, -radius, radius)
    place = (angle_word & 0x3FFFFFFF).to(tl.float32) * 9.313225746154785e-10 - 0.5
    r = place * 1.5707963267948966
    q = r * r
    cos = 1 + q * (-1 / 2 + q * (1 / 24 + q * (-1 / 720 + q * (1 / 40320))))
    sin = r * (1 + q * (-1 / 6 + q * (1 / 120 + q * (-1 / 5040 + q * (1 / 362880)))))
    turned = (angle_word & 0x40000000) != 0
    return radius * tl.where(turned, sin, cos), radius * tl.where(turned, cos, sin)


@jit
def normal_tile(seed, group, ROWS: tl.constexpr, COLS: tl.constexpr):
    """(ROWS, COLS) normal numbers of Philox's words; Salmon et al. 2011. `group` (ROWS, COLS // 4) counts fours.

    All four words of a Philox call are used: element j of a group is its j-th normal number.
    """
    w0, w1, w2, w3 = tl.randint4x(seed, group)
    n0, n1 = normal_pair(w0, w1)
    n2, n3 = normal_pair(w2, w3)
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
