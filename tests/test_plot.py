"""Figures: their sizes, their pixels, and what `show` sends to a notebook."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import plot

DIGITS = torch.linspace(0, 1, 6 * 28 * 28).reshape(6, 1, 28, 28)
X = torch.linspace(0, 1, 50)
FIGURES = {
    "images": lambda: plot.images(DIGITS),
    "images with titles": lambda: plot.images(DIGITS, columns=4, titles=list("abcdef")),
    "image_rows": lambda: plot.image_rows({"clean": DIGITS, "a label that has to be broken": DIGITS[:3]}),
    "image_grid": lambda: plot.image_grid(DIGITS.view(2, 3, 1, 28, 28), rows=["a", "b"], columns=["1", "2", "3"]),
    "curves": lambda: plot.curves(X, {"a": X, "b": X**2}, xlabel="t", ylabel="y", logy=True, title="two"),
    "histograms": lambda: plot.histograms({"a": X, "b": X**2}, xlabel="x", density={"flat": (X, X * 0 + 1)}),
    "points": lambda: plot.points({"a\nof two lines": torch.randn(100, 2), "b": torch.zeros(0, 2)}),
    "six panels": lambda: plot.points({f"panel {i}": torch.randn(50, 2) for i in range(6)}),
    "bars": lambda: plot.bars({"Euler": 0.5, "Heun": 0.25}, ylabel="distance"),
    "bar_panels": lambda: plot.bar_panels({"weights, thousands": {"a": 3.0, "b": 20.0}, "work": {"a": 1.0, "b": 2.0}}),
    "figure": lambda: plot.figure(columns=2)[0],
}


@pytest.fixture
def shown(monkeypatch):
    """What was sent to the notebook."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: bundles.append(data))
    return bundles


def picture(fig) -> np.ndarray:
    return np.asarray(plot.pixels(fig))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_sharp_small_png_with_the_same_bytes_every_time(name):
    torch.manual_seed(0)
    first = plot.png(FIGURES[name]())
    torch.manual_seed(0)
    fig = FIGURES[name]()
    assert plot.png(fig) == first
    with Image.open(io.BytesIO(first)) as image:
        assert image.info == {}  # no date, no program
        width, height = plot.logical_size(fig)
        assert width <= plot.WIDEST
        assert image.size == (width * plot.SHARPNESS, height * plot.SHARPNESS)
        lost = np.abs(np.asarray(image.convert("RGB")).astype(int) - picture(fig))
        few = len(np.unique(picture(fig).reshape(-1, 3), axis=0)) <= 256
        assert image.mode == "P" and lost.mean() < 0.5 and lost.max() <= (0 if few else 64)


@pytest.mark.parametrize("name", ["images with titles", "image_rows", "image_grid", "curves", "histograms", "points",
                                  "six panels", "bars"])
def test_nothing_is_cut_off_at_the_border(name):
    white = picture(FIGURES[name]()) == 255
    edges = {"top": white[0], "bottom": white[-1], "left": white[:, 0], "right": white[:, -1]}
    if "image" in name:  # images reach the right and the lower border, and the left one when nothing stands there
        edges = {"top": edges["top"]} if "titles" in name else {"left": edges["left"]}
    assert all(edge.all() for edge in edges.values())


