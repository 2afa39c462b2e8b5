"""Samplers with their network.

`mnist-unet` as `Fast` serves it draws 8 guided digits in 50 steps, both predictions in one pass of 16. "The network
alone" is as many evaluations of the same shape and nothing else, so that the ratio is the network's share of the time,
and what is missing from 1 is the sampler's. Against diffusers: its DDIM scheduler in the loop of the slider's
benchmark, two eager passes of notebook 06's class a step; both sides compute the same 50 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from course_utils import zoo
from course_utils.bench import Row, installed, load, medians
from course_utils.diffusion.samplers import guided, sample_ancestral, sample_ddim, sample_dpmpp_2m
from course_utils.models.fast import Fast, compiler

STEPS, REPEATS = 50, 5
SAMPLERS = {"DDIM": sample_ddim, "DPM-Solver++ 2M": sample_dpmpp_2m, "ancestral": sample_ancestral}
SHARE = 0.97  # of the time, for the network
SPEED = {"": None, ", compiled": 3}  # against diffusers

slider = load("slider")


def sides(case: slider.Case, net: Callable, peer: nn.Module | None) -> dict[str, Callable[[], Tensor]]:
    """The samplers, their network alone, and DDIM on diffusers' grid with diffusers' loop around `peer`."""
    guide = case.guided(net)
    whole = {name: partial(sampler, guide, case.x, case.path, STEPS) for name, sampler in SAMPLERS.items()}
    pair = {"ours": partial(case.ddim, net, STEPS), "diffusers": partial(case.textbook, peer, STEPS)} if peer else {}
    return whole | {"network": partial(alone, guide, case.x)} | pair


@torch.no_grad()
def alone(guide: guided, x: Tensor) -> Tensor:
    """As many evaluations as a guided sampler makes, of its shape."""
    x, t = torch.cat([x, x]), torch.zeros(2 * len(x), dtype=torch.int64)
    for _ in range(STEPS):
        out = guide.model(x, t, guide.both)
    return out


def compared(seconds: dict[str, float], how: str, needs: str = "") -> Iterator[Row]:
    """A row for each sampler, then diffusers'; sides that were not measured are absent."""
    for name in SAMPLERS:
        words = f"{name}, {STEPS} guided steps{how}: against its network alone"
        if name in seconds:
            yield Row.time(words, 1000 * seconds[name], 1000 * seconds["network"], goal=SHARE, limit="the network")
        else:
            yield Row.absent(words, needs, goal=SHARE)
    words = f"DDIM, {STEPS} guided steps{how}, against diffusers with notebook 06's class"
    if "ours" in seconds:
        yield Row.time(words, 1000 * seconds["ours"], 1000 * seconds["diffusers"], goal=SPEED[how], limit="the network")
    else:
        yield Row.absent(words, needs or "diffusers", goal=SPEED[how])


def rows() -> Iterator[Row]:
    """The network as it is, then compiled: eight digits."""
    item = zoo.load("mnist-unet")
    x = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    case = slider.Case(item.model, x, item.encode(torch.arange(8)), item.path)
    peer = slider.as_in_notebook(case.net, item.config["args"]) if installed("diffusers") else None
    yield from compared(medians(sides(case, Fast(case.net, compile=None), peer), REPEATS, warmup=1), "")
    if not compiler():
        yield from compared({}, ", compiled", "a C++ compiler")
        return
    net = Fast(case.net)
    alone(case.guided(net), x), net.wait()  # the first call tells the compiler the shape
    yield from compared(medians(sides(case, net, peer), REPEATS, warmup=1), ", compiled")
