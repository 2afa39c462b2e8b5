"""What the text UNet reads, and what it must not read."""

from __future__ import annotations

import copy

import pytest
import torch

from course_utils.models.text_unet import ReadText, TextUnet


def small() -> TextUnet:
    torch.manual_seed(0)
    return TextUnet(channels=2, dim=8, dim_mults=(2,), context_dim=6, heads=2).eval()


def inputs(b: int = 3) -> tuple:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(b, 2, 8, 8, generator=rng), torch.rand(b, generator=rng), torch.randn(b, 4, 6, generator=rng)


def test_its_size_is_what_a_checkpoint_may_weigh():
    net = TextUnet()
    assert 1.8e6 < sum(p.numel() for p in net.parameters()) < 2.2e6
    with torch.no_grad():
        assert net(torch.zeros(1, 8, 8, 8), torch.zeros(1), torch.zeros(1, 5, 384)).shape == (1, 8, 8, 8)


def test_time_and_every_token_of_the_own_text_matter_and_no_other_texts():
    net, (z, t, context) = small(), inputs()
    t.requires_grad_(), context.requires_grad_()
    net(z, t, context)[0].square().sum().backward()
    assert t.grad[0] != 0 and (t.grad[1:] == 0).all()
    assert (context.grad[0].abs().sum(dim=1) > 0).all() and (context.grad[1:] == 0).all()


def test_padding_and_the_order_of_tokens_change_nothing():
    net, (z, t, context) = small(), inputs()
    want = net(z, t, context)
    torch.testing.assert_close(net(z, t, torch.cat([context, torch.zeros(3, 5, 6)], dim=1)), want)
    torch.testing.assert_close(net(z, t, context.flip(1)), want)


def test_a_text_of_padding_only_is_finite_and_leaves_the_others_alone():
    net, (z, t, context) = small(), inputs()
    some = context.clone()
    some[0] = 0
    y = net(z, t, some)
    assert y.isfinite().all() and not torch.allclose(y[0], net(z, t, context)[0])
    torch.testing.assert_close(y[1:], net(z, t, context)[1:])


def test_text_is_read_place_by_place():
    torch.manual_seed(0)
    read, x, context = ReadText(8, 6, 2), torch.randn(1, 8, 3, 5, requires_grad=True), torch.randn(1, 4, 6)
    read(x, context, torch.ones(1, 4, dtype=torch.bool))[0, :, 1, 3].square().sum().backward()
    assert x.grad[0].abs().sum(dim=0).nonzero().tolist() == [[1, 3]]


def test_every_parameter_gets_a_gradient_under_autocast_and_channels_last():
    net, (z, t, context) = copy.deepcopy(small()).to(memory_format=torch.channels_last).train(), inputs()
    with torch.autocast("cpu", torch.bfloat16):
        y = net(z.to(memory_format=torch.channels_last), t, context)
    y.float().square().sum().backward()
    # a bias of the keys adds the same to all scores of a query, and the softmax does not see it
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert all(p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "to_k.bias" not in name)


def test_the_network_is_one_graph():
    net, given = small(), inputs()
    with torch.no_grad():
        graph = torch.compile(net, backend="eager", fullgraph=True)
        torch.testing.assert_close(graph(*given), net(*given), rtol=1e-5, atol=1e-6)


def test_a_size_that_cannot_be_halved_is_one_sentence():
    with pytest.raises(ValueError, match=r"^Height and width must be divisible by 2 .* x is 8 × 5\.$"):
        small()(torch.zeros(1, 2, 8, 5), torch.zeros(1), torch.zeros(1, 4, 6))
