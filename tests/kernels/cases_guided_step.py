"""The guided_step kernel, interpreted or on a GPU; `test_triton.py` runs this file in a process of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from course_utils.kernels import guided_step as module
from course_utils.kernels.dispatch import INTERPRETED
from course_utils.kernels.guided_step import guided_step, operator, reference

DEVICE = "cpu" if INTERPRETED else "cuda"
# Relative to the largest value; the interpreter cuts a bfloat16 off where a GPU rounds.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3 if INTERPRETED else 4e-3}
# w, k_x, k_out, c_x, c_start, c_previous, c_noise
ANCESTRAL = torch.tensor([2.0, 1.1, -0.4, 0.9, 0.3, 0, 0.2], device=DEVICE)
DDIM = ANCESTRAL * torch.tensor([1, 1, 1, 1, 1, 1, 0], device=DEVICE)
MULTISTEP = torch.tensor([2.0, 1.1, -0.4, 0.9, 0.5, -0.2, 0], device=DEVICE)
NOISE = torch.tensor([0, 0, 0, 0, 0, 0, 1.0], device=DEVICE)
SEED = torch.tensor([2**40 + 5], device=DEVICE)


def inputs(shape, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=g).to(DEVICE, dtype) for _ in range(3)]


def noise(shape, seed=SEED):
    nothing = torch.zeros(shape, device=DEVICE)
    return guided_step(nothing, nothing, None, NOISE, seed)


def error(got, want):
    return ((got.double() - want).abs().max() / want.abs().max()).item()


def exact(x, cond, uncond, row, z=None, clamp=1.0, previous=None):
    wide = lambda c: None if c is None else c.double()  # noqa: E731
    return reference(wide(x), wide(cond), wide(uncond), row.double(), wide(z), clamp, wide(previous))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (2, 1, 1031)])
@pytest.mark.parametrize("row", [ANCESTRAL, DDIM], ids=["ancestral", "ddim"])
def test_it_agrees_with_the_reference_in_float64(shape, dtype, row):
    x, cond, uncond = inputs(shape, dtype)
    got = guided_step(x, cond, uncond, row, SEED)
    assert got.shape == shape and got.dtype == dtype
    assert error(got, exact(x, cond, uncond, row, noise(shape))) < TOLERANCE[dtype]
    assert torch.equal(got, guided_step(x, cond, uncond, row, SEED))


@pytest.mark.parametrize("clamp", [None, 0.5])
def test_without_guidance_and_with_other_clamps(clamp):
    x, cond, _ = inputs((2, 9))
    want = exact(x, cond, None, DDIM, clamp=clamp)
    assert error(guided_step(x, cond, None, DDIM, SEED, clamp), want) < 2e-6
    assert error(guided_step(x, cond.bfloat16(), None, DDIM, SEED, clamp), want) < 8e-3  # a network in half precision


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape, row", [((2, 1, 1031), MULTISTEP), ((3, 7), MULTISTEP + 0.2 * NOISE)])
def test_a_sampler_that_remembers_gets_x_start_as_well(shape, row, dtype):
    x, cond, uncond = inputs(shape, dtype)
    previous = inputs(shape, dtype)[1].flip(-1)
    z = noise(shape) if row[6] > 0 else None
    for other, clamp in ((uncond, 1.0), (None, None)):
        got = guided_step(x, cond, other, row, SEED, clamp, previous)
        want = exact(x, cond, other, row, z, clamp, previous)
        for part, wanted in zip(got, want, strict=True):
            assert part.shape == shape and part.dtype == dtype and part.is_contiguous()
            assert error(part, wanted) < TOLERANCE[dtype]
    assert guided_step(x[:0], cond[:0], None, row, SEED, None, previous[:0])[1].shape == (0, *shape[1:])


def test_a_clamp_does_not_hide_that_the_network_gave_nan():
    x, cond, _ = inputs((2, 9))
    cond[0, 3] = math.nan
    assert guided_step(x, cond, None, DDIM, SEED).isnan().nonzero().tolist() == [[0, 3]]


def test_any_memory_order_gives_the_same_picture():
    x, cond, uncond = inputs((2, 3, 4, 5))
    want = guided_step(x, cond, uncond, ANCESTRAL, SEED)
    last = [c.contiguous(memory_format=torch.channels_last) for c in (x, cond)]
    batch = torch.cat([cond, uncond]).chunk(2)[1]
    assert torch.equal(guided_step(*last, batch, ANCESTRAL, SEED), want)
    table = torch.stack([DDIM, ANCESTRAL])
    assert torch.equal(guided_step(x, cond, uncond, table[1], torch.cat([SEED, SEED])[1]), want)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_in_nothing_out(shape):
    assert guided_step(*inputs(shape), ANCESTRAL, SEED).shape == shape


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. 2011 on whole numbers: (…, 4) counters, (2,) key."""
    c, k = [counter[..., i].astype(object) for i in range(4)], list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=-1).astype(np.uint64)


