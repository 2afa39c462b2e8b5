"""Pictures of networks, drawn to scale, and of what a network sees of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

from course_utils import plot

BETWEEN, BELOW = 2.6, 9.0  # space beside and below a box, in pixels of the image


@dataclass(frozen=True)
class _Box:
    """One tensor: its level, channels and place; `saved` on the way down, `joined` to a skip on the way up."""

    level: int
    channels: int
    left: float
    top: float
    width: float
    height: float
    saved: bool = False
    joined: bool = False


def unet(size: int, dims: Sequence[int], channels: int = 1) -> Figure:
    """A UNet as a U: a box for every tensor, as high as the image and as wide as it has channels.

    Args:
        size: Height of the image, divisible by 2 to the number of levels.
        dims: Channels from full resolution to the bottom, e.g. [24, 48, 96].
        channels: Of the image.
    """
    boxes = _boxes(size, dims, channels)
    fig, axes = plot.figure(width=plot.WIDEST, height=290)
    for box in boxes:
        axes.add_patch(Rectangle((box.left, box.top - box.height), box.width, box.height, edgecolor=plot.INK,
                                 facecolor=plot.SHADE if box.saved else "white", linewidth=0.8))
        axes.text(box.left + box.width / 2, box.top + 0.6, str(box.channels), ha="center", va="bottom", fontsize=7)
    for a, b in zip(boxes[:-1], boxes[1:], strict=True):
        _arrow(axes, (a.left + a.width, a.top - a.height / 2), (b.left, b.top - b.height / 2))
    saved = [box for box in boxes if box.saved]
    for box in boxes:
        if box.joined:
            _skip(axes, saved.pop(), box, depth=1.5 + 1.3 * (len(saved) % 2 == 0))
    for level in range(len(dims)):
        first = next(box for box in boxes if box.level == level)
        axes.text(-2, first.top - first.height / 2, f"{size >> level} × {size >> level}", ha="right", va="center")
    axes.set(xlim=(-9, boxes[-1].left + 3), ylim=(min(b.top - b.height for b in boxes) - 1, 4))
    axes.set_axis_off()
    return fig


def _boxes(size: int, dims: Sequence[int], channels: int) -> list[_Box]:
    """All tensors from the image to the answer, from left to right."""
    bottom, boxes = len(dims) - 1, []

    def put(level: int, c: int, **kind: bool) -> None:
        left = boxes[-1].left + boxes[-1].width + BETWEEN if boxes else 0.0
        top = -sum(size / 2**k + BELOW for k in range(level))
        boxes.append(_Box(level, c, left, top, 1 + c / 10, size / 2**level, **kind))

    put(0, channels)
    for level, dim in enumerate(dims[:-1]):
        put(level, dim)
        put(level, dim, saved=True)
        put(level, dim, saved=True)
    for _ in range(3):
        put(bottom, dims[bottom])
    for level in reversed(range(bottom)):
        put(level, dims[level])
        put(level, dims[level], joined=True)
        put(level, dims[level], joined=True)
    put(0, channels)
    return boxes


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0})


def _skip(axes: Axes, start: _Box, end: _Box, depth: float) -> None:
    """A dashed way below the level, `depth` below the boxes."""
    a, b, floor = start.left + start.width / 2, end.left + end.width / 2, start.top - start.height
    axes.plot([a, a, b, b], [floor, floor - depth, floor - depth, floor], color=plot.INK, linewidth=0.8, linestyle="--")
    _arrow(axes, (b, floor - 0.5), (b, floor))


# --- pixels in raster order


def next_pixels(images: ArrayLike, places: Sequence[tuple[int, int]], probabilities: ArrayLike) -> Figure:
    """Images of which only the pixels before a place are shown, and below each what may stand at that place.

    Args:
        images: (n, h, w) in [0, 1].
        places: Row and column of each image's next pixel, which is framed.
        probabilities: (n, levels) of the next pixel.
    """
    images, probabilities = (np.asarray(x, dtype=float).copy() for x in (images, probabilities))
    n, h, w = images.shape
    fig, axes = plot.figure(n, 2, width=190 * n, height=300, squeeze=False, height_ratios=[3, 1.3])
    for column, (image, (i, j), p) in enumerate(zip(images, places, probabilities, strict=True)):
        top, below = axes[:, column]
        image[(np.arange(h * w) >= i * w + j).reshape(h, w)] = np.nan
        top.set_facecolor("#b9c7d6")
        top.imshow(image, cmap="gray", vmin=0, vmax=1)
        top.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=plot.NAN, linewidth=1.6))
        top.set(xticks=[], yticks=[])
        below.bar(np.arange(len(p)), p, color=plot.SHADE, edgecolor=plot.INK, linewidth=0.8)
        below.set(xlabel="level of the next pixel", ylim=(0, 1), xticks=np.arange(len(p)))
    axes[1, 0].set_ylabel("probability")
    return fig


def masks(grids: Mapping[str, ArrayLike]) -> Figure:
    """Kernels of 0 and 1 with their centre framed.

    Args:
        grids: `{"title": (k, k)}`, at most six.
    """
    fig, panels = plot.figure(len(grids), width=130 * len(grids), height=170, squeeze=False)
    for axes, (title, grid) in zip(panels[0], grids.items(), strict=True):
        grid = np.asarray(grid)
        axes.imshow(grid, cmap="gray_r", vmin=0, vmax=3)
        for (i, j), value in np.ndenumerate(grid):
            axes.text(j, i, f"{value:g}", ha="center", va="center", fontsize=7)
        k = len(grid)
        axes.add_patch(Rectangle((k // 2 - 0.5, k // 2 - 0.5), 1, 1, fill=False, edgecolor=plot.NAN, linewidth=1.8))
        axes.set(title=title, xticks=[], yticks=[])
    return fig


def reach(influence: Mapping[str, ArrayLike], place: tuple[int, int]) -> Figure:
    """Which pixels before a place a network looks at: those of which its answer there has a gradient.

    Args:
        influence: `{"title": (h, w)}`, sizes of the gradient; 0 means that a pixel is not seen.
        place: Row and column of the pixel that is predicted.
    """
    side = min(175, plot.WIDEST // len(influence))
    fig, panels = plot.figure(len(influence), width=side * len(influence), height=side + 60, squeeze=False)
    looks = {"seen": plot.INK, "before it, but not seen": "#e8a33d", "later, or itself": "#e6e6e6"}
    for axes, (title, size) in zip(panels[0], influence.items(), strict=True):
        seen = np.asarray(size) != 0
        before = (np.arange(seen.size) < place[0] * seen.shape[1] + place[1]).reshape(seen.shape)
        kind = np.where(seen, 0, np.where(before, 1, 2))
        axes.imshow(kind, cmap=ListedColormap(list(looks.values())), vmin=0, vmax=2)
        axes.plot(place[1], place[0], "x", color=plot.NAN, markersize=7, markeredgewidth=2)
        axes.set(title=title, xticks=[], yticks=[])
    fig.legend(handles=[Patch(facecolor=colour, edgecolor=plot.INK, linewidth=0.5, label=name)
                        for name, colour in looks.items()], loc="outside lower center", ncols=3)
    return fig


def attention(weights: ArrayLike, image: ArrayLike, tiles: Sequence[int], columns: int) -> Figure:
    """Who looks at whom among the tiles of an image, as a matrix, and on the image for some of them.

    Args:
        weights: (n, n), row i how much tile i looks at each.
        image: (h, w) in [0, 1].
        tiles: Numbers of the tiles that are shown on the image; each is framed, and what it looks at is tinted.
        columns: Tiles in a row of the image.
    """
    weights, image = np.asarray(weights), np.asarray(image)
    fig, (left, *panels) = plot.figure(1 + len(tiles), width=180 * (1 + len(tiles)), height=240)
    left.imshow(weights, cmap="gray_r", vmin=0)
    left.set(xlabel="looked at: tile", ylabel="looking: tile", title="weights")
    h, w = image.shape
    rows, side = len(weights) // columns, w / columns
    for axes, tile in zip(panels, tiles, strict=True):
        shares = weights[tile].reshape(rows, columns)
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, w, h, 0))
        axes.imshow(np.ones_like(shares), cmap=ListedColormap([plot.NAN]), extent=(0, w, h, 0),
                    alpha=0.85 * shares / shares.max())
        corner = (tile % columns * side, tile // columns * side)
        axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#56B4E9", linewidth=2))
        axes.set(title=f"tile {tile} looks at", xticks=[], yticks=[])
    return fig
