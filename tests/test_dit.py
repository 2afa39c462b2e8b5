"""Notebook 13 against known answers: torch's shuffles, convolutions and attention, and the library's own networks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import notebooks
from course_utils.models import dit, video
from course_utils.models.attention import JointAttention, SelfAttention
from course_utils.tasks.blocks import Attend, known_modulate

CASES = [(1, 3, 4, 6, 1), (2, 3, 6, 4, 2), (3, 1, 9, 3, 3), (2, 5, 4, 4, 4)]  # b, c, h, w, p


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("13"))


def noise(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- pictures as sequences


@pytest.mark.parametrize(("b", "c", "h", "w", "p"), CASES)
def test_tokens_are_torchs_unshuffled_pixels_and_the_librarys_patches(nb, b, c, h, w, p):
    x = noise(b, c, h, w)
    tokens = nb.patchify(x, p)
    unshuffled = F.pixel_unshuffle(x, p).unflatten(1, (c, p * p))  # (b, c, p·p, h/p, w/p)
    assert torch.equal(tokens, unshuffled.permute(0, 3, 4, 2, 1).flatten(3).flatten(1, 2))
    assert torch.equal(tokens, dit.patchify(x, p))


@pytest.mark.parametrize(("b", "c", "h", "w", "p"), CASES)
def test_there_and_back_is_the_identity_either_way(nb, b, c, h, w, p):
    x, tokens = noise(b, c, h, w), noise(b, h * w // p**2, p * p * c)
    assert torch.equal(nb.unpatchify(nb.patchify(x, p), p, h, w), x)
    assert torch.equal(nb.patchify(nb.unpatchify(tokens, p, h, w), p), tokens)


def test_a_linear_layer_of_patches_is_a_convolution_with_a_stride(nb):
    x, conv = noise(2, 3, 6, 4), nn.Conv2d(3, 5, kernel_size=2, stride=2).double()
    weight = conv.weight.permute(0, 2, 3, 1).flatten(1)  # its numbers in a token's order
    torch.testing.assert_close(F.linear(nb.patchify(x, 2), weight, conv.bias), conv(x).flatten(2).transpose(1, 2))


# ---- time and class


def blocks(nb, dim: int = 8, heads: int = 2) -> tuple[nn.Module, nn.Module]:
    """The notebook's block and the library's, with the same weights."""
    torch.manual_seed(0)
    own, library = nb.DiTBlock(dim, heads).double(), dit.DiTBlock(dim, Alone(dim, heads), 4).double()
    weights = {name.replace("attention.", "attention.layer."): p for name, p in own.state_dict().items()}
    library.load_state_dict(weights)
    return own, library


class Alone(nn.Module):
    """Self-attention without a text."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.layer = SelfAttention(dim, heads)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return self.layer(x), context


def test_modulated_tokens_are_the_librarys_and_a_norms_with_weight_and_bias(nb):
    x, shift, scale = noise(3, 5, 4), noise(3, 4, seed=1), noise(3, 4, seed=2)
    out = nb.modulate(x, shift, scale)
    torch.testing.assert_close(out, dit.modulate(x, shift, scale))
    for one, s, a, row in zip(x, shift, scale, nb.modulate(F.layer_norm(x, (4,)), shift, scale), strict=True):
        torch.testing.assert_close(row, F.layer_norm(one, (4,), weight=1 + a, bias=s))
    assert torch.equal(nb.modulate(x, 0 * shift, 0 * scale), x)


def test_a_block_is_the_librarys_and_knows_no_order_of_tokens(nb):
    own, library = blocks(nb)
    x, c = noise(3, 5, 8), noise(3, 8, seed=1)
    out = own(x, c)
    torch.testing.assert_close(out, library(x, c, None, None)[0])
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(own(x[:, order], c), out[:, order])


