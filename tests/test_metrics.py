"""Accuracy and the kernel distance."""

from __future__ import annotations

import math

import pytest
import torch

from course_utils import metrics


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


def test_kernel_distances_print_the_floor_drawn_likewise():
    g = torch.Generator().manual_seed(0)
    reals, same = torch.randn(900, 8, generator=g), torch.randn(500, 8, generator=g)
    got = metrics.kernel_distances(same, reals, size=300)
    assert list(got) == ["kernel_distance", "kernel_distance_std", "kernel_distance_real", "kernel_distance_real_std"]
    assert abs(got["kernel_distance"]) < 2 * got["kernel_distance_std"]
    assert abs(got["kernel_distance_real"]) < 2 * got["kernel_distance_real_std"]
    far = metrics.kernel_distances(same + 0.5, reals, size=300)
    assert far["kernel_distance"] > 0.2
    assert far["kernel_distance_real"] == got["kernel_distance_real"]  # the same draws of reals
    assert metrics.kernel_distances(same, reals, size=300) == got
    with pytest.raises(ValueError, match="Draws of 300 need"):
        metrics.kernel_distances(same, reals[:599], size=300)


def test_frechet_distance_is_the_closed_form():
    from scipy.linalg import sqrtm

    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(400, 5, generator=g), torch.randn(300, 5, generator=g) @ torch.randn(5, 5, generator=g) + 1
    (m1, c1), (m2, c2) = ((x.double().mean(0).numpy(), x.double().T.cov().numpy()) for x in (a, b))
    expected = ((m1 - m2) ** 2).sum() + (c1 + c2 - 2 * sqrtm(c1 @ c2).real).trace()
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(a, a + 2) == pytest.approx(4 * 5, rel=1e-5)
    assert abs(metrics.frechet_distance(torch.cat([a, a], 1), torch.cat([a, a], 1))) < 1e-6  # singular covariances


def test_class_diversity_is_the_distance_of_pairs():
    g = torch.Generator().manual_seed(0)
    features, labels = torch.randn(60, 4, generator=g), torch.arange(60) % 3
    features[labels == 2] *= 5
    by_hand = torch.stack([torch.pdist(features[labels == c].double()).square().mean().sqrt() for c in range(3)])
    mean, spread = metrics.class_diversity(features, labels)
    assert mean == pytest.approx(by_hand.mean().item())
    assert spread == pytest.approx(by_hand.std().item())
    assert metrics.class_diversity(torch.ones(6, 4), torch.arange(6) % 2) == (0, 0)
    with pytest.raises(ValueError, match="two samples of each"):
        metrics.class_diversity(features[:4], labels[:4])


def test_nearest_finds_the_example_and_its_distance():
    g = torch.Generator().manual_seed(0)
    training = torch.rand(50, 1, 6, 6, generator=g)
    moved = training[[7, 40, 3]] + 0.01
    distances, indices = metrics.nearest(moved, training, k=2, chunk=2)
    assert indices[:, 0].tolist() == [7, 40, 3]
    assert distances[:, 0].tolist() == pytest.approx([0.01] * 3, rel=1e-3)
    assert (distances[:, 1] > distances[:, 0]).all()
    with pytest.raises(ValueError, match="same shape"):
        metrics.nearest(moved, training[:, :, :5])


def test_copied_share_counts_copies_only():
    g = torch.Generator().manual_seed(0)
    training, fresh = torch.rand(50, 30, generator=g), torch.rand(6, 30, generator=g)
    assert metrics.copied_share(torch.cat([fresh, training[:2] + 0.02]), training) == 0.25
    twins = torch.cat([training, training + 0.001])
    assert metrics.copied_share(training[:2] + 0.02, twins) == 0  # a twin hides it, as the docstring says


def test_retrieval_rank():
    candidates = torch.eye(4)
    predicted = torch.tensor([[9.0, 1, 0, 0], [3, 2, 1, 0], [0, 0, 0, 1]])
    assert metrics.retrieval_rank(predicted, candidates, torch.tensor([0, 2, 0])).tolist() == [1, 3, 4]
    assert metrics.retrieval_rank(5 * predicted, candidates, torch.tensor([0, 2, 3])).tolist() == [1, 3, 1]


@pytest.mark.parametrize(("step", "direction"), [
    ((0, -2), "left"), ((0, 2), "right"), ((-2, 0), "up"), ((2, 0), "down"), ((0, 0), "none")])
def test_motion_direction(step, direction):
    video = torch.zeros(8, 1, 40, 40)
    for i in range(8):
        row, column = (18 + i * s for s in step)
        video[i, 0, row:row + 3, column:column + 3] = 1
    assert metrics.motion_direction(video[None]) == [direction]
    assert metrics.motion_direction(torch.stack([video, torch.zeros_like(video)])) == [direction, "none"]


def test_a_digit_that_vanishes_does_not_move():
    video = torch.zeros(1, 8, 1, 16, 16)
    video[:, 0, :, 12, 12] = 1
    assert metrics.motion_direction(video) == ["none"]
