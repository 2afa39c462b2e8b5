"""Kernels on a GPU: share of the device's own copy bandwidth, and ratios to eager and compiled torch.

    python benchmarks/kernels.py [--json FILE]

At 256 MB of traffic a tensor does not fit the L2 cache and a launch does not count; at course size only launches count,
so the step is replayed as a CUDA graph. Each row's sides run in turns, the median counts. Without a GPU every row says
'not applicable', and no figure stands for one that was not measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

q_sample, guided_step, modulated_norm, reparameterize_kl = (import_module(f"course_utils.kernels.{name}") for name in (
    "q_sample", "guided_step", "modulated_norm", "reparameterize_kl"))

TRAFFIC = 256 * 2**20  # bytes that the fused kernel moves
CHANNELS = 64
REPEATS, CALLS = 30, 10


@dataclass
class Case:
    """A kernel with its peers on the same inputs, and the goals: of the copy bandwidth, and against eager torch."""

    name: str
    ours: Callable[[], object]
    eager: Callable[[], object]
    fusible: Callable[[], object] | None  # what torch.compile is given; None where it is given nothing of its own
    bytes: int
    share: float | None
    times: float | None


def cases(device: str, traffic: int, dtype: torch.dtype = torch.float32) -> list[Case]:
    """All kernels on inputs for which the fused kernel moves about `traffic` bytes."""
    elements = lambda passes: max(1, traffic // (passes * dtype.itemsize * 64 * CHANNELS)) * 64 * CHANNELS  # noqa: E731
    draw = lambda *shape: torch.randn(shape, device=device, dtype=dtype)  # noqa: E731
    return [_q_sample(draw, elements(3), dtype), _guided_step(draw, elements(4), dtype),
            *_modulated_norm(draw, elements(2), dtype), *_reparameterize_kl(draw, elements(3), dtype)]


def _q_sample(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> Case:
    b = n // 4096
    x, noise = draw(b, 64, 64), draw(b, 64, 64)
    alphas, t = torch.linspace(1, 0, 1000, device=x.device), torch.randint(1000, (b,), device=x.device)
    sigmas = (1 - alphas**2).sqrt()

    def textbook() -> Tensor:
        return alphas[t][:, None, None] * x + sigmas[t][:, None, None] * noise

    return Case("q_sample", lambda: q_sample.q_sample(x, t, noise, alphas, sigmas), textbook, textbook,
                q_sample.bytes_moved(n, dtype), 0.90, 2)


def _guided_step(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> Case:
    x, cond, uncond = draw(n), draw(n), draw(n)
    seed = torch.tensor([0], device=x.device)
    w, k_x, k_out, c_x, c_start, c_noise = values = 2.0, 1.1, -0.4, 0.9, 0.3, 0.1
    row = torch.tensor(values, device=x.device)

    def textbook() -> Tensor:
        out = (1 + w) * cond - w * uncond
        x_start = (k_x * x + k_out * out).clamp(-1, 1)
        return c_x * x + c_start * x_start + c_noise * torch.randn_like(x)

    return Case("guided_step", lambda: guided_step.guided_step(x, cond, uncond, row, seed), textbook, textbook,
                guided_step.bytes_moved(n, dtype), 0.85, 6)


def _modulated_norm(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> list[Case]:
    b = max(1, n // (CHANNELS * 32 * 32))
    x = draw(b, n // (CHANNELS * b), 1, CHANNELS).permute(0, 3, 1, 2)  # channels-last
    g, (scale, shift) = draw(1, CHANNELS, 1, 1), draw(b, 2 * CHANNELS, 1, 1).chunk(2, dim=1)

    def textbook() -> Tensor:
        return F.gelu(F.normalize(x, dim=1) * CHANNELS**0.5 * g * (scale + 1) + shift)

    given = [c.detach().requires_grad_() for c in (x, g, scale, shift)]
    dy = torch.randn_like(x)
    y = F.gelu(F.normalize(given[0], dim=1) * CHANNELS**0.5 * given[1] * (given[2] + 1) + given[3])
    ours = modulated_norm.modulated_norm(*given)
    grad = lambda y: torch.autograd.grad(y, given, dy, retain_graph=True)  # noqa: E731
    n = x.numel()
    return [Case("modulated_norm", lambda: modulated_norm.modulated_norm(x, g, scale, shift), textbook, textbook,
                 modulated_norm.bytes_moved(n, dtype), 0.85, 5),
            Case("modulated_norm backward", lambda: grad(ours), lambda: grad(y), None,
                 modulated_norm.bytes_moved(n, dtype, backward=True), 0.75, 5)]


def _reparameterize_kl(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> list[Case]:
    given = [draw(n // 4096, 4096).requires_grad_() for _ in range(2)]
    seed = torch.tensor([0], device=given[0].device)

    def textbook(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return z, -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)

    outputs, peers = reparameterize_kl.reparameterize_kl(*given, seed), textbook(*given)
    grads = torch.randn_like(outputs[0]), torch.randn_like(outputs[1])
    grad = lambda outputs: torch.autograd.grad(outputs, given, grads, retain_graph=True)  # noqa: E731
    plain = [c.detach() for c in given]
    forward = lambda: textbook(*plain)  # noqa: E731
    return [Case("reparameterize_kl", lambda: reparameterize_kl.reparameterize_kl(*plain, seed), forward, forward,
                 reparameterize_kl.bytes_moved(n, dtype), None, None),
            Case("reparameterize_kl backward", lambda: grad(outputs), lambda: grad(peers), None,
                 reparameterize_kl.bytes_moved(n, dtype, backward=True), None, None)]


def milliseconds(sides: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Medians on the device of one call, the sides in turns; CALLS are queued so that a launch is hidden."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(REPEATS + 3):
        for name, side in sides.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(CALLS):
                side()
            end.record()
            end.synchronize()
            if repeat >= 3:  # the first ones compile and warm up
                taken[name].append(start.elapsed_time(end) / CALLS)
    return {name: statistics.median(times) for name, times in taken.items()}


def row(name: str, unit: str, goal: float | None, ours: float | None = None, peer: float | None = None,
        ratio: float | None = None) -> dict:
    needs = "GPU" if ours is not None else "GPU: not applicable"
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "goal": goal, "needs": needs}


def at_scale(case: Case, dtype: torch.dtype) -> list[dict]:
    """A kernel's rows: bandwidth against a copy that moves as many bytes, time against eager and compiled torch."""
    name = f"{case.name} {str(dtype).split('.')[1]}"
    source = torch.empty(case.bytes // 2, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    sides = {"ours": case.ours, "eager": case.eager, "copy": lambda: target.copy_(source)}
    if case.fusible is not None:
        sides["compiled"] = torch.compile(case.fusible, mode="max-autotune-no-cudagraphs")
    ms = milliseconds(sides)
    speed = {side: case.bytes / 1e6 / ms[side] for side in ("ours", "copy")}
    rows = [row(f"{name}: share of copy bandwidth", "GB/s", case.share, speed["ours"], speed["copy"],
                speed["ours"] / speed["copy"])]
    for side, goal in (("eager", case.times), ("compiled", 1)):
        if side in ms:
            rows.append(row(f"{name}: against {side} torch", "ms", goal, ms["ours"], ms[side], ms[side] / ms["ours"]))
    return rows


def at_course_size(steps: int = 50) -> dict:
    """The guided step on 8 digits: all steps as one CUDA graph against eager torch, microseconds a step."""
    draw = lambda *shape: torch.randn(shape, device="cuda")  # noqa: E731
    case = _guided_step(draw, 8 * 28 * 28, torch.float32)
    case.ours(), torch.cuda.synchronize()  # compiles before the capture
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(steps):
            case.ours()
    ms = milliseconds({"ours": graph.replay, "eager": lambda: [case.eager() for _ in range(steps)]})
    ours, eager = (1000 * ms[side] / steps for side in ("ours", "eager"))
    return row("guided_step (8, 1, 28, 28), CUDA graph: against eager torch", "µs", 10, ours, eager, eager / ours)


def results() -> list[dict]:
    """All rows; without a GPU their names and goals only."""
    if torch.cuda.is_available():
        rows = [r for dtype in (torch.float32, torch.bfloat16) for case in cases("cuda", TRAFFIC, dtype)
                for r in at_scale(case, dtype)]
        return [*rows, at_course_size()]
    rows = []
    for case in cases("cpu", 1):
        rows.append(row(f"{case.name}: share of copy bandwidth", "GB/s", case.share))
        rows.append(row(f"{case.name}: against eager torch", "ms", case.times))
        if case.fusible is not None:
            rows.append(row(f"{case.name}: against compiled torch", "ms", 1))
    return [*rows, row("guided_step (8, 1, 28, 28), CUDA graph: against eager torch", "µs", 10)]


def machine() -> str:
    """What the figures were measured on."""
    triton = q_sample.triton.__version__ if q_sample.triton else "none"
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{gpu}; torch {torch.__version__}, Triton {triton}, Python {platform.python_version()}"


def main() -> None:
    """Prints the table, and writes the rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = results()
    print(machine())
    for r in rows:
        measured = "not measured: needs a GPU" if r["ratio"] is None else (
            f"{r['ours']:10.4g} against {r['peer']:10.4g} {r['unit']}, ratio {r['ratio']:.2f}")
        print(f"{r['name']:72} {measured}" + (f" (goal {r['goal']})" if r["goal"] else ""))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
