"""Notebook 00 against what is known: gradient descent by hand, log 10, and the errors of a difference quotient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import data, notebooks, puzzles

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("00"))


def reader() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


# ---- train_step


def test_a_step_on_a_line_is_gradient_descent_by_hand(nb):
    x, y, w = torch.randn(8, 3), torch.randn(8, 1), torch.randn(1, 3)
    model = nn.Linear(3, 1, bias=False)
    model.weight.data = w.clone()
    loss = nb.train_step(model, torch.optim.SGD(model.parameters(), lr=0.1), nn.MSELoss(), (x, y), CPU)
    assert loss == pytest.approx((x @ w.T - y).square().mean().item(), rel=1e-6)
    torch.testing.assert_close(model.weight.data, w - 0.1 * 2 / 8 * (x @ w.T - y).T @ x)


def test_a_step_of_one_half_reaches_the_bottom_of_a_parabola_whatever_lay_there(nb):
    model = nn.Linear(1, 1, bias=False)
    model.weight.grad = torch.tensor([[1e3]])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    batch = torch.ones(1, 1), torch.full((1, 1), 3.0)
    first, second = (nb.train_step(model, optimizer, nn.MSELoss(), batch, CPU) for _ in range(2))
    assert model.weight.item() == 3 and first > 0 and second == 0


def test_a_reader_begins_at_log_10_and_reads_nine_of_ten_digits_in_seconds(nb):
    images, labels = data.mnist("train", full=False)
    model, generator = reader(), torch.Generator().manual_seed(0)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.3), []
    for batch in torch.randint(len(images), (350, 64), generator=generator):
        losses.append(nb.train_step(model, optimizer, F.cross_entropy, (images[batch], labels[batch]), CPU))
    held_out, answers = data.mnist("test", full=False)
    assert losses[0] == pytest.approx(math.log(10), abs=0.05)
    right = model(held_out).argmax(1) == answers
    assert right.float().mean() > 0.88
    assert all(right[answers == k][3] for k in range(10))  # the row of digits that the notebook watches


# ---- rel_error


@pytest.mark.parametrize("x, y, error", [
    ([1.0], [2.0], 1 / 3), ([1.0, 5.0], [-1.0, 5.0], 1), ([0.0], [0.0], 0), ([0.0], [1e-3], 1),
    ([1e-11], [0.0], 0.1), ([100.0, 1.0], [101.0, 1.1], 0.1 / 2.1), ([-3.0], [-1.0], 0.5)])
def test_a_relative_error_by_hand_of_tensors_and_of_arrays(nb, x, y, error):
    for kind in (lambda v: torch.tensor(v, dtype=torch.float64), np.array):
        found = nb.rel_error(kind(x), kind(y))
        assert type(found) is float and found == pytest.approx(error, rel=1e-12)


def test_a_relative_error_has_no_unit_and_no_direction(nb):
    x, y = torch.randn(2, 50, dtype=torch.float64)
    found = nb.rel_error(x, y)
    assert 0 < found <= 1
    assert nb.rel_error(y, x) == found == pytest.approx(nb.rel_error(1024 * x, 1024 * y), rel=1e-12)


@pytest.mark.parametrize("dtype, h, least, most", [
    (torch.float64, 3e-5, 0, 1e-7), (torch.float64, 0.1, 1e-4, 0.1), (torch.float64, 1e-12, 1e-6, 1),
    (torch.float32, 1e-9, 0.999, 1)])
def test_a_difference_quotient_has_its_own_best_step(nb, dtype, h, least, most):
    """In 64 bits it is good near the cube root of the rounding error, worse on both sides; in 32 bits h may vanish."""
    images, labels = data.mnist("test", full=False)
    model = reader().to(dtype)

    def loss(shift):
        return F.cross_entropy(model(images.to(dtype)) + shift, labels)

    gradient, = torch.autograd.grad(loss(torch.zeros(10, dtype=dtype)), [model[-1].bias])
    by_hand = torch.stack([(loss(e) - loss(-e)) / (2 * h) for e in h * torch.eye(10, dtype=dtype)])
    assert least <= nb.rel_error(by_hand.detach(), gradient) <= most


# ---- the puzzle


def test_the_curves_of_the_puzzle_tell_their_slips():
    curves = puzzles.slipped_steps(*data.mnist("train", full=False))
    begin, end = ({name: curve[part].mean().item() for name, curve in curves.items()}
                  for part in (slice(0, 30), slice(-30, None)))
    floor = -math.log(math.e / (math.e + 9))  # of cross-entropy on probabilities, 1.46
    assert floor < end["A"] < begin["A"] - 0.3
    assert begin["B"] == pytest.approx(math.log(10), abs=0.05) and end["B"] == pytest.approx(begin["B"], abs=0.05)
    assert curves["C"].min() < 1.2 < begin["C"] < end["C"]
