"""The forward process against its textbook form."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.bench import Case
from course_utils.kernels import q_sample


def cases(draw: Callable[..., Tensor], elements: Callable[[int], int], dtype: torch.dtype) -> list[Case]:
    """Images of 64 × 64; three passes over the memory."""
    n = elements(3)
    b = n // 4096
    x, noise = draw(b, 64, 64), draw(b, 64, 64)
    alphas, t = torch.linspace(1, 0, 1000, device=x.device), torch.randint(1000, (b,), device=x.device)
    sigmas = (1 - alphas**2).sqrt()

    def textbook() -> Tensor:
        return alphas[t][:, None, None] * x + sigmas[t][:, None, None] * noise

    return [Case("q_sample", lambda: q_sample.q_sample(x, t, noise, alphas, sigmas), textbook,
                 lambda compile: compile(textbook), q_sample.bytes_moved(n, dtype), 0.90, 2)]
