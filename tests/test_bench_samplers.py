"""Both sides of the samplers' benchmark reach the same picture."""

from __future__ import annotations

import pytest
import torch

from course_utils import bench

CASES = list(bench.load("samplers").cases())


@pytest.mark.parametrize("case", [c for c in CASES if "alone" not in c.name], ids=lambda case: case.name)
def test_both_sides_reach_the_same_picture(case):
    ours, theirs = (torch.manual_seed(0) and side() for side in (case.ours, case.peer))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.abs().max().item())


def test_the_noise_alone_is_as_much_as_a_sampler_draws():
    for case in (c for c in CASES if "alone" in c.name):
        after = []
        for side in (case.ours, case.peer):
            torch.manual_seed(0)
            side()
            after.append(torch.get_rng_state())
        assert torch.equal(*after)
