"""Times as they are given: numbers, integers of any kind and container, times outside of a path."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from course_utils.diffusion import samplers
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, SubVP, cosine_betas
from course_utils.diffusion.plans import plan_ddim, times_uniform

PATHS = {"vp": VP(), "sub_vp": SubVP(), "ve": VE(), "rectified": RectifiedFlow(),
         "chain": DiscreteVP(cosine_betas(50))}
COEFFICIENTS = ["alpha", "sigma", "alpha_dot", "sigma_dot", "f", "g", "log_snr"]
INTEGERS = [
    *(partial(torch.tensor, dtype=kind) for kind in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)),
    *(partial(np.array, dtype=kind) for kind in ("int8", "uint16", "int32", "uint64")),
    lambda values: np.array(values[::-1])[::-1], tuple, list]


@pytest.fixture(params=PATHS)
def path(request):
    return PATHS[request.param]


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_a_python_number_is_a_time(path, name):
    t = 0.5 * path.T
    want = getattr(path, name)(torch.tensor(t, dtype=torch.float64))
    assert torch.equal(getattr(path, name)(t), want)
    assert torch.equal(getattr(path, name)(np.float64(t)), want)
    assert torch.equal(path.inverse_log_snr(path.log_snr(t).item()), path.inverse_log_snr(path.log_snr(t)))


def test_a_whole_number_is_a_time_too(path):
    last = int(path.T)
    assert torch.equal(path.alpha(last).double(), path.alpha(torch.tensor(path.T, dtype=torch.float64)))
    assert path.sigma(last) > 0.9


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_times_outside_of_a_path_are_one_sentence(path, name):
    for t in (path.T + 0.01, path.clean - 0.01, float("nan")):
        for given in (t, torch.tensor(t), torch.tensor([0.5, t]), torch.tensor([t], dtype=torch.float64)):
            with pytest.raises(ValueError, match=rf"times of {type(path).__name__} lie between .* and .*, not between"):
                getattr(path, name)(given)


def test_data_are_not_noised_to_times_outside(path):
    x, t = torch.zeros(2, 3), torch.tensor([0.5, path.T + 1])
    for call in (path.marginal_prob, path.sde, path.discretize, partial(path.add_noise, noise=x)):
        with pytest.raises(ValueError, match="lie between"):
            call(x, t)


@pytest.mark.parametrize("index", [50, -2, 1000])
def test_indices_outside_of_a_chain_are_one_sentence(index):
    with pytest.raises(ValueError, match="times of DiscreteVP lie between -1 and 49, not between"):
        PATHS["chain"].add_noise(torch.zeros(2, 3), torch.tensor([3, index]), torch.zeros(2, 3))


def test_float32_may_round_the_ends_and_no_times_are_times(path):
    ends = torch.tensor([path.T, path.clean], dtype=torch.float32)
    assert path.alpha(torch.nextafter(ends, ends + torch.tensor([1.0, -1.0]))).isfinite().all()
    assert path.alpha(torch.empty(0)).shape == (0,)


@pytest.mark.parametrize("name", ["vp", "sub_vp", "ve", "rectified"])  # a table cannot be looked up inside of vmap
def test_what_cannot_be_looked_at_is_computed(name):
    path, t = PATHS[name], torch.tensor([0.2, 0.7], dtype=torch.float64)
    torch.testing.assert_close(torch.vmap(path.alpha)(t), path.alpha(t))
    assert path.alpha(torch.empty(2, device="meta")).shape == (2,)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(path.alpha))(t), path.alpha_dot(t))


@pytest.mark.parametrize("of", INTEGERS)
def test_a_chain_looks_up_integers_of_any_kind(of):
    path, x = PATHS["chain"], torch.randn(3, 2, dtype=torch.float64)
    want = path.add_noise(x, torch.tensor([0, 7, 49]), x)
    assert torch.equal(path.add_noise(x, of([0, 7, 49]), x), want)
    assert torch.equal(path.alpha(of([0, 7, 49])), path.alpha(torch.tensor([0, 7, 49])))
    with pytest.raises(ValueError, match="looked up by integers, not by torch.bool"):
        path.alpha(torch.tensor([True, False]))


@pytest.mark.parametrize("of", [*INTEGERS[2:], lambda grid: range(40, -1, -20)])
def test_integers_reach_the_network_as_int64_on_a_chain(of):
    path, seen = PATHS["chain"], []

    def model(x, t):
        seen.append((t.dtype, t.tolist()))
        return x

    x = torch.randn(1, 2)
    samplers.sample_ddim(model, x, path, of([40, 20, 0]))
    assert seen == [(torch.int64, [40]), (torch.int64, [20]), (torch.int64, [0])][:len(seen)] and len(seen) >= 2


@pytest.mark.parametrize("of", [list, tuple, np.array, lambda grid: np.array(grid[::-1])[::-1], torch.tensor,
                                lambda grid: [torch.tensor(t) for t in grid], lambda grid: list(np.array(grid))])
def test_a_grid_of_floats_may_lie_in_any_container(of):
    grid = times_uniform(VP(), 4).tolist()
    torch.testing.assert_close(plan_ddim(VP(), of(grid)).table, plan_ddim(VP(), 4).table)


def test_whole_numbers_are_times_of_a_continuous_path():
    for grid in ([1, 0], range(1, -1, -1), np.array([0, 1])[::-1], torch.tensor([1, 0])):
        assert plan_ddim(VP(), grid).times.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("grid", [[], [1.0], [True, False], 0.5, [[1.0, 0.0]]])
def test_what_is_no_grid_is_one_sentence(grid):
    with pytest.raises(ValueError, match="times are a number of steps, or a grid of at least two falling times"):
        plan_ddim(VP(), grid)


@pytest.mark.parametrize("corrector", ["langevin", "annealed"])
def test_a_score_of_zero_makes_no_nan(corrector):
    path, x = VP(), torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    run = partial(samplers.sample_pc, lambda x, t: torch.zeros_like(x), x, path, 4, predictor="euler_maruyama",
                  prediction="score", corrector=corrector, clamp=None)
    assert run().isfinite().all()
    plain, corrected = (run(corrector=kind, generator=torch.Generator().manual_seed(1)) for kind in (None, corrector))
    assert plain.isfinite().all() and corrected.isfinite().all()
