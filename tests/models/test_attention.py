"""Attention against torch's own module and loops over samples; masks and causality by gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_utils.models.attention import CrossAttention, JointAttention, SelfAttention, attend, is_token

HEADS, DIM = 4, 16


def multihead(**options) -> nn.MultiheadAttention:
    torch.manual_seed(0)
    return nn.MultiheadAttention(DIM, HEADS, batch_first=True, **options)


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_is_torchs_own(causal):
    theirs, ours = multihead(), SelfAttention(DIM, HEADS, causal)
    ours.load_state_dict({"qkv.weight": theirs.in_proj_weight, "qkv.bias": theirs.in_proj_bias,
                          "out.weight": theirs.out_proj.weight, "out.bias": theirs.out_proj.bias})
    x = torch.randn(2, 5, DIM)
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
    torch.testing.assert_close(ours(x), theirs(x, x, x, attn_mask=hidden)[0])


def test_cross_attention_with_a_mask_is_torchs_own():
    theirs, ours = multihead(kdim=7, vdim=7), CrossAttention(DIM, 7, HEADS)
    to_q, to_k, to_v = theirs.in_proj_bias.chunk(3)
    ours.load_state_dict({
        "to_q.weight": theirs.q_proj_weight, "to_k.weight": theirs.k_proj_weight, "to_v.weight": theirs.v_proj_weight,
        "to_q.bias": to_q, "to_k.bias": to_k, "to_v.bias": to_v,
        "out.weight": theirs.out_proj.weight, "out.bias": theirs.out_proj.bias})
    x, context, mask = torch.randn(2, 5, DIM), torch.randn(2, 3, 7), torch.tensor([[True, False, True], [True] * 3])
    torch.testing.assert_close(ours(x, context, mask), theirs(x, context, context, key_padding_mask=~mask)[0])


def test_a_causal_query_sees_itself_and_the_past():
    x = torch.randn(1, 5, DIM, requires_grad=True)
    for i, row in enumerate(attend(x, x, x, HEADS, causal=True)[0]):
        seen = torch.autograd.grad(row.square().sum(), x, retain_graph=True)[0][0].abs().sum(dim=1) > 0
        assert seen.tolist() == [j <= i for j in range(5)]


def test_joint_attention_without_a_mask_is_self_attention_over_both():
    torch.manual_seed(0)
    joint, alone = JointAttention(DIM, HEADS), SelfAttention(DIM, HEADS)
    for name in ("x", "context"):
        getattr(joint, f"qkv_{name}").load_state_dict(alone.qkv.state_dict())
        getattr(joint, f"out_{name}").load_state_dict(alone.out.state_dict())
    x, context = torch.randn(2, 5, DIM), torch.randn(2, 3, DIM)
    torch.testing.assert_close(torch.cat(joint(x, context), dim=1), alone(torch.cat([x, context], dim=1)))


def test_each_stream_has_projections_of_its_own_and_sees_the_other():
    torch.manual_seed(0)
    x, context = (torch.randn(1, n, DIM, requires_grad=True) for n in (5, 3))
    joint = JointAttention(DIM, HEADS)
    for out in joint(x, context):
        assert all(grad.abs().sum() > 0 for grad in torch.autograd.grad(out.square().sum(), (x, context),
                                                                         retain_graph=True))
    assert JointAttention(DIM, HEADS, last=True)(x, context)[1] is None


@pytest.mark.parametrize("kind", ["cross", "joint"])
def test_padding_changes_nothing(kind):
    torch.manual_seed(0)
    net = CrossAttention(DIM, DIM, HEADS) if kind == "cross" else JointAttention(DIM, HEADS)
    answer = (lambda *given: net(*given)) if kind == "cross" else (lambda *given: net(*given)[0])
    x, context = torch.randn(2, 5, DIM), torch.randn(2, 3, DIM)
    padded = torch.cat([context, torch.zeros(2, 4, DIM)], dim=1)
    torch.testing.assert_close(answer(x, padded, is_token(padded)), answer(x, context))
    assert not torch.allclose(answer(x, padded), answer(x, context))  # unmasked, it would


def test_a_context_of_padding_only_gives_zeros_and_finite_gradients():
    q, k = torch.randn(2, 5, DIM, requires_grad=True), torch.randn(2, 3, DIM, requires_grad=True)
    mask = torch.tensor([[False] * 3, [True] * 3])
    out = attend(q, k, k, HEADS, mask)
    assert (out[0] == 0).all() and (out[1] != 0).any()
    out.square().sum().backward()
    assert q.grad.isfinite().all() and k.grad.isfinite().all()


def test_it_runs_under_autocast():
    x, mask = torch.randn(2, 5, DIM), torch.tensor([[False] * 5, [True] * 5])
    net = CrossAttention(DIM, DIM, HEADS)
    with torch.autocast("cpu", torch.bfloat16):
        out = net(x, x, mask)
    assert out.dtype is torch.bfloat16
    torch.testing.assert_close(out.float(), net(x, x, mask), rtol=0, atol=0.05)


def test_heads_that_do_not_fit_are_one_sentence():
    x = torch.zeros(1, 2, DIM)
    with pytest.raises(ValueError, match="^3 heads cannot share 16 channels equally.$"):
        attend(x, x, x, 3)
