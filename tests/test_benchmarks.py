"""Both sides of a benchmark compute the same: tiny sizes, no timing."""

from __future__ import annotations

import pytest
import torch

from course_utils import bench, zoo
from course_utils.models.fast import Fast
from course_utils.paths import DiscreteVP, linear_betas


@pytest.fixture
def case():
    torch.manual_seed(0)
    net = zoo.build("unet", {"dim": 4, "condition_dim": 5, "dim_mults": [1, 2], "channels": 1}).eval()
    rng = torch.Generator().manual_seed(0)
    return bench.load("slider").Case(net, torch.randn(2, 1, 8, 8, generator=rng), torch.randn(2, 5, generator=rng),
                                     DiscreteVP(linear_betas(40)))


def test_the_sliders_ddim_is_diffusers(case):
    ours = case.ddim(Fast(case.net, compile=None, dtype=torch.float32), steps=10)
    assert torch.allclose(ours, case.textbook(steps=10), atol=1e-4)


def test_the_slider_comes_near_the_converged_picture(case):
    slider = case.slider(Fast(case.net, compile=None, dtype=torch.float32))
    ours, converged = slider(1.0), case.converged()
    assert (ours - converged).square().mean().sqrt() < 0.2 * converged.std()
