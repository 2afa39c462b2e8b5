"""Draws that the asker owns: the same everywhere, answered in any order, dtype and manner of asking."""

from __future__ import annotations

import functools
import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.tasks.draws import Rng, fill, fixed_draws, stand_ins


def test_inputs_are_the_same_for_a_seed_and_other_for_another():
    draw = lambda seed, name: Rng(seed, name).normal(3, 4)  # noqa: E731
    assert torch.equal(draw(1, "a"), draw(1, "a"))
    assert not torch.equal(draw(1, "a"), draw(2, "a")) and not torch.equal(draw(1, "a"), draw(1, "b"))
    # numpy promises this stream for ever: recorded answers stay valid on any torch
    assert Rng(231, "ddpm.q_sample").normal(1).item() == pytest.approx(Rng(231, "ddpm.q_sample").normal(2)[0].item())


def test_timesteps_hold_both_ends():
    t = Rng(0).timesteps(5, 100)
    assert t[0] == 0 and t[1] == 99 and t.dtype == torch.int64 and Rng(0).timesteps(1, 100).tolist() == [0]


NOISE, T = torch.arange(6.0).reshape(2, 3), torch.tensor([4, 7])

WAYS_TO_DRAW_NOISE = {
    "randn": lambda: torch.randn(2, 3),
    "randn of a size, float64": lambda: torch.randn((2, 3), dtype=torch.float64),
    "randn_like": lambda: torch.randn_like(torch.empty(2, 3)),
    "normal_": lambda: torch.empty(2, 3).normal_(),
    "torch.normal of numbers": lambda: torch.normal(0.0, 1.0, (2, 3)),
    "torch.normal of tensors": lambda: torch.normal(torch.zeros(2, 3), torch.ones(2, 3)),
    "a generator": lambda: torch.randn(2, 3, generator=torch.Generator().manual_seed(5)),
    "distributions": lambda: torch.distributions.Normal(torch.zeros(2, 3), 1.0).sample(),
}
WAYS_TO_DRAW_TIMES = {
    "randint": lambda: torch.randint(0, 10, (2,)),
    "randint, high only": lambda: torch.randint(10, (2,)),
    "randint_like": lambda: torch.randint_like(torch.zeros(2, dtype=torch.int64), 10),
    "random_": lambda: torch.empty(2, dtype=torch.int64).random_(0, 10),
}


@pytest.mark.parametrize("way", WAYS_TO_DRAW_NOISE)
def test_every_way_to_draw_noise_is_answered(way):
    with fixed_draws(noise=NOISE):
        got = WAYS_TO_DRAW_NOISE[way]()
    assert torch.equal(got.float(), NOISE)


@pytest.mark.parametrize("way", WAYS_TO_DRAW_TIMES)
def test_every_way_to_draw_times_is_answered(way):
    with fixed_draws(t=T):
        assert torch.equal(WAYS_TO_DRAW_TIMES[way](), T)


def test_mean_and_std_of_a_normal_draw_are_kept():
    with fixed_draws(noise=[NOISE, NOISE, NOISE]):
        assert torch.allclose(torch.normal(2.0, 3.0, (2, 3)), NOISE * 3 + 2)
        assert torch.allclose(torch.normal(torch.full((2, 3), 1.0), torch.full((2, 3), 0.5)), NOISE * 0.5 + 1)
        assert torch.allclose(torch.empty(2, 3).normal_(mean=1.0, std=2.0), NOISE * 2 + 1)


@pytest.mark.parametrize("draw", [
    lambda: torch.stack([torch.randn(3) for _ in range(2)]),
    lambda: torch.cat([torch.randn(4), torch.randn(2, dtype=torch.float64)]).reshape(2, 3),
    lambda: torch.stack([torch.stack([torch.randn(()) for _ in range(3)]) for _ in range(2)])])
def test_noise_is_drawn_in_any_partition(draw):
    with fixed_draws(noise=NOISE):
        assert torch.equal(draw().float(), NOISE)


