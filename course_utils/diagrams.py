"""Pictures of networks, drawn to scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

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
