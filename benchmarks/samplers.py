"""What a sampler costs beside its network.

Microseconds of one step, 50 steps of `sample` with a network that answers a fixed tensor, against the loop that calls
diffusers' schedulers or denoising-diffusion-pytorch's `p_sample`. Both sides have the same grid, the same clamping and
(from the same seed) the same noise, and reach the same picture. Grids and tables are made before, on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from course_utils.bench import Row, installed, medians
from course_utils.paths import DiscreteVP, linear_betas
from course_utils.plans import Plan, plan_ancestral, plan_ddim, plan_dpmpp_2m
from course_utils.samplers import sample

STEPS = 50
SMALL, LARGE = (8, 1, 28, 28), (16, 3, 32, 32)
CHAIN = {"num_train_timesteps": 1000, "trained_betas": linear_betas(1000).float().numpy()}
SHORT = {"num_train_timesteps": STEPS, "trained_betas": linear_betas(STEPS).float().numpy()}
LIMIT = "a torch call takes 2 to 3 µs, and a step makes "


@dataclass(frozen=True)
class Case:
    """A step in two ways; each side runs all steps and returns the picture."""

    name: str
    ours: Callable[[], Tensor]
    peer: Callable[[], Tensor]
    goal: float | None
    limit: str


def cases() -> Iterator[Case]:
    """All of them, those whose peers are installed."""
    for shape in (SMALL, LARGE):
        if installed("diffusers"):
            yield from deterministic(shape)
        yield from ancestral(shape)


def fixed(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The first x, and what the network answers: most of it."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return x, 0.8 * x


def deterministic(shape: tuple[int, ...]) -> Iterator[Case]:
    """DDIM with and without clamping, DPM-Solver++ 2M without."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    path, (x, out), small = DiscreteVP(linear_betas(1000)), fixed(shape), shape == SMALL
    for clip in (True, False):
        scheduler = DDIMScheduler(**CHAIN, clip_sample=clip)
        times = grid(scheduler)
        yield Case(f"DDIM{', clamped' if clip else ''}, {shape}, against diffusers",
                   partial(ours, x, out, plan_ddim(path, times), 1.0 if clip else None),
                   partial(theirs, scheduler, x, out, use_clipped_model_output=True),
                   (6 if small else 2.5) if clip else None, LIMIT + ("five" if clip else "two"))
    scheduler = DPMSolverMultistepScheduler(**CHAIN, solver_order=2, final_sigmas_type="zero")
    times = grid(scheduler)
    yield Case(f"DPM-Solver++ 2M, {shape}, against diffusers", partial(ours, x, out, plan_dpmpp_2m(path, times), None),
               partial(theirs, scheduler, x, out), 12 if small else None, LIMIT + "five")


def ancestral(shape: tuple[int, ...]) -> Iterator[Case]:
    """All steps of a chain of 50, clamped, and its noise alone."""
    (x, out), draws = fixed(shape), torch.empty(shape)
    mine = partial(ours, x, out, plan_ancestral(DiscreteVP(linear_betas(STEPS))), 1.0)
    limit = "drawing the noise, on one thread"
    if installed("diffusers"):
        from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
        scheduler = DDPMScheduler(**SHORT)
        grid(scheduler)
        yield Case(f"ancestral, {shape}, against diffusers", mine, partial(theirs, scheduler, x, out), 1.6, limit)
    if installed("denoising-diffusion-pytorch"):
        yield Case(f"ancestral, {shape}, against denoising-diffusion-pytorch", mine,
                   partial(p_samples, p_sampler(out), x), 1.6, limit)
    noise = partial(draw, draws)
    yield Case(f"ancestral, {shape}, against drawing its noise alone", mine, noise, 1 / 1.4, limit)


def ours(x: Tensor, out: Tensor, plan: Plan, clamp: float | None) -> Tensor:
    return sample(lambda x, t: out, x, plan, clamp=clamp)


def grid(scheduler: object) -> Tensor:
    """Tells a scheduler its steps; returns them, down to clean data."""
    scheduler.set_timesteps(STEPS)
    return torch.cat([scheduler.timesteps.long(), torch.tensor([-1])])


@torch.no_grad()
def theirs(scheduler: object, x: Tensor, out: Tensor, **options: object) -> Tensor:
    scheduler._step_index, scheduler.lower_order_nums = None, 0  # a solver with memory begins again
    for t in scheduler.timesteps:
        x = scheduler.step(out, t, x, return_dict=False, **options)[0]
    return x


def p_sampler(out: Tensor) -> Callable:
    from denoising_diffusion_pytorch import GaussianDiffusion

    class Network(nn.Module):
        channels = out_dim = out.shape[1]
        self_condition = False

        def forward(self, x: Tensor, t: Tensor, x_self_cond: None) -> Tensor:
            return out

    return GaussianDiffusion(Network(), image_size=out.shape[-1], timesteps=STEPS, objective="pred_noise",
                             beta_schedule="linear").p_sample


def p_samples(p_sample: Callable, x: Tensor) -> Tensor:
    for t in reversed(range(STEPS)):
        x, _ = p_sample(x, t)
    return x


def draw(noise: Tensor) -> Tensor:
    for _ in range(STEPS - 1):  # the last step adds none
        noise.normal_()
    return noise


def rows() -> Iterator[Row]:
    """One row a case, microseconds a step."""
    for case in cases():
        taken = medians({"ours": case.ours, "peer": case.peer}, repeats=15)
        yield Row.time(case.name, *(1e6 / STEPS * taken[side] for side in ("ours", "peer")), unit="µs a step",
                       goal=case.goal, limit=case.limit)
