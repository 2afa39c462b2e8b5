"""The probability flow against its formulas, and the samples that leave the batch."""

from __future__ import annotations

import pytest
import torch

from course_utils.diffusion import samplers
from course_utils.diffusion.flow import ends_in, probability_flow
from course_utils.diffusion.paths import VP, DiscreteVP, RectifiedFlow, cosine_betas


def test_in_log_snr_the_flow_is_the_formula_s_also_at_a_chain_s_indices():
    """dx/dλ = ½(σ²x − σ·ε̂) where α² + σ² = 1. In float32 an index and its λ fall on two sides of the jump in β."""
    path = DiscreteVP(cosine_betas(50))
    log_snr = path.log_snr(torch.arange(1, 49).double()).float()
    x = torch.randn(48, 3, generator=torch.Generator().manual_seed(0))
    sigma = (-log_snr.double()).sigmoid().sqrt()[:, None]
    want = 0.5 * (sigma**2 * x - sigma * torch.tanh(x))
    found = probability_flow(lambda x, t: torch.tanh(x), path, variable="log_snr")(x, log_snr)
    torch.testing.assert_close(found.double(), want, rtol=1e-4, atol=1e-6)


def test_in_time_the_flow_is_f_x_minus_half_g_squared_score():
    path, t = VP(), torch.tensor([0.1, 0.5, 1.0])
    x = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
    beta = (0.1 + 19.9 * t).reshape(3, 1, 1)
    found = probability_flow(lambda x, t, c: -c * x, path, "score")(x, t, torch.full((3, 1, 1), 0.7))
    torch.testing.assert_close(found, -0.5 * beta * x + 0.5 * beta * 0.7 * x)


def test_the_variable_and_its_ends():
    chain = DiscreteVP(cosine_betas(50))
    assert chain.smooth_variable == "log_snr" and VP().smooth_variable == "time"
    assert ends_in(VP(), "time", (0.0, 1.0)) == (0.0, 1.0)
    data, noise = ends_in(chain, "log_snr", (0.0, 49.0))
    assert data == pytest.approx(chain.log_snr(torch.tensor(0.0)).item()) and noise < -10
    with pytest.raises(ValueError, match="infinite"):
        ends_in(RectifiedFlow(), "log_snr", (0.0, 1.0))


def test_a_sample_that_has_arrived_leaves_the_ode_s_batch():
    path, seen = VP(), []
    x = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rate = torch.tensor([1.0, 30.0, 1.0], dtype=torch.float64)

    def model(x, t, rate):
        seen.append(len(x))
        return torch.sin(rate[:, None] * x)

    alone = [samplers.sample_ode(model, x[i:i + 1], path, per_sample=[rate[i:i + 1]]) for i in range(3)]
    seen.clear()
    together = samplers.sample_ode(model, x, path, per_sample=[rate])
    assert seen[0] == 3 and seen[-1] == 1
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-10, atol=1e-10)
    whole = samplers.sample_ode(lambda x, t: model(x, t, rate), x, path)
    torch.testing.assert_close(whole, together, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("path, variance", [(DiscreteVP(cosine_betas(20)), "beta"), (RectifiedFlow(), "posterior")])
def test_the_ancestral_predictor_has_the_paper_s_variance(path, variance):
    plan = samplers.PREDICTORS["ancestral"](path, 5)
    assert torch.equal(plan.table, samplers.plan_ancestral(path, 5, variance).table)
