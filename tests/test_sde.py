"""Notebook 09 against known answers: exact scores, simulations, the library's paths, the field's interface."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from two_samples import LEVEL, p_value

from course_utils import densities, notebooks, plot, puzzles
from course_utils.diagrams import equations as diagrams
from course_utils.diffusion import fokker_planck, paths, plans, samplers

BLOBS = densities.Mixture(torch.tensor([[0.0, 1.5], [-1.3, -0.8], [1.3, -0.8]], dtype=torch.float64), 0.35)
LIBRARY = {"VPSDE": paths.VP(), "VESDE": paths.VE(), "subVPSDE": paths.SubVP()}


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("09"))


def noise(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def exact_score(sde, density=BLOBS):
    """The score of a noised density; all times of a call are the same."""
    def score_fn(x, t):
        factor, sigma = sde.marginal_prob(torch.ones(1, 1), t[:1])
        return density.noised(factor.item(), sigma.item()).score(x)

    return score_fn


# ---- marginals


@pytest.mark.parametrize("name", LIBRARY)
def test_marginals_and_coefficients_are_those_of_the_librarys_paths(nb, name):
    sde, path, t = getattr(nb, name)(), LIBRARY[name], torch.linspace(0.01, 1, 50, dtype=torch.float64)
    x = torch.ones(50, 2, dtype=torch.float64)
    mean, std = sde.marginal_prob(x, t)
    drift, diffusion = sde.sde(x, t)
    for ours, theirs in ((mean[:, 0], path.alpha(t)), (std, path.sigma(t)), (drift[:, 0], path.f(t)),
                         (diffusion, path.g(t))):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name, options", [("VPSDE", {}), ("subVPSDE", {}), ("VESDE", {"sigma_max": 5})])
def test_marginals_are_those_of_simulated_paths(nb, name, options):
    sde, n, steps = getattr(nb, name)(**options), 20_000, 500
    x = 1.5 * torch.ones(n, 1)
    x = x + sde.marginal_prob(x, torch.zeros(n))[1][:, None] * noise(n, 1)
    generator = torch.Generator().manual_seed(1)
    for i in range(steps):
        drift, diffusion = sde.sde(x, torch.full((n,), (i + 0.5) / steps))
        x = x + drift / steps + diffusion[:, None] * steps**-0.5 * torch.randn(n, 1, generator=generator)
        if i + 1 in (100, 250, 500):
            mean, std = sde.marginal_prob(1.5 * torch.ones(1, 1), torch.full((1,), (i + 1) / steps))
            assert x.mean().item() == pytest.approx(mean.item(), abs=3.3 * std.item() / n**0.5 + 0.01)
            assert x.std().item() == pytest.approx(std.item(), rel=0.025)


def test_the_chain_comes_to_its_sde_as_its_steps_shrink(nb):
    def apart(N):
        sde = nb.VPSDE(N=N)
        i = torch.tensor([N // 4, N // 2, 3 * N // 4]) - 1  # so many steps and one have been taken
        mean, std = sde.marginal_prob(torch.ones(3, 1), (i + 1.0) / N)
        return (mean[:, 0] - sde.sqrt_alphas_cumprod[i]).abs().max(), (std - sde.sqrt_1m_alphas_cumprod[i]).abs().max()

    for few, many in zip(apart(500), apart(2000), strict=True):
        assert few < 0.02 and few / many == pytest.approx(4, rel=0.25)


def test_the_chain_of_ve_adds_up_to_its_levels(nb):
    sde = nb.VESDE(N=50)
    f, G = sde.discretize(torch.ones(50, 2), torch.arange(50) / 49)
    assert not f.any()
    torch.testing.assert_close(G.square().cumsum(0), sde.discrete_sigmas**2)
    torch.testing.assert_close(sde.marginal_prob(f, torch.arange(50) / 49)[1], sde.discrete_sigmas)


def test_the_prior_is_where_the_way_ends(nb):
    torch.manual_seed(0)
    for sde in (nb.VPSDE(), nb.VESDE(), nb.subVPSDE()):
        z = sde.prior_sampling((5000, 2))
        std = sde.marginal_prob(torch.zeros(1, 2), torch.ones(1))[1].item()
        assert z.std().item() == pytest.approx(std, rel=0.03)
        want = torch.distributions.Normal(0.0, std).log_prob(z[:5]).sum(1)
        torch.testing.assert_close(sde.prior_logp(z[:5]), want, rtol=1e-3, atol=1e-3)


def test_indices_are_the_nearest_also_in_float32(nb):
    sde = nb.VPSDE(N=1000)
    assert torch.equal(sde.index(torch.arange(1000) / 999), torch.arange(1000))


# ---- Fokker–Planck


def test_fokker_planck_on_a_grid_is_the_exact_marginal_and_where_simulated_paths_are(nb):
    sde, grid = nb.VPSDE(beta_max=4), torch.linspace(-4, 4, 321, dtype=torch.float64)
    density = densities.Mixture(torch.tensor([[-1.5], [1.0]], dtype=torch.float64), 0.2)
    solved = fokker_planck.evolve(density.log_prob(grid[:, None]).exp(), grid,
                                  lambda x, t: [c.double() for c in sde.sde(x[:, None], t)], 0.5, 200)
    mean, std = sde.marginal_prob(torch.ones(1, 1), torch.full((1,), 0.5))
    exact = density.noised(mean.item(), std.item()).log_prob(grid[:, None]).exp()
    assert (solved - exact).abs().max() < 1e-3
    assert solved.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-6)
    n, steps = 20_000, 250
    x, generator = density.sample(n, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(2)
    for i in range(steps):
        drift, diffusion = sde.sde(x, torch.full((n,), (i + 0.5) * 0.5 / steps))
        x = x + drift * 0.5 / steps + diffusion[:, None] * (0.5 / steps) ** 0.5 * torch.randn(n, 1, generator=generator)
    below = (x < grid + 0.0125).double().mean(0)  # at the right edges of the grid's cells
    kolmogorov = (below - solved.cumsum(0) * 0.025).abs().max()
    assert kolmogorov < math.sqrt(-math.log(LEVEL / 2) / (2 * n))  # Kolmogorov–Smirnov at that level


# ---- samplers


@pytest.fixture(scope="module")
def clouds(nb):
    """500 points of every sampler, with the exact score."""
    start, found = noise(500, 2, seed=5), {}
    vp, ve, sub = nb.VPSDE(N=400), nb.VESDE(sigma_max=20, N=400), nb.subVPSDE(N=400)
    for name, sde, predictor, corrector in (
            ("Euler–Maruyama, VP", vp, nb.euler_maruyama_predictor, None),
            ("Euler–Maruyama, VE", ve, nb.euler_maruyama_predictor, None),
            ("Euler–Maruyama, sub-VP", sub, nb.euler_maruyama_predictor, None),
            ("ancestral, VP", vp, nb.ancestral_predictor, None),
            ("ancestral, VE", ve, nb.ancestral_predictor, None),
            ("reverse diffusion, VP", vp, nb.reverse_diffusion_predictor, None),
            ("PC, VE", ve, nb.reverse_diffusion_predictor, nb.langevin_corrector),
            ("PC, sub-VP", sub, nb.reverse_diffusion_predictor, nb.langevin_corrector)):
        eps = 1e-5 if sde is ve else 1e-3
        found[name] = nb.pc_sample(sde, exact_score(sde), sde.prior_std * start, predictor, corrector, snr=0.1, eps=eps)
    x, score = start, exact_score(vp)
    for i in range(400):
        x = x - nb.reverse_sde(vp, score, x, torch.full((500,), 1 - i * 0.999 / 400), True)[0] * 0.999 / 400
    found["ODE by Euler's steps"] = x
    model = BLOBS.model(paths.VP())
    found["ODE by a solver"] = samplers.sample_ode(model, start, paths.VP(), rtol=1e-3, atol=1e-3)
    found["DDIM"] = samplers.sample_ddim(model, start, paths.VP(), 100, clamp=None)
    return found


def test_all_samplers_reach_the_same_density(clouds):
    data = BLOBS.sample(500, torch.Generator().manual_seed(8))
    values = {name: p_value(x, data) for name, x in clouds.items()}
    assert all(value > LEVEL for value in values.values()), values


def test_that_test_would_see_half_of_the_score(nb):
    sde = nb.VPSDE(N=400)
    score = exact_score(sde)
    x = nb.pc_sample(sde, lambda x, t: 0.5 * score(x, t), noise(500, 2, seed=5), nb.euler_maruyama_predictor)
    assert p_value(x, BLOBS.sample(500, torch.Generator().manual_seed(8))) <= LEVEL


def test_ancestral_steps_of_vp_are_the_librarys_on_the_chain(nb):
    sde, x = nb.VPSDE(N=1000), noise(4, 2)
    chain = paths.VP().chain()
    plan = plans.plan_ancestral(chain, torch.tensor([700, 699]), "beta")
    c_x, c_start, _, c_noise = plan.steps[0]
    t = torch.full((4,), 700 / 999)
    model = BLOBS.model(chain)
    score = chain.convert(model(x, torch.full((4,), 700)), x, torch.full((4,), 700), "noise", "score")
    x_start = chain.convert(score, x, torch.full((4,), 700), "score", "x_start")
    after, mean = nb.ancestral_predictor(sde, lambda *_: score, x, t, noise(4, 2))
    torch.testing.assert_close(mean, c_x * x + c_start * x_start, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(after - mean, c_noise * noise(4, 2), rtol=1e-3, atol=1e-5)


def test_a_corrector_leaves_what_is_right_and_repairs_what_is_not(nb):
    sde = nb.VESDE(sigma_max=20)
    t, score, wide = torch.full((2000,), 0.6), exact_score(sde), 3.0 * noise(2000, 2)
    sigma = sde.marginal_prob(wide, t)[1][0].item()
    right, truth = BLOBS.noised(1, sigma).sample(2000, torch.Generator().manual_seed(1)), BLOBS.noised(1, sigma)
    for i in range(60):
        right = nb.langevin_corrector(sde, score, right, t, 0.2, noise(2000, 2, seed=10 + i))[0]
        wide = nb.langevin_corrector(sde, score, wide, t, 0.2, noise(2000, 2, seed=10 + i))[0]
    want = truth.sample(2000, torch.Generator().manual_seed(2)).std(0)
    torch.testing.assert_close(right.std(0), want, rtol=0.08, atol=0)
    torch.testing.assert_close(wide.std(0), want, rtol=0.12, atol=0)


# ---- code of the field


def sampled_as_the_field_does(sde, score_fn, shape, snr=0.1):
    """Predictor–corrector sampling written for the interface of score_sde_pytorch's classes, for images."""
    x = sde.prior_sampling(shape)
    backwards = sde.reverse(score_fn, probability_flow=False)
    for time in torch.linspace(sde.T, 1e-3, backwards.N):
        t = torch.ones(shape[0]) * time
        index = (t * (sde.N - 1) / sde.T).long()
        alpha = sde.alphas.to(t.device)[index] if hasattr(sde, "alphas") else torch.ones_like(t)
        grad, z = score_fn(x, t), torch.randn_like(x)
        size = (snr * z.flatten(1).norm(dim=-1).mean() / grad.flatten(1).norm(dim=-1).mean()) ** 2 * 2 * alpha
        x = x + size[:, None, None, None] * grad + torch.sqrt(size * 2)[:, None, None, None] * z
        f, G = backwards.discretize(x, t)
        x_mean = x - f
        x = x_mean + G[:, None, None, None] * torch.randn_like(x)
    return x_mean


