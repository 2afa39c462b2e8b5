"""The live face: widgets that a kernel answers, at once or, where that takes longer than a hand, in the background.

Only the background thread writes the picture and its words, and moves the slider that plays; ipykernel sends messages
from any thread in order. So the kernel stays free, and JupyterLab may hand a slider's messages to whichever thread.
"""

from __future__ import annotations

import html
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from course_utils import plot
from course_utils.widgets.latest import Latest, Stale
from course_utils.widgets.parts import Control, Field, Picture, Sentence
from course_utils.widgets.recorded import FRAME_RATE, KEYS, LOOP, NEXT, PLAY, STILL, STOP

PATIENCE = 1.0  # seconds without a progress bar
PACE = 0.3  # seconds between two pictures that are played, once; over and over it is a video's
MOST_KEPT = 64  # pictures of one figure

newest = Latest()  # of all figures of this kernel: whichever was moved last is answered


def bundle(about: str, picture: Callable[..., Picture], sliders: dict[str, Control]) -> dict[str, Any]:
    """The MIME bundle of sliders over a picture that is redrawn in place, at once."""
    view = View(sliders)

    def redraw(_change: object = None) -> None:
        try:
            view.show(picture(**view.values()))
        except Exception as e:  # noqa: BLE001  (whatever the reader's own code raises is theirs to read)
            view.tell(e)

    view.on_change(redraw)
    redraw()
    return view.bundle(about)


class View:
    """Sliders and fields over a picture and its words, as widgets.

    Args:
        sliders: By name.
        follow: Whether a slider tells every value that it passes, or only where it is let go.
        more: Widgets between sliders and picture.
    """

    def __init__(self, sliders: dict[str, Control | Field], *, follow: bool = False, more: tuple = ()):
        import ipywidgets

        self.sliders = sliders
        wide = {"description_width": f"{max(len(c.label) for c in sliders.values()) + 1}ch"}
        look = {"style": wide, "layout": {"width": "auto"}}
        self.inputs = {name: _input(c, follow, look) for name, c in sliders.items()}
        self.image, self.words = ipywidgets.Image(format="png"), ipywidgets.HTML()
        self.box = ipywidgets.VBox([*self.inputs.values(), *more, self.image, self.words, _dressing(sliders)])
        self.box.add_class("course-figure")
        self.words.add_class("course-words")

    def values(self) -> dict[str, Any]:
        """What the sliders stand at and the fields hold."""
        return {name: _value(self.sliders[name], widget.value) for name, widget in self.inputs.items()}

    def on_change(self, call: Callable[[object], None]) -> None:
        """Calls when a slider is moved or a field filled in."""
        for widget in self.inputs.values():
            widget.observe(call, names="value")

    def show(self, picture: Picture) -> None:
        """Replaces the picture and its words."""
        self.image.width = str(picture.width)
        self.image.value, self.words.value = picture.png(), html.escape(picture.words)
        self.image.layout.display = None

    def tell(self, error: Exception) -> None:
        """Shows a sentence in the picture's place."""
        self.image.layout.display = "none"
        self.words.value = f'<span role="alert">{html.escape(_sentence(error))}</span>'

    def bundle(self, words: str) -> dict[str, Any]:
        """The MIME bundle of the view, with words for where it cannot be shown."""
        return {**self.box._repr_mimebundle_(), "text/plain": words}


def _input(control: Control | Field, follow: bool, look: dict[str, Any]) -> Any:
    """The widget of a control; a slider's value is the place of what it stands at."""
    import ipywidgets

    if isinstance(control, Field):
        return ipywidgets.Text(value=control.default, description=control.label, placeholder=control.hint,
                               continuous_update=False, **look)
    places = list(zip(control.texts, range(len(control.values)), strict=True))
    return ipywidgets.SelectionSlider(options=places, index=control.start, description=control.label,
                                      continuous_update=follow, **look)


def _value(control: Control | Field, value: Any) -> Any:
    """What a widget's value stands for; a text without superfluous spaces."""
    return " ".join(value.split()) if isinstance(control, Field) else control.values[value]


