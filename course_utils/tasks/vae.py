"""Probes of notebook 03: a draw with a gradient, the terms of the bound, the network, the tighter bound, the grid.

Each probe sees one task only: what an answer may call of the student's earlier ones is a stand-in here, which is right
for codes of three numbers and pictures of fifteen pixels and refuses others, so that none of them is an answer itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import shape_of, task
from course_utils.tasks.draws import Rng, fill, fixed_draws, stand_ins, watch

NOTEBOOK = "03_vae"
QUESTIONS = {"vae.1": 5, "vae.2": 5, "vae.3": 5, "vae.4": 5}  # points, graded by hand

CODE, PIXELS = 3, 15  # of what the stand-ins take


# Stand-ins

def _reparameterize(mu, logvar):
    """A draw, for codes of three numbers only."""
    _of_three(mu)
    return mu + (0.5 * logvar).exp() * torch.randn_like(mu)


def _kl_loss(mu, logvar):
    """The divergence of codes of three numbers."""
    _of_three(mu)
    return 0.5 * (logvar.exp() + mu.square() - 1 - logvar).sum()


def _recon_loss(recon_x, x):
    """The loss of pictures of fifteen pixels."""
    if recon_x.shape != x.shape or recon_x.numel() % PIXELS:
        raise ValueError(f"recon_loss is called with {tuple(recon_x.shape)} and {tuple(x.shape)}: the pictures are not "
                         "whole, or of two shapes.")
    return -torch.lerp((1 - recon_x).log(), recon_x.log(), x).sum()


def _of_three(mu: Tensor) -> None:
    if mu.shape[-1] != CODE:
        raise ValueError(f"a code has {CODE} numbers here, not {mu.shape[-1]}: how was the encoder's answer cut?")


_EARLIER = {"reparameterize": _reparameterize, "kl_loss": _kl_loss, "recon_loss": _recon_loss}


# The draw and the two terms

def _grads(out: Any, *inputs: Tensor) -> Iterator[Tensor]:
    """The gradients of the sum of `out`; zeros where it does not hang on an input."""
    if not isinstance(out, Tensor) or not out.requires_grad:
        return iter([torch.zeros_like(x) for x in inputs])
    found = torch.autograd.grad(out.sum(), inputs, allow_unused=True)
    return iter([torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)])


class ThroughNumpy(ValueError):
    """The student's way leads out of torch, where there are no gradients."""


def _in_torch(function: Any, *inputs: Tensor) -> Any:
    """What it gives; a sentence of ours where a way through numpy or a number loses the gradient by an exception."""
    try:
        return function(*inputs)
    except (TypeError, RuntimeError) as e:
        if "numpy" not in str(e) and "ndarray" not in str(e):
            raise
    raise ThroughNumpy("stay in torch, without numpy: gradients are needed.")


def _by_columns(nb: Any) -> bool:
    """Whether a student's noise is drawn column by column: what two codes of the standard normal are made of tells."""
    numbers = torch.arange(1.0, 7.0)
    with contextlib.suppress(Exception), fixed_draws(noise=numbers):
        z = nb.reparameterize(torch.zeros(2, 3), torch.zeros(2, 3))
        return bool(torch.equal(z.float(), numbers.view(3, 2).T))
    return False


def _new_every_time(draw: Any, *inputs: Tensor) -> Tensor:
    """Whether two calls differ where no noise is handed out."""
    with fixed_draws():
        return torch.tensor(not torch.equal(draw(*inputs), draw(*inputs)))


def _draw_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(mu=rng.normal(5, 4), logvar=rng.normal(5, 4), noise=rng.normal(5, 4), square_mu=rng.normal(2, 2),
                square_logvar=rng.normal(2, 2), square_noise=rng.normal(2, 2), one_noise=rng.normal(4))


@task("vae.reparameterize", inputs=_draw_inputs)
def reparameterize(nb, mu, logvar, noise, square_mu, square_logvar, square_noise, one_noise):
    """The draw of a known noise and its gradients, of as many codes as each has numbers, of one, in float64, twice."""
    if _by_columns(nb):
        noise, square_noise = noise.T, square_noise.T  # handed out in the order in which they are asked for
    mu.requires_grad_(), logvar.requires_grad_()
    with fixed_draws(noise=noise):
        z = _in_torch(nb.reparameterize, mu, logvar)
    yield dict(z=z)
    grad_mu, grad_logvar = _grads(z, mu, logvar)
    yield dict(grad_mu=grad_mu, grad_logvar=grad_logvar)
    mu, logvar = mu.detach(), logvar.detach()
    with fixed_draws(noise=square_noise):
        yield dict(z_of_two_codes_of_two=nb.reparameterize(square_mu, square_logvar))
    with fixed_draws(noise=one_noise):
        yield dict(z_of_one_code=nb.reparameterize(mu[:1], logvar[:1]))
    with fixed_draws(noise=noise):
        yield dict(z_in_float64=nb.reparameterize(mu.double(), logvar.double()))
    yield {"a second draw is another one": _new_every_time(nb.reparameterize, mu, logvar)}


