"""Guided digits while a slider of the guidance weight moves.

`Slider` on the network as `Fast` serves it (12 steps of DPM-Solver++ 2M, the prediction of pure noise remembered,
guidance in the first half of the time), against the textbook way: diffusers' DDIM scheduler with 50 steps, two eager
passes of notebook 06's class a step, contiguous tensors, x_start clipped and the noise derived from it again
(`use_clipped_model_output`). In the rows "the library's class" the same loop runs the course's own class for that
network, which is faster and computes the same: a harder peer, without goals. The distance is the root mean square to
the same noise's picture after 200 steps; the digits' spread is 0.66. The rows of DDIM compute the same 50 steps on
both sides. The peers are eager in all rows. The 4-step student is `mnist-flow-4`, which takes the weight as an input
and evaluates once a step; its peer is the same textbook way, with `mnist-unet`. Four emoji are those of notebook 11's
prompt box: 12 steps of DDIM, both predictions in one pass of 8, and the decoder. A slider moves again and again, so
each side is called once before it is timed: the first call after another side's turn costs up to three times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils import notebooks, zoo
from course_utils.bench import Row, is_installed, medians, share
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.samplers import guided, sample_ddim, sample_dpmpp_2m
from course_utils.diffusion.slider import Slider, StudentSlider
from course_utils.models.fast import Fast, compiler
from course_utils.pipeline import Pipeline

WEIGHT = 1.0  # of guidance, as in the recipe of mnist-unet
ALLOWED = 0.08  # distance to the converged picture
PREVIEW, PICTURE, EMOJI = 100.0, 60.0, 300.0  # milliseconds: a first preview, a student's eight digits, four emoji
PEERS = {"notebook": "diffusers with notebook 06's class", "library": "diffusers with the library's class"}
NAMES = {"slider": "slider moved", "first": "first picture, nothing remembered", "ddim": "DDIM, 50 steps",
         "student": "4-step student, slider moved", "compiled slider": "slider moved",
         "compiled ddim": "DDIM, 50 steps", "compiled student": "4-step student, slider moved"}
REPEATS = 5


@dataclass
class Case:
    """A network and what it is asked: noise x (b, 1, h, w), the conditions (b, n), the path."""

    net: nn.Module
    x: Tensor
    cond: Tensor
    path: DiscreteVP

    def textbook(self, net: nn.Module, steps: int = 50) -> Tensor:
        """The peer: diffusers' loop as its documentation writes it, around `net`."""
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler(num_train_timesteps=self.path.N, trained_betas=self.path.betas.float().numpy(),
                                  clip_sample=True, timestep_spacing="trailing")
        scheduler.set_timesteps(steps)
        x, nothing = self.x, torch.zeros_like(self.cond)
        with torch.no_grad():
            for t in scheduler.timesteps:
                time = t.expand(len(x))
                cond = net(x, time, {"text_emb": self.cond})
                uncond = net(x, time, {"text_emb": nothing})
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


def by_student(item: zoo.Item, net: Callable, x: Tensor) -> StudentSlider:
    """A few-step student's slider, served by `net`, of one digit of each class."""
    return StudentSlider(net, x, item.path, {"text_emb": item.encode(torch.arange(len(x)))},
                         steps=item.config["sampling_steps"])


def as_in_notebook(net: nn.Module, args: dict) -> nn.Module:
    """The same weights in notebook 06's class, as a reader of the course writes it."""
    written = notebooks.load(notebooks.source_of("06_unet")).Unet(**args).eval()
    written.load_state_dict(net.state_dict())
    return written


