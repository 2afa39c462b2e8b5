"""Notebook 07 against known answers: the library's sampler and guidance, exact classifiers, diffusers' convention."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from course_utils import densities, notebooks, plot, puzzles
from course_utils.diagrams import guidance as diagrams
from course_utils.diffusion import guidance, plans, samplers
from course_utils.diffusion.paths import DiscreteVP, cosine_betas

PATH = DiscreteVP(cosine_betas(200))
LEFT = PATH.alphas_cumprod.float()
RING = densities.ring(radius=0.7, std=0.1)
TWO = densities.Mixture(torch.tensor([[0.5, 0.1], [-0.4, 0.2]], dtype=torch.float64), 0.3)


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("07"))


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


class Named(nn.Module):
    """The exact noise of one component of TWO, named by text_emb (b, 2), or of both; notes what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, x, time, model_kwargs={}):
        names = model_kwargs.get("text_emb")
        self.asked.append((int(time[0]), names is not None and bool(names.any()), len(x)))
        alone = [densities.Mixture(mean[None], TWO.std).model(PATH)(x, time) for mean in TWO.means]
        either = TWO.model(PATH)(x, time)
        if names is None:
            return either
        return torch.where(names.any(1, keepdim=True), (torch.stack(alone, 1) * names[..., None]).sum(1), either)


def which(x: Tensor, t: Tensor) -> Tensor:
    """Logits of the exact classifier of noised points of TWO."""
    alpha, sigma = PATH.alpha(t)[:, None], PATH.sigma(t)[:, None]
    var = (alpha * TWO.std) ** 2 + sigma**2
    return torch.cat([-(x - alpha * m).square().sum(1, keepdim=True) / (2 * var) for m in TWO.means], dim=1)


FIRST = torch.tensor([[1.0, 0.0]]).expand(6, 2)


# ---- few steps


@pytest.mark.parametrize("steps", [1, 2, 7, 8, 50, 200])
def test_times_are_those_of_the_library(nb, steps):
    times = nb.timesteps(200, steps)
    assert times.dtype == torch.int64
    assert torch.equal(times, plans.times_uniform(PATH, steps)[:-1].long())


def test_a_step_with_the_true_noise_stays_with_the_same_digit_and_the_same_noise(nb):
    x_start, true = noise(5, 3).clamp(-1, 1), noise(5, 3).flip(0)
    t, s = torch.tensor([199, 150, 80, 30, 10]), torch.tensor([150, 10, 79, 0, 5])
    x_t, x_s = (PATH.add_noise(x_start, time, true) for time in (t, s))
    torch.testing.assert_close(nb.ddim_step(x_t.double(), true, LEFT[t].double(), LEFT[s].double()), x_s.double(),
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 5, 20, 200])
def test_samples_are_those_of_the_library(nb, steps):
    exact, x = RING.model(PATH), noise(40, 2)
    ours = nb.ddim_sample(lambda x, t, _: exact(x, t), x, LEFT, steps)
    torch.testing.assert_close(ours, samplers.sample_ddim(exact, x, PATH, steps), rtol=1e-3, atol=1e-3)


# ---- a classifier's guidance


def test_the_gradient_of_two_blobs_exact_classifier_is_known(nb):
    """log p(y | x) of two equal Gaussians has the gradient (1 − p)·(α(m_y − m_other))/var."""
    x, t, y = noise(6, 2), torch.tensor([5, 60, 100, 120, 150, 190]), torch.tensor([0, 1, 0, 0, 1, 1])
    alpha, sigma = PATH.alpha(t)[:, None], PATH.sigma(t)[:, None]
    apart = alpha * (TWO.means[y] - TWO.means[1 - y]) / ((alpha * TWO.std) ** 2 + sigma**2)
    p = which(x, t).softmax(1).gather(1, y[:, None])
    torch.testing.assert_close(nb.classifier_gradient(which, x, t, y), ((1 - p) * apart).float())


