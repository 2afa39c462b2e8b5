"""Interactive figures: live sliders in a running notebook, recorded frames everywhere else.

    explore(lambda t: plot.images(noised(t)), caption=lambda t: f"Digits after {t} steps.", t=Control([0, 50, 199]))

With COURSE_RECORD=1 (as `course build` sets it) the figure is drawn for every combination of its controls and
kept as plain HTML; without, sliders redraw it. One output never holds both.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import json
import math
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from course_utils import plot

MOST_FRAMES = 80  # of one notebook
MOST_BYTES = 600_000  # of one notebook's recorded HTML
LEVELS = 10  # of each colour in a frame that is too large as it is

_recorded: dict[str, tuple[int, int]] = {}  # this process's (one notebook's) figures: id → frames, bytes


@dataclass(frozen=True)
class Control:
    """One slider.

    Attributes:
        values: What it offers, in order: numbers, strings, anything with a short `str`.
        default: The value at the start; the first one unless given.
        label: What is written beside it; the argument's name unless given.
    """

    values: Sequence[Any]
    default: Any = None
    label: str | None = None


def explore(draw: Callable[..., Figure], *, caption: str | Callable[..., str],
            **controls: Sequence[Any] | Control) -> None:
    """Displays a figure with one slider for each control.

    Args:
        draw: Called as `draw(**values)` with one value of each control; returns the figure. It must be
            deterministic: seed a generator inside.
        caption: What the figure shows, or a function of the same values that says so; also the alternative text.
        controls: By the names of `draw`'s arguments: the values in order, or a `Control`.

    Raises:
        ValueError: When there is no control, one has no values or a default that it does not offer, or, while
            recording, when the notebook would hold more than `MOST_FRAMES` frames or `MOST_BYTES` bytes of them.
    """
    if not controls:
        raise ValueError("An interactive figure needs a control; plot.show shows one figure.")
    sliders = {name: _control(name, c) for name, c in controls.items()}
    say = caption if callable(caption) else lambda **_: caption
    if os.environ.get("COURSE_RECORD") == "1":
        _display(_recording(draw, say, sliders))
    else:
        _display(_live(draw, say, sliders))


def _control(name: str, given: Sequence[Any] | Control) -> Control:
    control = given if isinstance(given, Control) else Control(list(given))
    values = list(control.values)
    if not values:
        raise ValueError(f"The control `{name}` has no values.")
    default = values[0] if control.default is None else control.default
    if default not in values:
        raise ValueError(f"The control `{name}` starts at {default!r}, which is none of its values.")
    return Control(values, default, control.label or name.replace("_", " "))


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _display(bundle: dict[str, Any]) -> None:
    from IPython.display import display

    display(bundle, raw=True)


# --- recorded


def _recording(draw: Callable[..., Figure], say: Callable[..., str], sliders: dict[str, Control]) -> dict[str, Any]:
    """The output's MIME bundle: HTML with all frames, the default frame as PNG for printed paper, the caption."""
    start = {name: c.default for name, c in sliders.items()}
    described = json.dumps([say(**start), {n: [_written(v) for v in c.values] for n, c in sliders.items()}])
    name = "explore-" + hashlib.sha256(described.encode()).hexdigest()[:10]
    _limit(name, math.prod(len(c.values) for c in sliders.values()), 0)
    frames = []
    for values in itertools.product(*(c.values for c in sliders.values())):
        chosen = dict(zip(sliders, values, strict=True))
        fig = draw(**chosen)
        frames.append((_webp(fig), plot.described(fig, say(**chosen))))
        if chosen == start:
            first, width, still = len(frames) - 1, plot.logical_size(fig)[0], plot.png(fig)
    page = _page(name, frames, first, width, sliders)
    _limit(name, len(frames), len(page))
    return {"text/html": page, "image/png": base64.b64encode(still).decode(), "text/plain": frames[first][1]}


def _limit(name: str, frames: int, size: int) -> None:
    """Notes what one figure takes and refuses what is too much for one notebook."""
    _recorded[name] = frames, size
    frames, size = (sum(column) for column in zip(*_recorded.values(), strict=True))
    if frames > MOST_FRAMES or size > MOST_BYTES:
        del _recorded[name]
        raise ValueError(f"The interactive figures of this notebook take {frames} frames and {size / 1e6:.1f} MB "
                         f"together, {MOST_FRAMES} frames and {MOST_BYTES / 1e6:.1f} MB at most: offer fewer values.")


def _webp(fig: Figure) -> str:
    """A data URL of the figure as WebP, exact where its share of the notebook's bytes holds that.

    Otherwise it is the smaller of lossy and `LEVELS` levels of each colour, in which noise takes half of its bits.
    """
    picture = plot.pixels(fig)
    encoded = _encoded(picture, lossless=True)
    if len(encoded) > MOST_BYTES / MOST_FRAMES * 3 / 4:  # base64 makes four bytes of three
        coarse = picture.point([round(round(v / 255 * (LEVELS - 1)) * 255 / (LEVELS - 1)) for v in range(256)] * 3)
        encoded = min(_encoded(picture, quality=80), _encoded(coarse, lossless=True), key=len)
    return "data:image/webp;base64," + base64.b64encode(encoded).decode()


