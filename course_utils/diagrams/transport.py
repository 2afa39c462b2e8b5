"""The probability flow: crowds carried with and without noise, log-densities, solvers and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plot
from course_utils.densities import Mixture


def two_crowds(times: Tensor, crowds: Mapping[str, Tensor], density: Mixture, drawn: int = 30) -> Figure:
    """Paths of points on a line from noise to data, and beside each crowd the histogram of where it ends.

    Args:
        times: (n,) falling.
        crowds: By its name the states (points, n) of a crowd.
        density: Of the data, on the line.
        drawn: How many paths are drawn.
    """
    fig, panels = plot.figure(2 * len(crowds), height=240, sharey=True, width_ratios=(3, 1) * len(crowds))
    y = torch.linspace(-2.5, 2.5, 300, dtype=torch.float64)
    for axes, beside, (name, states) in zip(panels[::2], panels[1::2], crowds.items(), strict=True):
        axes.plot(times, states[:drawn].T, color=plot.INK, linestyle="-", linewidth=0.5, alpha=0.7)
        axes.set(title=name, xlabel="t (sampling runs to the right)", xlim=(1, 0), ylim=(-2.5, 2.5))
        beside.hist(states[:, -1], bins=60, range=(-2.5, 2.5), density=True, orientation="horizontal", color=plot.SHADE)
        beside.plot(density.log_prob(y[:, None]).exp(), y, linewidth=0.9)
        beside.set(xlabel="density")
    panels[0].set_ylabel("x")
    return fig


def transport_map(clouds: Mapping[str, Tensor], by: Tensor, limits: float = 3.0) -> Figure:
    """Clouds (n, 2) of the same points, each in one colour and shape throughout, by its angle in `by` (n, 2)."""
    fig, panels = plot.figure(len(clouds), width=260 * len(clouds), height=270, sharey=True)
    share = (torch.atan2(by[:, 1], by[:, 0]) / (2 * torch.pi)) % 1
    for axes, (title, cloud) in zip(panels, clouds.items(), strict=True):
        for k, marker in enumerate("osD^v<>P"):
            some = (share * 8).long() == k
            colours = hsv_to_rgb(np.array([(h, 0.85, 0.75) for h in share[some].tolist()]).reshape(-1, 3))
            axes.scatter(*cloud[some].T, s=9, marker=marker, c=colours, linewidths=0)
        axes.set(title=title, xlim=(-limits, limits), ylim=(-limits, limits), box_aspect=1, xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    return fig


def probe_estimates(estimates: Mapping[tuple[str, str], Tensor], truth: float) -> Figure:
    """Histograms of a divergence's estimates: a column for each field, a row for each law of the probes.

    Their standard deviations stand above them as the spread.
    """
    fields, laws = (list(dict.fromkeys(names)) for names in zip(*estimates, strict=True))
    fig, panels = plot.figure(len(fields), len(laws), height=130 * len(laws) + 40, sharex=True, squeeze=False)
    for (field, law), values in estimates.items():
        axes = panels[laws.index(law), fields.index(field)]
        axes.hist(values.numpy(), bins=80, range=(-4, 10), color=plot.SHADE, edgecolor=plot.INK, linewidth=0.3)
        axes.axvline(truth, color=plot.NAN, linestyle=":", linewidth=1.2)
        spread = values.double().std().item()
        axes.set(title=f"{field}, {law}: spread {spread:.2f}", ylabel="estimates")
    for axes in panels[-1]:
        axes.set_xlabel("estimate of the divergence (dotted: the truth)")
    return fig


def log_density_maps(maps: Mapping[str, Tensor], side: Tensor, lowest: float = -10.0) -> Figure:
    """Log-densities over a square grid as maps with one scale.

    Args:
        maps: By its title the values (n·n,) on `cartesian_prod(side, side)`.
        side: (n,) the grid along each axis.
        lowest: Smaller values look like this one.
    """
    fig, panels = plot.figure(len(maps), width=260 * len(maps) + 60, height=270, sharey=True)
    n, (low, high) = len(side), (side[0].item(), side[-1].item())
    top = max(values.max().item() for values in maps.values())
    for axes, (title, values) in zip(panels, maps.items(), strict=True):
        drawn = axes.imshow(values.reshape(n, n).T.clamp_min(lowest).numpy(), vmin=lowest, vmax=top, origin="lower",
                            extent=(low, high, low, high))
        axes.set(title=title, xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    fig.colorbar(drawn, ax=list(panels), label=r"$\log p$ (nats)", shrink=0.85)
    return fig


def step_sizes(runs: Mapping[str, np.ndarray]) -> Figure:
    """The steps that an adaptive solver took over time, a panel for each run.

    Args:
        runs: By its title the times (n + 1,) at which it stood.
    """
    fig, panels = plot.figure(len(runs), height=190, sharey=True)
    for axes, (title, times) in zip(panels, runs.items(), strict=True):
        axes.plot(times[:-1], np.diff(times), "o", markersize=2.5, color=plot.INK, alpha=0.5, markeredgewidth=0)
        axes.set(title=title, xlabel="t", yscale="log")
    panels[0].set_ylabel("size of the step")
    return fig


def round_trip(before: Tensor, after: Tensor, exact: Tensor, logp: Tensor, title: str) -> Figure:
    """Points (n, 2) and where they came back to, joined; and log-densities (n,) against the exact ones."""
    fig, (left, right) = plot.figure(2, width=560, height=270)
    for a, b in zip(before.tolist(), after.tolist(), strict=True):
        left.plot(*zip(a, b, strict=True), color=plot.SHADE, linestyle="-", linewidth=0.9)
    left.plot(*before.T, "o", label="before", markersize=4, fillstyle="none", color=plot.INK)
    left.plot(*after.T, "x", label="after", markersize=4, color=plot.NAN)
    apart = (before - after).norm(dim=1).mean().item()
    left.set(title=f"{title}; {apart:.2g} apart", xlabel="$x_1$", ylabel="$x_2$", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5),
             box_aspect=1)
    left.legend(loc="center")
    ends = (-6.0, 1.0)
    right.plot(ends, ends, color=plot.SHADE, linestyle="-")
    right.plot(exact, logp.double().clamp(*ends), "o", markersize=3, color=plot.INK)
    off = (logp - exact).abs().mean().item()
    right.set(title=f"off by {off:.2g} nats", xlabel=r"exact $\log p$", ylabel=r"your $\log p$", xlim=ends, ylim=ends,
              box_aspect=1)
    return fig


def bits_over_training(steps: Sequence[int], bits: Sequence[float]) -> Figure:
    """Bits per dimension at some states of a training."""
    fig, axes = plot.figure(height=180)
    axes.plot(steps, bits, marker="o")
    for step, b in zip(steps, bits, strict=True):
        axes.annotate(f"{b:.2f}", (step, b), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=7.5)
    axes.set(xlabel="training step", ylabel="bits/dim, 256 levels", ylim=(min(bits) - 0.1, max(bits) + 0.15))
    axes.set_xticks(steps)
    return fig


def walks_from(walk: Tensor, centres: Tensor, limits: float = 3.0) -> Figure:
    """Paths of several runs in the plane, from their starts (dots) to their ends (crosses), among centres (circles).

    Args:
        walk: (steps + 1, runs, 2); runs that begin in one place are drawn alike.
        centres: (k, 2).
        limits: Of both axes.
    """
    fig, axes = plot.figure(width=330, height=320)
    axes.plot(*centres.T, "o", markersize=16, fillstyle="none", color=plot.SHADE)
    places = {tuple(start): i for i, start in enumerate(dict.fromkeys(map(tuple, walk[0].tolist())))}
    colours = [plot.INK, "#0072B2", "#D55E00", "#009E73"]
    for path in walk.transpose(0, 1):
        colour = colours[places[tuple(path[0].tolist())] % len(colours)]
        axes.plot(*path.T, color=colour, linestyle="-", linewidth=0.7)
        axes.plot(*path[0], "o", color=colour)
        axes.plot(*path[-1], "x", color=colour, markersize=6)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-limits, limits), ylim=(-limits, limits), box_aspect=1)
    return fig


def error_curves(curves: Mapping[str, Mapping[float, float]]) -> Figure:
    """Errors over numbers of evaluations, both logarithmic: a curve and a marker for each method."""
    fig, axes = plot.figure(width=480, height=250)
    for marker, (name, errors) in zip("os^Dv<", curves.items(), strict=False):
        axes.plot(list(errors), list(errors.values()), marker=marker, label=name)
    axes.set(xlabel="evaluations of the network for each sample", ylabel="mean distance from the truth", xscale="log",
             yscale="log")
    ticks = [5, 10, 20, 50, 100, 200]
    axes.set_xticks(ticks, [str(n) for n in ticks], minor=False)
    axes.minorticks_off()
    axes.legend()
    return fig
