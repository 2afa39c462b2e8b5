"""Guided digits while a slider of the guidance weight moves.

`Slider` on the network as `Fast` serves it (12 steps of DPM-Solver++ 2M, the prediction of pure noise remembered,
guidance in the first half of the time), against the textbook way: diffusers' DDIM scheduler with 50 steps, two eager
passes of the same network a step, x_start clipped and the noise derived from it again (`use_clipped_model_output`).
The distance is the root mean square to the same noise's picture after 200 steps; the digits' spread is 0.66. The rows
of DDIM compute the same 50 steps on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils import zoo
from course_utils.bench import Row, compiler, medians
from course_utils.models.fast import Fast
from course_utils.paths import DiscreteVP, cosine_betas
from course_utils.samplers import guided, sample_ddim, sample_dpmpp_2m
from course_utils.slider import Slider

WEIGHT = 1.0  # of guidance, as in the recipe of mnist-unet
ALLOWED = 0.08  # distance to the converged picture
PREVIEW = 100.0  # milliseconds


@dataclass
class Case:
    """A network and what it is asked: noise x (b, 1, h, w), the conditions (b, n), the path."""

    net: nn.Module
    x: Tensor
    cond: Tensor
    path: DiscreteVP

    def textbook(self, steps: int = 50) -> Tensor:
        """The peer: diffusers' loop as its documentation writes it."""
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler(num_train_timesteps=self.path.N, trained_betas=self.path.betas.float().numpy(),
                                  clip_sample=True, timestep_spacing="trailing")
        scheduler.set_timesteps(steps)
        x, nothing = self.x, torch.zeros_like(self.cond)
        with torch.no_grad():
            for t in scheduler.timesteps:
                time = t.expand(len(x))
                cond = self.net(x, time, {"text_emb": self.cond})
                uncond = self.net(x, time, {"text_emb": nothing})
                noise = uncond + (1 + WEIGHT) * (cond - uncond)
                x = scheduler.step(noise, t, x, use_clipped_model_output=True).prev_sample
        return x

    def ddim(self, net: Callable, steps: int = 50) -> Tensor:
        """The same by the course: both predictions in one pass."""
        times = torch.cat([torch.arange(self.path.N, 0, -self.path.N / steps).round().long() - 1, torch.tensor([-1])])
        return sample_ddim(self.guided(net), self.x, self.path, times)

    def guided(self, net: Callable) -> guided:
        return guided(lambda x, t, cond: net(x, t, {"text_emb": cond}), self.cond, torch.zeros_like(self.cond), WEIGHT)

    def slider(self, net: Callable) -> Slider:
        return Slider(lambda x, t, cond: net(x, t, {"text_emb": cond}), self.x, self.path, self.cond,
                      torch.zeros_like(self.cond))

    def converged(self) -> Tensor:
        return sample_dpmpp_2m(self.guided(self.net), self.x, self.path, self.path.N)


def digits() -> Case:
    """Eight digits."""
    item = zoo.load("mnist-unet")
    x = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    return Case(item.model, x, item.encode(torch.arange(8)), DiscreteVP(cosine_betas(200)))


def rows() -> Iterator[Row]:
    """Speed without and with a compiler, then distances and the preview."""
    case = digits()
    eager = Fast(case.net, compile=None)
    moved = case.slider(eager)
    taken = medians({"ours": lambda: moved(WEIGHT), "first": lambda: case.slider(eager)(WEIGHT),
                     "preview": lambda: case.slider(eager).preview(WEIGHT), "ddim": lambda: case.ddim(eager),
                     "peer": case.textbook}, repeats=7, warmup=1)
    ms = {name: 1000 * seconds for name, seconds in taken.items()}
    limit = f"convolutions in {str(eager.dtype).split('.')[1]}"
    yield Row.time("slider moved, without a compiler", ms["ours"], ms["peer"], goal=5, limit=limit)
    yield Row.time("first picture, nothing remembered, without a compiler", ms["first"], ms["peer"], limit=limit)
    yield Row.time(f"first preview, against {PREVIEW:.0f} ms", ms["preview"], PREVIEW, goal=1,
                   limit="two guided evaluations and a plain one")
    yield Row.time("DDIM, 50 steps, without a compiler", ms["ddim"], ms["peer"], goal=1.9, limit=limit)
    yield from distances(case, moved)
    yield from compiled(case)


def distances(case: Case, slider: Slider) -> Iterator[Row]:
    """Root mean squares to the converged picture."""
    converged = case.converged()
    ours, preview, peer = ((x - converged).square().mean().sqrt().item()
                           for x in (slider(WEIGHT), slider.preview(WEIGHT), case.textbook()))
    yield Row.time(f"distance to the converged picture, against {ALLOWED}", ours, ALLOWED, unit="", goal=1,
                   limit="twelve steps")
    yield Row.time("the same, against diffusers' 50 steps", ours, peer, unit="", limit="twelve steps")
    yield Row.time("the same of the preview", preview, peer, unit="", limit="three steps")


def compiled(case: Case) -> Iterator[Row]:
    """The rows that need a compiler; the peer is eager in them, too, as the textbook way is."""
    names = {"slider moved": 15.0, "DDIM, 50 steps": 3.5}
    if not compiler():
        yield from (Row.absent(name, "a C++ compiler", goal=goal) for name, goal in names.items())
        return
    net = Fast(case.net)
    slider = case.slider(net)
    slider(WEIGHT), net.wait()  # the first call tells the compiler the shapes
    taken = medians({"slider moved": lambda: slider(WEIGHT), "DDIM, 50 steps": lambda: case.ddim(net),
                     "peer": case.textbook}, repeats=7, warmup=1)
    for name, goal in names.items():
        yield Row.time(name, 1000 * taken[name], 1000 * taken["peer"], goal=goal, needs="a C++ compiler",
                       limit=f"convolutions in {str(net.dtype).split('.')[1]}")
