"""Probes of notebook 13: patches, modulation, a block and its start, attention of two streams and over time.

Each probe sees one task only: the parts of a block and the function that attends are small curved stand-ins. Where as
many samples as tokens and channels are given, a tensor without the right axes broadcasts and is seen by its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import blocks, shape_of, task
from course_utils.tasks.blocks import Part, known_modulate, pair_of, stack, start, tensor_of
from course_utils.tasks.draws import Rng, fill, stand_ins, watch
from course_utils.tasks.pipes import Layer
from course_utils.tasks.players import weights_of
from course_utils.tasks.refusals import answer_of

NOTEBOOK = "13_dit"
QUESTIONS = {"dit.1": 5, "dit.2": 5, "dit.3": 5}  # points, graded by hand


def _gradients(out: Tensor, what: str = "", **of: Tensor) -> dict[str, Tensor]:
    """Of the mean square of `out`, by name; 0 where none comes."""
    found = answer_of(lambda: torch.autograd.grad(out.square().mean(), list(of.values()), retain_graph=True,
                                             materialize_grads=True))
    return {f"gradient_{what}of_{name}": g for name, g in zip(of, found, strict=True)}


# ---- pictures as sequences

def _images(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(2, 3, 6, 4), square=rng.normal(2, 1, 6, 6))


@task("dit.patchify", inputs=_images)
def patchify(nb, x, square):
    """One token and the next, all; the gradient; other patches, the largest and the smallest; one image, float64."""
    def ask(x: Tensor, p: int = 2) -> Tensor:
        return tensor_of(lambda: nb.patchify(x, p))

    tokens = ask(x)
    yield dict(shape_of_tokens=shape_of(tokens))
    first, second = tokens.flatten()[:24].split(12)
    yield dict(first_token_of_the_first_image=first, second_token_of_the_first_image=second)
    yield dict(tokens=tokens)
    yield _gradients(ask(of_x := x.clone().requires_grad_()), x=of_x)
    yield dict(tokens_where_p_is_3=ask(square, 3), tokens_where_a_patch_is_an_image=ask(square, 6),
               tokens_where_a_patch_is_a_pixel=ask(x, 1))
    yield dict(tokens_of_one_image=ask(x[:1]), tokens_in_float64=ask(x.double()))


def _tokens(rng: Rng) -> dict[str, Tensor]:
    return dict(tokens=rng.normal(2, 6, 12), of_squares=rng.normal(2, 4, 9))


@task("dit.unpatchify", points=5, inputs=_tokens)
def unpatchify(nb, tokens, of_squares):
    """One row of pixels, all; the gradient; other patches, the largest and the smallest; one image, float64."""
    def ask(tokens: Tensor, p: int = 2, h: int = 6, w: int = 4) -> Tensor:
        return tensor_of(lambda: nb.unpatchify(tokens, p, h, w))

    images = ask(tokens)
    yield dict(shape_of_images=shape_of(images))
    yield dict(first_row_of_the_first_image=images.flatten()[:4])
    yield dict(images=images)
    yield _gradients(ask(of_tokens := tokens.clone().requires_grad_()), tokens=of_tokens)
    yield dict(images_where_p_is_3=ask(of_squares, 3, 6, 6),
               images_where_a_patch_is_an_image=ask(of_squares.reshape(2, 1, 36), 6, 6, 6),
               images_where_a_patch_is_a_pixel=ask(tokens.reshape(2, 24, 3), 1))
    yield dict(images_of_one=ask(tokens[:1]), images_in_float64=ask(tokens.double()))


# ---- time and class

def _modulate_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(3, 3, 3), shift=rng.normal(3, 3), scale=rng.normal(3, 3), others=rng.normal(2, 5, 3))


@task("dit.modulate", points=5, inputs=_modulate_inputs)
def modulate(nb, x, shift, scale, others):
    """As many samples as tokens and channels; without a shift, without a scale; gradients; other sizes, float64."""
    def ask(*given: Tensor) -> Tensor:
        return tensor_of(lambda: nb.modulate(*given))

    asked = [part.clone().requires_grad_() for part in (x, shift, scale)]
    out = ask(x, shift, scale)
    yield dict(shape_of_out=shape_of(out))
    yield dict(out_where_shift_is_0=ask(x, 0 * shift, scale), out_where_scale_is_0=ask(x, shift, 0 * scale), out=out)
    yield _gradients(ask(*asked), x=asked[0], shift=asked[1], scale=asked[2])
    yield dict(out_of_two_samples_of_five_tokens=ask(others, shift[:2], scale[:2]),
               out_of_one_token=ask(others[:, :1], shift[:2], scale[:2]),
               out_of_one_sample=ask(others[:1], shift[:1], scale[:1]))
    yield dict(out_in_float64=ask(x.double(), shift.double(), scale.double()))


def _block(nb: Any, pool: Tensor, closed: tuple[int, ...] = ()) -> nn.Module:
    """The notebook's DiTBlock of 4 channels with our parts; these chunks of its modulation are 0."""
    if nb.DiTBlock.forward is nn.Module.forward:  # its cell may have been run again after the task's
        raise NotImplementedError("DiTBlock has no forward yet; run the cell of dit.DiTBlock.forward (again).")
    block = nb.DiTBlock(4, 2)
    block.attention, block.mlp = blocks.Attention(4), blocks.Mlp(4)
    block.modulation = nn.Sequential(nn.SiLU(), nn.Linear(4, 24))
    fill(block, pool, scale=0.7)
    with torch.no_grad():
        for p in block.modulation[-1].parameters():
            p.unflatten(0, (6, 4))[list(closed)] = 0
    return block