def _code_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(mu=rng.normal(5, 4), logvar=rng.normal(5, 4), one_mu=rng.normal(1, 2), one_logvar=rng.normal(1, 2),
                noise=rng.normal(5, 4))


@task("vae.kl_loss", inputs=_code_inputs)
def kl_loss(nb, mu, logvar, one_mu, one_logvar, noise):
    """The sum, of the prior itself, of one code, and both gradients; noise for who draws where nothing is drawn."""
    mu.requires_grad_(), logvar.requires_grad_()
    with fixed_draws(noise=noise):
        kl = _in_torch(nb.kl_loss, mu, logvar)
    yield dict(kl=kl)
    grad_mu, grad_logvar = _grads(kl, mu, logvar)
    yield dict(grad_mu=grad_mu, grad_logvar=grad_logvar)
    with fixed_draws(noise=noise):
        yield dict(kl_of_the_prior=nb.kl_loss(torch.zeros(3, 4), torch.zeros(3, 4)),
                   kl_of_one_code=nb.kl_loss(one_mu, one_logvar))


def _picture_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(recon_x=rng.uniform(3, 1, 2, 7, low=0.1, high=0.9), x=rng.integers(3, 1, 2, 7, high=2).float(),
                grey=rng.uniform(4, 8, low=0.05, high=0.95), recon_grey=rng.uniform(4, 8, low=0.1, high=0.9))


@task("vae.recon_loss", inputs=_picture_inputs)
def recon_loss(nb, recon_x, x, grey, recon_grey):
    """The sum over black and white images and its gradient, over flat grey ones, and where a pixel is certain."""
    recon_x.requires_grad_()
    loss = _in_torch(nb.recon_loss, recon_x, x)
    yield dict(loss=loss)
    yield dict(grad_recon_x=next(_grads(loss, recon_x)))
    yield dict(loss_of_one_image=nb.recon_loss(recon_x.detach()[:1], x[:1]))
    yield dict(loss_of_grey_images=nb.recon_loss(recon_grey, grey))
    certain = torch.where(torch.arange(7) < 4, x, recon_x.detach())
    yield dict(loss_where_some_are_certain_and_right=nb.recon_loss(certain, x))
    wrong = [nb.recon_loss(1 - pixel, pixel) for pixel in (torch.zeros(1, 1), torch.ones(1, 1))]
    yield {"a pixel that is certain and wrong costs more than 10 nats": (torch.stack(wrong) > 10).all()}


# The network

def _network_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.uniform(4, 1, 3, 5), flat=rng.integers(6, 15, high=2).float(), noise=rng.normal(6, 3),
                upstream=rng.normal(4, 1, 3, 5), pool=rng.normal(499))


def _network(nb: Any, pool: Tensor) -> nn.Module:
    if "forward" not in vars(nb.VAE):
        raise NotImplementedError("VAE has no forward yet; run the cell of vae.VAE.forward (again).")
    return fill(nb.VAE(input_dim=PIXELS, inter_dim=6, latent_dim=CODE), pool)


