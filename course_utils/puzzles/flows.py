"""Notebook 10: points that followed the probability flow, or DDIM, with a slip."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.densities import Mixture
from course_utils.diffusion import solvers
from course_utils.diffusion.gaussian import GaussianPath, like

STEPS, END = 40, 1e-3


@torch.no_grad()
def slipped_flows(density: Mixture, path: GaussianPath, noise: Tensor) -> dict[str, Tensor]:
    """Points (b, 2) of three people who went from the same noise, each with another slip.

    Args:
        density: Of the data, whose scores are exact.
        path: A variance-preserving one.
        noise: (b, 2).
    """
    score, noise_pred = density.model(path, "score"), density.model(path)

    def whole_pull(x: Tensor, t: Tensor) -> Tensor:
        drift, g = path.sde(x, t)
        return drift - like(g, x) ** 2 * score(x, t)

    def flow(x: Tensor, t: Tensor) -> Tensor:
        drift, g = path.sde(x, t)
        return drift - 0.5 * like(g, x) ** 2 * score(x, t)

    x, generator, grid = noise, torch.Generator().manual_seed(0), torch.linspace(path.T, END, STEPS + 1)
    for t, s in zip(grid[:-1], grid[1:], strict=True):
        (alpha, sigma), (alpha_s, sigma_s) = ((path.alpha(u).float(), path.sigma(u).float()) for u in (t, s))
        std = sigma_s / sigma * (1 - (alpha / alpha_s) ** 2) ** 0.5
        e = noise_pred(x, t.expand(len(x)))
        x = alpha_s * (x - sigma * e) / alpha + sigma_s * e + std * torch.randn(x.shape, generator=generator)
    return {"A": x, "B": solvers.rk45(whole_pull, noise, path.T, END, 1e-4, 1e-4).x,
            "C": solvers.rk45(flow, noise, END, path.T, 1e-4, 1e-4).x}
