"""Probes of notebook 05: Gaussian diffusion, one method at a time.

Each probe sees one task only: whatever else the student's method may call works, even where the student's own does
not. `extract` is replaced by one that knows the shapes used here and no others, `posterior_tables` by one that knows a
few chains. Methods that build on other methods run on a chain of three steps whose square roots are rational, ᾱ = 0.64,
0.36, 0.0784, where the other methods are known numbers; so an answer that calls them and an answer that writes their
formulas out give the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import task
from course_utils.tasks.draws import Rng, fixed_draws, stand_ins

NOTEBOOK = "05_ddpm"
QUESTIONS = {"ddpm.1": 5, "ddpm.2": 5, "ddpm.3": 5, "ddpm.4": 5}  # points, graded by hand


# Stand-ins

def _extract(a, t, x_shape):
    """Works for the ranks that are used here, and for no others."""
    if isinstance(x_shape, Tensor):
        raise TypeError("extract takes a shape as its third argument, such as x_t.shape, not the tensor.")
    return a[t].reshape({1: (-1,), 2: (-1, 1), 4: (-1, 1, 1, 1)}[len(x_shape)])


_BETAS = torch.tensor([9 / 25, 7 / 16, 176 / 225], dtype=torch.float64)  # makes ᾱ = 0.64, 0.36, 0.0784
_KNOWN = {  # on that chain: factors at t = 0, 1, 2 of a method's first and second tensor
    "q_sample": ((0.8, 0.6, 0.28), (0.6, 0.8, 0.96)),
    "predict_start_from_noise": ((5 / 4, 5 / 3, 25 / 7), (-3 / 4, -4 / 3, -24 / 7)),
    "predict_noise_from_start": ((5 / 3, 5 / 4, 25 / 24), (-4 / 3, -3 / 4, -7 / 24)),
    "mean_from_noise": ((5 / 4, 4 / 3, 15 / 7), (-3 / 4, -35 / 48, -110 / 63)),
    "q_posterior": ((1.0, 35 / 64, 55 / 108), (0.0, 27 / 64, 35 / 108)),
}
_KNOWN_STD = {"posterior": (1e-10, 63**0.5 / 16, 44**0.5 / 9), "beta": (3 / 5, 7**0.5 / 4, 176**0.5 / 15)}


def _posterior_tables(betas):
    """Right on the chains on which an answer may need them, by their lengths; NaN on all others."""
    left = (1 - betas).cumprod(0) if len(betas) in (3, 40, 50) else torch.full_like(betas, torch.nan)
    before = torch.cat([torch.ones_like(left[:1]), left[:-1]])
    return (before.sqrt() * betas / (1 - left), (1 - betas).sqrt() * (1 - before) / (1 - left),
            (betas * (1 - before) / (1 - left)).sqrt())


def _at(numbers: Sequence[float], t: Tensor, like: Tensor) -> Tensor:
    return torch.stack([like.new_full((1,) * (like.dim() - 1), numbers[i]) for i in t])


def _answer(name: str, t: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return _at(_KNOWN[name][0], t, first) * first + _at(_KNOWN[name][1], t, first) * second


class Known:
    """The methods on that chain, with the names of their arguments."""

    def q_sample(self, x_start, t, noise):
        return _answer("q_sample", t, x_start, noise)

    def predict_start_from_noise(self, x_t, t, noise):
        return _answer("predict_start_from_noise", t, x_t, noise)

    def predict_noise_from_start(self, x_t, t, x_start):
        return _answer("predict_noise_from_start", t, x_t, x_start)

    def mean_from_noise(self, x_t, t, noise):
        return _answer("mean_from_noise", t, x_t, noise)

    def q_posterior(self, x_start, x_t, t):
        return _answer("q_posterior", t, x_start, x_t), _at(_KNOWN_STD["posterior"], t, x_t)

    def ancestral_step(self, x_t, t, noise_pred, z, variance):
        """For batches of one t, as p_sample has, and for no others."""
        if len(t.unique()) > 1:
            raise KeyError(tuple(t.tolist()))
        return _answer("mean_from_noise", t, x_t, noise_pred) + _at((0.0, *_KNOWN_STD[variance][1:]), t, x_t) * z


class Parts:
    """The linear methods on any chain, where one of their two tensors is 0: enough to build on, and no answer."""

    def q_sample(self, x_start, t, noise):
        return _part(self, t, x_start, noise, lambda left: (left.sqrt(), (1 - left).sqrt()))

    def predict_start_from_noise(self, x_t, t, noise):
        return _part(self, t, x_t, noise, lambda left: (left ** -0.5, -(1 / left - 1).sqrt()))

    def predict_noise_from_start(self, x_t, t, x_start):
        return _part(self, t, x_t, x_start, lambda left: ((1 - left) ** -0.5, -(left / (1 - left)).sqrt()))


def _part(diffusion: Any, t: Tensor, first: Tensor, second: Tensor, factors: Callable) -> Tensor:
    """One term of two: (b, *) in float32."""
    if first.any() and second.any():
        raise KeyError("both")
    of_first, of_second = factors((1 - diffusion.betas.double()).cumprod(0))
    return _at(of_first.tolist(), t, first) * first + _at(of_second.tolist(), t, second) * second


def _methods(known: type, but: str) -> dict[str, Callable]:
    return {name: f for name, f in vars(known).items() if inspect.isfunction(f) and name != but}


def ask(nb: Any, method: str, *args: Any, timesteps: int, **others: Callable) -> Any:
    """What the student's method answers on the linear schedule of `timesteps` steps, with `others` as its methods."""
    with stand_ins(nb, extract=_extract, posterior_tables=_posterior_tables):
        cls = type("GaussianDiffusion", (nb.GaussianDiffusion,), others)
        diffusion = cls(None, image_size=4, timesteps=timesteps, beta_schedule="linear")
        return getattr(diffusion, method)(*args)


