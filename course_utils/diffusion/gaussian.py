"""What all Gaussian paths share: conversions, the SDE and its reverse, written once from α, σ and their derivatives."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import numpy as np
import torch
from torch import Generator, Tensor

# What a network may predict. `v` is the turned pair (−σ, α) of Salimans & Ho 2022 on every path; `velocity` is the time
# derivative (α̇, σ̇), which on the rectified path is noise − x_start.
Kind = Literal["noise", "x_start", "v", "velocity", "score"]

TAKES_TIMES = {"alpha", "sigma", "alpha_dot", "sigma_dot", "beta", "f", "g"}  # a path's functions of one time


def as_tensor(values: Any) -> Tensor:
    """A tensor of numbers in any container: a number, list, range, array of any strides, tensor (left as it is)."""
    if isinstance(values, Tensor):
        return values
    values = np.asarray(values)
    return torch.from_numpy(values.astype(np.int64 if values.dtype.kind in "iu" else values.dtype))  # a copy


def as_indices(values: Any, what: str) -> Tensor:
    """int64 of integers of any type and container, an empty one too, to look up `what` by.

    Raises:
        ValueError: They are not integers. (Those that a bool or an unsigned byte stands for would be taken as a mask.)
    """
    indices = as_tensor(values)
    if indices.dtype == torch.bool or (indices.is_floating_point() or indices.is_complex()) and indices.numel():
        raise ValueError(f"{what} are looked up by integers, not by {indices.dtype}")
    return indices.long()


def _reading(method: Callable, read: Callable) -> Callable:
    """A path's function of one tensor, given also what `read(path, value)` makes a tensor of."""
    @wraps(method)
    def reading(self: GaussianPath, value: Any) -> Tensor:
        return method(self, read(self, value))

    return reading


