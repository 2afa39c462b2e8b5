"""Samplers: one loop runs any plan; Heun, predictor–corrector and the ODE are functions of their own; guidance.

    x = path.prior_sampling((16, 1, 28, 28))
    images = sample_ddim(guided(unet, cond, uncond, w=2.0), x, path, 50)

A model is called as `model(x, t)` with x (b, *), which it leaves as it is, and t (b,), int64 on a chain. x_start is
clamped to [−clamp, clamp] after every evaluation: [−1, 1] unless told otherwise, as fits images; densities and latents
want `clamp=None`.

A callback is given the step's number i, t and s, the times it led from and to, x at s, and the x_start predicted at t.
It may write to x, as inpainting does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from course_utils.diffusion.flow import ends_in, probability_flow, smooth_variable
from course_utils.diffusion.guidance import Model, at_time, classifier_guided, evaluating, guided
from course_utils.diffusion.paths import GaussianPath, Kind
from course_utils.diffusion.plans import (
    Plan,
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
from course_utils.diffusion.solvers import rk45

__all__ = ["Plan", "classifier_guided", "guided", "plan_ancestral", "plan_ddim", "plan_dpmpp_2m", "plan_euler",
           "plan_euler_maruyama", "plan_reverse_diffusion", "sample", "sample_ancestral", "sample_ddim",
           "sample_dpmpp_2m", "sample_euler", "sample_heun", "sample_ode", "sample_pc", "times_log_snr",
           "times_quadratic", "times_uniform"]

Callback = Callable[[dict[str, Any]], None]


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
        callback: Called after each step with `i, t, s, x, x_start`; its tensors live until the next step.
        generator: Of the fresh noise, on x's device.

    Returns:
        (b, *) samples.
    """
    run = _Run(model, x, plan, prediction, clamp)
    if _fusible(x):
        return _sample_fused(run, x, callback, generator)
    # Two buffers: one holds x, the other the previous x_start, and each step turns them into x_start and the next x.
    x, y = x.clone(), torch.empty_like(x)
    folded = clamp is None and callback is None and not plan.remembers  # nobody asks for x_start
    with evaluating(model):
        for i, (c_x, c_start, c_previous, c_noise) in enumerate(run.steps(folded)):
            out = run.evaluate(i, x)
            _begin_(y, c_previous, c_noise, generator).add_(x, alpha=c_x)
            y.add_(out if folded else run.x_start_(i, x, out), alpha=c_start)
            x, y = y, x
            if callback is not None:
                callback(run.state(i, x, y))
    return x


def _begin_(y: Tensor, c_previous: Tensor | None, c_noise: float, generator: Generator | None) -> Tensor:
    """c_previous·y + c_noise·z, in y's own memory: what the next x has of neither x nor x_start."""
    if c_previous is None:
        return y.normal_(0, c_noise, generator=generator) if c_noise > 0 else y.zero_()
    y.mul_(c_previous)
    return y.add_(torch.empty_like(y).normal_(0, c_noise, generator=generator)) if c_noise > 0 else y


def _fusible(x: Tensor) -> bool:
    """Whether one kernel can do all of a step but the network: on a GPU."""
    if not x.is_cuda or not x.is_contiguous():
        return False
    from course_utils.kernels.dispatch import use_operator  # imports Triton, which nobody else needs to wait for

    return use_operator(x)


def _sample_fused(run: _Run, x: Tensor, callback: Callback | None, generator: Generator | None) -> Tensor:
    """The loop of `sample` with a kernel for guidance, x_start, clamp, mean and noise: no other pass over x.

    It copies nothing from the host once its plan has been run, so that all of it can be captured as a CUDA graph.
    """
    from course_utils.kernels.guided_step import guided_step
    from course_utils.kernels.noise import draw_seeds

    guide = run.model if isinstance(run.model, guided) and not isinstance(run.model.w, Tensor) else None
    rows = run.rows(guide.w if guide else 0.0, x.device)
    if run.plan.draws:
        seeds = draw_seeds(len(rows), generator, x.device)
    else:
        seeds = run.plan.kept(("seeds", x.device), lambda: torch.zeros(len(rows), dtype=torch.int64, device=x.device))
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