def ask_known(nb: Any, method: str, *args: Any, model: nn.Module | None = None, objective: str = "pred_noise",
              **draws: Tensor) -> Any:
    """What the student's method answers on the chain of three steps, where the other methods are known.

    Args:
        draws: What the method's random draws give, as `drawn` takes it.
    """
    schedules = {"get_beta_schedule": lambda name, timesteps: _BETAS.clone(),
                 "linear_beta_schedule": lambda timesteps: _BETAS.clone()}
    with stand_ins(nb, extract=_extract, posterior_tables=_posterior_tables, **schedules):
        cls = type("GaussianDiffusion", (nb.GaussianDiffusion,), _methods(Known, but=method))
        diffusion = cls(model, image_size=4, timesteps=3, objective=objective, beta_schedule="linear")
        with fixed_draws(**draws):
            return getattr(diffusion, method)(*args)


class Stub(nn.Module):
    """In the network's place: one parameter w, and an output that depends on x, on each sample's time and condition.

    `text_emb` (b,) shifts a sample, and `cfg_scale` makes the shift larger. Both are read, never written.
    """

    def __init__(self, w: Tensor):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}, **unpacked: Any) -> Tensor:
        if unpacked or not isinstance(model_kwargs, dict):
            raise TypeError("the network is called as model(x_t, t, model_kwargs), with the dict itself, not unpacked.")
        shape = time.shape if isinstance(time, Tensor) else ()
        if shape != (len(x),):
            raise ValueError(f"the network takes one time for each sample, a tensor {(len(x),)}, not {tuple(shape)}.")
        column = (-1,) + (1,) * (x.dim() - 1)
        shift = model_kwargs.get("text_emb", torch.zeros(len(x))) * (1 + model_kwargs.get("cfg_scale", 0.0))
        return torch.tanh(self.w * x) * (1 + 0.3 * time.reshape(column)) + shift.reshape(column)


# Free functions

def _cosine_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(timesteps=rng.integers(low=20, high=400), s=rng.uniform(low=0.01, high=0.05))


@task("ddpm.cosine_beta_schedule", inputs=_cosine_inputs, atol=1e-8)  # the first betas are about 1e-5
def cosine_beta_schedule(nb, timesteps, s):
    """β for a drawn number of steps, what is left of the signal after them, and β for another offset s.

    A negative β counts as 0, so that a slip looks the same with and without a lower bound.
    """
    betas = torch.clamp(nb.cosine_beta_schedule(int(timesteps)), min=0)
    yield dict(betas=betas, alphas_cumprod=(1 - betas).cumprod(0))
    yield dict(last=betas[-1], other_s=torch.clamp(nb.cosine_beta_schedule(int(timesteps), s=float(s)), min=0))


def _extract_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(a=rng.uniform(50), t=rng.timesteps(4, 50))


