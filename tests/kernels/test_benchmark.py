"""The benchmark's sides compute the same thing, and without a GPU it claims nothing."""

from __future__ import annotations

import pytest
import torch

from course_utils import bench


@pytest.fixture(scope="module")
def benchmark():
    return bench.load("kernels")


def test_both_sides_compute_the_same(benchmark):
    for case in benchmark.cases("cpu", 4096):
        ours, peer = ([r] if isinstance(r, torch.Tensor) else list(r) for r in (case.ours(), case.eager()))
        if case.name.startswith("guided_step"):  # each side draws noise of its own, a tenth of a standard normal
            assert (ours[0] - peer[0]).std().item() == pytest.approx(0.1 * 2**0.5, rel=0.1)
            continue
        if case.name.startswith("reparameterize_kl"):
            ours, peer = (ours[1:], peer[1:]) if "backward" not in case.name else (ours[:1], peer[:1])
        assert all(torch.allclose(a, b, atol=1e-4, rtol=1e-4) for a, b in zip(ours, peer, strict=True)), case.name


@pytest.mark.skipif(torch.cuda.is_available(), reason="There is a GPU: the benchmark would run.")
def test_without_a_gpu_no_figure_is_claimed(benchmark):
    rows = list(benchmark.rows())
    assert {r.name.split(" float32")[0] for r in rows} >= {"q_sample", "guided_step", "modulated_norm backward"}
    assert len({r.name for r in rows}) == len(rows)
    assert all(r.ratio is r.ours is None and "a GPU: not applicable" in r.needs for r in rows)


def test_the_captured_sampler_is_the_networks_and_runs(benchmark):
    sampler, network = benchmark.sampler_and_network("cpu")
    assert sampler().shape == (8, 1, 28, 28) and network().shape == (16, 1, 28, 28)
