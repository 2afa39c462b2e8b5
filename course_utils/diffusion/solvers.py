"""Solvers of dx/dt = fn(x, t) for a batch: Dormand–Prince with steps of each sample's own, and Heun, RK4, Adams.

    solution = rk45(fn, x, 1.0, 1e-3, rtol=1e-5, atol=1e-5)
    solution.x, solution.nfe

All work on x's device, in x's dtype (float32 or float64), at any rank, forwards (t0 < t1) and backwards (t0 > t1).
`fn(x, t)` is called with x (m, *) and t (m,) and returns (m, *). In rk45 every sample has its own time, and samples
that have arrived are left out: m falls from b to 1. So what belongs to a sample (a condition, a probe) is not closed
over but given as `per_sample`, tensors of b rows of which fn receives the matching rows: `fn(x, t, *rows)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# Dormand & Prince 1980, table 2: nodes; stages, of which the last is the solution of order 5 (first same as last: its
# slope begins the next step); the difference of the solutions of order 5 and 4, which estimates the local error.
NODES = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

# The step is changed by 0.9·e^(−1/5), kept between these: Hairer, Nørsett & Wanner 1993, section II.4.
SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0


class Solution(NamedTuple):
    """Where the samples arrived, and what it cost.

    Attributes:
        x: (b, *) states at t1.
        nfe: (b,) int64, how often fn was evaluated for each sample.
        error: (b, *) sum over the steps of the estimated local errors; NaN where the method estimates none.
    """

    x: Tensor
    nfe: Tensor
    error: Tensor


def rms(ratio: Tensor) -> Tensor:
    """√(mean of squares) of each row: (m, n) to (m,); Hairer, Nørsett & Wanner 1993, eq. II.4.11."""
    return ratio.square().mean(1).sqrt()


@torch.no_grad()
def rk45(fn: Callable[..., Tensor], x: Tensor, t0: float, t1: float, rtol: float | Tensor = 1e-5,
         atol: float | Tensor = 1e-5, *, per_sample: Sequence[Tensor] = (), norm: Callable[[Tensor], Tensor] = rms,
         compact: bool = True, max_steps: int = 10_000) -> Solution:
    """Adaptive steps of order 5(4), each sample with its own; Dormand & Prince 1980.

    Args:
        fn: The slope, see above.
        x: (b, *) states at t0.
        t0: Where to begin.
        t1: Where to arrive.
        rtol: Relative error allowed in one step; a number or a tensor that broadcasts to x[0].
        atol: Absolute error allowed in one step, likewise.
        per_sample: Tensors of b rows, passed on to fn.
        norm: Takes |local error|/(atol + rtol·|x|) as (m, n), n numbers a sample, to (m,); a step stands at 1 or less.
        compact: False evaluates all b samples to the end, for an fn that closes over tensors of b rows.
        max_steps: Attempts allowed.

    Raises:
        RuntimeError: A sample cannot go on: fn is not finite, or the tolerance is finer than the dtype or max_steps.
    """
    going = _Going(fn, x, t0, t1, rtol, atol, per_sample, norm)
    steps = 0
    while len(going.rows) and t0 != t1:
        arrived = going.attempt()
        some, every, stuck = torch.stack([arrived.any(), arrived.all(), going.stuck.any()]).tolist()  # one transfer
        steps += 1
        if stuck or steps > max_steps:
            raise RuntimeError(going.complaint(steps))
        if every or (some and compact):
            going.deliver(arrived)
    return Solution(going.out.reshape(x.shape), going.nfe, going.out_error.reshape(x.shape))


class _Going:
    """The samples on their way: flat states (m, n), times and steps (m,), and where to deliver them."""

    def __init__(self, fn, x, t0, t1, rtol, atol, per_sample, norm):
        if not x.dtype.is_floating_point or x.element_size() < 4:
            raise TypeError(f"rk45 needs float32 or float64 states, not {x.dtype}: steps would drown in rounding.")
        self.fn, self.norm, self.shape = fn, norm, x.shape[1:]
        self.rtol, self.atol = (self._tolerance(tol, x) for tol in (rtol, atol))
        self.y = x.reshape(len(x), self.shape.numel())  # (m, n)
        self.per_sample = list(per_sample)
        self.rows = torch.arange(len(x), device=x.device)
        self.t = torch.full((len(x),), t0, dtype=x.dtype, device=x.device)
        self.t1, self.sign = torch.full_like(self.t[:1], t1), 1.0 if t1 > t0 else -1.0
        self.out, self.error, self.out_error = self.y.clone(), torch.zeros_like(self.y), torch.zeros_like(self.y)
        self.rejected = self.stuck = torch.zeros_like(self.rows, dtype=torch.bool)
        self.nfe = torch.zeros_like(self.rows)
        if len(x) and t0 != t1:
            self.slope = self._slope(self.y, self.t)
            self.h = self._first_step()
            self.nfe += 2

    def attempt(self) -> Tensor:
        """One step of every sample, kept where the error allows; returns who has arrived, (m,)."""
        left = (self.t1 - self.t).abs()
        last = self.h >= left
        h = torch.minimum(self.h, left)
        t_new = torch.where(last, self.t1, self.t + self.sign * h)
        self.nfe[self.rows] += 6 * (left > 0)
        y_new, error, slope = self._step(self.sign * h, t_new)
        scale = self.atol + self.rtol * torch.maximum(self.y.abs(), y_new.abs())
        ratio = self.norm(error / scale)  # (m,)
        good = ratio <= 1  # NaN is not good
        self._resize(h, ratio, good, last)
        self.t = torch.where(good, t_new, self.t)
        self.y = torch.where(good[:, None], y_new, self.y)
        self.slope = torch.where(good[:, None], slope, self.slope)
        self.error += torch.where(good[:, None], error.abs(), 0)
        return good & last

    def _step(self, h: Tensor, t_new: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The seven stages: the new state, its local error, and the slope there."""
        slopes = [self.slope]
        for node, weights in zip(NODES[1:], STAGES[1:], strict=True):
            y = self.y + h[:, None] * _combine(weights, slopes)
            slopes.append(self._slope(y, t_new if node == 1 else self.t + node * h))
        return y, h[:, None] * _combine(ERROR, slopes), slopes[-1]

    def _resize(self, h: Tensor, ratio: Tensor, good: Tensor, last: Tensor) -> None:
        """The next step: no larger just after a rejection; stuck where t no longer moves."""
        factor = (SAFETY * ratio ** (-1 / 5)).nan_to_num(SHRINK).clamp(SHRINK, GROW)  # NaN: the step went too far
        factor = torch.where(good & ~self.rejected, factor, factor.clamp(max=1))
        self.h, self.rejected = h * factor, ~good
        resolution = 10 * torch.finfo(h.dtype).eps * self.t.abs()
        self.stuck = ~good & ~(self.h > resolution)

    def _first_step(self) -> Tensor:
        """A guess from the sizes of x, its slope and the slope's change; Hairer, Nørsett & Wanner 1993, II.4."""
        scale = self.atol + self.rtol * self.y.abs()
        left = (self.t1 - self.t).abs()
        d0, d1 = self.norm(self.y / scale), self.norm(self.slope / scale)
        h0 = torch.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1)
        h0 = torch.minimum(h0, left)
        ahead = self._slope(self.y + self.sign * h0[:, None] * self.slope, self.t + self.sign * h0)
        d2 = self.norm((ahead - self.slope) / scale) / h0
        steepest = torch.maximum(d1, d2)
        h1 = torch.where(steepest <= 1e-15, (h0 * 1e-3).clamp(min=1e-6), (0.01 / steepest) ** (1 / 5))
        return torch.minimum(torch.minimum(100 * h0, h1), left)

    def deliver(self, arrived: Tensor) -> None:
        """Stores the samples that have arrived and goes on without them."""
        rows, keep = self.rows[arrived], ~arrived
        self.out[rows], self.out_error[rows] = self.y[arrived], self.error[arrived]
        for name in ("rows", "y", "t", "h", "slope", "error", "rejected"):
            setattr(self, name, getattr(self, name)[keep])
        self.per_sample = [tensor[keep] for tensor in self.per_sample]

    def complaint(self, steps: int) -> str:
        where = self.t[self.stuck] if self.stuck.any() else self.t
        return (f"rk45 gave up after {steps} steps with {len(where)} of {len(self.out)} samples short of t1, the first "
                f"at t = {where[0].item():.4g}: fn is not finite there, or rtol and atol ask for more than "
                f"{self.y.dtype} and max_steps allow.")

    def _slope(self, y: Tensor, t: Tensor) -> Tensor:
        slope = self.fn(y.reshape(-1, *self.shape), t, *self.per_sample)
        if slope.shape != (len(y), *self.shape):
            raise ValueError(f"fn returned {tuple(slope.shape)} for x of shape {(len(y), *self.shape)}: tensors of one "
                             "row a sample go into per_sample (or set compact=False).")
        return slope.reshape(y.shape).to(y.dtype)

    @staticmethod
    def _tolerance(tol: float | Tensor, x: Tensor) -> Tensor:
        return torch.as_tensor(tol, dtype=x.dtype, device=x.device).expand(x.shape[1:]).reshape(1, -1)


