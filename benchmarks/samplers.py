"""What a sampler costs beside its network.

Microseconds of one step, 50 steps of `sample` with a network that answers a fixed tensor, against the loop that calls
diffusers' schedulers or denoising-diffusion-pytorch's `p_sample`. Both sides have the same grid, the same clamping and
(from the same seed) the same noise, and reach the same picture. Grids and tables are made before, on both sides.
"Compiled" is torch.compile of all 50 steps at once, its own time not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from course_utils.bench import Row, installed, medians
from course_utils.diffusion.paths import DiscreteVP, linear_betas
from course_utils.diffusion.plans import Plan, plan_ancestral, plan_ddim, plan_dpmpp_2m
from course_utils.diffusion.samplers import sample
from course_utils.models.fast import compiler

STEPS = 50
SMALL, LARGE = (8, 1, 28, 28), (16, 3, 32, 32)
CHAIN = {"num_train_timesteps": 1000, "trained_betas": linear_betas(1000).float().numpy()}
SHORT = {"num_train_timesteps": STEPS, "trained_betas": linear_betas(STEPS).float().numpy()}
GOALS = {("DDIM, clamped", SMALL): (6, 30), ("DDIM, clamped", LARGE): (2.5, None),  # of the loop, and of it compiled
         ("DPM-Solver++ 2M", SMALL): (12, None)}


@dataclass(frozen=True)
class Case:
    """A step in two ways; each side runs all steps and returns the picture.

    Attributes:
        ours: None without diffusers where its grid is needed.
        peer: None where it is not installed.
        compiled: Ours is to be.
        needs: The peer's package.
    """

    name: str
    ours: Callable[[], Tensor] | None
    peer: Callable[[], Tensor] | None
    goal: float | None
    limit: str
    compiled: bool = False
    needs: str = "diffusers"


def cases() -> Iterator[Case]:
    """All of them; those whose peers are not installed lack a side."""
    for shape in (SMALL, LARGE):
        yield from deterministic(shape)
        yield from ancestral(shape)


def fixed(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The first x, and what the network answers: most of it."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return x, 0.8 * x


def deterministic(shape: tuple[int, ...]) -> Iterator[Case]:
    """DDIM with and without clamping, DPM-Solver++ 2M without."""
    for name, calls in (("DDIM, clamped", "five"), ("DDIM", "two"), ("DPM-Solver++ 2M", "five")):
        mine, peer = sides(name, shape) if installed("diffusers") else (None, None)
        yield from in_both_ways(name, shape, mine, peer, calls)


def sides(name: str, shape: tuple[int, ...]) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Ours and diffusers', on diffusers' grid."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    path, (x, out) = DiscreteVP(linear_betas(1000)), fixed(shape)
    if name == "DPM-Solver++ 2M":
        scheduler = DPMSolverMultistepScheduler(**CHAIN, solver_order=2, final_sigmas_type="zero")
        plan = plan_dpmpp_2m(path, grid(scheduler))
        return partial(ours, x, out, plan, None), partial(theirs, scheduler, x, out)
    clip = name == "DDIM, clamped"
    scheduler = DDIMScheduler(**CHAIN, clip_sample=clip)
    plan = plan_ddim(path, grid(scheduler))
    return (partial(ours, x, out, plan, 1.0 if clip else None),
            partial(theirs, scheduler, x, out, use_clipped_model_output=True))


def in_both_ways(name: str, shape: tuple[int, ...], mine: Callable[[], Tensor] | None,
                 peer: Callable[[], Tensor] | None, calls: str) -> Iterator[Case]:
    """The loop as it is, and compiled."""
    goal, of_compiled = GOALS.get((name, shape), (None, None))
    yield Case(f"{name}, {shape}, against diffusers", mine, peer, goal, f"a torch call takes 2 to 3 µs; {calls} a step")
    yield Case(f"{name}, {shape}, compiled, against diffusers", mine, peer, of_compiled,
               "one pass over x makes all steps", compiled=True)


def ancestral(shape: tuple[int, ...]) -> Iterator[Case]:
    """All steps of a chain of 50, clamped, and its noise alone."""
    (x, out), draws = fixed(shape), torch.empty(shape)
    mine = partial(ours, x, out, plan_ancestral(DiscreteVP(linear_betas(STEPS))), 1.0)
    limit = "drawing the noise, on one thread"
    for peer, loop in {"diffusers": scheduled, "denoising-diffusion-pytorch": p_sampled}.items():
        yield Case(f"ancestral, {shape}, against {peer}", mine, loop(x, out) if installed(peer) else None, 1.6, limit,
                   needs=peer)
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


def scheduled(x: Tensor, out: Tensor) -> Callable[[], Tensor]:
    """diffusers' ancestral loop."""
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    scheduler = DDPMScheduler(**SHORT)
    grid(scheduler)
    return partial(theirs, scheduler, x, out)


def p_sampled(x: Tensor, out: Tensor) -> Callable[[], Tensor]:
    """denoising-diffusion-pytorch's."""
    return partial(p_samples, p_sampler(out), x)


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


def compiled(loop: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """A loop as one graph: its first call told the plan what a compiler cannot follow, the second compiles."""
    fast = torch.compile(loop, fullgraph=True)
    loop(), fast()
    return fast


def rows() -> Iterator[Row]:
    """One row a case, microseconds a step."""
    for case in cases():
        if case.peer is None:
            yield Row.absent(case.name, case.needs, unit="µs a step", goal=case.goal)
            continue
        if case.compiled and not compiler():
            yield Row.absent(case.name, "a C++ compiler", unit="µs a step", goal=case.goal)
            continue
        ours = compiled(case.ours) if case.compiled else case.ours
        taken = medians({"ours": ours, "peer": case.peer}, repeats=15)
        yield Row.time(case.name, *(1e6 / STEPS * taken[side] for side in ("ours", "peer")), unit="µs a step",
                       goal=case.goal, limit=case.limit)
