"""Guidance against its equations, in and outside of the samplers."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch

from course_utils.data import Mixture
from course_utils.diffusion import samplers
from course_utils.diffusion.paths import VP, DiscreteVP, RectifiedFlow, cosine_betas

PATH = VP()
PAIR = Mixture(torch.tensor([[-1.5], [0.5]], dtype=torch.float64), 0.3, torch.tensor([0.3, 0.7], dtype=torch.float64))


def conditional(x, t, condition):
    emb = condition["text_emb"] if isinstance(condition, dict) else condition
    emb = torch.zeros(len(x), 2) if emb is None else emb
    assert len(emb) == len(x) == len(t)
    return x * emb.sum(1, keepdim=True).to(x) + t[:, None].to(x)


def test_guidance_extrapolates_from_unconditional_to_conditional():
    x, t = torch.randn(3, 4), torch.tensor([0.1, 0.5, 0.9])
    emb, other = torch.randn(3, 2), torch.randn(3, 2)
    weights = [0.0, 2.5, torch.tensor([0.0, 1.0, 7.0])]
    for w, uncond, batched in itertools.product(weights, [other, None], [True, False]):
        width = w[:, None] if isinstance(w, torch.Tensor) else w
        want = (1 + width) * conditional(x, t, emb) - width * conditional(x, t, uncond)
        kwargs, plain = {"text_emb": emb}, {"text_emb": uncond}
        torch.testing.assert_close(samplers.guided(conditional, emb, uncond, w, batched=batched)(x, t), want)
        torch.testing.assert_close(samplers.guided(conditional, kwargs, plain, w, batched=batched)(x, t), want)
        assert kwargs.keys() == plain.keys() == {"text_emb"} and kwargs["text_emb"] is emb


def test_outside_the_interval_the_conditional_answers_alone():
    x, t = torch.randn(3, 4), torch.tensor([0.1, 0.5, 0.9])
    emb, sizes = torch.randn(3, 2), []

    def model(x, t, condition):
        sizes.append(len(x))
        return conditional(x, t, condition)

    guide = samplers.guided(model, emb, None, 3.0, interval=(0.4, 0.6))
    plain, strong = conditional(x, t, emb), samplers.guided(conditional, emb, None, 3.0)(x, t)
    torch.testing.assert_close(guide(x, t), torch.stack([plain[0], strong[1], plain[2]]))
    sizes.clear()
    samplers.sample_ddim(guide, x, PATH, torch.tensor([0.9, 0.7, 0.5, 0.45, 0.2, 0.0]).double())
    assert sizes == [3, 3, 6, 6, 3]  # the loop knows the time and saves the evaluation


@pytest.mark.parametrize("kind", ["noise", "x_start", "v", "velocity", "score"])
def test_a_perfect_classifier_turns_the_mixture_into_one_component(kind):
    """∇ log p(x_t) + ∇ log p(k | x_t) = ∇ log p(x_t | k), told in any kind."""
    path, t = PATH, torch.full((6,), 0.4, dtype=torch.float64)
    x = torch.linspace(-2, 2, 6, dtype=torch.float64)[:, None]

    def classifier(x, t):
        noised = PAIR.noised(path.alpha(t[0]).item(), path.sigma(t[0]).item())
        return noised._joint(x)  # logits

    y = torch.tensor([0, 1] * 3)
    parts = [Mixture(PAIR.means[k : k + 1], PAIR.std).model(path, kind)(x, t) for k in (0, 1)]
    want = torch.where(y[:, None] == 0, *parts)
    guide = samplers.classifier_guided(PAIR.model(path, kind), classifier, y, 1.0, path, kind)
    torch.testing.assert_close(guide(x, t), want, rtol=1e-9, atol=1e-9)
    twice = samplers.classifier_guided(PAIR.model(path, kind), classifier, y, 2.0, path, kind)(x, t)
    torch.testing.assert_close(twice - want, want - PAIR.model(path, kind)(x, t))
    assert not x.requires_grad
    start = torch.randn(6, 1, dtype=torch.float64)
    samples = samplers.sample_ddim(guide, start, path, 30, prediction=kind, clamp=None)  # under no_grad
    assert torch.equal(samples[:, 0] > -0.5, y == 1)


def told(conditions):
    """A model that answers with what its condition says, one number a sample."""
    def model(x, t, condition):
        return torch.zeros_like(x) + torch.as_tensor(conditions(condition)).to(x).reshape(-1, 1)

    return model


@pytest.mark.parametrize("cond, uncond, read", [
    ("a cat", "", len),
    (["a cat", "two"], ["", ""], lambda prompts: [len(prompt) for prompt in prompts]),
    ({"level": 3, "text_emb": torch.ones(2, 1)}, {"level": 1}, lambda given: given["level"]),
    ((torch.ones(2), 1.0), (torch.zeros(2), 1.0), lambda pair: pair[0]),
    (torch.tensor([3, 4]), None, lambda labels: [-7.0, -7.0] if labels is None else labels),
    (torch.ones(2, 1), torch.zeros(1, 1), lambda given: given.expand(2, 1)),
])
def test_one_batch_for_both_conditions_changes_no_answer(cond, uncond, read):
    x, t = torch.randn(2, 1), torch.tensor([0.2, 0.8])
    together, apart = (samplers.guided(told(read), cond, uncond, 1.5, batched=batched)(x, t)
                       for batched in (True, False))
    assert torch.equal(together, apart)
    assert not torch.equal(apart, told(read)(x, t, cond))


def test_what_both_conditions_share_goes_into_one_batch():
    sizes = []

    def model(x, t, condition):
        sizes.append((len(x), condition["size"], len(condition["text_emb"])))
        return x

    shared = {"size": 28, "text_emb": torch.ones(2, 3)}
    samplers.guided(model, shared, {"size": 28, "text_emb": None}, 1.0)(torch.randn(2, 1), torch.ones(2))
    assert sizes == [(4, 28, 4)]


def test_the_classifier_samples_in_evaluation_mode_too():
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(1), torch.nn.Linear(1, 2)).double()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    guide = samplers.classifier_guided(PAIR.model(PATH), lambda x, t: network(x), torch.tensor([0, 1, 0]), 1.0, PATH)
    inside = samplers.classifier_guided(PAIR.model(PATH), Timed(network), torch.tensor([0, 1, 0]), 1.0, PATH)
    x = torch.randn(3, 1, dtype=torch.float64)
    want = samplers.sample_ddim(inside, x, PATH, 3)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
    network.eval()
    torch.testing.assert_close(samplers.sample_ddim(guide, x, PATH, 3), want)
    torch.testing.assert_close(samplers.sample_ddim(partial(inside), x, PATH, 3), want)


class Timed(torch.nn.Module):
    """A classifier that is told the time."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, t):
        return self.network(x)


