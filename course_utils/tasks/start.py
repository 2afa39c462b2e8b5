"""Probes of notebook 00: one step of training, and the relative error of two results.

What a step of training did is noted by what it is given: a batch that knows whether it was moved, a network, a loss
and an optimizer that know when they were called. So a step that raises has still been seen up to there, and what it
did not reach is not judged. Where one of these facts is wrong, nothing that follows from it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import shape_of, task
from course_utils.tasks.draws import Rng

NOTEBOOK = "00_start_here"
PLAIN = "a number of Python is returned"
QUESTIONS = {"start.1": 5, "start.2": 5, "start.3": 5}  # points, graded by hand
HERE, DEVICE = torch.device("cpu"), torch.device("cpu", 0)  # one place; but "cpu" written into the code is seen


# What a function returned

class NothingReturned(ValueError):
    """None in the place of a number."""


class NotCalled(ValueError):
    """A function in the place of a number."""


class NotANumber(ValueError):
    """Several values, or none, in the place of a number."""


def _number(returned: Any) -> dict[str, Tensor]:
    """The returned number as a tensor, and whether it is one of Python's, which float64 of numpy is too."""
    if returned is None:
        raise NothingReturned("a number should come back, but nothing is returned.")
    if callable(returned) and not isinstance(returned, Tensor):
        raise NotCalled(f"a number should come back, but {getattr(returned, '__name__', 'a function')} itself does: "
                        "it is not called.")
    if getattr(returned, "shape", ()) not in ((), (1,)) or isinstance(returned, (str, tuple, list, dict)):
        shape = getattr(returned, "shape", None)
        found = f"of shape {tuple(shape)}" if shape else f"of type {type(returned).__name__}"
        raise NotANumber(f"one number should come back, but what is returned is {found}.")
    number = float(returned.detach() if isinstance(returned, Tensor) else returned)
    plain = isinstance(returned, (int, float))
    return {"returned": torch.tensor(number, dtype=torch.float64), PLAIN: torch.tensor(plain)}



# What train_step is given

class NotUnpacked(ValueError):
    """The batch was used as if it were one tensor."""


class IteratedOver(ValueError):
    """A loop went over the samples of a batch."""


class TakenOut(ValueError):
    """A plain number in the place of the loss, which has a history."""


class NotItsMethod(ValueError):
    """A part of the step was asked of something that has no such part."""


class NotAStep(ValueError):
    """A part of the step did not happen."""


class NotTwoTensors(ValueError):
    """The loss was given something else than a prediction and y."""


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
        if func in (Tensor.cuda, Tensor.cpu) or named not in (None, DEVICE, HERE):
            raise OtherDevice("the batch is moved to another device than the argument `device` names.")
        if named is None:
            return super().__torch_function__(func, types, args, kwargs)
        with torch._C.DisableTorchFunctionSubclass():
            return func(*map(_here, args), **{name: _here(a) for name, a in kwargs.items()}).as_subclass(Tensor)


def _device(argument: Any) -> torch.device | str | None:
    """The device that an argument of `.to` names, if it names one; a name that is not DEVICE's stays a string."""
    if isinstance(argument, Tensor):
        return argument.device
    if isinstance(argument, str):
        return DEVICE if argument == str(DEVICE) else argument
    return argument if isinstance(argument, torch.device) else None


def _here(argument: Any) -> Any:
    """HERE in the place of a device: to DEVICE torch would make a copy, and not see what is written into x."""
    return HERE if isinstance(argument, (str, torch.device)) else argument


def _plain(x: Tensor) -> Tensor:
    return x.as_subclass(Tensor)


UNSEEN = {  # what is told of one step, in the order in which it happens, with the value where it did not happen
    "the model was called": False, "shape_of_x as it reaches the model": [-1], "x was moved to the device": False,
    "the model was in training mode": False, "loss_fn was called": False, "y was moved to the device": False,
    "y keeps its dtype": False, "shape_of_the prediction": [-1], "what loss_fn gave": float("nan"),
    "the loss has a graph": False, "number of backward passes": 0, "number of optimizer steps": 0,
    "backward passes before the step": 0, "zero_grad is called where it is named": True}


