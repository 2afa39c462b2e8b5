"""The fast copy answers like the network, is swapped in by the background, and changes nothing; the slider follows."""

from __future__ import annotations

import threading

import pytest
import torch

from course_utils import models
from course_utils.diffusion import samplers
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, cosine_betas
from course_utils.diffusion.slider import Slider, StudentSlider
from course_utils.models import fast
from course_utils.models.fast import Fast

ARGS = {"dim": 4, "condition_dim": 5, "dim_mults": [1, 2], "channels": 1}


@pytest.fixture
def unet():
    torch.manual_seed(0)
    return models.build("unet", ARGS)


def inputs(batch: int = 4):
    rng = torch.Generator().manual_seed(0)
    return (torch.randn(batch, 1, 8, 8, generator=rng), torch.arange(batch) * 3,
            {"text_emb": torch.randn(batch, 5, generator=rng)})


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
def test_it_answers_like_the_network(unet, dtype, tolerance):
    net = Fast(unet, compile=None, dtype=dtype)
    for kwargs in (inputs()[2], {}, inputs()[2] | {"cfg_scale": 2.0}):
        with torch.no_grad():
            want = unet.eval()(*inputs()[:2], kwargs)
        got = net(*inputs()[:2], kwargs)
        assert got.dtype == torch.float32 and not got.requires_grad
        assert (got - want).square().mean().sqrt() < tolerance * want.std() * (1 + 4 * ("cfg_scale" in kwargs))


def test_the_network_and_its_inputs_stay(unet):
    unet.train()
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    x, t, kwargs = inputs()
    given = x.clone(), t.clone(), kwargs["text_emb"].clone()
    Fast(unet, compile=None, dtype=torch.bfloat16)(x, t, kwargs)
    assert all(torch.equal(before[name], value) for name, value in unet.state_dict().items())
    assert all(map(torch.equal, given, (x, t, kwargs["text_emb"]))) and list(kwargs) == ["text_emb"]
    assert unet.training and all(p.requires_grad and p.is_contiguous() for p in unet.parameters())


def test_eager_serves_until_the_compiler_is_through(unet):
    go, seen = threading.Event(), []

    def slow_compiler(model):
        assert go.wait(60)

        def compiled(*given):
            seen.append(tuple(given[0].shape))
            return model(*given)
        return compiled

    net = Fast(unet, compile=slow_compiler, dtype=torch.float32)
    x, t, kwargs = inputs()
    first = net(x, t, kwargs)
    assert not seen  # nobody waited
    go.set()
    net.wait()
    assert seen == [(4, 1, 8, 8)]
    assert torch.equal(net(x, t, kwargs), first) and len(seen) == 2
    net(*inputs(2)[:2], inputs(2)[2])
    net.wait()
    assert (2, 1, 8, 8) in seen


def test_a_compiler_that_fails_leaves_the_eager_copy(unet):
    def broken(model):
        raise RuntimeError("no luck\nand much more")

    net = Fast(unet, compile=broken, dtype=torch.float32)
    with pytest.warns(UserWarning, match="stays uncompiled: no luck"):
        net(*inputs())
        net.wait()
    assert torch.equal(net(*inputs()), Fast(unet, compile=None, dtype=torch.float32)(*inputs()))


@pytest.mark.skipif(not fast.compiler(), reason="needs a C++ compiler")
def test_nobody_waits_for_a_second_compilation():
    unet = models.build("unet", ARGS | {"dim_mults": [1]})
    net = Fast(unet, dtype=torch.float32)
    x, _, kwargs = inputs()
    t, wide = torch.tensor(3).expand(4), torch.empty(4, 1, 8, 12).contiguous(memory_format=torch.channels_last)
    net(x, t, kwargs)
    net.wait()
    assert None not in net.compiled.values()
    wide[..., :8] = x
    sliced = {"text_emb": torch.cat([kwargs["text_emb"]] * 2, 1)[:, :5].requires_grad_()}
    with torch.no_grad():
        want = unet.eval()(x, t, kwargs)
    with torch.compiler.set_stance("fail_on_recompile"):
        got = [net(x, t, kwargs), net(x.as_strided(x.shape, (64, 1, 8, 1)), t.clone(), sliced),
               net(wide[..., :8], t, {"text_emb": torch.nn.Parameter(kwargs["text_emb"])})]
        with torch.inference_mode():
            got += [net(x, t, kwargs), net(x.clone(), t.clone(), sliced)]
        with torch.autocast("cpu", torch.bfloat16):
            got.append(net(x, t, kwargs))
    for answer in got:
        torch.testing.assert_close(answer, want, rtol=0, atol=1e-4)
    assert len(net.compiled) == 1