class Followed:
    """A view whose pictures are made in the background, remembered, and played through.

    Args:
        pictures: `pictures(values, going)` yields what is shown meanwhile, then the picture. It calls `going(share)`
            wherever it can stop, with the share of the work that is done.
        sliders: By name.
        play: The slider that a key and a button walk through.
        loop: Whether they do so over and over, as a video plays. Where a reader prefers reduced motion they go a step.
    """

    def __init__(self, pictures: Callable[[dict[str, Any], Callable[[float], None]], Iterator[Picture]],
                 sliders: dict[str, Control | Field], play: str, loop: bool = False):
        import ipywidgets

        self.pictures, self.loop = pictures, loop
        self.plays = LOOP if loop else PLAY.format(sliders[play].label)
        self.kept: dict[tuple, Picture] = {}
        self.button = ipywidgets.ToggleButton(layout={"width": "auto"})
        self.progress = ipywidgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self.view = View(sliders, follow=True, more=(ipywidgets.HBox([self.button, self.progress]),))
        self.played = self.view.inputs[play]
        self.played.add_class("course-played")
        self._name_button()
        self.view.on_change(self.ask)
        self.button.observe(self._press, names="value")
        self.ask()
        newest.finish()

    def ask(self, _change: object = None) -> None:
        """Wants the picture of what the sliders stand at; whatever was wanted before is dropped."""
        newest.ask(self._answer)

    def _answer(self) -> None:
        """The job: shows a preview, the picture, and plays on; it stops playing where another figure is moved."""
        try:
            self._show_wanted()
            self._play_on()
        except Stale:
            if not newest.awaits(self._answer):
                self.button.value = False
            raise

    def _show_wanted(self) -> None:
        values, began = self.view.values(), time.monotonic()  # read now: several threads may move the sliders
        key = tuple(values.values())

        def going(share: float) -> None:
            newest.check()
            if time.monotonic() - began > PATIENCE:
                self.progress.value, self.progress.layout.visibility = share, None

        try:
            for picture in [self.kept[key]] if key in self.kept else self.pictures(values, going):
                newest.check()
                self.view.show(picture)
            self._keep(key, picture)
        except Stale:
            raise
        except Exception as e:  # noqa: BLE001  (whatever the reader's own code raises is theirs to read)
            self.view.tell(e)
            self.button.value = False
        finally:
            self.progress.layout.visibility = "hidden"

    def _keep(self, key: tuple, picture: Picture) -> None:
        self.kept[key] = picture
        if len(self.kept) > MOST_KEPT:
            del self.kept[next(iter(self.kept))]

    def _play_on(self) -> None:
        """Moves the played slider a step, which asks for the next picture; at its end, unless it loops, it stops."""
        if not self.button.value:
            return
        newest.pause(1 / FRAME_RATE if self.loop else PACE)
        if not self.button.value:
            return
        following = self.played.index + 1
        if self.loop or following < len(self.played.options):
            self.played.index = following % len(self.played.options)
        else:
            self.button.value = False

    def _press(self, _change: object) -> None:
        """Plays from where the slider stands, or from its start when it stands at the end; pressed again, stops."""
        self._name_button()
        if self.button.value:
            if self.played.index + 1 == len(self.played.options):
                self.played.index = 0
            self.ask()

    def _name_button(self) -> None:
        self.button.description = STOP if self.button.value else self.plays


def _sentence(error: Exception) -> str:
    """What went wrong, and the last line outside installed packages that led there."""
    if isinstance(error, NotImplementedError | Sentence):  # a task that is not filled in says so itself
        return str(error)
    lines = [f.line for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename and f.line]
    return f"{type(error).__name__}: {error}" + (f" (at `{lines[-1]}`)" if lines else "")


# What widgets lack for a keyboard and a screen reader: names and value texts of sliders, the alternative text, the live
# caption, the state of the button, the keys. An event handler is the only script that an HTML widget runs.
_DRESSING = """(style => {
  const root = style.closest(".course-figure");
KEYS
  const set = (element, name, value) => {
    if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const played = () => root.querySelector(".course-played [role=slider]");
  root.addEventListener("click", event => {  // before the button hears of it
    const slider = played(), button = event.target.closest("button:not(.mod-active)");
    if (!slider || !button || !STILL) return;
    event.stopImmediatePropagation();
    const [now, last] = ["now", "max"].map(name => Number(slider.getAttribute("aria-value" + name)));
    slider.dispatchEvent(new KeyboardEvent("keydown", {key: now < last ? "ArrowRight" : "Home"}));
  }, true);
  const dress = () => {
    for (const slider of root.querySelectorAll(".widget-slider")) {
      const handle = slider.querySelector("[role=slider]");
      set(handle, "aria-label", slider.querySelector(".widget-label").textContent);
      set(handle, "aria-valuetext", slider.querySelector(".widget-readout").textContent);
    }
    const button = root.querySelector("button"), words = root.querySelector(".course-words");
    const next = "NEXT".replace("{}", played()?.getAttribute("aria-label"));
    if (played() && STILL && button.textContent !== next) button.textContent = next;
    set(button, "aria-pressed", String(button?.classList.contains("mod-active")));
    set(words, "aria-live", button?.classList.contains("mod-active") ? "off" : "polite");
    set(root.querySelector("img"), "alt", words?.textContent);
  };
  const watched = ["aria-valuetext", "class", "src"];
  new MutationObserver(dress).observe(root, {subtree: true, childList: true, attributeFilter: watched});
  dress();
})(this)""".replace("KEYS", KEYS.strip("\n")).replace("STILL", STILL).replace("NEXT", NEXT)


def _dressing(sliders: dict[str, Control | Field]) -> Any:
    """The widget that brings script and style to a view: it runs as its style is loaded."""
    import ipywidgets

    longest = max(len(text) for c in sliders.values() for text in c.texts)
    return ipywidgets.HTML(f"""<style onload="{html.escape(_DRESSING)}">
        .course-figure {{max-width: {plot.WIDEST}px}} .course-figure img {{max-width: 100%}}
        .course-figure .widget-readout {{min-width: {longest}ch; text-align: left}}</style>""")
