"""Probes of notebook 04: the two players' losses, the best discriminator, a step of both, and what stands beside them.

Losses are asked at logits of any size, with their gradients. A step is judged by its two losses and by the weights of
both networks, over two steps, so that a gradient which one step leaves behind is seen in the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.tasks import Told, task
from course_utils.tasks.draws import Rng, fixed_draws, stand_ins
from course_utils.tasks.players import Descent, Frozen, Judge, is_frozen, weights_of
from course_utils.tasks.refusals import Sentences, retell

NOTEBOOK = "04_gan"
QUESTIONS = {"gan.1": 5, "gan.2": 5, "gan.3": 5}  # points, graded by hand


class LostGradient(Told):
    """A result that hangs on what it was computed from no longer."""


class InNumpy(Told):
    """A way through numpy where a gradient is needed."""


def _slope(out: Any, xs: dict[str, Tensor], upstream: Tensor | None = None) -> dict[str, Tensor]:
    """Gradients of `out`, by name; a sentence of ours where it has none."""
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise LostGradient("the result has lost its gradient: compute it from the tensors that are given, without "
                           ".item(), .detach(), torch.no_grad, numpy or torch.tensor(…).")
    grads = torch.autograd.grad(out, list(xs.values()), upstream if upstream is not None else torch.ones_like(out),
                                allow_unused=True)
    return {f"grad_{name}": torch.zeros_like(x) if g is None else g
            for (name, x), g in zip(xs.items(), grads, strict=True)}


class InProbabilities(Told):
    """Logits where a function of torch takes probabilities."""


class TruthOfMany(Told):
    """A whole tensor where Python needs one yes or no."""


class Paired(Told):
    """Two batches of different sizes, taken together element by element."""


_NUMPY = "stay in torch, without numpy: a gradient is needed."
_REFUSED: Sentences = {
    "numpy": (InNumpy, _NUMPY), "ndarray": (InNumpy, _NUMPY),
    "between 0 and 1": (InProbabilities, "this function takes probabilities, and it was given logits."),
    "ambiguous": (TruthOfMany, "`if`, `and`, `or` and `not` want one yes or no, and a tensor has many: choose "
                               "elementwise."),
}


def _retell(function: Callable, *args: Any) -> Any:
    """What a function gives; sentences of ours where torch's would lead astray."""
    return retell(partial(function, *args), _REFUSED)


# Losses

def _losses_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(logits_real=2 * rng.normal(4), logits_fake=2 * rng.normal(6) + 0.5, one=rng.normal(1),
                large=rng.uniform(3, low=150.0, high=900.0))


class CutOff(Told):
    """A value that cannot pass a limit: of a clamp, or of a small number that was added."""


def _ask_loss(loss: Callable, names: list[str], at: list[Tensor], where: str,
           least: float = 0.0) -> Iterator[dict[str, Tensor]]:
    """A loss at some logits, and its gradients there; a sentence of ours where its size stays below `least`."""
    at = [x.clone().requires_grad_() for x in at]
    try:
        out = _retell(loss, *at)
    except RuntimeError as e:
        if "must match the size" in str(e) and len(at) == 2:
            raise Paired("logits of real pictures and of fakes do not belong together in pairs: there may be more of "
                         "one kind.") from None
        raise
    if isinstance(out, Tensor) and (out.abs() < least).all():
        raise CutOff("at large logits the loss is far too near 0: something cuts it off, a clamp, a small number "
                     "inside of a logarithm, or a function that has a limit of its own.")
    yield {f"loss{where}": out}
    yield {name + where: g for name, g in _slope(out, dict(zip(names, at, strict=True))).items()}


@task("gan.discriminator_loss", inputs=_losses_inputs)
def discriminator_loss(nb, logits_real, logits_fake, one, large):
    """At moderate logits, unequally many; of one each; at large ones, right and wrong; at 0; in float64."""
    names, loss = ["logits_real", "logits_fake"], nb.discriminator_loss
    yield from _ask_loss(loss, names, [logits_real, logits_fake], "")
    yield from _ask_loss(loss, names, [one, 1 - one], "_of_one_each")
    yield from _ask_loss(loss, names, [-large, large], "_of_large_logits", least=240)
    yield from _ask_loss(loss, names, [large, -large], "_of_a_sure_discriminator")
    yield from _ask_loss(loss, names, [0 * one, 0 * one], "_of_logits_0")
    yield dict(loss_in_float64=loss(logits_real.double(), logits_fake.double()))


