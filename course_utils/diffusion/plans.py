"""Plans: a sampler's equation as a table of coefficients, and the grids of times on which it is written.

    next x = c_x·x + c_start·x_start + c_previous·(the x_start of the step before) + c_noise·z,  z ~ N(0, I)

A step leads from time t to s < t; a_{t|s} = α_t/α_s and σ_{t|s} are those of the chain's x_t | x_s. Written in x and
x_start, the noise in an equation is always (x − α_t·x_start)/σ_t: clamping x_start changes it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from course_utils.diffusion.gaussian import as_tensor
from course_utils.diffusion.paths import GaussianPath, Kind

# Of an ancestral step: β = σ_{t|s}², or that of q(x_s | x_t, x_start), β̃ = σ_{t|s}²σ_s²/σ_t².
Variance = Literal["beta", "posterior"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What the loop needs of a sampler that evaluates its network once a step.

    Attributes:
        path: Gives x_start from a prediction.
        times: (n + 1,) grid, falling; the network sees the first n. Integers on a chain, else float64.
        table: (n, 4) float64, the coefficients c_x, c_start, c_previous, c_noise.
    """

    path: GaussianPath
    times: Tensor
    table: Tensor
    _kept: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self):
        finite = self.table.isfinite().all(1)
        if not finite.all():
            t = self.times[:-1][~finite][0].item()
            raise ValueError(f"no finite coefficients at time {t:g} of {type(self.path).__name__}: this sampler "
                             "divides by what is 0 there; let its times start a little lower or end a little higher")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def steps(self) -> list[list[float]]:
        """The rows of the table as numbers."""
        return self.remember("steps", self.table.tolist)

    @property
    def remembers(self) -> bool:
        """Whether a step needs the x_start of the step before."""
        return self.remember("remembers", lambda: bool(self.table[:, 2].any()))

    @property
    def draws(self) -> bool:
        """Whether a step adds noise."""
        return self.remember("draws", lambda: bool(self.table[:, 3].any()))

    @property
    def seen(self) -> Tensor:
        """The times at which a network may be evaluated: all but that of clean data."""
        return self.times if self.path.sigma(self.times[-1]) > 0 else self.times[:-1]

    def weights(self, prediction: Kind) -> Tensor:
        """Of x and the prediction in x_start, at each time seen: (n, 2) or (n + 1, 2), float64.

        Raises:
            ValueError: The prediction does not tell x_start at one of these times.
        """
        weights = torch.stack(self.path.mixing(self.seen, prediction, "x_start"), dim=1)
        finite = weights.isfinite().all(1)
        if not finite.all():
            raise ValueError(f"{prediction} does not tell x_start at time {self.seen[~finite][0].item():g}: let the "
                             "model predict x_start, v or velocity, or the times start below it")
        return weights

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """`make()`, called once a key: what a plan leads to is computed, and copied to a device, in its first run."""
        if key not in self._kept:
            with torch.inference_mode(False):  # whoever comes later may record gradients
                self._kept[key] = make()
        return self._kept[key]


def times_uniform(path: GaussianPath, num_steps: int, end: float | None = None) -> Tensor:
    """Equal steps of time from T: (num_steps + 1,).

    Args:
        path: Its T is the first time; on a chain all times are integers.
        num_steps: Steps, so network evaluations of a first-order sampler.
        end: The last time; clean data unless given.

    Raises:
        ValueError: More steps than a chain has.
    """
    return _grid(path, num_steps, end, lambda first, last, n: torch.linspace(first, last, n, dtype=torch.float64))


def times_quadratic(path: GaussianPath, num_steps: int, end: float | None = None) -> Tensor:
    """Equal steps of √t, dense near data: (num_steps + 1,); Song et al. 2021a, appendix D.2; see `times_uniform`."""
    def spaced(first: float, last: float, n: int) -> Tensor:
        return torch.linspace(first**0.5, last**0.5, n, dtype=torch.float64) ** 2

    return _grid(path, num_steps, end, spaced)


def times_log_snr(path: GaussianPath, num_steps: int, end: float | None = None) -> Tensor:
    """Equal steps of log-SNR: (num_steps + 1,); Lu et al. 2022, section 4. See `times_uniform`.

    Where an end's log-SNR is infinite the steps are those of (eps, T − eps), and its two outermost times the ends.
    """
    def spaced(first: float, last: float, n: int) -> Tensor:
        ends = torch.tensor([first, last], dtype=torch.float64)
        inside = torch.tensor([first - path.eps, last + path.eps], dtype=torch.float64)
        log_snr = torch.where(path.log_snr(ends).isfinite(), path.log_snr(ends), path.log_snr(inside))
        infinite = not path.log_snr(ends[1]).isfinite()
        grid = torch.linspace(log_snr[0].item(), log_snr[1].item(), n - infinite, dtype=torch.float64)
        return torch.cat([path.inverse_log_snr(grid), ends[1:]]) if infinite else path.inverse_log_snr(grid)

    return _grid(path, num_steps, end, spaced)


