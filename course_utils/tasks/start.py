"""Probes of notebook 00: one step of training, and the relative error of two results.

What a step of training did is noted by what it is given: a batch that knows whether it was moved, a network, a loss
and an optimizer that know when they were called. So a step that raises has still been seen up to there.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import task
from course_utils.tasks.draws import Rng

NOTEBOOK = "00_start_here"
QUESTIONS = {"start.1": 5, "start.2": 5, "start.3": 5}  # points, graded by hand
DEVICE = torch.device("cpu")


# What a function returned

class NothingReturned(ValueError):
    """None in the place of a number."""


class NotCalled(ValueError):
    """A function in the place of a number."""


class NotANumber(ValueError):
    """Several values, or none, in the place of a number."""


def _number(returned: Any) -> dict[str, Tensor]:
    """The returned number as a tensor, and whether it is a plain one, without torch."""
    if returned is None:
        raise NothingReturned("a number should come back, but nothing is returned.")
    if callable(returned) and not isinstance(returned, Tensor):
        raise NotCalled(f"a number should come back, but {getattr(returned, '__name__', 'a function')} itself does: "
                        "it is not called.")
    if getattr(returned, "shape", ()) not in ((), (1,)) or isinstance(returned, (str, tuple, list, dict)):
        shape = getattr(returned, "shape", None)
        found = f"of shape {tuple(shape)}" if shape else f"of type {type(returned).__name__}"
        raise NotANumber(f"one number should come back, but what is returned is {found}.")
    plain = isinstance(returned, numbers.Real)  # float, and numpy's single numbers
    number = float(returned.detach() if isinstance(returned, Tensor) else returned)
    return {"returned": torch.tensor(number), "a plain number is returned": torch.tensor(plain)}


# What train_step is given

class NotUnpacked(ValueError):
    """The batch was used as if it were one tensor."""


class IteratedOver(ValueError):
    """A loop went over the samples of a batch."""


class TakenOut(ValueError):
    """A plain number in the place of the loss, which has a history."""


class OtherDevice(ValueError):
    """A tensor was moved to another device than the one that was named."""


class Pair(tuple):
    """A batch (x, y): a tuple, which has no `.to`."""

    def to(self, *_: Any, **__: Any) -> None:
        raise NotUnpacked("the batch is a pair (x, y), and a pair has no .to: only its two tensors have.")

    cuda = to


class Elsewhere(Tensor):
    """Half of a batch where the loader left it; `.to(device)` gives a plain tensor."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (Tensor.__iter__, Tensor.unbind):
            raise IteratedOver("a loop goes over the samples of a tensor: one step takes the whole batch at once.")
        asked = [_device(a) for a in (*args[1:], *kwargs.values())] if func is Tensor.to else []
        named = next((device for device in asked if device is not None), None)
        if func in (Tensor.cuda, Tensor.cpu) or named not in (None, DEVICE):
            raise OtherDevice("the batch is moved to another device than the argument `device` names.")
        if named is None:
            return super().__torch_function__(func, types, args, kwargs)
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **kwargs).as_subclass(Tensor)


def _device(argument: Any) -> torch.device | None:
    """The device that an argument of `.to` names, if it names one."""
    if isinstance(argument, Tensor):
        return argument.device
    return torch.device(argument) if isinstance(argument, (str, torch.device)) else None


def _plain(x: Tensor) -> Tensor:
    return x.as_subclass(Tensor)


@dataclass
class Seen:
    """What was seen of one call of train_step."""

    x_moved: bool = False
    y_moved: bool = False
    training: bool = False
    asked_for_loss: bool = False
    loss: float = float("nan")
    has_graph: bool = False
    backwards: int = 0
    backwards_before: int = 0
    steps: int = 0

    def told(self) -> dict[str, Tensor]:
        """As outputs, in the order in which they happen."""
        return {"x was moved to the device": torch.tensor(self.x_moved),
                "y was moved to the device": torch.tensor(self.y_moved),
                "the model was in training mode": torch.tensor(self.training),
                "loss_fn was called": torch.tensor(self.asked_for_loss),
                "what loss_fn gave": torch.tensor(self.loss),
                "the loss has a graph": torch.tensor(self.has_graph),
                "number of backward passes": torch.tensor(self.backwards),
                "number of optimizer steps": torch.tensor(self.steps),
                "backward passes before the step": torch.tensor(self.backwards_before)}