def _block_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(6, 6, 4), c=rng.normal(6, 4), others=rng.normal(2, 5, 4), pool=rng.normal(997))


@task("dit.DiTBlock.forward", points=15, inputs=_block_inputs)
def block_forward(nb, x, c, others, pool):
    """Without gates, with either gate alone, with both; gradients; other sizes, one token, one sample, float64."""
    def ask(x: Tensor, c: Tensor, *closed: int) -> Tensor:
        return tensor_of(lambda: _block(nb, pool, closed).to(x.dtype)(x, c))

    with stand_ins(nb, modulate=known_modulate):
        block = _block(nb, pool)
        seen = watch(block.modulation, block.norm1, block.attention, block.norm2, block.mlp)
        try:
            out = tensor_of(lambda: block(x, c))
        except Exception:
            yield dict(what_the_parts_got=torch.tensor(seen))
            raise
        yield dict(shape_of_out=shape_of(out))
        yield dict(out_where_both_gates_are_0=ask(x, c, 2, 5), out_where_the_mlps_gate_is_0=ask(x, c, 5),
                   out_where_the_attentions_gate_is_0=ask(x, c, 2), out=out)
        of_x, of_c = x.clone().requires_grad_(), c.clone().requires_grad_()
        yield _gradients(ask(of_x, of_c), x=of_x, c=of_c)
        yield dict(out_of_two_samples_of_five_tokens=ask(others, c[:2]), out_of_one_token=ask(others[:, :1], c[:2]),
                   out_of_one_sample=ask(others[:1], c[:1]), out_in_float64=ask(x.double(), c.double()))


# ---- the start

def _transformer() -> nn.Module:
    """As a DiT: blocks, and a modulation and a head of its own."""
    blocks = [Part(modulation=stack(nn.Linear(3, 18)), mlp=nn.Linear(3, 3)) for _ in range(2)]
    return Part(blocks=nn.ModuleList(blocks), modulation=stack(nn.Linear(3, 6)), head=nn.Linear(3, 2),
                 embed=nn.Linear(2, 3), norm=nn.LayerNorm(3))


def _tree() -> nn.Module:
    """Blocks deep in a network, one with a longer modulation; the head lies inside; a layer has nearly its name."""
    deep = Part(modulation=stack(nn.Linear(3, 4), nn.SiLU(), nn.Linear(4, 18)), attention=Part(
        to_head=nn.Linear(3, 3), modulation_free=nn.Linear(3, 3)))
    inner = Part(layers=nn.ModuleList([Part(part=deep), Part(modulation=stack(nn.Linear(3, 12)))]),
                  head=nn.Linear(3, 5))
    return Part(net=inner, out=nn.Linear(5, 5))


def _lone_block() -> nn.Module:
    return Part(modulation=stack(nn.Linear(3, 18)), mlp=nn.Linear(3, 3))


def _changes_a_tree(nb: Any, pool: Tensor) -> Tensor:
    tree = fill(_tree(), pool)
    before = weights_of(tree)
    with suppress(Exception):
        nb.adaln_zero_init(tree)
    return torch.tensor(not torch.equal(weights_of(tree), before))