@task("ddpm.extract", inputs=_extract_inputs)
def extract(nb, a, t):
    """For images, then for data of every other rank, and for a batch of one."""
    yield dict(images=nb.extract(a, t, torch.Size([4, 3, 8, 8])))
    yield dict(points=nb.extract(a, t, torch.Size([4, 2])), numbers=nb.extract(a, t, (4,)),
               sequences=nb.extract(a, t, (4, 5, 7)), videos=nb.extract(a, t, (4, 3, 2, 8, 8)),
               one_image=nb.extract(a, t[1:2], (1, 3, 8, 8)))


# Methods that use the buffers

def _pairs(first: str, second: str, T: int = 1000) -> Callable[[Rng], dict[str, Tensor]]:
    """Draws the inputs of a method (first, t, second): images for a chain of T steps, 2-D points for one of 50."""
    return lambda rng: {
        first: rng.images(4, 3, 4), second: rng.normal(4, 3, 4, 4), "t": rng.timesteps(4, T),
        "points": rng.uniform(5, 2, low=-1.0), "more_points": rng.normal(5, 2), "t_points": rng.timesteps(5, 50)}


def _linear_method(nb, method: str, result: str, names: tuple[str, str], t, points, more_points, t_points,
                   **pair: Tensor) -> Iterator[dict[str, Tensor]]:
    """A method (first, t, second) on images, its gradients, and 2-D data on a shorter chain."""
    first, second = (pair[name].requires_grad_() for name in names)
    parts = _methods(Parts, but=method)
    out = ask(nb, method, first, t, second, timesteps=1000, **parts)
    yield {result: out}
    slopes = torch.autograd.grad(out.sum(), [first, second])
    yield {f"grad_{name}": slope for name, slope in zip(names, slopes)}
    yield {f"{result}_points": ask(nb, method, points, t_points, more_points, timesteps=50, **parts)}


@task("ddpm.q_sample", inputs=_pairs("x_start", "noise"))
def q_sample(nb, **inputs):
    """x_t of images and of 2-D points; a different t for each sample, 0 and T−1 among them."""
    yield from _linear_method(nb, "q_sample", "x_t", ("x_start", "noise"), **inputs)


@task("ddpm.predict_start_from_noise", inputs=_pairs("x_t", "noise"), atol=1e-3)  # factors of 157 cancel at T−1
def predict_start_from_noise(nb, **inputs):
    """x_start from x_t and noise."""
    yield from _linear_method(nb, "predict_start_from_noise", "x_start", ("x_t", "noise"), **inputs)


@task("ddpm.predict_noise_from_start", inputs=_pairs("x_t", "x_start"), atol=1e-4)  # at t = 0 the factors are 100
def predict_noise_from_start(nb, **inputs):
    """ε̂ from x_t and x_start."""
    yield from _linear_method(nb, "predict_noise_from_start", "noise", ("x_t", "x_start"), **inputs)


# The tables of one step back

def _tables_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(betas=rng.uniform(30, low=0.001, high=0.2).double(), steep=rng.uniform(7, low=0.3, high=0.8).double())


@task("ddpm.posterior_tables", inputs=_tables_inputs)
def posterior_tables(nb, betas, steep):
    """The three tables of a long chain and of a short one. The spread at index 0, nothing or 1e-10, is no matter."""
    for chain, of in ((betas, ""), (steep, "_steep")):
        for name, table in zip(("mean_coef1", "mean_coef2", "std"), _three(nb.posterior_tables(chain)), strict=True):
            yield {name + of: table}


def _three(tables: Any) -> list[Any]:
    """The three tables; sentences of ours where there are others, or where they were rounded already."""
    tables = list(tables) if isinstance(tables, (tuple, list, Tensor)) else [tables]
    if len(tables) != 3:
        raise ValueError(f"posterior_tables returns three tables, mean_coef1, mean_coef2 and std, not {len(tables)}.")
    if any(isinstance(table, Tensor) and table.dtype == torch.float32 for table in tables):
        raise ValueError("the tables are float32: compute in float64, as betas comes; what is close to 1 is rounded "
                         "once, by the class, at the end.")
    return tables


# The mean, which may come by way of x_start and the tables

@task("ddpm.mean_from_noise", inputs=_pairs("x_t", "noise", T=40))
def mean_from_noise(nb, x_t, noise, t, points, more_points, t_points):
    """The mean of p(x_{t−1} | x_t) from predicted noise."""
    by = dict(predict_start_from_noise=_start_from_noise)
    yield dict(mean=ask(nb, "mean_from_noise", x_t, t, noise, timesteps=40, **by))
    yield dict(mean_points=ask(nb, "mean_from_noise", points, t_points, more_points, timesteps=50, **by))


