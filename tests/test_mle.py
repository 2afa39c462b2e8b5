"""Notebook 01 against answers that are known: fractions, round numbers of bits, scipy, and a mean over many draws."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import special, stats

from course_utils import diagrams, notebooks, tasks
from course_utils.tasks import mle
from course_utils.tasks.draws import Rng

FAIR = torch.tensor([0.5, 0.5])


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("01_mle"))


def distributions(*shape: int) -> torch.Tensor:
    return Rng(5, "mle").normal(*shape).double().softmax(-1)


# ---- counting ------------------------------------------------------------------------------------------------------


def test_bayes_on_a_test_for_a_rare_illness(nb):
    posterior = nb.bayes_posterior(torch.tensor([0.01, 0.99]), torch.tensor([0.99, 0.05]))
    assert posterior[0].item() == pytest.approx(Fraction(99, 99 + 495))  # one in six


def test_thirty_red_of_a_hundred(nb):
    x = torch.tensor([1] * 30 + [0] * 70)
    theta = torch.linspace(0.01, 0.99, 99)
    found = nb.bernoulli_log_likelihood(theta, x)
    assert theta[found.argmax()].item() == pytest.approx(0.3)
    wanted = stats.binom.logpmf(30, 100, theta.double().numpy()) - np.log(special.comb(100, 30))  # one order of many
    assert np.allclose(found, wanted, rtol=1e-5)


def test_a_likelihood_of_five_thousand_draws_is_finite(nb):
    x = (torch.arange(5000) % 2).long()
    assert nb.bernoulli_log_likelihood(torch.tensor(0.5), x).item() == pytest.approx(-5000 * math.log(2))


def test_the_gaussian_is_scipys_and_no_neighbour_is_more_likely(nb):
    x = 3 * Rng(1, "x").normal(50).double() + 2
    mean, var = nb.gaussian_mle(x)
    assert (mean.item(), var.sqrt().item()) == pytest.approx(stats.norm.fit(x.numpy()))

    def likelihood(mean, var):
        return torch.distributions.Normal(mean, var.sqrt()).log_prob(x).sum()

    best = likelihood(mean, var)
    for shift, factor in ((0.01, 1.0), (-0.01, 1.0), (0.0, 1.01), (0.0, 0.99), (0.0, 50 / 49)):
        assert likelihood(mean + shift, var * factor) < best


# ---- information ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "entropy", "crossed"), [(0.5, 1.0, 1.0), (0.2, 0.72, 1.32), (0.4, 0.97, 1.03)])
def test_coins_in_bits(nb, share, entropy, crossed):
    coin = torch.tensor([share, 1 - share])
    assert nb.entropy(coin).item() == pytest.approx(entropy, abs=0.005)
    assert nb.cross_entropy(FAIR, coin).item() == pytest.approx(crossed, abs=0.005)


def test_information_is_scipys(nb):
    p, q = distributions(2, 7, 6)
    assert np.allclose(nb.entropy(p), stats.entropy(p, base=2, axis=-1))
    assert np.allclose(nb.kl_divergence(p, q), stats.entropy(p, q, base=2, axis=-1))
    assert torch.allclose(nb.cross_entropy(p, q), nb.entropy(p) + nb.kl_divergence(p, q))


def test_eight_equal_events_are_three_bits_and_a_certain_one_none(nb):
    assert nb.entropy(torch.full((8,), 1 / 8)).item() == pytest.approx(3)
    assert torch.equal(nb.entropy(torch.eye(4)), torch.zeros(4))


def test_a_divergence_is_positive_unless_both_are_the_same_and_has_a_direction(nb):
    p, q = distributions(2, 50, 4)
    there, back = nb.kl_divergence(p, q), nb.kl_divergence(q, p)
    assert (there > 0).all() and (there - back).abs().max() > 0.1
    assert nb.kl_divergence(p, p).abs().max() < 1e-12


def test_what_was_called_impossible_costs_infinitely_much(nb):
    certain = torch.tensor([1.0, 0.0])
    assert nb.kl_divergence(FAIR, certain) == torch.inf
    assert nb.kl_divergence(certain, FAIR).item() == pytest.approx(1)


def test_likelihood_and_divergence_have_one_gradient(nb):
    p, logits = distributions(5), torch.linspace(-1, 1, 5, dtype=torch.float64).requires_grad_()
    of_entropy, of_divergence = (torch.autograd.grad(cost(p, logits.softmax(-1)), logits)[0]
                                 for cost in (nb.cross_entropy, nb.kl_divergence))
    assert torch.allclose(of_entropy, of_divergence)
    assert torch.allclose(of_entropy * math.log(2), logits.softmax(-1).detach() - p)  # known: q minus p, in nats


def test_the_gaussian_divergence_is_a_mean_over_draws(nb):
    generator = torch.Generator().manual_seed(0)
    for mu, sigma in ((1.0, 0.5), (0.0, 2.0), (-0.5, 1.0)):
        q = torch.distributions.Normal(torch.tensor(mu), torch.tensor(sigma))
        x = mu + sigma * torch.randn(1_000_000, generator=generator)
        terms = q.log_prob(x) - torch.distributions.Normal(0.0, 1.0).log_prob(x)
        exact = nb.kl_gaussian_standard(torch.tensor(mu), torch.tensor(2 * math.log(sigma))).item()
        assert abs(terms.mean().item() - exact) < 4 * terms.std().item() / 1000


# ---- chains --------------------------------------------------------------------------------------------------------


def test_the_chain_of_the_notebook(nb):
    P = torch.tensor([[0.2, 0.6, 0.2], [0.3, 0.0, 0.7], [0.5, 0.0, 0.5]], dtype=torch.float64)
    wanted = [float(Fraction(n, 71)) for n in (25, 15, 31)]
    assert nb.stationary_distribution(P).tolist() == pytest.approx(wanted)
    assert torch.linalg.matrix_power(P, 200)[0].tolist() == pytest.approx(wanted)  # and it settles there


def test_chains_that_never_settle(nb):
    assert nb.stationary_distribution(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist() == pytest.approx([0.5, 0.5])
    wheel = torch.eye(5).roll(1, 1)
    assert nb.stationary_distribution(wheel).tolist() == pytest.approx([0.2] * 5, abs=1e-6)


def test_no_chain_of_the_check_has_equal_shares_or_settles_where_it_should_not():
    """Equal shares are what the wrong side's eigenvector gives."""
    asked = []

    def answer(P):
        asked.append(P)
        values, vectors = torch.linalg.eig(P.T)
        return vectors[:, (values - 1).abs().argmin()].real

    task = tasks.get("mle.stationary_distribution")
    tasks.observe(task, tasks.Namespace({"stationary_distribution": answer}), tasks.draw_inputs(task))
    assert [len(P) for P in asked] == [4, 6, 2, 3, 5]
    assert all(torch.allclose(P.sum(1), torch.ones(len(P))) and (P.sum(0) - 1).abs().max() > 0.001 for P in asked)
    swinging = [(torch.linalg.eigvals(P).abs() > 0.999).sum().item() for P in asked]
    assert swinging == [1, 1, 1, 2, 4]


