"""Gaussian paths: how data turns into noise, x_t = α(t)·x_start + σ(t)·noise.

    path = VP()                                  # or DiscreteVP(cosine_betas(200)), VE(), SubVP(), RectifiedFlow()
    x_t = path.add_noise(x_start, t, noise)
    score = path.convert(model(x_t, t), x_t, t, "noise", "score")

Data is at time 0 and noise at time T. Coefficients have the shape of t, which is () or (b,).
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.diffusion.gaussian import GaussianPath, Kind, Reverse, as_indices, as_tensor, cast, like, off_mps

__all__ = ["DiscreteVP", "GaussianPath", "Kind", "RectifiedFlow", "Reverse", "SubVP", "VE", "VP",
           "cosine_betas", "from_config", "linear_betas", "sigmoid_betas"]


def linear_betas(T: int) -> Tensor:
    """β from 1e-4 to 0.02, scaled by 1000/T so that ᾱ_T stays near 0: (T,) float64; Ho et al. 2020, section 4."""
    return torch.linspace(1e-4, 0.02, T, dtype=torch.float64).mul_(1000 / T).clamp_(0, 0.999)


def cosine_betas(T: int, s: float = 0.008) -> Tensor:
    """β of ᾱ(u) = cos²((u + s)/(1 + s)·π/2): (T,) float64; Nichol & Dhariwal 2021, eq. 17."""
    u = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    return _betas_of(torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2)


def sigmoid_betas(T: int, start: float = -3.0, end: float = 3.0, tau: float = 1.0) -> Tensor:
    """β of a sigmoid ᾱ between start and end: (T,) float64; Jabri et al. 2022, algorithm 1."""
    u = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    v_start, v_end = torch.sigmoid(torch.tensor([start / tau, end / tau], dtype=torch.float64))
    gamma = (v_end - torch.sigmoid((u * (end - start) + start) / tau)) / (v_end - v_start)
    return _betas_of(gamma)


def _betas_of(alpha_bar: Tensor) -> Tensor:
    """β_t = 1 − ᾱ_t/ᾱ_{t−1}, clipped at 0.999: at the end ᾱ reaches 0, and nothing could be divided by it."""
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp_(0, 0.999)


def _schedules() -> dict[str, Callable[[int], Tensor]]:
    """This file's schedules by name: "cosine" is `cosine_betas`."""
    return {name.removesuffix("_betas"): made for name, made in globals().items() if name.endswith("_betas")}


