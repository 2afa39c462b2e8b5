"""Interactive figures: live or recorded, never both, and what a reader sees without a script."""

from __future__ import annotations

import base64
import html.parser
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from course_utils import notebooks, plot
from course_utils.widgets import Control, explore, recorded

VIEW = "application/vnd.jupyter.widget-view+json"


def draw(height: int, kind: str = "a"):
    """A bar of the height; the kind is its name."""
    return plot.bars({kind: height}, ylabel="height")


def say(height: int, kind: str = "a") -> str:
    return f"A bar <{kind}> of height {height}."


class Seen(html.parser.HTMLParser):
    """What stays of a page when scripts are taken out, content and all."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.words, self._script = [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._script = tag == "script"
        if not self._script:
            self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self._script = False

    def handle_data(self, data):
        self.words += "" if self._script else data


def state(page: str) -> dict:
    """The frames, captions and sliders that the script holds."""
    return json.loads(re.search(r"sliders} = (\{.*\});", page)[1])


def opened(url: str) -> np.ndarray:
    """The picture behind a data URL."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2]))) as image:
        return np.asarray(image.convert("RGB"))


# --- recorded


def test_recorded_holds_every_combination_in_order(recording):
    explore(draw, caption=say, height=Control([1, 2, 3], 2, "its height"), kind=["a", "b"])
    (bundle,) = recording
    held = state(bundle["text/html"])
    assert held["captions"] == [say(h, k) for h in (1, 2, 3) for k in "ab"]
    assert held["sliders"] == [{"label": "its height", "values": ["1", "2", "3"], "start": 1},
                               {"label": "kind", "values": ["a", "b"], "start": 0}]
    for frame, (h, k) in zip(held["frames"], [(h, k) for h in (1, 2, 3) for k in "ab"], strict=True):
        assert np.array_equal(opened(frame), np.asarray(plot.pixels(draw(h, k))))


def test_recorded_without_a_script_is_the_default_frame_and_its_caption(recording):
    explore(draw, caption=say, height=Control([1, 2, 3], 2), kind=["a", "b"])
    (bundle,) = recording
    seen = Seen(bundle["text/html"])
    (image,) = [attributes for tag, attributes in seen.tags if tag == "img"]
    assert np.array_equal(opened(image["src"]), np.asarray(plot.pixels(draw(2, "a"))))
    assert image["alt"] == say(2, "a")
    assert image["width"] == "300"  # logical pixels; the picture has twice as many
    assert say(2, "a") in seen.words
    assert not {"input", "button", "label"} & {tag for tag, _ in seen.tags}  # nothing that would not work
    assert bundle["text/plain"] == say(2, "a")
    assert base64.b64decode(bundle["image/png"]) == plot.png(draw(2, "a"))


def test_recorded_is_the_same_text_every_time(recording):
    for _ in range(2):
        explore(draw, caption=say, height=[1, 2])
    assert recording[0] == recording[1]
    assert re.findall(r'id="(explore-[0-9a-f]{10})"', recording[0]["text/html"])
    explore(draw, caption="another", height=[1, 2])
    assert recording[2]["text/html"][:40] != recording[0]["text/html"][:40]


def test_recorded_and_live_are_never_in_one_output(shown, monkeypatch):
    explore(draw, caption=say, height=[1, 2])
    monkeypatch.setenv("COURSE_RECORD", "1")
    explore(draw, caption=say, height=[1, 2])
    monkeypatch.setenv("COURSE_RECORD", "0")
    explore(draw, caption=say, height=[1, 2])
    assert [VIEW in bundle for bundle in shown] == [True, False, True]
    assert ["text/html" in bundle for bundle in shown] == [False, True, False]
    assert [bundle["text/plain"] for bundle in shown] == [say(1)] * 3


def test_words_cannot_leave_their_place(recording):
    nasty = '</script><script>alert(1)</script> "quoted" & <b>'
    explore(draw, caption=nasty, height=Control([1, 2], label=nasty))
    seen = Seen(recording[0]["text/html"])
    assert [tag for tag, _ in seen.tags] == ["figure", "img", "figcaption", "p", "small"]
    assert recording[0]["text/html"].count("<script") == 1
    assert state(recording[0]["text/html"])["captions"] == [nasty] * 2


def test_too_many_frames_is_one_sentence_before_any_is_drawn(recording):
    drawn = []
    with pytest.raises(ValueError, match=r"take 90 frames .* together, 80 frames and 0.6 MB at most: offer fewer"):
        explore(drawn.append, caption="x", height=list(range(45)), kind=["a", "b"])
    assert drawn == recording == []


def test_frames_are_counted_over_the_whole_notebook(recording, monkeypatch):
    monkeypatch.setattr(recorded, "MOST_FRAMES", 5)
    explore(draw, caption="one", height=[1, 2, 3])
    explore(draw, caption="one", height=[1, 2, 3])  # the same cell run again
    with pytest.raises(ValueError, match="take 6 frames"):
        explore(draw, caption="two", height=[1, 2, 3])
    explore(draw, caption="three", height=[1, 2])
    assert len(recording) == 3


