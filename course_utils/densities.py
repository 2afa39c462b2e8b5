"""Densities in the plane whose logarithm and score are known exactly: the oracles of every toy experiment.

    density = ring()
    x = density.sample(1000, torch.Generator().manual_seed(0))
    density.log_prob(x), density.score(x)

All of them lie within about [-3, 3]² and vary by about 1 along each axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

if TYPE_CHECKING:
    from course_utils.diffusion.gaussian import GaussianPath, Kind


@dataclass(frozen=True, eq=False)
class Mixture:
    """A finite mixture of isotropic Gaussians of one width.

    Attributes:
        means: (k, d) float64.
        std: Standard deviation of every component.
        weights: (k,) float64 that sum to 1; equal unless given.
    """

    means: Tensor
    std: float
    weights: Tensor | None = None

    def __post_init__(self):
        if not isinstance(self.means, Tensor) or self.means.dim() != 2:
            raise ValueError("means are a (k, d) tensor, also where d is 1")

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """n independent points, (n, d) float32, on the CPU."""
        weights = torch.ones(len(self.means)) if self.weights is None else self.weights.float()
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
        return self.means.float()[chosen] + self.std * torch.randn(n, self.means.shape[1], generator=generator)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density in nats: (*, d) → (*), in x's dtype and on its device."""
        return self._joint(x).logsumexp(-1)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) = Σ_k p(k | x) (μ_k − x) / σ²: (*, d) → (*, d)."""
        return (self._joint(x).softmax(-1) @ self.means.to(x) - x) / self.std**2

    def noised(self, alpha: float, sigma: float) -> Mixture:
        """The density of α·x + σ·noise, again a mixture: the exact marginal of a Gaussian path."""
        return Mixture(alpha * self.means, math.hypot(alpha * self.std, sigma), self.weights)

    def model(self, path: GaussianPath, kind: Kind = "noise") -> Callable[[Tensor, Tensor], Tensor]:
        """The best prediction of a kind on a path, E[kind | x_t]: a function of x (b, d) and t (b,), exact at any time.

        What a network would learn of this density, and the oracle of its samplers and its likelihood.
        """
        from course_utils.diffusion.gaussian import cast, off_mps  # not above: a grading room has no diffusion

        def predict(x: Tensor, t: Tensor) -> Tensor:
            x64 = off_mps(x).double()
            t, means = path.exact(t), self.means.to(x64.device)
            alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]  # (b, 1)
            var = (alpha * self.std) ** 2 + sigma**2
            squares = sum((x64[:, i, None] - alpha * means[:, i]).square() for i in range(means.shape[1]))  # (b, k)
            weights = torch.ones_like(means[:, 0]) if self.weights is None else self.weights.to(x64.device)
            which = (weights.log() - squares / (2 * var)).softmax(1)  # p(k | x_t)
            gain = alpha * self.std**2 / var
            x_start = gain * x64 + (1 - gain * alpha) * (which @ means)
            return cast(path.convert(x_start, x64, t, "x_start", kind), x)

        return predict

    def _joint(self, x: Tensor) -> Tensor:
        """log w_k N(x; μ_k, σ² I) for every component, (*, k)."""
        k, d = self.means.shape
        weights = torch.full((k,), 1 / k).to(x) if self.weights is None else self.weights.to(x)
        means = self.means.to(x)
        squares = sum((x[..., i, None] - means[:, i]).square() for i in range(d))  # (*, k), never (*, k, d)
        return weights.log() - squares / (2 * self.std**2) - d / 2 * math.log(2 * math.pi * self.std**2)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian of mean 0 and any covariance, whose probability flow is known in closed form.

    Attributes:
        cov: (d, d) float64, symmetric and positive definite.
    """

    cov: Tensor

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """n independent points, (n, d) float32, on the CPU."""
        return torch.randn(n, len(self.cov), generator=generator) @ torch.linalg.cholesky(self.cov).float().T

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density in nats: (*, d) → (*), in x's dtype."""
        square = (x * torch.linalg.solve(self.cov.to(x), x.unsqueeze(-1)).squeeze(-1)).sum(-1)
        return -0.5 * (square + torch.logdet(2 * math.pi * self.cov.to(x)))

    def score_fn(self, path: GaussianPath) -> Callable[[Tensor, Tensor], Tensor]:
        """The exact score of the noised density on a path: a function of x (b, d) and t (b,)."""
        eye = torch.eye(len(self.cov), dtype=self.cov.dtype)

        def score(x: Tensor, t: Tensor) -> Tensor:
            alpha, sigma = (c(t.double())[:, None, None] for c in (path.alpha, path.sigma))
            return -torch.linalg.solve((alpha**2 * self.cov + sigma**2 * eye).to(x), x.unsqueeze(-1)).squeeze(-1)

        return score