class GaussianPath:
    """A path of Gaussians; a subclass writes α, σ, their derivatives and the inverse of the log-SNR.

    These take times as a tensor or a Python number, and refuse what lies outside of the path.

    Attributes:
        T: Time of pure noise.
        N: Steps of the chain that `discretize` speaks of when it is given one time.
        eps: Smallest time at which a stochastic or adaptive sampler should evaluate a network.
        clean: Time at which σ is 0 and α is 1.
        prior_std: Standard deviation of the noise at T.
        preserving: Whether α² + σ² = 1.
        smooth_variable: In which the path's flow is smooth, "time" or "log_snr".
    """

    T: float = 1.0
    N: int = 1000
    eps: float = 1e-3
    clean: float = 0.0
    prior_std: float = 1.0
    preserving: bool = False
    smooth_variable: Literal["time", "log_snr"] = "time"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in TAKES_TIMES & vars(cls).keys():
            setattr(cls, name, _reading(vars(cls)[name], lambda path, t: path.times(t)))
        if "inverse_log_snr" in vars(cls):
            cls.inverse_log_snr = _reading(cls.inverse_log_snr, lambda path, log_snr: as_tensor(log_snr))

    def __repr__(self) -> str:
        told = (f"{name}={value:g}" for name, value in vars(self).items() if isinstance(value, int | float))
        return f"{type(self).__name__}({', '.join(name for name in told if name[0] != '_')})"

    def config(self) -> dict[str, Any]:
        """The class's name and the constructor's arguments in plain values; `paths.from_config` reads them back."""
        file, name = type(self).__module__.rpartition(".")[2], type(self).__name__
        args = {arg: getattr(self, arg) for arg in inspect.signature(type(self)).parameters}
        return {"name": name if file == "paths" else f"{file}.{name}", **args}

    def alpha(self, t: Tensor) -> Tensor:
        """The weight of x_start at time t."""
        raise NotImplementedError

    def sigma(self, t: Tensor) -> Tensor:
        """The weight of the noise at time t."""
        raise NotImplementedError

    def alpha_dot(self, t: Tensor) -> Tensor:
        """dα/dt."""
        raise NotImplementedError

    def sigma_dot(self, t: Tensor) -> Tensor:
        """dσ/dt."""
        raise NotImplementedError

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        """The time at which `log_snr(t)` has this value."""
        raise NotImplementedError

    def log_snr(self, t: Tensor) -> Tensor:
        """log α²/σ², falling in t; DPM-Solver's λ is half of it (Kingma et al. 2021, eq. 3)."""
        return 2 * (self.alpha(t).log() - self.sigma(t).log())

    def f(self, t: Tensor) -> Tensor:
        """The drift's coefficient, α̇/α."""
        return self.alpha_dot(t) / self.alpha(t)

    def g(self, t: Tensor) -> Tensor:
        """The diffusion, g² = dσ²/dt − 2·f·σ²: what keeps the variance at σ² while the drift shrinks it."""
        sigma = self.sigma(t)
        return (2 * sigma * (self.sigma_dot(t) - self.f(t) * sigma)).sqrt()

    @property
    def step(self) -> float:
        """Time between two states of the chain of N steps."""
        return self.T / self.N

    def exact(self, t: Tensor | float) -> Tensor:
        """The path's times in float64: differences of coefficients lose half of float32's digits."""
        return off_mps(self.times(t)).double()

    def times(self, t: Tensor | float) -> Tensor:
        """Times as a tensor; a number becomes float64.

        Raises:
            TypeError: A tensor of integers, which are a chain's indices and mean nothing here.
            ValueError: Some lie outside of the path (not seen on a GPU, where to look is to wait for it).
        """
        t = t if isinstance(t, Tensor) else as_tensor(t).double()
        if not t.is_floating_point():
            raise TypeError(f"{type(self).__name__} runs from time 0 to {self.T:g}: give it floating point times, not "
                            f"the indices of a chain ({t.dtype})")
        return self.inside(t)

    def inside(self, t: Tensor) -> Tensor:
        """The same times; ValueError where one is NaN or lies outside of the path by more than float32 rounds."""
        if torch.compiler.is_compiling() or t.device.type != "cpu" or not t.numel():
            return t
        try:
            low, high = (end.item() for end in t.detach().aminmax())
        except RuntimeError:  # inside of vmap there are no values to look at
            return t
        slack = 1e-6 * max(1.0, self.T)
        if not (self.clean - slack <= low and high <= self.T + slack):
            raise ValueError(f"times of {type(self).__name__} lie between {self.clean:g} and {self.T:g}, not between "
                             f"{low:g} and {high:g}")
        return t

    def as_times(self, times: Tensor) -> Tensor:
        """A grid as plans keep it: float64."""
        return times.double()

    def nearest(self, times: Tensor) -> Tensor:
        """The nearest times at which a network may be evaluated: on a continuous path those given."""
        return times

    def transition(self, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """a and the standard deviation of x_t | x_s ~ N(a·x_s, std²), s < t, float64; exact for a linear SDE."""
        t, s = self.exact(t), self.exact(s)
        a = self.alpha(t) / self.alpha(s)
        # Rounding may leave −1e-18 where both variances are equal.
        return a, (self.sigma(t) ** 2 - (a * self.sigma(s)) ** 2).clamp_min(0).sqrt()

    def marginal_prob(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (b, *) and standard deviation, of t's shape, of x_t | x_start = x; Song et al. 2021b, eq. 29."""
        t = self.exact(t)
        return like(self.alpha(t), x) * x, cast(self.sigma(t), x)

    def add_noise(self, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """A draw of q(x_t | x_start); Ho et al. 2020, eq. 4.

        Args:
            x_start: (b, *) clean data.
            t: (b,) times.
            noise: (b, *) standard normal.
        """
        t = self.exact(t)
        alpha, sigma = (like(c(t), x_start) for c in (self.alpha, self.sigma))
        return alpha * x_start + sigma * noise

    def velocity(self, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """α̇·x_start + σ̇·noise, (b, *): the ODE's right-hand side for predictions, a flow's target for data."""
        return self.target(x_start, t, noise, "velocity")

    def target(self, x_start: Tensor, t: Tensor, noise: Tensor, kind: Kind) -> Tensor:
        """What a network that predicts `kind` should answer at `add_noise(x_start, t, noise)`: (b, *)."""
        c, d = (like(weight, x_start) for weight in self._weights(self.exact(t), kind))
        return c * x_start + d * noise

    def convert(self, value: Tensor, x_t: Tensor, t: Tensor, source: Kind, target: Kind) -> Tensor:
        """A prediction of one kind told as another, (b, *); not finite where x_t and the source do not give the target.

        Noise and score say nothing about x_start where α is 0, x_start nothing about the noise where σ is 0. There
        even a target that could be told without x_t is not finite.

        Args:
            value: (b, *) prediction of kind `source` at x_t.
            x_t: (b, *) noised data.
            t: (b,) times.
            source: Kind of `value`.
            target: Kind of the answer.
        """
        a, b = (like(weight, x_t) for weight in self.mixing(t, source, target))
        return a * x_t + b * value

    def mixing(self, t: Tensor, source: Kind, target: Kind) -> tuple[Tensor, Tensor]:
        """a and b of target = a·x_t + b·source, float64.

        With x_t = α·x_start + σ·noise and source = c·x_start + d·noise the pair is recovered through 1/(αd − σc). For
        v that is α² + σ², which is 1 on a variance-preserving path only.
        """
        t = self.exact(t)
        alpha, sigma = self.alpha(t), self.sigma(t)
        (c, d), (to_c, to_d) = (self._weights(t, kind) for kind in (source, target))
        determinant = alpha * d - sigma * c
        return (to_c * d - to_d * c) / determinant, (to_d * alpha - to_c * sigma) / determinant

    def _weights(self, t: Tensor, kind: Kind) -> tuple[Tensor, Tensor]:
        """c and d of kind = c·x_start + d·noise, float64, of t's shape."""
        zero = torch.zeros(t.shape, dtype=torch.float64, device=t.device)
        if kind == "noise":
            return zero, zero + 1
        if kind == "x_start":
            return zero + 1, zero
        if kind == "v":
            return -self.sigma(t), self.alpha(t)
        if kind == "velocity":
            return self.alpha_dot(t), self.sigma_dot(t)
        if kind == "score":
            return zero, -1 / self.sigma(t)
        raise ValueError(f"a prediction is one of noise, x_start, v, velocity, score, not {kind!r}")

    def sde(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Drift f(t)·x, (b, *), and diffusion g(t), of t's shape, of dx = f·x dt + g dw; Song et al. 2021b, eq. 5."""
        t = self.exact(t)
        return like(self.f(t), x) * x, cast(self.g(t), x)

    def discretize(self, x: Tensor, t: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """F (b, *) and G of the chain x_t = x + F + G·z that leads from s to t; Song et al. 2021b, eqs. 8 and 45.

        Exact (the paper steps sub-VP by Euler–Maruyama): for VE F = 0 and G² = σ_t² − σ_s², for VP F = √(1−β)·x − x and
        G = √β with β = 1 − α_t²/α_s². Only VP without s takes the paper's β = β(t)/N, which is about 1 % off that.

        Args:
            x: (b, *) state, (b,) times t.
            t: Times after the step.
            s: Times before it; one step of the chain of N steps earlier unless given.
        """
        t = self.exact(t)
        a, std = self.transition(t, (t - self.step).clamp_min(self.clean) if s is None else s)
        return like(a - 1, x) * x, cast(std, x)

    def reverse(self, score_fn: Callable[[Tensor, Tensor], Tensor], probability_flow: bool = False) -> Reverse:
        """The SDE that runs back to data, or the ODE with the same marginals; Song et al. 2021b, eqs. 6 and 13.

        Args:
            score_fn: ∇ log p_t(x) as a function of x (b, *) and t (b,).
            probability_flow: Whether to give the ODE.
        """
        return Reverse(self, score_fn, probability_flow)

    def prior_sampling(self, shape: tuple[int, ...], *, generator: Generator | None = None,
                       device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> Tensor:
        """Noise at time T, of `shape`: N(0, prior_std²)."""
        return torch.randn(shape, generator=generator, device=device, dtype=dtype) * self.prior_std

    def prior_logp(self, z: Tensor) -> Tensor:
        """Log-density of the noise at T in nats: (b, *) → (b,)."""
        z = z.flatten(1) if z.dim() > 1 else z[:, None]
        square = (z / self.prior_std).square().sum(1)
        return -0.5 * square - z.shape[1] * (0.5 * math.log(2 * math.pi) + math.log(self.prior_std))


@dataclass(frozen=True)
class Reverse:
    """A path's SDE in reverse: time still runs from 0 to T, a sampler steps by −dt."""

    path: GaussianPath
    score_fn: Callable[[Tensor, Tensor], Tensor]
    probability_flow: bool = False

    @property
    def T(self) -> float:
        """Time of pure noise."""
        return self.path.T

    @property
    def N(self) -> int:
        """Steps of the chain."""
        return self.path.N

    def sde(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Drift f·x − g²·score (half of the score's term for the ODE) and diffusion (0 for the ODE)."""
        drift, g = self.path.sde(x, t)
        return drift - self._pull(x, t, g), torch.zeros_like(g) if self.probability_flow else g

    def discretize(self, x: Tensor, t: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """F and G of x_s = x − F + G·z, the step back from t to s; Song et al. 2021b, eq. 46."""
        F, G = self.path.discretize(x, t, s)
        return F - self._pull(x, t, G), torch.zeros_like(G) if self.probability_flow else G

    def _pull(self, x: Tensor, t: Tensor, g: Tensor) -> Tensor:
        return (0.5 if self.probability_flow else 1) * like(g, x) ** 2 * self.score_fn(x, t)


def off_mps(t: Tensor) -> Tensor:
    """t, or its copy on the CPU when it lies on Apple's GPU, which has no float64."""
    return t.cpu() if t.device.type == "mps" else t


def cast(coefficient: Tensor, x: Tensor) -> Tensor:
    """A float64 coefficient in x's dtype, and then on x's device, which may have no float64."""
    return coefficient.to(x.dtype).to(x.device)


def like(coefficient: Tensor, x: Tensor) -> Tensor:
    """(b,) or () to (b, 1, …, 1) of x's rank and dtype, on its device.

    Raises:
        TypeError: x is of integers, in which every coefficient would be 0.
    """
    if not x.is_floating_point():
        raise TypeError(f"data must be floating point, not {x.dtype}: bring images to [-1, 1] first")
    return cast(coefficient, x).reshape(-1, *[1] * (x.dim() - 1))