# ---- the puzzle ----------------------------------------------------------------------------------------------------


def test_the_curves_of_the_puzzle_are_what_its_answer_says():
    lines = {line.get_label(): line.get_xydata() for line in diagrams.three_divergences().axes[0].lines}
    x = lines["A"][:, 0]
    lowest = {name: (x[xy[:, 1].argmin()], xy[:, 1].min()) for name, xy in lines.items() if name in "ABC"}
    assert {name: round(place, 2) for name, (place, _) in lowest.items()} == dict.fromkeys("ABC", 0.2)
    assert [round(float(value), 2) for _, value in lowest.values()] == [0.0, 0.72, 0.0]
    assert lines["C"][999, 1] == pytest.approx(0.19, abs=0.005) and x[999] == pytest.approx(0.5)
    assert [round(float(y), 2) for y in lines["A"][[0, -1], 1]] == [0.32, 2.32]
    assert all(lines[name][end, 1] > 3 for name in "BC" for end in (0, -1))


def test_a_check_settles_the_order_and_the_signs_of_eigenvectors():
    P = torch.tensor([[0, 0.3, 0.7], [1, 0, 0], [1, 0, 0]])
    values, vectors = mle._steady_eig(P.T)
    assert torch.allclose(values.real, torch.tensor([-1.0, 1.0, 0.0]), atol=1e-5) and 1 not in values.real
    assert torch.allclose(P.T.to(vectors) @ vectors, vectors * values, atol=2e-3)
    assert vectors.sum(0)[[0, 2]].tolist() == [0, 0] and (vectors[:, 1].real < 0).all()