class Seen(dict):
    """What was seen of one call of train_step, by the names of UNSEEN."""

    def outputs(self, raised: bool) -> dict[str, Tensor]:
        """As outputs; of a step that raised only those that came before the first one that it did not reach."""
        names = takewhile(self.__contains__, UNSEEN) if raised else UNSEEN
        return {name: torch.as_tensor(self.get(name, UNSEEN[name])) for name in names}

    def is_a_step(self) -> bool:
        """Whether all that should have happened did, if perhaps with wrong numbers."""
        told = self.outputs(raised=False).values()
        return all(bool(x) for x in told if x.dtype == torch.bool) and self.get("number of optimizer steps", 0) > 0

    def count(self, name: str) -> None:
        self[name] = self.get(name, 0) + 1


class Network(nn.Module):
    """tanh(x·wᵀ) for pictures x, flattened to (b, k); it notes how it was called."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w, self.seen, self.dtype_of_y = nn.Parameter(w.clone()), Seen(), None

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise NotUnpacked(f"the model was given the whole batch, a {type(x).__name__}, and not x.")
        self.seen |= {"the model was called": True, "shape_of_x as it reaches the model": shape_of(_plain(x)),
                      "x was moved to the device": not isinstance(x, Elsewhere),
                      "the model was in training mode": self.training}
        return torch.tanh(_plain(x).flatten(1) @ self.w.T)

    def loss(self, input: Tensor, target: Tensor, *more: Any) -> Tensor:
        """A loss in which prediction and target must not change places, with the names that torch's losses have."""
        if more or not isinstance(input, Tensor) or not isinstance(target, Tensor):
            raise NotTwoTensors("loss_fn takes two tensors, the prediction of the model and y, and nothing else.")
        moved = not isinstance(input, Elsewhere) and not isinstance(target, Elsewhere)
        input, target, first = _plain(input), _plain(target), "loss_fn was called" not in self.seen
        if first:
            self.seen |= {"loss_fn was called": True, "y was moved to the device": moved,
                          "y keeps its dtype": target.dtype == self.dtype_of_y,
                          "shape_of_the prediction": shape_of(input)}
        loss = ((input - target) ** 2 * (1 + target**2)).mean()
        if first:
            self.seen |= {"what loss_fn gave": loss.detach().float(), "the loss has a graph": loss.requires_grad}
        if loss.requires_grad:
            loss.register_hook(lambda _: self.seen.count("number of backward passes"))
        return loss


class Descent(torch.optim.SGD):
    """Gradient descent at the rate 0.1; it tells the network of its steps."""

    def __init__(self, network: Network):
        super().__init__(network.parameters(), lr=0.1)
        self.network = network

    @property
    def zero_grad(self) -> Callable:
        """As it is called; to name it alone does nothing, and is noted."""
        self.network.seen["zero_grad is called where it is named"] = False
        return self._zero_grad

    def _zero_grad(self, set_to_none: bool = True) -> None:
        self.network.seen["zero_grad is called where it is named"] = True
        super().zero_grad(set_to_none)

    def step(self, closure: Callable | None = None) -> Any:
        loss, seen = closure() if closure else None, self.network.seen
        seen.count("number of optimizer steps")
        seen.setdefault("backward passes before the step", seen.get("number of backward passes", 0))
        super().step()
        return loss


OWNERS = {"backward": "the loss that loss_fn gave", "zero_grad": "the optimizer", "step": "the optimizer"}


def _watch_step(nb: Any, network: Network, optimizer: Descent, x: Tensor, y: Tensor) -> tuple[Any, Exception | None]:
    """What one call of the student's train_step returned, or raised."""
    network.seen, network.dtype_of_y = Seen(), y.dtype
    batch = Pair((x.as_subclass(Elsewhere), y.as_subclass(Elsewhere)))
    try:
        return nb.train_step(network, optimizer, network.loss, batch, DEVICE), None
    except AttributeError as e:
        return None, _explain_attribute(e).with_traceback(e.__traceback__)
    except Exception as e:  # told after what was seen before it
        return None, e


def _explain_attribute(error: AttributeError) -> Exception:
    """A part of the step that was asked of the wrong thing, apart from a name that is mistyped."""
    if error.name == "backward" and isinstance(error.obj, (int, float)):
        return TakenOut("a plain number has no backward: the loss lost its history on the way.")
    if error.name in OWNERS:
        return NotItsMethod(f"`{error.name}` is asked of the wrong thing; it belongs to {OWNERS[error.name]}.")
    return error


