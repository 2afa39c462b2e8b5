"""The references against autograd and closed forms, which of the two runs, and what stays in a compiled graph."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.kernels import dispatch
from course_utils.kernels import guided_step as guided
from course_utils.kernels import modulated_norm as norm
from course_utils.kernels import q_sample as forward
from course_utils.kernels import reparameterize_kl as vae
from course_utils.kernels.noise import draw_seeds, normal_like
from course_utils.models.unet import Block

SEED = torch.tensor([3])


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_q_sample_is_the_paths_noising():
    path = DiscreteVP(cosine_betas(20))
    every, t = torch.arange(20), torch.tensor([0, 7, 19])
    x_start, noise = double(3, 2, 2), double(3, 2, 2)
    tables = path.alpha(every), path.sigma(every)
    assert torch.allclose(forward.q_sample(x_start, t, noise, *tables), path.add_noise(x_start, t, noise))
    assert torch.autograd.gradcheck(lambda *given: forward.q_sample(given[0], t, given[1], *tables), (x_start, noise))
    with pytest.raises(ValueError, match="noise has shape"):
        forward.q_sample(x_start, t, noise[:, :1], *tables)


def test_guidance_extrapolates_and_ends_outside_its_interval():
    row = torch.tensor([[3.0, 0, 1, 0, 1, 0, 0], [0.0, 0, 1, 0, 1, 0, 0]])  # x_next = x_start = out
    cond, uncond = torch.tensor([0.2]), torch.tensor([0.1])
    assert torch.allclose(guided.guided_step(cond, cond, uncond, row[0], SEED), 4 * cond - 3 * uncond)
    assert torch.allclose(guided.guided_step(cond, cond, uncond, row[1], SEED), cond)
    assert guided.guided_step(cond, cond, 0 * cond - 9, row[0], SEED) == 1  # clamped


def test_guided_steps_gradients():
    row = torch.tensor([2.0, 0.5, -0.4, 0.9, 0.3, -0.1, 0.0])
    given = [double(2, 3) for _ in range(4)]
    step = lambda x, cond, uncond, previous: guided.guided_step(x, cond, uncond, row, SEED, 1.0, previous)  # noqa: E731
    assert torch.autograd.gradcheck(step, given)


def test_reparameterize_kl_against_torchs_distributions():
    mu, logvar, noise = double(3, 4), double(3, 4), torch.randn(3, 4, dtype=torch.float64)
    z, kl = vae.reference(mu, logvar, noise)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    assert torch.allclose(kl, torch.distributions.kl_divergence(q, torch.distributions.Normal(0, 1)).sum(dim=1))
    assert torch.allclose((z - mu) / q.scale, noise)
    assert torch.autograd.gradcheck(lambda *given: vae.reference(*given, noise), (mu, logvar))
    dz, dkl = torch.randn_like(z), torch.randn_like(kl)
    got = vae.reference_backward(mu, logvar, noise, dz, dkl)
    assert all(map(torch.allclose, got, torch.autograd.grad((z, kl), (mu, logvar), (dz, dkl))))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_modulated_norm_is_the_unets_block(memory_format):
    block = Block(6, 8)
    with torch.no_grad():
        block.norm.g.normal_()
    x = block.proj(torch.randn(2, 6, 4, 4)).contiguous(memory_format=memory_format)
    scale, shift = torch.randn(2, 16, 1, 1).chunk(2, dim=1)
    for given in ((None, None), (scale, shift)):
        n = F.normalize(x, dim=1) * 8**0.5 * block.norm.g
        want = F.gelu(n if given[0] is None else n * (given[0] + 1) + given[1])
        got = norm.modulated_norm(x, block.norm.g, *given)
        assert torch.allclose(got, want, atol=1e-6) and got.stride() == x.stride()
    with pytest.raises(ValueError, match="come together"):
        norm.modulated_norm(x, block.norm.g, scale)
    with pytest.raises(ValueError, match="shift has shape"):
        norm.modulated_norm(x, block.norm.g, scale, shift[:1])


@pytest.mark.parametrize("modulated", [True, False])
def test_modulated_norms_gradients(modulated):
    x, g, scale, shift = double(2, 4, 3), double(4), double(2, 4), double(2, 4)
    given = (x, g, scale, shift) if modulated else (x, g)
    dy, u = torch.randn_like(x), F.normalize(x, dim=1) * 2 * g[:, None]
    y = F.gelu(u * (scale + 1)[..., None] + shift[..., None] if modulated else u)
    want = torch.autograd.grad(y, given, dy)
    dx, a, b = norm.reference_backward(x.mT, g, *(given[2:] or (None, None)), dy.mT)
    got = (dx.mT, (a * (1 + scale)).sum(0), a * g, b) if modulated else (dx.mT, a[0])
    assert all(map(torch.allclose, got, want))
    assert all(map(torch.allclose, torch.autograd.grad(norm.modulated_norm(*given), given, dy), want))


def test_a_position_of_zeros_is_zero_in_every_precision():
    x = torch.zeros(1, 4, 2)
    x[..., 1] = 1
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        given = x.to(dtype).requires_grad_()
        y = norm.modulated_norm(given, torch.ones(4, dtype=dtype))
        slope, = torch.autograd.grad(y.sum(), given)
        assert y[..., 0].count_nonzero() == 0 and y.isfinite().all() and slope.isfinite().all()


CALLS = {
    "q_sample": lambda x: forward.q_sample(x, torch.tensor([0, 1]), x, torch.ones(2), torch.ones(2)),
    "guided_step": lambda x: guided.guided_step(x, x, x, torch.tensor([1, 1, 1, 1, 1, 1, 0.5]), SEED),
    "modulated_norm": lambda x: norm.modulated_norm(x, torch.ones(4), x[:, :, 0], x[:, :, 1]),
    "reparameterize_kl": lambda x: vae.reparameterize_kl(x, x, SEED)[0],
}


@pytest.mark.parametrize("name", CALLS)
def test_compiled_each_stays_in_one_graph(name):
    graphs, x = [], torch.randn(2, 4, 3)
    compiled = torch.compile(CALLS[name], fullgraph=True, backend=lambda graph, _: graphs.append(graph) or graph)
    assert torch.allclose(compiled(x), CALLS[name](x)) and len(graphs) == 1


@pytest.mark.parametrize("name", ["guided_step", "reparameterize_kl"])
def test_the_operators_on_the_cpu_keep_torchs_rules(name):
    x, row = torch.randn(2, 3, requires_grad=True), torch.tensor([1, 1, 1, 1, 1, 1, 0.5])
    if name == "guided_step":
        torch.library.opcheck(guided.operator, (x, x, None, row, SEED, 1.0, x))
    else:
        torch.library.opcheck(vae.operator, (x, x, SEED))


def test_one_seed_one_picture():
    x = torch.zeros(2, 50)
    assert torch.equal(normal_like(x, SEED), normal_like(x, SEED))
    assert not torch.equal(normal_like(x, SEED), normal_like(x, SEED + 1))
    seeds = [draw_seeds(3, torch.Generator().manual_seed(i)) for i in (0, 0, 1)]
    assert torch.equal(seeds[0], seeds[1]) and not torch.equal(seeds[0], seeds[2])
    assert seeds[0].unique().numel() == 3 and seeds[0].dtype == torch.int64


def test_which_of_the_two_runs(monkeypatch):
    x = torch.zeros(1)
    for choice, interpreted, expected in (("", True, False), ("reference", True, False), ("triton", True, True)):
        monkeypatch.setattr(dispatch, "CHOICE", choice)
        monkeypatch.setattr(dispatch, "INTERPRETED", interpreted)
        monkeypatch.setattr(dispatch, "triton", object())
        assert dispatch.use_operator(x) is expected
    assert not dispatch.use_operator(x.double())  # the kernels compute in float32
    monkeypatch.setattr(dispatch, "INTERPRETED", False)
    with pytest.raises(RuntimeError, match="TRITON_INTERPRET=1"):
        dispatch.use_operator(x)
    monkeypatch.setattr(dispatch, "triton", None)
    with pytest.raises(RuntimeError, match="not installed"):
        dispatch.use_operator(x)


def test_without_triton_and_with_a_wrong_choice(tmp_path):
    """A system for which there is no Triton runs the references; a misspelt choice is one sentence."""
    (tmp_path / "triton.py").write_text("raise ImportError")
    code = ("import torch; from course_utils.kernels.reparameterize_kl import reparameterize_kl as f; "
            "print(f(torch.zeros(2, 3), torch.zeros(2, 3), torch.tensor(1))[1].tolist())")
    path = os.pathsep.join([str(tmp_path), str(Path(dispatch.__file__).parents[2])])
    clean = {k: v for k, v in os.environ.items() if k not in ("COURSE_KERNELS", "TRITON_INTERPRET")}

    def run(**extra: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", code], env=clean | {"PYTHONPATH": path} | extra,
                              capture_output=True, text=True)

    assert run().stdout == "[0.0, 0.0]\n"
    assert "ValueError: COURSE_KERNELS is" in run(COURSE_KERNELS="cuda").stderr


def test_bytes_moved():
    """Of 1,000 elements in half precision: passes × 2,000 bytes."""
    half = torch.bfloat16
    assert forward.bytes_moved(1000, half) == vae.bytes_moved(1000, half) == 6000
    assert guided.bytes_moved(1000, half) == 8000 and guided.bytes_moved(1000, half, guided=False) == 6000
    assert guided.bytes_moved(1000, half, remember=True) == 12_000
    assert norm.bytes_moved(1000, half) == 4000 and norm.bytes_moved(1000, half, backward=True) == 6000
    assert vae.bytes_moved(1000, half, backward=True) == 10_000
