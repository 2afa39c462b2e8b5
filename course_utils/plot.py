"""Figures in one small style: axes named, readable without colour, sharp on fine screens.

Every function returns a matplotlib `Figure` that belongs to no backend; `show` displays it with its alternative
text. Sizes are logical pixels, 100 to the inch; the pictures hold twice as many, so that text stays sharp. NaN is never
drawn as a number: it is orange in an image, left out of any other figure, and told in the alternative text.
Importing this module sets matplotlib's style once, so that a figure drawn by hand looks like the others.

    fig, axes = plot.figure(columns=2)
    axes[0].plot(t, beta)
    plot.show(fig, alt="beta over t")
"""

from __future__ import annotations

import base64
import io
import itertools
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike
from PIL import Image

WIDEST = 720  # logical pixels: the text column of a notebook
SHARPNESS = 2  # pixels of the picture for each logical one
GAP = 3  # logical pixels between two images
LINE = 13  # logical pixels of one line of text
INK, SHADE = "#222222", "#c9c9c9"
NAN = "#D55E00"  # orange, which no grey image holds

matplotlib.rcParams.update({
    "figure.dpi": 100, "savefig.dpi": 100 * SHARPNESS, "image.cmap": "cividis",
    "font.size": 8, "axes.titlesize": 8.5, "axes.labelsize": 8, "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "legend.frameon": False, "legend.handlelength": 2.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "axes.edgecolor": "#555555",
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 1.4, "lines.markersize": 4,
    "hatch.linewidth": 0.6,
    # colours that colour-blind readers can tell apart (Okabe and Ito 2008), each with a line style of its own
    "axes.prop_cycle": cycler(color=[INK, "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8a6d00"])
                       + cycler(linestyle=["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 2))]),
})


def figure(columns: int = 1, rows: int = 1, *, width: float | None = None, height: float | None = None,
           **options: Any) -> tuple[Figure, Any]:
    """An empty figure of `rows` × `columns` panels, for a picture that no function here draws.

    Args:
        columns, rows: Number of panels.
        width, height: Logical pixels of the whole figure; 400 (720 from two columns on) by 200 a row unless given.
        options: Handed to matplotlib's `Figure.subplots` (`sharex`, `width_ratios`, ...).

    Returns:
        the figure, and its axes: one object, or an array of them as matplotlib's `subplots` returns it.
    """
    width = min(width or (400 if columns == 1 else WIDEST), WIDEST)
    fig = Figure(figsize=(width / 100, (height or 200 * rows) / 100), dpi=100, layout="constrained")
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **options)


# --- out of matplotlib


def pixels(fig: Figure) -> Image.Image:
    """The figure as an RGB picture with `SHARPNESS` pixels for each logical one."""
    dpi, before, canvas = fig.dpi, fig.canvas, FigureCanvasAgg(fig)
    fig.set_dpi(100 * SHARPNESS)
    canvas.draw()  # savefig would lay it out and draw it twice
    fig.set_dpi(dpi)
    fig.set_canvas(before)
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def png(fig: Figure | Image.Image) -> bytes:
    """The figure, or its pixels, as a PNG: the same bytes for the same figure.

    256 colours halve the file, and nobody sees it.
    """
    picture = pixels(fig) if isinstance(fig, Figure) else fig
    if picture.getcolors(256):
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)  # to the bit
    else:
        picture = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with io.BytesIO() as file:
        picture.save(file, format="PNG", optimize=True)
        return file.getvalue()


def logical_size(fig: Figure) -> tuple[int, int]:
    """Width and height of the figure in logical pixels."""
    width, height = fig.get_size_inches()
    return round(width * 100), round(height * 100)


def show(fig: Figure, alt: str, *, place: str | None = None, again: bool = False) -> None:
    """Displays the figure in the notebook.

    Args:
        fig: From any function here, or a matplotlib figure of your own.
        alt: What the figure shows, in a sentence, for readers who do not see it; also the output's plain text.
        place: A name for the spot where it stands.
        again: Replace what stands at `place`.
    """
    from IPython.display import display

    width, height = logical_size(fig)
    alt = describe(fig, alt)
    display({"image/png": base64.b64encode(png(fig)).decode(), "text/plain": alt}, raw=True,
            metadata={"image/png": {"width": width, "height": height, "alt": alt}},
            **({} if place is None else {"display_id": place, "update": again}))