class _Run:
    """A model on a plan's grid: its times on x's device, copied there once, and its prediction told as x_start."""

    def __init__(self, model: Model, x: Tensor, plan: Plan, prediction: Kind, clamp: float | None):
        if clamp is not None and not clamp > 0:
            raise ValueError(f"clamp is the largest |x_start|, or None, not {clamp}")
        self.model, self.plan, self.prediction, self.clamp = model, plan, prediction, clamp
        self.dtype = torch.promote_types(x.dtype, torch.float32)  # a half cannot tell the times apart
        self.host_times, self.weights = plan.kept(("weights", prediction, self.dtype), self._weights)
        self.times = plan.kept(("times", len(x), self.dtype, x.device), lambda: self._times(len(x), x.device))

    def _weights(self) -> tuple[list[float], list[tuple[Tensor, float]]]:
        """Times and weights of x and the prediction in x_start; a tensor multiplies faster than a number does."""
        of_x, of_out = self.plan.weights(self.prediction).unbind(1)
        return self.plan.times.tolist(), list(zip(of_x.to(self.dtype).unbind(), of_out.tolist(), strict=True))

    def _times(self, b: int, device: torch.device) -> tuple[Tensor, ...]:
        """The times seen, (b,) each."""
        seen = self.plan.seen
        seen = seen.to(device, self.dtype) if seen.is_floating_point() else seen.to(device)
        return seen[:, None].repeat(1, b).unbind()

    def steps(self, folded: bool) -> list[tuple[float, float, Tensor | None, float]]:
        """The plan's rows, a c_previous of 0 as None; folded, those of x and the prediction instead of x_start."""
        return self.plan.kept(("steps", folded and self.prediction, self.dtype), lambda: self._steps(folded))

    def _steps(self, folded: bool) -> list[tuple[float, float, Tensor | None, float]]:
        c_x, c_start, c_previous, c_noise = self.plan.table.unbind(1)
        if folded:
            of_x, of_out = self.plan.weights(self.prediction)[: len(c_x)].unbind(1)
            c_x, c_start = c_x + c_start * of_x, c_start * of_out
        previous = [c if c else None for c in c_previous.to(self.dtype).unbind()]
        return list(zip(c_x.tolist(), c_start.tolist(), previous, c_noise.tolist(), strict=True))

    def rows(self, w: float, device: torch.device) -> Tensor:
        """What `guided_step` needs of each step, (n, 7) on the device."""
        def make() -> Tensor:
            n = len(self.plan)
            rows = torch.cat([self.plan.table[:, :1], self.plan.weights(self.prediction)[:n], self.plan.table], dim=1)
            return rows.float().to(device)

        rows = self.plan.kept(("rows", self.prediction, device), make).clone()
        rows[:, 0] = w  # in the place of what only held it
        return rows

    def evaluate(self, i: int, x: Tensor) -> Tensor:
        """The prediction at the i-th time; a model that asks for the time on the host is given it."""
        out = at_time(self.model, self.host_times[i])(x, self.times[i])
        if out.shape != x.shape:
            raise ValueError(f"the model answered {tuple(out.shape)} to x of {tuple(x.shape)}")
        return out

    def x_start_(self, i: int, x: Tensor, out: Tensor) -> Tensor:
        """x_start from x and the prediction at the i-th time, in x's own memory."""
        of_x, of_out = self.weights[i]
        if torch.compiler.is_compiling() or out.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():
            out = out.clone()  # a model may answer with what it was given, or a view of it
        x.mul_(of_x).add_(out, alpha=of_out)
        return x if self.clamp is None else x.clamp_(-self.clamp, self.clamp)

    def state(self, i: int, x: Tensor, x_start: Tensor) -> dict[str, Any]:
        """What a callback is told after the i-th step."""
        return {"i": i, "t": self.host_times[i], "s": self.host_times[i + 1], "x": x, "x_start": x_start}


def sample_ancestral(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int | None = None, *,
                     variance: Literal["beta", "posterior"] = "posterior", **options: Any) -> Tensor:
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
    """`sample` with `plan_euler`: (b, *) noise to (b, *) data."""
    return sample(model, x, plan_euler(path, times), **options)


@torch.no_grad()
def sample_heun(model: Model, x: Tensor, path: GaussianPath, times: Tensor | int = 25, *, prediction: Kind = "noise",
                clamp: float | None = 1.0, callback: Callback | None = None) -> Tensor:
    """The probability flow by Heun's steps, order 2, two evaluations each; Karras et al. 2022, algorithm 1.

    A step to clean data stays an Euler step: there is no noise to be told at its end.

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
    run = _Run(model, x, plan, prediction, clamp)
    slopes = torch.stack(path.mixing(plan.times, "x_start", "velocity"), dim=1).tolist()
    steps = plan.times.double().diff().tolist()

    def predict(i: int, x: Tensor) -> Tensor:
        return run.x_start_(i, x.clone(), run.evaluate(i, x))

    def flow(i: int, x: Tensor, x_start: Tensor) -> Tensor:
        return slopes[i][0] * x + slopes[i][1] * x_start

    with evaluating(model):
        for i, (c_x, c_start, _, _) in enumerate(plan.table.tolist()):
            x_start = predict(i, x)
            ahead = c_x * x + c_start * x_start
            if i + 1 < len(run.weights):
                ahead = x + 0.5 * steps[i] * (flow(i, x, x_start) + flow(i + 1, ahead, predict(i + 1, ahead)))
            x = ahead
            if callback is not None:
                callback(run.state(i, x, x_start))
    return x


PREDICTORS = {"ancestral": lambda path, times: plan_ancestral(path, times, path.ancestral),
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
    run = _Run(model, x, plan, prediction, clamp)
    correct = _corrector(run, path, plan.times, prediction, corrector, snr, generator)
    x = x.clone()
    with evaluating(model):
        for i, (c_x, c_start, _, c_noise) in enumerate(plan.table.tolist()):
            for _ in range(corrector_steps if corrector else 0):
                x = correct(i, x)
            x_start = run.x_start_(i, x.clone(), run.evaluate(i, x))
            x.mul_(c_x).add_(x_start, alpha=c_start)
            if c_noise > 0:
                x.add_(torch.empty_like(x).normal_(generator=generator), alpha=c_noise)
            if callback is not None:
                callback(run.state(i, x, x_start))
    return x


def _corrector(run: _Run, path: GaussianPath, times: Tensor, prediction: Kind, kind: str | None, snr: float,
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
    variable, rows = smooth_variable(path), per_sample or ()
    flow = probability_flow(model, path, prediction, variable)
    with evaluating(model):
        x = rk45(flow, x, *ends_in(path, variable, (start, end)), rtol, atol, per_sample=rows,
                 compact=per_sample is not None).x
        if denoise:
            t = torch.full((len(x),), end, dtype=x.dtype, device=x.device)
            x = path.convert(model(x, t, *rows), x, t, prediction, "x_start")
    return x
