"""Probes of notebook 08: losses that learn a score, noise levels, Langevin's step, and the four kinds of prediction.

Each probe sees one task only. Where an answer to `to_score` or `convert_prediction` may call the other of the two, a
stand-in takes that one's place: each knows only the noise levels of its own probe, below 1 for the one and above for
the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told, shape_of, task
from course_utils.tasks.draws import Rng, fill, stand_ins, steady
from course_utils.tasks.refusals import Sentences, answer_of, retell

NOTEBOOK = "08_score_matching"
QUESTIONS = {"score.1": 5, "score.2": 5, "score.3": 5, "score.4": 5}  # points, graded by hand
KINDS = ("noise", "x_start", "v", "score")


# What the probes say where a function is called, or answers, in another way: a class for each, to know them apart

class NoGraph(Told):
    """A loss that cannot be differentiated."""


class NoLevel(Told):
    """The network got no noise level for each sample."""


class IndexForLevel(Told):
    """The network got the index of a level."""


class NoSecond(Told):
    """The network was called without a noise level, or with more."""


class OtherLevels(Told):
    """Coefficients that are not the probe's."""


class OtherKind(Told):
    """A kind that does not exist."""


class PairBroken(Told):
    """x_start and noise that do not make x_t together."""


class OnlyWhereOne(Told):
    """A pair that is right on a variance-preserving path alone."""


class NotTheGiven(Told):
    """x_start and noise that make x_t, but not the value that they came from."""


class NotOfThePair(Told):
    """A v or a score that is not of the x_start and the noise that were given."""


class TakesTensors(Told):
    """A function of torch's on a Python number."""


# Langevin's step and its size

def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(4, 3, 4, 5), score=rng.normal(4, 3, 4, 5), step_size=rng.uniform(low=0.05, high=0.2),
                z=rng.normal(4, 3, 4, 5), large=rng.uniform(low=1.5, high=3.0), points=rng.normal(5, 2),
                score_of_points=rng.normal(5, 2), z_of_points=rng.normal(5, 2))


@task("score.langevin_step", inputs=_step_inputs)
def langevin_step(nb, x, score, step_size, z, large, points, score_of_points, z_of_points):
    """A small step, a large one; points in float64, and one picture."""
    def step(x: Tensor, score: Tensor, h: Tensor, z: Tensor) -> Any:
        return retell(lambda: nb.langevin_step(x, score, h.item(), z), _ROOTS)

    yield dict(x_after=steady(lambda: step(x.clone(), score.clone(), step_size, z.clone()),
                              "with the same arguments (z is given)"))
    yield dict(x_after_a_large_step=step(x, score, large, z))
    yield dict(points=step(points.double(), score_of_points.double(), step_size, z_of_points.double()),
               one_picture=step(x[:1], score[:1], step_size, z[:1]))


_ROOTS: Sentences = {
    "must be Tensor, not": (TakesTensors, "torch's functions take tensors, and this one was given a Python number, "
                                          "whose root is ** 0.5 or math.sqrt, and whose square ** 2."),
}


def _size_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(snr=rng.uniform(low=0.1, high=0.4), sigma=rng.uniform(low=2.0, high=5.0),
                alpha=rng.uniform(low=0.5, high=0.9), sigmas=rng.uniform(6, low=0.1, high=3.0),
                alphas=rng.uniform(6, low=0.5, high=0.99))


@task("score.annealed_step_size", inputs=_size_inputs)
def annealed_step_size(nb, snr, sigma, alpha, sigmas, alphas):
    """Where nothing shrinks; on a chain; for many levels at once."""
    snr = snr.item()

    def size(sigma: Any, alpha: Any) -> Any:
        h = retell(lambda: nb.annealed_step_size(snr, sigma, alpha), _ROOTS)
        return torch.tensor(h) if isinstance(h, float) else h

    yield dict(step_size=size(sigma.item(), 1.0))
    yield dict(step_size_on_a_chain=size(sigma.item(), alpha.item()))
    yield dict(for_many_levels=size(sigmas, alphas))


# The losses

class _Plain(nn.Module):
    """Scores of points (b, d) that depend on all coordinates; the Jacobian is not symmetric."""

    def __init__(self, d: int, pool: Tensor):
        super().__init__()
        self.first, self.last = nn.Linear(d, 7), nn.Linear(7, d)
        fill(self, pool, scale=0.5)

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or x.dim() != 2 or x.shape[1] != self.first.in_features:
            shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise NoSecond(f"score_fn takes all points at once, (b, {self.first.in_features}), not {shape}.")
        return self.last(torch.tanh(self.first(x)))


