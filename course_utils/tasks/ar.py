"""Probes of notebook 02: masks, the masked convolution, exact likelihoods, sampling, causal attention.

Each probe sees one task only: the mask that the convolution works with is a stand-in's, and models that are sampled
from leave either no chance at all or one whose frequency is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import shape_of, task
from course_utils.tasks.draws import Rng, fill, stand_ins

NOTEBOOK = "02_autoregressive"
QUESTIONS = {"ar.1": 5, "ar.2": 5, "ar.3": 5, "ar.4": 5}  # points, graded by hand


# Masks

def _mask_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(half=rng.integers(low=2, high=5))


@task("ar.causal_mask", inputs=_mask_inputs)
def causal_mask(nb, half):
    """Both types for a drawn odd size; then for 3, and for a kernel of one pixel."""
    size = 2 * int(half) + 1
    yield dict(mask_A=nb.causal_mask(size, "A"), mask_B=nb.causal_mask(size, "B"))
    yield dict(mask_A_of_3=nb.causal_mask(3, "A"), mask_B_of_3=nb.causal_mask(3, "B"))
    yield dict(mask_A_of_1=nb.causal_mask(1, "A"), mask_B_of_1=nb.causal_mask(1, "B"))


def _mask(kernel_size: int, mask_type: str) -> Tensor:
    """In the place of causal_mask: the same, with one pixel more hidden, so that a fixed mask is not taken for it."""
    place = torch.arange(kernel_size**2).reshape(kernel_size, kernel_size)
    centre = kernel_size**2 // 2
    return ((place < centre + (mask_type == "B")) & (place != 1)).float()


# The convolution

def _conv_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(2, 2, 6, 7), upstream=rng.normal(2, 3, 6, 7), pool=rng.normal(499),
                other_pool=rng.normal(499))


def _conv(nb: Any, mask_type: str, size: int, pool: Tensor) -> nn.Module:
    """The notebook's layer on our mask, filled: also where the mask is 0, as after a step with weight decay."""
    if "forward" not in vars(nb.MaskedConv2d):
        raise NotImplementedError("MaskedConv2d has no forward yet; run the cell of ar.MaskedConv2d.forward (again).")
    with stand_ins(nb, causal_mask=_mask):
        return fill(nb.MaskedConv2d(mask_type, 2, 3, size), pool)


def _call(conv: nn.Module, x: Tensor) -> Tensor:
    """The layer's answer; a sentence of ours where torch's would lead astray."""
    try:
        return conv(x)
    except RuntimeError as e:
        if "must match the size" in str(e):
            raise ValueError("the mask (k, k) is multiplied with a tensor whose last two axes have other "
                             "sizes.") from None
        raise


@task("ar.MaskedConv2d.forward", inputs=_conv_inputs)
def masked_conv2d_forward(nb, x, upstream, pool, other_pool):
    """Values of both types and two sizes, gradients where the mask is 1, and the values after all weights changed."""
    x.requires_grad_()
    for mask_type, size in (("B", 5), ("A", 3)):
        where = f"_of_{mask_type}_{size}"
        with stand_ins(nb, causal_mask=_mask):
            conv = _conv(nb, mask_type, size, pool)
            weight, bias = conv.weight, conv.bias
            out = _call(conv, x)
            yield {f"out{where}": out}
            grads = torch.autograd.grad(out, [x, weight, bias], upstream, allow_unused=True)
            grad_x, grad_weight, grad_bias = (torch.zeros_like(p) if g is None else g
                                              for p, g in zip((x, weight, bias), grads, strict=True))
            yield {f"grad_x{where}": grad_x, f"grad_weight{where}": grad_weight * _mask(size, mask_type),
                   f"grad_bias{where}": grad_bias}
            _refill(weight, bias, other_pool)
            yield {f"out_after_a_step{where}": _call(conv, x)}


@torch.no_grad()
def _refill(weight: Tensor, bias: Tensor, pool: Tensor) -> None:
    """What an optimizer does that knows nothing of masks: it writes into every weight."""
    weight.copy_(pool[:weight.numel()].reshape(weight.shape) / 4)
    bias.copy_(pool[-bias.numel():])


# Likelihoods

def _likelihood_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(logits=2 * rng.normal(4, 4, 4, 4), x=rng.integers(4, 4, 4, high=4), upstream=rng.normal(4),
                wide=rng.normal(2, 3, 4, 5), wide_x=rng.integers(2, 4, 5, high=3))


@task("ar.log_likelihood", inputs=_likelihood_inputs)
def log_likelihood(nb, logits, x, upstream, wide, wide_x):
    """Values (all sides equal, so that a wrong axis is seen by its number), gradient, other sides, large images."""
    logits.requires_grad_()
    out = nb.log_likelihood(logits, x)
    yield dict(log_p=out)
    grad, = torch.autograd.grad(out, logits, upstream, allow_unused=True)
    yield dict(grad_logits=torch.zeros_like(logits) if grad is None else grad)
    yield dict(log_p_of_wide_images=nb.log_likelihood(wide, wide_x))
    yield dict(log_p_of_large_images=nb.log_likelihood(wide.repeat(1, 1, 12, 12), wide_x.repeat(1, 12, 12)))
    yield dict(log_p_of_sharp_logits=nb.log_likelihood(100 * wide, wide_x))


def _bits_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(nll=rng.uniform(4, low=200.0, high=900.0), dims=rng.integers(low=700, high=3000))