def _start_from_noise(self, x_t, t, noise):
    """Right on these two chains, and on no others."""
    if self.num_timesteps not in (40, 50):
        raise KeyError(self.num_timesteps)
    left = _at((1 - self.betas.double()).cumprod(0).tolist(), t, x_t)
    return (x_t - (1 - left).sqrt() * noise) / left.sqrt()


# Methods that use other methods

def _loss_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(images=rng.uniform(4, 3, 4, 4), t=rng.timesteps(4, 3), noise=rng.normal(4, 3, 4, 4),
                text_emb=rng.normal(4), w=rng.uniform(low=0.5, high=1.5),
                points=rng.uniform(5, 2), t_points=rng.timesteps(5, 3), noise_points=rng.normal(5, 2))


@task("ddpm.p_losses", inputs=_loss_inputs)
def p_losses(nb, images, t, noise, text_emb, w, points, t_points, noise_points):
    """The loss of images in [0, 1] and its gradient for both objectives, and the loss of 2-D points."""
    for objective in ("pred_noise", "pred_x_start"):
        model, kwargs = Stub(w.clone()), dict(text_emb=text_emb, cfg_scale=0.5)
        loss = ask_known(nb, "p_losses", images, kwargs, model=model, objective=objective, noise=[noise, noise.flip(0)],
                         t=t)  # who draws once more gets other numbers
        yield {f"loss_{objective}": loss}
        loss.backward()
        yield {f"grad_w_{objective}": model.w.grad, f"kwargs_kept_{objective}": torch.tensor(len(kwargs) == 2)}
    kwargs = {}
    yield dict(loss_points=ask_known(nb, "p_losses", points, kwargs, model=Stub(w.clone()), objective="pred_x_start",
                                     noise=noise_points, t=t_points), kwargs_kept_empty=torch.tensor(not kwargs))


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=1.5 * rng.normal(4, 3, 4, 4), noise_pred=rng.normal(4, 3, 4, 4), z=rng.normal(4, 3, 4, 4),
                t=torch.tensor([2, 0, 1, 0]), points=rng.normal(3, 2), prediction_points=rng.normal(3, 2),
                z_points=rng.normal(3, 2), t_points=torch.tensor([0, 1, 2]))


@task("ddpm.ancestral_step", inputs=_step_inputs)
def ancestral_step(nb, x_t, noise_pred, z, t, points, prediction_points, z_points, t_points):
    """x_{t−1} with either variance; samples at t = 0, which get no noise, stand among others, and are left out."""
    late = t > 0
    for variance in ("beta", "posterior"):
        x_prev = ask_known(nb, "ancestral_step", x_t, t, noise_pred, z, variance, noise=z.flip(0))
        yield {f"x_prev_{variance}": x_prev, f"at_t0_{variance}": x_prev[~late]}
    yield dict(without_t0=ask_known(nb, "ancestral_step", x_t[late], t[late], noise_pred[late], z[late], "beta"))
    yield dict(x_prev_points=ask_known(nb, "ancestral_step", points, t_points, prediction_points, z_points, "beta"))


def _sample_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(x_t=1.5 * rng.normal(4, 3, 4, 4), z=rng.normal(4, 3, 4, 4), text_emb=rng.normal(4),
                w=rng.uniform(low=0.5, high=1.5), points=1.5 * rng.normal(5, 2), z_points=rng.normal(5, 2))


@task("ddpm.p_sample", inputs=_sample_inputs)
def p_sample(nb, x_t, z, text_emb, w, points, z_points):
    """x_{t−1} of images at every t and for both objectives, then of 2-D points; model_kwargs reach the model."""
    for objective in ("pred_noise", "pred_x_start"):
        for t in (2, 1, 0):
            kwargs = dict(text_emb=text_emb, cfg_scale=0.5)
            x_prev = ask_known(nb, "p_sample", x_t, t, kwargs, model=Stub(w), objective=objective, noise=z)
            yield {f"x_prev_t{t}_{objective}": x_prev}
        yield {f"kwargs_kept_{objective}": torch.tensor(len(kwargs) == 2)}
    kwargs = {}
    yield dict(x_prev_points=ask_known(nb, "p_sample", points, 1, kwargs, model=Stub(w), noise=z_points),
               kwargs_kept_empty=torch.tensor(not kwargs))
