"""Samplers with their network.

`mnist-unet` as `Fast` serves it draws 8 guided digits in 50 steps, both predictions in one pass of 16. "Its network
alone" is what the clock shows between the network's calls and their returns in these very runs, so that the ratio is
its share of the time, whatever else moves the machine, and what is missing from 1 is the sampler's. Against diffusers:
its DDIM scheduler in the loop of the slider's benchmark, two eager passes of notebook 06's class a step; both sides
compute the same 50 steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_utils import zoo
from course_utils.bench import Row, is_installed, load, medians
from course_utils.diffusion.samplers import sample_ancestral, sample_ddim, sample_dpmpp_2m
from course_utils.models.fast import Fast, compiler

STEPS, REPEATS = 50, 7
SAMPLERS = {"DDIM": sample_ddim, "DPM-Solver++ 2M": sample_dpmpp_2m, "ancestral": sample_ancestral}
SHARE = 0.97  # of the time, for the network
SPEED = {"": None, ", compiled": 3}  # against diffusers

slider = load("slider")


class Clocked:
    """A network that adds up the seconds of its calls."""

    def __init__(self, net: Callable):
        self.net, self.seconds = net, 0.0

    def __call__(self, *given: Any) -> Tensor:
        begin = time.perf_counter()
        out = self.net(*given)
        self.seconds += time.perf_counter() - begin
        return out


def measure_shares(case: slider.Case, net: Callable) -> dict[str, tuple[float, float]]:
    """Milliseconds of each sampler, and of the network within: those of the round with the median share."""
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in SAMPLERS}
    for _ in range(REPEATS):
        for name, sampler in SAMPLERS.items():
            clocked = Clocked(net)
            begin = time.perf_counter()
            sampler(case.guided(clocked), case.x, case.path, STEPS)
            rounds[name].append((1000 * (time.perf_counter() - begin), 1000 * clocked.seconds))
    return {name: sorted(taken, key=lambda both: both[1] / both[0])[REPEATS // 2] for name, taken in rounds.items()}


def compare_samplers(case: slider.Case, net: Callable, peer: nn.Module | None, how: str) -> Iterator[Row]:
    """A row for each sampler, then one against diffusers' loop around `peer`."""
    for name, (whole, within) in measure_shares(case, net).items():
        yield Row.time(_row(name, how), whole, within, goal=SHARE, limit="the network")
    if peer is None:
        yield Row.absent(_pair(how), "diffusers", goal=SPEED[how])
        return
    taken = medians({"ours": partial(case.ddim, net, STEPS), "diffusers": partial(case.textbook, peer, STEPS)},
                    REPEATS, warmup=0)
    yield Row.time(_pair(how), 1000 * taken["ours"], 1000 * taken["diffusers"], goal=SPEED[how], limit="the network")


def _row(sampler: str, how: str) -> str:
    return f"{sampler}, {STEPS} guided steps{how}: against its network alone"


def _pair(how: str) -> str:
    return f"DDIM, {STEPS} guided steps{how}, against diffusers with notebook 06's class"


def rows() -> Iterator[Row]:
    """The network as it is, then compiled: eight digits."""
    item = zoo.load("mnist-unet")
    x = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    case = slider.Case(item.model, x, item.encode(torch.arange(8)), item.path)
    peer = slider.as_in_notebook(case.net, item.config["args"]) if is_installed("diffusers") else None
    yield from compare_samplers(case, Fast(case.net, compile=None), peer, "")
    if not compiler():
        yield from (Row.absent(_row(name, ", compiled"), "a C++ compiler", goal=SHARE) for name in SAMPLERS)
        yield Row.absent(_pair(", compiled"), "a C++ compiler", goal=SPEED[", compiled"])
        return
    net = Fast(case.net)
    case.ddim(net, STEPS), net.wait()  # the first call tells the compiler the shape
    yield from compare_samplers(case, net, peer, ", compiled")
