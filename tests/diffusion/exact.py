"""Paths, a density whose every noised marginal is known, and what the exact answers are."""

from __future__ import annotations

import math

import torch

from course_utils.data import Mixture
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, SubVP, cosine_betas
from course_utils.diffusion.plans import (
    times_log_snr,
    times_quadratic,
    times_uniform,
)

PATHS = {"vp": VP(), "sub_vp": SubVP(), "ve": VE(0.01, 10), "rectified": RectifiedFlow(),
         "chain": DiscreteVP(cosine_betas(400))}
CONTINUOUS = [name for name in PATHS if name != "chain"]
GRIDS = [times_uniform, times_quadratic, times_log_snr]
PAIR = Mixture(torch.tensor([[-1.5], [0.5]], dtype=torch.float64), 0.3, torch.tensor([0.3, 0.7], dtype=torch.float64))


class Exact:
    """The best prediction of any kind for a mixture's data: E[x_start | x_t] is known in closed form."""

    def __init__(self, path, density=PAIR, kind="x_start"):
        self.path, self.density, self.kind, self.calls = path, density, kind, 0

    def __call__(self, x, t, model_kwargs=None):
        self.calls += 1
        return self.density.model(self.path, self.kind)(x, t)


def cdf(density, x):
    """Of a mixture on the line: (n,) to (n,)."""
    z = (x[:, None] - density.means[:, 0]) / (density.std * math.sqrt(2))
    return 0.5 * (1 + torch.erf(z)) @ density.weights


def carried(path, x, start, end):
    """Where the ODE carries points of the line from start to end: it is monotone, so it keeps quantiles."""
    ends = [PAIR.noised(*(c(torch.tensor(t, dtype=torch.float64)).item() for c in (path.alpha, path.sigma)))
            for t in (start, end)]
    low, high = torch.full_like(x, -60.0), torch.full_like(x, 60.0)
    for _ in range(80):
        middle = (low + high) / 2
        below = cdf(ends[1], middle) < cdf(ends[0], x)
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return low


def distance(samples, density=PAIR):
    """Kolmogorov's √n·sup|F_n − F|: above 1.95 once in a thousand for true samples."""
    n = len(samples)
    below = cdf(density, samples.flatten().double().sort().values)
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    return math.sqrt(n) * torch.maximum((below - steps[:-1]).abs().max(), (below - steps[1:]).abs().max()).item()


def noise(path, n=3000, seed=0, d=1):
    return path.prior_sampling((n, d), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
