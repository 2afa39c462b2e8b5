"""The two players of an adversarial game, what each answers, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import arrow


def game() -> Figure:
    """Generator and discriminator as boxes, what flows between them, and which loss moves which."""
    fig, axes = plot.figure(width=640, height=170)
    boxes = {"noise z": (0, 1), "generator G": (1.5, 1), "fake G(z)": (3, 1), "real x": (3, 0),
             "discriminator D": (4.8, 0.5), "logit: real?": (6.5, 0.5)}
    for name, (x, y) in boxes.items():
        player = name[-1] in "GD"
        look = {"boxstyle": "round,pad=0.45", "facecolor": plot.SHADE if player else "white", "edgecolor": plot.INK}
        axes.text(x, y, name, ha="center", va="center", bbox=look | {"linewidth": 0.8 if player else 0.3})
    for start, end in (((0.4, 1), (0.85, 1)), ((2.15, 1), (2.5, 1)), ((3.5, 1), (4.1, 0.65)), ((3.4, 0), (4.1, 0.35)),
                       ((5.55, 0.5), (6, 0.5))):
        arrow(axes, start, end)
    for x, y, height, words in ((1.5, 1.25, 1.75, "moves G: be taken for real"),
                                (4.8, 0.25, -0.4, "moves D: tell them apart")):
        axes.plot([6.5, 6.5, x], [0.75 if height > 0 else 0.25, height, height], color=plot.NAN, linestyle="--",
                  linewidth=1)
        axes.annotate("", (x, y), (x, height), arrowprops={"arrowstyle": "->", "color": plot.NAN, "linewidth": 1})
        axes.text((6.5 + x) / 2, height, words, ha="center", va="center", color=plot.NAN,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
    axes.set(xlim=(-0.6, 7.2), ylim=(-0.65, 1.95))
    axes.set_axis_off()
    return fig


def best_answer(x: Tensor, known: Mapping[str, Tensor], answers: Mapping[str, Tensor]) -> Figure:
    """Densities on the line, and below them what discriminators answer there.

    Args:
        x: (n,) places.
        known: `{"name": (n,) density}`, two of them.
        answers: `{"name": (n,) probability of real}`, at most three.
    """
    fig, (above, below) = plot.figure(rows=2, width=460, height=330, sharex=True)
    for name, density in known.items():
        above.plot(x, density, label=name)
    above.set(ylabel="density")
    below.axhline(0.5, color="grey", linewidth=0.6, linestyle=":")
    looks = list(matplotlib.rcParams["axes.prop_cycle"])
    for (name, answer), look in zip(answers.items(), [looks[0], looks[3], looks[2]], strict=False):
        below.plot(x, answer, label=name, **look)
    below.set(xlabel="x", ylabel="D(x)", ylim=(-0.03, 1.03))
    for axes in (above, below):
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def losses_and_slopes(logits: Tensor, losses: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """A generator's losses over the logit of a fake, and beside them their slopes.

    Args:
        logits: (n,).
        losses: `{"name": (values (n,), derivatives (n,))}`.
    """
    fig, panels = plot.figure(columns=2, height=220)
    for name, both in losses.items():
        for axes, y in zip(panels, both, strict=True):
            axes.plot(logits, y, label=name)
    for axes, ylabel in zip(panels, ("loss of the generator", "slope"), strict=True):
        axes.set(xlabel="logit of a fake (left: found out)", ylabel=ylabel)
    panels[0].legend()
    return fig


def ring_game(fakes: Tensor, real: Tensor, centres: Tensor, limit: float = 3.0) -> Figure:
    """Fakes in the plane, the centres of what is real, and in grey how real a discriminator finds each place.

    The shades tell values between 0.3 and 0.7 apart, where a discriminator that can be fooled stays.

    Args:
        fakes: (n, 2).
        real: (k, k) probabilities on a grid over [-limit, limit]², first axis x₁.
        centres: (m, 2).
    """
    fig, axes = plot.figure(width=350, height=290)
    edges = (-limit, limit, -limit, limit)
    shade = axes.imshow(real.T, cmap="Greys", vmin=0.25, vmax=0.95, extent=edges, origin="lower",
                        interpolation="bilinear")
    _cloud(axes, fakes, centres, limit)
    bar = fig.colorbar(shade, ax=axes, shrink=0.8, label="D(x)", boundaries=np.linspace(0.3, 0.7, 41))
    bar.set_ticks([0.3, 0.5, 0.7], labels=["≤ 0.3", "0.5", "≥ 0.7"])
    return fig


def _cloud(axes: Axes, fakes: Tensor, centres: Tensor, limit: float) -> None:
    """Dots for fakes, those outside at the edge and counted; a circle of radius 0.3 round each centre."""
    for centre in centres.tolist():
        axes.add_patch(Circle(centre, 0.3, fill=False, edgecolor="#0072B2", linewidth=1))
    axes.plot(*fakes.clamp(-limit, limit).T, "o", color=plot.NAN, markersize=2, markeredgewidth=0, alpha=0.7,
              clip_on=False)
    if outside := int((fakes.abs() > limit).any(dim=1).sum()):
        axes.text(0.5, 0.02, f"{outside} outside", transform=axes.transAxes, ha="center", va="bottom", fontsize=7.5)
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), box_aspect=1, xlabel="$x_1$", ylabel="$x_2$")


def modes_found(steps: Tensor, found: Mapping[str, Sequence[int]], modes: int = 8) -> Figure:
    """How many modes games found over their steps, one panel for each group of games.

    Args:
        steps: (n,).
        found: `{"group, game": n counts}`.
        modes: How many there are.
    """
    groups = list(dict.fromkeys(name.split(", ")[0] for name in found))
    fig, panels = plot.figure(columns=len(groups), height=200, sharey=True, squeeze=False)
    for axes, group in zip(panels[0], groups, strict=True):
        axes.axhline(modes, color="grey", linewidth=0.6, linestyle=":")
        for name, counts in found.items():
            if name.startswith(f"{group}, "):
                axes.plot(steps, counts, label=name.removeprefix(f"{group}, "))
        axes.set(title=group, xlabel="training step", ylim=(-0.3, modes + 0.5), yticks=range(0, modes + 1, 2))
    panels[0, 0].set_ylabel(f"modes found, of {modes}")
    panels[0, 0].legend()
    return fig


def walks(panels: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Walks in the plane at equal steps of time, each panel with the unit circle.

    Args:
        panels: `{"title": {"walk": (n, 2)}}`.
    """
    fig, axes = plot.figure(columns=len(panels), width=260 * len(panels), height=215, squeeze=False, sharey=True)
    for one, (title, paths) in zip(axes[0], panels.items(), strict=True):
        one.add_patch(Circle((0, 0), 1, fill=False, edgecolor="grey", linewidth=0.6))
        one.plot(0, 0, "+", color="grey", markersize=6)
        for (name, path), marker in zip(paths.items(), "so", strict=False):
            one.plot(*path.T, marker, linestyle="-", linewidth=0.6, markersize=4, label=name)
        one.set(title=title, xlim=(-1.1, 1.25), ylim=(-0.25, 1.15), aspect="equal", xlabel="$z_1$")
    axes[0, 0].set_ylabel("$z_2$")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def losses_and_quality(steps: Tensor, losses: Tensor, near: Sequence[float]) -> Figure:
    """Both players' losses over a game, and beside them the share of fakes near a mode.

    Args:
        steps: (n,).
        losses: (n, 2) of the discriminator and of the generator.
        near: n shares in [0, 1].
    """
    fig, (left, right) = plot.figure(columns=2, height=200)
    for name, y in zip(("discriminator", "generator"), losses.T, strict=True):
        left.plot(steps, y, label=name)
    left.set(xlabel="training step", ylabel="loss", ylim=(0, None))
    left.legend()
    right.plot(steps, near)
    right.set(xlabel="training step", ylabel="share of fakes near a mode", ylim=(0, 1))
    return fig


def ring_clouds(clouds: Mapping[str, Tensor], centres: Tensor, limit: float | None = None) -> Figure:
    """Clouds of fakes, three in a row, with a circle round each centre.

    Args:
        clouds: `{"title": (n, 2)}`, a multiple of three.
        centres: (m, 2).
        limit: What a panel shows on each side; by default as far as its cloud reaches, and at least 3.
    """
    rows = len(clouds) // 3
    fig, panels = plot.figure(columns=3, rows=rows, height=30 + 220 * rows, squeeze=False)
    for axes, (title, fakes) in zip(panels.flat, clouds.items(), strict=True):
        _cloud(axes, fakes, centres, limit or max(3.0, 1.1 * fakes.abs().max().item()))
        axes.set_title(title)
        if limit:
            axes.label_outer()
    return fig
