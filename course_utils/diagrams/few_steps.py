"""Few steps: quality against steps of a teacher and its students, and the clock of consistency models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure

from course_utils import plot
from course_utils.densities import Mixture
from course_utils.diagrams.guidance import MEASURED, Row
from course_utils.diffusion import flow, paths, solvers

Tables = Mapping[str, Sequence[Row]]  # "teacher" and "students", a row for each number of steps; "real", one row


def quality_over_steps(tables: Tables) -> Figure:
    """What was measured over the number of steps: the teacher's curve, each student's point, real pictures dotted."""
    fig, panels = plot.figure(columns=3)
    for axes, (key, label) in zip(panels, MEASURED.items(), strict=True):
        for name, look in (("teacher", "o-"), ("students", "D")):
            axes.plot([row["steps"] for row in tables[name]], [row[key] for row in tables[name]], look, label=name)
        real = tables["real"][0][key]
        axes.axhline(real, color=plot.INK, linestyle=":", linewidth=0.8)
        axes.set_xscale("log", base=2)
        axes.set(xlabel="steps", ylabel=label, title=f"real digits: {real:.3g}")
        steps = sorted(row["steps"] for row in tables["teacher"])
        axes.set_xticks(steps, [f"{n:g}" for n in steps])
    panels[1].legend(loc="lower right")
    return fig


def describe_few_steps(tables: Tables) -> str:
    """The same numbers as lines of text."""
    lines = [f"{'':24}{'evaluations':>12}{'recognised':>12}{'diversity':>12}{'kernel distance':>18}"]
    for name, cost in (("teacher", 2), ("students", 1)):
        for row in sorted(tables[name], key=lambda row: -row["steps"]):
            who = f"{name.removesuffix('s')}, {row['steps']:g} step{'s' if row['steps'] > 1 else ''}"
            lines.append(f"{who:24}{cost * row['steps']:>12g}{_numbers(row)}")
    lines.append(f"{'real digits':24}{'':12}{_numbers(tables['real'][0])}")
    return "\n".join(lines) + f"\n({tables['teacher'][0]['samples']:,} samples in each row)"


def _numbers(row: Row) -> str:
    return f"{row['recognised']:>12.1%}{row['diversity']:>12.1f}{row['kernel_distance']:>18.3f}"


def two_clocks(drawn: int = 12) -> Figure:
    """VE time over the straight path's time; and in VE time the ways of numbers that end at −1 or 1."""
    fig, (clock, ways) = plot.figure(2, height=240)
    t = torch.linspace(0.001, 0.9995, 2000)
    clock.plot(t, t / (1 - t))
    for ve, words, place in ((0.002, "0.002", (10, 2)), (80.0, "80, at 80/81", (-66, 2))):
        clock.plot(ve / (1 + ve), ve, "o", color=plot.NAN)
        clock.annotate(words, (ve / (1 + ve), ve), xytext=place, textcoords="offset points")
    clock.axvline(1, color=plot.INK, linestyle=":", linewidth=0.8)
    clock.set(xlabel="time of the straight path (at 1: infinity)", ylabel="VE time, σ/α", yscale="log",
              ylim=(5e-4, 1500), xlim=(0, 1.03))
    times, states = _ways(drawn)
    for way in states.T:
        ways.plot(times, way, color="#0072B2" if way[-1] > 0 else "#D55E00", linestyle="-" if way[-1] > 0 else "--",
                  linewidth=0.9)
    ways.set(xlabel="VE time (sampling runs to the right)", ylabel="x", xscale="log", xlim=(8, 2e-3), ylim=(-6, 6))
    return fig


def _ways(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Times (m,) falling in VE time and states (m, n) of the exact flow that ends at −1 or 1."""
    path = paths.VE(sigma_min=2e-3, sigma_max=80.0)
    two = Mixture(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), 0.05)
    field = flow.probability_flow(two.model(path, "score"), path, "score")
    x, grid = torch.linspace(-1.7, 1.7, n, dtype=torch.float64)[:, None] * 80, torch.linspace(1, 0, 201).double()
    seen = [x]
    for t, s in zip(grid[:-1].tolist(), grid[1:].tolist(), strict=True):
        seen.append(solvers.rk45(field, seen[-1], t, s, 1e-5, 1e-5).x)
    return path.sigma(grid), torch.stack(seen)[..., 0]
