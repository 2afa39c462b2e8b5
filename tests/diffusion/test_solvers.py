"""The solvers against scipy, closed forms and their own orders."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from course_utils.diffusion.solvers import ERROR, NODES, STAGES, adams, heun, rk4, rk45


def swing(x: Tensor, t: Tensor) -> Tensor:
    """A driven pendulum for each sample: nonlinear, and of time."""
    angle, speed = x[:, 0], x[:, 1]
    return torch.stack([speed, -torch.sin(angle) + 0.3 * torch.cos(3 * t)], 1)


@pytest.mark.parametrize("t0, t1", [(0.0, 8.0), (5.0, -1.0)])
@pytest.mark.parametrize("tol", [1e-4, 1e-8])
def test_one_sample_is_solved_as_scipy_solves_it(t0, t1, tol):
    """The same table, norm and control: the same number of evaluations and the same numbers, sample by sample."""
    x = torch.tensor([[1.0, 0.2], [-2.0, 3.0], [0.1, 0.0]], dtype=torch.float64)
    ours = rk45(swing, x, t0, t1, rtol=tol, atol=tol / 10)
    for i in range(3):
        slope = lambda t, y: swing(torch.as_tensor(y)[None], x.new_tensor([t]))[0].numpy()  # noqa: E731
        theirs = solve_ivp(slope, (t0, t1), x[i].numpy(), rtol=tol, atol=tol / 10)
        assert ours.nfe[i] == theirs.nfev
        assert torch.allclose(ours.x[i], torch.from_numpy(theirs.y[:, -1]), rtol=1e-9, atol=1e-9)


def test_a_step_that_leaves_the_domain_is_tried_again_smaller():
    """x' = −200·log x: a trial step to below 0 has no slope, the solution does."""
    x = torch.full((1, 1), 50.0, dtype=torch.float64)
    ours = rk45(lambda x, t: -200 * x.log(), x, 0.0, 1.0, rtol=1e-4, atol=1e-5)
    with np.errstate(invalid="ignore"):
        theirs = solve_ivp(lambda t, x: -200 * np.log(x), (0, 1), x[0].numpy(), rtol=1e-4, atol=1e-5)
    assert ours.nfe.item() == theirs.nfev and ours.x.item() == pytest.approx(theirs.y[0, -1], rel=1e-9)


def test_the_table_meets_its_order_conditions():
    """Σ b c^k = 1/(k+1) up to order 5; each row sums to its node; the error's weights sum to 0 up to order 4."""
    b, c = (*STAGES[-1], 0), NODES
    for k in range(5):
        assert sum(w * n**k for w, n in zip(b, c, strict=True)) == pytest.approx(1 / (k + 1), abs=1e-14)
    for k in range(4):
        assert sum(w * n**k for w, n in zip(ERROR, c, strict=True)) == pytest.approx(0, abs=1e-14)
    for row, node in zip(STAGES, NODES, strict=True):
        assert sum(row) == pytest.approx(node, abs=1e-14)


def test_a_closed_form_at_any_rank_both_ways_and_both_dtypes():
    for shape in [(3,), (3, 2), (3, 2, 4, 5)]:
        for dtype, tol in [(torch.float64, 1e-9), (torch.float32, 1e-5)]:
            x = torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
            growth = rk45(lambda x, t: x * torch.cos(t).reshape(-1, *[1] * (x.dim() - 1)), x, 0, 2, tol, tol)
            assert growth.x.dtype == dtype and growth.x.shape == shape and growth.error.shape == shape
            assert torch.allclose(growth.x, x * math.exp(math.sin(2)), rtol=50 * tol, atol=50 * tol)
            back = rk45(lambda x, t: x * torch.cos(t).reshape(-1, *[1] * (x.dim() - 1)), growth.x, 2, 0, tol, tol)
            assert torch.allclose(back.x, x, rtol=50 * tol, atol=50 * tol)


def test_a_finished_sample_stops_costing():
    """A stiff sample takes its many steps alone; the others are as if they had been solved alone."""
    rate = torch.tensor([1.0, 400.0, 2.0], dtype=torch.float64)
    x, seen = torch.ones(3, 1, dtype=torch.float64), []

    def decay(x, t, rate):
        seen.append(len(x))
        return -rate[:, None] * (x - torch.cos(t)[:, None])

    together = rk45(decay, x, 0, 1, 1e-6, 1e-6, per_sample=[rate])
    assert together.nfe[1] > 5 * together.nfe[0] and sum(seen) == together.nfe.sum() and seen[-1] == 1
    alone = [rk45(decay, x[i:i + 1], 0, 1, 1e-6, 1e-6, per_sample=[rate[i:i + 1]]) for i in range(3)]
    assert torch.equal(together.nfe, torch.cat([s.nfe for s in alone]))
    assert torch.allclose(together.x, torch.cat([s.x for s in alone]), rtol=1e-13)


