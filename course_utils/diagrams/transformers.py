"""Transformers: patches as tokens, a block, who reads whom, what attention costs, the ways from a text to a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike
from torch import Tensor

from course_utils import plot
from course_utils.diagrams.parts import arrow

IN_A_ROW = 16  # tokens
LETTERS = 9  # points, in boxes
HATCH = "////"


def patches(picture: Tensor, tokens: Mapping[int, Tensor]) -> Figure:
    """A picture cut into patches of several sizes, and beside each its tokens in their order.

    Args:
        picture: (3, h, w) in [0, 1].
        tokens: For each side p of a patch, (n, p·p·3): inside a token p rows of p pixels, each of three channels.
    """
    side = picture.shape[-1]
    fig, axes = plot.figure(width=plot.WIDEST, height=130 * len(tokens))
    for row, (p, sequence) in enumerate(tokens.items()):
        top = 130 * row + 24
        axes.imshow(picture.permute(1, 2, 0).numpy(), extent=(0, 100, top + 100, top), interpolation="nearest")
        for line in range(side // p + 1):
            at = 100 * p * line / side
            axes.plot([0, 100], [top + at, top + at], "-", color=plot.INK, linewidth=0.5)
            axes.plot([at, at], [top, top + 100], "-", color=plot.INK, linewidth=0.5)
        axes.text(126, top - 7, f"p = {p}: {len(sequence)} tokens of {sequence.shape[1]} numbers", va="bottom")
        _sequence(axes, sequence.unflatten(1, (p, p, 3)), 126, top)
    axes.set(xlim=(-1, 706), ylim=(130 * len(tokens), 0), aspect="equal")
    axes.set_axis_off()
    return fig


def _sequence(axes: Axes, tiles: Tensor, left: float, top: float) -> None:
    """Tiles (n, p, p, 3) in rows, the first number of each row before it, all numbers where there is one row."""
    lines = -(-len(tiles) // IN_A_ROW)
    step = min(72.0, 580 / min(len(tiles), IN_A_ROW), 104 / lines)
    for i, tile in enumerate(tiles):
        y, x = divmod(i, IN_A_ROW)
        x, y = left + step * x, top + (step + (12 if lines == 1 else 0)) * y
        axes.imshow(tile.clamp(0, 1).numpy(), extent=(x, x + step - 6, y + step - 6, y), interpolation="nearest")
        axes.add_patch(Rectangle((x, y), step - 6, step - 6, fill=False, edgecolor="#999999", linewidth=0.4))
        if lines == 1:
            axes.text(x + step / 2 - 3, y + step + 5, f"{i}", ha="center", va="center", fontsize=7)
        elif i % IN_A_ROW == 0:
            axes.text(x + step * IN_A_ROW + 2, y + step / 2 - 3, f"{i} to {i + IN_A_ROW - 1}", va="center", fontsize=7)


def dit_block() -> Figure:
    """A block with adaLN-zero: what the context c makes, and where each of the six chunks enters."""
    fig, axes = plot.figure(width=plot.WIDEST, height=190)
    halves = (("attention", 0.0), ("MLP", 5.7))
    for half, (inside, left) in enumerate(halves, 1):
        for words, x, width in (("norm", 1.0, 0.9), ("modulate", 2.25, 1.2), (inside, 3.65, 1.2)):
            _box(axes, left + x, 0, words, width, shaded=words == inside)
        for start, end in ((0.05, 0.55), (1.45, 1.65), (2.85, 3.05), (4.25, 4.62), (4.88, 5.37)):
            arrow(axes, (left + start, 0), (left + end, 0))
        _circle(axes, left + 4.75, 0, "×")
        _circle(axes, left + 5.5, 0, "+")
        axes.plot([left + 0.2, left + 0.2, left + 5.5], [0, -1, -1], "-", color=plot.INK, linewidth=0.8)
        arrow(axes, (left + 5.5, -1), (left + 5.5, -0.19))
        for words, x in ((f"shift$_{half}$, scale$_{half}$", 2.25), (f"gate$_{half}$", 4.75)):
            axes.text(left + x, 1.02, words, ha="center", va="center", fontsize=LETTERS)
            arrow(axes, (left + x, 0.84), (left + x, 0.36 if x < 4 else 0.19))
            arrow(axes, (left + x, 1.62), (left + x, 1.2))
    axes.plot([2.25, 10.45], [1.62, 1.62], "-", color=plot.INK, linewidth=0.8)
    _box(axes, 6.35, 1.62, "SiLU, linear: six chunks", 2.6)
    arrow(axes, (6.35, 2.3), (6.35, 1.98))
    axes.text(6.35, 2.48, "c, the time and the class", ha="center", va="center", fontsize=LETTERS)
    axes.text(-0.1, 0, "x", ha="center", va="center", fontsize=LETTERS)
    arrow(axes, (11.33, 0), (11.7, 0))
    axes.set(xlim=(-0.3, 11.8), ylim=(-1.2, 2.7))
    axes.set_axis_off()
    return fig


def _box(axes: Axes, x: float, y: float, words: str, width: float, height: float = 0.7, shaded: bool = False) -> None:
    """Words in a box around (x, y)."""
    axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, edgecolor=plot.INK, linewidth=0.8,
                             facecolor=plot.SHADE if shaded else "white", zorder=2))
    axes.text(x, y, words, ha="center", va="center", fontsize=LETTERS - 0.5, zorder=3)


def _circle(axes: Axes, x: float, y: float, sign: str) -> None:
    axes.plot(x, y, "o", markersize=11, markerfacecolor="white", markeredgecolor=plot.INK, markeredgewidth=0.8)
    axes.text(x, y, sign, ha="center", va="center", fontsize=LETTERS)


def cross_and_joint(places: int = 6, words: int = 3) -> Figure:
    """Who reads whom: rows ask, columns answer; a hatch is a softmax over its row, with projections of its own."""
    fig, (cross, joint) = plot.figure(2, width=620, height=270)
    n, m = places, words
    cross.set_title("self-attention and cross-attention: two softmaxes")
    _block(cross, 0, 0, n, n, "#9ecae1", "", "self-attention")
    _block(cross, n, 0, m, n, "#fdd0a2", HATCH, "cross-\nattention")
    _block(cross, 0, n, n + m, m, "white", "", "the text reads nothing")
    joint.set_title("joint attention: one softmax over each whole row")
    _block(joint, 0, 0, n, n, "#9ecae1", "", "picture reads\npicture")
    _block(joint, n, 0, m, n, "#9ecae1", "", "picture\nreads text")
    _block(joint, 0, n, n, m, "#9ecae1", "", "text reads picture")
    _block(joint, n, n, m, m, "#9ecae1", "", "text\nreads text")
    for axes in (cross, joint):
        for line in range(n + m + 1):
            look = {"color": plot.INK, "linewidth": 0.3, "linestyle": "-", "zorder": 2}
            axes.plot([0, n + m], [line, line], **look)
            axes.plot([line, line], [0, n + m], **look)
        axes.add_patch(Rectangle((0, 0), n + m, n + m, fill=False, edgecolor=plot.INK, linewidth=0.8))
        for start, size, name in ((0, n, f"{n} places"), (n, m, f"{m} words")):
            axes.text(start + size / 2, n + m + 0.25, name, ha="center", va="top")
            axes.text(-0.25, start + size / 2, name, ha="right", va="center", rotation=90)
        axes.text((n + m) / 2, n + m + 1.15, "keys and values", ha="center", va="top")
        axes.set(xlim=(-0.9, n + m), ylim=(n + m + 1.7, 0), aspect="equal")
        axes.set_axis_off()
    cross.text(-1.25, (n + m) / 2, "queries", ha="right", va="center", rotation=90)
    return fig


def _block(axes: Axes, x: float, y: float, width: float, height: float, colour: str, hatch: str, words: str) -> None:
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="#b06000", linewidth=0, hatch=hatch))
    axes.text(x + width / 2, y + height / 2, words, ha="center", va="center", zorder=4, fontsize=8,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def who_reads(rows: Mapping[str, ArrayLike], token: tuple[int, int], columns: int) -> Figure:
    """Frames of places side by side, a row for each kind of attention: dark is what the framed token reads.

    Args:
        rows: `{"name": (f, n)}`, not 0 where a place is read.
        token: Frame and place of the one that reads.
        columns: Places in a row of a frame.
    """
    frames, places = np.shape(next(iter(rows.values())))
    lines = places // columns
    fig, axes = plot.figure(width=130 + 92 * frames, height=26 + 96 * len(rows))
    for r, (name, seen) in enumerate(rows.items()):
        axes.text(-0.7, r * (lines + 1) + lines / 2, name, ha="right", va="center")
        for f, n in np.ndindex(frames, places):
            y, x = divmod(n, columns)
            x, y = x + f * (columns + 1), y + r * (lines + 1)
            asked = (f, n) == token
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor="#4f81a8" if np.asarray(seen)[f, n] else "white",
                                     edgecolor="#8a8a8a", linewidth=0.5))
            if asked:
                axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=plot.NAN, linewidth=2.2, zorder=3))
    for f in range(frames):
        axes.text(f * (columns + 1) + columns / 2, -0.25, f"frame {f + 1}", ha="center", va="bottom")
    axes.set(xlim=(-4.2, frames * (columns + 1)), ylim=(len(rows) * (lines + 1) - 0.6, -0.9), aspect="equal")
    axes.set_axis_off()
    return fig


def shares_of_cost(rows: Mapping[str, Sequence[float]]) -> Figure:
    """Operations of an evaluation on a logarithmic axis: linear layers, attention among all tokens, and factorised.

    Args:
        rows: `{"name": (linear layers, attention, factorised attention)}`, the last one NaN where there is none.
    """
    fig, axes = plot.figure(width=640, height=52 * len(rows) + 74)
    looks = {"linear layers": (plot.SHADE, ""), "attention, all tokens": ("#56B4E9", HATCH),
             "attention, space and time apart": ("white", "....")}
    for place, numbers in enumerate(rows.values()):
        for k, (number, (colour, hatch)) in enumerate(zip(numbers, looks.values(), strict=True)):
            if np.isnan(number):
                continue
            y = place + 0.27 * (k - 1)
            axes.barh(y, number, 0.25, color=colour, hatch=hatch, edgecolor=plot.INK, linewidth=0.7)
            axes.text(number * 1.15, y, describe_operations(number), va="center", fontsize=7.5)
    axes.set(xscale="log", xlabel="operations of one evaluation", ylim=(len(rows) - 0.5, -0.5),
             xlim=(0.3 * min(n for row in rows.values() for n in row if n > 0), None))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.margins(x=0.25)
    fig.legend(handles=[Patch(facecolor=colour, hatch=hatch, edgecolor=plot.INK, linewidth=0.7, label=name)
                        for name, (colour, hatch) in looks.items()], loc="outside upper center", ncols=3)
    return fig


def describe_operations(number: float) -> str:
    """A number of operations with a unit: 12.3 M, 4.56 G, 789 T."""
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{number:.3g}"


def losses_over_cost(curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Losses of trainings over the operations that they have taken, both axes logarithmic."""
    fig, axes = plot.figure(width=460, height=220)
    for name, (cost, loss) in curves.items():
        axes.plot(np.asarray(cost), np.asarray(loss), label=name)
    axes.set(xscale="log", yscale="log", xlabel="operations of the training so far", ylabel="loss")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 6, 8)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.legend()
    return fig


