"""The Fokker–Planck equation on a grid: where an SDE takes a density of one dimension, without simulating a path."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Coefficients = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # of x (n,) and t (n,): drift and diffusion, (n,) each


def evolve(density: Tensor, grid: Tensor, coefficients: Coefficients, end: float, steps: int) -> Tensor:
    """∂p/∂t = −∂(f·p)/∂x + ½·∂²(g²·p)/∂x² from time 0 to `end`, for a diffusion that depends on time alone.

    Finite volumes: what leaves a cell enters its neighbour, and nothing leaves the grid. Crank–Nicolson's steps, of
    order 2 in time and space; coefficients are taken in the middle of each step.

    Args:
        density: (n,) at time 0.
        grid: (n,) evenly spaced points, where the density is next to nothing at both ends.
        coefficients: The SDE's drift f and diffusion g.
        end: The time asked for.
        steps: How many steps lead there.

    Returns:
        (n,) density at time `end`, float64.
    """
    p, dx, dt = density.double(), (grid[1] - grid[0]).double(), end / steps
    identity = torch.eye(len(grid), dtype=torch.float64)
    for i in range(steps):
        t = torch.full_like(grid, (i + 0.5) * dt)
        drift, diffusion = (c.double().reshape(-1) for c in coefficients(grid, t))
        rate = 0.5 * dt * _flow(drift, 0.5 * diffusion[0] ** 2, dx)
        p = torch.linalg.solve(identity - rate, p + rate @ p)
    return p


def _flow(drift: Tensor, spread: Tensor, dx: Tensor) -> Tensor:
    """(n, n) matrix of dp/dt = −(flux to the right − flux from the left)/dx with flux f·p − spread·∂p/∂x."""
    at_face = 0.5 * (drift[1:] + drift[:-1])  # between cells k and k + 1
    from_left, from_right = 0.5 * at_face + spread / dx, 0.5 * at_face - spread / dx
    loses = torch.zeros_like(drift)
    loses[:-1] -= from_left
    loses[1:] += from_right
    return (torch.diag(loses) + torch.diag(from_left, -1) + torch.diag(-from_right, 1)) / dx
