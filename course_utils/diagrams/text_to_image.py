"""Text to image in latents: how they look, which places read which word, what was measured of unseen names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plot

KINDS = {"seen": "seen names", "unseen_names": "unseen names", "unseen_colours": "unseen colours of seen things",
         "unseen_pairs": "unseen pairs of seen things"}


def latent_tiles(z: Tensor) -> Tensor:
    """Latents (b, 8, 8, 8) as pictures (b, 1, 32, 32) in [0, 1]: a grey tile for each channel, 0 in the middle of grey.

    Black and white lie three standard deviations of all of them away. The ninth tile is empty.
    """
    grey = (0.5 + (z - z.mean()) / (6 * z.std())).clamp(0, 1)
    sheet = torch.ones(len(z), 1, 32, 32)
    for channel, tile in enumerate(grey.unbind(1)):
        row, column = divmod(channel, 3)
        top, left = 2 + 10 * row, 2 + 10 * column
        sheet[:, 0, top:top + 8, left:left + 8] = tile
    return sheet


def curve_columns(columns: Mapping[str, Tensor]) -> Figure:
    """Curves (n, d) below each other, a column for each entry, all on the same axes."""
    rows = len(next(iter(columns.values())))
    fig, panels = plot.figure(len(columns), rows, height=85 * rows + 40, sharex=True, sharey=True, squeeze=False)
    for axes, (title, curves) in zip(panels.T, columns.items(), strict=True):
        axes[0].set_title(title)
        axes[-1].set_xlabel("place")
        for panel, curve in zip(axes, curves, strict=True):
            panel.plot(curve)
    return fig


def read_places(picture: Tensor, parts: Mapping[str, slice], weights: Tensor) -> Figure:
    """A picture, and for each head of a layer, and each part of its prompt, how much of it each place reads.

    Args:
        picture: (3, h, w) in [0, 1].
        parts: What a part says, and where its tokens stand.
        weights: (8, 8, heads, m) over the tokens; those of a place and head add up to 1.
    """
    heads = weights.shape[2]
    size = {"width": 86 * (2 + len(parts)) + 60, "height": 82 * heads + 20}
    fig, panels = plot.figure(1 + len(parts), heads, **size, squeeze=False)
    panels[0, 0].imshow(picture.permute(1, 2, 0).clamp(0, 1), interpolation="nearest")
    panels[0, 0].set_title("picture")
    for axes, (words, rows) in zip(panels[:, 1:].T, parts.items(), strict=True):
        axes[0].set_title(words)
        for head, panel in enumerate(axes):
            drawn = panel.imshow(weights[:, :, head, rows].sum(-1), vmin=0, vmax=1)
    for head, panel in enumerate(panels[:, 1]):
        panel.text(-1, 3.5, f"head {head + 1}", ha="right", va="center")
    for panel in panels.flat:
        panel.set_axis_off()
    fig.colorbar(drawn, ax=list(panels[:, -1]), shrink=0.6, label="weight")
    return fig


def describe_ranks(measured: Mapping[str, float]) -> str:
    """How often a drawn name is read back first among 50, and how often the true picture's is, as lines of text."""
    lines = [f"{'name read back first among 50':34}{'samples':>9}{'true pictures':>15}"]
    for key, words in KINDS.items():
        lines.append(f"{words:34}{measured[f'first_{key}']:>9.0%}{measured[f'first_{key}_real']:>15.0%}")
    return "\n".join(lines)


def describe_costs(costs: Mapping[str, Sequence[float]], columns: Sequence[str]) -> str:
    """A table of numbers as lines of text, three digits each: `{"name": a number for each column}`."""
    lines = [f"{'':36}" + "".join(f"{column:>16}" for column in columns)]
    for name, row in costs.items():
        lines.append(f"{name:36}" + "".join(f"{_short(number):>16}" for number in row))
    return "\n".join(lines)


def _short(number: float) -> str:
    """At least three digits, and no exponent."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
