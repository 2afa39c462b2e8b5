"""The continuous UNet is the UNet of the chain, asked at 1000·t."""

from __future__ import annotations

import pytest
import torch

from course_utils.models.continuous_unet import ContinuousUnet
from course_utils.models.unet import Unet

ARGS = dict(dim=4, condition_dim=5, dim_mults=(1, 2), channels=1)


def pair() -> tuple[Unet, ContinuousUnet]:
    torch.manual_seed(0)
    chain, continuous = Unet(**ARGS).eval(), ContinuousUnet(**ARGS).eval()
    continuous.load_state_dict(chain.state_dict())
    return chain, continuous


def test_it_is_the_chains_network_at_a_thousand_t():
    chain, continuous = pair()
    x, index = torch.randn(3, 1, 8, 8), torch.tensor([0, 250, 1000])
    for kwargs in ({}, {"text_emb": torch.randn(3, 5)}, {"text_emb": torch.randn(3, 5), "cfg_scale": 2.0}):
        torch.testing.assert_close(continuous(x, index / 1000, kwargs), chain(x, index, kwargs))
    assert not torch.equal(chain(x, index), chain(x, index / 1000))  # else the lines above would prove nothing


def test_an_index_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^Time is a number in \[0, 1\] here, but t is torch.int64"):
        pair()[1](torch.zeros(2, 1, 8, 8), torch.tensor([0, 3]))


def test_times_in_half_precision_lose_nothing_more():
    _, continuous = pair()
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([0.123, 0.9], dtype=torch.bfloat16)
    assert torch.equal(continuous(x, t), continuous(x, t.float()))


def test_every_parameter_gets_a_gradient():
    _, continuous = pair()
    y = continuous(torch.randn(2, 1, 8, 8), torch.rand(2), {"text_emb": torch.randn(2, 5)})
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in continuous.parameters())