def _grid(path: GaussianPath, num_steps: int, end: float | None,
          spaced: Callable[[float, float, int], Tensor]) -> Tensor:
    """`spaced(first, last, n)` from T to the end; where 0 is not yet clean data, that follows as a step of its own."""
    if num_steps < 1:
        raise ValueError(f"a sampler takes 1 step or more, not {num_steps}")
    end = None if end == path.clean else end
    apart = end is None and path.clean < 0
    n = num_steps if apart else num_steps + 1
    last = max(path.clean, 0.0) if end is None else float(end)
    times = torch.full((n,), path.T, dtype=torch.float64)
    if n > 1:
        if not max(path.clean, 0.0) <= last < path.T:
            raise ValueError(f"times of {type(path).__name__} fall from {path.T:g} to 0 at the lowest, not to {last:g}")
        times[1:] = spaced(path.T, last, n)[1:]
        times[-1] = last  # exactly, whatever a root or an inverse rounds to
    times = path.nearest(times)
    return torch.cat([times, times.new_tensor([path.clean])]) if apart else times


def plan_ancestral(path: GaussianPath, times: Tensor | int | None = None,
                   variance: Variance = "posterior") -> Plan:
    """q(x_s | x_t, x_start) with x_start predicted; Ho et al. 2020, eqs. 6–7, for any grid Kingma et al. 2021, eq. 33.

    Args:
        path: Any.
        times: A grid, or the number of steps of a uniform one; all N steps unless given.
        variance: "posterior" takes β̃ = σ_{t|s}²σ_s²/σ_t², "beta" β = σ_{t|s}²; the step to clean data adds none.

    Raises:
        ValueError: There is no such variance.
    """
    if variance not in get_args(Variance):
        raise ValueError(f"variance is {' or '.join(map(repr, get_args(Variance)))}, not {variance!r}")
    k = _Steps(path, path.N if times is None else times)
    c_x = k.a * k.sigma_s**2 / k.sigma**2
    c_start = k.alpha_s * k.std**2 / k.sigma**2
    c_noise = k.std * k.sigma_s / k.sigma if variance == "posterior" else torch.where(k.sigma_s > 0, k.std, 0.0)
    return k.plan(c_x, c_start, noise=c_noise)


