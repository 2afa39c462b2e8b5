"""Both sides of the samplers' benchmark do the same work."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from course_utils import bench


@pytest.fixture(scope="module")
def cases():
    return [case for case in bench.load("samplers").cases() if case.peer]


def test_both_sides_reach_the_same_picture(cases):
    for case in (c for c in cases if "alone" not in c.name):
        ours, theirs = (torch.manual_seed(0) and side() for side in (case.ours, case.peer))
        off = (ours - theirs).abs().max() / theirs.abs().max()
        assert off < 1e-5, case.name


def test_the_noise_alone_is_as_much_as_a_sampler_draws(cases):
    for case in (c for c in cases if "alone" in c.name):
        after = []
        for side in (case.ours, case.peer):
            torch.manual_seed(0)
            side()
            after.append(torch.get_rng_state())
        assert torch.equal(*after), case.name


def test_without_peers_every_row_is_there(monkeypatch):
    benchmark = bench.load("samplers")
    monkeypatch.setattr(benchmark, "medians", lambda sides, **_: dict.fromkeys(sides, 1.0))
    monkeypatch.setattr(benchmark, "installed", lambda package: False)
    for package in ("diffusers", "denoising_diffusion_pytorch"):
        monkeypatch.setitem(sys.modules, package, None)
    rows = list(benchmark.rows())
    recorded = json.loads((bench.FOLDER / "results/samplers.json").read_text("utf-8"))["rows"]
    assert [(row.name, row.unit, row.goal) for row in rows] == [(r["name"], r["unit"], r["goal"]) for r in recorded]
    measured = [row.name for row in rows if row.ratio is not None]
    assert len(measured) == 2 and all("alone" in name for name in measured)
    assert {row.needs for row in rows} == {"", "diffusers: not applicable",
                                           "denoising-diffusion-pytorch: not applicable"}
