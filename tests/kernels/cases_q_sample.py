"""The q_sample kernel, interpreted or on a GPU; `test_triton.py` runs this file in a process of its own."""

from __future__ import annotations

import pytest
import torch

from course_utils.kernels.dispatch import INTERPRETED
from course_utils.kernels.q_sample import operator, q_sample, reference

DEVICE = "cpu" if INTERPRETED else "cuda"
# Relative to the largest value; the interpreter cuts a bfloat16 off where a GPU rounds.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3 if INTERPRETED else 4e-3}
ALPHAS, SIGMAS = (torch.linspace(*ends, 10, device=DEVICE) for ends in ((1, 0.1), (0.1, 1)))


def inputs(shape, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    x_start, noise = (torch.randn(shape, generator=g).to(DEVICE, dtype) for _ in range(2))
    return x_start, torch.randint(10, shape[:1], generator=g).to(DEVICE), noise


def error(got, want):
    return ((got.double() - want).abs().max() / want.abs().max()).item()


def exact(x_start, t, noise):
    return reference(x_start.double(), t, noise.double(), ALPHAS.double(), SIGMAS.double())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(3,), (3, 5, 7), (2, 1, 2051)])
def test_it_agrees_with_the_reference_in_float64(shape, dtype):
    x_start, t, noise = inputs(shape, dtype)
    got = q_sample(x_start, t, noise, ALPHAS, SIGMAS)
    assert got.shape == shape and got.dtype == dtype
    assert error(got, exact(x_start, t, noise)) < TOLERANCE[dtype]
    assert torch.equal(got, q_sample(x_start, t, noise, ALPHAS, SIGMAS))


def test_any_memory_order_and_tables_in_float64():
    x_start, t, noise = inputs((4, 3, 6, 5))
    want = q_sample(x_start, t, noise, ALPHAS, SIGMAS)
    x_last, wider = x_start.contiguous(memory_format=torch.channels_last), torch.cat([noise, noise], dim=1)[:, :3]
    assert torch.equal(q_sample(x_last, t, wider, ALPHAS, SIGMAS), want)
    every_second = torch.stack([t, t + 100], dim=1)[:, 0]
    assert error(q_sample(x_start.mT.contiguous().mT, every_second, noise, ALPHAS.double(), SIGMAS), want) < 2e-6


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)])
def test_nothing_in_nothing_out(shape):
    assert q_sample(*inputs(shape), ALPHAS, SIGMAS).shape == shape


def test_rows_further_apart_than_32_bits_can_count():
    """Rows of a tensor that is never touched between them, so that its 4 GB are not spent."""
    try:
        memory = torch.empty(2**31 + 64, dtype=torch.bfloat16, device=DEVICE)
    except RuntimeError:
        pytest.skip("There are no 4 GB of address space.")
    x_start = memory.as_strided((3, 64), (2**30, 1))  # the stride fits 32 bits, the last row's start does not
    x_start.copy_(torch.arange(192).reshape(3, 64))
    t, noise = torch.tensor([0, 4, 9], device=DEVICE), torch.zeros(3, 64, device=DEVICE)
    assert error(q_sample(x_start, t, noise, ALPHAS, SIGMAS), exact(x_start, t, noise)) < 8e-3


def test_gradients():
    x_start, t, noise = inputs((3, 5))
    grad = torch.randn_like(x_start)
    x_start.requires_grad_(), noise.requires_grad_()
    got = torch.autograd.grad(q_sample(x_start, t, noise, ALPHAS, SIGMAS), (x_start, noise), grad)
    want = torch.autograd.grad(exact(x_start, t, noise), (x_start, noise), grad.double())
    assert all(error(a, b) < 2e-6 for a, b in zip(got, want, strict=True))


def test_the_operator_keeps_torchs_rules():
    x_start, t, noise = inputs((3, 5))
    torch.library.opcheck(operator, (x_start.requires_grad_(), t, noise, ALPHAS, SIGMAS))


def test_compiled_it_stays_in_one_graph():
    graphs = []
    compiled = torch.compile(q_sample, fullgraph=True, backend=lambda graph, _: graphs.append(graph) or graph)
    given = *inputs((3, 5)), ALPHAS, SIGMAS
    assert torch.equal(compiled(*given), q_sample(*given))
    assert len(graphs) == 1 and "course.q_sample" in graphs[0].code
