"""Scores: fields of arrows, clouds over a density, noise levels, the quarter circle of v, and the years of it all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import ARROW, arrow

Field = Callable[[Tensor], Tensor]  # (n, 2) → (n, 2), or (n,) for a log-density

YEARS = [  # when, what, and how high above or below the line it stands
    (2005, "score matching\nHyvärinen", 1), (2011, "denoising score matching\nVincent", -1),
    (2015, "diffusion\nSohl-Dickstein", 1), (2019.2, "NCSN", 1), (2020.1, "NCSNv2\nDDPM", -1),
    (2021, "DDIM", 2), (2021.2, "Score SDE\nguided diffusion", -2.2), (2022, "latent\ndiffusion", 1),
    (2022.4, "CFG", -1)]


def score_fields(fields: Mapping[str, Field], below: Field | Mapping[str, Field],
                 points: Mapping[str, Tensor] | None = None, limits: float = 3.5, arrows: int = 13) -> Figure:
    """One panel of arrows for each field, over a density in grey, with points where they are given.

    An arrow's length grows with the field, against the panel's median, and is bounded so that neighbours do not cross.

    Args:
        fields: `{"title": field}`, each (n, 2) → (n, 2), at most three.
        below: A logarithm (n, 2) → (n,) of what is drawn in grey, for all of them, or one for each title.
        points: By title (n, 2).
        limits: The axes run from −limits to limits.
        arrows: In a row.
    """
    side = min(270, plot.WIDEST // len(fields))
    fig, panels = plot.figure(len(fields), width=side * len(fields) + 20, height=side + 50, squeeze=False, sharey=True)
    places = _grid(limits * (1 - 1 / arrows), arrows)
    for axes, (title, field) in zip(panels[0], fields.items(), strict=True):
        _shade(axes, below[title] if isinstance(below, Mapping) else below, limits)
        if points and title in points:
            axes.plot(*points[title].T, "o", markersize=1.6, color=plot.NAN, alpha=0.6, markeredgewidth=0)
        with torch.no_grad():
            u = field(places)
        size = u.norm(dim=1, keepdim=True)
        u = (u / (size.median() + size) * 2.4 * limits / arrows).numpy()
        axes.quiver(*places.T.numpy(), *u.T, angles="xy", scale_units="xy", scale=1, width=0.006, color=plot.INK)
        axes.set(title=title, xlim=(-limits, limits), ylim=(-limits, limits), box_aspect=1, xlabel="$x_1$")
    panels[0, 0].set_ylabel("$x_2$")
    return fig


def clouds_over(clouds: Mapping[str, Tensor], log_prob: Field, limits: float = 3.5) -> Figure:
    """Clouds of points (n, 2), a panel each, over the contours of a density."""
    fig = plot.points(clouds, limits=limits)
    for axes in fig.axes:
        x, y, p = _density(log_prob, limits)
        axes.contour(x, y, p, levels=p.max() * np.array([0.02, 0.2, 0.6]), colors=plot.NAN, linewidths=0.8)
    return fig


def rungs(rows: Mapping[str, Tensor]) -> Figure:
    """Rows of noise levels as dots on a logarithmic axis."""
    fig, axes = plot.figure(width=520, height=60 + 34 * len(rows))
    for row, levels in enumerate(rows.values()):
        axes.plot(levels, np.full(len(levels), -row), "o", color=plot.INK)
    axes.set(xlabel=r"$\sigma$", xscale="log", ylim=(0.6 - len(rows), 0.6))
    axes.set_yticks([-row for row in range(len(rows))], list(rows))
    return fig


def quarter_circle(angle: float) -> Figure:
    """x_t and v as x_start and noise, turned by an angle whose cosine is α, for a path with α² + σ² = 1."""
    fig, axes = plot.figure(width=300, height=300)
    turn = np.linspace(0, math.pi / 2, 60)
    axes.plot(np.cos(turn), np.sin(turn), linestyle="-", color=plot.SHADE)
    alpha, sigma = math.cos(angle), math.sin(angle)
    for end, words, place in (((1, 0), "$x_{start}$", (1.05, -0.1)), ((0, 1), "noise", (-0.1, 1.06)),
                              ((alpha, sigma), "$x_t$", (alpha + 0.05, sigma + 0.05)),
                              ((-sigma, alpha), "v", (-sigma - 0.12, alpha + 0.04))):
        arrow(axes, (0, 0), end)
        axes.text(*place, words)
    axes.plot(0.25 * np.cos(turn * angle / turn[-1]), 0.25 * np.sin(turn * angle / turn[-1]), linestyle="-")
    axes.text(0.3 * math.cos(angle / 2), 0.3 * math.sin(angle / 2) - 0.03, r"$\phi$", va="center")
    axes.plot([alpha, alpha, 0], [0, sigma, sigma], linestyle=":", color=plot.INK, linewidth=0.8)
    axes.text(alpha / 2, -0.1, r"$\alpha$", ha="center")
    axes.text(-0.06, sigma / 2, r"$\sigma$", ha="right", va="center")
    axes.set(xlim=(-1.05, 1.25), ylim=(-0.2, 1.2), aspect="equal")
    axes.set_axis_off()
    return fig


def timeline() -> Figure:
    """The years in which score matching and diffusion became one subject; the years from 2018 on have more room."""
    fig, axes = plot.figure(width=plot.WIDEST, height=210)
    axes.plot([_place(2004), _place(2023)], [0, 0], linestyle="-", linewidth=0.8, color=plot.INK)
    for year in (2005, 2010, 2015, 2019, 2020, 2021, 2022):
        axes.plot(_place(year), 0, "|", color=plot.INK, markersize=8)
        axes.text(_place(year), -0.28, str(year), ha="center", va="top", fontsize=7)
    for year, words, height in YEARS:
        axes.annotate(words, (_place(year), 0), (_place(year), height), ha="center",
                      va="bottom" if height > 0 else "top", arrowprops=ARROW | {"arrowstyle": "-", "linewidth": 0.4})
    axes.set(xlim=(_place(2003.5), _place(2023)), ylim=(-3.4, 3.0))
    axes.set_axis_off()
    return fig


def _place(year: float) -> float:
    """Where a year stands: one before 2018 takes a quarter of the room of a later one."""
    return (year - 2018) * (1 if year > 2018 else 0.25)


def _grid(limits: float, n: int) -> Tensor:
    """(n², 2) points of the square, the first coordinate slowest."""
    line = torch.linspace(-limits, limits, n)
    return torch.cartesian_prod(line, line)


def _density(log_prob: Field, limits: float, n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places = _grid(limits, n)
    with torch.no_grad():
        p = log_prob(places).exp().reshape(n, n).T.numpy()
    line = np.linspace(-limits, limits, n)
    return line, line, p


def _shade(axes: Axes, log_prob: Field, limits: float) -> None:
    """The density in grey, darker where it is higher."""
    x, y, p = _density(log_prob, limits)
    axes.contourf(x, y, p / p.max(), levels=[0.02, 0.1, 0.25, 0.5, 0.75, 1.01], cmap="Greys", vmin=-0.1, vmax=2)
