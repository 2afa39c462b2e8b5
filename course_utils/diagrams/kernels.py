"""Programs of a kernel: which of them reads and writes what, seen while the interpreter runs them; and roofs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils import plot
from course_utils.kernels.ahead import Code
from course_utils.kernels.cards import Card
from course_utils.kernels.interpreter import Access, watch_accesses
from course_utils.kernels.measured import Operations, operations

READ, WRITTEN = "#0072B2", "#D55E00"
Program = tuple[int, int, int]


@dataclass(frozen=True)
class Trace:
    """What a call touched.

    Attributes:
        name: Of the function.
        tensors: Its arguments by their names, and `out`, what it returned (the first of several).
        accesses: Of its kernels' programs; empty for plain torch.
        plain: What its operations moved; of a kernel's function what torch did around it.
    """

    name: str
    tensors: dict[str, Tensor]
    accesses: list[Access]
    plain: Operations = field(default=Operations(()))

    @property
    def who(self) -> str:
        """Whose bytes these are, in words."""
        return "your kernel" if self.accesses else "your plain torch"

    def bytes(self, kind: str = "") -> int:
        """Bytes that were touched; of one kind, "load" or "store", where it is given."""
        if not self.accesses:
            sides = {"load": [read for _, read, _ in self.plain.each], "store": [to for *_, to in self.plain.each]}
            return sum(sides[kind]) if kind else self.plain.bytes
        return sum(a.itemsize * len(a.addresses) for a in self.accesses if kind in ("", a.kind))


def trace_accesses(function: Callable, **tensors: Tensor) -> Trace:
    """What `function(*tensors)` touches, address by address where it is a kernel, by operations where it is not."""
    accesses: list[Access] = []
    result: list[Tensor] = []

    def call() -> None:
        out = function(*tensors.values())
        result.append(out[0] if isinstance(out, tuple) else out)

    with watch_accesses(accesses.append):
        plain = operations(call)
    return Trace(function.__name__, tensors | {"out": result[0]}, accesses, plain)


def programs(function: Callable, **tensors: Tensor) -> Figure:
    """For each tensor of a call, which program reads or writes which element.

    Vectors: a row for each program, hollow where its mask holds it back. Matrices: each part bears its program's
    number. An answer in plain torch launches kernels that cannot be looked into; the course's are drawn then, and
    named so.
    """
    trace = trace_accesses(function, **tensors)
    whose = f"`{trace.name}`"
    if not trace.accesses:
        whose = f"the course's `{trace.name}` (yours is plain torch)"
        trace = Trace(trace.name, trace.tensors, _course(trace))
    numbers = {p: k for k, p in enumerate(sorted({a.program for a in trace.accesses}))}
    panels = [(name, x, _accesses_to(trace, x)) for name, x in trace.tensors.items()]
    widths = [max(6, x.shape[-1]) + 4 for _, x, _ in panels]
    fig, axes = plot.figure(len(panels), width=720, height=60 + 15 * max(6, min(len(numbers), 12)), width_ratios=widths)
    for axis, (name, x, parts) in zip(np.atleast_1d(axes), panels, strict=True):
        (_vector if x.dim() == 1 else _matrix)(axis, x, parts, numbers)
        verb, each = ("read", "load") if any(a.kind == "load" for a, *_ in parts) else ("written", "store")
        moved = sum(a.itemsize * len(inside) for a, inside, _ in parts if a.kind == each)
        axis.set_title(f"{name} is {verb}: {moved} bytes", fontsize=8)
    fig.suptitle(f"{whose}, {len(numbers)} programs", fontsize=9)
    return fig


Part = tuple[Access, np.ndarray, np.ndarray]  # an access, the elements it touches, those that it is kept from


def _accesses_to(trace: Trace, x: Tensor) -> list[Part]:
    """The accesses to a tensor, as numbers of its elements; masked ones may lie behind its end."""
    parts = []
    for a in trace.accesses:
        inside = (a.addresses - x.data_ptr()) // x.element_size()
        inside = inside[(inside >= 0) & (inside < x.numel())]
        if len(inside):
            parts.append((a, inside, (a.masked - x.data_ptr()) // x.element_size()))
    return parts


def _vector(axes: Axes, x: Tensor, parts: Sequence[Part], numbers: dict[Program, int]) -> None:
    last = x.numel()
    for a, inside, masked in parts:
        row, colour = numbers[a.program], READ if a.kind == "load" else WRITTEN
        for i in inside:
            axes.add_patch(Rectangle((i, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.4))
        for i in masked:
            axes.add_patch(Rectangle((i + 0.1, row + 0.1), 0.8, 0.8, fill=False, edgecolor=plot.INK, linewidth=0.4))
        last = max(last, 1 + max([0, *masked]))
    if last > x.numel():
        axes.axvline(x.numel(), color=plot.INK, linewidth=0.8)
    axes.set(xlim=(0, last), ylim=(len(numbers), 0), xlabel="element")
    shown = list(numbers)[:: max(1, len(numbers) // 8)]
    axes.set_yticks([numbers[p] + 0.5 for p in shown], [_label(p, numbers) for p in shown])
    if axes.get_subplotspec().colspan.start == 0:
        axes.set_ylabel("program")


def _matrix(axes: Axes, x: Tensor, parts: Sequence[Part], numbers: dict[Program, int]) -> None:
    for a, inside, _ in parts:
        rows, columns = inside // x.shape[-1], inside % x.shape[-1]
        colour = READ if a.kind == "load" else WRITTEN
        for i, j in zip(rows, columns, strict=True):
            axes.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, alpha=1.0 if numbers[a.program] % 2 else 0.6,
                                     edgecolor="white", linewidth=0.4))
        axes.text(columns.mean() + 0.5, rows.mean() + 0.5, _label(a.program, numbers), color="white", ha="center",
                  va="center", fontsize=7, fontweight="bold")
    axes.set(xlim=(0, x.shape[-1]), ylim=(x.numel() // x.shape[-1], 0), xlabel="column", ylabel="row")


def _label(program: Program, numbers: dict[Program, int]) -> str:
    return str(program[0]) if not any(any(p[1:]) for p in numbers) else f"{program[0]}, {program[1]}"


def _course(trace: Trace) -> list[Access]:
    """What the course's kernel of that name would touch: the same puzzle's blocks, by arithmetic alone."""
    if trace.name not in _BLOCKS:
        return []
    size, out = _BLOCKS[trace.name], trace.tensors["out"]
    accesses = []
    for program, of_out in _grid(out, size):
        for name, x in trace.tensors.items():
            here = of_out if name == "out" else _elements_read(trace.name, name, x, of_out, out)
            inside = here < x.numel() if x.dim() == 1 else np.full(len(here), True)
            places = x.data_ptr() + here * x.element_size()
            kind = "store" if name == "out" else "load"
            accesses.append(Access(kind, program, places[inside], places[~inside], x.element_size()))
    return accesses


_BLOCKS = {"add": 1, "masked_copy": 16, "row_sum": 1, "outer": 8}


def _grid(out: Tensor, size: int) -> list[tuple[Program, np.ndarray]]:
    """Each program with the elements of the result that are its own."""
    if out.dim() == 1:
        return [((p, 0, 0), p * size + np.arange(size)) for p in range(-(-len(out) // size))]
    table = np.arange(out.numel()).reshape(out.shape)
    return [((i // size, j // size, 0), table[i:i + size, j:j + size].ravel())
            for i in range(0, out.shape[0], size) for j in range(0, out.shape[1], size)]


def _elements_read(puzzle: str, name: str, x: Tensor, of_out: np.ndarray, out: Tensor) -> np.ndarray:
    if puzzle == "outer":
        return np.unique(of_out // out.shape[1] if name == "x" else of_out % out.shape[1])
    if puzzle == "row_sum":
        return (of_out[:, None] * x.shape[1] + np.arange(x.shape[1])).ravel()
    return of_out


# ---- bytes, roofs, compiled code


def bytes_by_operation(plain: Operations) -> Figure:
    """A bar for each operation in its order: bytes read, and on top of them bytes written."""
    fig, axes = plot.figure(width=600, height=240)
    places = range(len(plain.each))
    read, written = (np.array([op[k] for op in plain.each]) / 1024 for k in (1, 2))
    axes.bar(places, read, color=READ, label="read")
    axes.bar(places, written, bottom=read, color=WRITTEN, hatch="//", edgecolor="white", label="written")
    axes.set_xticks(places, [op[0] for op in plain.each], rotation=45, ha="right", fontsize=8)
    axes.set(ylabel="KiB")
    axes.legend(loc="upper left", ncols=2)
    axes.set_ylim(top=1.3 * (read + written).max())
    return fig


def describe_bytes(plain: Operations, tensor_bytes: int) -> str:
    """Operations and bytes in words, the bytes also counted in tensors of the given size."""
    return (f"{len(plain.each)} operations move {plain.bytes:,} bytes: as many as {plain.bytes / tensor_bytes:.0f} "
            f"tensors of {tensor_bytes:,}.")


def rooflines(cards: Sequence[Card], computations: dict[str, float]) -> Figure:
    """Attainable operations a second over intensity, and computations (name to operations a byte) on each roof."""
    fig, axes = plot.figure(width=640, height=330)
    intensity = np.logspace(-2, 3, 200)
    for card, style in zip(cards, ("-", "--", ":"), strict=False):
        axes.plot(intensity, [card.attainable(i) / 1e12 for i in intensity], style, color=plot.INK, label=card.name)
    for k, (name, at) in enumerate(computations.items()):
        axes.axvline(at, ymax=0.97, color="#bbbbbb", linestyle=":", linewidth=0.7, zorder=0)
        axes.plot([at] * len(cards), [card.attainable(at) / 1e12 for card in cards], "o", linestyle="none",
                  color=WRITTEN, markersize=4)
        axes.text(at * 1.06, (0.0012, 0.0028, 0.0065, 0.0012)[k % 4], name, fontsize=8, va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="intensity (operations a byte)", ylabel="10¹² operations a second",
             ylim=(1e-3, 300), xlim=(1e-2, 1e3))
    axes.legend(loc="upper left")
    return fig


def modelled_roofline(card: Card, elements: int, block: int, passes: int, operations: int) -> Figure:
    """A kernel under a card's roof by the model of its time, and where that time goes."""
    fig, axes = plot.figure(width=560, height=300)
    intensity, at = np.logspace(-2, 3, 200), operations / (4 * passes)
    roof = [card.attainable(i) / 1e12 for i in intensity]
    axes.plot(intensity, roof, "-", color=plot.INK, label=f"{card.name}: roof")
    seconds = card.seconds(elements, block, passes, operations)
    reached, share = operations * elements / seconds, 4 * passes * elements / card.bandwidth / seconds
    axes.plot([at, at], [reached / 1e12, card.attainable(at) / 1e12], ":", color=WRITTEN)
    axes.plot(at, reached / 1e12, "o", linestyle="none", color=WRITTEN, label=f"the step: {share:.1%} of the bandwidth")
    count = math.ceil(elements / block)
    told = f"{1e6 * seconds:,.1f} µs\n{count:,} programs, {_times(card.rounds(count))}"
    axes.text(1.4 * at, reached / 1e12, told, va="top", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="intensity (operations a byte)", ylabel="10¹² operations a second",
             ylim=(1e-4, 300), xlim=(1e-2, 1e3))
    axes.legend(loc="upper left")
    return fig


