"""Digits under more and less guidance, in few and many steps: the slider that notebook 07 is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch
from PIL import Image
from torch import Generator, Tensor

from course_utils.diffusion.plans import Plan, plan_ancestral, plan_ddim, plan_euler
from course_utils.diffusion.slider import PREVIEW_STEPS, UNGUIDED, Slider, StudentSlider, plan_slider
from course_utils.widgets import live, recorded
from course_utils.widgets.parts import Control, Picture, controls, display, expect_images, recording, sheet
from course_utils.widgets.watched import watch

Sample = Callable[[Callable, Tensor, Tensor, float, int, str], Tensor]

PLANS: dict[str, Callable[..., Plan]] = {"DPM-Solver++ 2M": plan_slider, "DDIM": plan_ddim, "ancestral": plan_ancestral}
STUDENTS_PLANS: dict[str, Callable[..., Plan]] = {"Euler": plan_euler}
WEIGHTS = [-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0]
STEPS = [3, 5, 8, 12, 20, 50]
FEW_WEIGHTS, FEW_STEPS = [-1.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0], [3, 4, 6, 12]  # that are recorded
ROWS, COLUMNS, SCALE = 2, 5, 4  # digits of a picture; logical pixels of one of a digit


def guidance_slider(item: Any, sample: Sample | None = None, *, samplers: Sequence[str] | None = None) -> None:
    """Displays ten digits that follow guidance scale, number of steps, class, seed and sampler.

    A kernel answers with a preview first, drops what a newer move has made stale, and remembers its pictures; P plays
    through the guidance. Recorded are guidance and steps, for ten classes and one seed.

    Args:
        item: A checkpoint that predicts the noise of 28 × 28 images under a class, as "mnist-unet" does, or a few-step
            student that takes the weight as an input, as "mnist-flow-4" does: its steps and its weights are offered.
        sample: `sample(model, x_T, labels, w, steps, sampler) -> images`, (10, 1, 28, 28) in [-1, 1]; the library's
            unless given. `model(x, t, model_kwargs)` is the fast copy of the item's, whose evaluations are counted;
            x_T is (10, 1, 28, 28), labels (10,) int64, w the course's weight: 0 is the plain conditional.
        samplers: Names that are offered, all of the library's unless given; with a `sample` of your own, those that
            it knows.

    Raises:
        ValueError: The item predicts something else than noise and is no student, or the library knows no sampler of
            that name.
    """
    kind, plans = item.config.get("prediction", "noise"), _plans(item)
    samplers = list(plans) if samplers is None else samplers
    if kind != "noise" and not is_student(item):
        raise ValueError(f"The guidance slider needs a network that predicts noise, and this one predicts {kind}.")
    unknown = set(samplers) - plans.keys() if sample is None else ()
    if unknown:
        raise ValueError(f"The library samples by {', '.join(plans)}, not by {', '.join(unknown)}: give a `sample` "
                         "of your own.")
    digits, offered = Digits(item, sample), controls(_controls(item, samplers))
    sliders = {name: control for name, control in offered.items() if len(control.values) > 1}  # others cannot move
    fixed = {name: control.default for name, control in offered.items() if name not in sliders}
    if recording():
        few = {name: sliders[name] for name in ("w", "steps") if name in sliders}
        picture = partial(digits.picture, **{"sampler": samplers[0]} | fixed)
        display(recorded.bundle("guidance", picture, few, play="w"))
    else:
        followed = live.Followed(lambda values, going: digits.pictures(fixed | values, going), sliders, play="w")
        display(followed.view.bundle("Ten digits that follow sliders."))


def is_student(item: Any) -> bool:
    """Whether a checkpoint is a few-step student that takes the weight of guidance as an input."""
    return "largest_w" in item.config


def _plans(item: Any) -> dict[str, Callable[..., Plan]]:
    return STUDENTS_PLANS if is_student(item) else PLANS


def describe_weight(w: float) -> str:
    """A weight in both conventions."""
    return f"w = {w:g} · guidance_scale {1 + w:g}"


@dataclass(frozen=True)
class Choice:
    """One value of each control, at first the default; recorded are values of the first two."""

    w: float = 1.0
    steps: int = 12
    digit: int | str = "all"
    seed: int = 0
    sampler: str = next(iter(PLANS))

    def words(self, evaluations: int) -> str:
        """What the picture shows and took."""
        of = "one of each class" if self.digit == "all" else f"each a {self.digit}"
        if self.w in UNGUIDED:
            how = "without the class" if self.w else "without guidance"
        elif evaluations == self.steps:
            how = "the weight is an input of the network"
        else:
            how = f"{max(0, evaluations - self.steps)} of them guided and so evaluated twice"
        return (f"Ten digits, {of}, by {self.sampler} from seed {self.seed}, {describe_weight(self.w)}. "
                f"{self.steps} steps, {how}: {evaluations} network evaluations.")


class Digits:
    """Pictures of ten digits, by the library's slider of such an item or by a `sample` of the reader's own."""

    def __init__(self, item: Any, sample: Sample | None):
        self.item, self.sample = item, sample
        self.device = next(item.model.parameters()).device
        self.model = watch(item.model, item.path.T)
        self.slider = lru_cache(maxsize=4)(self._slider)
        self.plan = lru_cache(maxsize=32)(lambda sampler, steps: _plans(item)[sampler](item.path, steps))

    def pictures(self, values: dict[str, Any], going: Callable[[float], None]) -> Iterator[Picture]:
        """A preview, where it is not the picture itself and shows the same digits; then the picture."""
        choice, self.model.going = Choice(**values), going
        quick = is_student(self.item) or choice.steps <= PREVIEW_STEPS
        if not quick and (self.sample or not self.plan(choice.sampler, PREVIEW_STEPS).draws):
            yield Picture(_sheet(self._preview(choice)), f"A preview of {PREVIEW_STEPS} steps.", quick=True)
        yield self.picture(**values)

    def picture(self, **values: Any) -> Picture:
        """The digits of a choice."""
        choice = Choice(**values)
        images, evaluations = self._own(choice) if self.sample else self._library(choice)
        return Picture(_sheet(images), choice.words(evaluations), quick=True)

    def _preview(self, choice: Choice) -> Tensor:
        if self.sample:
            return self._own(replace(choice, steps=PREVIEW_STEPS))[0]
        return self.slider(choice.seed, choice.digit).preview(choice.w)

    def _library(self, choice: Choice) -> tuple[Tensor, int]:
        slider, plan = self.slider(choice.seed, choice.digit), self.plan(choice.sampler, choice.steps)
        fresh = Generator(self.device).manual_seed(10_000 + choice.seed)  # not x_T once more
        return slider(choice.w, plan, fresh), slider.evaluations(choice.w, plan)

    def _own(self, choice: Choice) -> tuple[Tensor, int]:
        """What the reader's function gives, and how many evaluations it took."""
        x, labels = self.start(choice.seed, choice.digit)
        self.model.rows = 0
        images = self.sample(self.model, x, labels, choice.w, choice.steps, choice.sampler)
        return expect_images("sample", images, x.shape), round(self.model.rows / len(x))

    def start(self, seed: int, digit: int | str) -> tuple[Tensor, Tensor]:
        """x_T (10, 1, 28, 28) and the labels (10,): the same noise for every class."""
        x = torch.randn(ROWS * COLUMNS, 1, 28, 28, generator=Generator().manual_seed(seed))
        labels = torch.arange(len(x)) if digit == "all" else torch.full((len(x),), digit)
        return x.to(self.device), labels.to(self.device)

    def _slider(self, seed: int, digit: int | str) -> Slider | StudentSlider:
        x, labels = self.start(seed, digit)
        cond = {"text_emb": self.item.encode(labels)}
        if is_student(self.item):
            return StudentSlider(self.model, x, self.item.path, cond, steps=self.item.config["sampling_steps"])
        return Slider(self.model, x, self.item.path, cond, None)


def _controls(item: Any, samplers: Sequence[str]) -> dict[str, Control]:
    weights, steps = (FEW_WEIGHTS, FEW_STEPS) if recording() else (WEIGHTS, STEPS)
    if is_student(item):
        weights = [w for w in weights if 0 <= w <= item.config["largest_w"]]
        steps = [item.config["sampling_steps"]]
    first = Choice.steps if Choice.steps in steps else steps[0]
    return {"w": Control(weights, Choice.w, "guidance", describe_weight), "steps": Control(steps, first),
            "digit": Control(["all", *range(10)], Choice.digit, "class"), "seed": Control(range(10), Choice.seed),
            "sampler": Control(samplers, samplers[0])}


def _sheet(images: Tensor) -> Image.Image:
    """(10, 1, 28, 28) in [-1, 1] as a grey picture."""
    return sheet(((images.float() + 1) * 127.5).round().clamp(0, 255), COLUMNS, SCALE)