class _Decaying(GaussianPath):
    """Paths on which x_start decays by ½β(t): α = exp(−B/2) with B = ∫β; a subclass writes β, B and B's inverse."""

    def beta(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def integral(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def alpha(self, t: Tensor) -> Tensor:
        """exp(−B/2)."""
        return torch.exp(-0.5 * self.integral(t))

    def alpha_dot(self, t: Tensor) -> Tensor:
        return -0.5 * self.beta(t) * self.alpha(t)

    def f(self, t: Tensor) -> Tensor:
        """−β/2."""
        return -0.5 * self.beta(t)


class _Preserving(_Decaying):
    """α² + σ² = 1; σ̇ is infinite at time 0, where σ starts like √t."""

    preserving = True

    def sigma(self, t: Tensor) -> Tensor:
        """√(1 − exp(−B))."""
        return (-torch.expm1(-self.integral(t))).sqrt()  # expm1 keeps the digits that 1 − ᾱ loses near t = 0

    def sigma_dot(self, t: Tensor) -> Tensor:
        return 0.5 * self.beta(t) * torch.exp(-self.integral(t)) / self.sigma(t)

    def g(self, t: Tensor) -> Tensor:
        """√β."""
        return self.beta(t).sqrt()


class _LinearBeta(_Decaying):
    """β(t) from β_min at 0 to β_max at 1, a straight line."""

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0, N: int = 1000):
        self.beta_min, self.beta_max, self.N = beta_min, beta_max, N

    def beta(self, t: Tensor) -> Tensor:
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def integral(self, t: Tensor) -> Tensor:
        return t * (self.beta_min + 0.5 * t * (self.beta_max - self.beta_min))

    def _time_of(self, integral: Tensor) -> Tensor:
        """The root of ½Δt² + β_min·t = B, in the form that does not cancel."""
        root = (self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * integral).sqrt()
        return 2 * integral / (self.beta_min + root)


class VP(_LinearBeta, _Preserving):
    """The variance-preserving SDE, dx = −½β(t)x dt + √β(t) dw; Song et al. 2021b, eq. 11, appendix C.

    Plans on this path take exact transitions over any grid. The paper's predictors step with β_i = β(t_i)/N: those are
    the same plans on `chain()`, where the model sees the index i = (N−1)·t.

    Args:
        beta_min: β at time 0.
        beta_max: β at time 1.
        N: Steps of `discretize` and `chain`.
    """

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        return self._time_of(torch.nn.functional.softplus(-log_snr))  # B = −log α² = −log sigmoid(log-SNR)

    def discretize(self, x: Tensor, t: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """F and G as in every path; without s the chain's own, √(1−β_i)·x − x and √β_i with β_i = β(t)/N (eq. 10)."""
        if s is not None:
            return super().discretize(x, t, s)
        beta = self.beta(self.exact(t)) / self.N
        return like((1 - beta).sqrt() - 1, x) * x, cast(beta.sqrt(), x)

    def chain(self) -> DiscreteVP:
        """The DDPM chain of N steps with β_i = β(t_i)/N, t_i = i/(N−1); Song et al. 2021b, appendix C."""
        return DiscreteVP(torch.linspace(self.beta_min, self.beta_max, self.N, dtype=torch.float64) / self.N)


class SubVP(_LinearBeta):
    """The sub-VP SDE, with α of VP and σ = 1 − α², so less noise than VP's; Song et al. 2021b, eq. 12, appendix B.

    Args:
        beta_min: β at time 0.
        beta_max: β at time 1.
        N: Steps of `discretize`.
    """

    def sigma(self, t: Tensor) -> Tensor:
        """1 − exp(−B)."""
        return -torch.expm1(-self.integral(t))

    def sigma_dot(self, t: Tensor) -> Tensor:
        return self.beta(t) * torch.exp(-self.integral(t))

    def g(self, t: Tensor) -> Tensor:
        """√(β·(1 − exp(−2B)))."""
        return (self.beta(t) * -torch.expm1(-2 * self.integral(t))).sqrt()

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        r = torch.exp(0.5 * log_snr)  # α/σ = α/(1 − α²): a quadratic in α
        sigma = 2 / (1 + (1 + 4 * r**2).sqrt())
        # B = −log(1 − σ) cancels where σ is near 1, −2 log α where α is.
        return self._time_of(torch.where(r > 1, -torch.log1p(-sigma), -2 * (r * sigma).log()))


class DiscreteVP(_Preserving):
    """The DDPM chain of T noise steps; index t = 0…T−1 already carries t + 1 of them (Ho et al. 2020).

    Integer times are the chain's; −1 is clean data. Between them log ᾱ is a straight line, so that an ODE may run
    through it; derivatives are per index, and jump there in time, but not in log-SNR.

    Args:
        betas: (T,) variances of the steps, in [0, 1).

    Raises:
        ValueError: A variance lies outside.
    """

    eps = 0.0
    clean = -1.0
    step = 1
    smooth_variable = "log_snr"

    def __init__(self, betas: Tensor):
        self.betas = torch.as_tensor(betas, dtype=torch.float64).clone()
        if self.betas.dim() != 1 or not ((self.betas >= 0) & (self.betas < 1)).all():
            raise ValueError("betas are one variance in [0, 1) for each step: this many steps may be too few for them")
        self.alphas_cumprod = torch.cumprod(1 - self.betas, dim=0)
        self.N = len(betas)
        self.T = float(self.N - 1)
        integral = -torch.log1p(-self.betas).cumsum(0)
        self._integral = torch.cat([integral.new_zeros(1), integral])  # B at −1, 0, …, T−1
        self._copies: dict[torch.device, Tensor] = {}

    def __len__(self) -> int:
        return self.N

    def config(self) -> dict[str, Any]:
        """The schedule's name and the number of steps, or the variances where they are of no schedule of this file."""
        for name, schedule in _schedules().items():
            if torch.equal(schedule(self.N), self.betas.cpu()):
                return {"name": "DiscreteVP", "schedule": name, "timesteps": self.N}
        return {"name": "DiscreteVP", "betas": self.betas.tolist()}

    @classmethod
    def from_args(cls, betas: list[float] | None = None, schedule: str = "", timesteps: int = 0) -> DiscreteVP:
        """The chain of these variances, or of a schedule's name and number of steps."""
        if betas is not None:
            return cls(torch.tensor(betas, dtype=torch.float64))
        schedules = _schedules()
        if schedule not in schedules:
            raise ValueError(f"There is no schedule {schedule or 'without a name'}; there are: {', '.join(schedules)}.")
        return cls(schedules[schedule](timesteps))

    def integral(self, t: Tensor) -> Tensor:
        """B = −log ᾱ_t, float64."""
        t = off_mps(t)
        i, table = self._index(t), self._table(t)
        return table[i + 1] + (t - i) * (table[i + 1] - table[i])

    def beta(self, t: Tensor) -> Tensor:
        """The rate at which log ᾱ falls, float64: −log(1 − β_i) from i − 1 to i, at an index the mean of both sides.

        One side's alone is the rate half an index away: with it a sampler of order 2 converges to another flow.
        """
        t = off_mps(t)
        i, table = self._index(t), self._table(t)
        ahead = torch.where(t == i, i + 1, i).clamp(max=self.N - 1)
        return 0.5 * (table[i + 1] - table[i] + table[ahead + 1] - table[ahead])

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        """The (broken) index, float64."""
        integral = torch.nn.functional.softplus(-off_mps(log_snr).double())
        table = self._table(integral)
        i = torch.searchsorted(table, integral).clamp(1, self.N)
        return i - 1 + (integral - table[i]) / (table[i] - table[i - 1])

    def _index(self, t: Tensor) -> Tensor:
        """The i with t in (i − 1, i]."""
        return t.ceil().long().clamp(0, self.N - 1) if t.is_floating_point() else t.clamp_min(0)

    def exact(self, t: Tensor | float) -> Tensor:
        """Broken indices in float64; integers stay."""
        t = off_mps(self.times(t))
        return t.double() if t.is_floating_point() else t

    def as_times(self, times: Tensor) -> Tensor:
        """Indices as int64; broken ones in float64."""
        return times.double() if times.is_floating_point() else times.long()

    def nearest(self, times: Tensor) -> Tensor:
        """The nearest indices with the same ends, all different: neighbours that fall together are pushed apart.

        Raises:
            ValueError: More times than there are indices between the ends.
        """
        rising, i = times.flip(0).round().long().clamp_min(0), torch.arange(len(times))
        if len(times) > rising[-1] - rising[0] + 1:
            raise ValueError(f"{len(times)} steps are more than the chain has: {rising[-1] - rising[0] + 1}")
        pushed = (rising - i).cummax(0).values + i
        return torch.minimum(pushed, rising[-1] - i.flip(0)).flip(0)  # back below the last one

    def times(self, t: Tensor | float) -> Tensor:
        """Indices as int64, whatever integers they are given as; broken ones stay floating point."""
        t = as_tensor(t)
        return self.inside(t if t.is_floating_point() else as_indices(t, "the steps of a chain"))

    def _table(self, t: Tensor) -> Tensor:
        if t.device not in self._copies:
            self._copies[t.device] = self._integral.to(t.device)  # once a device, not once a call
        return self._copies[t.device]


class VE(GaussianPath):
    """The variance-exploding SDE, σ(t) = σ_min·(σ_max/σ_min)^t and α = 1; Song et al. 2021b, eq. 9, appendix C.

    At time 0 the data still carries noise of σ_min; any negative time is clean data, as σ_{−1} = 0 is in the chain.

    Args:
        sigma_min: σ at time 0.
        sigma_max: σ at time 1, the standard deviation of the prior.
        N: Noise levels of the chain, σ_min and σ_max among them.
    """

    eps = 1e-5
    clean = -1.0

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 50.0, N: int = 1000):
        self.sigma_min, self.sigma_max, self.N = sigma_min, sigma_max, N
        self.prior_std = sigma_max
        self._log_ratio = math.log(sigma_max / sigma_min)

    @property
    def step(self) -> float:
        """N levels lie 1/(N−1) apart."""
        return 1 / (self.N - 1)

    def alpha(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        # A float32 grid may miss 0 by a rounding error, which is not yet clean data: hence −1e-6.
        return torch.where(t < -1e-6, 0.0, self.sigma_min * torch.exp(self._log_ratio * t))

    def alpha_dot(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return self._log_ratio * self.sigma(t)

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        return (-0.5 * log_snr - math.log(self.sigma_min)) / self._log_ratio


class RectifiedFlow(GaussianPath):
    """The straight path x_t = (1 − t)·x_start + t·noise; Liu et al. 2023, eq. 1, with time turned round.

    The velocity is noise − x_start at every t; f = −1/(1−t) and g² = 2t/(1−t) are infinite at t = 1, so stochastic
    samplers begin at 1 − eps.
    """

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - t

    def sigma(self, t: Tensor) -> Tensor:
        return t.clone()

    def alpha_dot(self, t: Tensor) -> Tensor:
        return -torch.ones_like(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def inverse_log_snr(self, log_snr: Tensor) -> Tensor:
        return torch.sigmoid(-0.5 * log_snr)


def from_config(config: dict[str, Any]) -> GaussianPath:
    """The path that wrote this config, found by its class's name: `VP` in this file, `file.Name` in one beside it.

    Raises:
        ValueError: There is no such path or schedule, or the path is not made of these arguments.
    """
    args = dict(config)
    asked = args.pop("name", None)
    file, _, name = str(asked).rpartition(".")
    known = _paths_in(file or "paths")
    if name not in known:
        raise ValueError(f"There is no path {asked}; there are: {', '.join(known or _paths_in('paths'))}.")
    make = getattr(known[name], "from_args", known[name])
    try:
        inspect.signature(make).bind(**args)
    except TypeError as e:
        raise ValueError(f"The path {name} takes {', '.join(inspect.signature(make).parameters)}: {e}.") from None
    return make(**args)


def _paths_in(file: str) -> dict[str, type[GaussianPath]]:
    """The paths of a file of this folder by name; none where there is no such file."""
    from course_utils import diffusion

    if file not in {module.name for module in pkgutil.iter_modules(diffusion.__path__)}:
        return {}
    module = importlib.import_module(f"{diffusion.__name__}.{file}")
    classes = (c for c in vars(module).values() if isinstance(c, type) and issubclass(c, GaussianPath))
    return {c.__name__: c for c in classes if c.__module__ == module.__name__ and c.__name__[0] != "_"}
