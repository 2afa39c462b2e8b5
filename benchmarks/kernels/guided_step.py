"""A sampler's step with guidance against its textbook form."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.bench import Case
from course_utils.kernels import guided_step


def cases(draw: Callable[..., Tensor], elements: Callable[[int], int], dtype: torch.dtype) -> list[Case]:
    """The step of a first-order sampler, four passes, and of one that remembers x_start, six."""
    return [case(draw, elements(4), dtype), case(draw, elements(6), dtype, remember=True)]


def case(draw: Callable[..., Tensor], n: int, dtype: torch.dtype, remember: bool = False) -> Case:
    """One step on n values."""
    x, cond, uncond = draw(n), draw(n), draw(n)
    previous = draw(n) if remember else None
    seed = torch.tensor([0], device=x.device)
    w, k_x, k_out, c_x, c_start, c_previous, c_noise = values = 2.0, 1.1, -0.4, 0.9, 0.3, -0.1, 0.1
    row = torch.tensor(values, device=x.device)

    def textbook() -> Tensor | tuple[Tensor, Tensor]:
        out = (1 + w) * cond - w * uncond
        x_start = (k_x * x + k_out * out).clamp(-1, 1)
        x_next = c_x * x + c_start * x_start + c_noise * torch.randn_like(x)
        return (x_next + c_previous * previous, x_start) if remember else x_next

    name = "guided_step, remembering x_start" if remember else "guided_step"
    return Case(name, lambda: guided_step.guided_step(x, cond, uncond, row, seed, 1.0, previous), textbook,
                lambda compile: compile(textbook), guided_step.bytes_moved(n, dtype, remember=remember), 0.85, 6)
