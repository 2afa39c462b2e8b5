"""The kernels on a GPU.

At 256 MB of traffic, which no L2 cache holds, each against the device's own copy (the share of its bandwidth), plain
torch run eagerly, and torch.compile of it. At course size only launches count: there the guided step, and the whole
guided sampler with its network, are replayed as one CUDA graph. Sides run in turns; medians of the device's own clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import models
from course_utils.bench import Row
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.samplers import guided, plan_ddim, sample
from course_utils.kernels import guided_step, modulated_norm, q_sample, reparameterize_kl

TRAFFIC = 256 * 2**20  # bytes that the fused kernel moves
CHANNELS = 64
STEPS = 50
REPEATS, CALLS = 30, 10
STEP = f"guided_step (8, 1, 28, 28), {STEPS} in one CUDA graph: against eager torch"
SAMPLER = f"guided DDIM, {STEPS} steps, 8 digits, one CUDA graph: against its network alone"
LIMITS = {"share": "the memory", "eager": "passes over the memory", "compiled": "the memory, for both",
          "launches": "one is the least"}

Make = Callable[[], Callable[[], object]]


@dataclass
class Case:
    """A kernel with its peers on the same inputs, and the goals: of the copy bandwidth, and against eager torch."""

    name: str
    ours: Callable[[], object]
    eager: Callable[[], object]
    compiled: Make  # compiles only when it is called
    bytes: int
    share: float | None
    times: float | None
    launches: bool = False  # whether one launch is claimed


def cases(device: str, traffic: int, dtype: torch.dtype = torch.float32) -> list[Case]:
    """All kernels on inputs for which the fused kernel moves about `traffic` bytes."""
    elements = lambda passes: max(1, traffic // (passes * dtype.itemsize * 64 * CHANNELS)) * 64 * CHANNELS  # noqa: E731
    draw = lambda *shape: torch.randn(shape, device=device, dtype=dtype)  # noqa: E731
    return [_q_sample(draw, elements(3), dtype), _guided_step(draw, elements(4), dtype),
            _guided_step(draw, elements(6), dtype, remember=True),
            *_modulated_norm(draw, elements(2), dtype), *_reparameterize_kl(draw, elements(3), dtype)]


def _compiled(fn: Callable) -> Callable:
    return torch.compile(fn, mode="max-autotune-no-cudagraphs")


def _backward(fn: Callable, given: list[Tensor], grads: object) -> Callable[[], object]:
    """The gradients alone, of outputs that are kept."""
    outputs = fn(*given)
    return lambda: torch.autograd.grad(outputs, given, grads, retain_graph=True)


def _q_sample(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> Case:
    b = n // 4096
    x, noise = draw(b, 64, 64), draw(b, 64, 64)
    alphas, t = torch.linspace(1, 0, 1000, device=x.device), torch.randint(1000, (b,), device=x.device)
    sigmas = (1 - alphas**2).sqrt()

    def textbook() -> Tensor:
        return alphas[t][:, None, None] * x + sigmas[t][:, None, None] * noise

    return Case("q_sample", lambda: q_sample.q_sample(x, t, noise, alphas, sigmas), textbook,
                lambda: _compiled(textbook), q_sample.bytes_moved(n, dtype), 0.90, 2)


def _guided_step(draw: Callable[..., Tensor], n: int, dtype: torch.dtype, remember: bool = False) -> Case:
    x, cond, uncond = draw(n), draw(n), draw(n)
    previous = draw(n) if remember else None
    seed = torch.tensor([0], device=x.device)
    w, k_x, k_out, c_x, c_start, c_previous, c_noise = values = 2.0, 1.1, -0.4, 0.9, 0.3, -0.1, 0.1
    row = torch.tensor(values, device=x.device)

    def textbook() -> Tensor | tuple[Tensor, Tensor]:
        out = (1 + w) * cond - w * uncond
        x_start = (k_x * x + k_out * out).clamp(-1, 1)
        x_next = c_x * x + c_start * x_start + c_noise * torch.randn_like(x)
        return (x_next + c_previous * previous, x_start) if remember else x_next

    name = "guided_step, remembering x_start" if remember else "guided_step"
    return Case(name, lambda: guided_step.guided_step(x, cond, uncond, row, seed, 1.0, previous), textbook,
                lambda: _compiled(textbook), guided_step.bytes_moved(n, dtype, remember=remember), 0.85, 6)


def _modulated_norm(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> list[Case]:
    b = max(1, n // (CHANNELS * 32 * 32))
    x = draw(b, n // (CHANNELS * b), 1, CHANNELS).permute(0, 3, 1, 2)  # channels-last
    g, (scale, shift) = draw(1, CHANNELS, 1, 1), draw(b, 2 * CHANNELS, 1, 1).chunk(2, dim=1)

    def textbook(x: Tensor, g: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.gelu(F.normalize(x, dim=1) * CHANNELS**0.5 * g * (scale + 1) + shift)

    ours, plain, n = modulated_norm.modulated_norm, (x, g, scale, shift), x.numel()
    given, dy = [c.detach().requires_grad_() for c in plain], torch.randn_like(x)
    forward = Case("modulated_norm", lambda: ours(*plain), lambda: textbook(*plain),
                   lambda: _compiled(lambda: textbook(*plain)), modulated_norm.bytes_moved(n, dtype), 0.85, 5)
    backward = Case("modulated_norm backward", _backward(ours, given, dy), _backward(textbook, given, dy),
                    lambda: _backward(_compiled(textbook), given, dy),
                    modulated_norm.bytes_moved(n, dtype, backward=True), 0.75, 5)
    return [forward, backward]


def _reparameterize_kl(draw: Callable[..., Tensor], n: int, dtype: torch.dtype) -> list[Case]:
    given = [draw(n // 4096, 4096).requires_grad_() for _ in range(2)]
    plain, seed = [c.detach() for c in given], torch.tensor([0], device=given[0].device)

    def textbook(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return z, -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)

    ours = lambda mu, logvar: reparameterize_kl.reparameterize_kl(mu, logvar, seed)  # noqa: E731
    grads = [torch.randn_like(part) for part in ours(*plain)]
    forward = Case("reparameterize_kl", lambda: ours(*plain), lambda: textbook(*plain),
                   lambda: _compiled(lambda: textbook(*plain)), reparameterize_kl.bytes_moved(n, dtype), None, None,
                   launches=True)
    backward = Case("reparameterize_kl backward", _backward(ours, given, grads), _backward(textbook, given, grads),
                    lambda: _backward(_compiled(textbook), given, grads),
                    reparameterize_kl.bytes_moved(n, dtype, backward=True), None, None, launches=True)
    return [forward, backward]


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
    ms = milliseconds({"ours": case.ours, "eager": case.eager, "compiled": case.compiled(),
                       "copy": lambda: target.copy_(source)})
    for which, name, goal, unit in names(case, dtype):
        told = {"unit": unit, "goal": goal, "limit": LIMITS[which]}
        if which == "share":
            yield Row.rate(name, case.bytes / 1e6 / ms["ours"], case.bytes / 1e6 / ms["copy"], **told)
        elif which == "launches":
            yield Row.time(name, launches(case.ours), 1, **told)
        else:
            yield Row.time(name, ms["ours"], ms[which], **told)


def captured(side: Callable[[], object]) -> Callable[[], None]:
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
    case = _guided_step(lambda *shape: torch.randn(shape, device="cuda"), 8 * 28 * 28, torch.float32)
    repeat = lambda side: [side() for _ in range(STEPS)]  # noqa: E731
    ms = milliseconds({"ours": captured(lambda: repeat(case.ours)), "eager": lambda: repeat(case.eager)})
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
    ours, network = map(captured, sampler_and_network("cuda"))
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
