"""Notebook 11 against known answers: torch's divergence and attention, gradients by hand, prompts of one point."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from course_utils import notebooks
from course_utils.models.attention import attend
from course_utils.models.autoencoder import Autoencoder
from course_utils.models.critic import Critic
from course_utils.tasks.pipes import Pipe

PROMPTS = ["apple", "moon", "cat"]


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("11"))


def noise(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- the autoencoder


def test_the_loss_is_torchs_mean_absolute_error_and_divergence(nb):
    recon, x, mu, logvar = noise(4, 3, 8, 8), noise(4, 3, 8, 8, seed=1), noise(4, 2, 4, 4), noise(4, 2, 4, 4, seed=5)
    divergence = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0)).mean()
    loss = nb.kl_regularised_loss(recon, x, mu, logvar, 0.3)
    torch.testing.assert_close(loss, F.l1_loss(recon, x) + 0.3 * divergence)
    assert nb.kl_regularised_loss(x, x, 0 * mu, 0 * logvar, 1.0) == 0


def small_players() -> tuple[Autoencoder, Critic]:
    torch.manual_seed(0)
    return Autoencoder((8, 8, 8), latent_channels=4).double(), Critic(dims=(8, 8)).double()


def descended(net: nn.Module, loss: Tensor, rate: float) -> list[Tensor]:
    """A network's parameters after one step of plain descent along a loss."""
    weights = list(net.parameters())
    return [w.detach() - rate * g for w, g in zip(weights, torch.autograd.grad(loss, weights), strict=True)]


def test_a_step_of_the_real_networks_moves_each_along_its_own_loss(nb):
    x, z = noise(2, 3, 16, 16).tanh(), noise(2, 4, 4, 4)
    autoencoder, critic = small_players()
    mu, logvar = autoencoder.encode(x)
    recon = autoencoder.decode(mu + (logvar / 2).exp() * z)
    divergence = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).mean()
    loss_ae = F.l1_loss(recon, x) + 0.01 * divergence - 0.5 * F.logsigmoid(critic(recon)).mean()
    loss_critic = -F.logsigmoid(critic(x)).mean() - F.logsigmoid(-critic(recon.detach())).mean()
    expected = [descended(autoencoder, loss_ae, 0.1), descended(critic, loss_critic, 0.2)]

    optimizers = [torch.optim.SGD(net.parameters(), lr) for net, lr in ((autoencoder, 0.1), (critic, 0.2))]
    losses = nb.autoencoder_step(autoencoder, critic, *optimizers, x, z, 0.01, 0.5)
    assert losses == pytest.approx((loss_ae.item(), loss_critic.item()))
    for net, weights in zip((autoencoder, critic), expected, strict=True):
        for got, want in zip(net.parameters(), weights, strict=True):
            torch.testing.assert_close(got.detach(), want)


# ---- latents


def test_the_scale_is_numpys_and_scaled_latents_have_size_1(nb):
    latents = 3 * noise(500, 4, 4, 4) + torch.tensor([5.0, 0, 1, -2], dtype=torch.float64)[:, None, None]
    scale = float(nb.scale_factor(latents))
    assert scale == pytest.approx(1 / np.std(latents.numpy()), rel=1e-4)
    assert float(np.std(latents.numpy() * scale)) == pytest.approx(1, rel=1e-4)
    assert float(nb.scale_factor(latents - 7)) == pytest.approx(scale)


def test_a_network_that_knows_the_latents_has_no_loss_and_one_that_says_0_has_vs_mean_square(nb):
    autoencoder, _ = small_players()
    x, t = noise(3, 3, 16, 16).tanh(), torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    alpha, sigma, e = (math.pi / 2 * t).cos(), (math.pi / 2 * t).sin(), noise(3, 4, 4, 4)
    z = 0.7 * autoencoder.encode(x)[0].detach()

    def knowing(z_t, t, context):
        a, s = (f(math.pi / 2 * t)[:, None, None, None] for f in (torch.cos, torch.sin))
        return a * (z_t - a * z) / s - s * z

    given = (autoencoder, 0.7, x, noise(3, 5, 6), alpha, sigma, e, t)
    assert nb.training_step(knowing, *given) < 1e-20
    v = alpha[:, None, None, None] * e - sigma[:, None, None, None] * z
    torch.testing.assert_close(nb.training_step(lambda z, t, context: 0 * z, *given), v.square().mean())