def test_a_closed_over_condition_needs_all_rows():
    rate = torch.tensor([1.0, 40.0], dtype=torch.float64)
    x = torch.ones(2, 1, dtype=torch.float64)
    closed = lambda x, t: -rate[:, None] * x  # noqa: E731
    with pytest.raises(ValueError, match="per_sample"):
        rk45(closed, x, 0, 1)
    whole = rk45(closed, x, 0, 1, compact=False)
    parts = rk45(lambda x, t, rate: -rate[:, None] * x, x, 0, 1, per_sample=[rate])
    assert torch.equal(whole.nfe, parts.nfe) and torch.allclose(whole.x, parts.x, rtol=1e-13)


def test_the_estimate_covers_the_error():
    x = torch.tensor([[1.0, 0.2]], dtype=torch.float64)
    exact = rk45(swing, x, 0, 3, 1e-12, 1e-12).x
    for tol in (1e-3, 1e-5, 1e-7):
        rough = rk45(swing, x, 0, 3, tol, tol)
        assert ((rough.x - exact).abs() <= 3 * rough.error).all() and (rough.error < 30 * tol).all()


def test_each_entry_may_have_its_own_tolerance():
    """A tight absolute tolerance for one entry costs what it costs for all; a huge one for the other costs nothing."""
    x = torch.tensor([[1.0, 0.2]], dtype=torch.float64)
    loose, tight = (rk45(swing, x, 0, 3, 0.0, atol).nfe.item() for atol in (1e-2, 1e-9))
    mixed = rk45(swing, x, 0, 3, 0.0, torch.tensor([1e-9, 1e9]))
    assert loose < mixed.nfe.item() <= tight + 6


@pytest.mark.parametrize("method, order, cost", [(heun, 2, 4), (rk4, 4, 8), (adams, 3, 3)])
def test_fixed_steps_have_their_order(method, order, cost):
    x = torch.tensor([[1.0, 0.2], [-2.0, 3.0]], dtype=torch.float64)
    exact = rk45(swing, x, 0, 2, 1e-12, 1e-12).x
    error = [(method(swing, x, torch.linspace(0, 2, n + 1)).x - exact).abs().max().item() for n in (32, 64)]
    assert math.log2(error[0] / error[1]) == pytest.approx(order, abs=0.25)
    run = method(swing, x, [2.0, 1.5, 0.0])  # uneven and backwards
    assert run.nfe.tolist() == [cost] * 2 and run.error.isnan().all()


def test_adams_integrates_parabolas_on_any_grid_and_asks_once_a_step():
    """The first step knows the slope at two times only: there it is the trapezoid."""
    times, seen = [3.0, 2.5, 2.4, 1.0, 0.3, -1.0], []
    parabola, integral = lambda t: 3 * t**2 + 2 * t, lambda t: t**3 + t**2  # noqa: E731

    def slope(x, t):
        seen.append(t[0].item())
        return parabola(t)[:, None].expand_as(x)

    x = torch.tensor([[0.0], [5.0]], dtype=torch.float64)
    found = adams(slope, x, times)
    change = -0.5 * (parabola(3.0) + parabola(2.5)) / 2 + integral(-1.0) - integral(2.5)
    assert torch.allclose(found.x, x + change, rtol=0, atol=1e-12)
    assert torch.tensor(seen).allclose(torch.tensor(times)) and found.nfe.tolist() == [6, 6]


def test_nothing_is_recorded_and_nothing_changed():
    x = torch.ones(2, 1, requires_grad=True)
    assert not rk45(lambda x, t: -x, x, 0, 1).x.requires_grad
    x = torch.ones(2, 1)
    still = rk45(lambda x, t: -x, x, 1, 1)
    assert torch.equal(still.x, torch.ones(2, 1)) and still.nfe.tolist() == [0, 0]
    rk45(lambda x, t: -x, x, 0, 1)
    assert torch.equal(x, torch.ones(2, 1))
    assert rk45(lambda x, t: -x, torch.ones(0, 3), 0, 1).x.shape == (0, 3)


def test_what_cannot_be_solved_is_said():
    x = torch.ones(2, 1)
    with pytest.raises(RuntimeError, match="1 of 2 samples.*not finite"):
        rk45(lambda x, t, wall: x.new_tensor(1.0) * torch.where(t[:, None] < wall, 1.0, torch.nan).to(x) * x, x, 0, 1,
             per_sample=[torch.tensor([[0.5], [2.0]])])
    with pytest.raises(RuntimeError, match="float32"):
        rk45(lambda x, t: torch.randn_like(x), x, 1, 2, 1e-9, 1e-9)
    with pytest.raises(RuntimeError, match="max_steps"):
        rk45(lambda x, t: -x, x, 0, 50, max_steps=3)
    with pytest.raises(TypeError, match="float32 or float64"):
        rk45(lambda x, t: -x, x.bfloat16(), 0, 1)