def test_every_image_pixel_is_a_whole_square():
    x = torch.rand(3, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    shown = picture(plot.images(x))
    side = 112 // 28 * 28 * plot.SHARPNESS
    assert shown.shape[:2] == (side, 3 * side + 2 * plot.GAP * plot.SHARPNESS)
    for i in range(3):
        left = i * (side + plot.GAP * plot.SHARPNESS)
        small = shown[4::8, left + 4:left + side:8]
        want = x[i].permute(1, 2, 0).mul(255)
        assert np.abs(small - want.numpy()).max() <= 1


def test_images_are_clamped_and_never_rescaled():
    grey = torch.full((1, 1, 8, 8), 0.5)
    assert abs(int(picture(plot.images(grey))[20, 20, 0]) - 127) <= 1
    for value, want in ((7.0, 255), (-7.0, 0), (float("inf"), 255)):
        assert picture(plot.images(grey * value))[20, 20, 0] == want


ORANGE = [213, 94, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pixel_that_is_no_number_is_orange_and_told(channels, shown):
    x = torch.full((2, channels, 8, 8), 0.5)
    x[1, -1, :4] = float("nan")
    fig = plot.images(x, columns=2)
    side = picture(fig).shape[0]
    assert picture(fig)[side // 4, -20].tolist() == ORANGE
    assert picture(fig)[side * 3 // 4, -20].tolist() == picture(fig)[20, 20].tolist() != ORANGE
    plot.show(fig, alt="Two squares.")
    told = "Two squares. Not numbers (NaN): "
    assert shown[0]["text/plain"].startswith(told) and shown[0]["text/plain"].endswith(", drawn in orange.")


@pytest.mark.parametrize("draw", [
    lambda x: plot.curves(X[:4], {"a": x, "b": X[:4]}, xlabel="t", ylabel="y"),
    lambda x: plot.histograms({"a": x, "b": X[:4]}, xlabel="x"),
    lambda x: plot.points({"a": x.reshape(2, 2), "b": X[:4].reshape(2, 2)}),
], ids=["curves", "histograms", "points"])
def test_values_that_are_no_numbers_are_told_in_every_figure(draw, shown):
    plot.show(draw(X[:4]), alt="Some.")
    plot.show(draw(torch.tensor([0.0, float("nan"), 1.0, float("nan")])), alt="Some.")
    assert shown[0]["text/plain"] == "Some."
    assert re.fullmatch(r"Some\. Not numbers \(NaN\): 2 of \d+ values, left out\.", shown[1]["text/plain"])


def test_a_figure_can_be_shown_twice(shown):
    fig = FIGURES["curves"]()
    plot.show(fig, alt="Two curves.")
    plot.show(fig, alt="Two curves.")
    assert shown[0] == shown[1] and base64.b64decode(shown[0]["image/png"]) == plot.png(FIGURES["curves"]())


def test_tensors_of_any_kind_are_drawn():
    x = torch.rand(2, 1, 8, 8, dtype=torch.bfloat16).requires_grad_()
    assert np.array_equal(picture(plot.images(x)), picture(plot.images(x.detach().double().numpy())))


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (2, 2, 8, 8), (2, 8, 8, 3)])
def test_a_wrong_shape_of_images_is_one_sentence(shape):
    with pytest.raises(ValueError, match=r"Images are \(n, c, h, w\) with c = 1 or 3, not \("):
        plot.images(torch.zeros(shape))


def test_a_large_image_keeps_its_own_pixels():
    assert plot.logical_size(plot.images(torch.zeros(1, 1, 300, 290), columns=1)) == (290, 300)


def test_many_images_still_fit_the_page():
    fig = plot.image_rows({"a label": torch.rand(40, 3, 32, 32)})
    assert plot.logical_size(fig)[0] <= plot.WIDEST


def test_curves_are_told_apart_without_colour():
    axes = plot.curves(X, {name: X for name in "abcdef"}, xlabel="t", ylabel="y").axes[0]
    assert len({line._dash_pattern[1] and tuple(line._dash_pattern[1]) for line in axes.lines}) == 6
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "y")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list("abcdef")


def test_histograms_have_area_one():
    values = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    axes = plot.histograms({"a": values}, xlabel="x", bins=30).axes[0]
    corners = axes.patches[0].get_xy()
    x, y = corners[:, 0], corners[:, 1]
    assert 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) == pytest.approx(1)


def test_points_share_their_axes_and_hold_every_point():
    clouds = {"a": torch.tensor([[0.0, 1.0], [2.0, -1.0]]), "b": torch.zeros(1, 2)}
    first, second = plot.points(clouds, limits=2.5).axes
    assert np.array_equal(first.lines[0].get_xydata(), clouds["a"])
    assert first.get_xlim() == second.get_xlim() == first.get_ylim() == (-2.5, 2.5)
    assert (first.get_title(), second.get_title()) == ("a", "b")


def test_the_last_cloud_is_seen_closer_with_the_same_dots():
    clouds = {"a": torch.zeros(1, 2), "b": torch.tensor([[0.0, 1.0], [2.0, -1.0]])}
    *_, last, closer = plot.points_closer(clouds, limits=9, closer=3).axes
    assert np.array_equal(closer.lines[0].get_xydata(), clouds["b"])
    assert closer.lines[0].get_markersize() == last.lines[0].get_markersize()
    assert (last.get_ylim(), closer.get_ylim(), closer.get_xlim()) == ((-9, 9), (-3, 3), (-3, 3))


def test_show_sends_a_png_with_its_size_and_its_words(monkeypatch):
    sent = {}
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: sent.update(data=data, meta=metadata))
    plot.show(FIGURES["curves"](), alt="Two curves.")
    assert set(sent["data"]) == {"image/png", "text/plain"}
    assert sent["data"]["text/plain"] == "Two curves."
    assert sent["meta"] == {"image/png": {"width": 400, "height": 200, "alt": "Two curves."}}
    assert base64.b64decode(sent["data"]["image/png"])[:4] == b"\x89PNG"


def test_no_window_and_no_pyplot():
    code = """
import sys
from course_utils import plot
plot.png(plot.bars({"a": 1.0}, ylabel="y"))
print("matplotlib.pyplot" in sys.modules, "torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
