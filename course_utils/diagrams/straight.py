"""Straight and bent ways between data and noise: pairs, flows in flight, few steps, the general table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plot

BLUE = "#0072B2"


def _plane(axes: Axes, title: str, limits: float) -> None:
    axes.set(title=title, xlim=(-limits, limits), ylim=(-limits, limits), box_aspect=1, xlabel="$x_1$")


def _lines(axes: Axes, states: Tensor, colour: str, width: float) -> None:
    """The ways (n, ways, 2) as one collection, which is drawn much faster than a line for each."""
    axes.add_collection(LineCollection(list(states.transpose(0, 1).numpy()), colors=colour, linewidths=width))


def ways(panels: Mapping[str, Tensor], limits: float = 3.0) -> Figure:
    """Ways in the plane, a panel for each set; a dot at the data's end of each way, a ring at the noise's.

    Args:
        panels: By its title the states (n, ways, 2), data first.
        limits: Of both axes.
    """
    fig, axes = plot.figure(len(panels), width=220 * len(panels) + 20, height=260, sharey=True)
    for panel, (title, states) in zip(axes, panels.items(), strict=True):
        _lines(panel, states, plot.INK, 0.4 if states.shape[1] > 10 else 1.0)
        panel.plot(*states[0].T, "o", markersize=3.5, color=plot.INK, label="data")
        panel.plot(*states[-1].T, "o", markersize=4, fillstyle="none", color=BLUE, label="noise")
        _plane(panel, title, limits)
    axes[0].set_ylabel("$x_2$")
    axes[0].legend(loc="lower right")
    return fig


def flights(runs: Mapping[str, Tensor], share: float, limits: float = 3.2) -> Figure:
    """Points on their ways from noise to data, at one time: the ways so far as lines, the whole ways fainter.

    Args:
        runs: By its title the states (n + 1, points, 2) at equally spaced times, noise first.
        share: How much of the way is done, from 0 to 1.
        limits: Of both axes.
    """
    fig, axes = plot.figure(len(runs), width=300 * len(runs), height=310, sharey=True)
    for panel, (title, states) in zip(axes, runs.items(), strict=True):
        now = round(share * (len(states) - 1))
        _lines(panel, states, plot.SHADE, 0.5)
        _lines(panel, states[:now + 1], BLUE, 0.6)
        panel.plot(*states[now].T, "o", markersize=4, color=plot.INK)
        _plane(panel, title, limits)
    axes[0].set_ylabel("$x_2$")
    return fig


def ways_and_ends(lines: Mapping[str, Tensor], clouds: Sequence[Tensor], limits: float = 3.2) -> Figure:
    """Some ways of each flow as lines, and where many points end.

    Args:
        lines: By the flow's title the states (n + 1, ways, 2), noise first.
        clouds: Of each flow the ends (points, 2).
        limits: Of both axes.
    """
    fig, axes = plot.figure(len(lines), width=300 * len(lines), height=310, sharey=True)
    for panel, (title, states), cloud in zip(axes, lines.items(), clouds, strict=True):
        _lines(panel, states, BLUE, 0.5)
        panel.plot(*cloud.T, "o", markersize=2.4, color=plot.INK, alpha=0.5, markeredgewidth=0)
        _plane(panel, title, limits)
    axes[0].set_ylabel("$x_2$")
    return fig


def over_steps(curves: Mapping[str, Mapping[int, float]], ylabel: str) -> Figure:
    """A quality in [0, 1] over the number of steps, which is logarithmic: a curve and a marker for each sampler."""
    fig, axes = plot.figure(height=210)
    for marker, (name, values) in zip("os^D", curves.items(), strict=False):
        steps = sorted(values)
        axes.plot(steps, [values[n] for n in steps], marker=marker, label=name)
    ticks = sorted({n for values in curves.values() for n in values})
    axes.set(xlabel="steps", ylabel=ylabel, xscale="log", ylim=(0, 1.05))
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return fig


def determinants(times: Tensor, sizes: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """|ad − bc| of each prediction over time, a panel for each path, by whose name the curves (n,) are given."""
    fig, axes = plot.figure(len(sizes), height=210, sharey=True)
    for panel, (title, rows) in zip(axes, sizes.items(), strict=True):
        for kind, values in rows.items():
            panel.plot(times, values, label=kind)
        panel.set(title=title, xlabel="t", yscale="log", ylim=(1e-3, 30))
    axes[0].set_ylabel("|ad − bc|")
    axes[-1].legend(loc="lower center", ncols=2)
    return fig
