"""The loop of all samplers: its callback, its inputs, its memory, and what it asks of a model."""

from __future__ import annotations

import itertools
from functools import partial

import numpy
import pytest
import torch
from conftest import require
from diffusion.exact import GRIDS, PATHS, Exact, distance, noise

from course_utils.diffusion import samplers
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, linear_betas
from course_utils.diffusion.plans import (
    plan_ancestral,
    plan_ddim,
    plan_dpmpp_2m,
    plan_euler,
    plan_euler_maruyama,
    plan_reverse_diffusion,
)
from course_utils.diffusion.running import fusible


def test_the_callback_sees_every_step():
    path, seen, last = DiscreteVP(linear_betas(5)), [], {}

    def callback(state):
        seen.append((state["i"], state["t"], state["s"]))
        last.update(state)

    model = Exact(path, kind="noise")
    x = samplers.sample_ancestral(model, noise(path, 2).float(), path, callback=callback)
    assert seen == [(0, 4, 3), (1, 3, 2), (2, 2, 1), (3, 1, 0), (4, 0, -1)]
    assert all(isinstance(t, int) for _, t, _ in seen)
    assert last["x"] is x and torch.equal(last["x_start"], x)  # the last step leads to clean data
    continuous: list = []
    samplers.sample_heun(Exact(PATHS["vp"]), noise(PATHS["vp"], 2), PATHS["vp"], 3, prediction="x_start",
                         callback=lambda state: continuous.append(state["t"]))
    assert continuous == pytest.approx([1, 2 / 3, 1 / 3])


@pytest.mark.parametrize("kind", ["noise", "x_start", "v", "velocity", "score"])
def test_any_prediction_gives_the_same_samples(kind):
    path, x = PATHS["vp"], noise(PATHS["vp"], 5)
    want = samplers.sample_ddim(Exact(path), x, path, 10, prediction="x_start", clamp=0.7)
    got = samplers.sample_ddim(Exact(path, kind=kind), x, path, 10, prediction=kind, clamp=0.7)
    torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("run", [samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_ancestral,
                                 samplers.sample_heun, partial(samplers.sample_pc, corrector=None)])
def test_a_callback_may_write_to_x(run):
    """Inpainting: what is known is put back at the time that x has reached."""
    path, known = PATHS["vp"], torch.tensor([0.5])
    z = torch.randn(4, 1, dtype=torch.float64)

    def project(state):
        s = torch.full((4,), state["s"]).double()
        state["x"][:, :1] = path.add_noise(known.expand(4, 1).double(), s, z)
        state["x"][:, 1:] += 100.0 * (state["i"] == 0)  # the rest goes on from what it is told

    x = torch.randn(4, 2, dtype=torch.float64)
    out = run(lambda x, t: x, x, path, 5, prediction="x_start", clamp=None, callback=project)
    torch.testing.assert_close(out[:, :1], known.expand(4, 1).double())
    assert (out[:, 1] > 10).all()


@pytest.mark.parametrize("answer", [lambda x: x.view(x.shape), lambda x: x.detach(), lambda x: x.T.T, lambda x: x])
def test_a_model_may_answer_with_what_it_was_given(answer):
    path, x = PATHS["vp"], noise(PATHS["vp"], 4)
    for run in (samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_heun):
        want = run(lambda x, t: x.clone(), x, path, 4, prediction="x_start", clamp=0.7)
        torch.testing.assert_close(run(lambda x, t: answer(x), x, path, 4, prediction="x_start", clamp=0.7), want)


def test_a_grid_may_be_any_sequence_and_a_number_any_integer():
    path, chain = PATHS["vp"], PATHS["chain"]
    want = plan_ddim(path, torch.tensor([1.0, 0.5, 0.0]).double())
    for times in ([1.0, 0.5, 0.0], (1, 0.5, 0), numpy.array([1.0, 0.5, 0.0]), numpy.int64(2), 2):
        plan = plan_ddim(path, times)
        assert torch.equal(plan.table, want.table) and torch.equal(plan.times, want.times)
    assert plan_ddim(chain, numpy.array([300, 20])).times.dtype == torch.int64
    assert plan_ddim(RectifiedFlow(), torch.tensor([1, 0])).table.dtype == torch.float64
    for grid in GRIDS:  # the end told is the end that is taken
        for any_path in (chain, VE()):
            assert torch.equal(grid(any_path, 4, any_path.clean), grid(any_path, 4))


