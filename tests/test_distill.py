"""Notebook 14 against known answers: targets that compose, exact consistency functions, and what its figures tell."""

from __future__ import annotations

import math

import pytest
import torch
from two_samples import LEVEL, p_value

from course_utils import densities, notebooks, puzzles
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import VP, RectifiedFlow
from course_utils.diffusion.samplers import sample_ddim

PATHS = [VP(), RectifiedFlow()]
BLOBS = densities.ring(3, radius=0.7, std=0.1)
T_MIN, SPREAD = 0.3, 0.8  # of the exact consistency function of numbers with that standard deviation


def gaussian(d):
    """Independent numbers of standard deviation 0.6."""
    return densities.Mixture(torch.zeros(1, d, dtype=torch.float64), 0.6)


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("14"))


def noise(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def triples(path, t, steps):
    """A student's times at t, and the path's factors there."""
    times = (t, t - 0.5 / steps, (t - 1 / steps).clamp(min=0))
    return times, [path.alpha(u) for u in times], [path.sigma(u) for u in times]


def perfect(nb, path, teacher, steps):
    """A student that answers exactly its target."""
    return lambda z, t: nb.progressive_target(teacher, z, *triples(path, t, steps))


# ---- progressive distillation


@pytest.mark.parametrize("path", PATHS, ids=["VP", "straight"])
@pytest.mark.parametrize("density", [BLOBS, gaussian(2)], ids=["blobs", "Gaussian"])
def test_perfect_students_of_perfect_students_land_where_sixteen_steps_land(nb, path, density):
    network = teacher = density.model(path, "x_start")
    z = noise(5, 2)
    landed = sample_ddim(teacher, z, path, 16, prediction="x_start", clamp=None)
    for steps in (8, 4, 2, 1):
        network = perfect(nb, path, network, steps)
        x = sample_ddim(network, z, path, steps, prediction="x_start", clamp=None)
        torch.testing.assert_close(x, landed)


def test_the_gaussians_target_is_known_in_closed_form(nb):
    path, s2 = VP(), 0.36
    t, z = torch.tensor([0.9, 0.5], dtype=torch.float64), noise(2, 3, 4)
    times, alphas, sigmas = triples(path, t, 4)
    target = nb.progressive_target(gaussian(12).model(path, "x_start"), z.flatten(1), times, alphas, sigmas)
    shrunk = []  # the factor by which one step of DDIM multiplies z
    for a, b, c, d in zip(alphas[:2], alphas[1:], sigmas[:2], sigmas[1:], strict=True):
        gain = a * s2 / (a**2 * s2 + c**2)
        shrunk.append(b * gain + d * (1 - a * gain) / c)
    factor = (shrunk[0] * shrunk[1] - sigmas[2] / sigmas[0]) / (alphas[2] - sigmas[2] / sigmas[0] * alphas[0])
    torch.testing.assert_close(target, factor[:, None] * z.flatten(1))


def test_on_the_straight_path_its_velocity_is_the_mean_of_the_teachers_two(nb):
    path, teacher = RectifiedFlow(), BLOBS.model(RectifiedFlow(), "x_start")
    z, t = noise(4, 2), torch.tensor([1.0, 0.75, 0.5, 0.25], dtype=torch.float64)
    target = nb.progressive_target(teacher, z, *triples(path, t, 4))
    first = (z - teacher(z, t)) / t[:, None]
    middle, later = z - first / 8, t - 1 / 8
    second = (middle - teacher(middle, later)) / later[:, None]
    torch.testing.assert_close((z - target) / t[:, None], (first + second) / 2)


def test_the_guided_target_is_the_librarys_guidance(nb):
    def teacher(x, t, y):
        return torch.sin(x) + (0.3 if y is None else y.reshape(-1, *[1] * (x.dim() - 1)))

    x, t, y = noise(3, 2, 4, 3), torch.rand(3), noise(3, seed=5)
    w = torch.tensor([0.0, -1.0, 2.5], dtype=torch.float64)
    expected = guided(teacher, y, None, w, batched=False)(x, t)
    torch.testing.assert_close(nb.guidance_target(teacher, x, t, y, w), expected)


# ---- consistency


def test_at_t_min_it_is_the_identity_whatever_the_network_says(nb):
    x, F = noise(3, 2, 4, 3), 1e3 * noise(3, 2, 4, 3, seed=4)
    f = nb.consistency_parametrisation(F, x, torch.full((3,), T_MIN, dtype=torch.float64), 0.7, T_MIN)
    assert torch.equal(f, x)


def test_without_t_min_the_network_has_to_tell_numbers_of_size_one(nb):
    """Karras et al. 2022: x_start = c_skip·x + c_out·F then asks for an F of variance 1 at every time."""
    t = torch.tensor([0.01, 0.5, 3.0, 70.0], dtype=torch.float64)
    one = torch.ones(4, 1, dtype=torch.float64)
    c_skip = nb.consistency_parametrisation(0 * one, one, t, 0.5, 0.0)[:, 0]
    c_out = nb.consistency_parametrisation(one, 0 * one, t, 0.5, 0.0)[:, 0]
    variance = ((1 - c_skip) ** 2 * 0.25 + c_skip**2 * t**2) / c_out**2
    torch.testing.assert_close(variance, torch.ones(4, dtype=torch.float64))


def of_one_point(x, t):
    """The exact consistency function where all data is one point: a way is a straight line to it."""
    return 1.5 + T_MIN / t[:, None] * (x - 1.5)


def test_the_exact_function_of_one_point_has_no_loss_and_another_has(nb):
    x, z = torch.full((6, 2), 1.5, dtype=torch.float64), noise(6, 2)
    t_next, t = torch.linspace(0.3, 2, 6).double(), torch.linspace(0.5, 80, 6).double()
    assert nb.consistency_loss(of_one_point, of_one_point, x, z, t_next, t) < 1e-20
    assert nb.consistency_loss(lambda x, t: x, lambda x, t: x, x, z, t_next, t) > 1


def of_gaussian(x, t):
    """The exact consistency function of numbers of mean 0: its ways keep their place in units of the spread."""
    return x * ((SPREAD**2 + T_MIN**2) / (SPREAD**2 + t[:, None] ** 2)).sqrt()


@pytest.mark.parametrize("times", [[5.0], [5.0, 1.0], [5.0, 2.0, 1.0, 0.5]], ids=len)
def test_the_exact_function_reaches_the_density_in_any_number_of_evaluations(nb, times):
    times, n = torch.tensor(times, dtype=torch.float64), 600
    x_T, noises = noise(n, 1) * math.hypot(SPREAD, 5), noise(len(times) - 1, n, 1, seed=5)
    truth = noise(n, 1, seed=6) * math.hypot(SPREAD, T_MIN)
    assert p_value(nb.multistep_consistency_sample(of_gaussian, x_T, times, noises, T_MIN), truth) > LEVEL


def test_that_test_sees_a_root_that_is_missing():
    n, t = 600, torch.full((600,), 2.0, dtype=torch.float64)
    x = of_gaussian(noise(n, 1) * math.hypot(SPREAD, 5), torch.full((n,), 5.0, dtype=torch.float64))
    wrong = of_gaussian(x + (2**2 - T_MIN**2) * noise(n, 1, seed=5), t)
    assert p_value(wrong, noise(n, 1, seed=6) * math.hypot(SPREAD, T_MIN)) < LEVEL


# ---- what the notebook's figures stand on


def test_the_puzzles_three_slips_look_as_the_answer_says():
    clouds = puzzles.slipped_students(BLOBS, noise(400, 2).float())
    off = {name: torch.cdist(x.double(), BLOBS.means).amin(1).median().item() for name, x in clouds.items()}
    assert clouds["B"].abs().max() < 1e-3  # the mean of the data
    assert 0.3 < off["A"] < 0.5 < 0.69 < off["B"]  # drawn in, but not to the middle
    assert off["C"] > 0.2 and clouds["C"].std() > 1.2 * BLOBS.sample(400).std()
