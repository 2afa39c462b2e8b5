"""The chain and its plans against closed forms, and the two metrics."""

from __future__ import annotations

import math

import pytest
import torch

from course_utils import metrics, samplers
from course_utils.paths import DiscreteVP, cosine_betas, linear_betas, sigmoid_betas


@pytest.mark.parametrize("schedule", [linear_betas, cosine_betas, sigmoid_betas])
def test_schedules_turn_data_into_noise(schedule):
    betas = schedule(200)
    path = DiscreteVP(betas)
    assert betas.dtype == torch.float64 and betas.min() >= 0 and betas.max() <= 0.999
    t = torch.arange(-1, 200)
    assert path.alpha(t)[0] == 1 and path.sigma(t)[0] == 0 and path.alpha(t)[-1] < 0.01
    assert torch.allclose(path.alpha(t) ** 2 + path.sigma(t) ** 2, torch.ones(201, dtype=torch.float64))
    assert (path.alpha(t).diff() < 0).all()


def test_the_last_signal_of_the_long_chain():
    """1/√ᾱ at the last index: about 1,800 for the sigmoid schedule and 20,000 for the cosine one."""
    last = lambda betas: 1 / DiscreteVP(betas).alpha(torch.tensor(999)).item()  # noqa: E731
    assert last(sigmoid_betas(1000)) == pytest.approx(1800, rel=0.05)
    assert last(cosine_betas(1000)) == pytest.approx(20_000, rel=0.1)


def test_noise_is_added_at_any_rank():
    path = DiscreteVP(linear_betas(10))
    t = torch.tensor([0, 9])
    for shape in [(2,), (2, 3), (2, 3, 4, 4)]:
        x_start, noise = torch.randn(shape), torch.randn(shape)
        x_t = path.add_noise(x_start, t, noise)
        for i in range(2):
            want = path.alpha(t)[i].float() * x_start[i] + path.sigma(t)[i].float() * noise[i]
            assert torch.allclose(x_t[i], want)


class Gaussian:
    """The exact noise prediction for data N(mean, std²)."""

    def __init__(self, path, mean=0.3, std=0.2):
        self.path, self.mean, self.std = path, mean, std

    def __call__(self, x, t, model_kwargs=None):
        alpha, sigma = self.path.alpha(t)[:, None].float(), self.path.sigma(t)[:, None].float()
        return sigma * (x - alpha * self.mean) / (alpha**2 * self.std**2 + sigma**2)


def test_ddim_reaches_the_density_with_an_error_of_first_order():
    path = DiscreteVP(cosine_betas(1000))
    z = torch.linspace(-1, 1, 3).reshape(3, 1)
    exact = 0.3 + 0.2 * z  # the ODE maps quantiles to quantiles: it is monotone and both ends are normal
    error = {n: (samplers.sample(Gaussian(path), z, samplers.plan_ddim(path, n)) - exact).abs().max().item()
             for n in (25, 50, 100)}
    assert 1.7 < error[25] / error[50] < 2.3 and 1.7 < error[50] / error[100] < 2.3 and error[100] < 0.01


def test_ancestral_steps_reach_the_density_as_they_get_smaller():
    """The variance β̃ is right for a single point of data: a coarse chain gets too narrow (Ho et al. 2020, 3.2)."""
    spread = {}
    for T in (25, 100, 800):
        path, generator = DiscreteVP(cosine_betas(T)), torch.Generator().manual_seed(0)
        x = samplers.sample_ancestral(Gaussian(path), (20_000, 1), path, generator=generator)
        assert x.mean().item() == pytest.approx(0.3, abs=0.01)
        spread[T] = x.std().item()
    assert spread[25] < spread[100] < spread[800] == pytest.approx(0.2, abs=0.005)


def test_the_callback_sees_every_step():
    path, seen = DiscreteVP(linear_betas(5)), []
    x = samplers.sample_ancestral(Gaussian(path), (2, 1), path, callback=seen.append)
    assert [(s["i"], s["t"]) for s in seen] == [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0)]
    assert torch.equal(seen[-1]["x"], x)


def test_a_plan_of_one_step_gives_the_clean_prediction():
    path = DiscreteVP(linear_betas(10))
    plan = samplers.plan_ddim(path, 1)
    assert plan[0, 0] == 9 and plan[0, 3] == 0 and plan[0, 4] == 1
    assert samplers.plan_ancestral(path)[-1, 5] == 0  # no noise in the last step


def test_accuracy_counts_what_is_recognised():
    images = torch.eye(4)[:, None, None]  # (4, 1, 1, 4)
    assert metrics.accuracy(lambda x: x.flatten(1), images, torch.tensor([0, 1, 2, 0])) == 0.75


def test_kernel_distance_is_unbiased_and_sees_a_shift():
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(1000, 8, generator=g), torch.randn(1500, 8, generator=g)
    same, spread = metrics.kernel_distance(a, b)
    far, _ = metrics.kernel_distance(a, b + 0.5)
    assert abs(same) < 3 * spread / math.sqrt(4) and far > 0.2
    assert metrics.kernel_distance(a, 7 * b)[0] == pytest.approx(same, rel=1e-4)
    with pytest.raises(ValueError, match="two features"):
        metrics.kernel_distance(a[:5], b[:5])


def test_kernel_distance_does_not_depend_on_the_order_of_classes():
    g = torch.Generator().manual_seed(0)
    classes = torch.arange(400) % 4
    a, b = (torch.randn(400, 8, generator=g) + 3 * torch.eye(8)[classes] for _ in range(2))
    sorted_b = b[classes.argsort(stable=True)]
    assert abs(metrics.kernel_distance(a, sorted_b)[0]) < 0.05 < metrics.kernel_distance(a[:200], sorted_b[:200])[0]
