"""Tables, trees and chains of probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import arrow


def competing(joint: Tensor, pictures: Tensor, labels: Sequence[str]) -> Figure:
    """A joint table of labels and pictures, and the three distributions that follow from it.

    A frame goes round the cells that sum to 1: what competes for probability.

    Args:
        joint: (labels, pictures) probabilities p(x, y) that sum to 1.
        pictures: (pictures, h, w) in [0, 1], written above the columns.
        labels: Written before the rows of the first table.
    """
    rows, columns = joint.shape
    whole = [(0, 0, columns, rows)]
    tables = {
        "p(x, y)": (joint, whole),
        "p(x)": (joint.sum(0, keepdim=True), [(0, 0, columns, 1)]),
        "p(y | x)": (joint / joint.sum(0), [(c, 0, 1, rows) for c in range(columns)]),
        "p(x | y)": (joint / joint.sum(1, keepdim=True), [(0, r, columns, 1) for r in range(rows)]),
    }
    fig, panels = plot.figure(len(tables), width=plot.WIDEST, height=60 + 45 * rows)
    for axes, (name, (table, frames)) in zip(panels, tables.items(), strict=True):
        _table(axes, table, frames)
        for c, picture in enumerate(pictures):
            axes.imshow(picture, extent=(c + 0.08, c + 0.92, -0.06, -0.9), cmap="gray", vmin=0, vmax=1)
        axes.set(xlim=(-0.05, columns + 0.05), ylim=(rows + 0.05, -1.0), title=name)
        axes.set_axis_off()
    for r, label in enumerate(labels):
        panels[0].text(-0.15, r + 0.5, label, ha="right", va="center")
    return fig


def _table(axes: Axes, table: Tensor, frames: Sequence[tuple[int, int, int, int]]) -> None:
    """Numbers in cells that are the darker the larger they are, and frames (left, top, width, height) around some."""
    for r, row in enumerate(table.tolist()):
        for c, value in enumerate(row):
            axes.add_patch(Rectangle((c, r), 1, 1, facecolor=str(1 - 0.5 * value), edgecolor="none"))
            axes.text(c + 0.5, r + 0.5, f"{value:.3f}", ha="center", va="center", fontsize=7)
    for left, top, width, height in frames:
        axes.add_patch(Rectangle((left + 0.04, top + 0.04), width - 0.08, height - 0.08, fill=False, linewidth=1.4))


def family() -> Figure:
    """The family tree of generative models, by what becomes of p(x)."""
    places = {  # name: (x, y, parent)
        "generative models": (3.6, 3, None),
        "explicit:\np(x) is written down": (2.2, 2, "generative models"),
        "implicit:\nsamples only": (5.6, 2, "generative models"),
        "tractable:\nexact p(x)": (0.9, 1, "explicit:\np(x) is written down"),
        "approximate:\na bound of p(x)": (3.5, 1, "explicit:\np(x) is written down"),
        "autoregressive\nmodels": (0.2, 0, "tractable:\nexact p(x)"),
        "flows": (1.6, 0, "tractable:\nexact p(x)"),
        "variational\nautoencoders": (2.8, 0, "approximate:\na bound of p(x)"),
        "diffusion": (4.2, 0, "approximate:\na bound of p(x)"),
        "adversarial\nnetworks": (5.6, 0, "implicit:\nsamples only"),
    }
    fig, axes = plot.figure(width=620, height=250)
    for name, (x, y, parent) in places.items():
        if parent:  # the boxes hide both ends of the line
            above = places[parent]
            axes.plot([above[0], x], [above[1], y], color="grey", linewidth=0.8, linestyle="-", zorder=0)
        look = {"boxstyle": "round,pad=0.4", "facecolor": "white" if y else plot.SHADE, "edgecolor": plot.INK}
        axes.text(x, y, name, ha="center", va="center", bbox=look | {"linewidth": 0.8})
    axes.set(xlim=(-0.5, 6.3), ylim=(-0.45, 3.35))
    axes.set_axis_off()
    return fig


def markov_chain(P: Tensor, names: Sequence[str], share: Tensor | None = None) -> Figure:
    """The states of a chain as circles, and an arrow with its probability for each way between them.

    Args:
        P: (k, k), P[i, j] the probability of going from i to j.
        names: k names.
        share: (k,) the share of time spent in each state: the areas of the circles, and written into them.
    """
    k = len(names)
    angles = [math.pi / 2 - 2 * math.pi * i / k for i in range(k)]
    centres = [(1.5 * math.cos(a), math.sin(a)) for a in angles]
    radii = [0.28 if share is None else 0.5 * share[i].item() ** 0.5 for i in range(k)]
    fig, axes = plot.figure(width=380, height=270)
    for i, (x, y) in enumerate(centres):
        axes.add_patch(Circle((x, y), radii[i], facecolor=plot.SHADE, edgecolor=plot.INK, linewidth=0.8))
        axes.text(x, y, names[i] if share is None else f"{names[i]}\n{share[i]:.2f}", ha="center", va="center")
        for j, target in enumerate(centres):
            if i != j and P[i, j] > 0:
                _way(axes, (x, y), target, radii[i], radii[j], f"{P[i, j]:g}")
        if P[i, i] > 0:
            _loop(axes, (x, y), angles[i], radii[i], f"{P[i, i]:g}")
    axes.set(xlim=(-2.2, 2.2), ylim=(-1.35, 1.75), aspect="equal")
    axes.set_axis_off()
    return fig


def _way(axes: Axes, start: tuple[float, float], end: tuple[float, float], leave: float, arrive: float,
         words: str) -> None:
    """An arrow between two circles of these radii, a little to its left, with words beside it."""
    (x, y), (u, v) = start, end
    length = math.hypot(u - x, v - y)
    along, left = ((u - x) / length, (v - y) / length), (-(v - y) / length, (u - x) / length)
    aside = 0.07
    points = [(x + along[0] * d + left[0] * aside, y + along[1] * d + left[1] * aside)
              for d in (leave + 0.03, length - arrive - 0.03)]
    arrow(axes, *points)
    axes.text(*(sum(p) / 2 + 0.15 * side for p, side in zip(zip(*points, strict=True), left, strict=True)), words,
              ha="center", va="center", fontsize=7.5)


def _loop(axes: Axes, centre: tuple[float, float], angle: float, radius: float, words: str) -> None:
    """A way from a circle to itself, on the side that `angle` says."""
    out = (math.cos(angle), math.sin(angle))
    ends = [(centre[0] + radius * math.cos(angle + turn), centre[1] + radius * math.sin(angle + turn))
            for turn in (0.5, -0.5)]
    bend = {"arrowstyle": "->", "linewidth": 0.7, "shrinkA": 1, "shrinkB": 1, "connectionstyle": "arc3,rad=-1.6"}
    axes.annotate("", ends[1], ends[0], arrowprops=bend)
    reach = radius + 0.42
    axes.text(centre[0] + out[0] * reach, centre[1] + out[1] * reach, words, ha="center", va="center", fontsize=7.5)


def two_fits(divergence: Callable[[Tensor, Tensor], Tensor]) -> Figure:
    """A density of two bumps, and the Gaussian that is nearest to it in either direction of the divergence.

    Args:
        divergence: Of two batches (n, k) of distributions over k bins: (n,).
    """
    x = torch.linspace(-6, 6, 601, dtype=torch.float64)
    width = x[1] - x[0]
    bumps = torch.stack([_gaussian(x, -2, 0.6).log() + math.log(0.6), _gaussian(x, 2, 0.6).log() + math.log(0.4)])
    mean, spread = torch.meshgrid(torch.linspace(-4, 4, 33), torch.linspace(0.4, 3, 27), indexing="ij")
    q = _gaussian(x, mean.reshape(-1, 1), spread.reshape(-1, 1))
    p = bumps.logsumexp(0).softmax(-1)
    many = p.expand_as(q)
    fits = {"p": p, "q, fit A": q[divergence(q, many).argmin()], "q, fit B": q[divergence(many, q).argmin()]}
    fig = plot.curves(x, {name: y / width for name, y in fits.items()}, xlabel="x", ylabel="density")
    fig.axes[0].set_xlim(-6, 6)
    return fig


def _gaussian(x: Tensor, mean: float | Tensor, spread: float | Tensor) -> Tensor:
    """Probabilities of bins around `x`, over the last axis."""
    return (-((x - mean) ** 2) / (2 * spread**2)).softmax(-1)


def three_divergences() -> Figure:
    """Three wrong ways to compute the divergence of a coin q from p = (0.2, 0.8), A, B and C, over q's heads.

    The heads come within a hundred-millionth of 0 and 1, where two of the three grow without bound.
    """
    heads = torch.linspace(-20, 20, 1999, dtype=torch.float64).sigmoid()
    p, q = torch.tensor([0.2, 0.8]), torch.stack([heads, 1 - heads], dim=-1)
    right = (p * (p / q).log2()).sum(-1)
    entropy = -(p * p.log2()).sum()
    wrong = {"A": (q * (q / p).log2()).sum(-1), "B": right + entropy, "C": right * math.log(2)}
    fig = plot.curves(heads, wrong, xlabel="probability of heads under q", ylabel="what the function returns")
    fig.axes[0].set(xlim=(-0.02, 1.02), ylim=(-0.15, 3))
    fig.axes[0].axvline(0.5, color="grey", linewidth=0.7, linestyle=":")
    for name, curve in wrong.items():
        value = curve[len(heads) // 2].item()
        beside = {"xytext": (4, -9), "ha": "left"} if name == "C" else {"xytext": (-4, 6), "ha": "right"}
        fig.axes[0].annotate(f"{name} {value:.2f}", (0.5, value), **beside, textcoords="offset points", fontsize=8)
    return fig