@task("ar.nll_to_bits", inputs=_bits_inputs)
def nll_to_bits(nb, nll, dims):
    """For several images, for a single number, and for pictures of fair coins."""
    yield dict(bits_per_dim=nb.nll_to_bits(nll, int(dims)))
    yield dict(bits_per_dim_of_one_image=nb.nll_to_bits(nll[0], 3))
    yield dict(bits_per_dim_of_fair_coins=nb.nll_to_bits(torch.tensor([9, 784]) * math.log(2), 784))


# Sampling

class _Model(nn.Module):
    """What is sampled from: a module with a parameter, as networks are, that refuses what is no picture of levels."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(()))
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.is_floating_point():
            raise ValueError(f"the model takes levels, (b, h, w) of integers, but it was given {tuple(x.shape)} of "
                             f"{str(x.dtype).removeprefix('torch.')}.")
        self.calls += 1
        return self.logits(x)


class _Sure(_Model):
    """A model without chance: every pixel is `offsets` plus a sum of earlier pixels, modulo the number of levels.

    It sees the pixel to the left and the three above, so that any other order than row by row gives other pictures.
    """

    def __init__(self, offsets: Tensor, levels: int):
        super().__init__()
        self.offsets, self.levels = offsets, levels

    def logits(self, x: Tensor) -> Tensor:
        h, w = x.shape[1:]
        padded = nn.functional.pad(x, (1, 1, 1, 0))
        left, above = padded[:, 1:, :w], [padded[:, :h, k:k + w] for k in range(3)]
        level = (self.offsets[:h, :w] + left + above[0] + 2 * above[1] + 3 * above[2]) % self.levels
        return 1000.0 * nn.functional.one_hot(level, self.levels).movedim(-1, 1)


_LOGITS = torch.tensor([6.0, 6.0 + math.log(9)])  # the second level has 9/10


class _Coins(_Model):
    """A model whose pixels are independent coins."""

    def logits(self, x: Tensor) -> Tensor:
        return _LOGITS.reshape(1, 2, 1, 1).expand(len(x), 2, *x.shape[1:])


_SHARES = (0.5, 0.5774, 0.75, 0.9, 0.9878, 1.0)  # of the second level, under a temperature of 2 and other ways


def _share(x: Tensor) -> Tensor:
    """The share of the second level, as the nearest of the values that are known."""
    share = (x == 1).double().mean()
    known = torch.tensor(_SHARES, dtype=torch.float64)
    return known[(known - share).abs().argmin()]


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(offsets=rng.integers(6, 6, high=5), seeds=rng.integers(4, high=2**31))


@task("ar.sample", inputs=_sample_inputs)
def sample(nb, offsets, seeds):
    """Models that leave no chance, of one image and of more; frequencies at two temperatures; what a generator does."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = _Sure(offsets, 5)
        square = nb.sample(model, (1, 4, 4))
        yield dict(image=square)
        yield dict(one_call_for_each_pixel=torch.tensor(model.calls >= 16))
        yield dict(wide_images=nb.sample(_Sure(offsets, 4), (3, 3, 5)))
        yield from _frequencies(nb)
        yield from _generators(nb, *map(int, seeds))


def _frequencies(nb: Any) -> Iterator[dict[str, Tensor]]:
    """Of 2,450 coins: seven standard deviations lie between a right share and being taken for another."""
    at_2 = nb.sample(_Coins(), (50, 7, 7), temperature=2.0)
    yield dict(shape_of_many_images=shape_of(at_2))
    yield dict(share_of_the_likelier_level_at_temperature_2=_share(at_2))
    at_1 = nb.sample(_Coins(), (50, 7, 7))
    yield dict(share_of_the_likelier_level=_share(at_1), images_of_a_batch_differ=(at_1 != at_1[:1]).any(),
               pixels_of_an_image_differ=(at_1 != at_1[:, :1, :1]).any())


def _generators(nb: Any, first: int, second: int, third: int, fourth: int) -> Iterator[dict[str, Tensor]]:
    """Two calls with one seed are equal whatever the global generator does; with others, or without, they differ."""

    def draw_with(seed: int | None, state: int) -> Tensor:
        torch.manual_seed(state)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return nb.sample(_Coins(), (4, 5, 5), generator=generator)

    same, again = draw_with(first, third), draw_with(first, fourth)
    yield dict(one_seed_gives_the_same_images=(same == again).all())
    yield dict(another_seed_gives_others=(same != draw_with(second + 2**31, third)).any())
    yield dict(without_a_generator_calls_differ=(draw_with(None, third) != draw_with(None, fourth + 2**31)).any())


# Attention

def _attention_inputs(rng: Rng) -> dict[str, Tensor]:
    return {name: rng.normal(2, 3, 6, 4) for name in ("q", "k", "v", "upstream")} | dict(same=rng.normal(3, 3, 3, 3))


@task("ar.causal_attention", inputs=_attention_inputs)
def causal_attention(nb, q, k, v, upstream, same):
    """Values, gradients, one token alone, all sides equal, and scores that are large."""
    for x in (q, k, v):
        x.requires_grad_()
    out = nb.causal_attention(q, k, v)
    yield dict(out=out)
    grads = torch.autograd.grad(out, [q, k, v], upstream, allow_unused=True)
    yield {f"grad_{name}": torch.zeros_like(x) if g is None else g
           for name, x, g in zip("qkv", (q, k, v), grads, strict=True)}
    yield dict(of_one_token=nb.causal_attention(q[:, :, :1], k[:, :, :1], v[:, :, :1]),
               all_sides_equal=nb.causal_attention(same, same.flip(0), same.flip(1)))
    yield dict(of_large_scores=nb.causal_attention(100 * q.detach(), k.detach(), v.detach()))
