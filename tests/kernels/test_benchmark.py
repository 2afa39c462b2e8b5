"""The benchmark's sides compute the same thing, and without a GPU it claims nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

FILE = Path(__file__).parents[2] / "benchmarks" / "kernels.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_kernels", FILE)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


def test_both_sides_compute_the_same(benchmark):
    for case in benchmark.cases("cpu", 4096):
        ours, peer = ([r] if isinstance(r, torch.Tensor) else list(r) for r in (case.ours(), case.eager()))
        if case.name == "guided_step":  # each side draws noise of its own, a tenth of a standard normal
            assert (ours[0] - peer[0]).std().item() == pytest.approx(0.1 * 2**0.5, rel=0.1)
            continue
        if case.name.startswith("reparameterize_kl"):
            ours, peer = (ours[1:], peer[1:]) if "backward" not in case.name else (ours[:1], peer[:1])
        assert all(torch.allclose(a, b, atol=1e-4, rtol=1e-4) for a, b in zip(ours, peer, strict=True)), case.name


@pytest.mark.skipif(torch.cuda.is_available(), reason="There is a GPU: the benchmark would run.")
def test_without_a_gpu_no_figure_is_claimed(benchmark):
    rows = benchmark.results()
    assert {r["name"].split(":")[0] for r in rows} >= {"q_sample", "guided_step", "modulated_norm backward"}
    assert all(r["ratio"] is r["ours"] is None and "not applicable" in r["needs"] for r in rows)
    assert set(rows[0]) == {"name", "ours", "peer", "ratio", "unit", "goal", "needs"}
