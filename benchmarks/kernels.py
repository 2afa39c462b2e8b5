"""The kernels on a GPU.

At 256 MB of traffic, which no L2 cache holds, each against the device's own copy (the share of its bandwidth), plain
torch run eagerly, and torch.compile of it. At course size only launches count: there the guided step, and the whole
guided sampler with its network, are replayed as one CUDA graph. Sides run in turns; medians of the device's own clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from course_utils import bench, models
from course_utils.bench import Case, Row
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.samplers import guided, plan_ddim, sample

TRAFFIC = 256 * 2**20  # bytes that the fused kernel moves
STEPS = 50
REPEATS, CALLS = 30, 10
STEP = f"guided_step (8, 1, 28, 28), {STEPS} in one CUDA graph: against eager torch"
SAMPLER = f"guided DDIM, {STEPS} steps, 8 digits, one CUDA graph: against its network alone"
LIMITS = {"share": "the memory", "eager": "passes over the memory", "compiled": "the memory, for both",
          "launches": "one is the least"}


def cases(device: str, traffic: int, dtype: torch.dtype = torch.float32) -> list[Case]:
    """The cases of every file in kernels/, on inputs for which the fused kernel moves about `traffic` bytes."""
    elements = lambda passes: max(1, traffic // (passes * dtype.itemsize * 4096)) * 4096  # noqa: E731
    draw = lambda *shape: torch.randn(shape, device=device, dtype=dtype)  # noqa: E731
    parts = (bench.load(f"kernels/{path.stem}") for path in sorted((bench.FOLDER / "kernels").glob("[a-z]*.py")))
    return [case for part in parts for case in part.cases(draw, elements, dtype)]


def _compile(fn: Callable) -> Callable:
    return torch.compile(fn, mode="max-autotune-no-cudagraphs")


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


def launches(side: Callable[[], object]) -> int:
    """What one call starts on the device: kernels, copies and fills."""
    side(), torch.cuda.synchronize()  # compiles
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        side(), torch.cuda.synchronize()
    return sum(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events())


def names(case: Case, dtype: torch.dtype) -> Iterator[tuple[str, str, float | None, str]]:
    """Of a kernel's rows: which, name, goal, unit."""
    name = f"{case.name} {str(dtype).split('.')[1]}"
    yield "share", f"{name}: share of copy bandwidth", case.share, "GB/s"
    yield "eager", f"{name}: against eager torch", case.times, "ms"
    yield "compiled", f"{name}: against compiled torch", 1, "ms"
    if case.launches:
        yield "launches", f"{name}: launches, against one", 1, "launches"


def at_scale(case: Case, dtype: torch.dtype) -> Iterator[Row]:
    """A kernel's rows: bandwidth against a copy that moves as many bytes, time against eager and compiled torch."""
    source = torch.empty(case.bytes // 2, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    ms = milliseconds({"ours": case.ours, "eager": case.eager, "compiled": case.compiled(_compile),
                       "copy": lambda: target.copy_(source)})
    for which, name, goal, unit in names(case, dtype):
        told = {"unit": unit, "goal": goal, "limit": LIMITS[which]}
        if which == "share":
            yield Row.rate(name, case.bytes / 1e6 / ms["ours"], case.bytes / 1e6 / ms["copy"], **told)
        elif which == "launches":
            yield Row.time(name, launches(case.ours), 1, **told)
        else:
            yield Row.time(name, ms["ours"], ms[which], **told)


def capture(side: Callable[[], object]) -> Callable[[], None]:
    """`side` as one CUDA graph: what it launches, in one launch. The calls before make its constants and compile."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            side()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        side()
    return graph.replay


def step_in_a_graph() -> Row:
    """The guided step on 8 digits: all steps as one CUDA graph against eager torch, microseconds a step."""
    draw = lambda *shape: torch.randn(shape, device="cuda")  # noqa: E731
    case = bench.load("kernels/guided_step").case(draw, 8 * 28 * 28, torch.float32)
    repeat = lambda side: [side() for _ in range(STEPS)]  # noqa: E731
    ms = milliseconds({"ours": capture(lambda: repeat(case.ours)), "eager": lambda: repeat(case.eager)})
    ours, eager = (1000 * ms[side] / STEPS for side in ("ours", "eager"))
    return Row.time(STEP, ours, eager, unit="µs", goal=10, limit="a kernel's start inside a graph")


def sampler_and_network(device: str) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """The guided sampler on 8 digits, and its network alone, on twice the batch, as often; both with fixed inputs."""
    network = models.build("unet", {"dim": 24, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1})
    network = network.eval().requires_grad_(False).to(device)
    x, condition = torch.randn(8, 1, 28, 28, device=device), {"text_emb": torch.randn(8, 64, device=device)}
    guide = guided(network, condition, {"text_emb": None}, 2.0)
    plan = plan_ddim(DiscreteVP(cosine_betas(200)), STEPS)
    both, t = torch.cat([x, x]), torch.zeros(16, dtype=torch.int64, device=device)

    def alone() -> Tensor:
        for _ in range(STEPS):
            out = network(both, t, guide.both)
        return out

    return lambda: sample(guide, x, plan), alone


def sampler_in_a_graph() -> Row:
    """What the sampler adds to its network where both are one CUDA graph each."""
    ours, network = map(capture, sampler_and_network("cuda"))
    ms = milliseconds({"ours": ours, "network": network})
    return Row.time(SAMPLER, ms["ours"], ms["network"], goal=0.97, limit="the network")


def rows() -> Iterator[Row]:
    """All rows; without a GPU their names and goals only."""
    if not torch.cuda.is_available():
        for dtype in (torch.float32, torch.bfloat16):
            for case in cases("cpu", 1, dtype):
                yield from (Row.absent(name, "a GPU", unit=unit, goal=goal)
                            for _, name, goal, unit in names(case, dtype))
        yield Row.absent(STEP, "a GPU", unit="µs", goal=10)
        yield Row.absent(SAMPLER, "a GPU", goal=0.97)
        return
    # Backward passes are timed on one forward pass, whose tensors the compiler would otherwise reuse.
    torch._functorch.config.donated_buffer = False
    for dtype in (torch.float32, torch.bfloat16):
        for case in cases("cuda", TRAFFIC, dtype):
            yield from at_scale(case, dtype)
    yield step_in_a_graph()
    yield sampler_in_a_graph()
