"""Both sides of a benchmark compute the same: tiny sizes, no timing."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from torch import nn

from course_utils import bench, models
from course_utils.diffusion.paths import DiscreteVP, linear_betas
from course_utils.models.fast import Fast

ARGS = {"dim": 4, "condition_dim": 5, "dim_mults": [1, 2], "channels": 1}


@pytest.fixture
def case():
    torch.manual_seed(0)
    net = models.build("unet", ARGS).eval()
    rng = torch.Generator().manual_seed(0)
    return bench.load("slider").Case(net, torch.randn(2, 1, 8, 8, generator=rng), torch.randn(2, 5, generator=rng),
                                     DiscreteVP(linear_betas(40)))


def test_the_sliders_ddim_is_diffusers(case):
    ours = case.ddim(Fast(case.net, compile=None, dtype=torch.float32), steps=10)
    for peer in (case.net, bench.load("slider").as_in_notebook(case.net, ARGS)):
        assert torch.allclose(ours, case.textbook(peer, steps=10), atol=1e-4)


def test_the_sliders_peers_are_the_same_network(case):
    written = bench.load("slider").as_in_notebook(case.net, ARGS)
    assert type(written) is not type(case.net) and type(written).__module__ == "notebook_06_unet"
    assert {parameter.is_contiguous() for parameter in written.parameters()} == {True}
    given = case.x, torch.tensor([3, 30]), {"text_emb": case.cond}
    with torch.no_grad():
        torch.testing.assert_close(written(*given), case.net(*given), rtol=0, atol=1e-5)


def test_goals_stand_at_the_textbook_way():
    benchmark = bench.load("slider")
    seconds = {"slider": 1.0, "notebook": 6.0, "library": 3.0}
    rows = list(benchmark.against(seconds, {"slider": "all"}, "", {"slider": 5, "compiled slider": 15}, "a compiler"))
    assert [(row.ratio, row.goal) for row in rows] == [(6, 5), (3, None), (None, 15), (None, None)]


def test_without_diffusers_every_row_of_the_slider_is_there(monkeypatch):
    benchmark = bench.load("slider")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    for name, stub in {"is_installed": lambda package: False, "compiler": lambda: False, "share": lambda side, part: "",
                       "medians": lambda sides, **_: dict.fromkeys(sides, 1.0)}.items():
        monkeypatch.setattr(benchmark, name, stub)
    monkeypatch.setattr(benchmark.Case, "converged", lambda case: case.x)
    rows = list(benchmark.rows())
    recorded = json.loads((bench.FOLDER / "results/slider.json").read_text("utf-8"))["rows"]
    told = [(row.name, row.unit, row.goal) for row in rows]
    kept = [(row["name"], row["unit"], row["goal"]) for row in recorded]
    assert told == kept
    needs = [row.needs.split(":")[0] for row in rows]
    assert needs == ["diffusers"] * 8 + ["", ""] + ["diffusers"] * 2 + ["a C++ compiler"] * 8


def test_a_limit_is_the_profiled_share():
    x, weight = torch.ones(4, 8, 32, 32), torch.ones(8, 8, 3, 3)
    convolution = lambda: torch.nn.functional.conv2d(x, weight)  # noqa: E731
    share = lambda side: int(bench.share(side, "convolution").split()[1].rstrip("%"))  # noqa: E731
    assert share(lambda: x.exp()) == 0 < share(convolution)


def test_the_slider_comes_near_the_converged_picture(case):
    slider = case.slider(Fast(case.net, compile=None, dtype=torch.float32))
    ours, converged = slider(1.0), case.converged()
    assert (ours - converged).square().mean().sqrt() < 0.2 * converged.std()


def test_training_steps_of_both_sides_begin_alike_and_learn():
    benchmark = bench.load("training")
    recipe = benchmark.Wide()
    object.__setattr__(recipe, "batch_size", 4)
    recipe.ARGS.update(dim=4, dim_mults=[1, 2])
    for side in (benchmark.ours, benchmark.textbook):
        step = side(recipe)
        losses = [step() for _ in range(30)]
        assert 0.8 < losses[0] < 2 and min(losses[-5:]) < losses[0], side


def test_costs_an_operation_are_told_of_the_peers_that_are_there(monkeypatch):
    benchmark = bench.load("training")
    monkeypatch.setattr(benchmark, "is_installed", lambda package: False)
    benchmark.ARGS.update(dim=4, dim_mults=[1, 2])
    assert [row.needs for row in benchmark.per_operation(2, 8)] == [
        "diffusers: not applicable", "denoising-diffusion-pytorch: not applicable"]


class Smooth(nn.Module):
    """A network that is smooth in time: what an untrained UNet predicts is so rough that no solver is quick."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x, t):
        return torch.tanh(self.conv(x) + x)


def test_every_side_of_the_likelihood_finds_the_same_bits():
    torch.manual_seed(0)
    benchmark = bench.load("likelihood")
    images = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    task = benchmark.Task(Smooth(), DiscreteVP(linear_betas(40)), images)
    ours = benchmark.ours(task, benchmark.OURS)
    sides = [(benchmark.with_scipy(task, "log_snr", 1e-4), 1e-3),
             (benchmark.with_scipy(task, "time", 1e-4), 5e-2)]  # the chain's rates jump, which a tolerance sees late
    if bench.is_installed("torchdiffeq"):
        sides.append((benchmark.with_torchdiffeq(task, 1e-4), 1e-3))
    for found, atol in sides:
        assert torch.allclose(found.bits, ours.bits, rtol=0, atol=atol), found
        assert found.nfe > 6 and found.seconds > 0
    assert ours.nfe == 41 and ours.bits[0] != ours.bits[1]


def test_a_pair_tells_time_evaluations_and_error():
    benchmark = bench.load("likelihood")
    mine, theirs = (benchmark.Found(torch.tensor(bits), nfe, seconds)
                    for bits, nfe, seconds in [([1.0, 2.5], 10, 2.0), ([1.0, 3.0], 30, 8.0)])
    rows = benchmark.pair("a", mine, theirs, torch.tensor([1.0, 2.0]), 3, "the network")
    assert [(row.ours, row.peer, row.ratio) for row in rows] == [(2, 8, 4), (10, 30, 3), (0.5, 1, 2)]


def test_without_a_browser_every_row_of_live_is_there(monkeypatch):
    benchmark = bench.load("live")
    monkeypatch.setattr(benchmark, "chromium", lambda: None)
    rows = list(benchmark.rows())
    wanted = [pair for peers in benchmark.PEERS.values() for pair in peers.items()]
    assert [(row.name, row.goal) for row in rows] == wanted
    assert {row.ratio for row in rows} == {None}
