"""The plane of codes: guesses, draws, and the pictures that codes stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from course_utils import plot


def two_guesses(z: Tensor, posterior: Tensor, fits: Mapping[str, Tensor], climbs: Mapping[str, Sequence[float]],
                exact: float) -> Figure:
    """Fitted guesses q beside the posterior, and how their bounds climbed towards log p(x).

    Args:
        z: (n,) values of a code.
        posterior: (n,) density at them.
        fits: `{"name": (n,)}` densities of the fitted guesses.
        climbs: Under the same names, the bound at each step, in nats.
        exact: log p(x).
    """
    fig, (left, right) = plot.figure(columns=2, height=220)
    left.fill_between(z, posterior, color=plot.SHADE, linewidth=0, label="posterior p(z | x)")
    for (name, density), climb in zip(fits.items(), climbs.values(), strict=True):
        line, = left.plot(z, density, label=f"q: {name}")
        right.plot(range(1, len(climb) + 1), climb, color=line.get_color(), linestyle=line.get_linestyle(), label=name)
    right.axhline(exact, color="grey", linewidth=0.8, linestyle="-")
    right.annotate("log p(x)", (len(climb), exact), xytext=(0, 3), textcoords="offset points", ha="right")
    left.set(xlabel="z", ylabel="density", xlim=(0, 4), ylim=(0, None))
    right.set(xlabel="step", ylabel="ELBO in nats", ylim=(exact - 0.35, exact + 0.05))
    left.legend()
    right.legend(loc="lower right")
    return fig


def pull_of_decoder(draws: Tensor, mu: Tensor, pull: Tensor, radius: float) -> Figure:
    """Clouds of draws in the plane, and from the mean of each an arrow that says where it is told to go.

    Args:
        draws: (n, b, 2), of b clouds.
        mu, pull: (b, 2) each.
        radius: Of the ring that the draws are wanted on.
    """
    fig, axes = plot.figure(width=380, height=300)
    axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=plot.SHADE, linewidth=5))
    for cloud, centre, arrow in zip(draws.unbind(1), mu.tolist(), pull.tolist(), strict=True):
        axes.plot(*cloud.T, "o", markersize=1.6, alpha=0.5, markeredgewidth=0)
        end = [c + 0.6 * a for c, a in zip(centre, arrow, strict=True)]
        axes.annotate("", end, centre, arrowprops={"arrowstyle": "-|>", "color": plot.INK, "linewidth": 1.6})
    axes.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-4.2, 4.2), ylim=(-3.2, 3.2), aspect="equal")
    return fig


def _mark_codes(axes: Axes, codes: Tensor, labels: Tensor, limit: float) -> None:
    """Each code as its digit, in a colour of its own."""
    colours = ["#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8a6d00", "#56B4E9", "#7a3b00", "#5a5a5a",
               "#7b3294"]
    for digit in range(10):
        places = codes[labels == digit]
        axes.scatter(*places.T, s=13, marker=f"${digit}$", color=colours[digit], linewidths=0.2)
    axes.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-limit, limit), ylim=(limit, -limit), box_aspect=1)


def latent_plane(pictures: Tensor, places: Tensor, codes: Tensor, labels: Tensor) -> Figure:
    """Decoded pictures of a grid of codes, and beside it the codes of labelled digits, the second axis downwards.

    Args:
        pictures: (n, n, h, w) in [0, 1].
        places: (n,) values of z along a side of the grid.
        codes, labels: (b, 2) and (b,).
    """
    fig, (left, right) = plot.figure(columns=2, height=370, width_ratios=[1, 1])
    n, _, h, w = pictures.shape
    left.imshow(pictures.transpose(1, 2).reshape(n * h, n * w), cmap="gray", vmin=0, vmax=1)
    marks = [0, n // 4, n - 1 - n // 4, n - 1]
    middles = [(i + 0.5) * h for i in marks]
    values = [f"{places[i]:.2f}" for i in marks]
    left.set(xlabel="$z_1$", ylabel="$z_2$", xticks=middles, xticklabels=values, yticks=middles, yticklabels=values,
             title="decoded")
    _mark_codes(right, codes, labels, 3.5)
    edge = places[-1].item()
    right.plot([-edge, edge, edge, -edge, -edge], [-edge, -edge, edge, edge, -edge], color="grey", linewidth=0.8,
               linestyle="-")
    right.set_title("held-out digits, encoded; the grid is the square")
    return fig


def place_and_picture(codes: Tensor, labels: Tensor, place: tuple[float, float], picture: Tensor) -> Figure:
    """A place among the codes of labelled digits, and the picture (h, w) that is decoded from it."""
    fig, (left, right) = plot.figure(columns=2, width=440, height=230)
    fig.set_layout_engine("none")  # places of our own: to find them takes as long as to draw the figure
    left.set_position((0.1, 0.15, 0.42, 0.82))
    right.set_position((0.57, 0.15, 0.42, 0.82))
    for digit in range(10):
        middle = codes[labels == digit].median(dim=0).values.clamp(-1.9, 1.9)
        left.text(*middle, str(digit), ha="center", va="center", color="#555555", fontsize=9)
    left.plot(*codes.T, ".", markersize=2.5, color=plot.SHADE, markeredgewidth=0)
    left.plot(*place, "o", color=plot.NAN, markersize=8)
    left.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-2.1, 2.1), ylim=(2.1, -2.1), box_aspect=1)
    right.imshow(picture, cmap="gray", vmin=0, vmax=1)
    right.set_axis_off()
    return fig


def codes_and_rows(codes: Tensor, labels: Tensor, rows: Mapping[str, Tensor]) -> Figure:
    """Codes of labelled digits with a circle of radius 2, and rows of images.

    Args:
        codes, labels: (b, 2) and (b,).
        rows: `{"name": (n, 1, h, w)}` in [0, 1].
    """
    fig, (left, right) = plot.figure(columns=2, height=250, width_ratios=[1, 1.6])
    limit = max(3.5, 1.05 * codes.abs().quantile(0.995).item())
    _mark_codes(left, codes, labels, limit)
    left.add_patch(Circle((0, 0), 2, fill=False, edgecolor=plot.INK, linewidth=1))
    sheet = torch.cat([torch.cat(list(images[:, 0]), dim=1) for images in rows.values()])
    high = sheet.shape[0] / len(rows)
    right.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    right.set(xticks=[], yticks=[(i + 0.5) * high for i in range(len(rows))], yticklabels=list(rows))
    right.tick_params(length=0)
    return fig


def both_terms(terms: Mapping[str, Tensor]) -> Figure:
    """Curves of reconstruction and KL over epochs, two panels: `{"name": (epochs, 2)}` in nats a digit."""
    fig, panels = plot.figure(columns=2, height=200)
    for axes, title, column in zip(panels, ("reconstruction", "KL"), (0, 1), strict=True):
        for name, values in terms.items():
            axes.plot(range(1, len(values) + 1), values[:, column], label=name)
        axes.set(xlabel="epoch", ylabel="nats a digit", title=title, ylim=(0, None), xticks=range(1, len(values) + 1))
        axes.legend()
    return fig