def test_too_many_bytes_is_one_sentence(recording, monkeypatch):
    monkeypatch.setattr(recorded, "MOST_BYTES", 20_000)
    noise = np.random.default_rng(0).random((1, 3, 64, 64))
    with pytest.raises(ValueError, match=r"^The interactive figures of this notebook take 2 frames and 0\.\d MB") as e:
        explore(lambda seed: plot.images(noise), caption="x", seed=[0, 1])
    assert "\n" not in str(e.value)
    assert recording == []


def test_a_frame_of_noise_keeps_its_look_in_a_third_less(recording):
    noise = np.random.default_rng(0).normal(0.5, 0.3, (10, 1, 28, 28))
    explore(lambda seed: plot.images(noise), caption="x", seed=[0])
    (frame,) = state(recording[0]["text/html"])["frames"]
    exact = np.asarray(plot.pixels(plot.images(noise))).astype(int)
    assert np.abs(opened(frame).astype(int) - exact).max() <= 255 / (recorded.LEVELS - 1) / 2 + 1
    assert len(frame) * 3 / 4 < 2 / 3 * len(recorded._encode(plot.pixels(plot.images(noise)), lossless=True))


@pytest.mark.parametrize("path", sorted(notebooks.SOLUTIONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_recorded_figures_of_a_notebook_fit_their_share(path):
    outputs = [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", [])]
    pages = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
    assert sum(len(page) for page in pages if "explore-" in page) <= recorded.MOST_BYTES


def test_a_value_that_is_no_number_is_told_in_every_frame(recording):
    explore(lambda v: plot.images(np.full((1, 1, 8, 8), v)), caption="One grey.", v=[0.5, float("nan")])
    captions = state(recording[0]["text/html"])["captions"]
    assert captions[0] == "One grey." and captions[1].startswith("One grey. Not numbers (NaN): ")


def test_a_figure_may_be_drawn_once_for_several_values(recording):
    fig = draw(1)
    explore(lambda height: fig, caption="x", height=[1, 2])
    first, second = state(recording[0]["text/html"])["frames"]
    assert first == second and np.array_equal(opened(first), np.asarray(plot.pixels(draw(1))))


def test_an_error_while_recording_is_raised(recording):
    with pytest.raises(ZeroDivisionError):
        explore(lambda height: 1 / 0, caption="x", height=[1])


@pytest.mark.parametrize(("controls", "sentence"), [
    ({}, "needs a control"), ({"height": []}, "`height` has no values"),
    ({"height": Control([1, 2], 3)}, "`height` starts at 3, which is none of its values")])
def test_controls_that_cannot_be_are_one_sentence(shown, controls, sentence):
    with pytest.raises(ValueError, match=sentence):
        explore(draw, caption="x", **controls)


# --- live


@pytest.fixture
def boxes(monkeypatch, shown):
    """The live boxes: sliders, the picture, the words."""
    import ipywidgets

    made, real = [], ipywidgets.VBox

    def box(children):
        made.append(real(children))
        return made[-1]

    monkeypatch.setattr(ipywidgets, "VBox", box)
    return made


def test_live_redraws_in_place(boxes):
    explore(draw, caption=say, height=Control([1, 2, 3], 2, "its height"), kind=["a", "b"])
    height, kind, image, words, _ = boxes[0].children
    assert (height.description, kind.description) == ("its height", "kind")
    assert not height.continuous_update
    assert image.value == plot.png(draw(2, "a"))
    assert (image.width, words.value) == ("300", "A bar &lt;a&gt; of height 2.")
    height.index, kind.index = 2, 1
    assert image.value == plot.png(draw(3, "b"))
    assert words.value == "A bar &lt;b&gt; of height 3."


def test_live_shows_an_error_as_its_sentence_and_recovers(boxes):
    def picky(height):
        if height == 2:
            raise KeyError("no <such> bar")
        if height == 3:
            raise NotImplementedError("The cell above is not filled in yet.")
        return draw(height)

    explore(picky, caption="A bar.", height=[1, 2, 3])
    slider, image, words, _ = boxes[0].children
    slider.index = 1
    assert words.value.startswith('<span role="alert">KeyError: &#x27;no &lt;such&gt; bar&#x27;')
    assert "raise KeyError(" in words.value  # the reader's own line
    assert image.layout.display == "none"
    slider.index = 2
    assert words.value == '<span role="alert">The cell above is not filled in yet.</span>'
    slider.index = 0
    assert words.value == "A bar."
    assert image.layout.display is None


# --- in a browser


def test_recorded_sliders_move_by_keyboard_each_in_its_own_figure(recording, browser):
    page = browser.new_page()
    explore(draw, caption=say, height=Control([1, 2, 3], 2, "its height"), kind=["a", "b"])
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.set_content(recording[0]["text/html"] * 2)  # the same figure twice on one page
    held = state(recording[0]["text/html"])
    assert page.get_by_label("its height").count() == 2
    page.get_by_label("its height").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("figcaption").all_text_contents() == [say(2, "a"), say(3, "b")]
    assert [image.get_attribute("src") for image in page.locator("img").all()] == [held["frames"][2], held["frames"][5]]
    assert page.locator("img").nth(1).get_attribute("alt") == say(3, "b")
    assert page.get_by_label("its height").nth(1).get_attribute("aria-valuetext") == "3"
    assert page.locator("img").nth(1).evaluate("image => image.naturalWidth") == 600
    assert errors == []
