"""Samplers against diffusers' schedulers."""

from __future__ import annotations

import pytest
import torch
from diffusion.exact import PATHS

from course_utils.diffusion import samplers
from course_utils.diffusion.paths import DiscreteVP, linear_betas
from course_utils.diffusion.plans import (
    plan_ancestral,
)


def run_scheduler(scheduler, steps, model, x, **options):
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, t.expand(len(x))), t, x, **options).prev_sample
    return x, torch.cat([scheduler.timesteps.long(), torch.tensor([-1])])


def wavy(x, t):
    return torch.sin(2 * x + 0.01 * t.reshape(-1, *[1] * (x.dim() - 1)))


BETAS = {"beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear", "num_train_timesteps": 1000}


@pytest.mark.parametrize("steps, clip", [(50, False), (50, True), (20, True)])
def test_ddim_agrees_with_diffusers(steps, clip):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scheduler = DDIMScheduler(**BETAS, clip_sample=clip)
    theirs, times = run_scheduler(scheduler, steps, wavy, x, use_clipped_model_output=True)
    ours = samplers.sample_ddim(wavy, x, path, times, clamp=1.0 if clip else None)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["epsilon", "sample", "v_prediction"])
def test_dpmpp_2m_agrees_with_diffusers(kind):
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scheduler = DPMSolverMultistepScheduler(**BETAS, solver_order=2, algorithm_type="dpmsolver++",
                                            prediction_type=kind, final_sigmas_type="zero")
    theirs, times = run_scheduler(scheduler, 20, wavy, x)
    ours = samplers.sample_dpmpp_2m(wavy, x, path, times, clamp=None, prediction={
        "epsilon": "noise", "sample": "x_start", "v_prediction": "v"}[kind])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.abs().max().item())


@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large"])
def test_ancestral_sampling_agrees_with_diffusers(variance):
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    path, x = DiscreteVP(linear_betas(1000)), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    theirs, times = run_scheduler(DDPMScheduler(**BETAS, variance_type=variance), 50, wavy, x,
                                  generator=torch.Generator().manual_seed(3))
    plan = plan_ancestral(path, times, "posterior" if variance == "fixed_small" else "beta")
    ours = samplers.sample(wavy, x, plan, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_euler_agrees_with_diffusers_flow():
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
    scheduler, x = FlowMatchEulerDiscreteScheduler(), torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    scheduler.set_timesteps(20)
    theirs = x
    for t in scheduler.timesteps:
        theirs = scheduler.step(wavy(theirs, t.expand(2)), t, theirs).prev_sample
    ours = samplers.sample_euler(lambda x, t: wavy(x, 1000 * t), x, PATHS["rectified"], scheduler.sigmas.double(),
                                 prediction="velocity", clamp=None)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