def test_what_cannot_be_told_is_said():
    path = PATHS["rectified"]
    for times, said in ((0, "1 step or more"), ([1.0], "at least two"), (0.5, "at least two"),
                        ([2.0, 0], "between 0 and 1"), (torch.arange(9, -1, -1), "between 0 and 1"),
                        ([0.5, -0.1], "between 0 and 1")):
        with pytest.raises(ValueError, match=said):
            plan_ddim(VP(), times)
    for grid in GRIDS:
        with pytest.raises(ValueError, match="fall from 1 to 0"):
            grid(VP(), 4, 1.0)
    for eta in (-0.1, 1.1):
        with pytest.raises(ValueError, match="eta is between 0"):
            plan_ddim(VP(), 4, eta)
    with pytest.raises(ValueError, match="clamp"):
        samplers.sample_ddim(Exact(path), noise(path, 2), path, 4, prediction="velocity", clamp=-1.0)
    with pytest.raises(ValueError, match=r"answered \(2, 1, 1\) to x of \(2, 1\)"):
        samplers.sample_ddim(lambda x, t: x[..., None], noise(path, 2), path, 4, prediction="velocity")
    with pytest.raises(ValueError, match="predictor is one of ancestral, "):
        samplers.sample_pc(Exact(path), noise(path, 2), path, 4, predictor="euler", prediction="velocity")
    with pytest.raises(ValueError, match="noise does not tell x_start at time 1: .*velocity"):
        samplers.sample_ddim(Exact(path), noise(path, 2), path, 4)
    with pytest.raises(ValueError, match="time 1 of RectifiedFlow"):
        plan_euler_maruyama(path, 4)
    with pytest.raises(ValueError, match="times must fall"):
        plan_ddim(path, torch.linspace(0, 1, 5))
    with pytest.raises(ValueError, match="'beta' or 'posterior'"):
        plan_ancestral(path, 4, "fixed_small")
    with pytest.raises(ValueError, match="corrector"):
        samplers.sample_pc(Exact(path), noise(path, 2), path, 4, corrector="newton", prediction="velocity")


def test_noise_is_drawn_only_where_it_is_used():
    path, x = PATHS["chain"], noise(PATHS["chain"], 4)
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    for plan in (plan_ddim(path, 5), plan_dpmpp_2m(path, 5), plan_euler(path, 5)):
        samplers.sample(Exact(path), x, plan, prediction="x_start", generator=generator)
    assert torch.equal(generator.get_state(), before)
    samplers.sample(Exact(path), x, plan_ancestral(path, 3), prediction="x_start", generator=generator)
    expected = torch.Generator().manual_seed(0)
    for _ in range(2):  # none in the step to clean data
        torch.randn(x.shape, generator=expected, dtype=x.dtype)
    assert torch.equal(generator.get_state(), expected.get_state())


def test_the_callers_noise_is_left_alone_and_no_graph_is_kept():
    path, x = PATHS["vp"], noise(PATHS["vp"], 4).requires_grad_()
    kept = x.detach().clone()
    for run in (samplers.sample_ddim, samplers.sample_dpmpp_2m, samplers.sample_heun, samplers.sample_pc):
        out = run(lambda x, t: x, x, path, 4, prediction="x_start")  # answers with what it was given
        assert torch.equal(x, kept) and not out.requires_grad and out.isfinite().all()
    want = samplers.sample_ddim(lambda x, t: x.clone(), x, path, 4, prediction="x_start")
    assert torch.equal(samplers.sample_ddim(lambda x, t: x, x, path, 4, prediction="x_start"), want)


