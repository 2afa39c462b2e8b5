"""Stochastic differential equations: their paths and densities, and three ways to condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from course_utils import plot
from course_utils.densities import Mixture


def paths_and_marginal(paths: Tensor, t: float, means: Tensor, std: Tensor, drawn: int = 8) -> Figure:
    """Simulated numbers up to time 1 with t marked, and beside it where they are at t and where a formula has them.

    Args:
        paths: (steps + 1, n) of an even grid from 0 to 1.
        t: The time looked at.
        means, std: (k,) of the k Gaussians, equally frequent, that the formula tells for time t.
        drawn: How many paths are drawn.
    """
    fig, (left, right) = plot.figure(2, width=500, height=180, sharey=True, width_ratios=(1.5, 1))
    steps = len(paths) - 1
    left.plot(np.linspace(0, 1, steps + 1)[::5], paths[::5, :drawn], color=plot.INK, linestyle="-", linewidth=0.6)
    left.axvline(t, color=plot.NAN, linewidth=1.5)
    limit = 1.1 * float(paths[:, :drawn].abs().max())
    left.set(xlabel="t", ylabel="x", ylim=(-limit, limit), xlim=(0, 1), title="some of the simulated paths")
    right.hist(paths[round(t * steps)].numpy(), bins=60, density=True, orientation="horizontal", color=plot.SHADE)
    x = torch.linspace(-limit, limit, 800)
    density = torch.exp(torch.distributions.Normal(means, std).log_prob(x[:, None])).mean(1)
    right.plot(density, x)
    right.set(xlabel="density", title=f"t = {t:g}: paths (grey)\nand formula (line)")
    return fig


def ito_and_fokker_planck(sde: Any, squares: Sequence[float], dt: float, x: Tensor, grid: Tensor,
                          solved: Tensor) -> Figure:
    """E[x²] with and without Itô's term against a simulation, and a density solved on a grid against its paths.

    Args:
        sde: Has `sde(x, t)`, a drift that is proportional to x.
        squares: Means of x² at times 0, dt, 2·dt, …
        x: (n, 1) where the paths are at the end.
        grid: (k,) on which `solved` (k,) is the density at the end.
    """
    with_term, without = [squares[0]], [squares[0]]
    for i in range(len(squares) - 1):
        drift, diffusion = sde.sde(torch.ones(1, 1), torch.tensor([(i + 0.5) * dt]))
        rate, growth = 2 * drift.item(), diffusion.item() ** 2
        with_term.append(with_term[-1] + dt * (rate * with_term[-1] + growth))
        without.append(without[-1] + dt * rate * without[-1])
    fig, (left, right) = plot.figure(2)
    times = dt * np.arange(len(squares))
    left.plot(times[::8], squares[::8], "o", color=plot.INK, label="simulated")
    left.plot(times, with_term, color="#0072B2", linestyle="-", label="with Itô's term")
    left.plot(times, without, color=plot.NAN, linestyle="--", label="without it")
    left.set(xlabel="t", ylabel="mean of $x_t^2$", ylim=(0, None))
    left.legend(loc="center left", bbox_to_anchor=(0.02, 0.55))
    right.hist(x.flatten().numpy(), bins=80, density=True, color=plot.SHADE, label="simulated paths")
    right.plot(grid, solved, color="#0072B2", linestyle="-", label="solved on a grid")
    right.set(xlabel="x", ylabel="density", xlim=(-4, 4), ylim=(0, 0.46), title=f"t = {len(squares) * dt:g}")
    right.legend(loc="upper right")
    return fig


def three_conditions(clouds: Mapping[str, Tensor], blobs: Mixture, first: float) -> Figure:
    """Clouds of the plane among the circles of some blobs; then how the last is spread along its line x₁ = first.

    Args:
        clouds: `{"title": (n, 2)}`; the last one's points have x₁ = first.
        blobs: In two dimensions; its density along that line is drawn beside the last cloud's.
        first: The coordinate that was observed.
    """
    fig, panels = plot.figure(len(clouds) + 1, height=230)
    for axes, (title, cloud) in zip(panels, clouds.items(), strict=False):
        axes.plot(*cloud.T, "o", markersize=1.6, color=plot.INK, alpha=0.45, markeredgewidth=0)
        for centre in blobs.means:
            axes.add_patch(Circle(centre.tolist(), 2.45 * blobs.std, fill=False, edgecolor=plot.NAN, linewidth=1))
        axes.set(title=title, xlim=(-3, 3), ylim=(-3, 3), box_aspect=1, xlabel="$x_1$")
    panels[0].set_ylabel("$x_2$")
    x = torch.linspace(-3, 3, 300, dtype=torch.float64)
    density = blobs.log_prob(torch.stack([torch.full_like(x, first), x], dim=1)).exp()
    last = list(clouds.values())[-1]
    panels[-1].hist(last[:, 1].numpy(), bins=30, density=True, color=plot.SHADE, label="projected")
    panels[-1].plot(x, density / (density.sum() * (x[1] - x[0])), label="true")
    panels[-1].set(title=f"along $x_1$ = {first:g}", xlabel="$x_2$", ylabel="density", xlim=(-3, 3), box_aspect=1,
                   ylim=(0, 1.25))
    panels[-1].legend(loc="upper left")
    return fig