@pytest.mark.parametrize("name", LIBRARY)
def test_code_for_the_fields_classes_runs_on_the_notebooks(nb, name):
    torch.manual_seed(0)
    sde = getattr(nb, name)(N=150)

    def score_fn(x, t):  # of pixels that are all N(0.5, 0.2²)
        mean, std = sde.marginal_prob(0.5 * torch.ones_like(x), t)
        keep = mean / 0.5
        return (mean - x) / ((0.2 * keep) ** 2 + std[:, None, None, None] ** 2)

    x = sampled_as_the_field_does(sde, score_fn, (200, 3, 2, 2))
    assert x.mean().item() == pytest.approx(0.5, abs=0.03)
    assert x.std().item() == pytest.approx(0.2, rel=0.15)
    flow = sde.reverse(score_fn, probability_flow=True)
    drift, diffusion = flow.sde(x, torch.full((200,), 0.5))
    f, G = flow.discretize(x, torch.full((200,), 0.5))
    assert drift.shape == f.shape == x.shape and not diffusion.any() and not G.any() and flow.T == sde.T


# ---- scores, losses, conditions


def test_a_network_of_v_becomes_the_right_score(nb):
    path, gauss = paths.VP(), densities.Mixture(torch.tensor([[0.4, -1.0]], dtype=torch.float64), 0.3)
    network = gauss.model(path, "v")

    def noise_predictor(x, labels):
        t = labels / 999
        return path.convert(network(x, t), x, t, "v", "noise")

    x, t = noise(6, 2), torch.tensor([0.05, 0.2, 0.4, 0.6, 0.8, 1.0])
    score = nb.get_score_fn(nb.VPSDE(), noise_predictor)(x, t)
    alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]
    torch.testing.assert_close(score, (alpha * gauss.means.float() - x) / ((0.3 * alpha) ** 2 + sigma**2),
                               rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["VPSDE", "subVPSDE"])
