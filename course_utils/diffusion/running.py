"""A model on the times of a plan: what every loop asks of it, and the loop of a GPU, where one kernel makes a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from course_utils.diffusion.guidance import Model, at_time, evaluating, guided
from course_utils.diffusion.paths import Kind
from course_utils.diffusion.plans import Plan

Callback = Callable[[dict[str, Any]], None]


class Run:
    """A model on a plan's grid, and its prediction told as x_start.

    Args:
        model: Predicts `prediction`.
        x: (b, *), of whose size, type and device the times are.
        plan: Gives the times.
        prediction: What the model predicts.
        clamp: Bound of |x_start|; None leaves it.

    Raises:
        ValueError: The clamp is not above 0, or the prediction does not tell x_start.
    """

    def __init__(self, model: Model, x: Tensor, plan: Plan, prediction: Kind, clamp: float | None):
        if clamp is not None and not clamp > 0:
            raise ValueError(f"clamp is the largest |x_start|, or None, not {clamp}")
        self.model, self.plan, self.prediction, self.clamp = model, plan, prediction, clamp
        # What is read from or copied to a device is so in a plan's first run only.
        self.host_times = plan.remember("times", plan.times.tolist)
        self.weights = plan.remember(("weights", prediction), lambda: plan.weights(prediction).tolist())
        dtype = torch.promote_types(x.dtype, torch.float32)  # a half cannot tell the times apart
        self.times = plan.remember(("times", len(x), dtype, x.device), lambda: self._times(len(x), dtype, x.device))

    def _times(self, b: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
        """The times seen, (b,) each."""
        seen = self.plan.seen
        seen = seen.to(device, dtype) if seen.is_floating_point() else seen.to(device)
        return seen[:, None].repeat(1, b).unbind()

    def evaluate(self, i: int, x: Tensor) -> Tensor:
        """The prediction at the i-th time, in x's type; a model that asks for the time on the host is given it."""
        out = at_time(self.model, self.host_times[i])(x, self.times[i])
        if out.shape != x.shape:
            raise ValueError(f"the model answered {tuple(out.shape)} to x of {tuple(x.shape)}")
        return out.to(x.dtype)

    def x_start(self, i: int, x: Tensor) -> Tensor:
        """The x_start that is predicted from x at the i-th time, clamped: a new tensor."""
        of_x, of_out = self.weights[i]
        x_start = of_x * x + of_out * self.evaluate(i, x)
        return x_start if self.clamp is None else x_start.clamp_(-self.clamp, self.clamp)

    def state(self, i: int, x: Tensor, x_start: Tensor) -> dict[str, Any]:
        """What a callback is told after the i-th step."""
        return {"i": i, "t": self.host_times[i], "s": self.host_times[i + 1], "x": x, "x_start": x_start}


def fusible(x: Tensor) -> bool:
    """Whether one kernel can do all of a step but the network: on a GPU."""
    if not x.is_cuda or not x.is_contiguous():
        return False
    from course_utils.kernels.dispatch import use_operator  # imports Triton, which nobody else needs to wait for

    return use_operator(x)


def sample_fused(run: Run, x: Tensor, callback: Callback | None, generator: Generator | None) -> Tensor:
    """The loop of `sample` with a kernel for guidance, x_start, clamp, mean and noise: no other pass over x.

    It copies nothing from the host once its plan has been run, so that all of it can be captured as a CUDA graph.
    """
    from course_utils.kernels.guided_step import guided_step
    from course_utils.kernels.noise import draw_seeds

    guide = run.model if isinstance(run.model, guided) and not isinstance(run.model.w, Tensor) else None
    rows = _rows(run, guide.w if guide else 0.0, x.device)
    if run.plan.draws:
        seeds = draw_seeds(len(rows), generator, x.device)
    else:
        seeds = run.plan.remember(("seeds", x.device),
                                  lambda: torch.zeros(len(rows), dtype=torch.int64, device=x.device))
    remember = callback is not None or run.plan.remembers
    previous = x if remember else None  # the first step multiplies it by 0
    with evaluating(run.model):
        for i, (row, seed) in enumerate(zip(rows.unbind(), seeds.unbind(), strict=True)):
            if guide and guide.guides(run.host_times[i]):
                cond, uncond = guide.pair(x, run.times[i])
            else:
                cond, uncond = run.evaluate(i, x), None
            done = guided_step(x, cond, uncond, row, seed, run.clamp, previous)
            x, previous = done if remember else (done, None)
            if callback is not None:
                callback(run.state(i, x, previous))
    return x


def _rows(run: Run, w: float, device: torch.device) -> Tensor:
    """What `guided_step` needs of each step, (n, 7) on the device."""
    def make() -> Tensor:
        table, weights = run.plan.table, run.plan.weights(run.prediction)[: len(run.plan)]
        return torch.cat([table[:, :1], weights, table], dim=1).float().to(device)

    rows = run.plan.remember(("rows", run.prediction, device), make).clone()
    rows[:, 0] = w  # in the place of what only held it
    return rows
