"""Probes of notebook 06: the pieces of the UNet, the network's forward pass, and the average of its weights.

Each probe sees one task only. What the other tasks would supply is replaced, while the probe runs, by stand-ins that
are something else: a norm that only multiplies, blocks without a residual, a condition drop that reads other dice.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import shape_of, task
from course_utils.tasks.draws import Rng, fill, fixed_draws, on_one_device, stand_ins, steady, watch

NOTEBOOK = "06_unet"
QUESTIONS = {"unet.1": 5, "unet.2": 5, "unet.3": 5, "unet.4": 5}  # points, graded by hand


# Stand-ins

class _Gain(nn.Module):
    """In the place of RMSNorm: the same parameter, no norm."""

    def __init__(self, dim: int):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, dim, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + self.g)


class _Powers(nn.Module):
    """In the place of the time embedding: powers of t / 200."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, t: Tensor) -> Tensor:
        return (t[:, None].float() / 200) ** torch.arange(1, self.dim + 1, device=t.device)


class _Mix(nn.Module):
    """In the place of a ResnetBlock: mixes the channels, each with a weight of its own, and adds the context."""

    def __init__(self, dim: int, dim_out: int, context_dim: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim_out, 1)
        self.linear = nn.Linear(context_dim, dim_out)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.conv(x) + self.linear(context)[..., None, None]
        return 0.7 * (h + torch.tanh(h))  # bent, but never flat: what the bottom says is still seen at the top


def _expect_forward(cls: type, id: str) -> None:  # its cell may have been run again after the task's
    if cls.forward is nn.Module.forward:
        raise NotImplementedError(f"{cls.__name__} has no forward yet; run the cell of {id} (again).")


def _otherwise(block: nn.Module, x: Tensor, context: Tensor) -> Tensor:
    """In the place of ResnetBlock's forward: the parts that its `__init__` builds, connected in another way."""
    scale, shift = block.mlp(context)[:, :, None, None].chunk(2, dim=1)
    return torch.tanh(block.block1.proj(x)) * (1 + scale) + block.res_conv(x) + shift


def _no_blocks(dims: list[int], context_dim: int) -> nn.ModuleList:
    return nn.ModuleList()


def _dice(text_emb: Tensor, prob: float, u: Tensor) -> Tensor:
    """In the place of drop_condition: drops where u is near ½, which is as likely, but only for a uniform u."""
    near = (u - 0.5).abs() < (prob / 2 if prob < 1 else torch.inf)
    return torch.where(near[:, None], 0.0, text_emb)


# Probes

@task("unet.SinusoidalPosEmb", inputs=lambda rng: dict(t=rng.timesteps(6, 1000)), atol=1e-3)  # sin(999): about 1e-4
def sinusoidal_pos_emb(nb, t):
    """The device first; then values for integer and floating times; one frequency only, where half − 1 is 0."""
    on_one_device("t", lambda: nb.SinusoidalPosEmb(8)(t.to("meta")))
    emb = nb.SinusoidalPosEmb(8)(t)
    yield dict(emb=emb, at_t0=emb[0], at_floating_times=nb.SinusoidalPosEmb(8)(t / 2))
    yield dict(at_dim_2=nb.SinusoidalPosEmb(2)(t))


def _norm_inputs(rng: Rng) -> dict[str, Tensor]:
    x = rng.normal(3, 6, 4, 5)
    x[0, :, 0, 0] = 0.0
    return dict(x=x + 0.0, upstream=rng.normal(3, 6, 4, 5), pool=rng.normal(97))


@task("unet.RMSNorm", inputs=_norm_inputs)
def rms_norm(nb, x, upstream, pool):
    """Shape of g, values with g filled, gradients (at a pixel of zeros: that they are finite), any scale."""
    norm = nb.RMSNorm(x.shape[1])
    yield dict(shape_of_g=shape_of(norm.g))
    fill(norm, pool, scale=1.0)
    yield dict(out=norm(x))  # x asks for no gradient yet, so what writes into it is told as that
    out = norm(x.requires_grad_())
    if not out.requires_grad:
        raise ValueError("no gradient flows back: x and g are cut off from the answer.")
    grad_x, grad_g = torch.autograd.grad(out[1:], [x, norm.g], upstream[1:], retain_graph=True)
    yield dict(grad_x=grad_x[1:], grad_g=grad_g, of_100_x=norm(100 * x.detach()))
    grad_x, = torch.autograd.grad(out[:1], x, upstream[:1])  # its first pixel is zero in all channels
    yield dict(grad_at_a_zero_pixel_is_finite=torch.isfinite(grad_x).all())