def test_the_numbers_are_philoxs():
    """The generator against its authors' published vector, and the kernel's normal numbers against the generator."""
    assert philox(np.zeros(4, dtype=int), (0, 0)).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    counter = np.zeros((10, 4), dtype=np.int64)
    counter[:, 0] = np.arange(10)
    words = philox(counter, (5, 2**8)).astype(float).reshape(-1, 2, 2)
    radius = np.sqrt(-2 * np.log((words[..., 0] + 0.5) / 2**32))
    quarter, place = np.divmod(words[..., 1], 2**30)
    x, y = np.cos((place / 2**30 - 0.5) * np.pi / 2), np.sin((place / 2**30 - 0.5) * np.pi / 2)
    x, y = np.where(quarter % 2 == 0, [x, y], [y, x])
    want = (np.stack([x, y], axis=-1) * (radius * np.where(quarter < 2, 1, -1))[..., None]).reshape(-1)[:39]
    assert np.abs(noise((39,)).cpu().numpy() - want).max() < 1e-5


def test_moments_of_the_noise():
    n = 4096
    z = noise((n,)).double()
    assert abs(z.mean()) < 4 / n**0.5 and abs(z.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((z**4).mean() - 3) < 4 * (96 / n) ** 0.5
    for lag in (1, 2, 3, 4, 1024):  # within a Philox call, to the next, to the next program
        assert abs((z[lag:] * z[:-lag]).mean()) < 4 / n**0.5
    pair = z.reshape(-1, 2)  # of one radius and angle: as many in each eighth of the circle
    eighth = torch.bincount((torch.atan2(pair[:, 0], pair[:, 1]) / torch.pi * 4 + 4).long().clamp_(0, 7), minlength=8)
    assert (eighth - n / 16).abs().max() < 4 * (n / 16) ** 0.5
    other = noise((n,), SEED + 1).double()
    assert abs((z * other).mean()) < 4 / n**0.5


def test_the_noise_does_not_know_the_block_size(monkeypatch):
    want = noise((2, 300))
    for block in (64, 256):
        monkeypatch.setattr(module, "BLOCK", block)
        assert torch.equal(noise((2, 300)), want)
    assert torch.equal(noise((300,)), want[0])


def test_gradients_flow_where_x_start_was_not_clamped():
    x, cond, uncond = (c.requires_grad_() for c in inputs((3, 7)))
    grad = torch.randn_like(x)
    got = torch.autograd.grad(guided_step(x, cond, uncond, ANCESTRAL, SEED), (x, cond, uncond), grad)
    want = torch.autograd.grad(exact(x, cond, uncond, DDIM), (x, cond, uncond), grad.double())
    assert all(error(a, b) < 2e-6 for a, b in zip(got, want, strict=True))
    assert (got[1] == 0).any() and (got[1] != 0).any()


def test_gradients_flow_through_what_is_remembered():
    given = [c.requires_grad_() for c in (*inputs((3, 7)), inputs((3, 7))[0].flip(0))]
    grads = torch.randn(2, 3, 7, device=DEVICE)
    *rest, previous = given
    got = torch.autograd.grad(guided_step(*rest, MULTISTEP, SEED, 1.0, previous), given, tuple(grads))
    want = torch.autograd.grad(exact(*rest, MULTISTEP, previous=previous), given, grads.double())
    assert all(error(a, b) < 2e-6 for a, b in zip(got, want, strict=True))


@pytest.mark.parametrize("guided, remember", [(True, False), (False, True)])
def test_the_operator_keeps_torchs_rules(guided, remember):
    x, cond, uncond = (c.requires_grad_() for c in inputs((2, 5)))
    previous = uncond if remember else None
    torch.library.opcheck(operator, (x, cond, uncond if guided else None, ANCESTRAL, SEED, 1.0, previous))


def test_compiled_it_stays_in_one_graph():
    graphs = []
    compiled = torch.compile(guided_step, fullgraph=True, backend=lambda graph, _: graphs.append(graph) or graph)
    given = *inputs((2, 5)), ANCESTRAL, SEED
    assert torch.equal(compiled(*given), guided_step(*given))
    assert len(graphs) == 1 and "course.guided_step" in graphs[0].code
    given = *inputs((2, 5)), MULTISTEP, SEED, 1.0, inputs((2, 5))[0]
    assert all(map(torch.equal, compiled(*given), guided_step(*given)))
