"""Samplers: one loop runs any plan; Heun, predictor–corrector and the ODE are functions of their own; guidance.

    x = path.prior_sampling((16, 1, 28, 28))
    images = sample_ddim(guided(unet, cond, uncond, w=2.0), x, path, 50)

A model is called as `model(x, t)` with x (b, *), which it leaves as it is, and t (b,), int64 on a chain. x_start is
clamped to [−clamp, clamp] after every evaluation: [−1, 1] unless told otherwise, as fits images; densities and latents
want `clamp=None`. Networks answer in evaluation mode; `guidance.evaluating` says how they are found, and in which form
they are not and `unet.eval()` must be called before.

A callback is given the step's number i, t and s, the times it led from and to, x at s, and the x_start predicted at t.
It may write to x, as inpainting does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from course_utils.diffusion.flow import ends_in, probability_flow
from course_utils.diffusion.guidance import Model, classifier_guided, evaluating, guided
from course_utils.diffusion.paths import GaussianPath, Kind
from course_utils.diffusion.plans import (
    Plan,
    Variance,
    plan_ancestral,
    plan_ddim,
    plan_dpmpp_2m,
    plan_euler,
    plan_euler_maruyama,
    plan_reverse_diffusion,
    times_log_snr,
    times_quadratic,
    times_uniform,
)
from course_utils.diffusion.running import Callback, Run, fusible, sample_fused
from course_utils.diffusion.solvers import rk45

__all__ = ["Plan", "classifier_guided", "guided", "plan_ancestral", "plan_ddim", "plan_dpmpp_2m", "plan_euler",
           "plan_euler_maruyama", "plan_reverse_diffusion", "sample", "sample_ancestral", "sample_ddim",
           "sample_dpmpp_2m", "sample_euler", "sample_heun", "sample_ode", "sample_pc", "times_log_snr",
           "times_quadratic", "times_uniform"]


@torch.no_grad()
def sample(model: Model, x: Tensor, plan: Plan, *, prediction: Kind = "noise", clamp: float | None = 1.0,
           callback: Callback | None = None, generator: Generator | None = None) -> Tensor:
    """Runs a plan from noise to data; `torch.compile` makes one graph of all its steps once the plan has been run.

    Args:
        model: Predicts `prediction`.
        x: (b, *) noise of the path's prior; left as it is.
        plan: Of one of the `plan_*` functions.
        prediction: What the model predicts.
        clamp: Bound of |x_start|; None leaves it.
        callback: Called after each step with `i, t, s, x, x_start`.
        generator: Of the fresh noise, on x's device.

    Returns:
        (b, *) samples.
    """
    run = Run(model, x, plan, prediction, clamp)
    if fusible(x):
        return sample_fused(run, x, callback, generator)
    previous = torch.zeros_like(x)
    with evaluating(model):
        for i, (c_x, c_start, c_previous, c_noise) in enumerate(plan.steps):
            x_start = run.x_start(i, x)
            x = c_x * x + c_start * x_start
            if c_previous:
                x = x + c_previous * previous
            if c_noise:
                x = x + c_noise * torch.empty_like(x).normal_(generator=generator)
            previous = x_start
            if callback is not None:
                callback(run.state(i, x, x_start))
    return x


def sample_ancestral(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int | None = None, *,
                     variance: Variance = "posterior", **options: Any) -> Tensor:
    """`sample` with `plan_ancestral`, all N steps unless `times` are given: (b, *) noise to (b, *) data."""
    return sample(model, x, plan_ancestral(path, times, variance), **options)


def sample_ddim(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int = 50, *, eta: float = 0.0,
                **options: Any) -> Tensor:
    """`sample` with `plan_ddim`: (b, *) noise to (b, *) data."""
    return sample(model, x, plan_ddim(path, times, eta), **options)


def sample_dpmpp_2m(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int = 20, **options: Any) -> Tensor:
    """`sample` with `plan_dpmpp_2m`: (b, *) noise to (b, *) data."""
    return sample(model, x, plan_dpmpp_2m(path, times), **options)


def sample_euler(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int = 50, **options: Any) -> Tensor:
    """`sample` with `plan_euler`: (b, *) noise to (b, *) data.

    Its steps are straight in time. VE wants DDIM, whose steps are straight in σ, or DPM-Solver++: σ grows exponentially
    there, and Euler's steps of time end about eight times further off.
    """
    return sample(model, x, plan_euler(path, times), **options)


@torch.no_grad()
def sample_heun(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int = 25, *, prediction: Kind = "noise",
                clamp: float | None = 1.0, callback: Callback | None = None) -> Tensor:
    """The probability flow by Heun's steps, order 2, two evaluations each; Karras et al. 2022, algorithm 1.

    A step to clean data stays an Euler step: there is no noise to be told at its end. VE wants DPM-Solver++ or
    DDIM, as `sample_euler` says: with as many evaluations DPM-Solver++ ends at least five times nearer there.

    Args:
        model: Predicts `prediction`.
        x: (b, *) noise of the path's prior.
        path: Any.
        times: A grid, or the number of steps of a uniform one.
        prediction: What the model predicts.
        clamp: Bound of |x_start|; None leaves it.
        callback: As in `sample`.
    """
    plan = plan_euler(path, times)
    run = Run(model, x, plan, prediction, clamp)
    slopes = torch.stack(path.mixing(plan.times, "x_start", "velocity"), dim=1).tolist()
    dt = plan.times.double().diff().tolist()

    def flow(i: int, x: Tensor, x_start: Tensor) -> Tensor:
        return slopes[i][0] * x + slopes[i][1] * x_start

    with evaluating(model):
        for i, (c_x, c_start, _, _) in enumerate(plan.steps):
            x_start = run.x_start(i, x)
            ahead = c_x * x + c_start * x_start
            if i + 1 < len(run.weights):
                ahead = x + 0.5 * dt[i] * (flow(i, x, x_start) + flow(i + 1, ahead, run.x_start(i + 1, ahead)))
            x = ahead
            if callback is not None:
                callback(run.state(i, x, x_start))
    return x


PREDICTORS = {"ancestral": lambda path, times: plan_ancestral(path, times, "beta" if path.preserving else "posterior"),
              "euler_maruyama": plan_euler_maruyama, "reverse_diffusion": plan_reverse_diffusion}


@torch.no_grad()
def sample_pc(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int | None = None, *,
              predictor: Literal["ancestral", "euler_maruyama", "reverse_diffusion"] = "reverse_diffusion",
              corrector: Literal["langevin", "annealed"] | None = "langevin", snr: float = 0.16,
              corrector_steps: int = 1, prediction: Kind = "noise", clamp: float | None = 1.0,
              callback: Callback | None = None, generator: Generator | None = None) -> Tensor:
    """Predictor–corrector sampling; Song et al. 2021b, algorithm 1.

    At each time Langevin steps x + η·score + √(2η)·z correct the marginal, then the predictor leads to the next. With
    a² = a_{t|s}², the chain's own α, "langevin" takes η = 2a²(snr·‖z‖/‖score‖)², norms averaged over the batch
    (algorithms 4 and 5), "annealed" η = 2a²(snr·σ_t)² (Song & Ermon 2019).

    Args:
        model: Predicts `prediction`.
        x: (b, *) noise of the path's prior.
        path: Any.
        times: A grid, or the number of steps of a uniform one; 500 unless given, or all of a shorter chain.
        predictor: Which equation leads from t to s; each is a plan as well. "ancestral" takes the paper's variance, β
            on a variance-preserving path and the posterior's elsewhere; for its β_i = β(t_i)/N give `VP().chain()`.
        corrector: Which step size, None for no correction.
        snr: Size of a corrector's step against its noise.
        corrector_steps: Corrections at each time.
        prediction: What the model predicts.
        clamp: Bound of |x_start| in the predictor; None leaves it.
        callback: As in `sample`.
        generator: Of the fresh noise, on x's device.
    """
    if predictor not in PREDICTORS:
        raise ValueError(f"predictor is one of {', '.join(PREDICTORS)}, not {predictor!r}")
    plan = PREDICTORS[predictor](path, min(500, path.N) if times is None else times)
    run = Run(model, x, plan, prediction, clamp)
    correct = _corrector(run, path, plan.times, prediction, corrector, snr, generator)
    with evaluating(model):
        for i, (c_x, c_start, _, c_noise) in enumerate(plan.steps):
            for _ in range(corrector_steps if corrector else 0):
                x = correct(i, x)
            x_start = run.x_start(i, x)
            x = c_x * x + c_start * x_start
            if c_noise:
                x = x + c_noise * torch.empty_like(x).normal_(generator=generator)
            if callback is not None:
                callback(run.state(i, x, x_start))
    return x


def _corrector(run: Run, path: GaussianPath, times: Tensor, prediction: Kind, kind: str | None, snr: float,
               generator: Generator | None) -> Callable[[int, Tensor], Tensor]:
    """One Langevin step at the i-th time."""
    if kind not in ("langevin", "annealed", None):
        raise ValueError(f"corrector is 'langevin', 'annealed' or None, not {kind!r}")
    to_score = torch.stack(path.mixing(times[:-1], prediction, "score"), dim=1).tolist()
    a = path.transition(times[:-1], times[1:])[0].tolist()
    sigma = path.sigma(times[:-1]).tolist()

    def correct(i: int, x: Tensor) -> Tensor:
        score = to_score[i][0] * x + to_score[i][1] * run.evaluate(i, x)
        z = torch.empty_like(x).normal_(generator=generator)
        size = _mean_norm(score)  # of a score of 0 nothing is to be corrected, and the step is 0
        ratio = sigma[i] if kind == "annealed" else torch.where(size > 0, _mean_norm(z) / size, 0.0)
        root = 2 * a[i] * snr * ratio  # √(2η), η = 2(a·snr·ratio)²
        return x + 0.5 * root**2 * score + root * z

    return correct


def _mean_norm(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1).norm(dim=1).mean()


@torch.no_grad()
def sample_ode(model: Callable, x: Tensor, path: GaussianPath, *, rtol: float = 1e-5, atol: float = 1e-5,
               prediction: Kind = "noise", start: float | None = None, end: float | None = None,
               denoise: bool = False, per_sample: Sequence[Tensor] | None = None) -> Tensor:
    """The probability flow by adaptive steps, every sample with its own; Song et al. 2021b, eq. 13.

    Args:
        model: Predicts `prediction`; called with t (b,), a time for each sample.
        x: (b, *) noise of the path's prior, float32 or float64.
        path: Any; on a chain the model sees broken indices, between which log ᾱ is a straight line.
        rtol: Relative error allowed in one step.
        atol: Absolute error allowed in one step.
        prediction: What the model predicts.
        start: Where to begin; the path's T unless given.
        end: Where to stop, above the time at which σ is 0; the path's eps unless given.
        denoise: Whether to return x_start at the end instead of x.
        per_sample: Tensors of b rows that the model takes after t. Given, even without any, a sample that has arrived
            leaves the batch and costs nothing more; None evaluates all b to the end, as a model with a condition of
            its own (`guided`) needs.
    """
    start, end = path.T if start is None else start, path.eps if end is None else end
    variable, rows = path.smooth_variable, per_sample or ()
    flow = probability_flow(model, path, prediction, variable)
    with evaluating(model):
        x = rk45(flow, x, *ends_in(path, variable, (start, end)), rtol, atol, per_sample=rows,
                 compact=per_sample is not None).x
        if denoise:
            t = torch.full((len(x),), end, dtype=x.dtype, device=x.device)
            x = path.convert(model(x, t, *rows), x, t, prediction, "x_start")
    return x