def _times(rounds: int) -> str:
    return f"{rounds:,} rounds" if rounds > 1 else "all at once"


def compiled_table(made: Sequence[Code]) -> str:
    """Registers, spills and wide accesses, a line for each set of constants."""
    lines = [f"{'block':>7}{'registers':>11}{'spilled bytes':>15}{'128-bit accesses':>18}"]
    for code in made:
        block = next(iter(code.constants.values()), "")
        wide, all_ = code.accesses.get(128, 0), sum(code.accesses.values())
        lines.append(f"{block:>7}{code.registers:>11}{code.spilled:>15}{f'{wide} of {all_}':>18}")
    return "\n".join(lines)


def gradients_of_pixels(pixels: Tensor, gradients: Tensor) -> Figure:
    """Points of the plane (2, n) on their circles, and an arrow for each gradient (2, n)."""
    fig, axes = plot.figure(width=330, height=320)
    for radius in sorted({round(float(r), 3) for r in pixels.norm(dim=0)}):
        angle = np.linspace(0, 2 * np.pi, 200)
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), ":", color="#999999", linewidth=0.8)
    axes.plot(*pixels.numpy(), "o", linestyle="none", color=plot.INK, markersize=3)
    axes.quiver(*pixels.numpy(), *gradients.numpy(), color=WRITTEN, angles="xy", scale_units="xy", scale=3, width=0.009)
    axes.set(xlabel="channel 0", ylabel="channel 1", aspect="equal", xlim=(-2, 2), ylim=(-2, 2))
    return fig