def test_a_classifier_that_cannot_guide_says_why():
    flow, x = RectifiedFlow(), torch.randn(3, 1)
    classifier = lambda x, t: torch.cat([x, -x], 1)  # noqa: E731
    guide = partial(samplers.classifier_guided, lambda x, t: x, classifier, path=flow, prediction="velocity")
    with pytest.raises(ValueError, match="score does not tell velocity at time 1"):
        samplers.sample_euler(guide(torch.tensor([0, 1, 0]), 1.0), x, flow, 4, prediction="velocity")
    below = torch.tensor([0.999, 0.5, 0.0])
    out = samplers.sample_euler(guide(torch.tensor([0, 1, 0]), 0.1), x, flow, below, prediction="velocity")
    assert out.isfinite().all()
    with pytest.raises(ValueError, match="2 classes for 3 samples"):
        guide(torch.tensor([0, 1]), 1.0)(x, torch.full((3,), 0.5))


def test_classifier_guidance_on_a_chain_is_that_of_its_own_call():
    chain, x = DiscreteVP(cosine_betas(20)), torch.randn(3, 1)
    classifier = lambda x, t: torch.cat([x, -x], 1)  # noqa: E731
    guide = samplers.classifier_guided(lambda x, t: 0.5 * x, classifier, torch.tensor([0, 1, 0]), 2.0, chain)
    with torch.inference_mode():
        torch.testing.assert_close(guide.at_time(7)(x, torch.full((3,), 7)), guide(x, torch.full((3,), 7)))
        assert samplers.sample_ddim(guide, x, chain, 5).shape == x.shape
