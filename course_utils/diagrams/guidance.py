"""Few steps and guidance: the times that are visited, points among blobs, what was measured, a sentence's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import arrow

Row = Mapping[str, float]  # one line of a measured table: what was set, and what came of it

MEASURED = {"recognised": "recognised", "diversity": "diversity within a class", "kernel_distance": "kernel distance"}


def visited_times(alphas_cumprod: Tensor, grids: Mapping[str, Tensor]) -> Figure:
    """ᾱ over t, and below it a row of dots for each grid of times (n,)."""
    fig, (above, below) = plot.figure(1, 2, width=480, height=210, sharex=True, height_ratios=(2, 1))
    above.plot(alphas_cumprod)
    above.set(ylabel=r"$\bar\alpha_t$")
    for row, times in enumerate(grids.values()):
        below.plot(times, np.full(len(times), -row), "o", color=plot.INK)
    below.set(xlabel="t", ylim=(0.6 - len(grids), 0.6))
    below.set_yticks([-row for row in range(len(grids))], list(grids))
    return fig


def among(clouds: Mapping[str, Tensor], centres: Tensor, std: float, limits: float = 1.1) -> Figure:
    """Clouds of points (n, 2), a panel each, among the circles that hold 95 % of each of some Gaussian blobs."""
    fig = plot.points(clouds, limits=limits)
    for axes in fig.axes:
        for x, y in np.asarray(centres, dtype=float):
            axes.add_patch(Circle((x, y), 2.45 * std, fill=False, edgecolor=plot.NAN, linewidth=1))
    return fig


def quality_over_guidance(rows: Sequence[Row], real: Row) -> Figure:
    """What was measured over the guidance weight, a curve for each number of steps; real pictures as dotted lines.

    The kernel distance stands on a logarithmic axis, where that of real pictures, about 0, has no place.

    Args:
        rows: Each with `w`, `steps` and the numbers of `MEASURED`.
        real: The same numbers of real pictures.
    """
    fig, panels = plot.figure(columns=3)
    weights = sorted({row["w"] for row in rows})
    for axes, (key, label) in zip(panels, MEASURED.items(), strict=True):
        for (steps, values), marker in zip(_by_steps(rows, key).items(), "os^Dv", strict=False):
            axes.plot(range(len(weights)), values, marker=marker, label=f"{steps:g} steps")
        axes.axhline(real[key], color=plot.INK, linestyle=":", linewidth=0.8)
        axes.set(xlabel="w", ylabel=label, title=f"real digits: {real[key]:.3g}")
        axes.set_xticks(range(len(weights)), [f"{w:g}" for w in weights])
    panels[2].set_yscale("log")
    panels[1].legend(loc="upper right")
    return fig


def _by_steps(rows: Sequence[Row], key: str) -> dict[float, list[float]]:
    """The number of this name over ascending w, for each number of steps."""
    ordered = sorted(rows, key=lambda row: (row["steps"], row["w"]))
    return {steps: [row[key] for row in ordered if row["steps"] == steps] for steps in {r["steps"]: 0 for r in ordered}}


def describe_guidance(rows: Sequence[Row]) -> str:
    """The same numbers as lines of text, one for each row."""
    lines = [f"{'':24}{'recognised':>12}{'diversity':>12}{'kernel distance':>18}"]
    for row in rows:
        lines.append(f"{_setting(row):24}{row['recognised']:>12.1%}{row['diversity']:>12.1f}"
                     f"{row['kernel_distance']:>18.3f}")
    return "\n".join(lines)


def _setting(row: Row) -> str:
    """What a row was measured at."""
    if "gamma" in row:
        return f"classifier, γ = {row['gamma']:g}"
    if "low" in row:
        return f"w = {row['w']:g}, {row['low']:g} ≤ t ≤ {row['high']:g}"
    return f"w = {row['w']:g}, {row['steps']:g} steps" if "w" in row else "real digits"


def sentence_to_picture() -> Figure:
    """A sentence and the empty one on their way to a guided prediction."""
    fig, axes = plot.figure(width=680, height=150)
    for y, words, answer in ((1, "“a blue cat”", "with the wish"), (0, "“ ” (empty)", "without it")):
        boxes = {words: 0, "tokens": 1.5, "encoder:\na vector each": 3, "network,\nlooks at x and vectors": 5.1,
                 answer: 7.2}
        for (text, x), inside in zip(boxes.items(), (False, False, True, True, False), strict=True):
            axes.text(x, y, text, ha="center", va="center", bbox={
                "boxstyle": "round,pad=0.4", "facecolor": plot.SHADE if inside else "white", "edgecolor": plot.INK,
                "linewidth": 0.8 if inside else 0.3})
        for start, end in ((0.62, 1.1), (1.85, 2.35), (3.65, 4.1), (6.1, 6.55)):
            arrow(axes, (start, y), (end, y))
        arrow(axes, (7.85, y), (8.35, 0.6 if y else 0.4))
    axes.text(8.9, 0.5, "guided\nprediction", ha="center", va="center")
    axes.set(xlim=(-0.8, 9.5), ylim=(-0.5, 1.5))
    axes.set_axis_off()
    return fig