def _of_fakes(loss: Callable, low: int, logits_fake: Tensor, one: Tensor, large: Tensor) -> Iterator[dict[str, Tensor]]:
    """A generator's loss at several logits; its sign is `low`."""
    yield from _ask_loss(loss, ["logits_fake"], [logits_fake], "")
    yield from _ask_loss(loss, ["logits_fake"], [one], "_of_one")
    yield from _ask_loss(loss, ["logits_fake"], [large], "_of_large_logits", least=140 * (low < 0))
    yield from _ask_loss(loss, ["logits_fake"], [-large], "_of_very_negative_logits", least=140 * (low > 0))
    yield from _ask_loss(loss, ["logits_fake"], [0 * one], "_of_logit_0")
    yield dict(loss_in_float64=loss(logits_fake.double()))


def _fakes_inputs(rng: Rng, n: int, n_large: int) -> dict[str, Tensor]:
    return dict(logits_fake=2 * rng.normal(n) + 0.5, one=rng.normal(1), large=rng.uniform(n_large, low=150, high=900))


@task("gan.generator_loss_saturating", points=5, inputs=partial(_fakes_inputs, n=6, n_large=3))
def generator_loss_saturating(nb, **inputs):
    """As `_of_fakes` asks."""
    yield from _of_fakes(nb.generator_loss_saturating, -1, **inputs)


@task("gan.generator_loss", points=5, inputs=partial(_fakes_inputs, n=7, n_large=2))
def generator_loss(nb, **inputs):
    """As `_of_fakes` asks, of other sizes; it may be written by the saturating loss."""
    with stand_ins(nb, generator_loss_saturating=_generator_loss_saturating):
        yield from _of_fakes(nb.generator_loss, 1, **inputs)


def _densities_inputs(rng: Rng) -> dict[str, Tensor]:
    p_data, p_g = rng.uniform(2, 3, low=0.1, high=3.0), rng.uniform(2, 3, low=0.1, high=3.0)
    zeros, others = rng.uniform(4, low=0.1, high=1.0), rng.uniform(4, low=0.1, high=1.0)
    zeros[:2], others[1:3] = 0, 0
    return dict(p_data=p_data, p_g=p_g, zero_data=zeros, zero_g=others, single=rng.uniform(low=0.1, high=2.0))


@task("gan.optimal_discriminator", inputs=_densities_inputs)
def optimal_discriminator(nb, p_data, p_g, zero_data, zero_g, single):
    """Of a table, where one or both are 0, of single numbers, of tiny densities, in float64."""
    best = partial(_retell, nb.optimal_discriminator)
    yield dict(answer=best(p_data, p_g))
    yield dict(where_one_or_both_are_0=best(zero_data, zero_g))
    yield dict(of_single_numbers=best(single, 2 * single + 1), of_two_zeros=best(0 * single, 0 * single))
    tiny = best(1e-30 * p_data, 1e-30 * p_g)
    if isinstance(tiny, Tensor) and ((tiny.abs() < 1e-3).all() or (tiny == 0.5).all()):
        raise CutOff("densities of 1e-30 all get the same answer: something takes small densities for 0, or is much "
                     "larger than they are.")
    yield dict(of_tiny_densities=tiny)
    yield dict(in_float64=best(p_data.double(), p_g.double()))


# One step

class MovedSince(Told):
    """A backward pass through weights that are no longer what they were."""


class UsedTwice(Told):
    """A backward pass through a graph that is gone."""


class NotAPair(Told):
    """Something else than two losses is returned."""


class NoGraphOfD(Told):
    """A backward pass of something without a history, in the discriminator's half."""


class NoGraphOfG(Told):
    """The same in the generator's half."""


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(weights=rng.normal(2, 5, 3), outs=rng.normal(3, 5), real=rng.normal(2, 4, 2) + 1,
                z_d=rng.normal(2, 4, 3), z_g=rng.normal(2, 4, 3), left_over=rng.normal(2, 5, 3),
                other_sizes=rng.normal(6, 3))


def _players(weights: Tensor, outs: Tensor) -> tuple[nn.Module, nn.Module]:
    """A generator from 3 numbers to 2, a discriminator from 2 to a logit."""
    return (Judge(weights[0], outs[:2], "G, the generator,"),
            Judge(weights[1, :, :2], outs[2:], "D, the discriminator,"))


