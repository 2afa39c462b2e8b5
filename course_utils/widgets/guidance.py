"""Digits under more and less guidance, in few and many steps: the slider that notebook 07 is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from PIL import Image
from torch import Generator, Tensor, nn

from course_utils import plot
from course_utils.diffusion.plans import Plan, plan_ancestral, plan_ddim
from course_utils.diffusion.slider import PREVIEW_STEPS, UNGUIDED, Slider, plan_slider
from course_utils.models.fast import Fast
from course_utils.widgets import live, recorded
from course_utils.widgets.parts import Control, Picture, display, recording

Sample = Callable[[Callable, Tensor, Tensor, float, int, str], Tensor]

PLANS: dict[str, Callable[..., Plan]] = {"DPM-Solver++ 2M": plan_slider, "DDIM": plan_ddim, "ancestral": plan_ancestral}
WEIGHTS = [-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0]
STEPS = [3, 5, 8, 12, 20, 50]
FEW_WEIGHTS, FEW_STEPS = [-1.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0], [3, 5, 8, 12]  # that are recorded
ROWS, COLUMNS, SCALE, GAP = 2, 5, 4, 3  # digits of a picture; logical pixels of one of a digit, and between digits


def guidance_slider(item: Any, sample: Sample | None = None, *, samplers: Sequence[str] = tuple(PLANS)) -> None:
    """Displays ten digits that follow guidance scale, number of steps, class, seed and sampler.

    A kernel answers with a preview first, drops what a newer move has made stale, and remembers its pictures; P plays
    through the guidance. Recorded are guidance and steps, for ten classes and one seed.

    Args:
        item: A checkpoint that predicts the noise of 28 × 28 images under a class, as "mnist-unet" does.
        sample: `sample(model, x_T, labels, w, steps, sampler) -> images`, (10, 1, 28, 28) in [-1, 1]; the library's
            unless given. `model(x, t, model_kwargs)` is the fast copy of the item's, whose evaluations are counted;
            x_T is (10, 1, 28, 28), labels (10,) int64, w the course's weight: 0 is the plain conditional.
        samplers: Names that are offered; with a `sample` of your own, those that it knows.

    Raises:
        ValueError: The item predicts something else than noise, or the library knows no sampler of that name.
    """
    kind = item.config.get("prediction", "noise")
    if kind != "noise":
        raise ValueError(f"The guidance slider needs a network that predicts noise, and this one predicts {kind}.")
    unknown = set(samplers) - PLANS.keys() if sample is None else ()
    if unknown:
        raise ValueError(f"The library samples by {', '.join(PLANS)}, not by {', '.join(unknown)}: give a `sample` "
                         "of your own.")
    digits, sliders = Digits(item, sample), _controls(samplers)
    if recording():
        fixed = {name: sliders[name].default for name in ("digit", "seed", "sampler")}
        few = {"w": sliders["w"], "steps": sliders["steps"]}
        display(recorded.bundle("guidance", partial(digits.picture, **fixed), few, play="w"))
    else:
        display(live.Followed(digits.pictures, sliders, play="w").view.bundle("Ten digits that follow sliders."))


def _controls(samplers: Sequence[str]) -> dict[str, Control]:
    weights, steps = (FEW_WEIGHTS, FEW_STEPS) if recording() else (WEIGHTS, STEPS)
    return {"w": Control(weights, 1.0, "guidance", told), "steps": Control(steps, 12, "steps"),
            "digit": Control(["all", *range(10)], "all", "class"), "seed": Control(list(range(10)), 0, "seed"),
            "sampler": Control(list(samplers), samplers[0], "sampler")}


def told(w: float) -> str:
    """A weight in both conventions."""
    return f"w = {w:g} · guidance_scale {1 + w:g}"


class Digits:
    """Pictures of ten digits, by the library's `Slider` or by a `sample` of the reader's own."""

    def __init__(self, item: Any, sample: Sample | None):
        self.item, self.sample = item, sample
        self.model = Watched(_fast(item.model, not recording()), item.path.T)
        self.drawn = lru_cache(maxsize=4)(self._drawn)
        self.plan = lru_cache(maxsize=32)(lambda sampler, steps: PLANS[sampler](item.path, steps))

    def pictures(self, values: dict[str, Any], going: Callable[[float], None]) -> Iterator[Picture]:
        """A preview, where it is another picture and no other digits; then the picture."""
        self.model.going = going
        if values["steps"] > PREVIEW_STEPS and (self.sample or not self.plan(values["sampler"], PREVIEW_STEPS).draws):
            yield self.preview(**values)
        yield self.picture(**values)

    def picture(self, *, w: float, steps: int, digit: int | str, seed: int, sampler: str) -> Picture:
        """The digits of these controls."""
        x, labels, slider = self.drawn(seed, digit)
        if self.sample is None:
            plan = self.plan(sampler, steps)
            images = slider(w, plan, Generator(x.device).manual_seed(seed))
            evaluations = slider.evaluations(w, plan)
        else:
            images, evaluations = self._own(x, labels, w, steps, sampler)
        of = "one of each class" if digit == "all" else f"each a {digit}"
        return Picture(_sheet(images), f"Ten digits, {of}, by {sampler} from seed {seed}, {told(w)}. "
                                       f"{_counted(w, steps, evaluations)}")

    def preview(self, *, w: float, steps: int, digit: int | str, seed: int, sampler: str) -> Picture:
        """The same after few steps."""
        x, labels, slider = self.drawn(seed, digit)
        images = self._own(x, labels, w, PREVIEW_STEPS, sampler)[0] if self.sample else slider.preview(w)
        return Picture(_sheet(images), f"A preview of {PREVIEW_STEPS} steps.")

    def _drawn(self, seed: int, digit: int | str) -> tuple[Tensor, Tensor, Slider]:
        """x_T, the labels and the library's slider of a seed and a class."""
        device = next(self.item.model.parameters()).device
        x = torch.randn(ROWS * COLUMNS, 1, 28, 28, generator=Generator().manual_seed(seed)).to(device)
        labels = torch.arange(10) if digit == "all" else torch.full((10,), digit)
        condition = {"text_emb": self.item.encode(labels.to(device))}
        return x, labels.to(device), Slider(self.model, x, self.item.path, condition, None)

    def _own(self, x: Tensor, labels: Tensor, w: float, steps: int, sampler: str) -> tuple[Tensor, int]:
        """What the reader's function gives, and how many evaluations it took."""
        self.model.rows = 0
        images = self.sample(self.model, x.clone(), labels.clone(), w, steps, sampler)
        if not isinstance(images, Tensor) or images.shape != x.shape:
            came = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise ValueError(f"sample gave {came}, not images of {tuple(x.shape)}")
        return images, round(self.model.rows / len(x))


