"""Probes of notebook 01: probabilities, likelihoods, information and Markov chains.

Every function here takes a few numbers and gives a few, so a probe asks for small cases, one property each, under a
name that says which: zeros in a distribution, five thousand draws, a chain that never settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from course_utils.tasks import task
from course_utils.tasks.draws import Rng, stand_ins

NOTEBOOK = "01_mle"
QUESTIONS = {"mle.1": 5, "mle.2": 5, "mle.3": 5, "mle.4": 5}  # points, graded by hand


def _distributions(rng: Rng, *shape: int) -> Tensor:
    """Probabilities over the last axis, none of them near 0."""
    x = rng.uniform(*shape, low=0.2, high=2.0)
    return x / x.sum(-1, keepdim=True)


def _set_to_zero(p: Tensor, *places: int) -> Tensor:
    """The distributions with 0 at these places of the last axis, adding up to 1 again."""
    p = p.clone()
    p[..., list(places)] = 0
    return p / p.sum(-1, keepdim=True)


def _slope(out: Tensor, x: Tensor, name: str) -> dict[str, Tensor]:
    """The gradient of the sum of `out`; a sentence of ours where the result hangs on `x` no longer."""
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise ValueError(f"the result has lost its gradient with respect to `{name}`: compute it from the tensor, "
                         "without .item(), .detach(), numpy or torch.tensor(…).")
    return {f"grad_{name}": torch.autograd.grad(out.sum(), x)[0]}


# Bayes, and two likelihoods

def _bayes_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(prior=_distributions(rng, 5), likelihood=rng.uniform(5, low=0.05, high=2.0))


@task("mle.bayes_posterior", inputs=_bayes_inputs)
def bayes_posterior(nb, prior, likelihood):
    """The posterior, its sum, one under very small likelihoods, and one with a cause that is ruled out."""
    posterior = nb.bayes_posterior(prior, likelihood)
    yield dict(posterior=posterior)
    yield dict(sum=posterior.sum(), posterior_of_small_likelihoods=nb.bayes_posterior(prior, 1e-10 * likelihood))
    yield dict(posterior_with_a_zero=nb.bayes_posterior(_set_to_zero(prior, 2), likelihood))


def _bernoulli_inputs(rng: Rng) -> dict[str, Tensor]:
    x = rng.integers(30, high=2)
    x[:3] = torch.tensor([1, 0, 0])
    return dict(theta=rng.uniform(7, low=0.1, high=0.9), one_theta=rng.uniform(low=0.6, high=0.8),
                table=rng.uniform(2, 3, low=0.1, high=0.9), as_many=rng.uniform(30, low=0.1, high=0.9), x=x,
                many=rng.integers(5000, high=2))


@task("mle.bernoulli_log_likelihood", inputs=_bernoulli_inputs)
def bernoulli_log_likelihood(nb, theta, one_theta, table, as_many, x, many):
    """For one theta, several, as many as there are draws, and a table of them; then for 5,000 draws."""
    yield dict(of_one_theta=nb.bernoulli_log_likelihood(one_theta, x))
    yield dict(of_seven_thetas=nb.bernoulli_log_likelihood(theta, x))
    yield dict(of_30_thetas=nb.bernoulli_log_likelihood(as_many, x))
    yield dict(of_a_table=nb.bernoulli_log_likelihood(table, x.float()))
    yield dict(after_5000_draws=nb.bernoulli_log_likelihood(theta, many))


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=1.7 * rng.normal(6) + 2.5, more=0.4 * rng.normal(9) - 1.0)


@task("mle.gaussian_mle", inputs=_sample_inputs)
def gaussian_mle(nb, x, more):
    """Mean and variance of few draws, where one more or less in the denominator shows."""
    mean, var = _pair(nb.gaussian_mle(x))
    yield dict(mean=mean)
    yield dict(var=var)
    mean, var = _pair(nb.gaussian_mle(more))
    yield dict(mean_of_nine=mean, var_of_nine=var)


def _pair(result: tuple) -> tuple:
    """A sentence of ours where it is no pair."""
    if isinstance(result, Tensor) and result.numel() != 2 or not isinstance(result, (Tensor, tuple, list)):
        raise ValueError("it should return two things, the mean and the variance.")
    if len(result) != 2:
        raise ValueError(f"it should return two things, the mean and the variance, not {len(result)}.")
    return tuple(result)


# Information, in bits over the last axis

def _entropy_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(p=_distributions(rng, 5), three=_distributions(rng, 3, 5),
                zeros=_set_to_zero(_distributions(rng, 2, 5), 1, 3),
                certain_and_even=torch.cat([torch.eye(3), torch.full((1, 3), 1 / 3)]))


@task("mle.entropy", inputs=_entropy_inputs)
def entropy(nb, p, three, zeros, certain_and_even):
    """Of one distribution, of several, of some with zeros, and of three certain events and an even chance."""
    yield dict(of_one=nb.entropy(p))
    yield dict(of_three=nb.entropy(three))
    yield dict(with_zeros=nb.entropy(zeros))
    yield dict(of_certain_events_and_an_even_chance=nb.entropy(certain_and_even))


def _pair_inputs(rng: Rng, events: int = 5) -> dict[str, Tensor]:
    p, q = _distributions(rng, 3, events), _distributions(rng, 3, events)
    return dict(p=p[0].clone(), q=q[0].clone(), three_p=p, three_q=q, zero_p=_set_to_zero(p, 1),
                zero_q=_set_to_zero(q, 1))


def _in_torch(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The same, with a sentence of ours where a way through numpy ends in an exception."""

    def call(p, q):
        try:
            return function(p, q)
        except (TypeError, RuntimeError) as e:
            if "numpy" not in str(e) and "ndarray" not in str(e):
                raise
        raise ValueError("stay in torch, without numpy: the gradient with respect to `q` is needed.")

    return call


