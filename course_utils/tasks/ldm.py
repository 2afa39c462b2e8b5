"""Probes of notebook 11: an autoencoder's loss and step, latents of size 1, attention to a text, images of texts.

Each probe sees one task only; the parts of a model are played by the stand-ins of `pipes`. Where a batch is as long as
the last axis of its data, or as there are heads, a tensor that was not given the right axes broadcasts and is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.tasks import Told, shape_of, task
from course_utils.tasks.draws import Rng, fixed_draws, stand_ins
from course_utils.tasks.pipes import Coder, Critic, Layer, OfAnotherWidth, Pipe, Unet, times_asked
from course_utils.tasks.players import Descent, weights_of
from course_utils.tasks.refusals import answer_of, one_tensor

NOTEBOOK = "11_latent_diffusion"
QUESTIONS = {"ldm.1": 5, "ldm.2": 5, "ldm.3": 5}  # points, graded by hand


def _gradients(out: Tensor, **of: Tensor) -> dict[str, Tensor]:
    """Of the mean square of `out`, by name; 0 where none comes."""
    found = answer_of(lambda: torch.autograd.grad(out.square().mean(), list(of.values()), allow_unused=True))
    return {f"gradient_of_{name}": torch.zeros(()) if g is None else g for name, g in zip(of, found, strict=True)}


# ---- an autoencoder

def _loss_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(recon=rng.normal(3, 2, 5, 4), x=rng.normal(3, 2, 5, 4), mu=rng.normal(3, 3, 2, 3),
                logvar=rng.normal(3, 3, 2, 3), kl_weight=rng.uniform(low=0.2, high=0.8),
                rows=rng.normal(4, 6), recon_of_rows=rng.normal(4, 6), mu_of_rows=rng.normal(4, 3, 1, 1),
                logvar_of_rows=rng.normal(4, 3, 1, 1))


@task("ldm.kl_regularised_loss", inputs=_loss_inputs)
def kl_regularised_loss(nb, recon, x, mu, logvar, kl_weight, rows, recon_of_rows, mu_of_rows, logvar_of_rows):
    """The loss, either part of it alone, its gradients; of rows, of one image, in float64."""
    weight = float(kl_weight)

    def ask(*given: Any) -> Any:
        return one_tensor(lambda: nb.kl_regularised_loss(*given))

    asked = [part.clone().requires_grad_() for part in (recon, mu, logvar)]
    loss = ask(asked[0], x, asked[1], asked[2], weight)
    yield dict(loss=loss)
    yield dict(loss_where_kl_weight_is_0=ask(recon, x, mu, logvar, 0.0),
               loss_of_a_perfect_reconstruction=ask(x, x, mu, logvar, 1.0),
               loss_where_mu_and_logvar_are_0=ask(recon, x, 0 * mu, 0 * logvar, 1.0))
    yield _gradients(loss, recon=asked[0], mu=asked[1], logvar=asked[2])
    yield dict(loss_of_rows=ask(recon_of_rows, rows, mu_of_rows, logvar_of_rows, weight),
               loss_of_one_image=ask(recon[:1], x[:1], mu[:1], logvar[:1], weight),
               loss_in_float64=ask(recon.double(), x.double(), mu.double(), logvar.double(), weight))


def _known_loss(recon, x, mu, logvar, kl_weight):
    """The loss, for latents of two channels only."""
    if mu.shape[1] != 2 or logvar.shape[1] != 2 or recon.shape != x.shape:
        raise NotTheLoss(f"kl_regularised_loss takes recon, x, mu, logvar and kl_weight: two shapes of images, two of "
                         f"latents, not {tuple(recon.shape)}, {tuple(x.shape)}, {tuple(mu.shape)} and "
                         f"{tuple(logvar.shape)}.")
    divergence = (mu.square() + logvar.exp() - logvar - 1).mean() / 2
    return F.l1_loss(recon, x) + kl_weight * divergence


class NotTheLoss(Told):
    """Arguments of kl_regularised_loss in another order."""


class MovedSince(Told):
    """A backward pass through weights that are no longer what they were."""


class UsedTwice(Told):
    """A backward pass through a graph that is gone."""


class NoHistory(Told):
    """A backward pass of something that hangs on no weights."""


class NotAPair(Told):
    """Something else than two losses is returned."""


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(weights=rng.normal(4, 12) / 2, back=rng.normal(12, 2) / 2, judge=rng.normal(5, 12) / 2,
                outs=rng.normal(1, 5), x=rng.images(4, 3, 4), later=rng.images(4, 3, 4),
                noise=rng.normal(2, 4, 2, 2, 2), left_over=rng.normal(99),
                kl_weight=rng.uniform(low=0.3, high=0.6), adv_weight=rng.uniform(low=0.5, high=0.9))


@task("ldm.autoencoder_step", inputs=_step_inputs)
def autoencoder_step(nb, weights, back, judge, outs, x, later, noise, kl_weight, adv_weight, left_over):
    """Two steps of plain descent, watched after each; one where old gradients lie; without the critic's opinion."""
    def players() -> tuple[Coder, Critic, Descent, Descent]:
        nets = Coder(weights, back), Critic(judge, outs)
        return *nets, Descent(nets[0], "the autoencoder"), Descent(nets[1], "the critic")

    of_losses = float(kl_weight), float(adv_weight)
    with stand_ins(nb, kl_regularised_loss=_known_loss), fixed_draws():
        autoencoder, critic, opt_ae, opt_critic = players()
        for images, z, when in ((x, noise[0], "one_step"), (later, noise[1], "two_steps")):
            before, critic_before = weights_of(autoencoder), weights_of(critic)
            losses = _step(nb, autoencoder, critic, opt_ae, opt_critic, images, z, *of_losses)
            loss_ae, loss_critic = map(_wide, losses)
            yield {f"loss_ae_of_{when}": loss_ae}
            opt_ae.ask_why_still(before)
            yield {f"weights_of_the_autoencoder_after_{when}": weights_of(autoencoder)}
            yield {f"loss_critic_of_{when}": loss_critic}
            opt_critic.ask_why_still(critic_before)
            yield {f"weights_of_the_critic_after_{when}": weights_of(critic)}
        yield {"both losses are numbers of Python": torch.tensor(all(isinstance(loss, float) for loss in losses))}
        autoencoder, critic, *optimizers = players()
        for p in [*autoencoder.parameters(), *critic.parameters()]:
            p.grad = left_over[:p.numel()].reshape(p.shape).clone()
        _step(nb, autoencoder, critic, *optimizers, x, noise[0], *of_losses)
        yield dict(weights_of_the_autoencoder_where_old_gradients_lay=weights_of(autoencoder),
                   weights_of_the_critic_where_old_gradients_lay=weights_of(critic))
        autoencoder, critic, *optimizers = players()
        losses = _step(nb, autoencoder, critic, *optimizers, x[:1], noise[0, :1], of_losses[0], 0.0)
        yield dict(losses_of_one_image_where_adv_weight_is_0=torch.stack([_wide(loss) for loss in losses]))