def test_autocast_leaves_the_precision_alone(unet):
    net = Fast(unet, compile=None, dtype=torch.float32)
    want = net(*inputs())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(net(*inputs()), want)


class Scaled(torch.nn.Module):
    """A network that is compiled in a second."""

    def __init__(self, by: float):
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor(by), requires_grad=False)

    def forward(self, x, t, model_kwargs):
        return x * self.by + t[:, None]


@pytest.mark.skipif(not fast.compiler(), reason="needs a C++ compiler")
def test_every_graph_is_its_own():
    with torch.no_grad(), torch._dynamo.config.patch(recompile_limit=1):  # torch's limit, which they would share
        graphs = {(by, b): fast._compile(Scaled(by)) for by in (2.0, 3.0) for b in (2, 5)}
        for _ in range(2):
            for (by, b), graph in graphs.items():
                assert torch.equal(graph(torch.ones(b, 1), torch.arange(b), {}), by + torch.arange(b)[:, None])


def test_a_weight_is_an_input_and_any_value_is_served(unet):
    net = Fast(unet, compile=lambda model: model, dtype=torch.float32)
    x, t, kwargs = inputs()
    for w in (0, 0.5, 1, 2.0, 3, 4, 5, torch.tensor(6.0)):
        with torch.no_grad():
            want = unet.eval()(x, t, kwargs | {"cfg_scale": w})
        torch.testing.assert_close(net(x, t, kwargs | {"cfg_scale": w}), want, rtol=0, atol=1e-4)
    assert len(net.compiled) == 1
    plain = net(x, t, kwargs)
    for value in ([1, torch.ones(2)], {1, 2}):
        assert torch.equal(net(x, t, kwargs | {"more": value}), plain)
    net.wait()
    assert len(net.compiled) == 3 and None not in net.compiled.values()


def test_a_graph_is_made_for_a_number_of_threads(unet):
    net, threads = Fast(unet, compile=lambda model: model), torch.get_num_threads()
    net(*inputs())
    torch.set_num_threads(threads + 1)
    try:
        net(*inputs())
    finally:
        torch.set_num_threads(threads)
    assert len(net.compiled) == 2


def test_precision_is_measured(monkeypatch):
    for ratio, dtype in ((0.5, torch.bfloat16), (1.9, torch.float32)):
        fast.fastest_dtype.cache_clear()
        monkeypatch.setattr(fast, "_product", lambda of, ratio=ratio: ratio if of == torch.bfloat16 else 1.0)
        assert fast.fastest_dtype(torch.device("cpu")) == dtype
    fast.fastest_dtype.cache_clear()


@pytest.mark.parametrize("path", [DiscreteVP(cosine_betas(200)), VP()])
def test_the_slider_remembers_what_does_not_depend_on_the_weight(path):
    asked = []

    def model(x, t, cond):
        asked.append((t[0].item(), len(x)))
        return 0.3 * x + 0.1 * cond

    x, cond = torch.randn(2, 3), torch.tensor([[1.0], [2.0]])
    slider = Slider(model, x, path, cond, torch.zeros_like(cond))
    first = slider(1.0)
    assert [n for t, n in asked] == [4 if t >= path.T / 2 else 2 for t, n in asked] and len(asked) == 12
    asked.clear()
    assert torch.equal(slider(1.0), first) and not torch.equal(slider(3.0), first)
    assert len(asked) == 22 and path.T not in [t for t, _ in asked]
    asked.clear()
    slider.preview(2.0)
    assert len(asked) == 2
    both = samplers.guided(model, cond, torch.zeros_like(cond), 1.0, interval=(path.T / 2, path.T))
    assert torch.allclose(first, samplers.sample(both, x, slider.plan))


