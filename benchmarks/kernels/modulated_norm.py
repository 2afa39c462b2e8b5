"""The norm of a UNet's block against its textbook form."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.bench import Case, gradients
from course_utils.kernels import modulated_norm

CHANNELS = 64


def cases(draw: Callable[..., Tensor], elements: Callable[[int], int], dtype: torch.dtype) -> list[Case]:
    """Images of 32 × 32, channels-last; two passes forward."""
    n = elements(2)
    b = max(1, n // (CHANNELS * 32 * 32))
    x = draw(b, n // (CHANNELS * b), 1, CHANNELS).permute(0, 3, 1, 2)  # channels-last
    g, (scale, shift) = draw(1, CHANNELS, 1, 1), draw(b, 2 * CHANNELS, 1, 1).chunk(2, dim=1)

    def textbook(x: Tensor, g: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.gelu(F.normalize(x, dim=1) * CHANNELS**0.5 * g * (scale + 1) + shift)

    ours, plain, n = modulated_norm.modulated_norm, (x, g, scale, shift), x.numel()
    given, dy = [c.detach().requires_grad_() for c in plain], torch.randn_like(x)
    forward = Case("modulated_norm", lambda: ours(*plain), lambda: textbook(*plain),
                   lambda compile: compile(lambda: textbook(*plain)), modulated_norm.bytes_moved(n, dtype), 0.85, 5)
    backward = Case("modulated_norm backward", gradients(ours, given, dy), gradients(textbook, given, dy),
                    lambda compile: gradients(compile(textbook), given, dy),
                    modulated_norm.bytes_moved(n, dtype, backward=True), 0.75, 5)
    return [forward, backward]
