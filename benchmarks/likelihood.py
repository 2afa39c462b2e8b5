"""Bits/dim of digits by the probability flow.

16 digits of 28 × 28, `mnist-unet` without a condition, one Rademacher probe each, the same digits and probes on both
sides, float32 networks. scipy: the loop of Song et al. 2021b, appendix D.2: `solve_ivp`, RK45, rtol = atol = 1e-5, the
whole batch as one float64 vector on the host, in time, one forward and one backward pass an evaluation, the network in
the layout it is loaded in. torchdiffeq: `odeint` of the state and the log-density, dopri5, in time and with
the network as loaded, or given what ours has: log-SNR and channels last. Ours: 40 steps of Adams in log-SNR, chosen on
digits 100 to 103 of the test set; measured here on digits 0 to 15. Nothing is compiled: it gained nothing. Errors are
the worst digit's against our rk45 at tolerance 1e-6. At equal tolerance rk45 and dopri5 meet the same roughness: a step
is rejected or a bend passed over by chance, and which of the two errs less was not the same on two sets of digits. All
sides run in turns, three times; the run of median time counts.
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
from course_utils.bench import Row, is_installed, medians
from course_utils.diffusion.flow import Variable, ends_in, probability_flow
from course_utils.diffusion.likelihood import (
    Solver,
    bits_per_dim,
    dequantize,
    draw_probes,
    hutchinson_divergence,
    log_likelihood,
)
from course_utils.diffusion.paths import DiscreteVP

OURS, FINE = Solver("adams", steps=40), Solver("adams", steps=160)
TIGHT = Solver(rtol=1e-6, atol=1e-6)


class Found(NamedTuple):
    """Bits/dim (b,), evaluations of the network, seconds."""

    bits: Tensor
    nfe: float
    seconds: float


class Task:
    """Images (b, *), their probes, the path, and the network as it is given, `plain`, and with channels last, `net`."""

    def __init__(self, net: nn.Module, path: DiscreteVP, images: Tensor):
        self.path, self.plain = path, net.requires_grad_(False)
        self.net = copy.deepcopy(net).to(memory_format=torch.channels_last)
        self.x = dequantize(images, torch.rand(images.shape, generator=self.generator()))
        self.eps = draw_probes(self.x, 1, generator=self.generator())

    @classmethod
    def of_the_course(cls, n: int = 16) -> Task:
        item = zoo.load("mnist-unet")
        return cls(item.model, item.path, data.mnist("test")[0][:n])

    def generator(self) -> torch.Generator:
        """Draws the same probes each time."""
        return torch.Generator().manual_seed(0)

    def bits(self, logp: Tensor) -> Tensor:
        """(b,) float64."""
        return bits_per_dim(logp.double(), self.x[0].numel())

    def flow(self, net: nn.Module, variable: Variable) -> tuple[Callable, float, float]:
        """Slope and divergence of the flow, and the variable's values at data and at noise."""
        field = probability_flow(net, self.path, variable=variable)
        slope = lambda x, u: hutchinson_divergence(field, x, x.new_full((len(x),), float(u)), self.eps)  # noqa: E731
        return slope, *ends_in(self.path, variable, (self.path.eps, self.path.T))


def ours(task: Task, solver: Solver, net: Callable | None = None) -> Found:
    """`log_likelihood`."""
    begin = time.perf_counter()
    found = log_likelihood(net or task.net, task.x, task.path, solver=solver, generator=task.generator(), per_sample=())
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
        drift, div = slope(state[0], u.clamp(*sorted((data_end, noise_end))))  # its last step reaches past the end
        return drift, div[:, 0]

    begin = time.perf_counter()
    with torch.no_grad():
        x, volume = odeint(ode, (task.x, task.x.new_zeros(len(task.x))), torch.tensor([data_end, noise_end]), rtol=tol,
                           atol=tol, method="dopri5")
    return Found(task.bits(task.path.prior_logp(x[-1]) + volume[-1]), calls, time.perf_counter() - begin)


def in_turns(sides: dict[str, Callable[[], Found]], rounds: int = 3) -> dict[str, Found]:
    """Each side's run with the median of its seconds; in every round all sides have a turn."""
    runs: dict[str, list[Found]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            runs[name].append(side())
    return {name: sorted(found, key=lambda f: f.seconds)[rounds // 2] for name, found in runs.items()}


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
                    1000 * taken["peer"], limit="convolutions, forward and backward")


def rows() -> Iterator[Row]:
    """About fifteen minutes on two cores."""
    task = Task.of_the_course()
    yield evaluation(task)
    tight = ours(task, TIGHT).bits
    sides = {"Adams": lambda: ours(task, OURS), "Adams, 160 steps": lambda: ours(task, FINE),
             "rk45": lambda: ours(task, Solver(together=True)),
             "scipy": lambda: with_scipy(task), "scipy in log-SNR": lambda: with_scipy(task, "log_snr")}
    if is_installed("torchdiffeq"):
        sides |= {"torchdiffeq in time": lambda: with_torchdiffeq(task, 1e-5, task.plain, "time"),
                  "torchdiffeq": lambda: with_torchdiffeq(task, 1e-5),
                  "torchdiffeq at 1e-3": lambda: with_torchdiffeq(task, 1e-3)}
    found = in_turns(sides)
    cost = "the network's evaluations; fewer do not see how rough it is between the times it was trained at"
    both = "both evaluate the network six times a step, and a quarter of the steps is rejected"
    for name, mine, theirs, goal, limit in (
            ("within 0.01 bits/dim, Adams against scipy's loop at 1e-5", "Adams", "scipy", 13, cost),
            ("the same, scipy's loop given log-SNR", "Adams", "scipy in log-SNR", None, cost),
            ("within 0.01 bits/dim, Adams against torchdiffeq given log-SNR at 1e-3", "Adams", "torchdiffeq at 1e-3",
             None, cost),
            ("at equal tolerance 1e-5, rk45 against torchdiffeq in time", "rk45", "torchdiffeq in time", 1.4, cost),
            ("at equal tolerance 1e-5, rk45 against torchdiffeq given log-SNR", "rk45", "torchdiffeq", 1.4, both),
            ("Adams, 160 steps, against torchdiffeq given log-SNR at 1e-5", "Adams, 160 steps", "torchdiffeq", None,
             cost)):
        if theirs in found:
            yield from pair(name, found[mine], found[theirs], tight, goal, limit)
        else:
            yield Row.absent(name, "torchdiffeq", unit="s", goal=goal)
