"""The sides of the samplers' benchmark do the same work; that its DDIM is diffusers', test_benchmarks.py shows."""

from __future__ import annotations

import json

import pytest
import torch

from course_utils import bench
from course_utils.diffusion.paths import DiscreteVP, cosine_betas


@pytest.fixture(scope="module")
def benchmark():
    return bench.load("samplers")


class Counting(torch.nn.Module):
    """A network that notes the shapes that it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, x, t, model_kwargs):
        self.asked.append((x.shape, t.shape, t.dtype, model_kwargs["text_emb"].shape))
        return 0.5 * x + 0.1 * model_kwargs["text_emb"].mean() + 1e-3 * t.view(-1, 1, 1, 1)


def test_the_network_has_its_share_of_every_sampler_and_no_more(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "REPEATS", 1)
    net = Counting()
    case = benchmark.slider.Case(net, torch.randn(2, 1, 4, 4), torch.randn(2, 3), DiscreteVP(cosine_betas(200)))
    taken = benchmark.measure_shares(case, net)
    assert list(taken) == list(benchmark.SAMPLERS) and len(net.asked) == len(taken) * benchmark.STEPS
    assert len(set(net.asked)) == 1  # all of one shape
    assert all(0 < within < whole for whole, within in taken.values())


def test_the_clock_runs_between_call_and_return_alone(benchmark, monkeypatch):
    times = iter([1.0, 3.0, 10.0, 11.5])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(times))
    clocked = benchmark.Clocked(lambda x, t: x + t)
    assert [clocked(1, 2), clocked(3, 4)] == [3, 7] and clocked.seconds == 3.5


@pytest.mark.parametrize("found", [True, False])
def test_every_row_is_there_with_peers_and_without(benchmark, monkeypatch, found):
    monkeypatch.setattr(benchmark, "medians", lambda sides, *_, **__: dict.fromkeys(sides, 1.0))
    monkeypatch.setattr(benchmark, "measure_shares", lambda case, net: dict.fromkeys(benchmark.SAMPLERS, (1.0, 1.0)))
    monkeypatch.setattr(benchmark, "is_installed", lambda package: found)
    monkeypatch.setattr(benchmark, "compiler", lambda: False)
    rows = list(benchmark.rows())
    recorded = json.loads((bench.FOLDER / "results/samplers.json").read_text("utf-8"))["rows"]
    assert [(row.name, row.unit, row.goal) for row in rows] == [(r["name"], r["unit"], r["goal"]) for r in recorded]
    needs = [row.needs.split(":")[0] for row in rows]
    assert needs == ["", "", "", "" if found else "diffusers"] + ["a C++ compiler"] * 4