def _trace_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(5, 3), plane=rng.normal(4, 2), line=rng.normal(6, 1), pool=rng.normal(997))


@task("score.score_matching_loss", inputs=_trace_inputs)
def score_matching_loss(nb, x, plane, line, pool):
    """In space: the loss, what is left of the points, the gradient for training; in the plane, one point, a line."""
    nets = {d: _Plain(d, pool) for d in (1, 2, 3)}

    def loss(d: int, x: Tensor) -> Any:
        return answer_of(lambda: nb.score_matching_loss(nets[d], x))

    first = loss(3, x)
    yield dict(shape_of_loss=shape_of(first)) | dict(loss=first)
    yield dict(x_asks_for_a_gradient=torch.tensor(x.requires_grad))
    yield _gradients(nets[3], first)
    yield dict(in_the_plane=loss(2, plane), one_point=loss(3, x[:1]), on_a_line=loss(1, line))
    yield dict(in_float64=answer_of(lambda: nb.score_matching_loss(_Plain(3, pool).double(), x.double())))


def _gradients(net: nn.Module, loss: Any) -> dict[str, Tensor]:
    """The loss's gradients by the network's parameters; a sentence where there is no graph."""
    if not loss.requires_grad:
        raise NoGraph("the loss has lost its graph: nothing can be learned from it.")
    names = [name for name, _ in net.named_parameters()]
    found = torch.autograd.grad(loss.sum(), list(net.parameters()), allow_unused=True, retain_graph=True)
    return {f"grad_{name.replace('.', '_')}": torch.zeros(()) if grad is None else grad
            for name, grad in zip(names, found, strict=True)}


class _Levelled(nn.Module):
    """In the network's place: scores (b, *) at noisy data and levels (b,), each sample with its own level."""

    def __init__(self, w: Tensor, known: Tensor | None = None):
        super().__init__()
        self.w, self.known = nn.Parameter(w.clone()), known

    def forward(self, x: Tensor, *rest: Any) -> Tensor:
        if len(rest) != 1:
            raise NoSecond("score_fn takes two things, the noisy data and the noise level of each sample.")
        sigma = rest[0]
        shape = tuple(sigma.shape) if isinstance(sigma, Tensor) else type(sigma).__name__
        if shape != (len(x),):
            raise NoLevel(f"score_fn takes one noise level for each sample, a tensor {(len(x),)}, not {shape}.")
        if not sigma.is_floating_point():
            raise IndexForLevel("score_fn takes the noise level itself, not its index.")
        sigma = sigma.reshape(-1, *[1] * (x.dim() - 1)).to(x)
        return torch.tanh(self.w.to(x) * x) * (0.5 + 0.3 * sigma) + 0.1 * sigma


def _dsm_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(5, 3, 4, 5), sigma=rng.uniform(5, low=0.3, high=2.5), noise=rng.normal(5, 3, 4, 5),
                w=rng.uniform(low=0.5, high=1.0), points=rng.normal(4, 2), sigma_of_points=rng.uniform(4, low=0.3),
                noise_of_points=rng.normal(4, 2))


@task("score.dsm_loss", inputs=_dsm_inputs)
def dsm_loss(nb, x, sigma, noise, w, points, sigma_of_points, noise_of_points):
    """Pictures: the loss, the gradient that training needs; points, one picture, float64."""
    net = _Levelled(w)

    def loss(x: Tensor, sigma: Tensor, noise: Tensor) -> Any:
        return nb.dsm_loss(net, x, sigma, noise)

    first = steady(lambda: loss(x.clone(), sigma, noise.clone()), "with the same arguments (the noise is given)")
    yield dict(shape_of_loss=shape_of(first)) | dict(loss=first)
    yield _gradients(net, first)
    yield dict(of_points=loss(points, sigma_of_points, noise_of_points), of_one=loss(x[:1], sigma[:1], noise[:1]))
    yield dict(in_float64=loss(x.double(), sigma.double(), noise.double()))


def _sigmas_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(sigma_min=rng.uniform(low=0.01, high=0.05), sigma_max=rng.uniform(low=20.0, high=50.0),
                n=rng.integers(low=7, high=15))