class Watched:
    """A model that counts the rows that it evaluates, and says before each call how far the time has come."""

    def __init__(self, model: Callable, T: float):
        self.model, self.T = model, T
        self.rows = 0
        self.going: Callable[[float], None] = lambda share: None

    def __call__(self, x: Tensor, t: Tensor, model_kwargs: dict = {}) -> Tensor:  # noqa: B006  (read, never written)
        self.going(1 - t[0].item() / self.T)
        self.rows += len(x)
        return self.model(x, t, model_kwargs)


@lru_cache(maxsize=2)
def _fast(model: nn.Module, compile: bool) -> Callable:
    """One fast copy of a model, however often its cell is run."""
    return Fast(model) if compile else Fast(model, compile=None)


def _counted(w: float, steps: int, evaluations: int) -> str:
    """What the picture took."""
    if w in UNGUIDED:
        return f"{steps} steps {'without the class' if w else 'without guidance'}: {evaluations} network evaluations."
    twice = max(0, evaluations - steps)
    return f"{steps} steps, {twice} of them guided and so evaluated twice: {evaluations} network evaluations."


def _sheet(images: Tensor) -> Image.Image:
    """(10, 1, 28, 28) in [-1, 1] as a grey picture, every pixel of a digit a square.

    Raises:
        ValueError: A value is no finite number.
    """
    if not images.isfinite().all():
        raise ValueError("the images hold values that are no finite numbers (NaN or infinite)")
    side, gap = (plot.SHARPNESS * size for size in (28 * SCALE, GAP))
    grey = ((images.cpu().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)[:, 0].numpy()
    page = Image.new("L", (COLUMNS * (side + gap) - gap, ROWS * (side + gap) - gap), 255)
    for i, digit in enumerate(grey):
        place = i % COLUMNS * (side + gap), i // COLUMNS * (side + gap)
        page.paste(Image.fromarray(digit).resize((side, side), Image.Resampling.NEAREST), place)
    return page