def test_a_fresh_block_is_the_identity_and_moves_by_its_modulation_alone(nb):
    block, _ = blocks(nb)
    nb.adaln_zero_init(block)
    x, c = noise(3, 5, 8), noise(3, 8, seed=1)
    out = block(x, c)
    assert torch.equal(out, x)
    (out - noise(3, 5, 8, seed=2)).square().mean().backward()
    moved = {name for name, p in block.named_parameters() if p.grad.abs().max() > 0}
    assert moved == {"modulation.1.weight", "modulation.1.bias"}
    assert (block.modulation[-1].weight.grad.unflatten(0, (6, 8)).abs().amax(dim=(1, 2)) > 0).tolist() == [
        False, False, True, False, False, True]  # the gates


@pytest.mark.parametrize("text", ["cross", "joint"])
def test_zeros_are_those_of_the_librarys_transformer(nb, text):
    torch.manual_seed(0)
    net = dit.DiT(channels=2, size=4, patch=1, dim=16, depth=2, heads=2, context_dim=6, text=text)
    fresh = {name: p.clone() for name, p in net.state_dict().items()}
    with torch.no_grad():
        for module in net.modules():
            for layer in [*getattr(module, "modulation", [])[-1:], *filter(None, [getattr(module, "head", None)])]:
                layer.weight.normal_(), layer.bias.normal_()
    nb.adaln_zero_init(net)
    assert all(torch.equal(p, fresh[name]) for name, p in net.state_dict().items())


# ---- text


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_joint_attention_is_the_librarys(nb, heads):
    torch.manual_seed(0)
    layer = JointAttention(8, heads).double()
    x, context = noise(3, 5, 8), noise(3, 7, 8, seed=1)
    parts = layer.qkv_x, layer.qkv_context, layer.out_x, layer.out_context
    for got, want in zip(nb.joint_attention(x, context, *parts, heads), layer(x, context), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_with_the_same_layers_for_both_it_is_torchs_attention_of_all_tokens(nb, heads):
    torch.manual_seed(0)
    torchs = nn.MultiheadAttention(8, heads, batch_first=True).double()
    x, context = noise(3, 5, 8), noise(3, 7, 8, seed=1)
    nn.init.normal_(torchs.in_proj_bias), nn.init.normal_(torchs.out_proj.bias)

    def qkv(tokens: Tensor) -> Tensor:
        return F.linear(tokens, torchs.in_proj_weight, torchs.in_proj_bias)

    got = nb.joint_attention(x, context, qkv, qkv, torchs.out_proj, torchs.out_proj, heads)
    both = torch.cat([x, context], dim=1)
    torch.testing.assert_close(torch.cat(got, dim=1), torchs(both, both, both, need_weights=False)[0])


# ---- time


def test_attention_over_time_is_the_librarys_and_torchs_place_by_place(nb):
    torch.manual_seed(0)
    torchs, x = nn.MultiheadAttention(6, 2, batch_first=True).double(), noise(2, 3, 4, 6)

    def attend(tokens: Tensor) -> Tensor:
        return torchs(tokens, tokens, tokens, need_weights=False)[0]

    out = nb.temporal_attention(x, attend)
    torch.testing.assert_close(out, video.temporal_attention(x, attend))
    torch.testing.assert_close(out, torch.stack([attend(x[:, :, i]) for i in range(4)], dim=2))
    assert torch.equal(nb.temporal_attention(x, lambda tokens: tokens), x)


# ---- what the probes' stand-ins promise


def test_the_attention_over_frames_hangs_on_all_frames_and_on_their_order():
    x = noise(2, 3, 1, 5).requires_grad_()
    attend = Attend(x)
    read = attend(x[:, :, 0])
    for i in range(3):
        grad, = torch.autograd.grad(read[0, i].sum(), x, retain_graph=True)
        assert (grad[0] != 0).any(dim=-1).all() and not grad[1].any()
    assert not torch.allclose(attend(x[:, :, 0].flip(1)).flip(1), read)


def test_the_known_modulation_is_the_librarys():
    x, shift, scale = noise(2, 3, 4), noise(2, 4), noise(2, 4, seed=1)
    torch.testing.assert_close(known_modulate(x, shift, scale), dit.modulate(x, shift, scale))