@task("score.sigmas", inputs=_sigmas_inputs)
def sigmas(nb, sigma_min, sigma_max, n):
    """Many levels, three and two; and below 1 alone."""
    levels = nb.sigmas(sigma_min.item(), sigma_max.item(), int(n))
    yield dict(levels=levels) | {"levels are float32": torch.tensor(getattr(levels, "dtype", None) == torch.float32)}
    yield dict(three=nb.sigmas(0.25, 16.0, 3), two=nb.sigmas(0.5, 4.0, 2), below_1=nb.sigmas(0.02, 0.5, int(n)))


def _ncsn_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(5, 3, 4, 5), level=torch.tensor([2, 0, 3, 1, 3]), noise=rng.normal(5, 3, 4, 5),
                sigmas=torch.tensor([0.4, 0.8, 1.6, 3.2]) * rng.uniform(low=0.8, high=1.2),
                w=rng.uniform(low=0.5, high=1.0), points=rng.normal(4, 2), noise_of_points=rng.normal(4, 2))


@task("score.ncsn_loss", inputs=_ncsn_inputs)
def ncsn_loss(nb, x, level, noise, sigmas, w, points, noise_of_points):
    """Pictures: the loss, the gradient that training needs; points, one picture, float64."""
    net = _Levelled(w)

    def loss(x: Tensor, level: Tensor, sigmas: Tensor, noise: Tensor) -> Any:
        return nb.ncsn_loss(net, x, level, sigmas, noise)

    first = steady(lambda: loss(x.clone(), level, sigmas.clone(), noise.clone()),
                   "with the same arguments (the noise is given)")
    yield dict(shape_of_loss=shape_of(first)) | dict(loss=first)
    yield _gradients(net, first)
    yield dict(of_points=loss(points, level[:4], sigmas, noise_of_points),
               of_one=loss(x[:1], level[:1], sigmas, noise[:1]))
    yield dict(in_float64=loss(x.double(), level, sigmas.double(), noise.double()))


# The four kinds

def _columns(alpha: Any, sigma: Any, rank: int, low: float, high: float) -> list[Tensor]:
    """Both coefficients, shaped for data of that rank; a sentence where the noise levels are not between the bounds."""
    for c in (alpha, sigma):
        if not isinstance(c, Tensor) or c.numel() == 0:
            raise OtherLevels("alpha and sigma are tensors (b,).")
    if not ((sigma > low) & (sigma < high)).all():
        raise OtherLevels("another function of this notebook is called with a sigma that is none of these samples'.")
    return [c.reshape(-1, *[1] * (rank - 1)) for c in (alpha, sigma)]


def _known_conversion(value, x_t, alpha, sigma, source, target):
    """In the place of convert_prediction, for levels between 0.1 and 0.95."""
    a, b = _columns(alpha, sigma, x_t.dim(), 0.1, 0.95)
    (c, d), (start, noise) = _row(target, a, b), _pair(value, x_t, a, b, source)
    return c * start + d * noise


def _known_score(prediction, x_t, alpha, sigma, kind):
    """In the place of to_score, for levels between 1.05 and 3."""
    a, b = _columns(alpha, sigma, x_t.dim(), 1.05, 3.0)
    return -_pair(prediction, x_t, a, b, kind)[1] / b