@task("dit.adaln_zero_init", inputs=lambda rng: dict(pool=rng.normal(97)))
def adaln_zero_init(nb, pool):
    """All weights of a transformer, of a tree, of one block alone; that the parameters are still the model's own."""
    for where, build in (("", _transformer), (" of a network in a network", _tree), (" of one block", _lone_block)):
        model = fill(build(), pool)
        before = list(model.parameters())
        try:
            start(nb, model)
        except blocks.Unchanged:
            yield {"a network in a network changes": _changes_a_tree(nb, pool)}
            raise
        yield {f"{name}{where}": p for name, p in model.named_parameters()}
        after = list(model.parameters())
        yield {f"all parameters{where} are still the same objects": torch.tensor(
            len(before) == len(after) and all(p is q for p, q in zip(before, after, strict=True)))}
        yield {f"all parameters{where} still ask for gradients": torch.tensor(all(p.requires_grad for p in after))}


# ---- two streams

_LAYERS = {"qkv_x takes tokens": blocks.NotQkvX, "qkv_context takes tokens": blocks.NotQkvContext,
           "out_x takes tokens": blocks.NotOutX, "out_context takes tokens": blocks.NotOutContext}


def _joint_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(2, 3, 8), context=rng.normal(2, 6, 8), qkv=0.5 * rng.normal(2, 24, 8),
                out=0.4 * rng.normal(2, 8, 8), biases=rng.normal(64))


@task("dit.joint_attention", points=15, inputs=_joint_inputs)
def joint_attention(nb, x, context, qkv, out, biases):
    """Four heads, both streams; gradients of either; other heads, equal streams, one token, large scores, float64."""
    layers = [Layer(w, b, *how) for w, b, how in zip((*qkv, *out), biases.split([24, 24, 8, 8]), _LAYERS.items(),
                                                     strict=True)]

    def ask(x: Tensor, context: Tensor, heads: int = 4) -> tuple[Tensor, Tensor]:
        return pair_of(lambda: nb.joint_attention(x, context, *layers, heads), x.shape[1] + context.shape[1])

    seen = watch(*layers)
    try:
        of_picture, of_text = ask(x, context)
    except Exception:
        yield dict(what_the_layers_got=torch.tensor(seen))
        raise
    yield dict(shape_of_x=shape_of(of_picture), shape_of_context=shape_of(of_text))
    yield dict(x=of_picture, context=of_text)
    asked = x.clone().requires_grad_(), context.clone().requires_grad_()
    for name, part in zip(("of_x_", "of_context_"), ask(*asked), strict=True):
        yield _gradients(part, name, given_x=asked[0], given_context=asked[1])
    for name, given in {"of_one_head": (x, context, 1), "of_eight_heads": (x, context, 8),
                        "where_both_have_three_tokens": (x, context[:, :3]), "of_one_token_each": (x[:, :1],
                        context[:, :1]), "of_one_sample": (x[:1], context[:1]), "of_large_scores": (40 * x, context),
                        "in_float64": (x.double(), context.double())}.items():
        of_picture, of_text = ask(*given)
        yield {f"x_{name}": of_picture, f"context_{name}": of_text}


# ---- time

def _video_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(2, 3, 4, 5), equal=rng.normal(3, 3, 3, 3))


@task("dit.temporal_attention", inputs=_video_inputs)
def temporal_attention(nb, x, equal):
    """Who looks at whom, values, the gradient; as many frames as places, one frame, place, sample; float64."""
    def ask(x: Tensor) -> Tensor:
        return tensor_of(lambda: nb.temporal_attention(x, blocks.Attend(x)))

    out = ask(x)
    yield dict(shape_of_out=shape_of(out))
    if out.shape == x.shape:
        yield from _who_looks(ask, x)
    yield dict(out=out)
    yield _gradients(ask(of_x := x.clone().requires_grad_()), x=of_x)
    yield dict(out_of_as_many_frames_as_places=ask(equal), out_of_one_frame=ask(x[:, :1]),
               out_of_one_place=ask(x[:, :, :1]), out_of_one_sample=ask(x[:1]), out_in_float64=ask(x.double()))


def _who_looks(ask: Callable[[Tensor], Tensor], x: Tensor) -> Iterator[dict[str, Tensor]]:
    """On which tokens the answer at one place of one frame hangs."""
    x = x.clone().requires_grad_()
    grad, = answer_of(lambda: torch.autograd.grad(ask(x)[0, 1, 2].sum(), x))
    seen = (grad != 0).any(dim=3)  # (b, f, n)
    others = torch.arange(x.shape[2]) != 2
    yield {"a place looks at itself in all frames": seen[0, :, 2].all(),
           "a place looks at other places": seen[0][:, others].any(), "a sample looks at another": seen[1].any()}