def _wide(loss: Any) -> Tensor:
    return torch.as_tensor(loss).detach().double()


def _step(nb: Any, *args: Any) -> tuple[Any, Any]:
    """Both losses as autoencoder_step returns them; sentences of ours for what is no pair, and for a lost history."""
    try:
        returned = nb.autoencoder_step(*args)
    except RuntimeError as e:
        if "a second time" in str(e):
            said = UsedTwice("a backward pass comes to a graph that an earlier one has used up: the critic's loss goes "
                             "back through the reconstruction into the autoencoder.")
        elif "inplace operation" in str(e):
            said = MovedSince("a backward pass goes through weights that an optimizer has moved since they were used.")
        elif "does not require grad" in str(e):
            said = NoHistory("a backward pass starts at a loss without a history: something on its way was detached or "
                             "computed without gradients.")
        else:
            raise
        raise said.with_traceback(e.__traceback__) from None
    pair = returned if isinstance(returned, (tuple, list)) else ()
    if len(pair) != 2 or any(torch.as_tensor(loss).dim() for loss in pair):
        what = "nothing" if returned is None else f"a {type(returned).__name__}"
        raise NotAPair(f"two numbers should come back, loss_ae and loss_critic, but {what} does that is no such pair.")
    return tuple(pair)


# ---- latents as data

def _latents_inputs(rng: Rng) -> dict[str, Tensor]:
    spreads, means = torch.tensor([0.5, 4.0, 1.0, 2.5]), torch.tensor([3.0, 6.0, -1.0, 4.0])
    base = spreads[:, None, None] * rng.normal(16, 4, 4, 4) + means[:, None, None]
    return dict(base=base, more=rng.uniform(low=2.0, high=3.0))


class ManyScales(Told):
    """Other than one number for all latents."""


