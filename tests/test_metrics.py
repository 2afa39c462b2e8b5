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