def test_times_are_drawn_one_by_one():
    with fixed_draws(t=T):
        assert [int(torch.randint(10, ())) for _ in range(2)] == T.tolist()


def test_a_draw_of_too_many_is_answered_and_not_right():
    with fixed_draws(noise=NOISE):
        assert torch.equal(torch.randn(3, 3), torch.cat([NOISE, NOISE[:1]]))


@pytest.mark.parametrize("draw", [
    lambda: np.random.randn(2, 3), lambda: np.random.default_rng(0).standard_normal((2, 3)),
    lambda: np.random.normal(size=(2, 3)), lambda: np.random.RandomState(0).randn(2, 3)])
def test_numpys_normal_numbers_are_refused_by_a_sentence(draw):
    with fixed_draws(noise=NOISE), pytest.raises(ValueError, match="draw the noise with torch, in the shape of the"):
        draw()
    draw()
    with fixed_draws(t=T):
        draw()


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Imports a student's file of this text and gives the names of a notebook that took a class from it."""

    def load(text: str, imported: str) -> SimpleNamespace:
        (tmp_path / "mymodel.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        sys.modules.pop("mymodel", None)
        return SimpleNamespace(**{imported: getattr(importlib.import_module("mymodel"), imported)})

    yield load
    sys.modules.pop("mymodel", None)


FILE = """
import torch
def extract(a): return "theirs"
class Base:
    @torch.no_grad()
    def look(self): return extract(1)
class Model(Base):
    pass
def look(): return extract(1)
"""


def test_stand_ins_reach_the_file_that_a_class_was_imported_from(beside):
    nb = beside(FILE, "Model")
    with stand_ins(nb, extract=lambda a: "ours", helper=None):
        assert nb.Model().look() == nb.extract(1) == "ours"
        assert not hasattr(sys.modules["mymodel"], "helper")
    assert nb.Model().look() == "theirs" and not hasattr(nb, "extract")


def test_what_wraps_a_builtin_is_passed_over(beside):
    nb = beside(FILE, "Model")
    nb.length = functools.wraps(len)(lambda x: len(x))  # as IPython's own `open` is
    with stand_ins(nb, extract=lambda a: "ours"):
        assert nb.Model().look() == "ours"


def test_stand_ins_reach_the_file_that_a_function_was_imported_from(beside):
    nb = beside(FILE, "look")
    with stand_ins(nb, extract=lambda a: "ours"):
        assert nb.look() == "ours"
    assert nb.look() == "theirs"


def test_the_order_of_different_draws_does_not_matter():
    with fixed_draws(noise=NOISE, t=T):
        noise, t = torch.randn(2, 3), torch.randint(10, (2,))
    with fixed_draws(noise=NOISE, t=T):
        torch.rand(7)  # a dropout, say
        t2, noise2 = torch.randint(10, (2,)), torch.randn(2, 3)
    assert torch.equal(noise, noise2) and torch.equal(t, t2)


def test_other_draws_are_seeded_and_the_callers_state_comes_back():
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(2), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    seen = []
    for _ in range(2):
        with fixed_draws(noise=NOISE):
            seen.append((torch.rand(1).item(), torch.randn(2, 3).sum().item(), torch.randn(1).item(), np.random.rand()))
    assert seen[0] == seen[1]
    assert torch.equal(torch.rand(2), expected[0]) and np.random.rand() == expected[1]


def test_parameters_are_filled_by_name_and_not_by_order():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.b, self.a = nn.Linear(3, 2), nn.Linear(2, 3)

    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 3), nn.Linear(3, 2)

    pool = Rng(0).normal(97)
    one, other = fill(One(), pool), fill(Other(), pool)
    assert not one.training
    assert torch.equal(one.a.weight, other.a.weight) and torch.equal(one.b.bias, other.b.bias)
    assert not torch.equal(one.a.weight.reshape(-1), one.b.weight.reshape(-1))
