"""The reparameterize_kl kernel, interpreted or on a GPU; `test_triton.py` runs this file in a process of its own."""

from __future__ import annotations

import pytest
import torch

from course_utils.kernels import reparameterize_kl as module
from course_utils.kernels.dispatch import INTERPRETED
from course_utils.kernels.reparameterize_kl import operator, reference, reparameterize_kl

DEVICE = "cpu" if INTERPRETED else "cuda"
# Relative to the largest value; the interpreter cuts a bfloat16 off where a GPU rounds.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3 if INTERPRETED else 4e-3}
SEED = torch.tensor([7], device=DEVICE)


def inputs(shape, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=g).to(DEVICE, dtype) for _ in range(2)]


def noise(shape, seed=SEED):
    nothing = torch.zeros(shape, device=DEVICE)
    return reparameterize_kl(nothing, nothing, seed)[0]


def error(got, want):
    return ((got.double() - want).abs().max() / want.abs().max()).item()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(3,), (5, 20), (3, 1, 7), (2, 1030)])
def test_values_and_gradients_agree_with_the_reference_in_float64(shape, dtype):
    mu, logvar = (c.requires_grad_() for c in inputs(shape, dtype))
    dz, dkl = torch.randn_like(mu), torch.randn(shape[0], device=DEVICE)
    z, kl = reparameterize_kl(mu, logvar, SEED)
    want_z, want_kl = reference(mu.double(), logvar.double(), noise(shape).double())
    assert z.dtype == dtype and kl.dtype == torch.float32 and kl.shape == shape[:1]
    assert error(z, want_z) < TOLERANCE[dtype] and error(kl, want_kl) < 2e-6
    got = torch.autograd.grad((z, kl), (mu, logvar), (dz, dkl))
    want = torch.autograd.grad((want_z, want_kl), (mu, logvar), (dz.double(), dkl.double()))
    assert all(error(a, b) < TOLERANCE[dtype] for a, b in zip(got, want, strict=True))
    again = torch.autograd.grad(reparameterize_kl(mu, logvar, SEED), (mu, logvar), (dz, dkl))
    assert all(torch.equal(a, b) for a, b in zip(got, again, strict=True))


def test_only_one_of_the_results_is_used():
    mu, logvar = (c.requires_grad_() for c in inputs((5, 20)))
    kl_only = torch.autograd.grad(reparameterize_kl(mu, logvar, SEED)[1].sum(), (mu, logvar))
    assert torch.allclose(kl_only[0], mu) and torch.allclose(kl_only[1], 0.5 * (logvar.exp() - 1))
    z_only = torch.autograd.grad(reparameterize_kl(mu, logvar, SEED)[0].sum(), (mu, logvar))
    assert torch.equal(z_only[0], torch.ones_like(mu))


def test_the_halves_of_one_tensor_are_read_where_they_lie():
    both = torch.randn(5, 14, device=DEVICE)
    mu, logvar = both.chunk(2, dim=1)
    want = reparameterize_kl(mu.contiguous(), logvar.contiguous(), SEED)
    assert all(map(torch.equal, reparameterize_kl(mu, logvar, SEED), want))
    assert all(map(torch.equal, reparameterize_kl(mu.T.contiguous().T, logvar, SEED), want))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_in_nothing_out(shape):
    mu, logvar = (c.requires_grad_() for c in inputs(shape))
    z, kl = reparameterize_kl(mu, logvar, SEED)
    assert z.shape == shape and torch.equal(kl, torch.zeros(shape[0], device=DEVICE))
    assert torch.autograd.grad((z.sum(), kl.sum()), mu)[0].shape == shape


def test_the_noise_is_normal_and_knows_neither_tile_nor_neighbours(monkeypatch):
    z = noise((2, 2048))
    n = z.numel()
    assert abs(z.mean()) < 4 / n**0.5 and abs(z.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((z[0] * z[1]).mean()) < 4 / 2048**0.5 and abs((z[:, 1:] * z[:, :-1]).mean()) < 4 / n**0.5
    assert not torch.equal(z, noise((2, 2048), SEED + 1))
    assert noise((5, 7)).unique().numel() == 35  # rows that are no multiple of four share no number
    monkeypatch.setattr(module, "TILE", 512)
    assert torch.equal(noise((2, 2048)), z) and torch.equal(noise((1, 2048)), z[:1])


@pytest.mark.parametrize("needed", [True, False])
def test_the_operator_keeps_torchs_rules(needed):
    mu, logvar = (c.requires_grad_(needed) for c in inputs((3, 5)))
    torch.library.opcheck(operator, (mu, logvar, SEED))


def test_compiled_it_stays_in_one_graph():
    graphs = []
    compiled = torch.compile(reparameterize_kl, fullgraph=True, backend=lambda graph, _: graphs.append(graph) or graph)
    given = *inputs((3, 5)), SEED
    assert all(map(torch.equal, compiled(*given), reparameterize_kl(*given)))
    assert len(graphs) == 1 and "course.reparameterize_kl" in graphs[0].code
