"""The recorded face: a page of plain HTML with a frame for every choice, which needs no kernel and no other file."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import json
import math
from collections.abc import Callable
from typing import Any

from PIL import Image

from course_utils import plot
from course_utils.widgets.parts import Control, Picture

MOST_FRAMES = 80  # of one notebook
MOST_BYTES = 600_000  # of one notebook's recorded HTML
LEVELS = 10  # of each colour in a frame that is too large as it is
FRAME_RATE = 6  # frames a second of what plays over and over

_recorded: dict[str, tuple[int, int]] = {}  # this process's (one notebook's) figures: id → frames, bytes


def bundle(about: str, picture: Callable[..., Picture], sliders: dict[str, Control],
           play: str | None = None, loop: bool = False) -> dict[str, Any]:
    """The output's MIME bundle: HTML with all frames, the default frame as PNG for printed paper, the caption.

    Args:
        about: What tells this figure from the notebook's others, besides its sliders.
        picture: Called as `picture(**values)` with one value of each control.
        sliders: By the names of `picture`'s arguments.
        play: The slider that a key and a button walk through.
        loop: Whether they do so over and over, as a video plays. Where a reader prefers reduced motion they go a step.
    """
    start = {name: c.default for name, c in sliders.items()}
    described = json.dumps([about, {n: c.texts for n, c in sliders.items()}])
    name = "explore-" + hashlib.sha256(described.encode()).hexdigest()[:10]
    _limit(name, math.prod(len(c.values) for c in sliders.values()), 0)
    frames = []
    for values in itertools.product(*(c.values for c in sliders.values())):
        chosen = dict(zip(sliders, values, strict=True))
        drawn = picture(**chosen)
        frames.append((_webp(drawn.image), drawn.words))
        if chosen == start:
            first, shown = len(frames) - 1, drawn
    page = _page(name, frames, first, shown.width, sliders, play, loop)
    _limit(name, len(frames), len(page))
    return {"text/html": page, "image/png": base64.b64encode(shown.png()).decode(), "text/plain": shown.words}


def _limit(name: str, frames: int, size: int) -> None:
    """Notes what one figure takes and refuses what is too much for one notebook."""
    _recorded[name] = frames, size
    frames, size = (sum(column) for column in zip(*_recorded.values(), strict=True))
    if frames > MOST_FRAMES or size > MOST_BYTES:
        del _recorded[name]
        raise ValueError(f"The interactive figures of this notebook take {frames} frames and {size / 1e6:.1f} MB "
                         f"together, {MOST_FRAMES} frames and {MOST_BYTES / 1e6:.1f} MB at most: offer fewer values.")


def _webp(picture: Image.Image) -> str:
    """A data URL of the picture as WebP, exact where its share of the notebook's bytes holds that.

    Otherwise it is the smaller of lossy and `LEVELS` levels of each colour, in which noise takes half of its bits.
    """
    picture = picture.convert("RGB")
    encoded = _encode(picture, lossless=True)
    if len(encoded) > MOST_BYTES / MOST_FRAMES * 3 / 4:  # base64 makes four bytes of three
        coarse = picture.point([round(round(v / 255 * (LEVELS - 1)) * 255 / (LEVELS - 1)) for v in range(256)] * 3)
        encoded = min(_encode(picture, quality=80), _encode(coarse, lossless=True), key=len)
    return "data:image/webp;base64," + base64.b64encode(encoded).decode()


def _encode(picture: Image.Image, **options: Any) -> bytes:
    with io.BytesIO() as file:
        picture.save(file, format="WEBP", method=2, **options)
        return file.getvalue()


def _page(name: str, frames: list[tuple[str, str]], first: int, width: int, sliders: dict[str, Control],
          play: str | None, loop: bool) -> str:
    """Plain HTML of the default frame and its caption; the script, where it runs, adds the sliders.

    Everything is found from the script's own element, so that two copies on one page do not disturb each other.
    """
    labels = [html.escape(c.label or n) for n, c in sliders.items()]
    state = {"frames": [source for source, _ in frames], "captions": [text for _, text in frames],
             "played": None if play is None else list(sliders).index(play),
             "sliders": [{"label": c.label, "values": c.texts, "start": c.start} for c in sliders.values()]}
    source, text = frames[first]
    script = _script(loop).replace("NAME", name).replace("STATE", _json(state))
    return (f'<figure id="{name}" style="margin:0;max-width:{plot.WIDEST}px">\n'
            f'<img width="{width}" style="max-width:100%;height:auto" alt="{html.escape(text)}" src="{source}">\n'
            f'<figcaption aria-live="polite">{html.escape(text)}</figcaption>\n'
            f"<p><small>Recorded for other values of {', '.join(labels)} too; "
            f"sliders appear in a trusted notebook.</small></p>\n"
            f"<script>{script}</script>\n</figure>")


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


PLAY, LOOP, NEXT, STOP = "Play through {} (P)", "Play (P)", "Next {} (P)", "Stop (P)"
STILL = """matchMedia("(prefers-reduced-motion: reduce)").matches"""  # asked at each press

# Both faces: P presses the button that plays, Escape where it plays, and JupyterLab's own keys rest in the figure.
KEYS = """
  root.dataset.lmSuppressShortcuts = "true";
  root.tabIndex = -1;  // a click anywhere in the figure makes its keys work
  root.style.outline = "none";
  root.addEventListener("keydown", event => {
    const button = root.querySelector("button[aria-pressed]");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const stops = event.key === "Escape" && button.getAttribute("aria-pressed") === "true";
    if (stops || event.key.toLowerCase() === "p") { event.preventDefault(); button.click(); }
  });
