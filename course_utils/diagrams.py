"""Pictures of networks, drawn to scale, and what they are drawn from: costs and feature maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from course_utils import plot

BELOW = 12.0  # space below a box, in pixels of the image
ARROW = {"arrowstyle": "->", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
LETTERS = 11  # points: still read where a page shows the U at 400 pixels of width


@dataclass(frozen=True)
class _Box:
    """One tensor: its level, channels and place; `saved` on the way down, `joined` to a skip on the way up.

    `made_by` is the arrow that leads to it: "block", "down", "up", "conv", or nothing for the image.
    """

    level: int
    channels: int
    left: float
    top: float
    width: float
    height: float
    made_by: str = ""
    saved: bool = False
    joined: bool = False

    @property
    def middle(self) -> float:
        return self.top - self.height / 2


def unet(size: int, dims: Sequence[int], channels: int = 1) -> Figure:
    """A UNet as a U: a box for every tensor, as high as the image and as wide as it has channels.

    Arrows say what makes the next box: a ResnetBlock (with a dot, where the context enters), down, up, a plain
    convolution; dashed ones bring what is concatenated.

    Args:
        size: Height of the image, divisible by 2 to the number of levels.
        dims: Channels from full resolution to the bottom, e.g. [24, 48, 96].
        channels: Of the image.
    """
    if size % 2 ** (len(dims) - 1):
        raise ValueError(f"An image of {size} pixels cannot be halved {len(dims) - 1} times.")
    boxes = _boxes(size, dims, channels)
    width = boxes[-1].left + boxes[-1].width
    fig, axes = plot.figure(width=plot.WIDEST, height=330)
    for box in boxes:
        axes.add_patch(Rectangle((box.left, box.top - box.height), box.width, box.height, edgecolor=plot.INK,
                                 facecolor=plot.SHADE if box.saved else "white", linewidth=0.8))
        axes.text(box.left + box.width / 2, box.top + 0.6, str(box.channels), ha="center", va="bottom",
                  fontsize=LETTERS - 1)
    for a, b in zip(boxes[:-1], boxes[1:], strict=True):
        _step(axes, a, b)
    saved = [box for box in boxes if box.saved]
    for box in boxes:
        if box.joined:
            inner = len(saved) % 2 == 0
            _skip(axes, saved.pop(), box, depth=1.5 + 1.8 * (not inner), word="" if inner else "cat")
    for level in range(len(dims)):
        first = next(box for box in boxes if box.level == level)
        axes.text(-0.012 * width, first.middle, f"{size >> level} × {size >> level}", ha="right", va="center",
                  fontsize=LETTERS)
    _legend(axes)
    axes.set(xlim=(-0.115 * width, 1.005 * width), ylim=(min(b.top - b.height for b in boxes) - 1, 5))
    axes.set_axis_off()
    return fig


def _boxes(size: int, dims: Sequence[int], channels: int) -> list[_Box]:
    """All tensors from the image to the answer, from left to right."""
    bottom = len(dims) - 1
    tensors = [(0, channels, "", "")]  # level, channels, what makes it, what becomes of it
    for level, dim in enumerate(dims[:-1]):
        tensors += [(level, dim, "down" if level else "conv", ""), *[(level, dim, "block", "saved")] * 2]
    tensors += [(bottom, dims[bottom], "down", ""), *[(bottom, dims[bottom], "block", "")] * 2]
    for level in reversed(range(bottom)):
        tensors += [(level, dims[level], "up", ""), *[(level, dims[level], "block", "joined")] * 2]
    tensors.append((0, channels, "conv", ""))
    widths = [1 + c / 10 for _, c, _, _ in tensors]
    between = 0.8 * sum(widths) / len(widths)  # a share of the page that leaves room for the numbers
    boxes: list[_Box] = []
    for (level, c, made_by, fate), width in zip(tensors, widths, strict=True):
        left = boxes[-1].left + boxes[-1].width + between if boxes else 0.0
        top = -sum(size / 2**k + BELOW for k in range(level))
        boxes.append(_Box(level, c, left, top, width, size / 2**level, made_by, fate == "saved", fate == "joined"))
    return boxes


def _step(axes: Axes, a: _Box, b: _Box) -> None:
    """The arrow from one box to the next, with a dot where the context enters, or a word where the size changes."""
    start, end = (a.left + a.width, a.middle), (b.left, b.middle)
    _arrow(axes, start, end)
    if b.made_by == "block":
        axes.scatter(0.58 * start[0] + 0.42 * end[0], b.middle, s=20, color=plot.INK, zorder=3)
    elif b.made_by in ("down", "up"):
        upper = min(a, b, key=lambda box: box.level)
        axes.text(0.5 * (start[0] + end[0]), upper.top - upper.height - 0.55 * BELOW, f" {b.made_by}  ",
                  ha="right" if b.made_by == "down" else "left", va="center", fontsize=LETTERS)


def _legend(axes: Axes) -> None:
    """What the horizontal arrows and their dots mean, in the empty middle of the U."""
    place = {"transform": axes.transAxes}
    for y, words in {0.9: "block", 0.81: "convolution", 0.72: "here the context enters"}.items():
        axes.text(0.48, y, words, va="center", fontsize=LETTERS, **place)
        if words != "here the context enters":
            axes.annotate("", (0.465, y), (0.42, y), xycoords="axes fraction", arrowprops=ARROW)
        if words != "convolution":
            axes.scatter(0.44, y, s=20, color=plot.INK, zorder=3, **place)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops=ARROW)


def _skip(axes: Axes, start: _Box, end: _Box, depth: float, word: str) -> None:
    """A dashed way below the level, `depth` below the boxes, with a word in its middle."""
    a, b, floor = start.left + start.width / 2, end.left + end.width / 2, start.top - start.height
    axes.plot([a, a, b, b], [floor, floor - depth, floor - depth, floor], color=plot.INK, linewidth=0.8, linestyle="--")
    _arrow(axes, (b, floor - 0.5), (b, floor))
    if word:
        axes.text((a + b) / 2, floor - depth + 0.9, word, ha="center", va="center", fontsize=LETTERS,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})


def clocks(emb: Tensor, rows: Sequence[str]) -> Figure:
    """Embedded times as rows of clocks: each pair of sine and cosine is the tip of a hand.

    Args:
        emb: (n, 2k): k sines, then k cosines. The hand points up at angle 0 and turns clockwise.
        rows: n labels.
    """
    count = emb.shape[1] // 2
    fig, axes = plot.figure(width=plot.WIDEST, height=round(24 + plot.WIDEST / (count + 1.5) * len(rows)))
    angle = torch.linspace(0, 2 * math.pi, 60)
    for row, (label, vector) in enumerate(zip(rows, emb.tolist(), strict=True)):
        axes.text(-0.7, -row, label, ha="right", va="center", fontsize=9)
        for i in range(count):
            axes.plot(i + 0.42 * angle.sin(), -row + 0.42 * angle.cos(), "-", color="#777777", linewidth=0.6)
            axes.plot([i, i + 0.4 * vector[i]], [-row, -row + 0.4 * vector[i + count]], "-", color=plot.INK,
                      linewidth=1.6)
    for i in range(count):
        axes.text(i, 0.55, str(i), ha="center", va="bottom")
    axes.text(-0.7, 0.55, "clock $i$", ha="right", va="bottom", fontsize=9)
    axes.set(xlim=(-2, count - 0.5), ylim=(0.5 - len(rows), 0.9), aspect="equal")
    axes.set_axis_off()
    return fig


# ---- what a network costs and what it sees --------------------------------------------------------------------------


def costs(network: nn.Module, *inputs: Any) -> dict[str, tuple[int, int]]:
    """What each layer takes: `{name: (parameters, multiply-adds)}`, the names as in `named_modules`.

    Args:
        network: Its convolutions and linear layers are counted while it runs; norms and activations cost nothing here.
        inputs: What it is called with; multiply-adds are those of one sample of the batch.
    """
    layers = {name: module for name, module in network.named_modules() if not list(module.children())}
    operations, handles = dict.fromkeys(layers, 0), []

    def count(name: str) -> Callable:
        def hook(module: nn.Module, _: Any, y: Tensor) -> None:
            operations[name] += module.weight.numel() * y[0, 0].numel()  # weights × pixels; a linear layer has one

        return hook

    for name, module in layers.items():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            handles.append(module.register_forward_hook(count(name)))
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: (sum(p.numel() for p in module.parameters()), operations[name]) for name, module in layers.items()}


def feature_maps(layer: nn.Module, run: Callable[[], Any], channels: int = 24) -> Tensor:
    """What the first channels of a layer hold for the first sample while `run()` calls its network.

    Returns:
        (channels, 1, h, w) in [0, 1]: each map from its own smallest to its own largest value.
    """
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, y: seen.append(y[0, :channels, None]))
    try:
        with torch.no_grad():
            run()
    finally:
        handle.remove()
    low, high = (f(seen[-1], dim=(2, 3), keepdim=True) for f in (torch.amin, torch.amax))
    return (seen[-1] - low) / (high - low + 1e-6)