def test_losses_of_the_exact_score_are_those_of_a_gaussian(nb, name):
    sde, n, t = getattr(nb, name)(), 200_000, 0.3
    x, times = 0.7 * noise(n, 1), torch.full((200_000,), 0.3)
    mean, std = (c.double() for c in sde.marginal_prob(torch.ones(1, 1), torch.full((1,), t)))
    signal, var = (0.7 * mean.item()) ** 2, std.item() ** 2
    g = sde.sde(torch.ones(1, 1), torch.full((1,), t))[1].item()
    losses = [nb.sde_loss(sde, lambda x, t: -x / (signal + var), x, times, noise(n, 1, seed=4), weighting).item()
              for weighting in (False, True)]
    assert losses[0] == pytest.approx(signal / (signal + var), rel=0.02)
    assert losses[1] == pytest.approx(g**2 / var * signal / (signal + var), rel=0.02)


def test_what_is_put_in_is_a_draw_of_the_noised_observation(nb):
    sde, n = nb.VPSDE(), 40_000
    known, x, mask = 0.8 * torch.ones(n, 2), noise(n, 2), torch.tensor([1.0, 0.0])
    out = nb.inpaint_step(sde, x, known, mask, torch.full((n,), 0.25), noise(n, 2, seed=9))
    assert torch.equal(out[:, 1], x[:, 1])
    path = paths.VP()
    assert out[:, 0].mean().item() == pytest.approx(0.8 * path.alpha(0.25).item(), abs=0.02)
    assert out[:, 0].std().item() == pytest.approx(path.sigma(0.25).item(), rel=0.02)


# ---- figures


def test_figures_and_the_puzzle_are_drawn(nb):
    sde, line = nb.VPSDE(beta_max=4), torch.linspace(-3, 3, 50, dtype=torch.float64)
    bell = torch.exp(-line.square() / 2)
    figures = [diagrams.paths_and_marginal(noise(101, 40), 0.4, torch.tensor([-1.0, 1.0]), torch.tensor([0.5, 0.5])),
               diagrams.ito_and_fokker_planck(sde, [1.0] * 20, 0.01, noise(50, 1), line, bell),
               diagrams.three_conditions({"one": noise(20, 2), "two": noise(20, 2)}, BLOBS, 0.6)]
    assert all(axes.get_xlabel() for fig in figures for axes in fig.axes)
    assert all(len(plot.png(fig)) > 1000 for fig in figures)
    walks = puzzles.slipped_ways_back(densities.ring(std=0.15), n=50, steps=100)
    assert list(walks) == ["A", "B", "C"] and all(x.shape == (50, 2) and x.isfinite().all() for x in walks.values())