def _block_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(2, 4, 5, 5), context=rng.normal(2, 7), upstream=rng.normal(2, 6, 5, 5),
                pool=rng.normal(997))


def _block(nb: Any, dim_out: int, pool: Tensor) -> tuple[nn.Module, list[int]]:
    _expect_forward(nb.ResnetBlock, "unet.ResnetBlock.forward")
    with stand_ins(nb, RMSNorm=_Gain):
        block = nb.ResnetBlock(4, dim_out, 7)
    block.block1.norm, block.block2.norm = _Gain(dim_out), _Gain(dim_out)
    seen = watch(block.mlp, block.block1, block.dropout, block.block2, block.res_conv)
    for part in (block.block1, block.block2):
        part.register_forward_pre_hook(_four_dimensions, with_kwargs=True)
    return fill(block, pool), seen


def _four_dimensions(block: nn.Module, args: tuple, kwargs: dict) -> None:
    """A sentence of ours, at the student's own line, before Block multiplies an image with what does not fit it."""
    scale_shift = kwargs.get("scale_shift", args[1] if len(args) > 1 else None)
    shapes = [] if scale_shift is None else [tuple(shape_of(part).tolist()) for part in scale_shift]
    if any(len(shape) != 4 for shape in shapes) and len(args) + len(kwargs) == 2:
        raise ValueError(f"Block multiplies images (b, dim_out, h, w), but scale and shift are {shapes}.")


@task("unet.ResnetBlock.forward", inputs=_block_inputs)
def resnet_block_forward(nb, x, context, upstream, pool):
    """Values with and without a change of channels, gradients, and what a dropout of everything leaves."""
    x.requires_grad_(), context.requires_grad_()
    for name, dim_out in {"out": 4, "out_wider": 6}.items():
        block, seen = _block(nb, dim_out, pool)
        try:
            out = steady(partial(block, x, context), "in eval mode, where dropout drops nothing")
        except Exception:
            yield dict(what_the_parts_got=torch.tensor(seen))
            raise
        yield {name: out}
    grad_x, grad_context = torch.autograd.grad(out, [x, context], upstream)
    yield dict(grad_x=grad_x, grad_context=grad_context)
    block.train().dropout.p = 1.0  # drops everything, so no chance is left
    yield dict(all_dropped=steady(partial(block, x, context), "with self.dropout.p = 1, where nothing is left"))


def _build(name: str, build: Any, dims: list[int]) -> Any:
    """What `name` returns; a sentence of ours where that is no module nor a list of them, or `dims` was changed."""
    try:
        blocks = build(given := list(dims), 5)
    except TypeError as e:
        if "list is not a Module subclass" not in str(e):
            raise
        raise TypeError(f"the levels of {name} are plain Python lists, and nn.ModuleList takes modules only.") from None
    if not isinstance(blocks, (nn.Module, list)):
        raise TypeError(f"{name} should return an nn.ModuleList, not {type(blocks).__name__}.")
    if given != dims:
        raise ValueError("the caller's list dims was changed (pop, reverse or the like), and the Unet needs it again.")
    return blocks


def _structure(blocks: nn.Module | list, where: str = "") -> Iterator[dict[str, Tensor]]:
    """How many levels and modules there are; then each module's parameters, by name their shapes, and their number."""
    levels = list(blocks) if isinstance(blocks, nn.Module) else []  # torch does not see what a list holds
    yield {f"number of levels{where}": torch.tensor(len(levels))}
    for i, level in enumerate(levels):
        modules = list(getattr(level, "_modules", {}).values())
        yield {f"number of modules in level {i}{where}": torch.tensor(len(modules))}
        for j, module in enumerate(modules):
            named = dict(module.named_parameters())
            yield {f"shape_of_level {i}, module {j}{where}: {name}": shape_of(p) for name, p in named.items()}
            yield {f"number of parameters in level {i}, module {j}{where}": torch.tensor(len(named))}
    distinct = len(list(blocks.parameters())) if levels else 0
    yield {f"number of different parameters{where}": torch.tensor(distinct)}


