"""Notebook 06 against known answers: the library's fast network, an average worked out by hand, its puzzle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_utils import notebooks, tasks, zoo
from course_utils.check import Unfinished
from course_utils.models import opaque
from course_utils.models import unet as fast
from course_utils.tasks.draws import Rng, fill

DIGITS = dict(dim=24, condition_dim=64, dim_mults=(2, 4), channels=1)
SMALL = dict(dim=4, condition_dim=5, dim_mults=(1, 2), channels=1)
SHAPES = [DIGITS, dict(dim=2, condition_dim=4, dim_mults=(1, 2, 4)), dict(dim=6, condition_dim=5, dim_mults=(1, 3))]


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("06_unet"))


def inputs(shape: dict, size: int = 8) -> tuple:
    rng = Rng(3, "unet")
    return (rng.normal(4, shape.get("channels", 3), size, size), rng.timesteps(4, 200),
            {"text_emb": rng.normal(4, shape["condition_dim"])})


def small(cls: type, **options) -> nn.Module:
    return fill(cls(**SMALL, **options), Rng(1).normal(997))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_seed_builds_the_same_network(nb, shape):
    torch.manual_seed(0)
    ours = nb.Unet(**shape).state_dict()
    torch.manual_seed(0)
    library = fast.Unet(**shape).state_dict()
    assert list(ours) == list(library)
    assert all(torch.equal(ours[name], library[name]) for name in library)


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_equal_the_librarys(nb, shape):
    ours = fill(nb.Unet(**shape), Rng(0).normal(4999))
    library = fast.Unet(**shape).eval()
    library.load_state_dict(ours.state_dict())
    x, time, kwargs = inputs(shape)
    with torch.no_grad():
        for given in (kwargs, {}, {"text_emb": None}):
            want = library(x, time, given)
            assert (ours(x, time, given) - want).abs().max() <= 1e-5 * want.abs().max()


@pytest.mark.parametrize("modulated", [True, False])
def test_a_blocks_gradients_equal_the_notebooks(nb, modulated):
    torch.manual_seed(0)
    ours, library = nb.Block(3, 5).double(), fast.Block(3, 5).double()
    library.load_state_dict(ours.state_dict())
    x, scale, shift = torch.randn(2, 3, 4, 4), torch.randn(2, 5, 1, 1), torch.randn(2, 5, 1, 1)
    grads = []
    for block in (ours, library):
        given = [v.double().requires_grad_() for v in ((x, scale, shift) if modulated else (x,))]
        block(given[0], given[1:] or None).square().sum().backward()
        grads.append([v.grad for v in (*given, *block.parameters())])
    for mine, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_one_image_alone_has_its_gradients():
    """A block without a context has one gain for all of the batch, also where the batch is one image."""
    net, one = small(fast.Unet).eval(), [part[:1] for part in inputs(SMALL)[:2]]
    two = [part.expand(2, *part.shape[1:]) for part in one]
    gradients = [torch.autograd.grad(net(*given).square().mean(), net.parameters(), allow_unused=True)
                 for given in (one, two)]
    for alone, twice in zip(*gradients, strict=True):
        torch.testing.assert_close(alone, twice, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_what_the_compiler_calls_as_it_is_is_what_it_says(order):
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64).to(memory_format=order).requires_grad_()
    torch.library.opcheck(opaque.double, (x,))
    torch.library.opcheck(opaque.keep, (13, 0.5), test_utils=["test_schema", "test_faketensor"])
    y = opaque.double(x)
    want = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
    weight = torch.randn_like(want)
    torch.testing.assert_close(y, want)
    torch.testing.assert_close(torch.autograd.grad(y, x, weight), torch.autograd.grad(want, x, weight))


def test_a_compiled_training_step_is_the_eager_one():
    unet, given = small(fast.Unet).to(memory_format=torch.channels_last).train(), inputs(SMALL)
    results = []
    # this backend splits forward and backward as the default one does, and needs no compiler
    for net in (unet, torch.compile(unet, backend="aot_eager_decomp_partition", fullgraph=True)):
        torch.manual_seed(0)
        unet.zero_grad()
        y = net(*given)
        y.square().sum().backward()
        results.append([y.detach(), *(p.grad for p in unet.parameters())])
    for eager, compiled in zip(*results, strict=True):
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-4 * eager.abs().max().item())
    with torch.no_grad():
        assert not torch.equal(net(*given), results[0][0])  # other units are dropped


def test_dropout_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    dropout, x = fast.Dropout(0.1), torch.ones(7, 5, 31, 33).to(memory_format=torch.channels_last).requires_grad_()
    y = dropout(x)
    y.sum().backward()
    assert y.unique().tolist() == [0, pytest.approx(1 / 0.9)] and torch.equal(x.grad, y)
    share = (y == 0).float()
    assert abs(share.mean() - 0.1) < 0.006 and share.mean((0, 2, 3)).std() < 0.012  # 36,000 draws, 5 standard errors
    neighbours = share[..., 1:] * share[..., :-1]
    assert abs(neighbours.mean() - 0.01) < 0.003
    assert not torch.equal(dropout(x), y) and dropout.eval()(x) is x


def test_the_network_is_one_graph():
    unet, given = fast.Unet(**DIGITS).eval(), inputs(DIGITS)
    with torch.no_grad():
        graph = torch.compile(unet, backend="eager", fullgraph=True)
        torch.testing.assert_close(graph(*given), unet(*given), rtol=1e-5, atol=1e-6)
    graph(*given).sum().backward()
    assert all(p.grad is not None for p in unet.parameters())


@pytest.mark.parametrize("module", ["library", "notebook"])
def test_parameter_counts(nb, module):
    cls = nb.Unet if module == "notebook" else fast.Unet
    count = lambda net: sum(p.numel() for p in net.parameters())  # noqa: E731
    assert count(cls(2, 4, (1, 2, 4))) == 6_499
    assert count(cls(**DIGITS)) == 800_305


def test_modules_are_created_in_the_stated_order(nb):
    names = [name for name, _ in nb.Unet(2, 4, (1, 2)).named_children()]
    assert names == ["init_conv", "time_mlp", "condition_mlp", "downs", "mid_block1", "mid_block2", "ups", "final_conv"]
    block = [name for name, _ in nb.ResnetBlock(2, 3, 4).named_children()]
    assert block == ["mlp", "block1", "block2", "res_conv", "dropout"]


@pytest.mark.parametrize("module", ["library", "notebook"])
def test_a_size_that_cannot_be_halved_is_one_sentence(nb, module):
    unet = small(nb.Unet if module == "notebook" else fast.Unet)
    with pytest.raises(ValueError, match=r"^Height and width must be divisible by 4 .* x is 8 × 6\.$"):
        unet(torch.zeros(1, 1, 8, 6), torch.zeros(1, dtype=torch.long))


def test_guidance_acts_at_every_step_and_the_dict_stays():
    unet, kwargs = small(fast.Unet), inputs(dict(channels=1, condition_dim=5))[2]
    given = {**kwargs, "cfg_scale": 3.0}
    x, kept = inputs(dict(channels=1, condition_dim=5))[0], dict(given)
    with torch.no_grad():
        for t in range(0, 200, 40):
            time = torch.full((4,), t)
            cond, uncond = unet(x, time, kwargs), unet(x, time)
            torch.testing.assert_close(unet(x, time, given), 4 * cond - 3 * uncond, rtol=1e-4, atol=1e-5)
            assert (cond - uncond).abs().max() > 1e-3  # else the line above would prove nothing
    assert list(given) == list(kept) and all(given[key] is kept[key] for key in kept)


@pytest.mark.parametrize("nothing", [{}, {"text_emb": None}])
def test_guidance_of_nothing_is_the_plain_prediction(nothing):
    unet, (x, time, _) = small(fast.Unet), inputs(SMALL)
    with torch.no_grad():
        torch.testing.assert_close(unet(x, time, {**nothing, "cfg_scale": 3.0}), unet(x, time), rtol=1e-4, atol=1e-5)


def test_the_door_to_guidance_says_who_opens_it(nb):
    with pytest.raises(Unfinished, match="notebook 07 writes this"):
        small(nb.Unet)(*inputs(SMALL)[:2], {"cfg_scale": 1.0})


def test_each_sample_may_have_its_own_weight():
    unet, (x, time, kwargs) = small(fast.Unet).eval(), inputs(SMALL)
    weights = [0.0, 1.0, 2.5, -1.0]
    with torch.no_grad():
        each = torch.cat([unet(x, time, {**kwargs, "cfg_scale": w})[i:i + 1] for i, w in enumerate(weights)])
        for given in (torch.tensor(weights), torch.tensor(weights, dtype=torch.float64), weights):
            torch.testing.assert_close(unet(x, time, {**kwargs, "cfg_scale": given}), each)
        assert torch.equal(unet(x, time, {**kwargs, "cfg_scale": torch.tensor(2)}),
                           unet(x, time, {**kwargs, "cfg_scale": torch.tensor([2.0])}))
        with pytest.raises(ValueError, match="one weight or one for each sample, not 3 for 4"):
            unet(x, time, {**kwargs, "cfg_scale": torch.ones(3)})


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 0.01), (torch.bfloat16, 0.06), (torch.float64, 1e-5)])
def test_it_works_in_other_precisions(dtype, tolerance):
    unet, (x, time, kwargs) = small(fast.Unet), inputs(SMALL)
    want = unet(x, time, kwargs)
    y = unet.to(dtype)(x.to(dtype), time, kwargs)  # the condition stays as it is
    assert y.dtype == dtype and (y - want).abs().max() < tolerance * want.abs().max()
    y.square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in unet.parameters())
    with torch.no_grad():
        same = unet(x.to(dtype), time, {"text_emb": kwargs["text_emb"].to(dtype), "cfg_scale": 1.0})
    assert same.dtype == dtype and same.isfinite().all()


@pytest.mark.parametrize("module", ["library", "notebook"])
def test_conditions_are_dropped_per_sample_and_in_train_mode_only(nb, module):
    unet = small(nb.Unet if module == "notebook" else fast.Unet, uncond_prob=0.5)
    for part in unet.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    x, time, kwargs = inputs(dict(channels=1, condition_dim=5))
    x, time, text_emb = (v[:1].expand(200, *v.shape[1:]) for v in (x, time, kwargs["text_emb"]))
    kwargs = {"text_emb": text_emb}
    with torch.no_grad():
        with_text, without = unet(x, time, kwargs), unet(x, time)
        torch.manual_seed(0)
        trained = unet.train()(x, time, kwargs)
    close = lambda a, b: torch.isclose(a, b, atol=1e-5).flatten(1).all(1)  # noqa: E731
    kept, dropped = close(trained, with_text), close(trained, without)
    assert (kept ^ dropped).all()
    assert 60 < dropped.sum() < 140  # 200 throws of a fair coin
    assert close(with_text, unet.eval()(x, time, kwargs)).all()


def test_the_average_is_the_sum_that_its_two_wishes_say(nb):
    """After n steps the newest weights count 1 − decay, each older ones decay times less, and all counts sum to 1."""
    torch.manual_seed(0)
    ema, decay, n = nn.Linear(3, 2), 0.8, 7
    seen = [ema.weight.detach().clone()]
    for _ in range(n):
        model = nn.Linear(3, 2)
        seen.append(model.weight.detach().clone())
        nb.ema_update(ema, model, decay)
    shares = torch.tensor([decay**n, *((1 - decay) * decay ** (n - k) for k in range(1, n + 1))])
    assert shares.sum().item() == pytest.approx(1)
    torch.testing.assert_close(ema.weight.detach(), torch.einsum("k,kij->ij", shares, torch.stack(seen)))


def test_the_puzzles_files_fail_as_they_should_and_can_be_mended(nb):
    unet = small(nb.Unet)
    files = zoo.misfits(unet.state_dict())
    with pytest.raises(RuntimeError, match="(?s)Missing key.*middle1"):
        unet.load_state_dict(files["A"])
    with pytest.raises(RuntimeError, match="size mismatch"):
        unet.load_state_dict(files["B"])
    unet.load_state_dict(files["C"])  # silently
    again = small(nb.Unet).state_dict()
    assert [name for name in again if not torch.equal(again[name], files["C"][name])] == ["time_mlp.1.weight"]
    mended = [{name.replace("middle", "mid_block"): w for name, w in files["A"].items()},
              {name: w.view_as(again[name]) for name, w in files["B"].items()},
              files["C"] | {"time_mlp.1.weight": torch.cat(files["C"]["time_mlp.1.weight"].chunk(2, 1)[::-1], 1)}]
    for file in mended:
        assert list(file) == list(again) and all(torch.equal(file[name], again[name]) for name in again)


def said(nb, id: str, **others) -> str:
    """What the probe of a task raises on the notebook with some of its names replaced."""
    task = tasks.get(id)
    return tasks.observe(task, tasks.Namespace({**vars(nb), **others}), tasks.draw_inputs(task)).message


def test_a_class_cell_run_again_says_which_cell_is_missing(nb):
    bare = type("Unet", (nn.Module,), {"__init__": nb.Unet.__init__})
    assert "run the cell of unet.forward" in said(nb, "unet.forward", Unet=bare)


def test_a_forward_without_the_door_is_told_where_it_was(nb):
    def forward(self, x, time, model_kwargs={}):  # noqa: B006
        return nb.Unet.forward(self, x, time, {"text_emb": model_kwargs.get("text_emb")})

    shut = type("Unet", (nb.Unet,), {"forward": forward})
    sentence = said(nb, "unet.forward", Unet=shut)
    assert "self.cfg_forward(x, time, model_kwargs)" in sentence and "the given first lines" in sentence


@pytest.mark.parametrize("id", ["unet.down_blocks", "unet.up_blocks"])
def test_a_level_that_forward_could_not_run_fails(nb, id):
    """The right modules with the right weights, but blocks that do nothing, or a level that is not to be unpacked."""
    name = id.split(".")[1]
    build, task = getattr(nb, name), tasks.get(id)

    class Idle(nn.Module):
        def __init__(self, block: nn.Module):
            super().__init__()
            self.__dict__["_modules"] = block._modules

    class Level(nn.Module):
        def __init__(self, level: nn.ModuleList):
            super().__init__()
            self.__dict__["_modules"] = level._modules

        def __getitem__(self, i: int) -> nn.Module:
            return list(self._modules.values())[i]

        __iter__ = None

    def idle(dims, context_dim):
        return nn.ModuleList(nn.ModuleList(Idle(m) if isinstance(m, nb.ResnetBlock) else m for m in level)
                             for level in build(dims, context_dim))

    def closed(dims, context_dim):
        return nn.ModuleList(Level(level) for level in build(dims, context_dim))

    wanted = tasks.observe(task, nb, tasks.draw_inputs(task))
    for other in (idle, closed):
        outcome = tasks.observe(task, tasks.Namespace({**vars(nb), name: other}), tasks.draw_inputs(task))
        assert outcome.error and len(outcome.tensors) < len(wanted.tensors)


def test_blocks_are_judged_before_their_forward_is_written(nb):
    for id in ("unet.down_blocks", "unet.up_blocks"):
        bare = type("ResnetBlock", (nn.Module,), {"__init__": nb.ResnetBlock.__init__})
        assert said(nb, id) == "" and said(nb, id, ResnetBlock=bare) == ""
