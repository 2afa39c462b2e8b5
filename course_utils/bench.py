"""Benchmarks: what the course claims about speed, each claim against a peer that is measured in the same run.

    benchmarks/samplers.py   a docstring, and `rows()`, which yields a `Row` for every claim
    course bench samplers    runs it and prints the rows as they come

Both sides of a row run in turns, so that whatever else slows the machine slows both, and the median counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from course_utils import files

FOLDER = Path(__file__).parents[1] / "benchmarks"
PAGE = Path(__file__).parents[1] / "docs/performance.md"
PACKAGES = ["torch", "triton", "diffusers", "nbgrader", "scipy", "torchdiffeq", "denoising-diffusion-pytorch"]


@dataclass(frozen=True)
class Row:
    """One claim, measured.

    Attributes:
        name: What was done, at which size.
        ours: The course's figure in `unit`.
        peer: The peer's.
        ratio: Above 1 where ours is better; None where `needs` is missing.
        unit: For example "ms a step".
        goal: The ratio that is aimed at; None for a figure without one.
        needs: What the machine must have for it: "a GPU"; "… : not applicable" where it has not.
        limit: What keeps the ratio from being higher, in a few words.
    """

    name: str
    ours: float | None
    peer: float | None
    ratio: float | None
    unit: str
    goal: float | None
    needs: str = ""
    limit: str = ""

    @classmethod
    def time(cls, name: str, ours: float, peer: float, *, unit: str = "ms", goal: float | None = None,
             needs: str = "", limit: str = "") -> Row:
        """Two durations or errors, in the same unit: less is better."""
        return cls(name, ours, peer, peer / ours, unit, goal, needs, limit)

    @classmethod
    def rate(cls, name: str, ours: float, peer: float, *, unit: str, goal: float | None = None, needs: str = "",
             limit: str = "") -> Row:
        """Two rates, in the same unit: more is better."""
        return cls(name, ours, peer, ours / peer, unit, goal, needs, limit)

    @classmethod
    def absent(cls, name: str, needs: str, *, unit: str = "ms", goal: float | None = None) -> Row:
        """A claim that this machine cannot measure."""
        return cls(name, None, None, None, unit, goal, f"{needs}: not applicable")


@dataclass
class Case:
    """A kernel with its peers on the same inputs, one file a kernel in benchmarks/kernels.

    Attributes:
        name: Of the kernel and its pass.
        ours: Calls it.
        eager: Calls plain torch.
        compiled: Given a compiler, makes the function that calls compiled torch.
        bytes: That the kernel moves.
        share: Goal, as a share of the bandwidth of a copy.
        times: Goal against eager torch.
        launches: Whether one launch is claimed.
    """

    name: str
    ours: Callable[[], object]
    eager: Callable[[], object]
    compiled: Callable[[Callable], Callable[[], object]]
    bytes: int
    share: float | None
    times: float | None
    launches: bool = False


def gradients(fn: Callable, given: list, grads: object) -> Callable[[], object]:
    """The gradients alone, of outputs that are kept."""
    import torch

    outputs = fn(*given)
    return lambda: torch.autograd.grad(outputs, given, grads, retain_graph=True)


def medians(sides: dict[str, Callable[[], object]], repeats: int = 11, warmup: int = 2, least: float = 0.02,
            untimed: int = 0) -> dict[str, float]:
    """Seconds of one call of each side: the median of `repeats` rounds in which the sides take turns.

    Args:
        sides: Functions without arguments, by name.
        repeats: Rounds that count.
        warmup: Rounds before those.
        least: Seconds of a round's measurement; a side that is faster is called several times in it.
        untimed: Calls of a side before each of its measurements, for what is called again and again where it is used:
            they fetch its weights back into the caches, where the other sides' turns have left theirs.
    """
    calls = {name: max(1, round(least / max(_seconds(side, 1), 1e-9))) if least else 1 for name, side in sides.items()}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warmup + repeats):
        for name, side in sides.items():
            for _ in range(untimed):
                side()
            seconds = _seconds(side, calls[name])
            if turn >= warmup:
                taken[name].append(seconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def _seconds(side: Callable[[], object], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        side()
    return (time.perf_counter() - begin) / calls


def share(side: Callable[[], object], part: str) -> str:
    """A `Row.limit` as torch's profiler sees it: what share of one call is spent in operations named `part`."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        whole = _seconds(side, 1)
    inside = sum(event.self_cpu_time_total for event in profile.key_averages() if part in event.key) / 1e6
    return f"{part}s, {inside / whole:.0%} of the time"


