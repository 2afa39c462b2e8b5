"""Samplers: a plan writes the equation as a table of coefficients, one loop runs any of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.paths import DiscreteVP

# A plan is one row a step, float64: the model's time index, the coefficients that give x_start = (x − σ·noise)/α,
# then those of x, x_start and fresh noise in the next x.
Plan = Tensor


def plan_ancestral(path: DiscreteVP) -> Plan:
    """DDPM's ancestral steps with the posterior's mean and variance β̃; Ho et al. 2020, eqs. 6–7."""
    t = torch.arange(len(path)).flip(0)
    beta, a, s = path.betas[t], path.alpha(t), path.sigma(t)
    a_prev, s_prev = path.alpha(t - 1), path.sigma(t - 1)
    c_x = (1 - beta).sqrt() * s_prev**2 / s**2
    c_start = a_prev * beta / s**2
    c_noise = s_prev / s * beta.sqrt()  # s_prev = 0 at t = 0: the last step adds none
    return torch.stack([t.double(), a, s, c_x, c_start, c_noise], dim=1)


def plan_ddim(path: DiscreteVP, num_steps: int) -> Plan:
    """DDIM with η = 0 on num_steps indices from T−1 to 0; Song et al. 2021, eq. 12."""
    t = torch.linspace(len(path) - 1, 0, num_steps).round().long()
    s = torch.cat([t[1:], torch.tensor([-1])])
    ratio = path.sigma(s) / path.sigma(t)
    c_start = path.alpha(s) - path.alpha(t) * ratio
    return torch.stack([t.double(), path.alpha(t), path.sigma(t), ratio, c_start, 0 * ratio], dim=1)


@torch.no_grad()
def sample(model: Callable[[Tensor, Tensor], Tensor], x: Tensor, plan: Plan, *,
           callback: Callable[[dict], None] | None = None, generator: torch.Generator | None = None) -> Tensor:
    """Runs a plan from noise to data.

    Args:
        model: Predicts the noise, `model(x, t)` with t (b,) int64.
        x: (b, *) standard normal noise.
        plan: Of one of the `plan_*` functions.
        callback: Called after each step with `i, t, x, x_start`.
        generator: Of the fresh noise, on x's device.

    Returns:
        (b, *) samples; x_start is clamped to [-1, 1] at every step.
    """
    for i, (t, alpha, sigma, c_x, c_start, c_noise) in enumerate(plan.tolist()):
        noise = model(x, torch.full((len(x),), int(t), device=x.device))
        x_start = ((x - sigma * noise) / alpha).clamp_(-1, 1)
        x = c_x * x + c_start * x_start
        if c_noise > 0:
            x += c_noise * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        if callback is not None:
            callback({"i": i, "t": int(t), "x": x, "x_start": x_start})
    return x


def sample_ancestral(model: Callable, shape: tuple[int, ...], path: DiscreteVP, *, model_kwargs: dict | None = None,
                     generator: torch.Generator | None = None, device: str = "cpu",
                     callback: Callable[[dict], None] | None = None) -> Tensor:
    """Samples of `shape` by all steps of the chain; `model(x, t, model_kwargs)` predicts the noise."""
    x = torch.randn(shape, generator=generator, device=device)
    predict = lambda x, t: model(x, t, model_kwargs or {})  # noqa: E731
    return sample(predict, x, plan_ancestral(path), callback=callback, generator=generator)