# ---- attention to a text


def text_and_places() -> tuple[Tensor, Tensor, list[nn.Linear], Tensor]:
    layers = [nn.Linear(d, 12).double() for d in (6, 9, 9)]
    mask = torch.arange(7) < torch.tensor([3, 7, 1, 5])[:, None]
    return noise(4, 10, 6), noise(4, 7, 9, seed=4), layers, mask


@pytest.mark.parametrize("heads", [1, 3, 4])
def test_attention_is_torchs_and_the_librarys(nb, heads):
    x, context, (to_q, to_k, to_v), mask = text_and_places()
    out = nb.cross_attention(x, context, to_q, to_k, to_v, heads, mask)
    torch.testing.assert_close(out, attend(to_q(x), to_k(context), to_v(context), heads, mask))
    q, k, v = (part.chunk(heads, dim=-1) for part in (to_q(x), to_k(context), to_v(context)))
    parts = [F.scaled_dot_product_attention(*one, attn_mask=mask[:, None]) for one in zip(q, k, v, strict=True)]
    torch.testing.assert_close(out, torch.cat(parts, dim=-1))


def test_padding_is_as_if_it_were_not_there_and_the_order_of_tokens_does_not_matter(nb):
    x, context, layers, mask = text_and_places()
    out = nb.cross_attention(x, context, *layers, 3, mask)
    alone = nb.cross_attention(x[:1], context[:1, :3], *layers, 3, mask[:1, :3])
    torch.testing.assert_close(out[:1], alone)
    order = torch.tensor([2, 0, 6, 5, 1, 4, 3])
    torch.testing.assert_close(nb.cross_attention(x, context[:, order], *layers, 3, mask[:, order]), out)


# ---- images: a pipe whose every prompt is one point