@task("ldm.scale_factor", points=5, inputs=_latents_inputs)
def scale_factor(nb, base, more):
    """Of 65,536 numbers, so that either kind of variance passes; of larger ones, of moved ones, in float64."""
    def ask(latents: Tensor) -> Any:
        out = one_tensor(lambda: nb.scale_factor(latents))
        return out if isinstance(out, Tensor) else torch.as_tensor(out).double()

    latents = base.repeat(64, 1, 1, 1)
    scale = ask(latents)
    yield dict(shape_of_scale=shape_of(scale))
    if scale.dim():
        raise ManyScales("one number is wanted for all latents.")
    yield dict(scale=scale)
    yield dict(scale_of_larger_latents=ask(more * latents), scale_of_moved_latents=ask(latents - 20),
               scale_in_float64=ask(latents.double()))


# ---- attention to a text

class NotThePlaces(OfAnotherWidth):
    """to_q of something else than x."""


class NotTheKeys(OfAnotherWidth):
    """to_k of something else than the context."""


class NotTheValues(OfAnotherWidth):
    """to_v of something else than the context."""


_LAYERS = {"to_q is a layer of x": NotThePlaces, "to_k is a layer of the context": NotTheKeys,
           "to_v is a layer of the context": NotTheValues}


def _attention_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.normal(3, 5, 6), context=rng.normal(3, 7, 9), q=0.7 * rng.normal(12, 6),
                k=0.5 * rng.normal(12, 9), v=0.4 * rng.normal(12, 9), biases=rng.normal(3, 12),
                lengths=torch.tensor([2, 7, 4]))


@task("ldm.cross_attention", inputs=_attention_inputs)
def cross_attention(nb, x, context, q, k, v, biases, lengths):
    """Three heads, all of it text, one token; gradients; one head, one sample, large scores, float64.

    The padding is rows of numbers, so that nothing but the mask hides it.
    """
    layers = [Layer(w, b, *how) for w, b, how in zip((q, k, v), biases, _LAYERS.items(), strict=True)]

    def ask(x: Tensor, context: Tensor, lengths: Tensor, heads: int = 3) -> Any:
        mask = torch.arange(context.shape[1]) < lengths[:, None]
        return one_tensor(lambda: nb.cross_attention(x, context, *layers, heads, mask))

    of_x, of_context = x.clone().requires_grad_(), context.clone().requires_grad_()
    out = ask(of_x, of_context, lengths)
    yield dict(shape_of_out=shape_of(out))
    yield dict(out=out)
    yield dict(out_where_all_is_text=ask(x, context, torch.full((3,), 7)),
               out_where_one_token_is_text=ask(x, context, torch.ones(3)))
    yield _gradients(out, x=of_x, context=of_context)
    yield dict(out_of_one_head=ask(x, context, lengths, heads=1), out_of_two_heads=ask(x, context, lengths, heads=2),
               out_of_one_sample=ask(x[:1], context[:1], lengths[:1]))
    yield dict(out_of_large_scores=ask(60 * x, context, lengths),
               out_in_float64=ask(x.double(), context.double(), lengths))


# ---- training in latents

def _training_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.uniform(4, 3, 6, 8, low=-1.0), context=rng.normal(4, 3, 5),
                alpha=rng.uniform(4, low=0.2, high=0.9), sigma=rng.uniform(4, low=0.3, high=0.8),
                noise=rng.normal(4, 2, 3, 4), t=rng.uniform(4, low=0.2),
                weights=rng.normal(4, 12) / 2, back=rng.normal(12, 2), w=rng.uniform(low=0.7, high=1.3),
                scale=rng.uniform(low=0.5, high=0.7), fresh=rng.normal(97))


@task("ldm.training_step", inputs=_training_inputs)
def training_step(nb, x, context, alpha, sigma, noise, t, weights, back, w, scale, fresh):
    """The loss, who gets a gradient; clean latents, pure noise; one sample, a tensor for scale, float64."""
    unet, autoencoder = Unet(w), Coder(weights, back)

    def ask(*given: Tensor, scale: Any = float(scale)) -> Any:
        with fixed_draws(noise=fresh):  # for who draws where nothing is drawn
            return one_tensor(lambda: nb.training_step(unet, autoencoder, scale, *given))

    loss = ask(x, context, alpha, sigma, noise, t)
    yield dict(loss=loss)
    if loss.requires_grad:
        loss.backward()
    yield {f"gradient_of_{name}": torch.zeros(()) if p.grad is None else p.grad
           for name, p in {"the_unet": unet.w, "the_autoencoder": autoencoder.w}.items()}
    one, none = torch.ones(4), torch.zeros(4)
    yield dict(loss_of_clean_latents=ask(x, context, one, none, noise, t),
               loss_of_pure_noise=ask(x, context, none, one, noise, t))
    yield dict(loss_of_one_sample=ask(x[:1], context[:1], alpha[:1], sigma[:1], noise[:1], t[:1]),
               loss_where_scale_is_a_tensor=ask(x, context, alpha, sigma, noise, t, scale=2 * scale),
               loss_in_float64=ask(*(part.double() for part in (x, context, alpha, sigma, noise, t))))