IMAGE = ("“a red cat”", "text encoder,\nfrozen", "transformer,\n20 to 50 steps", "latent\n128 × 128", "decoder",
         "picture\n1024 × 1024")
VIDEO = ("“a cat jumps”", "text encoder,\nfrozen", "transformer,\n20 to 50 steps", "latent\n30 × 90 × 160",
         "decoder, of\nspace and time", "120 frames\n720 × 1280")
NOISES = ("noise 128 × 128, 4,096 tokens", "noise 30 × 90 × 160, 108,000 tokens")


def pipelines() -> Figure:
    """The ways from a text to a picture and to a video; shaded is what computes."""
    fig, axes = plot.figure(width=plot.WIDEST, height=230)
    for title, parts, noise, y in (("text to image", IMAGE, NOISES[0], 3.0), ("text to video", VIDEO, NOISES[1], 0.0)):
        axes.text(-0.72, y + 1.25, title, va="center", fontsize=10)
        for i, words in enumerate(parts):
            _box(axes, 1.75 * i, y, words, 1.45, 0.98, shaded=i in (1, 2, 4))
            if i:
                arrow(axes, (1.75 * i - 1.02, y), (1.75 * i - 0.73, y))
        axes.text(3.5, y + 1.25, noise, ha="center", va="center", fontsize=8)
        arrow(axes, (3.5, y + 1.02), (3.5, y + 0.5))
    axes.set(xlim=(-0.78, 9.53), ylim=(-0.6, 4.55))
    axes.set_axis_off()
    return fig


def patterns(matrices: Mapping[str, ArrayLike], every: int = 6) -> Figure:
    """Matrices of who reads whom, rows ask, dark is read; a line after each `every` tokens."""
    side = plot.WIDEST // len(matrices)
    fig, panels = plot.figure(len(matrices), width=plot.WIDEST, height=side + 30, squeeze=False)
    for axes, (title, matrix) in zip(panels[0], matrices.items(), strict=True):
        matrix = np.asarray(matrix)
        axes.imshow(matrix, cmap="gray_r", vmin=0, vmax=1.4)
        for line in range(every, len(matrix), every):
            axes.axhline(line - 0.5, color=plot.NAN, linestyle="-", linewidth=0.7)
            axes.axvline(line - 0.5, color=plot.NAN, linestyle="-", linewidth=0.7)
        axes.set(title=title, xticks=[], yticks=[], xlabel="read")
    panels[0, 0].set_ylabel("reading")
    return fig