def test_classifier_guidance_is_the_librarys(nb):
    x, t, y = noise(6, 2), torch.full((6,), 120), torch.tensor([0, 1, 0, 0, 1, 1])
    exact = TWO.model(PATH)
    theirs = guidance.classifier_guided(exact, which, y, 2.5, PATH)(x, t)
    ours = nb.classifier_guidance(exact(x, t), nb.classifier_gradient(which, x, t, y), PATH.sigma(t).float(), 2.5)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("w", [-1.0, 0.0, 0.5, 3.0])
def test_an_exact_classifiers_gamma_is_1_plus_w_without_the_wish_and_w_with_it(nb, w):
    x, t, net = noise(6, 2), torch.tensor([5, 60, 100, 120, 150, 190]), Named()
    free = nb.Conditional(net)(x, t, {"text_emb": FIRST, "cfg_scale": w})
    grad = nb.classifier_gradient(which, x, t, torch.zeros(6, dtype=torch.long))
    for kwargs, gamma in (({}, 1 + w), ({"text_emb": FIRST}, w)):
        guided = nb.classifier_guidance(net(x, t, kwargs), grad, PATH.sigma(t).float(), gamma)
        torch.testing.assert_close(guided, free, rtol=1e-4, atol=1e-4)


# ---- guidance without a classifier


def test_guidance_acts_at_every_step_and_leaves_the_dict_alone(nb):
    net, kwargs = Named(), {"text_emb": FIRST, "cfg_scale": 2.0}
    guided = nb.ddim_sample(nb.Conditional(net), noise(6, 2), LEFT, 5, kwargs)
    assert list(kwargs) == ["text_emb", "cfg_scale"] and kwargs["text_emb"] is FIRST and kwargs["cfg_scale"] == 2.0
    times = nb.timesteps(200, 5).tolist()
    assert [(t, wish) for t, wish, _ in net.asked] == [(t, wish) for t in times for wish in (True, False)]
    library = guidance.guided(partial(Named().forward), {"text_emb": FIRST}, None, 2.0)
    torch.testing.assert_close(guided, samplers.sample_ddim(library, noise(6, 2), PATH, 5), rtol=1e-3, atol=1e-3)


def test_one_call_gives_what_two_give(nb):
    net, x, t = Named(), noise(6, 2), torch.tensor([5, 60, 100, 120, 150, 190])
    twice = nb.Conditional(net)(x, t, {"text_emb": FIRST, "cfg_scale": 1.5})
    net.asked.clear()
    torch.testing.assert_close(nb.batched_guidance(net, x, t, FIRST, 1.5), twice)
    assert [rows for *_, rows in net.asked] == [12]


def test_the_same_method_opens_the_door_of_another_network(nb):
    from course_utils.models.unet import Unet

    class Own(Unet):
        cfg_forward = nb.Conditional.cfg_forward

    net = Own(4, 5, (1, 2), channels=1).eval()
    x, t, text_emb = noise(3, 1, 8, 8), torch.tensor([3, 7, 11]), noise(3, 5)
    want = Unet.cfg_forward(net, x, t, {"text_emb": text_emb, "cfg_scale": 2.0})
    torch.testing.assert_close(net(x, t, {"text_emb": text_emb, "cfg_scale": 2.0}), want, rtol=1e-4, atol=1e-5)


# ---- conventions


@pytest.mark.parametrize("g", [0.0, 0.5, 1.0, 1.5, 4.0])
def test_diffusers_guidance_scale_is_1_plus_w_and_off_at_1_and_below(nb, g):
    x, text_emb, t = 0.1 * noise(2, 3, 4, 4), torch.tensor([[3.0], [7.0]]), torch.full((2,), 40)

    def answer(x, time, wish):
        return 0.01 * torch.tanh(x + wish.reshape(-1, 1, 1, 1))

    def network(x, time, model_kwargs={}):
        wish = model_kwargs.get("text_emb")
        return answer(x, time, torch.zeros(len(x)) if wish is None else wish)

    theirs = _diffusers_guided(lambda x, labels: answer(x, t, labels.float() * (labels < 1000)), x, [3, 7], g)
    w = g - 1 if g > 1 else 0.0
    torch.testing.assert_close(nb.Conditional(network)(x, t, {"text_emb": text_emb, "cfg_scale": w}), theirs)