@dataclass(frozen=True)
class Checkerboard:
    """Uniform on the dark squares of a board of `squares` × `squares` over [-2, 2]².

    Attributes:
        squares: Squares along a side, even; the one at the lower left is dark.
    """

    squares: int = 4

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """n independent points, (n, 2) float32, on the CPU."""
        column = torch.randint(self.squares, (n,), generator=generator)
        row = 2 * torch.randint(self.squares // 2, (n,), generator=generator) + column % 2
        place = torch.stack([column, row], dim=1) + torch.rand(n, 2, generator=generator)
        return place * (4 / self.squares) - 2

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-density in nats, −∞ off the dark squares: (*, 2) → (*)."""
        return torch.where(self._dark(x), -math.log(8.0), -math.inf).to(x)  # half of the area 16 is dark

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x), zero inside a dark square and nan (undefined) elsewhere: (*, 2) → (*, 2)."""
        return torch.where(self._dark(x).unsqueeze(-1), 0.0, math.nan).to(x).expand(x.shape)

    def _dark(self, x: Tensor) -> Tensor:
        """Whether x lies on a dark square, (*) bool."""
        place = ((x + 2) * (self.squares / 4)).floor()
        on_board = ((place >= 0) & (place < self.squares)).all(-1)
        return on_board & (place.sum(-1) % 2 == 0)


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.1) -> Mixture:
    """Gaussians of width `std` at equal distances on a circle, the first one at (radius, 0)."""
    return Mixture(radius * _circle(torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)), std)


def moons(std: float = 0.12) -> Mixture:
    """Two interleaved half circles of radius 1.5, blurred by `std`, as a mixture of 128 Gaussians along them.

    The components lie closer than `std`, so that the density is smooth along each arc.
    """
    angle = torch.linspace(0, math.pi, 64, dtype=torch.float64)
    upper = _circle(angle)
    lower = torch.tensor([1.0, 0.5], dtype=torch.float64) - upper
    centre = torch.tensor([0.5, 0.25], dtype=torch.float64)
    return Mixture(1.5 * (torch.cat([upper, lower]) - centre), std)


def swiss_roll(std: float = 0.1) -> Mixture:
    """One and a half turns of the spiral r ∝ angle, blurred by `std`, as a mixture of 256 Gaussians along it.

    Uniform in the angle, as the usual swiss roll is: denser towards the middle.
    """
    angle = torch.linspace(1.5 * math.pi, 4.5 * math.pi, 256, dtype=torch.float64)
    return Mixture(2.5 * (angle / angle[-1]).unsqueeze(1) * _circle(angle), std)


def checkerboard(squares: int = 4) -> Checkerboard:
    """A board of `squares` × `squares` over [-2, 2]², uniform on every second square."""
    return Checkerboard(squares)


def _circle(angle: Tensor) -> Tensor:
    """(n,) radians → (n, 2) points of the unit circle."""
    return torch.stack([angle.cos(), angle.sin()], dim=1)