def _encoded(picture: Image.Image, **options: Any) -> bytes:
    with io.BytesIO() as file:
        picture.save(file, format="WEBP", method=2, **options)
        return file.getvalue()


def _page(name: str, frames: list[tuple[str, str]], first: int, width: int, sliders: dict[str, Control]) -> str:
    """Plain HTML of the default frame and its caption; the script, where it runs, adds the sliders.

    Everything is found from the script's own element, so that two copies on one page do not disturb each other.
    """
    labels = [html.escape(c.label or n) for n, c in sliders.items()]
    state = {"frames": [source for source, _ in frames], "captions": [text for _, text in frames],
             "sliders": [{"label": c.label, "values": [_written(v) for v in c.values],
                          "start": list(c.values).index(c.default)} for c in sliders.values()]}
    source, text = frames[first]
    return (f'<figure id="{name}" style="margin:0;max-width:{plot.WIDEST}px">\n'
            f'<img width="{width}" style="max-width:100%;height:auto" alt="{html.escape(text)}" src="{source}">\n'
            f'<figcaption aria-live="polite">{html.escape(text)}</figcaption>\n'
            f"<p><small>Recorded for other values of {', '.join(labels)} too; "
            f"sliders appear in a trusted notebook.</small></p>\n"
            f"<script>{_SCRIPT.replace('NAME', name).replace('STATE', _json(state))}</script>\n</figure>")


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


_SCRIPT = """
(() => {
  const here = document.currentScript;
  const root = here ? here.closest("figure") : document.getElementById("NAME");
  const {frames, captions, sliders} = STATE;
  const image = root.querySelector("img"), caption = root.querySelector("figcaption");
  const panel = document.createElement("div");
  panel.style.cssText = "display:grid;grid-template-columns:max-content minmax(8em,20em) max-content;gap:2px 10px";
  const inputs = sliders.map(({label, values, start}) => {
    const row = document.createElement("label"), input = document.createElement("input");
    row.style.display = "contents";
    Object.assign(input, {type: "range", min: 0, max: values.length - 1, step: 1, value: start});
    input.dataset.lmSuppressShortcuts = "true";  // in JupyterLab: arrow keys move the slider, not the cells
    input.addEventListener("input", update);
    row.append(document.createElement("span"), input, document.createElement("output"));
    row.firstChild.textContent = label;
    panel.append(row);
    return input;
  });
  function update() {
    let frame = 0;
    inputs.forEach((input, i) => {
      const values = sliders[i].values, value = values[+input.value];
      frame = frame * values.length + +input.value;
      input.nextElementSibling.textContent = value;
      input.setAttribute("aria-valuetext", value);
    });
    image.src = frames[frame];
    image.alt = caption.textContent = captions[frame];
  }
  root.querySelector("p").replaceWith(panel);
  update();
})();
"""


# --- live


def _live(draw: Callable[..., Figure], say: Callable[..., str], sliders: dict[str, Control]) -> dict[str, Any]:
    """The widget view's MIME bundle: sliders over a picture that is redrawn in place, errors as a sentence."""
    import ipywidgets

    wide = {"description_width": "initial"}
    inputs = {name: ipywidgets.SelectionSlider(
        options=[(_written(v), i) for i, v in enumerate(c.values)], index=list(c.values).index(c.default),
        description=c.label, continuous_update=False, style=wide) for name, c in sliders.items()}
    image, text = ipywidgets.Image(format="png"), ipywidgets.HTML()

    def redraw(_change: object = None) -> None:
        values = {name: sliders[name].values[inputs[name].value] for name in inputs}
        try:
            fig = draw(**values)
            image.width = str(plot.logical_size(fig)[0])
            image.value, text.value = plot.png(fig), html.escape(plot.described(fig, say(**values)))
            image.layout.display = None
        except Exception as e:  # noqa: BLE001  (whatever the reader's own code raises is theirs to read)
            image.layout.display = "none"
            text.value = f'<span role="alert">{html.escape(_sentence(e))}</span>'

    for slider in inputs.values():
        slider.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([*inputs.values(), image, text])
    start = {name: c.default for name, c in sliders.items()}
    return {**box._repr_mimebundle_(), "text/plain": say(**start)}


def _sentence(error: Exception) -> str:
    """What went wrong, and the last line outside installed packages that led there."""
    if isinstance(error, NotImplementedError):  # a task that is not filled in says so itself
        return str(error)
    lines = [f.line for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename and f.line]
    return f"{type(error).__name__}: {error}" + (f" (at `{lines[-1]}`)" if lines else "")