class Network(nn.Module):
    """tanh(x·wᵀ) for x (b, k); it notes how it was called."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w, self.seen = nn.Parameter(w.clone()), Seen()

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise NotUnpacked(f"the model was given the whole batch, a {type(x).__name__}, and not x.")
        self.seen.x_moved, self.seen.training = not isinstance(x, Elsewhere), self.training
        return torch.tanh(_plain(x) @ self.w.T)

    def loss(self, input: Tensor, target: Tensor) -> Tensor:
        """A loss in which prediction and target must not change places, with the names that torch's losses have."""
        self.seen.asked_for_loss = True
        self.seen.y_moved = not isinstance(input, Elsewhere) and not isinstance(target, Elsewhere)
        input, target = _plain(input), _plain(target)
        loss = ((input - target) ** 2 * (1 + target**2)).mean()
        if self.seen.loss != self.seen.loss:  # NaN: the first call
            self.seen.loss, self.seen.has_graph = loss.item(), loss.requires_grad
        if loss.requires_grad:
            loss.register_hook(self._count)
        return loss

    def _count(self, _: Tensor) -> None:
        self.seen.backwards += 1


class Descent(torch.optim.SGD):
    """Gradient descent at the rate 0.1; it tells the network of its steps."""

    def __init__(self, network: Network):
        super().__init__(network.parameters(), lr=0.1)
        self.network = network

    def step(self, closure: Callable | None = None) -> Any:
        loss = closure() if closure else None
        self.network.seen.steps += 1
        if self.network.seen.steps == 1:
            self.network.seen.backwards_before = self.network.seen.backwards
        super().step()
        return loss


def _watched(nb: Any, network: Network, optimizer: Descent, x: Tensor, y: Tensor) -> tuple[Any, Exception | None]:
    """What one call of the student's train_step returned, or raised."""
    network.seen = Seen()
    batch = Pair((x.as_subclass(Elsewhere), y.as_subclass(Elsewhere)))
    try:
        return nb.train_step(network, optimizer, network.loss, batch, DEVICE), None
    except AttributeError as e:
        taken = isinstance(e.obj, (int, float)) and e.name == "backward"
        return None, TakenOut("a plain number has no backward: the loss lost its history on the way.") if taken else e
    except Exception as e:  # told after what was seen before it
        return None, e


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(w=rng.normal(3, 5), x=rng.normal(4, 5), y=rng.normal(4, 3), x_next=rng.normal(2, 5),
                y_next=rng.normal(2, 3), left_over=rng.normal(3, 5))


@task("start.train_step", inputs=_step_inputs, rtol=1e-5, atol=1e-6)  # a rounded loss is not the loss
def train_step(nb, w, x, y, x_next, y_next, left_over) -> Iterator[dict[str, Tensor]]:
    """One step as it is seen from outside, its weights and its loss; a second one; one after gradients left over."""
    network = Network(w)
    optimizer = Descent(network)
    returned, error = _watched(nb, network, optimizer, x, y)
    yield network.seen.told()
    if error:
        raise error
    yield {"weights after one step": network.w}
    kept = isinstance(returned, Tensor) and returned.requires_grad
    yield _number(returned) | {"the returned loss keeps its graph": torch.tensor(kept)}
    returned, error = _watched(nb, network, optimizer, x_next, y_next)
    if error:
        raise error
    yield {"weights after two steps": network.w, "returned by the second": _number(returned)["returned"]}
    network = Network(w)
    network.w.grad = left_over.clone()
    _, error = _watched(nb, network, Descent(network), x, y)
    if error:
        raise error
    yield {"weights after a step where old gradients lay": network.w}


def _error_inputs(rng: Rng) -> dict[str, Tensor]:
    x = rng.normal(3, 4)
    x[0, :2] = torch.tensor([1.0, -1.0]) * rng.uniform(2, low=1.0, high=2.0)
    x[1, 0] = 5.0
    y = x * (1 + rng.uniform(3, 4, low=-0.2, high=0.2))
    y[0, 0], y[1, 0] = 1.5 * x[0, 0], 5.1  # the largest relative error, 0.2, is not where the numbers are largest
    near, apart = x * (1 + 1e-3 * rng.uniform(3, 4, low=0.5)), rng.uniform(4, low=0.5, high=2.0)
    return dict(x=x, y=y, near=near, positive=apart, negative=-0.4 * apart, zeros=torch.zeros(5),
                tiny=rng.uniform(3, low=5e-11, high=6e-11), tinier=rng.uniform(3, low=1e-11, high=3e-11))


@task("start.rel_error", inputs=_error_inputs, atol=1e-12)
def rel_error(nb, x, y, near, positive, negative, zeros, tiny, tinier) -> Iterator[dict[str, Tensor]]:
    """Of two tensors that are close; of opposite signs, of zeros, of tiny numbers; then of arrays."""
    yield _number(nb.rel_error(x, y))
    for name, a, b in (("the other way round", y, x), ("nearly equal", x, near),
                       ("opposite signs", positive, negative), ("all zeros", zeros, zeros.clone()),
                       ("below the floor", tiny, tinier)):
        yield {name: _number(nb.rel_error(a, b))["returned"]}
    yield {"of arrays": _number(nb.rel_error(x.numpy(), y.numpy()))["returned"]}
