"""Guided samples at the speed of a slider: the same noise again and again, with a weight that moves.

    slider = Slider(Fast(item.model), x, item.path, {"text_emb": item.encode(labels)}, None)
    slider.preview(2.0)                           # three steps
    slider(2.0)                                   # twelve
    slider(2.0, plan_ddim(item.path, 50))         # any other plan from T

Remembered is the prediction of pure noise, for as long as the slider lives: x, T and the condition are its own, so that
it is the same for every weight, number of steps and sampler. Guidance acts in the first half of the time only, where it
decides what is drawn (Kynkäänniemi et al. 2024): later steps evaluate half.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from course_utils.diffusion.guidance import Model
from course_utils.diffusion.paths import GaussianPath
from course_utils.diffusion.plans import Plan, plan_dpmpp_2m, plan_euler
from course_utils.diffusion.samplers import guided, sample

# Log-SNR between which a picture takes shape: below, x tells nothing of x_start, above, it tells all. A preview's few
# steps lie where most of it is decided.
SHAPING, DECIDING = (-6.9, 5.3), (-4.0, 0.0)

PREVIEW_STEPS = 3
UNGUIDED = (-1.0, 0.0)  # weights at which one of the two predictions has no share


class Slider:
    """Samples of one draw of noise as a function of the guidance weight.

    Args:
        model: Predicts noise, called as `model(x, t, condition)`.
        x: (b, *) noise of the path's prior.
        path: Any whose log-SNR at T is below −6.9 and finite: not the rectified one, where noise tells nothing at T.
        cond: The condition, as in `guided`.
        uncond: The same without it.
        steps: Of DPM-Solver++ 2M.
        preview_steps: Of a preview.

    Raises:
        ValueError: Another path, fewer than three steps, or more than a chain has.
    """

    def __init__(self, model: Callable, x: Tensor, path: GaussianPath, cond: Any, uncond: Any, *, steps: int = 12,
                 preview_steps: int = PREVIEW_STEPS):
        self.model, self.x = _Remembered(model, path.T, uncond), x
        self.cond, self.uncond = cond, uncond
        self.interval = (path.T / 2, path.T)
        self.plan, self.preview_plan = plan_slider(path, steps), plan_slider(path, preview_steps, *DECIDING)

    def __call__(self, w: float, plan: Plan | None = None, generator: Generator | None = None) -> Tensor:
        """(b, *) samples at weight w, one evaluation in each step that is not guided and two in the others.

        Args:
            w: As in `guided`: 0 is the plain conditional, −1 the unconditional in all steps, and neither is guided.
            plan: Of the same path, from T; `steps` of DPM-Solver++ 2M unless given.
            generator: Of the fresh noise of a plan that draws.
        """
        if w in UNGUIDED:
            cond = self.cond if w == 0 else self.uncond
            return self._sample(lambda x, t: self.model.model(x, t, cond), plan, generator)
        return self._sample(guided(self.model, self.cond, self.uncond, w, self.interval), plan, generator)

    def preview(self, w: float) -> Tensor:
        """(b, *) the same after few steps."""
        return self(w, self.preview_plan)

    def evaluations(self, w: float, plan: Plan | None = None) -> int:
        """Of the network for a picture; one that is remembered counts as well."""
        times = (self.plan if plan is None else plan).times[:-1]
        return len(times) + (0 if w in UNGUIDED else int((times >= self.interval[0]).sum()))

    def _sample(self, model: Model, plan: Plan | None, generator: Generator | None) -> Tensor:
        return sample(model, self.x, self.plan if plan is None else plan, generator=generator)


class StudentSlider:
    """As a `Slider`, by a few-step student that takes the weight as an input: one evaluation in each step.

    Args:
        model: Predicts the velocity, called as `model(x, t, condition)`; the condition holds the weight as `w` (b,).
        x: (b, *) noise.
        path: The straight one.
        cond: The condition without the weight, a dict.
        steps: Of Euler, as many as the student was trained for.
    """

    def __init__(self, model: Callable, x: Tensor, path: GaussianPath, cond: dict[str, Any], *, steps: int):
        self.model, self.x, self.cond, self.plan = model, x, cond, plan_euler(path, steps)

    def __call__(self, w: float, plan: Plan | None = None, generator: Generator | None = None) -> Tensor:
        """(b, *) samples at a weight w that the student was trained for; arguments as a `Slider`'s."""
        told = self.cond | {"w": self.x.new_full((len(self.x),), w)}
        return sample(lambda x, t: self.model(x, t, told), self.x, self.plan if plan is None else plan,
                      prediction="velocity", clamp=None, generator=generator)

    def preview(self, w: float) -> Tensor:
        """The same: there is nothing faster."""
        return self(w)

    def evaluations(self, w: float, plan: Plan | None = None) -> int:
        """Of the network for a picture."""
        return len(self.plan if plan is None else plan)


class _Remembered:
    """A model that is asked once for its prediction of pure noise, since there x and the conditions are the same.

    Conditions that fit into one batch come together; of others the unconditional is remembered apart.
    """

    def __init__(self, model: Callable, start: float, uncond: Any):
        self.model, self.start, self.uncond = model, start, uncond
        self.first: dict[bool, Tensor] = {}

    def __call__(self, x: Tensor, t: Tensor, cond: Any) -> Tensor:
        if t[0] != self.start:
            return self.model(x, t, cond)
        without = cond is self.uncond
        if without not in self.first:
            self.first[without] = self.model(x, t, cond)
        return self.first[without]


def plan_slider(path: GaussianPath, steps: int, low: float = SHAPING[0], high: float = SHAPING[1]) -> Plan:
    """DPM-Solver++ 2M from T through equal steps of log-SNR from low to high, to clean data.

    Raises:
        ValueError: Another path than a `Slider`'s, fewer than three steps, or more than a chain has.
    """
    if steps < 3:
        raise ValueError(f"a slider needs three steps or more, not {steps}")
    start = path.log_snr(torch.tensor(path.T, dtype=torch.float64))
    if not -math.inf < start < low:
        raise ValueError(f"a slider needs a log-SNR below {low:g} at T, where x is noise, and a finite one, where the "
                         f"noise still tells x_start; that of {path} is {start:.3g}")
    inside = path.inverse_log_snr(torch.linspace(low, high, steps - 1, dtype=torch.float64))
    times = path.nearest(torch.cat([inside.new_tensor([path.T]), inside]))
    return plan_dpmpp_2m(path, torch.cat([times, times.new_tensor([path.clean])]))
