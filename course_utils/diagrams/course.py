"""The map of the course, and the direction of time in it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import arrow

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
    "11": ("latents, text to image", (0, 6), ("02", "04", "07")),
    "12": ("rectified flow", (3, 7), ("10",)),
    "13": ("transformers", (0.5, 7), ("11",)),
    "14": ("few steps", (2, 7), ("07", "12")),
    "15": ("GPU kernels", (1.4, 6), ("07",)),
}
WIDE, HIGH = 0.43, 0.3  # half a box, in columns and rows


def course_map() -> Figure:
    """Which notebook needs which: an arrow leads from what is needed."""
    fig, axes = plot.figure(width=plot.WIDEST, height=400)
    for number, (title, (column, row), needs) in COURSE.items():
        axes.add_patch(Rectangle((column - WIDE, -row - HIGH), 2 * WIDE, 2 * HIGH, facecolor=plot.SHADE,
                                 edgecolor=plot.INK, linewidth=0.8, zorder=2))
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
        arrow(axes, (a - WIDE if a > b else a + WIDE, -top), (b + WIDE if a > b else b - WIDE, -low))
    else:
        arrow(axes, (a, -top - HIGH), (b, -low + HIGH))


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
        arrow(axes, (ends[0], y), (ends[1], y))
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