def _step(nb: Any, G: nn.Module, D: nn.Module, *args: Any) -> tuple[Any, Any]:
    """Both losses as train_step returns them; sentences of ours for what is no pair, and for a lost history."""
    before, frozen = weights_of(D), is_frozen(D)
    try:
        returned = nb.train_step(G, D, *args)
    except RuntimeError as e:
        if "a second time" in str(e):
            told = UsedTwice("a backward pass comes to a graph that an earlier one has used up: both halves of the "
                             "step go through the same fakes.")
        elif "inplace operation" in str(e):
            told = MovedSince("a backward pass goes through weights that an optimizer has moved since: compute the "
                              "generator's loss after D's step, right before its own backward pass.")
        elif "does not require grad" not in str(e):
            raise
        elif frozen:
            told = Frozen("D's parameters ask for no gradient any more since the step before (requires_grad is False).")
        else:
            lost = NoGraphOfD if torch.equal(before, weights_of(D)) else NoGraphOfG
            told = lost("a backward pass starts at a loss without a history: something on its way was detached or "
                        "computed without gradients.")
        raise told.with_traceback(e.__traceback__) from None
    if isinstance(returned, Tensor) or not isinstance(returned, (tuple, list)) or len(returned) != 2:
        what = "nothing" if returned is None else f"a {type(returned).__name__}"
        raise NotAPair(f"two things should come back, loss_d and loss_g, but {what} does.")
    return tuple(returned)


def _of_sizes(*logits: Tensor, sizes: tuple[int, ...] = (1, 4, 5)) -> None:
    """Refuses numbers of samples that are not asked here, so that the stand-ins below are of no use elsewhere."""
    for x in logits:
        if len(x) not in sizes:
            raise ValueError(f"here {', '.join(map(str, sizes))} samples are judged at once, not {len(x)}.")


def _discriminator_loss(logits_real, logits_fake):
    _of_sizes(logits_real, logits_fake)
    return F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()


def _generator_loss(logits_fake):
    _of_sizes(logits_fake)
    return F.softplus(-logits_fake).mean()


def _generator_loss_saturating(logits_fake):
    _of_sizes(logits_fake, sizes=(1, 2, 4, 5, 7))
    return -F.softplus(logits_fake).mean()


@task("gan.train_step", inputs=_step_inputs)
def train_step(nb, weights, outs, real, z_d, z_g, left_over, other_sizes):
    """Two steps of plain descent, watched after each; one where gradients lie; one of unequal numbers of samples."""
    with stand_ins(nb, discriminator_loss=_discriminator_loss, generator_loss=_generator_loss,
                   generator_loss_saturating=_generator_loss_saturating), fixed_draws():
        G, D = _players(weights, outs)
        opt_g, opt_d = Descent(G, G.what), Descent(D, D.what)
        for i, (when, of_step) in enumerate((("one_step", ""), ("two_steps", "_of_the_second_step"))):
            before_d, before_g = weights_of(D), weights_of(G)
            loss_d, loss_g = _step(nb, G, D, opt_g, opt_d, real[i], z_d[i], z_g[i])
            yield {f"loss_d{of_step}": torch.as_tensor(loss_d).detach().double().reshape(())}
            opt_d.ask_why_still(before_d)
            yield {f"weights_of_D_after_{when}": weights_of(D),
                   f"loss_g{of_step}": torch.as_tensor(loss_g).detach().double().reshape(())}
            opt_g.ask_why_still(before_g)
            yield {f"weights_of_G_after_{when}": weights_of(G)}
        yield {"both losses are numbers of Python":
               torch.tensor(all(isinstance(loss, float) for loss in (loss_d, loss_g))),
               "both networks are in training mode afterwards": torch.tensor(G.training and D.training)}
        G, D = _players(weights, outs)
        G.w.grad, D.w.grad = left_over[0].clone(), left_over[1, :, :2].clone()
        _step(nb, G, D, Descent(G, G.what), Descent(D, D.what), real[0], other_sizes[:1], other_sizes[1:])
        yield {"weights_of_D_where_old_gradients_lay": weights_of(D),
               "weights_of_G_where_old_gradients_lay": weights_of(G)}


def _adain_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=2 * rng.normal(3, 2, 4, 5) + 1, w=rng.normal(3, 2), b=rng.normal(3, 2),
                upstream=rng.normal(3, 2, 4, 5), same=rng.normal(3, 3, 3, 3) - 2, same_w=rng.normal(3, 3),
                same_b=rng.normal(3, 3))


@task("gan.adain", inputs=_adain_inputs)
def adain(nb, x, w, b, upstream, same, same_w, same_b):
    """All sides equal, then values and gradients, one picture, nearly constant and constant channels, float64."""
    yield dict(of_three_pictures_of_three_channels_3_by_3=nb.adain(same, same_w, same_b))
    at = {"x": x.clone().requires_grad_(), "w": w.clone().requires_grad_(), "b": b.clone().requires_grad_()}
    out = _retell(nb.adain, *at.values())
    yield dict(out=out)
    yield _slope(out, at, upstream)
    yield dict(of_one_picture=nb.adain(x[:1], w[:1], b[:1]))
    yield dict(of_nearly_constant_channels=nb.adain(0.003 * x, w, b),
               of_constant_channels=nb.adain(0 * x + 2, w, b))
    yield dict(in_float64=nb.adain(x.double(), w.double(), b.double()))