def _combine(weights: Iterable[float], slopes: Sequence[Tensor]) -> Tensor:
    """Σ_i w_i·k_i, without a matrix product, which a GPU might round to TensorFloat-32."""
    total = torch.zeros_like(slopes[0])
    for weight, slope in zip(weights, slopes, strict=True):
        total.add_(slope, alpha=weight)
    return total


def heun(fn: Callable[..., Tensor], x: Tensor, times: Tensor | Sequence[float], *,
         per_sample: Sequence[Tensor] = ()) -> Solution:
    """Heun's trapezoidal steps, order 2, two evaluations each; the arguments are those of `rk4`."""
    def step(y: Tensor, t: float, h: float, slope: Callable[[Tensor, float], Tensor]) -> Tensor:
        k1 = slope(y, t)
        k2 = slope(y + h * k1, t + h)
        return y + h / 2 * (k1 + k2)

    return _run_fixed(step, 2, fn, x, times, per_sample)


def rk4(fn: Callable[..., Tensor], x: Tensor, times: Tensor | Sequence[float], *,
        per_sample: Sequence[Tensor] = ()) -> Solution:
    """The classical Runge–Kutta steps, order 4, four evaluations each.

    Args:
        fn: The slope, see above; called with all b samples at one time.
        x: (b, *) states at times[0].
        times: (n + 1,) grid, ascending or descending.
        per_sample: Tensors of b rows, passed on to fn.
    """
    def step(y: Tensor, t: float, h: float, slope: Callable[[Tensor, float], Tensor]) -> Tensor:
        k1 = slope(y, t)
        k2 = slope(y + h / 2 * k1, t + h / 2)
        k3 = slope(y + h / 2 * k2, t + h / 2)
        k4 = slope(y + h * k3, t + h)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return _run_fixed(step, 4, fn, x, times, per_sample)


