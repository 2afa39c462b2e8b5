"""Likelihood by the probability flow: data is carried to noise, and the change of volume is added up on the way.

    result = log_likelihood(model, x, path, prediction="noise", divergence="exact")
    result.logp, bits_per_dim(result.logp, x[0].numel())

dx/dt = α̇·x̂_start + σ̇·ε̂ has the same marginals as the path's SDE, is finite everywhere, and is invertible; along it
d log p/dt = −∇·(dx/dt) (Song et al. 2021b, section 4.3 and appendix D; Chen et al. 2018, theorem 1). Data is at t_min,
noise at t_max. What comes out is the density that the flow pushes from the prior: where x at t_max is not quite the
prior's noise, that is not quite the data's own. And it is the density at t_min, where data carries noise already: a
chain's index 0 is one step of it, so give `path.add_noise(x, t_min, noise)` there unless that is what you ask about.

A model is called as `model(x, t)` with x (m, *) and t (m,), and must treat the samples independently (a divergence
taken through batch statistics would be wrong). It runs in evaluation mode, as a sampler's does (`guidance.evaluating`
says which networks that finds). What belongs to a sample, a condition say, it may hold itself; given as `per_sample`
instead, `model(x, t, *per_sample)`, it lets rk45 leave out the samples that have arrived:

    log_likelihood(lambda x, t, c: unet(x, t, {"text_emb": c}), x, path, per_sample=[text_emb])

`Solver("adams", steps=40)` tells bits/dim of the course's digits to 0.005, in 41 evaluations of the network. Between
the times it was trained at a network is rough in t, so it has to be asked at many of them; rk45 takes more evaluations
for the same accuracy, and at a loose tolerance accepts steps whose errors it did not see. For single pixels to return
from `encode` and `decode`, a round trip needs more steps than a likelihood does. A convolutional network is evaluated
faster after `model.to(memory_format=torch.channels_last)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from course_utils.diffusion import solvers
from course_utils.diffusion.flow import Field, Variable, ends_in, probability_flow
from course_utils.diffusion.guidance import evaluating
from course_utils.diffusion.paths import GaussianPath, Kind
from course_utils.diffusion.solvers import Solution


class Likelihood(NamedTuple):
    """What `log_likelihood` found for each sample.

    Attributes:
        logp: (b,) log-density in nats, the mean over the probes.
        z: (b, *) the noise that the sample was carried to.
        nfe: (b,) int64, evaluations of the model.
        error: (b,) estimated error of the solver in logp, in nats: the local errors of the divergence and of z, summed
            in absolute value. Not a bound, since an early error grows where the flow spreads; NaN for fixed steps.
        stderr: (b,) standard error of the mean over the probes: 0 for the exact divergence, NaN for a single probe.
    """

    logp: Tensor
    z: Tensor
    nfe: Tensor
    error: Tensor
    stderr: Tensor


@dataclass(frozen=True)
class Solver:
    """How the flow is integrated.

    Attributes:
        method: "rk45" (adaptive, each sample with its own steps), or "heun", "rk4" or "adams" on a uniform grid.
        rtol: Relative error allowed in a step of rk45.
        atol: Absolute error allowed in a step; for logp it is counted per dimension.
        bits_tol: Error in bits/dim allowed to logp in a step, instead of atol and rtol: what a plot can show, 1e-3, is
            far less work than what a state may need.
        together: One step for all samples, its error the root mean square over them. Of a rough flow (a network between
            the times it was trained at) that is more accurate for as many evaluations: a step of one sample's own is
            taken where its estimate happens to be small. No sample then stops earlier than the others.
        steps: Of the fixed methods.
        variable: "time" or "log_snr". Time unless given, which takes fewer evaluations on continuous paths; for a
            DiscreteVP the log-SNR, in which its flow is smooth: in time its rates jump at every index.
        t_min: Time of the data; the path's `eps` unless given.
        t_max: Time of the noise; the path's `T` unless given.
    """

    method: Literal["rk45", "heun", "rk4", "adams"] = "rk45"
    rtol: float = 1e-5
    atol: float = 1e-5
    bits_tol: float | None = None
    together: bool = False
    steps: int = 50
    variable: Variable | None = None
    t_min: float | None = None
    t_max: float | None = None

    def __post_init__(self):
        if self.method not in ("rk45", "heun", "rk4", "adams") or self.variable not in ("time", "log_snr", None):
            raise ValueError(f"method is rk45, heun, rk4 or adams and variable time or log_snr, not {self.method!r} "
                             f"and {self.variable!r}.")
        if self.steps < 1:
            raise ValueError(f"a fixed method takes 1 step or more, not {self.steps}.")

    def field(self, model: Field, path: GaussianPath, prediction: Kind) -> tuple[Field, float, float]:
        """The flow in the chosen variable, and where data and noise are in it."""
        times = (path.eps if self.t_min is None else self.t_min, path.T if self.t_max is None else self.t_max)
        if not times[0] < times[1]:
            raise ValueError(f"Data is at the smaller time: t_min = {times[0]} is not below t_max = {times[1]}.")
        variable = self.variable or path.smooth_variable
        return probability_flow(model, path, prediction, variable), *ends_in(path, variable, times)

    def run(self, fn: Field, y: Tensor, begin: float, end: float, per_sample: Sequence[Tensor], **adaptive) -> Solution:
        """Integrates fn; `adaptive` adds to what rk45 is given."""
        if self.method != "rk45":
            times = torch.linspace(begin, end, self.steps + 1, dtype=torch.float64)
            return getattr(solvers, self.method)(fn, y, times, per_sample=per_sample)
        options = {"rtol": self.rtol, "atol": self.atol} | adaptive
        return solvers.rk45(fn, y, begin, end, per_sample=per_sample, **options)


def log_likelihood(model: Field, x: Tensor, path: GaussianPath, *, prediction: Kind = "noise",
                   divergence: Literal["exact", "rademacher", "gaussian"] = "rademacher", probes: int = 1,
                   solver: Solver | None = None, per_sample: Sequence[Tensor] | None = None,
                   generator: Generator | None = None) -> Likelihood:
    """Log-density of x under the model's probability flow; Song et al. 2021b, eq. 39.

    Args:
        model: Predicts `prediction`.
        x: (b, *) data, as the model was trained on it; for images with noise of `dequantize`.
        path: The path of the model.
        prediction: What the model predicts.
        divergence: "exact" (one vector–Jacobian product a dimension: for low dimension), else Hutchinson's estimate
            with probes of this law, drawn once and kept along the way (Grathwohl et al. 2019).
        probes: Probes a sample; each costs one more product an evaluation, none a forward pass.
        solver: How to integrate.
        per_sample: Tensors of b rows that the model takes after t. Given, even without any, a sample that has arrived
            costs nothing more; None lets rk45 evaluate all b to the end, as a model with a condition of its own needs.
        generator: Of the probes, on x's device.
    """
    solver, dims = solver or Solver(), x.shape[1:].numel()
    k = 1 if divergence == "exact" else probes
    eps = None if divergence == "exact" else draw_probes(x, probes, divergence, generator)
    field, data, noise = solver.field(model, path, prediction)
    rows = [*(per_sample or ())] if eps is None else [eps, *(per_sample or ())]
    y = torch.cat([x.reshape(len(x), dims), x.new_zeros(len(x), k)], dim=1)  # (b, d + k)
    slope = partial(_augment, field, x.shape[1:], eps is None)
    with evaluating(model):
        end = solver.run(slope, y, data, noise, rows, compact=per_sample is not None, **_tolerances(solver, x, k))
    z, volumes = end.x[:, :dims], end.x[:, dims:]
    logp = path.prior_logp(z) + volumes.mean(1)
    of_prior = (end.error[:, :dims] * z / path.prior_std**2).abs().sum(1)  # δz times the slope of the prior's logarithm
    error = end.error[:, dims:].mean(1) + of_prior
    if eps is None:
        stderr = torch.zeros_like(logp)
    else:
        stderr = volumes.std(1) / math.sqrt(k) if k > 1 else torch.full_like(logp, torch.nan)
    return Likelihood(logp, z.reshape(x.shape), end.nfe, error, stderr)


def encode(model: Field, x: Tensor, path: GaussianPath, *, prediction: Kind = "noise", solver: Solver | None = None,
           per_sample: Sequence[Tensor] | None = None) -> Solution:
    """Carries data x (b, *) to the noise that decodes to it, in `.x`; the arguments are those of `log_likelihood`."""
    return _carry(model, x, path, prediction, solver or Solver(), per_sample, back=False)


def decode(model: Field, z: Tensor, path: GaussianPath, *, prediction: Kind = "noise", solver: Solver | None = None,
           per_sample: Sequence[Tensor] | None = None) -> Solution:
    """Carries noise z (b, *) to data, in `.x`: the way back of `encode`."""
    return _carry(model, z, path, prediction, solver or Solver(), per_sample, back=True)


def _carry(model: Field, x: Tensor, path: GaussianPath, prediction: Kind, solver: Solver,
           per_sample: Sequence[Tensor] | None, back: bool) -> Solution:
    field, data, noise = solver.field(model, path, prediction)
    with evaluating(model):
        return solver.run(field, x, *((noise, data) if back else (data, noise)), per_sample or (),
                          compact=per_sample is not None)


def _augment(field: Field, shape: torch.Size, exact: bool, y: Tensor, t: Tensor, *rows: Tensor) -> Tensor:
    """The slope of (x, ∫∇·field): (m, d + k) to (m, d + k), with the probes as the first of the rows."""
    x = y[:, :shape.numel()].reshape(-1, *shape)
    slope, div = (exact_divergence(field, x, t, *rows) if exact
                  else hutchinson_divergence(field, x, t, rows[0], *rows[1:]))
    return torch.cat([slope.reshape(len(x), -1), div.reshape(len(x), -1)], dim=1)


@torch.inference_mode(False)
def exact_divergence(fn: Field, x: Tensor, t: Tensor, *per_sample: Tensor) -> tuple[Tensor, Tensor]:
    """fn(x, t), (b, *), and its divergence, (b,): one forward pass, one vector–Jacobian product a dimension."""
    slope, x = _with_graph(fn, x, t, per_sample)
    dims = x.shape[1:].numel()
    div = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for i in range(dims):
        axis = torch.zeros(len(x), dims, dtype=x.dtype, device=x.device)
        axis[:, i] = 1
        row, = torch.autograd.grad(slope, x, axis.reshape(x.shape), retain_graph=i + 1 < dims)
        div += row.reshape(len(x), dims)[:, i]
    return slope.detach(), div


@torch.inference_mode(False)
def hutchinson_divergence(fn: Field, x: Tensor, t: Tensor, eps: Tensor, *per_sample: Tensor) -> tuple[Tensor, Tensor]:
    """fn(x, t), (b, *), and the estimates εᵀ(∂fn/∂x)ε, (b, k): one forward pass, k vector–Jacobian products.

    Its mean over ε is the divergence; Hutchinson 1990, Skilling 1989.

    Args:
        fn: The field.
        x: (b, *) states.
        t: (b,) times.
        eps: (b, k, *) probes of `draw_probes`.
        per_sample: Passed on to fn.
    """
    if eps.shape[:1] + eps.shape[2:] != x.shape:
        raise ValueError(f"eps of shape {tuple(eps.shape)} holds no probes for x of {tuple(x.shape)}: it is (b, k, *)")
    slope, x = _with_graph(fn, x, t, per_sample)
    k = eps.shape[1]
    estimates = []
    for i in range(k):
        product, = torch.autograd.grad(slope, x, eps[:, i], retain_graph=i + 1 < k)
        estimates.append((product * eps[:, i]).reshape(len(x), -1).sum(1))
    return slope.detach(), torch.stack(estimates, dim=1)


def _with_graph(fn: Field, x: Tensor, t: Tensor, per_sample: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """fn(x, t) with the graph back to a copy of x, also where the caller records nothing."""
    x, t, *per_sample = (given.detach().clone() for given in (x, t, *per_sample))
    with torch.enable_grad():
        slope = fn(x.requires_grad_(), t, *per_sample)
    if not slope.requires_grad:
        raise ValueError("fn records no gradient of x, so its divergence cannot be taken (one that is constant in x "
                         "can add 0·x)")
    return slope, x


def draw_probes(x: Tensor, k: int, law: Literal["rademacher", "gaussian"] = "rademacher",
                generator: Generator | None = None) -> Tensor:
    """k probes a sample, (b, k, *): independent, mean 0, variance 1; ±1 for "rademacher", which varies less."""
    if k < 1:
        raise ValueError(f"Hutchinson's estimate takes 1 probe or more, not {k}.")
    shape = (len(x), k, *x.shape[1:])
    if law == "gaussian":
        return torch.randn(shape, generator=generator, dtype=x.dtype, device=x.device)
    if law != "rademacher":
        raise ValueError(f'a divergence is "exact", "rademacher" or "gaussian", not {law!r}.')
    return torch.randint(2, shape, generator=generator, device=x.device).to(x.dtype) * 2 - 1


def _tolerances(solver: Solver, x: Tensor, k: int) -> dict:
    """What rk45 allows (x, k divergences), and the norm that looks at the two apart."""
    dims = x.shape[1:].numel()
    volume = (solver.rtol, dims * solver.atol) if solver.bits_tol is None else (0, dims * math.log(2) * solver.bits_tol)
    rtol, atol = (torch.tensor([of_x] * dims + [of_volume] * k, dtype=torch.float64)
                  for of_x, of_volume in zip((solver.rtol, solver.atol), volume, strict=True))

    def norm(ratio: Tensor) -> Tensor:
        # One number among hundreds of pixels would be lost in their mean square.
        of_x, of_volumes = solvers.rms(ratio[:, :dims]), ratio[:, dims:].abs().amax(1)
        return torch.maximum(_share(of_x), _share(of_volumes)) if solver.together else torch.maximum(of_x, of_volumes)

    return {"rtol": rtol, "atol": atol, "norm": norm}


def _share(norms: Tensor) -> Tensor:
    """The samples' root mean square, for each of them."""
    return solvers.rms(norms[None]).expand(len(norms))


