"""The critic of patches."""

from __future__ import annotations

import torch
from models.contract import assert_keeps_the_contract, parameters

from course_utils.models.critic import Critic


def test_a_logit_sees_its_patch_and_nothing_else():
    torch.manual_seed(0)
    critic, x = Critic(dims=(8, 8)).double(), torch.randn(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    logits = critic(x)
    assert logits.shape == (2, 1, 8, 8)
    gradient = torch.autograd.grad(logits[1, 0, 3, 4], x)[0].abs().sum(dim=1)  # (2, 32, 32)
    seen = torch.zeros(2, 32, 32, dtype=torch.bool)
    seen[1, 4 * 3 - 7:4 * 3 + 11, 4 * 4 - 7:4 * 4 + 11] = True  # 18 × 18 around the 4 × 4 pixels of the logit
    assert torch.equal(gradient != 0, seen)


def test_it_keeps_the_contract():
    torch.manual_seed(0)
    assert_keeps_the_contract(Critic(), torch.randn(2, 3, 32, 32))


def test_parameter_count():
    assert parameters(Critic()) == 135_681
