"""Every operator and autograd.Function differentiates twice, and the UNet as notebook 06's class does."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.library import CustomOpDef

from course_utils import kernels, models, notebooks
from course_utils.models import opaque
from course_utils.models.unet import Unet
from course_utils.tasks.draws import Rng, fill

q_sample, guided_step, norm, vae = (import_module(f"course_utils.kernels.{name}") for name in (
    "q_sample", "guided_step", "modulated_norm", "reparameterize_kl"))  # the files: functions have their names
ROW = torch.tensor([2.0, 0.5, -0.4, 0.9, 0.3, -0.1, 0.5], dtype=torch.float64)
SEED, INDICES, TABLE = torch.tensor([3]), torch.tensor([0, 2]), torch.linspace(0.2, 0.9, 3, dtype=torch.float64)


def draw(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def modulated(run: object, x: Tensor, affine: bool) -> tuple:
    channels = x.shape[2 if run is norm.operator else 1]
    given = draw(channels), *((draw(len(x), channels), 2 * draw(len(x), channels)) if affine else ())
    return (lambda x, g, scale=None, shift=None: run(x, g, scale, shift)), (x, *given)


CASES = {
    "q_sample": (lambda x, noise: q_sample.operator(x, INDICES, noise, TABLE, TABLE), (draw(2, 3), draw(2, 3) * 2)),
    "guided_step": (lambda x, cond, uncond: guided_step.operator(x, cond, uncond, ROW, SEED, 1.0, None),
                    (draw(2, 3), draw(2, 3) * 2, draw(2, 3) * 3)),
    "guided_step, remembering": (lambda x, cond, before: guided_step.operator(x, cond, None, ROW, SEED, 1.0, before),
                                 (draw(2, 3), draw(2, 3) * 2, draw(2, 3) * 3)),
    "reparameterize_kl": (lambda mu, logvar: vae.operator(mu, logvar, SEED), (draw(2, 3), draw(2, 3) * 0.5)),
    "modulated_norm": modulated(norm.operator, draw(2, 3, 4), True),
    "modulated_norm, plain": modulated(norm.operator, draw(2, 3, 4), False),
    "the norm on a CPU": modulated(norm.modulated_norm, draw(2, 4, 3, 2), True),
    "the norm on a CPU, plain": modulated(norm.modulated_norm, draw(2, 4, 3, 2), False),
    "the norm of one position": modulated(norm.modulated_norm, draw(2, 4), True),
    "double": (opaque.double, (draw(1, 2, 2, 3),)),
    "double_backward": (opaque.double_backward, (draw(1, 2, 4, 6),)),
}


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_derivatives_are_finite_differences(name):
    function, given = CASES[name]
    given = [value.detach().requires_grad_() for value in given]
    assert gradcheck(function, given) and gradgradcheck(function, given)


@pytest.mark.parametrize("operator", [norm.operator_backward, vae.operator_backward])
def test_a_kernels_own_gradients_refuse_to_be_differentiated(operator):
    x = draw(2, 3, 4)
    given = (x, draw(4), None, None, x) if operator is norm.operator_backward else (x, x, SEED, x, draw(2))
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        operator(*given)[0].sum().backward()


def test_every_operator_of_the_library_is_tried_here():
    rooms = (kernels, models)
    files = [import_module(file.name) for room in rooms for file in walk_packages(room.__path__, f"{room.__name__}.")]
    found = {value for file in files for value in vars(file).values() if isinstance(value, CustomOpDef)}
    tried = {file.operator for file in (q_sample, guided_step, norm, vae)} | {opaque.double, opaque.double_backward}
    assert found == tried | {norm.operator_backward, vae.operator_backward, opaque.keep}  # which takes no tensor


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """Notebook 06's class and the library's, with the same weights."""
    networks = []
    for cls in (notebooks.load(notebooks.source_of("06_unet")).Unet, Unet):
        torch.manual_seed(0)
        networks.append(fill(cls(dim=4, condition_dim=5, dim_mults=(1, 2), channels=1), Rng(1).normal(997)).double())
    networks[0].time_mlp[1].register_forward_pre_hook(lambda _, given: given[0].double())  # times come as float32
    return tuple(networks)


def asked() -> tuple[Tensor, Tensor, dict]:
    return draw(2, 1, 8, 8), torch.tensor([3, 150]), {"text_emb": draw(2, 5).detach()}


def gradient_penalty(net: nn.Module) -> list[Tensor]:
    """The slope in the weights of (‖∇ₓ‖ − 1)²; Gulrajani et al. 2017."""
    x, t, kwargs = asked()
    slope, = torch.autograd.grad(net(x, t, kwargs).sum(), x, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    return list(torch.autograd.grad(penalty, net.parameters(), allow_unused=True, materialize_grads=True))


def hessian_times_vector(net: nn.Module) -> list[Tensor]:
    x, t, kwargs = asked()
    return [torch.autograd.functional.hvp(lambda x: net(x, t, kwargs).square().sum(), x, x.flip(0))[1]]


def through_a_step(net: nn.Module) -> list[Tensor]:
    """The slope in the first weights of the loss after a step of gradient descent."""
    x, t, kwargs = asked()
    first = dict(net.named_parameters())
    loss = lambda weights: torch.func.functional_call(net, weights, (x, t, kwargs)).square().mean()  # noqa: E731
    slopes = torch.autograd.grad(loss(first), first.values(), create_graph=True)
    second = {name: p - 0.1 * slope for (name, p), slope in zip(first.items(), slopes, strict=True)}
    return list(torch.autograd.grad(loss(second), first.values()))


def by_functions(net: nn.Module) -> list[Tensor]:
    """The Hessian's rows by torch.func, and the gradients of each sample."""
    x, t, kwargs = asked()
    loss = lambda x, t, c: net(x[None], t[None], {"text_emb": c[None]}).square().sum()  # noqa: E731
    each = torch.func.vmap(torch.func.grad(loss))(x, t, kwargs["text_emb"])
    twice = torch.func.grad(lambda x: torch.func.grad(loss)(x, t[0], kwargs["text_emb"][0]).square().sum())(x[0])
    return [each.detach(), twice.detach()]


@pytest.mark.parametrize("derivative", [gradient_penalty, hessian_times_vector, through_a_step, by_functions])
def test_the_unets_second_derivatives_are_the_notebooks(pair, derivative):
    for net in pair:
        net.eval()
    for ours, library in zip(*map(derivative, pair), strict=True):
        torch.testing.assert_close(library, ours, rtol=1e-6, atol=1e-9 + 1e-6 * ours.abs().max().item())