def bits_per_dim(logp: Tensor, dims: int, data_range: tuple[float, float] = (-1.0, 1.0), levels: int = 256) -> Tensor:
    """Bits for each of `dims` entries of an image of integer levels, from the density of the dequantized image.

    A level is a cell of width (high − low)/levels, and its probability is the density times the width:
    −log p/(dims·ln 2) + log₂(levels/(high − low)). For 256 levels the offset is 7 on [-1, 1] and 8 on [0, 1].

    Args:
        logp: (b,) log-density in nats of x in `data_range`.
        dims: Entries of an image.
        data_range: What the smallest and the largest level's outer edges were mapped to.
        levels: Of an entry.
    """
    low, high = data_range
    return -logp / (dims * math.log(2)) + math.log2(levels / (high - low))


def dequantize(images: Tensor, noise: Tensor, data_range: tuple[float, float] = (-1.0, 1.0),
               levels: int = 256) -> Tensor:
    """Spreads each level evenly over its cell, so that the density bounds the levels' probability; Theis et al. 2016.

    Args:
        images: (b, *) in [0, 1], on the grid i/(levels − 1).
        noise: (b, *) uniform in [0, 1).
        data_range: Range of the answer.
        levels: Of an entry.
    """
    low, high = data_range
    return low + (high - low) * ((images * (levels - 1)).round() + noise) / levels