def test_a_slider_of_two_steps_is_one_sentence():
    with pytest.raises(ValueError, match="three steps or more, not 2"):
        Slider(lambda x, t, c: x, torch.zeros(1, 2), VP(), None, None, steps=2)


@pytest.mark.parametrize("path", [RectifiedFlow(), VE(sigma_max=10.0), VP(beta_max=5.0)])
def test_a_slider_refuses_a_path_without_its_beginning(path):
    with pytest.raises(ValueError, match=rf"a log-SNR below -6.9 at T.*; that of {type(path).__name__}\("):
        Slider(lambda x, t, c: x, torch.zeros(1, 2), path, None, None)


def test_a_sliders_steps_fit_a_short_chain_or_are_refused():
    make = lambda N: Slider(lambda x, t, c: x, torch.zeros(1, 2), DiscreteVP(cosine_betas(N)), None, None)  # noqa: E731
    for N in (13, 20, 30, 200):
        times = make(N).plan.times
        assert len(times) == 13 and times[0] == N - 1 and (times.diff() < 0).all() and times[-1] == -1
    with pytest.raises(ValueError, match="12 steps are more than the chain has: 8"):
        make(8)


@pytest.mark.parametrize("planned", [samplers.plan_ddim, samplers.plan_ancestral])
def test_a_sliders_first_prediction_serves_every_plan(planned):
    asked, path = [], DiscreteVP(cosine_betas(50))

    def model(x, t, cond):
        asked.append((t[0].item(), len(x)))
        return 0.3 * x + 0.1 * cond

    x, cond, nothing = torch.randn(2, 3), torch.tensor([[1.0], [2.0]]), torch.zeros(2, 1)
    slider, plan = Slider(model, x, path, cond, nothing), planned(path, 5)
    slider(1.0)
    asked.clear()
    got = slider(2.0, plan, torch.Generator().manual_seed(1))
    assert path.T not in [t for t, _ in asked]
    assert sum(n for _, n in asked) == 2 * (slider.evaluations(2.0, plan) - 2) and slider.evaluations(2.0, plan) == 7
    both = samplers.guided(model, cond, nothing, 2.0, interval=(path.T / 2, path.T))
    assert torch.allclose(got, samplers.sample(both, x, plan, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(("w", "cond"), [(0.0, 1.0), (-1.0, 0.0)])
def test_a_weight_that_needs_one_prediction_evaluates_one(w, cond):
    asked, x, path = [], torch.randn(2, 3), VP()

    def model(x, t, cond):
        asked.append(len(x))
        return 0.3 * x + 0.1 * cond

    slider = Slider(model, x, path, torch.ones(2, 1), torch.zeros(2, 1))
    got = slider(w)
    assert asked == [2] * 12 and slider.evaluations(w) == 12
    expected = samplers.sample(lambda x, t: 0.3 * x + 0.1 * cond, x, slider.plan)
    assert torch.allclose(got, expected)


def test_a_students_slider_asks_once_a_step_and_tells_the_weight():
    asked = []

    def model(x, t, cond):
        asked.append((t.tolist(), cond["w"].tolist(), cond["y"]))
        return x - cond["w"][:, None]

    slider = StudentSlider(model, torch.ones(2, 3), RectifiedFlow(), {"y": 7}, steps=4)
    x = slider(2.0)
    assert asked == [([t, t], [2.0, 2.0], 7) for t in (1.0, 0.75, 0.5, 0.25)] and slider.evaluations(2.0) == 4
    torch.testing.assert_close(x, torch.full((2, 3), 2 - 0.75**4))  # dx/dt = x − w by four steps of Euler, down in time
    assert torch.equal(slider.preview(2.0), x)


def test_conditions_that_fit_into_no_batch_are_remembered_apart():
    path, x = DiscreteVP(cosine_betas(50)), torch.randn(2, 3, generator=torch.Generator().manual_seed(0))

    def model(x, t, cond):
        return x * (0.5 if cond is None else 1.0)

    slider = Slider(model, x, path, torch.tensor([3, 4]), None)
    slider(1.0)
    wanted = samplers.sample(samplers.guided(model, slider.cond, None, 2.0, slider.interval), x, slider.plan)
    assert torch.equal(slider(2.0), wanted)
