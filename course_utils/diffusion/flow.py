"""The probability flow of a model, in time or in log-SNR: what `sample_ode` and the likelihood integrate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from course_utils.diffusion.gaussian import cast, like, off_mps
from course_utils.diffusion.paths import GaussianPath, Kind

Field = Callable[..., Tensor]  # fn(x, t, *per_sample), (m, *) to (m, *)
Variable = Literal["time", "log_snr"]


def probability_flow(model: Field, path: GaussianPath, prediction: Kind = "noise",
                     variable: Variable = "time") -> Field:
    """dx/dt = α̇·x̂_start + σ̇·ε̂ as a function of x (b, *) and t (b,); Song et al. 2021b, eq. 13.

    In λ = log α²/σ² it is dx/dλ = (dx/dt)/λ̇ with λ̇ = 2(α̇/α − σ̇/σ), a function of x and λ. Coefficients are float64;
    they and λ̇ are taken at the same t, for at an index of a chain they jump.

    Args:
        model: Predicts `prediction`, called as `model(x, t, *rows)` with t in x's dtype.
        path: The path of the model.
        prediction: What the model predicts.
        variable: Of the function.

    Raises:
        ValueError: A divergence is asked for, and the model records no gradient: it would be left out of it.
    """
    def slope(x: Tensor, u: Tensor, *rows: Tensor) -> Tensor:
        t = u if variable == "time" else path.inverse_log_snr(off_mps(u).double())
        of_x, of_out = path.mixing(t, prediction, "velocity")
        if variable == "log_snr":
            rate = 2 * (path.alpha_dot(t) / path.alpha(t) - path.sigma_dot(t) / path.sigma(t))
            of_x, of_out = of_x / rate, of_out / rate
        out = model(x, cast(t, x), *rows)
        if x.requires_grad and torch.is_grad_enabled() and not out.requires_grad:
            raise ValueError("the model records no gradient of x, which its divergence needs: call the network itself, "
                             "without no_grad or Fast (one that is constant in x can add 0·x)")
        return like(of_x, x) * x + like(of_out, x) * out

    return slope


def ends_in(path: GaussianPath, variable: Variable, times: tuple[float, float]) -> tuple[float, float]:
    """Two times told in the variable.

    Raises:
        ValueError: The log-SNR is infinite there.
    """
    if variable == "time":
        return times
    ends = path.log_snr(torch.tensor(times, dtype=torch.float64))
    if not ends.isfinite().all():
        raise ValueError(f"The log-SNR is infinite at time {times[0]} or {times[1]}: move it inwards.")
    return tuple(ends.tolist())
