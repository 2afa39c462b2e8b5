"""What attends to what in a video, and what the network sees of its inputs."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from course_utils.models.dit import adaln_zero_init
from course_utils.models.video import SpaceAndText, SpaceTimeConv, Time, VideoDiT, spatial_attention, temporal_attention


def small() -> VideoDiT:
    """A network as it is after some training: nothing is zero any more."""
    torch.manual_seed(0)
    net = VideoDiT(frames=3, size=8, patch=2, width=8, convs=1, dim=16, depth=2, heads=2, context_dim=6)
    for p in net.parameters():
        nn.init.normal_(p, std=0.3)
    return net


def inputs(b: int = 2) -> tuple:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(b, 3, 1, 8, 8, generator=rng), torch.rand(b, generator=rng), torch.randn(b, 5, 6, generator=rng)


def test_attention_over_space_and_time_equals_the_loops():
    x = torch.randn(2, 3, 4, 5)  # (b, f, n, d), all different
    attend = lambda rows: rows.cumsum(dim=1)  # noqa: E731
    frames = torch.stack([attend(x[:, f]) for f in range(3)], dim=1)
    places = torch.stack([attend(x[:, :, n]) for n in range(4)], dim=2)
    torch.testing.assert_close(spatial_attention(x, attend), frames)
    torch.testing.assert_close(temporal_attention(x, attend), places)


@pytest.mark.parametrize("kind", [SpaceAndText, Time])
def test_a_token_sees_its_frame_or_its_place(kind):
    torch.manual_seed(0)
    net, x, context = kind(8, 2, 3), torch.randn(1, 12, 8, requires_grad=True), torch.randn(1, 5, 8)
    net(x, context, torch.ones(1, 5, dtype=torch.bool))[0][0, 5].square().sum().backward()  # frame 1, place 1
    seen = x.grad[0].abs().sum(dim=1).nonzero().flatten().tolist()
    assert seen == ([4, 5, 6, 7] if kind is SpaceAndText else [1, 5, 9])


def test_two_blocks_see_the_whole_video_the_time_and_the_own_text():
    net, (x, t, context) = small(), inputs()
    x.requires_grad_(), t.requires_grad_(), context.requires_grad_()
    net(x, t, context)[0, 1, 0, 0, 0].square().backward()
    assert (x.grad[0] != 0).all() and t.grad[0] != 0 and (context.grad[0].abs().sum(dim=1) > 0).all()
    assert all((given.grad[1:] == 0).all() for given in (x, t, context))


def test_the_tokens_of_a_frame_come_back_where_they_were():
    net, x = small(), torch.randn(2, 3, 4, 4, 8)
    net.transform = lambda tokens, c, context, mask: tokens
    assert torch.equal(net.attend(x, None, None, None), x)


def test_a_convolution_sees_neighbours_in_space_and_time_and_is_the_identity_while_its_gate_is_zero():
    torch.manual_seed(0)
    conv, x, c = SpaceTimeConv(4, 6), torch.randn(1, 7, 7, 7, 4, requires_grad=True), torch.randn(1, 6)
    conv(x, c)[0, 3, 3, 3].square().sum().backward()
    assert (x.grad.abs().sum(-1)[0] != 0).sum() == 5**3  # two of width 3
    adaln_zero_init(conv)
    assert torch.equal(conv(x, c), x)


def test_padding_changes_nothing():
    net, (x, t, context) = small(), inputs()
    padded = torch.cat([context, torch.zeros(2, 4, 6)], dim=1)
    torch.testing.assert_close(net(x, t, padded), net(x, t, context))
    assert net(x, t, torch.zeros(2, 4, 6)).isfinite().all()


def test_its_size_is_what_a_checkpoint_may_weigh_and_it_starts_at_zero():
    net = VideoDiT()
    assert 2.1e6 < sum(p.numel() for p in net.parameters()) < 2.4e6
    x = torch.randn(2, 8, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(net(x, torch.rand(2), torch.randn(2, 5, 384)), torch.zeros_like(x))


def test_every_parameter_gets_a_gradient_under_autocast():
    net, given = copy.deepcopy(small()), inputs()
    with torch.autocast("cpu", torch.bfloat16):
        y = net(*given)
    y.float().square().sum().backward()
    # a bias of the keys adds the same to all scores of a query, and the softmax does not see it
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert all(p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "to_k.bias" not in name)


def test_the_network_is_one_graph():
    net, given = small(), inputs()
    with torch.no_grad():
        graph = torch.compile(net, backend="eager", fullgraph=True)
        torch.testing.assert_close(graph(*given), net(*given), rtol=1e-5, atol=1e-6)


def test_another_length_is_one_sentence():
    with pytest.raises(ValueError, match="^The network has 12 tokens, but the input has 16.$"):
        small()(torch.zeros(1, 4, 1, 8, 8), torch.zeros(1), torch.zeros(1, 5, 6))