def _pair(value: Tensor, x_t: Tensor, a: Tensor, b: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """x_start and noise, as the solution of two linear equations: x_t = a·x_start + b·noise and the kind's own."""
    c, d = _row(kind, a, b)
    determinant = a * d - b * c
    return (d * x_t - b * value) / determinant, (a * value - c * x_t) / determinant


def _row(kind: str, a: Tensor, b: Tensor) -> tuple:
    """The weights of x_start and of noise in a kind."""
    rows = {"noise": (0, 1), "x_start": (1, 0), "v": (-b, a), "score": (0, -1 / b)}
    if kind not in rows:
        raise OtherKind(f"there is no kind {kind!r}; there are {', '.join(KINDS)}.")
    return rows[kind]


def _score_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(prediction=rng.normal(5, 2), x_t=rng.normal(5, 2), alpha=rng.uniform(5, low=0.4, high=1.0),
                sigma=rng.uniform(5, low=0.2, high=0.7), picture=rng.normal(4, 3, 4, 4), noisy=rng.normal(4, 3, 4, 4),
                alpha_there=rng.uniform(4, low=0.4), sigma_there=rng.uniform(4, low=0.2, high=0.7))


@task("score.to_score", points=5, inputs=_score_inputs)
def to_score(nb, prediction, x_t, alpha, sigma, picture, noisy, alpha_there, sigma_there):
    """Points, from each kind; pictures; one picture in float64."""
    with stand_ins(nb, convert_prediction=_known_conversion):
        for kind in KINDS:
            yield {f"from_{kind}": nb.to_score(prediction, x_t, alpha, sigma, kind)}
        for kind in KINDS:
            yield {f"pictures_from_{kind}": nb.to_score(picture, noisy, alpha_there, sigma_there, kind)}
        one, noisy, alpha, sigma = (c[:1].double() for c in (picture, noisy, alpha_there, sigma_there))
        yield {f"one_from_{kind}": nb.to_score(one, noisy, alpha, sigma, kind) for kind in KINDS}


def _conversion_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(value=rng.normal(5, 2), x_t=rng.normal(5, 2), alpha=rng.uniform(5, low=0.4, high=1.0),
                sigma=rng.uniform(5, low=1.2, high=2.5), picture=rng.normal(4, 3, 4, 4), noisy=rng.normal(4, 3, 4, 4),
                alpha_there=rng.uniform(4, low=0.4), sigma_there=rng.uniform(4, low=1.2, high=2.5))


@task("score.convert_prediction", inputs=_conversion_inputs)
def convert_prediction(nb, value, x_t, alpha, sigma, picture, noisy, alpha_there, sigma_there):
    """Points, from each source to the pair and on; sentences where the pair is none. Then pictures; one, in float64."""
    with stand_ins(nb, to_score=_known_score):
        for source in KINDS:
            yield from _convert_to_all(nb, "", value, x_t, alpha, sigma, source)
        for source in KINDS:
            yield from _convert_to_all(nb, "pictures_", picture, noisy, alpha_there, sigma_there, source)
        one, noisy, alpha, sigma = (c[:1].double() for c in (picture, noisy, alpha_there, sigma_there))
        yield {f"one_v_to_{target}": nb.convert_prediction(one, noisy, alpha, sigma, "v", target) for target in KINDS}


def _convert_to_all(nb: Any, what: str, value: Tensor, x_t: Tensor, alpha: Tensor, sigma: Tensor, source: str
                       ) -> Iterator[dict[str, Tensor]]:
    """What comes of a value of one source, target by target; before each a sentence where an equation is broken."""
    def convert(target: str) -> Any:
        return nb.convert_prediction(value, x_t, alpha, sigma, source, target)

    def fits(*parts: Any) -> bool:
        return all(isinstance(part, Tensor) and part.shape == x_t.shape for part in parts)

    a, b = (c.reshape(-1, *[1] * (x_t.dim() - 1)) for c in (alpha, sigma))
    x_start, noise = convert("x_start"), convert("noise")
    if fits(x_start, noise):
        _ask_for_the_pair(x_start, noise, value, x_t, a, b, source)
    yield {f"{what}{source}_to_x_start": x_start, f"{what}{source}_to_noise": noise}
    v, score = convert("v"), convert("score")
    if fits(v, noise, x_start) and not _near(v, a * noise - b * x_start):
        raise NotOfThePair(f"from {source}: x_start and noise are right, but v is not (10) of the two.")
    yield {f"{what}{source}_to_v": v}
    if fits(score, noise) and not _near(score, -noise / b):
        raise NotOfThePair(f"from {source}: the noise is right, but the score is not (9) of it.")
    yield {f"{what}{source}_to_score": score}


def _ask_for_the_pair(x_start: Tensor, noise: Tensor, value: Tensor, x_t: Tensor, a: Tensor, b: Tensor, source: str
                      ) -> None:
    """Raises a sentence where x_start and noise do not make x_t together, or not the value that they came from."""
    made = a * x_start + b * noise
    if source == "v" and _near(made, (a**2 + b**2) * x_t) and _near(a * noise - b * x_start, (a**2 + b**2) * value):
        raise OnlyWhereOne("from v: x_start and noise would be right if alpha² + sigma² were 1, and here it is not.")
    if not _near(made, x_t):
        raise PairBroken(f"from {source}: the x_start and the noise that you give do not belong together, for "
                         "alpha * x_start + sigma * noise is not x_t.")
    again = {"noise": noise, "x_start": x_start, "v": a * noise - b * x_start, "score": -noise / b}[source]
    if not _near(again, value):
        raise NotTheGiven(f"from {source}: x_start and noise make x_t together, but put into what {source} is, they do "
                          f"not give the {source} that came in.")


def _near(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one.double(), other.double(), rtol=1e-3, atol=1e-4)