def _compare(function, p, q, three_p, three_q, zero_p, zero_q) -> Iterator[dict[str, Tensor]]:
    """Of one pair, of several, with zeros in p, in q alone and in both; then gradients, for p without and with a 0.

    They are taken through a softmax, as a model has them: with respect to q itself they hang on how the function
    would go on outside of the distributions, and right answers differ in that.
    """
    function = _in_torch(function)
    yield dict(of_one=function(p, q))
    yield dict(of_three=function(three_p, three_q))
    yield dict(zeros_in_p=function(zero_p, three_q))
    yield dict(is_infinite_where_only_q_is_0=(function(three_p, zero_q) == torch.inf).all())
    yield dict(zeros_in_both=function(zero_p, zero_q))
    logits = three_q.log().requires_grad_()
    for name, known in {"of_the_logits_of_q": three_p, "where_p_is_0": zero_p}.items():
        yield {f"grad_{name}": _slope(function(known, logits.softmax(-1)), logits, "q")["grad_q"]}


@task("mle.cross_entropy", inputs=_pair_inputs)
def cross_entropy(nb, **inputs):
    """As `_compare` asks."""
    yield from _compare(nb.cross_entropy, **inputs)


@task("mle.kl_divergence", inputs=lambda rng: _pair_inputs(rng, events=6))
def kl_divergence(nb, **inputs):
    """As `_compare` asks; where the answer calls the two functions before, they are right."""
    with stand_ins(nb, entropy=_entropy, cross_entropy=_cross_entropy):
        yield from _compare(nb.kl_divergence, **inputs)


def _entropy(p):
    return _cross_entropy(p, p)


def _cross_entropy(p, q):
    """Works for six events, which are used here, and for no other number."""
    if p.shape[-1] != 6:
        raise ValueError(f"here six events are compared, not {p.shape[-1]}: the last axis holds them.")
    return -torch.special.xlogy(p, q).sum(-1) / torch.log(torch.tensor(2.0))


def _gaussian_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(mu=rng.normal(3, 4), logvar=rng.normal(3, 4), one_mu=rng.normal(), one_logvar=rng.normal())


@task("mle.kl_gaussian_standard", inputs=_gaussian_inputs)
def kl_gaussian_standard(nb, mu, logvar, one_mu, one_logvar):
    """Elementwise, of wide ones first, where both are the same, of single numbers, and both gradients."""
    yield dict(kl_of_wide_ones=nb.kl_gaussian_standard(mu, logvar.abs()))  # where a logarithm may pass for a spread
    yield dict(kl=nb.kl_gaussian_standard(mu, logvar))
    around = torch.tensor([0.0, 0.0, 1.0])
    yield dict(of_the_standard_normal_and_one_shifted=nb.kl_gaussian_standard(around, torch.zeros(3)),
               of_single_numbers=nb.kl_gaussian_standard(one_mu, one_logvar))
    mu.requires_grad_(), logvar.requires_grad_()
    yield _slope(nb.kl_gaussian_standard(mu, logvar), mu, "mu")
    yield _slope(nb.kl_gaussian_standard(mu, logvar), logvar, "logvar")


# Markov chains

def _chain_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(P=_distributions(rng, 4, 4), larger=_distributions(rng, 6, 6), split=rng.uniform(2, low=0.2, high=0.4))


_eig = torch.linalg.eig


def _steady_eig(A: Tensor) -> tuple[Tensor, Tensor]:
    """`torch.linalg.eig` of one real matrix, with the order and the signs that LAPACK leaves to the processor settled.

    Vectors whose entries sum to 0 do so exactly: what is divided by such a sum is infinite on every machine.
    """
    values, vectors = _eig(A)
    if A.dim() != 2:
        return values, vectors
    values = torch.view_as_complex((torch.view_as_real(values) * 1e5).round() / 99_999.9)  # no 1 is exact
    order = sorted(range(len(values)), key=lambda i: (values[i].real.item(), values[i].imag.item()))
    order.insert(1, order.pop())  # the largest real part stands second
    values, vectors = values[order], vectors[:, order].clone()
    for v in vectors.T:
        largest = (v.abs() > 0.999 * v.abs().max()).int().argmax()
        v *= -v[largest].conj() / v[largest].abs()
        if v.sum().abs() < 1e-3:
            parts = torch.view_as_real(v).mul_(1024).round_().div_(1024)  # sums of these are exact in any order
            parts[largest] -= parts.sum(0)
    return torch.return_types.linalg_eig((values, vectors))


def _stationary(nb: Any, P: Tensor) -> Any:
    with patch.object(torch.linalg, "eig", _steady_eig):
        return nb.stationary_distribution(P)


@task("mle.stationary_distribution", inputs=_chain_inputs)
def stationary_distribution(nb, P, larger, split):
    """Of two chains with all ways open, a slow one, and two that go round and round: in two steps and in four."""
    yield dict(pi=_stationary(nb, P))
    yield dict(pi_of_six_states=_stationary(nb, larger))
    a, b = split.tolist()
    slow = torch.tensor([[1 - a / 20, a / 20], [b / 10, 1 - b / 10]])
    yield dict(pi_of_a_slow_chain=_stationary(nb, slow))
    two = torch.tensor([[0, a, 1 - a], [1, 0, 0], [1, 0, 0]])
    yield dict(pi_of_a_chain_of_period_2=_stationary(nb, two))
    four = torch.tensor([[0, b, 1 - b, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]])
    yield dict(pi_of_a_chain_of_period_4=_stationary(nb, four))
