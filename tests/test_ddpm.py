"""Notebook 05's GaussianDiffusion against oracles that share no code with it."""

from __future__ import annotations

import math
from functools import cache, partial

import pytest
import torch
from torch import nn

from course_utils import notebooks, training
from course_utils.check import Unfinished, check
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.samplers import sample_ancestral
from course_utils.models.unet import Unet
from course_utils.tasks import tasks_of

SOURCE = notebooks.source_of("05_ddpm")
SCHEDULES = ["linear", "cosine", "sigmoid"]


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(SOURCE)


def diffusion_of(nb, model=None, *, timesteps=50, schedule="linear", **options):
    return nb.GaussianDiffusion(model, image_size=8, timesteps=timesteps, beta_schedule=schedule, **options)


# ---- schedules and tables


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("timesteps", [10, 200, 1000])
def test_betas_are_float64_probabilities_below_one(nb, name, timesteps):
    betas = nb.get_beta_schedule(name, timesteps)
    assert betas.shape == (timesteps,) and betas.dtype == torch.float64
    assert betas.min() > 0 and betas.max() <= 0.999


def test_cosine_schedule_by_hand(nb):
    def f(i):
        return math.cos((i / 4 + 0.008) / 1.008 * math.pi / 2) ** 2

    want = [1 - f(1) / f(0), 1 - f(2) / f(1), 1 - f(3) / f(2), 0.999]
    torch.testing.assert_close(nb.cosine_beta_schedule(4), torch.tensor(want, dtype=torch.float64))


@pytest.mark.parametrize("name, inverse_root", [("linear", 157), ("sigmoid", 1826), ("cosine", 20291)])
def test_what_is_left_of_the_data_at_the_last_index(nb, name, inverse_root):
    left = diffusion_of(nb, timesteps=1000, schedule=name).sqrt_alphas_cumprod[-1]
    assert 1 / left == pytest.approx(inverse_root, rel=1e-2)


def test_an_unscaled_linear_chain_of_300_steps_keeps_a_twentieth():
    assert (1 - torch.linspace(1e-4, 0.02, 300)).prod() == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize("name", SCHEDULES)
def test_tables_are_rounded_once(nb, name):
    """float32, but as near to the exact value as float32 can be: everything before was float64."""
    diffusion = diffusion_of(nb, timesteps=1000, schedule=name, objective="pred_x_start")
    betas = nb.get_beta_schedule(name, 1000).tolist()
    exact = {n: [] for n, _ in diffusion.named_buffers()}
    left = 1.0
    for beta in betas:
        before, left = left, left * (1 - beta)
        exact["betas"].append(beta)
        exact["alphas"].append(1 - beta)
        exact["alphas_cumprod"].append(left)
        exact["sqrt_alphas_cumprod"].append(math.sqrt(left))
        exact["sqrt_one_minus_alphas_cumprod"].append(math.sqrt(1 - left))
        exact["posterior_mean_coef1"].append(math.sqrt(before) * beta / (1 - left))
        exact["posterior_mean_coef2"].append(math.sqrt(1 - beta) * (1 - before) / (1 - left))
        exact["posterior_std"].append(math.sqrt(max(beta * (1 - before) / (1 - left), 1e-20)))
        exact["loss_weight"].append(left / (1 - left))
    for n, table in diffusion.named_buffers():
        assert table.dtype == torch.float32 and table.shape == (1000,)
        torch.testing.assert_close(table.double(), torch.tensor(exact[n], dtype=torch.float64), rtol=3e-7, atol=0)


def test_only_known_names_are_taken(nb):
    with pytest.raises(ValueError, match="pred_noise"):
        diffusion_of(nb, objective="noise")
    with pytest.raises(ValueError, match="cosine"):
        nb.get_beta_schedule("quadratic", 10)


# ---- the chain forward


@pytest.mark.parametrize("name", SCHEDULES)
def test_one_jump_is_the_iterated_chain(nb, name):
    diffusion = diffusion_of(nb, timesteps=200, schedule=name)
    mean, variance = 1.0, 0.0
    for t, beta in enumerate(nb.get_beta_schedule(name, 200).tolist()):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        index, one, zero = torch.tensor([t]), torch.ones(1, 2), torch.zeros(1, 2)
        assert diffusion.q_sample(one, index, zero)[0, 0].item() == pytest.approx(mean, rel=1e-5, abs=1e-7)
        assert diffusion.q_sample(zero, index, one)[0, 1].item() ** 2 == pytest.approx(variance, rel=1e-5)