"""

_SCRIPT = """
(() => {
  const here = document.currentScript;
  const root = here ? here.closest("figure") : document.getElementById("NAME");
  const {frames, captions, played, sliders} = STATE;
  const image = root.querySelector("img"), caption = root.querySelector("figcaption");
  const panel = document.createElement("div");
  panel.style.cssText = "display:grid;grid-template-columns:max-content minmax(8em,20em) max-content;gap:2px 10px";
  const inputs = sliders.map(({label, values, start}) => {
    const row = document.createElement("label"), input = document.createElement("input");
    row.style.display = "contents";
    Object.assign(input, {type: "range", min: 0, max: values.length - 1, step: 1, value: start});
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
  if (played !== null) addPlay(inputs[played], sliders[played].label);
  function addPlay(input, label) {
    const button = document.createElement("button");
    let timer = null;
    button.type = "button";
    button.style.cssText = "grid-column:2;justify-self:start";
    button.addEventListener("click", () => { timer ? stop() : play(); tell(); });
    panel.append(button);
    tell();
    function tell() {
      button.textContent = timer ? "STOP" : PLAYS.replace("{}", label);
      button.setAttribute("aria-pressed", timer ? "true" : "false");
      caption.setAttribute("aria-live", timer ? "off" : "polite");
    }
MOTION
    function step() { input.value = input.value === input.max ? 0 : +input.value + 1; update(); }
    function stop() { clearInterval(timer); timer = null; }
  }
KEYS})();
"""

_ONCE = """
    function play() {
      if (STILL || input.value === input.max) step();
      if (!STILL) timer = setInterval(() => {
        step();
        if (input.value === input.max) { stop(); tell(); }
      }, 700);
    }
"""

_LOOPED = """
    function play() {
      if (STILL) step(); else timer = setInterval(step, 1000 / RATE);
    }
"""


def _script(loop: bool) -> str:
    """The script, still without its figure's name and state."""
    script = _SCRIPT
    for name, part in {
            "MOTION": (_LOOPED if loop else _ONCE).strip("\n"),
            "PLAYS": f'(STILL ? "{NEXT}" : "{LOOP if loop else PLAY}")',
            "STILL": STILL, "RATE": str(FRAME_RATE), "STOP": STOP, "KEYS": KEYS.lstrip("\n")}.items():
        script = script.replace(name, part)
    return script
