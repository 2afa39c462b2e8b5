"""What several diagrams draw."""

from __future__ import annotations

from matplotlib.axes import Axes

ARROW = {"arrowstyle": "->", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A thin arrow from one point to another, in the data's coordinates."""
    axes.annotate("", end, start, arrowprops=ARROW)
