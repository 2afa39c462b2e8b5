"""What both faces of an interactive figure are made of: its controls, and the picture of one choice of them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from course_utils import plot


def written(value: Any) -> str:
    """A value as it stands beside its slider."""
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Control:
    """One slider.

    Attributes:
        values: What it offers, in order: numbers, strings, anything with a short `str`.
        default: The value at the start; the first one unless given.
        label: What is written beside it; the argument's name unless given.
        written: How a value is written.
    """

    values: Sequence[Any]
    default: Any = None
    label: str | None = None
    written: Callable[[Any], str] = written

    @property
    def texts(self) -> list[str]:
        """All values as they are written."""
        return [self.written(value) for value in self.values]

    @property
    def start(self) -> int:
        """Where the default stands."""
        return list(self.values).index(self.default)


@dataclass(frozen=True)
class Field:
    """One line of text, in a live figure only; it answers as Enter is pressed or the field is left.

    Attributes:
        default: The text at the start.
        label: What is written beside it.
        hint: What is written in it where it is empty.
    """

    default: str
    label: str
    hint: str = ""
    texts: ClassVar[list[str]] = []  # beside a slider


def controls(given: Mapping[str, Sequence[Any] | Control | Field]) -> dict[str, Control | Field]:
    """The controls of a figure, each slider with its default and its label.

    Raises:
        ValueError: There is none, or one has no values or a default that it does not offer.
    """
    if not given:
        raise ValueError("An interactive figure needs a control; plot.show shows one figure.")
    return {name: c if isinstance(c, Field) else _complete(name, c) for name, c in given.items()}


def _complete(name: str, given: Sequence[Any] | Control) -> Control:
    control = given if isinstance(given, Control) else Control(list(given))
    values = list(control.values)
    if not values:
        raise ValueError(f"The control `{name}` has no values.")
    default = values[0] if control.default is None else control.default
    if default not in values:
        raise ValueError(f"The control `{name}` starts at {default!r}, which is none of its values.")
    return replace(control, values=values, default=default, label=control.label or name.replace("_", " "))


@dataclass(frozen=True)
class Picture:
    """What is shown for one choice of the controls.

    Attributes:
        image: Grey or RGB, `plot.SHARPNESS` pixels for each logical one.
        words: What it shows; also its alternative text.
        quick: Whether it follows a hand, and is written as fast as can be.
    """

    image: Image.Image
    words: str
    quick: bool = False

    @classmethod
    def of(cls, fig: Figure, words: str) -> Picture:
        """That of a figure, which adds to the words what of its values is no number."""
        return cls(plot.pixels(fig), plot.describe(fig, words))

    @property
    def width(self) -> int:
        """Logical pixels."""
        return self.image.width // plot.SHARPNESS

    def png(self) -> bytes:
        """As a PNG file."""
        if not self.quick:
            return plot.png(self.image)
        with io.BytesIO() as file:
            self.image.save(file, format="PNG", compress_level=1)
            return file.getvalue()


class Sentence(ValueError):
    """An error whose message is all that a reader needs to be told."""


def say_plainly(function: Callable[..., Any], *given: Any) -> Any:
    """`function(*given)`; its ValueError, of an unknown word or drawing, is raised again as a `Sentence`."""
    try:
        return function(*given)
    except ValueError as e:
        raise Sentence(str(e)) from None


def seeds(first: int, count: int) -> str:
    """How the seeds of `count` pictures are written, one after the other."""
    return f"{first} to {first + count - 1}"


def expect_images(name: str, images: Any, shape: tuple[int, ...]) -> Tensor:
    """What the function of this name gave, where that is images of this shape.

    Raises:
        ValueError: It is something else, or holds a value that is no finite number.
    """
    if not isinstance(images, Tensor) or images.shape != shape:
        came = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"{name} gave {came}, not images of {tuple(shape)}")
    if not images.isfinite().all():
        raise ValueError("the images hold values that are no finite numbers (NaN or infinite)")
    return images


def sheet(images: Tensor, columns: int, scale: int) -> Image.Image:
    """Images (n, c, h, w) of 0 to 255, grey or RGB, in rows; every pixel of them a square of `scale` logical pixels."""
    n, c, h, w = images.shape
    values = images.cpu().to(torch.uint8).permute(0, 2, 3, 1).squeeze(3).numpy()
    (wide, high, gap), rows = (plot.SHARPNESS * size for size in (w * scale, h * scale, plot.GAP)), -(-n // columns)
    page = Image.new("L" if c == 1 else "RGB", (columns * (wide + gap) - gap, rows * (high + gap) - gap), "white")
    for i, image in enumerate(values):
        place = i % columns * (wide + gap), i // columns * (high + gap)
        page.paste(Image.fromarray(image).resize((wide, high), Image.Resampling.NEAREST), place)
    return page


def recording() -> bool:
    """Whether figures are recorded (as `course build` and nbval tell by COURSE_RECORD=1) and not live."""
    return os.environ.get("COURSE_RECORD") == "1"


def display(bundle: dict[str, Any]) -> None:
    """Shows a MIME bundle as the cell's output."""
    from IPython.display import display

    display(bundle, raw=True)