def _parts(result: Any) -> tuple:
    """What is returned, as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


@task("vae.VAE.forward", inputs=_network_inputs)
def vae_forward(nb, x, flat, noise, upstream, pool):
    """Images, the gradients of both networks, rows of pixels, and one image."""
    seen = []

    def reparameterize(mu, logvar):
        seen.extend(mu.shape)
        return _reparameterize(mu, logvar)

    with stand_ins(nb, **_EARLIER | {"reparameterize": reparameterize}):
        net = _network(nb, pool)
        seen_inside = watch(net.encoder, net.decoder)
        for name, pictures in {"": x, "_of_rows": flat, "_of_one_image": x[:1]}.items():
            try:
                with fixed_draws(noise=noise[:len(pictures)]):
                    out = _parts(net(pictures))
            except Exception:
                yield dict(what_the_networks_got=torch.tensor(seen_inside), what_was_drawn_from=torch.tensor(seen))
                raise
            yield {f"number_of_things_returned{name}": torch.tensor(len(out))}
            if len(out) != 3:
                raise ValueError("forward returns three things: recon_x, mu and logvar.")
            recon_x, mu, logvar = out
            yield {f"shape_of_recon_x{name}": shape_of(recon_x), f"shape_of_mu{name}": shape_of(mu),
                   f"shape_of_logvar{name}": shape_of(logvar)}
            yield {f"mu{name}": mu, f"logvar{name}": logvar}
            yield {f"recon_x{name}": recon_x}
            if not name:
                of = {"the_encoder": net.encoder[0].weight, "the_decoder": net.decoder[0].weight}
                grads = _grads(recon_x.flatten() @ upstream.flatten()[:recon_x.numel()], *of.values())
                yield {f"grad_of_{part}": grad for part, grad in zip(of, grads, strict=True)}


# The bounds

def _elbo_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(recon_x=rng.uniform(4, 1, 3, 5, low=0.1, high=0.9), x=rng.integers(4, 1, 3, 5, high=2).float(),
                mu=rng.normal(4, 3), logvar=rng.normal(4, 3))


@task("vae.elbo", inputs=_elbo_inputs)
def elbo(nb, recon_x, x, mu, logvar):
    """Of rows of pixels, as many as codes have numbers, so that a wrong axis gives a value; of images; of one."""
    with stand_ins(nb, **_EARLIER):
        yield dict(elbo_of_rows=nb.elbo(recon_x[:3].flatten(1), x[:3].flatten(1), mu[:3], logvar[:3]))
        yield dict(elbo=nb.elbo(recon_x, x, mu, logvar))
        yield dict(elbo_of_one_image=nb.elbo(recon_x[:1], x[:1], mu[:1], logvar[:1]))


class _Pair(nn.Module):
    """An encoder and a decoder of known numbers, of rows or of images, that take what the text says and nothing else.

    Args:
        shape: Of a picture.
        pool: What the weights are filled from.
    """

    def __init__(self, shape: tuple[int, ...], pool: Tensor):
        super().__init__()
        pixels = torch.Size(shape).numel()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 5), nn.Tanh(), nn.Linear(5, 2 * CODE))
        self.decoder = nn.Sequential(nn.Linear(CODE, 5), nn.Tanh(), nn.Linear(5, pixels), nn.Sigmoid(),
                                     nn.Unflatten(1, shape))
        fill(self, 2 * pool)
        self.seen = watch(self.encoder, self.decoder)  # before what refuses, so that it is seen
        for part, inside in ((self.encoder, (len(shape) + 1, shape)), (self.decoder, (2, (CODE,)))):
            part.register_forward_pre_hook(_Takes(*inside), with_kwargs=True)


class _Takes:
    """Refuses, before a network does, what has another number of axes or other sides."""

    def __init__(self, axes: int, sides: tuple[int, ...]):
        self.axes, self.sides = axes, tuple(sides)

    def __call__(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        x, = args or kwargs.values()
        if x.dim() != self.axes or tuple(x.shape[1:]) != self.sides:
            asked = ", ".join(["n", *map(str, self.sides)])
            what = "the decoder" if self.sides == (CODE,) else "the encoder"
            raise ValueError(f"{what} takes ({asked}) here, not {tuple(x.shape)}.")


def _iwae_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x=rng.integers(4, PIXELS, high=2).float(), noise=rng.normal(5, 4, CODE),
                images=rng.integers(2, 1, 20, 45, high=2).float(), more_noise=rng.normal(6, 2, CODE),
                same=rng.normal(4, 4, CODE), pool=rng.normal(499))


@task("vae.iwae_bound", inputs=_iwae_inputs)
def iwae_bound(nb, x, noise, images, more_noise, same, pool):
    """Of rows, with one draw, with as many draws as pictures, of one picture, and of unlikely images."""
    def elbo(recon_x, x, mu, logvar):
        log_px = -torch.stack([_recon_loss(*pair) for pair in zip(recon_x, x, strict=True)])
        return log_px - 0.5 * (logvar.exp() + mu.square() - 1 - logvar).sum(1)

    model = _Pair((PIXELS,), pool)
    with stand_ins(nb, **_EARLIER, elbo=elbo), fixed_draws():
        try:
            bound = nb.iwae_bound(model, x, noise)
        except Exception:
            yield dict(what_the_networks_got=torch.tensor(model.seen))
            raise
        yield dict(bound=bound)
        yield dict(with_one_draw=nb.iwae_bound(model, x, noise[:1]))
        yield dict(with_as_many_draws_as_pictures=nb.iwae_bound(model, x, same),
                   of_one_picture=nb.iwae_bound(model, x[:1], noise[:, :1]))
        yield dict(of_large_images=nb.iwae_bound(_Pair((1, 20, 45), pool), images, more_noise))


# The grid

def _grid_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(n=rng.integers(low=4, high=9))


@task("vae.latent_grid", inputs=_grid_inputs)
def latent_grid(nb, n):
    """A drawn number of places, 20, and the fewest."""
    with fixed_draws():
        out, *others = (nb.latent_grid(size) for size in (int(n), 20, 2))
    yield dict(number_of_things_returned=torch.tensor(len(_parts(out))))
    yield dict(grid=out)
    yield dict(zip(("grid_of_20", "grid_of_2"), others, strict=True))