def test_no_step_waits_for_the_device():
    """Tensors of the meta device hold no values: reading one, or mixing it with the CPU's, raises."""
    x = torch.empty(2, 3, 4, 4, device="meta")
    model = lambda x, t: x * t.reshape(-1, 1, 1, 1)  # noqa: E731
    guide = samplers.guided(lambda x, t, c: model(x, t), torch.empty(2, 1, device="meta"), None, 2.0, (0.2, 0.8))
    for path in (PATHS["vp"], PATHS["chain"]):
        for plan, predict in itertools.product((plan_ddim(path, 4, 0.5), plan_dpmpp_2m(path, 4)), (model, guide)):
            assert samplers.sample(predict, x, plan, prediction="x_start").device.type == "meta"
        assert samplers.sample_heun(guide, x, path, 4, prediction="x_start").shape == x.shape
        assert samplers.sample_pc(guide, x, path, 4, prediction="x_start").shape == x.shape


def test_the_fused_loop_is_the_plain_one(monkeypatch):
    """What a GPU runs, here through the kernel's reference: the same up to rounding, and its noise to its spread."""
    path, seen = PATHS["vp"], {True: [], False: []}
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    model = lambda x, t, c: torch.sin(2 * x) * c + t[:, None]  # noqa: E731
    guide = samplers.guided(model, torch.ones(5, 1), None, 2.0, interval=(0.3, 0.8))
    wide = noise(path, 3000).float()
    for fused in (True, False):
        monkeypatch.setattr(samplers, "fusible", lambda x, fused=fused: fused)
        callback = lambda state, fused=fused: seen[fused].extend((state["x"].clone(), state["x_start"].clone()))  # noqa: E731
        samplers.sample_ddim(guide, x, path, 6, prediction="v", callback=callback)
        samplers.sample_ddim(lambda x, t: torch.cos(x), x, path, 6, callback=callback)
        samplers.sample_dpmpp_2m(guide, x, path, 6, prediction="v", callback=callback)
        last = samplers.sample_dpmpp_2m(guide, x, path, 6, prediction="v")
        torch.testing.assert_close(last, seen[fused][-2], rtol=1e-4, atol=1e-5)
        drawn = samplers.sample(Exact(path), wide, plan_ancestral(path, 100, "beta"), prediction="x_start", clamp=None,
                                generator=torch.Generator().manual_seed(1))
        assert distance(drawn) < 3
    assert len(seen[True]) == len(seen[False]) == 36
    for ours, plain in zip(seen[True], seen[False], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_only_what_one_kernel_can_do_is_fused():
    path, x = PATHS["vp"], torch.randn(2, 3, 4, 4)
    assert not fusible(x)  # on the CPU
    require("gpu", torch.cuda.is_available(), "fusing a step needs a GPU")
    x = x.cuda()
    assert fusible(x)
    assert not fusible(x.double())
    assert not fusible(x.to(memory_format=torch.channels_last))
    model = lambda x, t: torch.sin(3 * x)  # noqa: E731
    for sampler in (samplers.sample_ddim, samplers.sample_dpmpp_2m):
        plain = sampler(model, x.cpu(), path, 10)
        torch.testing.assert_close(sampler(model, x, path, 10).cpu(), plain, rtol=1e-4, atol=1e-4)


def test_a_callback_that_only_looks_changes_nothing():
    """A callback changes nothing; a plan may both remember and draw."""
    path, x = PATHS["vp"], noise(PATHS["vp"], 5, d=3)
    model = lambda x, t: torch.sin(3 * x) + t[:, None]  # noqa: E731
    for kind in ("noise", "x_start", "v"):
        for plan in (plan_ddim(path, 8, 0.5), plan_dpmpp_2m(path, 8)):
            runs = [samplers.sample(model, x, plan, prediction=kind, clamp=None, callback=callback,
                                    generator=torch.Generator().manual_seed(0)) for callback in (None, lambda s: None)]
            torch.testing.assert_close(*runs, rtol=1e-10, atol=1e-10)
    table = torch.tensor([[0.0, 1, 0, 0], [0, 0, 2, 0.5]]).double()
    plan, starts = samplers.Plan(path, torch.tensor([0.9, 0.5, 0.1]).double(), table), []
    got = samplers.sample(model, x, plan, prediction="x_start", clamp=None, generator=torch.Generator().manual_seed(0))
    samplers.sample(model, x, plan, prediction="x_start", clamp=None,
                    callback=lambda state: starts.append(state["x_start"].clone()))
    drawn = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    torch.testing.assert_close(got, 2 * starts[0] + 0.5 * drawn)


def test_a_plan_serves_other_sizes_types_and_predictions():
    path, plan = PATHS["vp"], plan_dpmpp_2m(PATHS["vp"], 5)
    for dtype, b, kind in itertools.product((torch.float64, torch.float32), (2, 3), ("x_start", "v")):
        x = noise(path, b).to(dtype)
        again = samplers.sample(Exact(path, kind=kind), x, plan_dpmpp_2m(path, 5), prediction=kind)
        assert torch.equal(samplers.sample(Exact(path, kind=kind), x, plan, prediction=kind), again)


@pytest.mark.parametrize("plan, clamp", [(plan_ancestral, 1), (plan_ddim, 1), (plan_ddim, None), (plan_dpmpp_2m, None)])
def test_the_whole_loop_compiles_to_one_graph_once_its_plan_was_run(plan, clamp):
    net = torch.nn.Conv2d(1, 1, 3, padding=1)
    loop = partial(samplers.sample, lambda x, t: net(x) * t.view(-1, 1, 1, 1) / 1000, plan=plan(PATHS["chain"], 4),
                   clamp=clamp)
    compiled = torch.compile(loop, fullgraph=True, backend="aot_eager")  # this backend needs no compiler
    x, drawn = torch.randn(2, 1, 6, 6), []
    for run in (loop, compiled):
        torch.manual_seed(0)
        drawn.append(run(x))
    torch.testing.assert_close(*drawn)


def test_types_and_memory_formats_are_kept():
    path = PATHS["vp"]
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    seen = set()

    def model(x, t):
        seen.add((x.dtype, t.dtype, t.shape, x.is_contiguous(memory_format=torch.channels_last)))
        return torch.zeros_like(x)

    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        assert samplers.sample_ddim(model, x.to(dtype), path, 3, eta=0.5).dtype == dtype
    assert seen == {(torch.float32, torch.float32, (2,), True), (torch.bfloat16, torch.float32, (2,), True),
                    (torch.float64, torch.float64, (2,), True)}


def test_a_network_samples_in_evaluation_mode_and_gets_its_own_back():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout(0.5), torch.nn.ReLU())
    network[2].eval()
    seen = []

    def forward(x, t, condition=None):
        seen.append(network.training or network[1].training)
        return x

    network.forward = forward
    path, x = PATHS["vp"], noise(PATHS["vp"], 2)
    samplers.sample_ddim(network, x, path, 2)
    samplers.sample_ddim(samplers.guided(network, None, None, 1.0), x, path, 2)
    samplers.sample_ode(network, x, path)
    assert not any(seen) and [m.training for m in network.modules()] == [True, True, True, False]


def test_a_plan_of_one_step_gives_the_clean_prediction():
    path = DiscreteVP(linear_betas(10))
    plan = samplers.plan_ddim(path, 1)
    assert plan.times.tolist() == [9, -1] and plan.table.tolist() == [[0, 1, 0, 0]]
    for plan in (plan_euler, plan_dpmpp_2m, plan_reverse_diffusion, plan_euler_maruyama):
        for any_path in (path, PATHS["ve"], PATHS["vp"]):
            times = torch.tensor([0.3 if any_path is not path else 3.0, any_path.clean], dtype=torch.float64)
            if plan is not plan_reverse_diffusion or any_path is PATHS["ve"]:
                torch.testing.assert_close(plan(any_path, times).table, torch.tensor([[0.0, 1, 0, 0]]).double())
