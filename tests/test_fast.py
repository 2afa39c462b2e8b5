"""The fast copy answers like the network, is swapped in by the background, and changes nothing; the slider follows."""

from __future__ import annotations

import threading

import pytest
import torch

from course_utils import samplers, zoo
from course_utils.models import fast
from course_utils.models.fast import Fast
from course_utils.paths import VP, DiscreteVP, cosine_betas
from course_utils.slider import Slider

ARGS = {"dim": 4, "condition_dim": 5, "dim_mults": [1, 2], "channels": 1}


@pytest.fixture
def unet():
    torch.manual_seed(0)
    return zoo.build("unet", ARGS)


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