def _other_depths(name: str, build: Any) -> Iterator[dict[str, Tensor]]:
    """The structure with three levels and with one."""
    yield from _structure(_build(name, build, [4, 6, 10, 8]), " of three")
    yield from _structure(_build(name, build, [4, 6]), " of one")


def _level(name: str, level: nn.ModuleList) -> list[nn.Module]:
    """A level's three modules, as Unet's forward unpacks them; its ResnetBlocks answer without the task's forward."""
    try:
        modules = list(level)
    except TypeError:
        raise TypeError(f"Unet unpacks a level of {name} into its three modules: make it an nn.ModuleList.") from None
    for module in modules:
        if type(module).__name__ == "ResnetBlock":
            module.forward = partial(_otherwise, module)
    return modules


def _down_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(level_0=rng.normal(2, 4, 6, 6), level_1=rng.normal(2, 6, 4, 4), context=rng.normal(2, 5),
                pool=rng.normal(997))


@task("unet.down_blocks", inputs=_down_inputs)
def down_blocks(nb, level_0, level_1, context, pool):
    """Structure with a context of 5, what the last module of each of two levels does, one level run, other depths."""
    with stand_ins(nb, RMSNorm=_Gain):
        downs = _build("down_blocks", nb.down_blocks, [4, 6, 10])
        yield from _structure(downs)
        fill(downs, pool)
        yield dict(halved_0=downs[0][-1](level_0), halved_1=downs[1][-1](level_1))
        block1, block2, downsample = _level("down_blocks", downs[0])
        first = block1(level_0, context)
        second = block2(first, context)
        yield dict(first_skip=first, second_skip=second, after_level_0=downsample(second))
        yield from _other_depths("down_blocks", nb.down_blocks)


def _up_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(level_0=rng.normal(2, 10, 3, 3), level_1=rng.normal(2, 6, 2, 2), skips=rng.normal(2, 2, 6, 6, 6),
                context=rng.normal(2, 5), pool=rng.normal(997))


@task("unet.up_blocks", inputs=_up_inputs)
def up_blocks(nb, level_0, level_1, skips, context, pool):
    """Structure with a context of 5, what the first module of each of two levels does, one level run, other depths."""
    with stand_ins(nb, RMSNorm=_Gain):
        ups = _build("up_blocks", nb.up_blocks, [4, 6, 10])
        yield from _structure(ups)
        fill(ups, pool)
        yield dict(doubled_0=ups[0][0](level_0), doubled_1=ups[1][0](level_1))
        upsample, block1, block2 = _level("up_blocks", ups[0])
        x = block1(torch.cat([upsample(level_0), skips[1]], dim=1), context)
        yield dict(after_the_first_block=x, after_level_0=block2(torch.cat([x, skips[0]], dim=1), context))
        yield from _other_depths("up_blocks", nb.up_blocks)


def _drop_inputs(rng: Rng) -> dict[str, Tensor]:
    prob, u = rng.uniform(1, low=0.3, high=0.7), rng.uniform(12)
    u[0], u[1:3], u[3:5] = prob, prob * rng.uniform(2), prob + (1 - prob) * rng.uniform(2, low=0.1)
    return dict(text_emb=rng.normal(12, 5), prob=prob, u=u, upstream=rng.normal(12, 5))


