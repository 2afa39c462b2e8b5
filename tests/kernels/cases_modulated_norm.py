"""The modulated_norm kernel, interpreted or on a GPU; `test_triton.py` runs this file in a process of its own."""

from __future__ import annotations

import pytest
import torch

from course_utils.kernels import modulated_norm as module
from course_utils.kernels.dispatch import INTERPRETED
from course_utils.kernels.modulated_norm import modulated_norm, operator, operator_backward, reference

DEVICE = "cpu" if INTERPRETED else "cuda"
# Relative to the largest value; the interpreter cuts a bfloat16 off where a GPU rounds.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3 if INTERPRETED else 4e-3}


def inputs(b, channels, size, dtype=torch.float32, modulated=True):
    """x, g, scale and shift of a UNet's block; scale and shift are chunks of one tensor."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(shape, generator=generator).to(DEVICE, dtype).requires_grad_()  # noqa: E731
    x, g = draw(b, channels, *size), draw(1, channels, *[1] * len(size))
    scale, shift = draw(b, 2 * channels, *[1] * len(size)).chunk(2, dim=1) if modulated else (None, None)
    return x, g, scale, shift


def exact(*given):
    return reference(*(c if c is None else c.double() for c in given))


def error(got, want):
    return ((got.double() - want).abs().max() / want.abs().max()).item()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("modulated", [True, False])
@pytest.mark.parametrize("b, channels, size", [(2, 32, (5, 3)), (3, 24, (7,)), (1, 300, (4, 4)), (5, 1, ())])
def test_values_and_gradients_agree_with_the_reference_in_float64(b, channels, size, modulated, dtype):
    given = inputs(b, channels, size, dtype, modulated)
    wanted = [c for c in given if c is not None]
    y, want = modulated_norm(*given), exact(*given)
    assert y.shape == want.shape and y.dtype == dtype and error(y, want) < TOLERANCE[dtype]
    dy = torch.randn_like(y)
    got = torch.autograd.grad(y, wanted, dy)
    wants = torch.autograd.grad(want, wanted, dy.double())
    # With one channel the norm is ±1 whatever x is: its gradient is 0, and only its size can be judged.
    assert all(error(a, b) < 2 * TOLERANCE[dtype] if b.abs().max() > 1e-3 else a.abs().max() < 1e-2
               for a, b in zip(got, wants, strict=True))
    again = torch.autograd.grad(modulated_norm(*given), wanted, dy)
    assert all(torch.equal(a, b) for a, b in zip(got, again, strict=True))


@pytest.mark.parametrize("modulated", [True, False])
def test_a_program_goes_through_several_shares(modulated, monkeypatch):
    """Small tiles, so that the loop of the backward pass turns and its last turn is not full."""
    monkeypatch.setattr(module, "TILE_BACKWARD", 32)
    monkeypatch.setattr(module, "TILE", 64)
    given = inputs(2, 16, (3, 5), modulated=modulated)
    wanted = [c for c in given if c is not None]
    y, want = modulated_norm(*given), exact(*given)
    dy = torch.randn_like(y)
    got, wants = torch.autograd.grad(y, wanted, dy), torch.autograd.grad(want, wanted, dy.double())
    assert error(y, want) < 2e-6 and all(error(a, b) < 4e-6 for a, b in zip(got, wants, strict=True))


def test_any_memory_order():
    x, g, scale, shift = inputs(2, 16, (3, 5))
    want = modulated_norm(x, g, scale, shift)
    last = x.contiguous(memory_format=torch.channels_last)
    got = modulated_norm(last, g.flatten(), scale.clone(), shift.flatten(1))
    assert torch.equal(got, want) and got.is_contiguous(memory_format=torch.channels_last)
    expanded = scale[:1].expand(2, -1, -1, -1)
    assert torch.equal(modulated_norm(x[:, :, ::2], g, expanded, shift),
                       modulated_norm(x[:, :, ::2].contiguous(), g, expanded.contiguous(), shift))


def test_positions_too_short_to_normalise_have_finite_gradients():
    """Zeros, and vectors below the floor of 1e-12, where the norm is a plain factor."""
    x, g, scale, shift = inputs(1, 8, (3,))
    x = (x.detach() * torch.tensor([0.0, 1e-14, 1.0], device=DEVICE)).requires_grad_()
    y = modulated_norm(x, g, scale, shift)
    got, want = (torch.autograd.grad(y.sum(), x)[0] for y in (y, exact(x, g, scale, shift)))
    assert y.isfinite().all() and all(error(got[..., i], want[..., i]) < 4e-6 for i in range(3))


@pytest.mark.parametrize("modulated", [True, False])
@pytest.mark.parametrize("b, size", [(0, (3,)), (2, (0, 4))])
def test_nothing_in_nothing_out(b, size, modulated):
    x, g, scale, shift = inputs(b, 8, size, modulated=modulated)
    y = modulated_norm(x, g, scale, shift)
    assert y.shape == x.shape
    dx, dg = torch.autograd.grad(y.sum(), (x, g))
    assert dx.shape == x.shape and torch.equal(dg, torch.zeros_like(g))


@pytest.mark.parametrize("modulated", [True, False])
def test_the_operators_keep_torchs_rules(modulated):
    x, g, scale, shift = inputs(2, 8, (3,), modulated=modulated)
    scale, shift = (c if c is None else c.detach().flatten(1).requires_grad_() for c in (scale, shift))
    rows = x.detach().mT.contiguous().requires_grad_()
    torch.library.opcheck(operator, (rows, g.detach().flatten().requires_grad_(), scale, shift))
    plain = [c if c is None else c.detach() for c in (rows, g.flatten(), scale, shift)]
    torch.library.opcheck(operator_backward, (*plain, torch.randn_like(rows)))


def test_compiled_it_stays_in_one_graph():
    graphs = []
    compiled = torch.compile(modulated_norm, fullgraph=True, backend=lambda graph, _: graphs.append(graph) or graph)
    given = [c.detach() for c in inputs(2, 8, (3,))]
    assert torch.equal(compiled(*given), modulated_norm(*given))
    assert len(graphs) == 1 and "course.modulated_norm" in graphs[0].code