def rows() -> Iterator[Row]:
    """Speed without and with a compiler, then distances and the preview: eight digits."""
    item = zoo.load("mnist-unet")
    x = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    case = Case(item.model, x, item.encode(torch.arange(8)), DiscreteVP(cosine_betas(200)))
    eager, peers = Fast(case.net, compile=None), {"notebook": as_in_notebook(case.net, item.config["args"]),
                                                  "library": case.net}
    moved, pupil = case.slider(eager), zoo.load("mnist-flow-4")
    few = by_student(pupil, Fast(pupil.model, compile=None), x)
    sides = {"slider": lambda: moved(WEIGHT), "ddim": lambda: case.ddim(eager),
             "first": lambda: case.slider(eager)(WEIGHT), "preview": lambda: case.slider(eager).preview(WEIGHT),
             "student": lambda: few(WEIGHT)}
    if is_installed("diffusers"):
        sides |= {name: lambda net=net: case.textbook(net) for name, net in peers.items()}
    with_compiler = compile_sides(case, pupil) if compiler() else {}
    seconds = medians(sides | with_compiler, repeats=REPEATS, warmup=0, untimed=1)
    limits = {name: share(side, "convolution") for name, side in (sides | with_compiler).items() if name not in peers}
    goals = {"slider": 5, "ddim": 1.9, "first": None, "student": None}
    yield from against(seconds, limits, ", without a compiler", goals)
    yield Row.time(f"first preview, without a compiler, against {PREVIEW:.0f} ms", 1000 * seconds["preview"], PREVIEW,
                   goal=1, limit=f"two guided evaluations and a plain one; {limits['preview']}")
    yield from distances(case, moved)
    goals = {"compiled slider": 16, "compiled ddim": 3.5, "compiled student": 50}
    yield from against(seconds, limits, "", goals, "a C++ compiler")
    name = f"4-step student, a guided picture, against {PICTURE:.0f} ms"
    if "compiled student" in seconds:
        yield Row.time(name, 1000 * seconds["compiled student"], PICTURE, goal=1, needs="a C++ compiler",
                       limit=limits["compiled student"])
    else:
        yield Row.absent(name, "a C++ compiler", goal=1)
    yield from emoji()


def emoji() -> Iterator[Row]:
    """What a prompt's pictures take once their network is compiled."""
    name = f"four emoji of a prompt, 12 guided steps, against {EMOJI:.0f} ms"
    if not compiler():
        yield Row.absent(name, "a C++ compiler", goal=1)
        return
    pipe = Pipeline.load(compile=True)
    side = {"emoji": lambda: pipe(["blue apple"] * 4, 12, latents=pipe.noise(range(4)))}
    side["emoji"](), pipe.network.wait()  # the first call tells the compiler the shape
    seconds = medians(side, repeats=REPEATS, warmup=0, untimed=1)["emoji"]
    yield Row.time(name, 1000 * seconds, EMOJI, goal=1, needs="a C++ compiler",
                   limit=share(side["emoji"], "convolution"))


def compile_sides(case: Case, pupil: zoo.Item) -> dict[str, Callable[[], Tensor]]:
    """The sides that need a compiler, which is through with all shapes."""
    net, pupils = Fast(case.net), Fast(pupil.model)
    slider, few = case.slider(net), by_student(pupil, pupils, case.x)
    slider(WEIGHT), few(WEIGHT), net.wait(), pupils.wait()  # the first calls tell the compiler the shapes
    return {"compiled slider": lambda: slider(WEIGHT), "compiled ddim": lambda: case.ddim(net),
            "compiled student": lambda: few(WEIGHT)}


def against(seconds: dict[str, float], limits: dict[str, str], how: str, goals: dict[str, float | None],
            needs: str = "") -> Iterator[Row]:
    """Each side against each peer; the goals stand at the textbook way."""
    for side, goal in goals.items():
        for peer, words in PEERS.items():
            name, aim = f"{NAMES[side]}{how}, against {words}", goal if peer == "notebook" else None
            if side in seconds and peer in seconds:
                yield Row.time(name, 1000 * seconds[side], 1000 * seconds[peer], goal=aim, needs=needs,
                               limit=limits[side])
            else:
                yield Row.absent(name, needs if side not in seconds else "diffusers", goal=aim)


def distances(case: Case, slider: Slider) -> Iterator[Row]:
    """Root mean squares to the converged picture."""
    converged = case.converged()
    pictures = {"ours": slider(WEIGHT), "preview": slider.preview(WEIGHT)}
    if is_installed("diffusers"):
        pictures["peer"] = case.textbook(case.net)
    off = {name: (x - converged).square().mean().sqrt().item() for name, x in pictures.items()}
    yield Row.time(f"distance to the converged picture, against {ALLOWED}", off["ours"], ALLOWED, unit="", goal=1,
                   limit="twelve steps")
    for name, side, limit in (("the same, against diffusers' 50 steps", "ours", "twelve steps"),
                              ("the same of the preview", "preview", "three steps")):
        if "peer" in off:
            yield Row.time(name, off[side], off["peer"], unit="", limit=limit)
        else:
            yield Row.absent(name, "diffusers", unit="")
