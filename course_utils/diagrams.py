"""Pictures of networks, drawn to scale, and of the course."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

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


# ---- the course ----------------------------------------------------------------------------------------------------

ANSWERS = Path(__file__).parent / "answers"  # a notebook that exists has its recorded answers there
COURSE = {  # number: title, column and row on the map, and what it needs besides what those need
    "00": ("start here", (1.5, 0), ()),
    "01": ("counting to likelihood", (1.5, 1), ("00",)),
    "02": ("autoregressive models", (1, 2), ("01",)),
    "03": ("autoencoders, VAE", (2, 2), ("01",)),
    "04": ("GAN", (0, 2), ("01",)),
    "05": ("diffusion", (2, 3), ("03",)),
    "06": ("the UNet", (2, 4), ("05",)),
    "07": ("guidance", (2, 5), ("06",)),
    "08": ("score matching", (3, 4), ("05",)),
    "09": ("stochastic equations", (3, 5), ("08",)),
    "10": ("ODE and likelihood", (3, 6), ("09",)),
    "11": ("latents, text to image", (0, 6), ("04", "07")),
    "12": ("rectified flow", (3, 7), ("10",)),
    "13": ("transformers", (0.5, 7), ("02", "11")),
    "14": ("few steps", (2, 7), ("07", "12")),
    "15": ("GPU kernels", (1.4, 6), ("07",)),
}
WIDE, HIGH = 0.43, 0.3  # half a box, in columns and rows


def written() -> list[str]:
    """The numbers of the notebooks that exist in this copy of the course."""
    return sorted(path.stem[:2] for path in ANSWERS.glob("[0-9][0-9]_*.safetensors"))


def course_map() -> Figure:
    """Which notebook needs which: an arrow leads from what is needed; those still to come have a dashed border."""
    fig, axes = plot.figure(width=plot.WIDEST, height=400)
    there = written()
    for number, (title, (column, row), needs) in COURSE.items():
        look = {"facecolor": plot.SHADE} if number in there else {"facecolor": "white", "linestyle": "--"}
        axes.add_patch(Rectangle((column - WIDE, -row - HIGH), 2 * WIDE, 2 * HIGH, edgecolor=plot.INK, linewidth=0.8,
                                 zorder=2, **look))
        axes.text(column, -row, f"{number}  {title}", ha="center", va="center")
        for needed in needs:
            _need(axes, COURSE[needed][1], (column, row))
    axes.set(xlim=(-0.5, 3.5), ylim=(-7.4, 0.4))
    axes.set_axis_off()
    return fig


def _need(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From the lower edge of a box to the upper edge of one below, or sideways within a row."""
    (a, top), (b, low) = start, end
    if top == low:
        _arrow(axes, (a - WIDE if a > b else a + WIDE, -top), (b + WIDE if a > b else b - WIDE, -low))
    else:
        _arrow(axes, (a, -top - HIGH), (b, -low + HIGH))


def arrow_of_time(images: Tensor) -> Figure:
    """The direction of time: data at 0, noise at the end; the continuous time, our index and the papers' count below.

    Args:
        images: (n, c, h, w) in [0, 1] at evenly spaced times, the data first.
    """
    n = len(images)
    fig, axes = plot.figure(width=640, height=210)
    for i, picture in enumerate(images):
        rgb = picture.clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).numpy()
        axes.imshow(rgb, extent=(i + 0.08, i + 0.92, 0, 0.84))
    for y, ends, word in ((1.15, (0.1, n - 0.1), "time runs, noise is added"), (-0.3, (n - 0.1, 0.1), "sampling")):
        _arrow(axes, (ends[0], y), (ends[1], y))
        axes.text(n / 2, y + 0.05, word, ha="center", va="bottom")
    rows = {"continuous time t": ("0", "", "1"), "our index t": ("x_start", "0", "T − 1"),
            "a paper's t": ("0", "1", "T")}
    for k, (name, words) in enumerate(rows.items()):
        axes.text(-0.1, -0.65 - 0.3 * k, name, ha="right", va="center")
        for x, word in zip((0.5, 1.5, n - 0.5), words, strict=True):
            axes.text(x, -0.65 - 0.3 * k, word, ha="center", va="center")
    axes.set(xlim=(-1.1, n), ylim=(-1.4, 1.4), aspect="equal")
    axes.set_axis_off()
    return fig