def _slerp_inputs(rng: Rng) -> dict[str, Tensor]:
    turned = rng.normal(4, 4)
    lengths = turned.norm(dim=1, keepdim=True)
    return dict(z0=2 * rng.normal(4, 4), z1=rng.normal(4, 4), t=rng.uniform(4, low=0.1, high=0.9),
                u0=turned / lengths, u1=F.normalize(rng.normal(4, 4), dim=1), wide=rng.normal(1, 6),
                short=0.01 * rng.normal(1, 6), grow=rng.uniform(low=1.5, high=3.0))


@task("gan.slerp", inputs=_slerp_inputs)
def slerp(nb, z0, z1, t, u0, u1, wide, short, grow):
    """Of unit vectors, of any; one time for all and one for each (as many pairs as dimensions); ends; special pairs."""
    walk = partial(_retell, nb.slerp)
    yield dict(of_unit_vectors=walk(u0, u1, 0.3))
    yield dict(of_vectors_of_any_length=walk(z0, z1, 0.3))
    yield dict(at_a_time_for_each_pair=walk(z0, z1, t), at_a_time_for_each_of_three_pairs=walk(z0[:3], z1[:3], t[:3]))
    yield dict(at_t_0=walk(z0, z1, 0.0), at_t_1=walk(z0, z1, 1.0))
    yield dict(of_one_pair=walk(wide, short, 0.6), of_one_pair_with_its_time=walk(wide, short, t[:1]))
    mixed = z1.clone()
    mixed[0], mixed[2] = z0[0], grow * z0[2]
    yield dict(where_two_pairs_point_the_same_way=walk(z0, mixed, t), of_codes_that_are_equal=walk(wide, wide, 0.3))
    mixed[1] = -grow * z0[1]
    yield dict(where_one_pair_points_opposite_ways=walk(z0, mixed, t))
    yield dict(in_float64=walk(z0.double(), z1.double(), t.double()))


def _frechet_inputs(rng: Rng) -> dict[str, Tensor]:
    spread = [rng.normal(5, 5).double() for _ in range(2)]
    cov1, cov2 = (s @ s.T / 3 + 0.2 * torch.eye(5, dtype=torch.float64) for s in spread)
    return dict(mu1=rng.normal(5).double(), cov1=cov1, mu2=rng.normal(5).double(), cov2=cov2,
                scales=rng.uniform(2, 3, low=0.2, high=3.0).double(), line=rng.uniform(4, low=0.5, high=2.0).double(),
                few=2 * rng.normal(3, 5).double())


class IsComplex(Told):
    """A number with an imaginary part, if perhaps of 0."""


@task("gan.frechet_distance", inputs=_frechet_inputs)
def frechet_distance(nb, mu1, cov1, mu2, cov2, scales, line, few):
    """Of two Gaussians, of one mean or one covariance, diagonal ones, on the line, of itself, large, of few samples.

    The last has eigenvalues below 0 by more than rounding here would give, so that every machine sees them.
    """
    distance = nb.frechet_distance
    first = distance(mu1, cov1, mu2, cov2)
    if isinstance(first, Tensor) and first.is_complex():
        raise IsComplex("the distance is a complex number; it should be a real one.")
    yield dict(distance=first)
    yield dict(distance_of_equal_covariances=distance(mu1, cov1, mu2, cov1),
               distance_of_equal_means=distance(mu1, cov1, mu1, cov2))
    zero, (a, b) = torch.zeros(3, dtype=torch.float64), scales.square()
    yield dict(distance_of_diagonal_covariances=distance(zero, torch.diag(a), zero, torch.diag(b)))
    yield dict(distance_on_the_line=distance(line[:1], line[1:2, None], line[2:3], line[3:, None]),
               distance_to_itself=distance(mu1, cov1, mu1, cov1))
    yield dict(distance_of_large_covariances=distance(mu1, 900 * cov1, mu2, 400 * cov2) / math.sqrt(900 * 400))
    singular = few.T.cov() - 1e-12 * torch.eye(5, dtype=torch.float64)
    yield dict(distance_where_a_covariance_is_singular=distance(mu1, cov1, mu2, singular))
