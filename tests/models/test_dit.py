"""Order of tokens and chunks, the identity at the start, and what each way of reading text sees."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from course_utils.models.dit import (
    DiT,
    DiTBlock,
    Joint,
    SelfAndCross,
    adaln_zero_init,
    modulate,
    patchify,
    unpatchify,
)

KINDS = ["cross", "joint"]


def woken(net: nn.Module) -> nn.Module:
    """`net` as it is after some training: nothing is zero any more."""
    torch.manual_seed(0)
    for p in net.parameters():
        nn.init.normal_(p, std=0.3)
    return net


def small(text: str) -> DiT:
    return DiT(channels=2, size=4, dim=16, depth=2, heads=2, context_dim=6, text=text)


def inputs(b: int = 3) -> tuple:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(b, 2, 4, 4, generator=rng), torch.rand(b, generator=rng), torch.randn(b, 3, 6, generator=rng)


def test_patches_go_by_rows_and_inside_one_pixels_go_before_channels():
    x = torch.arange(2 * 3 * 4 * 6).view(2, 3, 4, 6)
    tokens = patchify(x, 2)
    assert tokens.shape == (2, 6, 12)
    for row in range(2):
        for column in range(3):
            patch = x[:, :, 2 * row:2 * row + 2, 2 * column:2 * column + 2]
            assert torch.equal(tokens[:, 3 * row + column], patch.permute(0, 2, 3, 1).flatten(1))
    assert torch.equal(unpatchify(tokens, 2, 4, 6), x)


def test_patches_that_do_not_fill_the_image_are_one_sentence():
    with pytest.raises(ValueError, match="^Patches of 3 × 3 do not fill an image of 6 × 4.$"):
        patchify(torch.zeros(1, 1, 6, 4), 3)


def test_a_zero_scale_and_shift_change_nothing():
    x, c = torch.randn(2, 3, 4), torch.randn(2, 4)
    assert torch.equal(modulate(x, torch.zeros(2, 4), torch.zeros(2, 4)), x)
    torch.testing.assert_close(modulate(x, c, 2 * c)[1, 2], x[1, 2] * (1 + 2 * c[1]) + c[1])


@pytest.mark.parametrize("attention", [SelfAndCross(8, 2), Joint(8, 2, last=True)])
def test_a_block_of_adaln_zero_is_the_identity(attention):
    block = woken(DiTBlock(8, attention, 2))
    given = torch.randn(2, 5, 8), torch.randn(2, 8), torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)
    assert not torch.allclose(block(*given)[0], given[0])
    adaln_zero_init(block)
    assert torch.equal(block(*given)[0], given[0])


def test_the_six_chunks_are_shift_scale_gate_for_attention_then_for_the_mlp():
    block = DiTBlock(4, SelfAndCross(4, 2), 2)
    x, context, mask = torch.randn(1, 5, 4), torch.randn(1, 3, 4), torch.ones(1, 3, dtype=torch.bool)
    chunks = torch.randn(6, 4)
    block.modulation[-1].weight.data.zero_()
    block.modulation[-1].bias.data = chunks.flatten()
    a = block.attention(block.norm1(x) * (1 + chunks[1]) + chunks[0], context, mask)[0]
    middle = x + chunks[2] * a
    want = middle + chunks[5] * block.mlp(block.norm2(middle) * (1 + chunks[4]) + chunks[3])
    torch.testing.assert_close(block(x, torch.randn(1, 4), context, mask)[0], want)


@pytest.mark.parametrize("text", KINDS)
def test_its_size_is_what_a_checkpoint_may_weigh_and_it_starts_at_zero(text):
    net = DiT(text=text)
    assert 1.7e6 < sum(p.numel() for p in net.parameters()) < 2.2e6
    with torch.no_grad():
        assert torch.equal(net(torch.randn(1, 8, 8, 8), torch.rand(1), torch.randn(1, 5, 384)), torch.zeros(1, 8, 8, 8))


@pytest.mark.parametrize("text", KINDS)
def test_every_place_sees_every_place_the_time_and_its_own_text(text):
    net, (z, t, context) = woken(small(text)), inputs()
    z.requires_grad_(), t.requires_grad_(), context.requires_grad_()
    net(z, t, context)[0, :, 0, 0].square().sum().backward()
    assert (z.grad[0] != 0).all() and t.grad[0] != 0 and (context.grad[0].abs().sum(dim=1) > 0).all()
    assert all((given.grad[1:] == 0).all() for given in (z, t, context))


@pytest.mark.parametrize("text", KINDS)
def test_padding_and_the_order_of_tokens_change_nothing(text):
    net, (z, t, context) = woken(small(text)), inputs()
    want = net(z, t, context)
    torch.testing.assert_close(net(z, t, torch.cat([context, torch.zeros(3, 5, 6)], dim=1)), want)
    torch.testing.assert_close(net(z, t, context.flip(1)), want)
    assert net(z, t, torch.zeros(3, 5, 6)).isfinite().all()


def test_places_are_told_apart():
    net, (z, t, context) = woken(small("cross")), inputs()
    turned = net(z.flip(3), t, context).flip(3)
    assert not torch.allclose(turned, net(z, t, context))
    nn.init.zeros_(net.positions)  # without positions it is a function of a set
    torch.testing.assert_close(net(z.flip(3), t, context).flip(3), net(z, t, context))


@pytest.mark.parametrize("text", KINDS)
def test_every_parameter_gets_a_gradient_under_autocast_and_channels_last(text):
    net, (z, t, context) = copy.deepcopy(woken(small(text))), inputs()
    with torch.autocast("cpu", torch.bfloat16):
        y = net(z.to(memory_format=torch.channels_last), t, context)
    y.float().square().sum().backward()
    # a bias of the keys adds the same to all scores of a query, and the softmax does not see it
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert all(p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "to_k.bias" not in name)


@pytest.mark.parametrize("text", KINDS)
def test_the_network_is_one_graph(text):
    net, given = woken(small(text)), inputs()
    with torch.no_grad():
        graph = torch.compile(net, backend="eager", fullgraph=True)
        torch.testing.assert_close(graph(*given), net(*given), rtol=1e-5, atol=1e-6)


def test_another_way_of_reading_is_one_sentence():
    with pytest.raises(ValueError, match="""^Text is read by "cross" or "joint" attention, not by 'add'.$"""):
        small("add")


def test_another_number_of_tokens_is_one_sentence():
    with pytest.raises(ValueError, match="^The network has 16 tokens, but the input has 32.$"):
        small("cross")(torch.zeros(1, 2, 4, 8), torch.zeros(1), torch.zeros(1, 3, 6))