def _diffusers_guided(answer, x: Tensor, labels: list[int], guidance_scale: float) -> Tensor:
    """The noise prediction that diffusers' class-conditional pipeline hands to its scheduler at x."""
    from diffusers.pipelines.dit import pipeline_dit

    class Transformer:
        config = SimpleNamespace(sample_size=x.shape[-1], in_channels=x.shape[1], out_channels=x.shape[1])
        dtype = x.dtype

        def __call__(self, hidden, timestep, class_labels):
            both = torch.cat([x] * (len(hidden) // len(x)))
            return SimpleNamespace(sample=answer(both, class_labels))

    scheduler = SimpleNamespace(
        timesteps=torch.tensor([40]), set_timesteps=lambda n: None, scale_model_input=lambda x, t: x,
        step=lambda predicted, t, x: SimpleNamespace(prev_sample=predicted))
    vae = SimpleNamespace(config=SimpleNamespace(scaling_factor=1.0), decode=lambda z: SimpleNamespace(sample=z))
    pipeline = SimpleNamespace(transformer=Transformer(), vae=vae, scheduler=scheduler, _execution_device="cpu",
                               progress_bar=iter, maybe_free_model_hooks=lambda: None)
    images, = pipeline_dit.DiTPipeline.__call__(pipeline, labels, guidance_scale, num_inference_steps=1,
                                                output_type="pt", return_dict=False)
    return 2 * images - 1


@pytest.mark.parametrize("w", [-1.0, 0.0, 1.0, 4.0])
def test_the_rows_of_the_table_are_one_formula(nb, w):
    x, t, net = noise(6, 2), torch.full((6,), 90), Named()
    ours = nb.Conditional(net)(x, t, {"text_emb": FIRST, "cfg_scale": w})
    c, u, g = net(x, t, {"text_emb": FIRST}), net(x, t), 1 + w
    torch.testing.assert_close(ours, u + g * (c - u), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours, g * c + (1 - g) * u, rtol=1e-4, atol=1e-5)


# ---- figures and the puzzle


def test_the_puzzles_sheets_differ_from_the_right_one_and_from_each_other(nb):
    net, x = Named(), noise(6, 2)
    right = nb.ddim_sample(nb.Conditional(net), x, LEFT, 10, {"text_emb": FIRST, "cfg_scale": 2.0})
    sheets = [right, *puzzles.slipped_guidance(net, FIRST, x, LEFT).values()]
    for i, one in enumerate(sheets):
        assert all((one - other).abs().mean() > 0.02 for other in sheets[:i])


def test_the_measured_rows_become_curves_and_lines_of_text():
    rows = [dict(w=w, steps=n, recognised=0.9, diversity=20.0, kernel_distance=0.02 * w) for n in (16, 4)
            for w in (1.0, 0.0)]
    real = dict(recognised=0.99, diversity=25.0, kernel_distance=0.0)
    fig = diagrams.quality_over_guidance(rows, real)
    curves = {line.get_label(): list(line.get_ydata()) for line in fig.axes[2].get_lines()[:2]}
    assert curves == {"4 steps": [0.0, 0.02], "16 steps": [0.0, 0.02]}
    told = diagrams.describe_guidance([*rows, dict(real, gamma=2.0), dict(real, w=4.0, low=0.0, high=99.5), real])
    starts = [line[:24].strip() for line in told.splitlines()[1:]]
    assert starts == ["w = 1, 16 steps", "w = 0, 16 steps", "w = 1, 4 steps", "w = 0, 4 steps", "classifier, γ = 2",
                      "w = 4, 0 ≤ t ≤ 99.5", "real digits"]
    assert plot.logical_size(fig)[0] <= plot.WIDEST
