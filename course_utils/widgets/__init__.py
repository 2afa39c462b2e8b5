"""Interactive figures: live sliders in a running notebook, recorded frames everywhere else.

    explore(lambda t: plot.images(noised(t)), caption=lambda t: f"Digits after {t} steps.", t=Control([0, 50, 199]))
    guidance_slider(zoo.load("mnist-unet"))
    prompt_box(Pipeline.load())
    attention_map(replace(Pipeline.load(), network=zoo.load("dit").model), data.emoji_picture)
    video_player(zoo.load("video"), text.tokens)

With COURSE_RECORD=1 (as `course build` sets it) the figure is drawn for every combination of its controls and
kept as plain HTML; without, sliders redraw it. One output never holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from course_utils.widgets import live, recorded
from course_utils.widgets.attention import attention_map
from course_utils.widgets.guidance import guidance_slider
from course_utils.widgets.parts import Control, Picture, controls, display, recording
from course_utils.widgets.prompts import prompt_box
from course_utils.widgets.videos import video_player

__all__ = ["Control", "attention_map", "explore", "guidance_slider", "prompt_box", "video_player"]


def explore(draw: Callable[..., Figure], *, caption: str | Callable[..., str],
            **given: Sequence[Any] | Control) -> None:
    """Displays a figure with one slider for each control.

    Args:
        draw: Called as `draw(**values)` with one value of each control; returns the figure. It must be
            deterministic: seed a generator inside.
        caption: What the figure shows, or a function of the same values that says so; also the alternative text.
        given: The controls by the names of `draw`'s arguments: the values in order, or a `Control`.

    Raises:
        ValueError: When there is no control, one has no values or a default that it does not offer, or, while
            recording, when the notebook would hold more than `recorded.MOST_FRAMES` frames or `recorded.MOST_BYTES`
            bytes of them.
    """
    sliders = controls(given)
    say = caption if callable(caption) else lambda **_: caption
    about = say(**{name: control.default for name, control in sliders.items()})

    def picture(**values: Any) -> Picture:
        return Picture.of(draw(**values), say(**values))

    display(recorded.bundle(about, picture, sliders) if recording() else live.bundle(about, picture, sliders))