@task("unet.drop_condition", inputs=_drop_inputs)
def drop_condition(nb, text_emb, prob, u, upstream):
    """Whole rows, by the u that is given; values (u[0] equals prob), gradient, both ends of prob, the caller's rows."""
    rows = text_emb.clone()
    try:
        with fixed_draws():
            out, again = (nb.drop_condition(rows.clone(), prob.item(), u) for _ in range(2))
    except RuntimeError as e:
        if "Boolean value" not in str(e):
            raise
        raise ValueError("Python's `if` needs one answer, but u holds one for each row: use a mask.") from None
    if not isinstance(out, Tensor):
        yield dict(out=out)
    zeros = (out == 0).reshape(len(out), -1)
    yield dict(every_row_is_kept_or_dropped_whole=(zeros == zeros[:, :1]).all())
    if not torch.allclose(out, again, equal_nan=True):
        raise ValueError("with the same u other rows are dropped at every call: throw no dice, compare u with prob.")
    out = nb.drop_condition(rows, prob.item(), u)
    yield dict(out=out, callers_text_emb=rows)
    text_emb.requires_grad_()
    grad, = torch.autograd.grad(nb.drop_condition(text_emb, prob.item(), u), text_emb, upstream)
    u_with_zero = torch.cat([torch.zeros(1), u[1:]])
    yield dict(grad_text_emb=grad, at_prob_0=nb.drop_condition(text_emb, 0.0, u_with_zero),
               at_prob_1=nb.drop_condition(text_emb, 1.0, u_with_zero))


def _forward_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.images(3, 2, 8), time=rng.timesteps(3, 200), text_emb=rng.normal(3, 5),
                upstream=rng.normal(3, 2, 8, 8), pool=rng.normal(997))


def _unet(nb: Any, pool: Tensor) -> nn.Module:
    """The notebook's Unet with all that other tasks build replaced.

    It has three levels, and none changes size or channels, so that skips fit in any order and only the values tell.
    """
    _expect_forward(nb.Unet, "unet.forward")
    with stand_ins(nb, RMSNorm=_Gain, SinusoidalPosEmb=_Powers, down_blocks=_no_blocks, up_blocks=_no_blocks):
        unet = nb.Unet(4, 5, dim_mults=(1, 1, 1), channels=2, uncond_prob=0.0)
    unet.time_mlp = nn.Sequential(_Powers(4), nn.Linear(4, 16))
    unet.mid_block1, unet.mid_block2 = _Mix(4, 4, 16), _Mix(4, 4, 16)
    unet.downs = nn.ModuleList(nn.ModuleList([_Mix(4, 4, 16), _Mix(4, 4, 16), nn.Conv2d(4, 4, 1)]) for _ in range(3))
    unet.ups = nn.ModuleList(nn.ModuleList([nn.Conv2d(4, 4, 1), _Mix(8, 4, 16), _Mix(8, 4, 16)]) for _ in range(3))
    return fill(unet, pool)


@task("unet.forward", inputs=_forward_inputs)
def forward(nb, x, time, text_emb, upstream, pool):
    """The device, values, gradients, the missing condition, train mode at both ends of uncond_prob, guidance's door."""
    unet, given = _unet(nb, pool), {"text_emb": text_emb}
    with stand_ins(nb, ResnetBlock=_Mix, drop_condition=_dice):
        far, x_far, *others = (v.to("meta") for v in (_unet(nb, pool).train(), x, time, text_emb))
        on_one_device("x", lambda: far(x_far, others[0], {"text_emb": others[1]}))
        x.requires_grad_(), text_emb.requires_grad_()
        seen = watch(*(m for m in unet.modules() if isinstance(m, (_Mix, nn.Conv2d))))
        try:
            out = unet(x, time, given)
        except Exception:
            yield dict(what_the_parts_got=torch.tensor(seen))
            raise
        yield dict(out=out, dict_unchanged=torch.tensor([len(given) == 1, given.get("text_emb") is text_emb]))
        grad_x, grad_text_emb = torch.autograd.grad(out, [x, text_emb], upstream)
        yield dict(grad_x=grad_x, grad_text_emb=grad_text_emb)
        with torch.no_grad():
            yield dict(without_text_emb=unet(x, time), with_none=unet(x, time, {"text_emb": None}))
            yield from _drop(unet, x, time, text_emb)
        called = []
        unet.cfg_forward = lambda x, time, model_kwargs: called.append(time) or x * model_kwargs["cfg_scale"]
        guided = unet(x, time, {"text_emb": text_emb, "cfg_scale": 2.0})
        if not called:
            raise ValueError("where model_kwargs has a cfg_scale, forward should return self.cfg_forward(x, time, "
                             "model_kwargs): put the given first lines back, they are a door for notebook 07.")
        yield dict(with_cfg_scale=guided)


