"""Both sides of the samplers' benchmark do the same work."""

from __future__ import annotations

import pytest
import torch

from course_utils import bench


@pytest.fixture(scope="module")
def cases():
    return list(bench.load("samplers").cases())


def test_both_sides_reach_the_same_picture(cases):
    for case in (c for c in cases if "alone" not in c.name):
        ours, theirs = (torch.manual_seed(0) and side() for side in (case.ours, case.peer))
        off = (ours - theirs).abs().max() / theirs.abs().max()
        assert off < 1e-5, case.name


def test_the_noise_alone_is_as_much_as_a_sampler_draws(cases):
    for case in (c for c in cases if "alone" in c.name):
        after = []
        for side in (case.ours, case.peer):
            torch.manual_seed(0)
            side()
            after.append(torch.get_rng_state())
        assert torch.equal(*after), case.name
