"""The benchmark's sides compute the same thing, and without a GPU it claims nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from course_utils import bench
from course_utils.kernels import dispatch


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


def test_every_kernel_has_its_files():
    """A kernel is new files: the kernel, its cases, what it is compiled from, and its benchmark."""
    here, folder = Path(__file__).parent, Path(dispatch.__file__).parent
    kernels = {path.stem for path in folder.glob("*.py") if "_kernel(" in path.read_text("utf-8")} - {"dispatch"}
    assert len(kernels) >= 4
    for found in (here.glob("cases_*.py"), here.glob("compiled_*.py")):
        assert {path.stem.partition("_")[2] for path in found} == kernels
    assert {path.stem for path in (bench.FOLDER / "kernels").glob("*.py")} == kernels


def test_a_kernels_benchmark_is_found_by_its_file(benchmark, tmp_path, monkeypatch):
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "toy.py").write_text(
        "from course_utils.bench import Case\n"
        "def cases(draw, elements, dtype):\n"
        "    return [Case('toy', None, None, None, elements(2), None, None)]\n")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    assert [(case.name, case.bytes) for case in benchmark.cases("cpu", 1)] == [("toy", 4096)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="There is a GPU: the benchmark would run.")
def test_without_a_gpu_no_figure_is_claimed(benchmark):
    rows = list(benchmark.rows())
    assert {r.name.split(" float32")[0] for r in rows} >= {"q_sample", "guided_step", "modulated_norm backward"}
    assert len({r.name for r in rows}) == len(rows)
    assert all(r.ratio is r.ours is None and "a GPU: not applicable" in r.needs for r in rows)


def test_the_captured_sampler_is_the_networks_and_runs(benchmark):
    sampler, network = benchmark.sampler_and_network("cpu")
    assert sampler().shape == (8, 1, 28, 28) and network().shape == (16, 1, 28, 28)
