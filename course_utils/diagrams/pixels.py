"""Pixels in raster order: what may stand at the next one, and what a network sees of those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

from course_utils import plot


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
    """What each tile of an image is predicted from, as a matrix, and on the image for some of them.

    Args:
        weights: (n, n), row i how much the prediction of tile i looks at each token. The network's input is shifted:
            token j holds tile j − 1, and token 0 is empty.
        image: (h, w) in [0, 1].
        tiles: Numbers of the tiles that are shown on the image; each is framed, and what it looks at is tinted.
        columns: Tiles in a row of the image.
    """
    weights, image = np.asarray(weights), np.asarray(image)
    fig, (left, *panels) = plot.figure(1 + len(tiles), width=180 * (1 + len(tiles)), height=240)
    left.imshow(weights, cmap="gray_r", vmin=0)
    left.set(xlabel="token looked at (tile + 1)", ylabel="tile predicted", title="weights")
    h, w = image.shape
    rows, side = len(weights) // columns, w / columns
    for axes, tile in zip(panels, tiles, strict=True):
        shares = np.append(weights[tile, 1:], 0).reshape(rows, columns)  # of the tiles that the tokens hold
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, w, h, 0))
        axes.imshow(np.ones_like(shares), cmap=ListedColormap([plot.NAN]), extent=(0, w, h, 0),
                    alpha=0.85 * shares / weights[tile].max())
        corner = (tile % columns * side, tile // columns * side)
        axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#56B4E9", linewidth=2))
        axes.set(title=f"tile {tile}, from", xticks=[], yticks=[])
    return fig