def plan_ddim(path: GaussianPath, times: Tensor | int, eta: float = 0.0) -> Plan:
    """x_s = α_s·x_start + √(σ_s² − std²)·noise + std·z with std = η·√β̃; Song et al. 2021a, eqs. 12 and 16.

    Args:
        path: Any.
        times: A grid, or the number of steps of a uniform one.
        eta: 0 is deterministic, 1 has the variance of ancestral sampling.

    Raises:
        ValueError: η lies outside.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is between 0 (deterministic) and 1 (ancestral sampling), not {eta}")
    k = _Steps(path, times)
    std = eta * k.std * k.sigma_s / k.sigma
    c_x = (k.sigma_s**2 - std**2).clamp_min(0).sqrt() / k.sigma  # η = 1 may round to −1e-17
    return k.plan(c_x, k.alpha_s - k.alpha * c_x, noise=std)


def plan_dpmpp_2m(path: GaussianPath, times: Tensor | int) -> Plan:
    """DPM-Solver++ (2M), order 2 in steps of λ = log α/σ; Lu et al. 2022b, algorithm 2.

    x_s = σ_s/σ_t·x − α_s(e^{−h} − 1)·D, where D extrapolates from the last two x_start by 1/(2r) of their difference,
    r = h_previous/h. The first step, and one to clean data, where h is infinite, are of order 1.

    Args:
        path: Any.
        times: A grid, or the number of steps of one uniform in log-SNR.
    """
    k = _Steps(path, times, times_log_snr)
    h = torch.log(k.alpha_s / k.sigma_s) - torch.log(k.alpha / k.sigma)
    decay = k.alpha * k.sigma_s / (k.sigma * k.alpha_s)  # e^{−h}
    slope = torch.zeros_like(h)
    slope[1:] = torch.where(h[1:].isfinite(), 0.5 * h[1:] / h[:-1], 0.0)  # 1/(2r)
    c = k.alpha_s * (1 - decay)
    return k.plan(k.sigma_s / k.sigma, c * (1 + slope), previous=-c * slope)


def plan_euler(path: GaussianPath, times: Tensor | int) -> Plan:
    """x_s = x + (s − t)·(α̇·x_start + σ̇·noise), the probability flow by Euler's steps; Song et al. 2021b, eq. 13.

    On the rectified path this is Liu et al. 2023, eq. 3. A step to clean data gives x_start.

    Args:
        path: Any.
        times: A grid, or the number of steps of a uniform one.
    """
    k = _Steps(path, times)
    alpha_dot, sigma_dot = path.alpha_dot(k.t), path.sigma_dot(k.t)
    c_start = -k.dt * (alpha_dot - k.alpha * sigma_dot / k.sigma)
    return k.denoising_last(1 - k.dt * sigma_dot / k.sigma, c_start)


def plan_euler_maruyama(path: GaussianPath, times: Tensor | int) -> Plan:
    """x_s = x − (f·x − g²·score)·dt + g·√dt·z, the reverse SDE; Song et al. 2021b, eq. 6. The last step adds no noise.

    Args:
        path: Any; the rectified one only from a time below 1, where g is infinite.
        times: A grid, or the number of steps of a uniform one.
    """
    k = _Steps(path, times)
    f, g = path.f(k.t), path.g(k.t)
    pull = g**2 / k.sigma**2 * k.dt  # score = (α·x_start − x)/σ²
    return k.denoising_last(1 - f * k.dt - pull, pull * k.alpha, noise=g * k.dt.sqrt())


def plan_reverse_diffusion(path: GaussianPath, times: Tensor | int) -> Plan:
    """x_s = x − F + G²·score + G·z with the chain's F and G; Song et al. 2021b, eq. 46. The last step adds no noise.

    Args:
        path: Any. F and G are exact over any grid; for the paper's β_i = β(t_i)/N on VP give `path.chain()`.
        times: A grid, or the number of steps of a uniform one.
    """
    k = _Steps(path, times)
    pull = k.std**2 / k.sigma**2
    return k.denoising_last(2 - k.a - pull, pull * k.alpha, noise=k.std)


def _as_grid(path: GaussianPath, times: Tensor | Sequence[float]) -> Tensor:
    """(n + 1,) on the CPU: float64, and on a chain int64 if integers are given, in whatever container."""
    times = as_tensor(times).cpu()
    if times.dim() != 1 or len(times) < 2 or times.dtype == torch.bool:
        raise ValueError("times are a number of steps, or a grid of at least two falling times")
    return path.as_times(times)


class _Steps:
    """All steps of a grid at once: α and σ at t and s, a = a_{t|s}, std = σ_{t|s}, dt = t − s; (n,) float64 each."""

    def __init__(self, path: GaussianPath, times: Tensor | int, grid: Callable[..., Tensor] = times_uniform):
        times = grid(path, int(times)) if isinstance(times, Integral) else _as_grid(path, times)
        if (times.diff() >= 0).any():
            raise ValueError("times must fall: noise is at T, data at 0")
        if times[0] > path.T + 1e-6 or times[-1] < path.clean - 1e-6:  # a float32 grid rounds its ends
            raise ValueError(f"times of {type(path).__name__} lie between {path.clean:g} and {path.T:g}, not "
                             f"between {times[-1]:g} and {times[0]:g}")
        self.path, self.times = path, times
        self.t, s = times[:-1], times[1:]
        self.alpha, self.sigma = path.alpha(self.t), path.sigma(self.t)
        self.alpha_s, self.sigma_s = path.alpha(s), path.sigma(s)
        self.a, self.std = path.transition(self.t, s)
        self.dt = (self.t - s).double()

    def plan(self, c_x: Tensor, c_start: Tensor, *, previous: Tensor | None = None,
             noise: Tensor | None = None) -> Plan:
        zero = torch.zeros_like(c_x)
        columns = [c_x, c_start, zero if previous is None else previous, zero if noise is None else noise]
        return Plan(self.path, self.times, torch.stack(columns, dim=1))

    def denoising_last(self, c_x: Tensor, c_start: Tensor, noise: Tensor | None = None) -> Plan:
        """The plan with a step to clean data replaced by x_start itself, and without noise in the last step."""
        clean = self.sigma_s == 0
        c_x, c_start = torch.where(clean, 0.0, c_x), torch.where(clean, 1.0, c_start)
        if noise is not None:
            noise = torch.cat([noise[:-1], torch.zeros_like(noise[-1:])])
        return self.plan(c_x, c_start, noise=noise)