def describe(fig: Figure, words: str) -> str:
    """The words about a figure, and a sentence about its values that are not numbers, where it has some."""
    return f"{words} {fig.get_label()}".strip()


def _tell_nans(fig: Figure, arrays: Iterable[np.ndarray], seen_as: str) -> Figure:
    """The figure, which now says how many of its values are NaN."""
    arrays = list(arrays)
    nans = sum(int(np.isnan(array).sum()) for array in arrays)
    if nans:
        fig.set_label(f"Not numbers (NaN): {nans:,} of {sum(array.size for array in arrays):,} values, {seen_as}.")
    return fig


def _array(values: ArrayLike) -> np.ndarray:
    """A float64 array of a tensor on any device, in any dtype, with or without a graph, or of a sequence."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


# --- images


def images(x: ArrayLike, *, columns: int = 10, titles: Sequence[str] | None = None) -> Figure:
    """Images side by side, `columns` of them in a row.

    Args:
        x: (n, c, h, w) in [0, 1] (clamped), c = 1 for grey or 3 for RGB.
        titles: One line above each image.
    """
    pictures = _pictures(x)
    rows = [pictures[i:i + columns] for i in range(0, len(pictures), columns)]
    return _tiles(rows, titles=None if titles is None else [str(t) for t in titles])


def image_rows(rows: Mapping[str, ArrayLike]) -> Figure:
    """One labelled row of images for each entry: `{"label": x (n, c, h, w) in [0, 1]}`."""
    return _tiles([_pictures(x) for x in rows.values()], row_labels=list(rows))


def image_grid(x: ArrayLike, *, rows: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Figure:
    """A table of images with labels at its rows and columns.

    Args:
        x: (r, k, c, h, w) in [0, 1] (clamped).
        rows, columns: r and k labels.
    """
    return _tiles([_pictures(row) for row in x], row_labels=rows and [str(r) for r in rows],
                  column_labels=columns and [str(c) for c in columns])


def _pictures(x: ArrayLike) -> list[np.ndarray]:
    """(n, c, h, w) → n pictures (h, w, 3); NaN stays."""
    x = _array(x)
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"Images are (n, c, h, w) with c = 1 or 3, not {tuple(x.shape)}.")
    x = x.clip(0, 1).transpose(0, 2, 3, 1)
    return list(np.repeat(x, 3, axis=3) if x.shape[3] == 1 else x)


def _tile_side(side: int, columns: int, room: float) -> float:
    """Logical pixels of a tile: a multiple of the image's own side, up to 80 (112 when few), where that fits."""
    fits = min(max(side, 112 if columns < 5 else 80), (room - GAP * (columns - 1)) / columns)
    return fits if fits < side else side * max(1, int(fits // side))


def _tiles(rows: list[list[np.ndarray]], row_labels: Sequence[str] | None = None,
           column_labels: Sequence[str] | None = None, titles: Sequence[str] | None = None) -> Figure:
    """Pictures on a page whose coordinates are logical pixels, so that every image pixel is a whole square."""
    columns = max(map(len, rows))
    labels = [textwrap.wrap(label, 24) for label in row_labels or []]
    left = max((_text_width(line) for label in labels for line in label), default=0) + (10 if labels else 0)
    h, w = rows[0][0].shape[:2]
    wide = _tile_side(w, columns, WIDEST - left)
    high, head = wide * h / w, LINE + 2 if titles else 0
    top = LINE + 4 if column_labels else 0
    size = (left + columns * (wide + GAP) - GAP, top + len(rows) * (high + head + GAP) - GAP)
    page, fig = _page(*size)
    for r, row in enumerate(rows):
        y = top + r * (high + head + GAP) + head
        for c, picture in enumerate(row):
            x = left + c * (wide + GAP)
            picture = np.where(np.isnan(picture).any(2, keepdims=True), to_rgb(NAN), picture)
            page.imshow(picture, extent=(x, x + wide, y + high, y), interpolation="nearest" if wide >= w else "auto")
            if titles and r * columns + c < len(titles):
                page.text(x + wide / 2, y - 3, titles[r * columns + c], ha="center", va="bottom", fontsize=7.5)
        if labels:
            page.text(left - 8, y + high / 2, "\n".join(labels[r]), ha="right", va="center")
    for c, label in enumerate(column_labels or []):
        page.text(left + c * (wide + GAP) + wide / 2, top - 4, label, ha="center", va="bottom")
    page.set(xlim=(0, size[0]), ylim=(size[1], 0), aspect="auto")
    return _tell_nans(fig, itertools.chain(*rows), "drawn in orange")


def _text_width(line: str) -> float:
    """Logical pixels of a line in the base font."""
    return TextPath((0, 0), line, size=matplotlib.rcParams["font.size"]).get_extents().width * 100 / 72 if line else 0


def _page(width: float, height: float) -> tuple[Axes, Figure]:
    """A figure of whole logical pixels with one axes over all of it."""
    fig = Figure(figsize=(math.ceil(width) / 100, math.ceil(height) / 100), dpi=100)
    FigureCanvasAgg(fig)
    page = fig.add_axes((0, 0, width / math.ceil(width), 1))
    page.set_axis_off()
    return page, fig


# --- curves, histograms, points, bars


def curves(x: ArrayLike, ys: Mapping[str, ArrayLike], *, xlabel: str, ylabel: str, logx: bool = False,
           logy: bool = False, title: str | None = None) -> Figure:
    """Curves over one axis, told apart by their line styles.

    Args:
        x: (n,), the same for every curve.
        ys: `{"name": (n,)}`; the names make the legend when there is more than one.
    """
    fig, axes = figure()
    x, arrays = _array(x), {name: _array(y) for name, y in ys.items()}
    for name, y in arrays.items():
        axes.plot(x, y, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title or "", xscale="log" if logx else "linear",
             yscale="log" if logy else "linear")
    if logy:
        _few_decades(axes)
    if len(ys) > 1:
        axes.legend()
    return _tell_nans(fig, [x, *arrays.values()], "left out")


def _few_decades(axes: Axes) -> None:
    """Labels 1, 2 and 5 of each decade as plain numbers where a logarithmic y axis spans less than two."""
    low, high = axes.get_ylim()
    if high < 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")


def histograms(values: Mapping[str, ArrayLike], *, xlabel: str, bins: int = 60,
               density: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None) -> Figure:
    """Histograms over common bins, each normalised to area 1.

    Args:
        values: `{"name": values of any shape}`; the first is filled, the others are outlines.
        density: `{"name": (x, y)}`, known densities drawn as curves on top.
    """
    fig, axes = figure()
    given = {name: _array(v).ravel() for name, v in values.items()}
    arrays = {name: array[~np.isnan(array)] for name, array in given.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(arrays.values())), bins)
    styles = list(matplotlib.rcParams["axes.prop_cycle"])
    for i, (name, array) in enumerate(arrays.items()):
        style = styles[i % len(styles)]
        look = {**style, "histtype": "step"} if i else {"color": SHADE, "histtype": "stepfilled"}
        axes.hist(array, edges, density=True, label=name, **look)
    for i, (name, (x, y)) in enumerate((density or {}).items()):
        axes.plot(_array(x), _array(y), label=name, **styles[(i + (i and len(arrays) - 1)) % len(styles)])
    axes.set(xlabel=xlabel, ylabel="density")
    if len(arrays) + len(density or {}) > 1:
        axes.legend()
    return _tell_nans(fig, given.values(), "left out")


def points(clouds: Mapping[str, ArrayLike], *, limits: float = 3.0) -> Figure:
    """Clouds of points in the plane, one square panel each, on the same axes from −limits to limits.

    Args:
        clouds: `{"title": (n, 2)}`, at most six.
    """
    side = min(220, WIDEST // len(clouds))
    high = side + 36 + LINE * max(title.count("\n") for title in clouds)
    fig, panels = figure(len(clouds), width=side * len(clouds) + 20, height=high, squeeze=False, sharey=True)
    for axes, (title, cloud) in zip(panels[0], clouds.items(), strict=True):
        x, y = _array(cloud).T
        size = min(2.4, max(1.0, 75 / max(len(x), 1) ** 0.5))
        axes.plot(x, y, "o", markersize=size, color=INK, alpha=0.45, markeredgewidth=0)
        axes.set(title=title, xlim=(-limits, limits), ylim=(-limits, limits), box_aspect=1, xlabel="$x_1$")
    panels[0, 0].set_ylabel("$x_2$")
    return _tell_nans(fig, map(_array, clouds.values()), "left out")


def bars(values: Mapping[str, float], *, ylabel: str) -> Figure:
    """One bar for each name, with its value written on top."""
    fig, axes = figure(width=min(WIDEST, max(300, 80 * len(values))))
    names = [textwrap.fill(str(name), 14) for name in values]
    numbers = [float(v) for v in values.values()]
    drawn = axes.bar(names, numbers, width=0.6, color=SHADE, edgecolor=INK, linewidth=0.8)
    axes.bar_label(drawn, labels=[f"{v:.3g}" for v in numbers], padding=2, fontsize=7.5)
    axes.margins(y=0.15)
    axes.set_ylabel(ylabel)
    return fig


def predictions(images: ArrayLike, probabilities: ArrayLike, labels: ArrayLike) -> Figure:
    """Images side by side, below each how probable a classifier finds every class.

    The bar of the image's own class is dark. Above stands the most probable class, with a cross where it is not that.

    Args:
        images: (n, c, h, w) in [0, 1], at most ten.
        probabilities: (n, k).
        labels: (n,) the right classes.
    """
    probabilities, labels = _array(probabilities), _array(labels).astype(int)
    n, k = probabilities.shape
    lefts = (k + 2) * np.arange(n)  # few artists for all: a slider answers at once
    fig, axes = figure(1, 2, height=190, sharex=True, height_ratios=(1, 1.2))
    above, below = np.ravel(axes)
    for picture, left, p, label in zip(_pictures(images), lefts, probabilities, labels, strict=True):
        above.imshow(picture, extent=(left - 0.5, left + k - 0.5, 0, k))
        read = f"{p.argmax()}" if p.argmax() == label else f"{p.argmax()} ✗"
        above.text(left + (k - 1) / 2, k + 1, read, ha="center")
    above.set(xlim=(-1, lefts[-1] + k), ylim=(0, k))
    above.set_axis_off()
    colours = np.where(np.arange(k) == labels[:, None], INK, SHADE).ravel()
    below.vlines((lefts[:, None] + np.arange(k)).ravel(), 0, probabilities.ravel(), colors=colours, linewidth=2.6)
    ends = np.stack([lefts, lefts + k - 1], axis=1).ravel()
    below.set(ylim=(0, 1), yticks=[0, 0.5, 1], xlabel="class", ylabel="probability")
    below.set_xticks(ends, n * ["0", f"{k - 1}"])
    return _tell_nans(fig, [probabilities], "left out")


def bar_panels(panels: Mapping[str, Mapping[str, float]]) -> Figure:
    """Panels of bars side by side: `{"what is measured, unit": {"name": value}}`, the values on top."""
    fig, axes = figure(len(panels), squeeze=False)
    for one, (label, values) in zip(axes[0], panels.items(), strict=True):
        drawn = one.bar(list(values), list(values.values()), color=SHADE, edgecolor=INK, linewidth=0.8)
        labels = [f"{v:.0f}" if v >= 1 else f"{v:.1g}" for v in values.values()]
        one.bar_label(drawn, labels=labels, padding=2, fontsize=7.5)
        one.set(ylabel=label, ymargin=0.12)
        one.tick_params(axis="x", rotation=35)
    return fig


def points_closer(clouds: Mapping[str, ArrayLike], *, limits: float, closer: float) -> Figure:
    """As `points`, with one more panel: the last cloud again, on axes of its own, from −closer to closer.

    Args:
        clouds: `{"title": (n, 2)}`, at most five.
    """
    title, last = list(clouds.items())[-1]
    fig = points({**clouds, f"{title}, closer": last}, limits=limits)
    shared = fig.axes[-1]  # points shares one y-axis among all panels, so this one makes room for another
    shared.remove()
    panel = fig.add_subplot(shared.get_subplotspec(), box_aspect=1)
    dots, looks = shared.lines[0], ("marker", "linestyle", "markersize", "color", "alpha", "markeredgewidth")
    panel.plot(*dots.get_data(), **{look: getattr(dots, f"get_{look}")() for look in looks})
    panel.set(title=shared.get_title(), xlabel="$x_1$", xlim=(-closer, closer), ylim=(-closer, closer))
    return fig