# ---- images

_PROMPTS = ["red apple", "a cat and a heart", "moon"]
EVERY = slice(None, None, 8)  # pixels, so that little is recorded


def _text_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(latents=rng.normal(3, 8, 8, 8), noise=rng.normal(3, 8, 8, 8), w=rng.uniform(low=0.7, high=1.3),
                guidance_scale=rng.uniform(low=1.8, high=3.0))


@task("ldm.text_to_image", inputs=_text_inputs)
def text_to_image(nb, latents, noise, w, guidance_scale):
    """Four steps and when they were; at s = 1 and 0; one step, the usual ones, one prompt; with latents of its own."""
    pipe, s = Pipe(w), float(guidance_scale)

    def ask(n: int = 4, s: float = s, b: int = 3, **options: Any) -> Any:
        return one_tensor(lambda: nb.text_to_image(pipe, _PROMPTS[:b], n, s, **options))

    with fixed_draws():
        images = yield from _watch(lambda: ask(latents=latents), pipe)
        yield dict(shape_of_images=shape_of(images))
        yield dict(images_at_every_eighth_pixel=_some(images))
        yield dict(at_guidance_scale_1=_some(ask(s=1.0, latents=latents)),
                   at_guidance_scale_0=_some(ask(s=0.0, latents=latents)))
        usual = one_tensor(lambda: nb.text_to_image(pipe, _PROMPTS, latents=latents))
        yield dict(by_one_step=_some(ask(n=1, latents=latents)), by_30_steps_at_guidance_scale_4=_some(usual),
                   of_one_prompt=_some(ask(b=1, latents=latents[:1])))
    with fixed_draws(noise=noise):
        yield dict(images_of_drawn_latents=_some(ask()))
    with fixed_draws():
        first, again, other = (_some(ask(generator=torch.Generator().manual_seed(seed))) for seed in (1, 1, 2))
    yield {"a generator of the same seed gives the same images": torch.tensor(torch.equal(first, again)),
           "one of another seed gives others": torch.tensor(not torch.equal(first, other))}


def _watch(ask: Any, pipe: Pipe) -> Iterator[dict[str, Tensor]]:
    """What `ask` gives; on the way, at which times the pipe's parts were asked, if it came so far."""
    pipe.asked.clear(), pipe.noised.clear()
    ended = False
    try:
        out = ask()
        ended = True
        return out
    finally:  # what it raises is told last
        if pipe.noised:
            yield dict(times_to_which_was_noised=times_asked(pipe.noised))
        if pipe.asked or ended:
            yield dict(times_that_the_unet_saw=times_asked(pipe.asked))


def _some(images: Any) -> Any:
    """Every eighth pixel, for the record to be small; what is no image stays what it is."""
    return images[..., EVERY, EVERY] if isinstance(images, Tensor) and images.dim() > 1 else images


def _image_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(images=rng.uniform(3, 3, 32, 32) ** 3, noise=rng.normal(3, 8, 8, 8), w=rng.uniform(low=0.7, high=1.3),
                guidance_scale=rng.uniform(low=1.8, high=3.0))


@task("ldm.image_to_image", inputs=_image_inputs)
def image_to_image(nb, images, noise, w, guidance_scale):
    """Three steps of five, and when they were; all steps, none, one; at s = 1; one image."""
    pipe, s = Pipe(w), float(guidance_scale)

    def ask(strength: float, n: int = 5, s: float = s, b: int = 3) -> Any:
        return one_tensor(lambda: nb.image_to_image(pipe, _PROMPTS[:b], images[:b], strength, n, s, noise[:b]))

    with fixed_draws():
        out = yield from _watch(lambda: ask(0.7), pipe)
        yield dict(shape_of_images=shape_of(out))
        yield dict(images_at_every_eighth_pixel=_some(out))
        yield dict(at_strength_1=_some(ask(1.0, n=3)), where_no_step_is_made=_some(ask(0.15)),
                   where_one_step_of_four_is_made=_some(ask(0.3, n=4)),
                   where_three_of_six_are_made=_some(ask(0.5, n=6)))
        yield dict(at_guidance_scale_1=_some(ask(0.7, s=1.0)), of_one_image=_some(ask(0.7, b=1)))