class Points:
    """A pipe that knows all: a prompt's latents are one point. So v is known, and a step of DDIM leads there.

    v is linear in that point, and the guided one is that of the point on the line through both.
    """

    scale = 0.5

    def __init__(self, empty: str = ""):
        self.empty, self.calls = empty, 0

    def encode(self, texts: list[str]) -> Tensor:
        return torch.stack([point(text or self.empty) for text in texts])[:, None]

    def unet(self, z: Tensor, t: Tensor, context: Tensor) -> Tensor:
        self.calls += 1
        a, s = (f(t)[:, None, None, None] for f in (self.alpha, self.sigma))
        m = context[:, 0].unflatten(-1, (8, 8, 8))
        return a * (z - a * m) / s - s * m

    def alpha(self, t: Tensor) -> Tensor:
        return (math.pi / 2 * t).cos()

    def sigma(self, t: Tensor) -> Tensor:
        return (math.pi / 2 * t).sin()

    def times(self, n: int) -> Tensor:
        return torch.linspace(1, 0, n + 1, dtype=torch.float64) ** 1.5

    def step(self, z: Tensor, v: Tensor, t: Tensor, s: Tensor) -> Tensor:
        start, noise = self.alpha(t) * z - self.sigma(t) * v, self.sigma(t) * z + self.alpha(t) * v
        return self.alpha(s) * start + self.sigma(s) * noise

    def add_noise(self, z: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        return self.alpha(t) * z + self.sigma(t) * noise

    def decode(self, z: Tensor) -> Tensor:
        """Three channels of the latents, each number four times in either direction."""
        return z[:, :3].repeat_interleave(4, 2).repeat_interleave(4, 3).tanh()

    def encode_image(self, images: Tensor) -> Tensor:
        return F.pad(images[:, :, ::4, ::4], (0, 0, 0, 0, 0, 5)).atanh()


def point(text: str) -> Tensor:
    return 0.3 * noise(512, seed=sum(map(ord, text)))


def image(m: Tensor) -> Tensor:
    """What a point of scaled latents looks like."""
    return (Points().decode(m.unflatten(-1, (8, 8, 8)) / Points.scale) + 1) / 2


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("s", [0.0, 1.0, 3.5])
def test_text_lands_on_the_line_from_the_empty_prompts_point_to_its_own(nb, n, s):
    images = nb.text_to_image(Points(), PROMPTS, n, s, latents=noise(3, 8, 8, 8))
    expected = [image((1 - s) * point("") + s * point(prompt)[None]) for prompt in PROMPTS]
    torch.testing.assert_close(images, torch.cat(expected))


def test_a_negative_prompt_is_another_empty_one(nb):
    images = nb.text_to_image(Points(empty="sun"), PROMPTS, 3, 2.0, latents=noise(3, 8, 8, 8))
    expected = [image(2 * point(prompt)[None] - point("sun")) for prompt in PROMPTS]
    torch.testing.assert_close(images, torch.cat(expected))


def test_a_generator_makes_the_same_images_again(nb):
    pipe = Pipe(torch.tensor(1.0))
    first, again, other = (nb.text_to_image(pipe, PROMPTS, 3, generator=seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, other)
    given = torch.randn(3, 8, 8, 8, generator=seeded(1))
    torch.testing.assert_close(nb.text_to_image(pipe, PROMPTS, 3, latents=given), first)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos() -> Tensor:
    """Images that the pipe of points keeps as they are."""
    return torch.rand(3, 3, 8, 8, dtype=torch.float64).repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_strength_0_is_a_round_trip_and_strength_1_is_text_to_image(nb):
    x, e = photos(), noise(3, 8, 8, 8)
    torch.testing.assert_close(nb.image_to_image(Points(), PROMPTS, x, 0.0, 5, 3.0, e), x)
    whole = nb.image_to_image(Points(), PROMPTS, x, 1.0, 5, 3.0, e)
    torch.testing.assert_close(whole, nb.text_to_image(Points(), PROMPTS, 5, 3.0, latents=e))
    curved, x, e = Pipe(torch.tensor(1.1)), x.float(), e.float()  # decoding does not undo encoding there
    kept = (curved.decode(curved.encode_image(2 * x - 1)) + 1) / 2
    torch.testing.assert_close(nb.image_to_image(curved, PROMPTS, x, 0.1, 5, 3.0, e), kept)
    whole = nb.image_to_image(curved, PROMPTS, x, 1.0, 5, 3.0, e)
    torch.testing.assert_close(whole, nb.text_to_image(curved, PROMPTS, 5, 3.0, latents=e))


@pytest.mark.parametrize(("n", "strength", "made"), [(9, 0.0, 0), (9, 0.1, 0), (9, 0.4, 3), (8, 0.7, 5), (9, 1.0, 9)])
def test_strength_is_the_share_of_the_steps_that_is_made(nb, n, strength, made):
    pipe = Points()
    images = nb.image_to_image(pipe, PROMPTS, photos(), strength, n, 1.0, noise(3, 8, 8, 8))
    assert pipe.calls == 2 * made
    if made:
        torch.testing.assert_close(images, torch.cat([image(point(prompt)[None]) for prompt in PROMPTS]))


# ---- what the probes' own pipe promises


def test_the_probes_pipe_keeps_what_the_docstring_says():
    pipe, z, e = Pipe(torch.tensor(0.9)), noise(2, 8, 8, 8).float(), noise(2, 8, 8, 8, seed=5).float()
    for n in (1, 4, 30):
        times = pipe.times(n)
        assert times.shape == (n + 1,) and (times.diff() < 0).all()
        torch.testing.assert_close(pipe.add_noise(z, times[-1], e), z)
        torch.testing.assert_close(pipe.add_noise(z, times[0], e), e)
    assert pipe.decode(50 * z).abs().max() <= 1
    t, middle, s = pipe.times(2)
    assert not torch.allclose(pipe.step(z, e, t, s), pipe.step(pipe.step(z, e, t, middle), e, middle, s), atol=1e-2)