def is_installed(package: str) -> bool:
    """Whether a peer is there to be measured; peers are installed for benchmarks only."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def machine() -> str:
    """The processor, its cores, the GPU, and the packages' versions, on one line."""
    import torch

    found = [line.split(":")[1].strip() for line in _cpu_info() if line.startswith("model name")]
    bf16 = ", AVX512-BF16" if any("avx512_bf16" in line for line in _cpu_info()) else ""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    versions = ", ".join(f"{p} {version(p)}" for p in PACKAGES if is_installed(p))
    return (f"{found[0] if found else platform.processor()}{bf16}, {torch.get_num_threads()} threads; {gpu}; "
            f"Python {platform.python_version()}, {versions}")


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def names() -> list[str]:
    """The benchmarks that there are."""
    return sorted(p.stem for p in FOLDER.glob("[a-z]*.py"))


def load(name: str) -> ModuleType:
    """A benchmark's module, or a part's such as "kernels/q_sample"; ValueError names the benchmarks that there are."""
    if name not in names() and not ("/" in name and (FOLDER / f"{name}.py").is_file()):
        raise ValueError(f"There is no benchmark {name}; there are: {', '.join(names())}.")
    spec = importlib.util.spec_from_file_location(f"benchmarks.{name.replace('/', '.')}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up by name
    spec.loader.exec_module(module)
    return module


def line(row: Row) -> str:
    """A row as a line of text."""
    if row.ratio is None:
        return f"{row.name}: {row.needs}"
    goal = f" (goal {row.goal:g})" if row.goal else ""
    return f"{row.name}: {row.ours:.4g} against {row.peer:.4g} {row.unit}, {row.ratio:.2f} times better{goal}"


def page(results: dict[str, dict]) -> str:
    """docs/performance.md, from the recorded results of each benchmark: `{"machine": …, "about": …, "rows": […]}`."""
    parts = ["# Performance\n\nMade by `course bench NAME --record`. Both sides of a row were measured in "
             "one run;\na ratio above 1 means that the course's side is better."]
    for name, result in sorted(results.items()):
        rows = [Row(**row) for row in result["rows"]]
        parts.append(f"## {name}\n\n{result['about']}\n\n{result['machine']}")
        measured, absent = ([r for r in rows if (r.ratio is None) is missing] for missing in (False, True))
        if measured:
            parts.append("| what | ours | peer | | ratio | goal | what limits it |\n|---|--:|--:|---|--:|--:|---|\n"
                         + "\n".join(map(_measure, measured)))
        if absent:
            table = "| what | unit | goal | needs |\n|---|---|--:|---|\n" + "\n".join(map(_absent, absent))
            parts.append(f"<details><summary>Not measured: {len(absent)}</summary>\n\n{table}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def _goal(row: Row) -> str:
    return f"{row.goal:.3g}" if row.goal else ""


def _measure(row: Row) -> str:
    return (f"| {row.name} | {row.ours:.4g} | {row.peer:.4g} | {row.unit} | **{row.ratio:.2f}** | {_goal(row)} "
            f"| {row.limit} |")


def _absent(row: Row) -> str:
    return f"| {row.name} | {row.unit} | {_goal(row)} | {row.needs.split(':')[0]} |"


def record(name: str, about: str, rows: list[Row]) -> None:
    """Keeps a result beside its benchmark and makes the page of all of them anew."""
    folder = FOLDER / "results"
    result = {"machine": machine(), "about": about, "rows": [asdict(r) for r in rows]}
    _write(folder / f"{name}.json", result)
    recorded = {p.stem: json.loads(p.read_text("utf-8")) for p in folder.glob("*.json")}
    files.write(PAGE, page(recorded))


def _write(path: Path, value: object) -> None:
    files.write(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course bench`."""
    parser.add_argument("name", choices=names(), metavar="NAME", help=f"which: {', '.join(names())}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to this file")
    parser.add_argument("--record", action="store_true",
                        help="keep the rows in benchmarks/results and make docs/performance.md anew")


def run(args: argparse.Namespace) -> int:
    """`course bench`: prints the machine, then every row as soon as it is measured."""
    benchmark = load(args.name)
    if hasattr(benchmark, "main") and not hasattr(benchmark, "rows"):  # nothing is measured against a peer
        if args.json or args.record:
            raise ValueError(f"{args.name} has no rows to write: run it without --json and --record.")
        return benchmark.main()
    if args.json:
        args.json.open("a").close()  # what cannot be written is told before anything is measured
    print(machine())
    rows: list[Row] = []
    for row in benchmark.rows():
        rows.append(row)
        print(line(row), flush=True)
        if args.json:  # written each time: what was measured is not lost
            _write(args.json, [asdict(r) | {"machine": machine()} for r in rows])
    if args.record:
        record(args.name, benchmark.__doc__.split("\n\n")[1].strip(), rows)
    return 0