def _step_inputs(rng: Rng) -> dict[str, Tensor]:
    return dict(w=rng.normal(3, 6), x=rng.normal(4, 1, 2, 3), y=rng.normal(4, 3), x_next=rng.normal(2, 1, 2, 3),
                y_next=rng.normal(2, 3), left_over=rng.normal(3, 6), whole=rng.integers(4, 3, high=10))


@task("start.train_step", inputs=_step_inputs, rtol=2e-6, atol=1e-6)  # a rounded loss is not the loss
def train_step(nb, w, x, y, x_next, y_next, left_over, whole) -> Iterator[dict[str, Tensor]]:
    """One step as seen from outside, its weights and loss; a second; one where gradients lie; one with whole y."""
    network = Network(w)
    optimizer = Descent(network)
    returned, error = _watch_step(nb, network, optimizer, x, y)
    yield network.seen.outputs(raised=error is not None)
    if error:
        raise error
    alone = "number of optimizer steps" in network.seen or torch.equal(network.w, w)
    yield {"nothing but the optimizer moves the weights": torch.tensor(alone)}
    if not network.seen.is_a_step():
        raise NotAStep("a part of the step is missing, so what follows from it was not looked at.")
    yield {"weights after one step": network.w}
    number, kept = _number(returned), isinstance(returned, Tensor) and returned.requires_grad
    yield number | {"the returned loss keeps its graph": torch.tensor(kept)}
    if not number[PLAIN]:
        return
    returned, error = _watch_step(nb, network, optimizer, x_next, y_next)
    if error:
        raise error
    yield {"weights after two steps": network.w, "returned by the second": _number(returned)["returned"]}
    for name, target, left in (("weights after a step where old gradients lay", y, left_over),
                               ("weights after a step with whole numbers for y", whole, None)):
        network = Network(w)
        network.w.grad = None if left is None else left.clone()
        _, error = _watch_step(nb, network, Descent(network), x, target)
        if error:
            raise error
        yield {name: network.w}
    yield {"whole numbers for y keep their dtype": torch.tensor(network.seen.get("y keeps its dtype", False))}


def _error_inputs(rng: Rng) -> dict[str, Tensor]:
    x = rng.normal(3, 4)
    x[0, :2] = torch.tensor([1.0, -1.0]) * rng.uniform(2, low=1.0, high=2.0)
    x[1, 0] = 5.0
    y = x * (1 + rng.uniform(3, 4, low=-0.2, high=0.2))
    y[0, 0], y[1, 0] = 1.5 * x[0, 0], 5.1  # the largest relative error, 0.2, is not where the numbers are largest
    near, apart = x * (1 + 1e-3 * rng.uniform(3, 4, low=0.5)), rng.uniform(4, low=0.5, high=2.0)
    double = x.double()
    return dict(x=x, y=y, near=near, positive=apart, negative=-0.4 * apart, zeros=torch.zeros(5),
                tiny=rng.uniform(3, low=5e-11, high=6e-11), tinier=rng.uniform(3, low=1e-11, high=3e-11),
                double=double, nearest=double * (1 + 1e-9 * rng.uniform(3, 4, low=0.5).double()))


class TruthOfMany(ValueError):
    """Whole tensors or arrays where Python needs one yes or no."""


def _error_of(nb: Any, a: Any, b: Any) -> dict[str, Tensor]:
    """What the student's rel_error returns, as `_number` tells it."""
    try:
        return _number(nb.rel_error(a, b))
    except (RuntimeError, ValueError) as e:
        raise (TruthOfMany(str(e)).with_traceback(e.__traceback__) if "ambiguous" in str(e) else e) from None


@task("start.rel_error", inputs=_error_inputs, atol=1e-12)
def rel_error(nb, x, y, near, positive, negative, zeros, tiny, tinier, double, nearest) -> Iterator[dict[str, Tensor]]:
    """Of two tensors that are close; of opposite signs, of zeros, of tiny numbers; of doubles; then of arrays."""
    first = _error_of(nb, x, y)
    yield first
    if not first[PLAIN]:
        return
    for name, a, b in (("the other way round", y, x), ("nearly equal", x, near),
                       ("opposite signs", positive, negative), ("all zeros", zeros, zeros.clone()),
                       ("below the floor", tiny, tinier), ("float64 that differ by a billionth", double, nearest)):
        yield {name: _error_of(nb, a, b)["returned"]}
    for name, a, b in (("of arrays", x, y), ("of float64 arrays", double, nearest)):
        yield {name: _error_of(nb, a.numpy(), b.numpy())["returned"]}
