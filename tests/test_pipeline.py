"""The pipeline's parts against the library's own sampler, path and texts, with networks that know nothing yet."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from course_utils import files, pipeline, text, zoo
from course_utils.diffusion.paths import VP
from course_utils.diffusion.plans import plan_ddim
from course_utils.diffusion.samplers import sample
from course_utils.models.autoencoder import Autoencoder
from course_utils.models.fast import Fast
from course_utils.models.text_unet import TextUnet
from course_utils.pipeline import Pipeline

PROMPTS = ["red apple", "cat and heart", "anchor"]


@pytest.fixture(scope="module")
def pipe():
    torch.manual_seed(0)
    network = TextUnet(dim=16, context_dim=text.WIDTH, heads=2).eval()
    return Pipeline(network, Autoencoder(dims=(8, 8, 8)).eval(), VP(), 0.7)


@pytest.fixture
def noise():
    return torch.randn(3, 8, 8, 8, generator=torch.Generator().manual_seed(1))


def by_hand(pipe, prompts, n, guidance_scale, z):
    """Guided steps, one part of the pipeline at a time."""
    cond, uncond = pipe.encode(prompts), pipe.encode([""])
    times = pipe.times(n)
    for i in range(n):
        v, plain = pipe.unet(z, times[i], cond), pipe.unet(z, times[i].expand(len(z)), uncond)
        z = pipe.step(z, plain + guidance_scale * (v - plain), times[i], times[i + 1])
    return pipe.decode(z / pipe.scale) / 2 + 0.5


def test_its_parts_in_a_loop_are_the_librarys_sampler(pipe, noise):
    images = pipe(PROMPTS, 7, 3.0, latents=noise)
    assert images.shape == (3, 3, 32, 32) and 0 <= images.min() and images.max() <= 1
    torch.testing.assert_close(images, by_hand(pipe, PROMPTS, 7, 3.0, noise), rtol=0, atol=1e-4)
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(images, pipe(PROMPTS, 7, 3.0, generator=generator))


def test_noise_is_the_seeds(pipe):
    some = pipe.noise([3, 5])
    assert some.shape == (2, 8, 8, 8) and torch.equal(some[1:], pipe.noise([5])) and not torch.equal(*some)


def test_a_guidance_scale_of_one_is_the_plain_conditional_and_of_zero_that_of_the_empty_prompt(pipe, noise):
    cond, uncond = pipe.encode(PROMPTS), pipe.encode([""] * 3)
    for guidance_scale, context in ((1.0, cond), (0.0, uncond)):
        z = sample(lambda z, t, c=context: pipe.unet(z, t, c), noise, pipe.plan(4), prediction="v", clamp=None)
        images = pipe(PROMPTS, 4, guidance_scale, latents=noise)
        torch.testing.assert_close(images, pipe.decode(z / pipe.scale) / 2 + 0.5, rtol=0, atol=1e-4)


def test_a_step_is_that_of_the_plan(pipe, noise):
    plan, v = plan_ddim(pipe.path, 5), noise.flip(0)
    assert torch.equal(pipe.times(5), plan.times) and plan.times[-1] == 0
    for i, (of_z, of_start, _, _) in enumerate(plan.steps):
        t, s = plan.times[i:i + 2]
        alpha, sigma = pipe.path.alpha(t).item(), pipe.path.sigma(t).item()
        expected = of_z * noise + of_start * (alpha * noise - sigma * v) / (alpha**2 + sigma**2)
        for times in ((t, s), (t.item(), s.item()), (t.float(), s.float())):
            torch.testing.assert_close(pipe.step(noise, v, *times), expected, rtol=1e-4, atol=1e-5)


def test_a_clean_latent_is_noised_and_the_way_back_by_the_true_v_is_exact(pipe, noise):
    clean, t, s = noise.flip(1), torch.tensor(0.9), torch.tensor(0.0)
    noised = pipe.add_noise(clean, t, noise)
    torch.testing.assert_close(noised, pipe.path.add_noise(clean, t.expand(3), noise))
    back = pipe.step(noised, pipe.path.target(clean, t, noise, "v"), t, s)
    torch.testing.assert_close(back, clean, rtol=1e-4, atol=1e-4)


def test_texts_are_the_librarys_tokens_and_the_empty_one_may_be_another(pipe, noise):
    assert torch.equal(pipe.encode([*PROMPTS, ""]), text.tokens([*PROMPTS, ""], text.LENGTH))
    against = pipe.against("blue")
    assert torch.equal(against.encode(["", "anchor"]), pipe.encode(["blue", "anchor"]))
    assert torch.equal(pipe.encode([""]), text.tokens([""], text.LENGTH))  # the first stays as it is
    plain = by_hand(replace(pipe, empty="blue"), PROMPTS, 4, 3.0, noise)
    torch.testing.assert_close(against(PROMPTS, 4, 3.0, latents=noise), plain, rtol=0, atol=1e-4)
    assert not torch.allclose(plain, pipe(PROMPTS, 4, 3.0, latents=noise), atol=1e-3)


def test_one_text_is_one_sentence(pipe):
    with pytest.raises(ValueError, match="^encode takes a list of texts, not one text"):
        pipe.encode("red apple")


def test_images_and_latents_are_the_autoencoders(pipe, noise):
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    assert torch.equal(pipe.encode_image(images), pipe.autoencoder.encode(images)[0])
    decoded = pipe.decode(100 * noise)
    assert torch.equal(decoded, pipe.autoencoder.decode(100 * noise).clamp(-1, 1)) and decoded.abs().max() == 1


def test_no_part_keeps_a_graph(pipe, noise):
    images = torch.zeros(3, 3, 32, 32)
    made = [pipe.unet(noise, 0.5, pipe.encode(PROMPTS)), pipe.decode(noise), pipe.encode_image(images),
            pipe(PROMPTS, 2, latents=noise)]
    assert not any(x.requires_grad for x in made)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_the_fast_copy_draws_the_same(pipe, noise, dtype, tolerance):
    fast = replace(pipe, network=Fast(pipe.network, compile=None, dtype=dtype))
    images, expected = fast(PROMPTS, 4, 3.0, latents=noise), pipe(PROMPTS, 4, 3.0, latents=noise)
    assert (images - expected).square().mean().sqrt() < tolerance * expected.std()


def test_it_is_loaded_with_the_autoencoder_of_its_training_or_not_at_all(pipe, monkeypatch):
    made = {"emoji-latent": SimpleNamespace(model=pipe.network, path=pipe.path, config={
                "scale": 0.7, "autoencoder": files.digest(pipe.autoencoder.state_dict())}),
            "emoji-autoencoder": SimpleNamespace(model=pipe.autoencoder)}
    monkeypatch.setattr(zoo, "load", made.get)
    loaded = pipeline.Pipeline.load()
    assert (loaded.network, loaded.autoencoder, loaded.scale) == (pipe.network, pipe.autoencoder, 0.7)
    assert isinstance(Pipeline.load(compile=True).network, Fast)
    made["emoji-latent"].config["autoencoder"] = "another"
    with pytest.raises(ValueError, match="the latents of another emoji-autoencoder"):
        Pipeline.load()
