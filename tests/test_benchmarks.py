"""Both sides of a benchmark compute the same: tiny sizes, no timing."""

from __future__ import annotations

import pytest
import torch

from course_utils import bench, zoo
from course_utils.models.fast import Fast
from course_utils.paths import DiscreteVP, linear_betas

ARGS = {"dim": 4, "condition_dim": 5, "dim_mults": [1, 2], "channels": 1}


@pytest.fixture
def case():
    torch.manual_seed(0)
    net = zoo.build("unet", ARGS).eval()
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
    monkeypatch.setattr(benchmark, "installed", lambda package: False)
    benchmark.ARGS.update(dim=4, dim_mults=[1, 2])
    assert [row.needs for row in benchmark.per_operation(2, 8)] == [
        "diffusers: not applicable", "denoising-diffusion-pytorch: not applicable"]