def test_noise_and_start_are_each_others_inverse(nb):
    diffusion = diffusion_of(nb).double()
    x_start, noise = torch.randn(2, 50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    t = torch.arange(50)
    x_t = diffusion.q_sample(x_start, t, noise)
    torch.testing.assert_close(diffusion.predict_start_from_noise(x_t, t, noise), x_start)
    torch.testing.assert_close(diffusion.predict_noise_from_start(x_t, t, x_start), noise)


# ---- one step back


@pytest.mark.parametrize("t", [1, 7, 19])
def test_posterior_is_bayes_rule_on_a_grid(nb, t):
    diffusion = diffusion_of(nb, timesteps=20)
    betas, x_start, x_t = nb.get_beta_schedule("linear", 20), 0.7, -0.4
    before = (1 - betas[:t]).prod()
    grid = torch.linspace(-6, 6, 20_001, dtype=torch.float64)
    log = -((x_t - (1 - betas[t]).sqrt() * grid) ** 2) / (2 * betas[t])
    log -= (grid - before.sqrt() * x_start) ** 2 / (2 * (1 - before))
    weight = log.softmax(0)
    want_mean = (weight * grid).sum()
    want_std = (weight * (grid - want_mean) ** 2).sum().sqrt()
    mean, std = diffusion.q_posterior(torch.full((1, 1), x_start), torch.full((1, 1), x_t), torch.tensor([t]))
    assert mean.item() == pytest.approx(want_mean.item(), abs=1e-5)
    assert std.item() == pytest.approx(want_std.item(), rel=1e-4)


def test_before_the_first_step_lies_the_data(nb):
    x_start, x_t = torch.tensor([[0.3, -0.8]]), torch.tensor([[5.0, -5.0]])
    mean, std = diffusion_of(nb).q_posterior(x_start, x_t, torch.tensor([0]))
    torch.testing.assert_close(mean, x_start)
    assert std.item() == pytest.approx(1e-10)


def test_both_routes_to_the_mean_agree(nb):
    diffusion = diffusion_of(nb, timesteps=100, schedule="sigmoid")
    x_t, noise = torch.randn(2, 100, 4, generator=torch.Generator().manual_seed(0))
    t = torch.arange(100)
    through_start = diffusion.q_posterior(diffusion.predict_start_from_noise(x_t, t, noise), x_t, t)[0]
    torch.testing.assert_close(diffusion.mean_from_noise(x_t, t, noise), through_start, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("answer", ["raise Unfinished()", None])
def test_nothing_waits_for_the_tables_of_section_5_but_what_needs_them(answer):
    """Before its cell has run and while it is a stub; a chain that was built before takes the tables when it can."""
    nb = notebooks.load(SOURCE, {"ddpm.posterior_tables": answer or "raise Unfinished()"})
    if answer is None:
        del nb.posterior_tables
    diffusion, x, t = diffusion_of(nb, Counting()), torch.ones(2, 3), torch.tensor([0, 9])
    assert diffusion.q_sample(x, t, x).isfinite().all() and diffusion.p_losses(x).isfinite()
    assert diffusion.posterior_std.isnan().all()
    for needs in (lambda: diffusion.q_posterior(x, x, t), lambda: diffusion.p_sample(x, 3)):
        with pytest.raises(Unfinished, match="`posterior_tables` is still to be written"):
            needs()
    nb.posterior_tables = notebooks.load(SOURCE).posterior_tables
    assert diffusion.q_posterior(x, x, t)[1].isfinite().all() and diffusion.posterior_std.isfinite().all()


def test_every_other_check_passes_while_the_tables_are_not_written(capsys):
    nb = notebooks.load(SOURCE, {"ddpm.posterior_tables": "raise Unfinished()"})
    others = [task.id for task in tasks_of("05_ddpm") if task.id != "ddpm.posterior_tables"]
    for id in others:
        check(id, nb)
    assert capsys.readouterr().out.count("passed") == len(others)


def test_the_tables_by_hand(nb):
    """β = (1/2, 1/3), so ᾱ = (1/2, 1/3): precisions 2/1 + 2/1 at index 1."""
    coef1, coef2, std = nb.posterior_tables(torch.tensor([1 / 2, 1 / 3], dtype=torch.float64))
    torch.testing.assert_close(coef1, torch.tensor([1, 0.5**0.5 / 2], dtype=torch.float64))
    torch.testing.assert_close(coef2, torch.tensor([0, (2 / 3) ** 0.5 * 3 / 4], dtype=torch.float64))
    torch.testing.assert_close(std, torch.tensor([0, 0.5], dtype=torch.float64))


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_the_last_step_adds_no_noise(nb, variance):
    diffusion = diffusion_of(nb)
    x_t, noise, z = torch.randn(3, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0, 30])
    step = diffusion.ancestral_step(x_t, t, noise, z, variance) - diffusion.mean_from_noise(x_t, t, noise)
    assert step[0].abs().max() == 0 and step[1].abs().max() > 0.01


# ---- losses


class FromStart(nn.Module):
    """Noise predicted through a guess of x_start: the guess and the noise are one network."""

    def __init__(self, diffusion, guess):
        super().__init__()
        self.diffusion, self.guess = [diffusion], guess

    def forward(self, x, time, model_kwargs={}):
        return self.diffusion[0].predict_noise_from_start(x, time, self.guess(x, time))


def test_the_signal_to_noise_weight_makes_both_objectives_one_loss(nb):
    def guess(x, time, model_kwargs={}):
        return 0.3 * x

    images = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    start = diffusion_of(nb, guess, objective="pred_x_start")
    noise = diffusion_of(nb, FromStart(start, guess))
    torch.manual_seed(1)
    of_start = start.p_losses(images)
    torch.manual_seed(1)
    torch.testing.assert_close(noise.p_losses(images), of_start, rtol=1e-3, atol=0)


@pytest.fixture
def mine(nb):
    """The recipe of the cell that trains the digits with the student's own loss."""
    cells = [c.source for c in notebooks.read(SOURCE).cells if "class Mine" in c.source]
    exec(cells[0], names := dict(vars(nb)) | {"cache": cache})
    return names["Mine"]


def test_training_the_digits_calls_the_students_own_loss(nb, mine, tmp_path, monkeypatch):
    losses, own = [], nb.GaussianDiffusion.p_losses
    monkeypatch.setattr(nb.GaussianDiffusion, "p_losses", lambda *args: losses.append(own(*args)) or losses[-1])
    monkeypatch.setattr(mine, "measure", lambda self, model: ({}, torch.zeros(10, 1, 28, 28)))
    torch.manual_seed(0)
    made = training.train(mine(batch_size=4), steps=3, device="cpu", folder=tmp_path, out=tmp_path, quiet=True)
    assert made.exists() and len(losses) == 3
    assert all(0.5 < loss.item() < 3 for loss in losses)  # of a network that knows nothing yet: about 1


# ---- sampling


class Counting(nn.Module):
    """A network that notes what it is called with; guided, it answers something else; it may spoil its dict."""

    def __init__(self, spoil=False):
        super().__init__()
        self.scales, self.modes, self.spoil = [], [], spoil

    def forward(self, x, time, model_kwargs={}):
        self.modes.append(self.training)
        take = model_kwargs.pop if self.spoil else model_kwargs.get
        self.scales.append(take("cfg_scale", None))
        return 0.1 * x


@pytest.mark.parametrize("spoil", [False, True])
def test_guidance_acts_at_every_step_and_the_callers_dict_stays(nb, spoil):
    model = Counting(spoil)
    kwargs = {"cfg_scale": 2.5, "text_emb": torch.ones(2, 4)}
    diffusion_of(nb, model, timesteps=12).sample(2, model_kwargs=kwargs)
    assert model.scales == [2.5] * 12
    assert kwargs.keys() == {"cfg_scale", "text_emb"} and kwargs["cfg_scale"] == 2.5


def test_the_unet_is_guided_at_every_step(nb, monkeypatch):
    model, calls = Unet(4, 6, (1, 2), channels=1), []
    guided = model.cfg_forward

    def counted(x, time, model_kwargs):
        calls.append(int(time[0]))
        return guided(x, time, model_kwargs)

    monkeypatch.setattr(model, "cfg_forward", counted)
    diffusion = diffusion_of(nb, model, timesteps=7)
    diffusion.channels = 1
    images = diffusion.sample(2, model_kwargs={"text_emb": torch.randn(2, 6), "cfg_scale": 1.0})
    assert calls == [6, 5, 4, 3, 2, 1, 0] and images.isfinite().all()


@pytest.mark.parametrize("guidance", [None, 1.0])
def test_the_library_samples_as_the_notebook_does(nb, guidance):
    """So that a quality measured with the library's sampler is that of the notebook's GaussianDiffusion."""
    torch.manual_seed(0)
    unet = Unet(8, 4, (1, 2), channels=1)
    kwargs = {"text_emb": torch.randn(3, 4)} | ({} if guidance is None else {"cfg_scale": guidance})
    diffusion = diffusion_of(nb, unet, timesteps=20, schedule="cosine")
    diffusion.channels = 1
    torch.manual_seed(1)
    ours = diffusion.sample(3, model_kwargs=kwargs)
    torch.manual_seed(1)
    noise = torch.randn(3, 1, 8, 8)
    theirs = sample_ancestral(partial(unet, model_kwargs=kwargs), noise, DiscreteVP(cosine_betas(20)))
    torch.testing.assert_close(ours, (theirs + 1) / 2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_sampling_runs_in_eval_mode_and_restores_the_mode(nb, training):
    model = Counting().train(training)
    diffusion_of(nb, model, timesteps=3).sample(1)
    assert model.modes == [False] * 3 and model.training is training


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_of_samples(nb, channels):
    diffusion = diffusion_of(nb, Counting(), timesteps=4)
    assert diffusion.channels == 3
    diffusion.channels = channels
    assert diffusion.sample(5).shape == (5, channels, 8, 8)
    assert diffusion.sample(5, return_all_timesteps=True).shape == (5, 5, channels, 8, 8)
    assert diffusion.sample().shape == (16, channels, 8, 8)


@pytest.mark.parametrize("objective", ["pred_noise", "pred_x_start"])
def test_knowing_the_data_sampling_arrives_there(nb, objective):
    """The data is one picture: the perfect network is known, and every path ends in that picture."""
    picture = torch.linspace(0, 1, 192).reshape(3, 8, 8)

    def perfect(x, time, model_kwargs):
        x_start = (2 * picture - 1).expand_as(x)
        return x_start if objective == "pred_x_start" else diffusion.predict_noise_from_start(x, time, x_start)

    diffusion = diffusion_of(nb, Answer(perfect), timesteps=30, objective=objective)
    torch.manual_seed(0)
    torch.testing.assert_close(diffusion.sample(2), picture.expand(2, 3, 8, 8), rtol=0, atol=1e-4)


class Answer(nn.Module):
    """A function as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, time, model_kwargs={}):
        return self.function(x, time, model_kwargs)


@pytest.mark.parametrize("variance, spread", [("beta", 1.0), ("posterior", 0.0)])
def test_each_variance_is_exact_for_its_own_data(nb, variance, spread):
    """With the best network, β samples standard normal data exactly, and β̃ data that is a single point."""
    diffusion = diffusion_of(nb, timesteps=10)
    x_t = torch.randn(40_000, 1, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    for i in reversed(range(10)):
        t = torch.full((len(x_t),), i)
        rate = diffusion.sqrt_one_minus_alphas_cumprod[i]
        best = rate * x_t / (diffusion.alphas_cumprod[i] * spread**2 + rate**2)  # E[noise | x_t] for N(0, spread²)
        x_t = diffusion.ancestral_step(x_t, t, best, torch.randn(x_t.shape, generator=generator), variance)
        if i == 5:  # on the way the marginal is known too
            wanted = math.sqrt(diffusion.alphas_cumprod[i - 1] * spread**2 + 1 - diffusion.alphas_cumprod[i - 1])
            assert x_t.std().item() == pytest.approx(wanted, rel=0.02)
    # the last step returns the mean: √ᾱ_0 of the spread is left of standard normal data
    assert x_t.std().item() == pytest.approx(spread * diffusion.sqrt_alphas_cumprod[0].item(), rel=0.02, abs=1e-5)
