"""What both faces of an interactive figure are made of: its controls, and the picture of one choice of them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

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


def controls(given: Mapping[str, Sequence[Any] | Control]) -> dict[str, Control]:
    """The sliders of a figure, each with its default and its label.

    Raises:
        ValueError: There is none, or one has no values or a default that it does not offer.
    """
    if not given:
        raise ValueError("An interactive figure needs a control; plot.show shows one figure.")
    return {name: _complete(name, c if isinstance(c, Control) else Control(list(c))) for name, c in given.items()}


def _complete(name: str, control: Control) -> Control:
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
    """

    image: Image.Image
    words: str

    @classmethod
    def of(cls, fig: Figure, words: str) -> Picture:
        """That of a figure, which adds to the words what of its values is no number."""
        return cls(plot.pixels(fig), plot.described(fig, words))

    @property
    def width(self) -> int:
        """Logical pixels."""
        return self.image.width // plot.SHARPNESS

    def png(self) -> bytes:
        """As a PNG file; a grey one, which may follow a hand, is written as fast as can be."""
        if self.image.mode != "L":
            return plot.png(self.image)
        with io.BytesIO() as file:
            self.image.save(file, format="PNG", compress_level=1)
            return file.getvalue()


def recording() -> bool:
    """Whether figures are recorded (as `course build` and nbval tell by COURSE_RECORD=1) and not live."""
    return os.environ.get("COURSE_RECORD") == "1"


def display(bundle: dict[str, Any]) -> None:
    """Shows a MIME bundle as the cell's output."""
    from IPython.display import display

    display(bundle, raw=True)