def _drop(unet: nn.Module, x: Tensor, time: Tensor, text_emb: Tensor) -> Iterator[dict[str, Tensor]]:
    """At uncond_prob = 1 eval drops nothing and train everything, neither the caller's dict nor the default changes.

    At 0.2 each of 2000 equal samples keeps its condition whole or loses it whole, and the share that loses it is eight
    standard deviations around 0.2, so no seed is needed.
    """
    unet.uncond_prob, given = 1.0, {"text_emb": text_emb}
    yield dict(eval_drops_nothing=unet.eval()(x, time, {"text_emb": text_emb}))
    with fixed_draws():
        all_dropped = unet.train()(x, time, given)
    yield dict(train_drops_all=all_dropped,
               dict_unchanged_in_training=torch.tensor([len(given) == 1, given.get("text_emb") is text_emb]))
    unet(x, time)
    yield dict(two_samples_later=unet(x[:2], time[:2]))
    unet.check_size = lambda x: None  # four pixels tell as much as all, sooner
    one, at, text_emb = x[:1, :, :2, :2], time[:1], text_emb[:1]
    kept, lost = unet.eval()(one, at, {"text_emb": text_emb}), unet(one, at)
    unet.train().uncond_prob = 0.2
    one, at, text_emb = (v.expand(2000, *v.shape[1:]) for v in (one, at, text_emb))
    many = unet(one, at, {"text_emb": text_emb})
    is_kept, is_lost = ((many - one).flatten(1).abs().amax(dim=1) < 1e-4 for one in (kept, lost))
    share = is_lost.float().mean()
    yield dict(some_keep_and_some_lose_it=(many - many[:1]).abs().max() > 1e-4,
               all_or_nothing_of_a_row=(is_kept | is_lost).all(), a_fifth_lose_it=(share > 0.13) & (share < 0.27))


def _ema_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(average=rng.normal(97), trained=rng.normal(89), later=rng.normal(83),
                decay=rng.uniform(1, low=0.6, high=0.9))


def _small_net() -> nn.Module:
    """A network with buffers, of floating numbers and of whole ones."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def _with(net: nn.Module, pool: Tensor, batches: int) -> nn.Module:
    fill(net, pool, scale=1.0)
    net[1].running_mean.copy_(pool[:4])
    net[1].running_var.copy_(pool[4:8].square() + 0.1)
    net[1].num_batches_tracked.fill_(batches)
    return net


def _buffers(net: nn.Module, where: str) -> dict[str, Tensor]:
    """The buffers, copied, so that what the network does later is not in them."""
    return {f"{name.split('.')[-1]} (a buffer){where}": b.clone() for name, b in net.named_buffers()}


def _average(nb: Any, ema: nn.Module, model: nn.Module, decay: float) -> None:
    try:
        returned = nb.ema_update(ema, model, decay)
    except RuntimeError as e:
        if "in-place" not in str(e):
            raise
        raise ValueError("autograd refuses, as the average's weights ask for gradients: record no graph.") from None
    if not (returned is None or returned is ema):
        raise TypeError(f"ema_update writes into ema and returns nothing, not a {type(returned).__name__}.")


@task("unet.ema_update", inputs=_ema_inputs)
def ema_update(nb, average, trained, later, decay):
    """Two calls, with an average that asks for gradients and with a frozen one: weights, buffers, no graph."""
    flat = nn.utils.parameters_to_vector
    for frozen in (False, True):
        where = ", with a frozen average" if frozen else ""
        ema, model = _with(_small_net(), average, 3).requires_grad_(not frozen), _with(_small_net(), trained, 70)
        _average(nb, ema, model, decay.item())
        yield {f"weights of the model, which should stay{where}": flat(model.parameters()),
               f"weights of the average{where}": flat(ema.parameters()), **_buffers(ema, where)}
        graph = any(p.grad_fn or (frozen and p.requires_grad) for p in ema.parameters())
        yield {f"a_graph_is_kept{where}": torch.tensor(bool(graph))}
        _with(model, later, 81)
        yield _buffers(ema, f" after the model went on{where}")
        _average(nb, ema, model, decay.item())
        again = f" after a second call{where}"
        yield {f"weights{again}": flat(ema.parameters()), **_buffers(ema, again)}