@torch.no_grad()
def adams(fn: Callable[..., Tensor], x: Tensor, times: Tensor | Sequence[float], *,
          per_sample: Sequence[Tensor] = ()) -> Solution:
    """Adams' steps, order 3, one evaluation each and one to begin; Hairer, Nørsett & Wanner 1993, section III.1.

    Bashforth's formula predicts, the slope is taken there, Moulton's corrects. For its cost it looks at fn at two
    times (rk4) to four times (rk45) as many values of t, which a slope that is rough in t needs more than a high
    order. The first two steps are of orders 1 and 2 (2 and 3 when corrected), so the whole keeps order 3.
    The arguments are those of `rk4`; the grid may be uneven.
    """
    grid, slope = _on_grid(fn, times, per_sample)
    y, slopes = x, [slope(x, grid[0])]  # of the latest times, the last first
    for i, (t, t_next) in enumerate(zip(grid[:-1], grid[1:], strict=True), 1):
        nodes = grid[max(i - 3, 0):i + 1][::-1]
        predicted = y + _combine(_quadrature(nodes[1:], t, t_next), slopes)
        slopes = [slope(predicted, t_next), *slopes][:3]
        y = y + _combine(_quadrature(nodes[:3], t, t_next), slopes)
    return Solution(y, torch.full((len(x),), len(grid), device=x.device), torch.full_like(x, torch.nan))


def _quadrature(nodes: Sequence[float], t: float, t_next: float) -> list[float]:
    """Weights with which values at the nodes integrate polynomials exactly from t to t_next."""
    h = t_next - t
    s = (torch.tensor(nodes, dtype=torch.float64) - t) / h
    powers = torch.arange(len(nodes))
    return (h * torch.linalg.solve(s ** powers[:, None], 1 / (powers.double() + 1))).tolist()


@torch.no_grad()
def _run_fixed(step: Callable[..., Tensor], cost: int, fn: Callable[..., Tensor], x: Tensor,
           times: Tensor | Sequence[float], per_sample: Sequence[Tensor]) -> Solution:
    """Runs `step` over the grid."""
    grid, slope = _on_grid(fn, times, per_sample)
    y = x
    for t, t_next in zip(grid[:-1], grid[1:], strict=True):
        y = step(y, t, t_next - t, slope)
    nfe = torch.full((len(x),), cost * (len(grid) - 1), device=x.device)
    return Solution(y, nfe, torch.full_like(x, torch.nan))


def _on_grid(fn: Callable[..., Tensor], times: Tensor | Sequence[float],
             per_sample: Sequence[Tensor]) -> tuple[list[float], Callable[[Tensor, float], Tensor]]:
    """The grid, read once so that nothing waits for the device, and fn with all samples at one time."""
    def slope(y: Tensor, t: float) -> Tensor:
        return fn(y, torch.full((len(y),), t, dtype=y.dtype, device=y.device), *per_sample)

    return times.tolist() if isinstance(times, Tensor) else list(times), slope
