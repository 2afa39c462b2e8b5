"""The players of a step of two: networks that refuse what is no batch, optimizers that tell why one stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told


class Judge(nn.Module):
    """A small network of plane points; it refuses what is no batch.

    In training mode it compares with the mean of its batch, as batch normalisation does.
    """

    def __init__(self, w: Tensor, v: Tensor, what: str):
        super().__init__()
        self.w, self.v, self.what = nn.Parameter(w.clone()), nn.Parameter(v.clone()), what

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or x.dim() != 2 or x.shape[1] != self.w.shape[1]:
            shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise WrongFood(f"{self.what} takes (b, {self.w.shape[1]}), but it was given {shape}.")
        hidden = torch.tanh(x @ self.w.T)
        if self.training:
            hidden = hidden - 0.5 * hidden.mean(dim=0)
        out = hidden @ self.v.T
        return out.squeeze(1) if len(self.v) == 1 else out


class WrongFood(Told):
    """A network was given what it does not take."""


class NotReached(Told):
    """No gradient came to weights that should move."""


class ThrownAway(Told):
    """A gradient came, and was gone before the step."""


class NotStepped(Told):
    """A gradient came and is still there, and the weights stand where they were."""


class Frozen(Told):
    """Weights that should move ask for no gradient."""


class Descent(torch.optim.SGD):
    """Plain descent of one player, which tells why the player stands still: which gradients came, and who stepped."""

    def __init__(self, net: nn.Module, name: str):
        super().__init__(net.parameters(), lr=0.3)
        self.net, self.name, self.came, self.in_time, self.steps = net, name, 0, 0, 0
        for p in net.parameters():
            p.register_hook(self._count)

    def _count(self, _: Tensor) -> None:
        self.came += 1

    def step(self, closure: Callable | None = None) -> Any:
        self.steps, self.in_time = self.steps + 1, self.came
        return super().step(closure)

    def ask_why_still(self, before: Tensor) -> None:
        """Raises, where the weights are what they were before, a sentence that says why."""
        if not torch.equal(weights_of(self.net), before):
            return
        if is_frozen(self.net):
            raise Frozen(f"{self.name} stands still: its parameters ask for no gradient (requires_grad is False).")
        if not (self.in_time if self.steps else self.came):
            raise NotReached(f"{self.name} stands still: no gradient has reached its weights when they should move. "
                             "Something on the way to them is cut, or `backward` is missing or comes too late.")
        if not self.steps:
            raise NotStepped(f"{self.name} stands still: its gradients are there, and its optimizer never steps.")
        raise ThrownAway(f"{self.name} stands still: its gradients are thrown away before they are used.")


def weights_of(net: nn.Module) -> Tensor:
    """All parameters of a network in one line, without a history."""
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def is_frozen(net: nn.Module) -> bool:
    """Whether no parameter of a network asks for a gradient."""
    return not any(p.requires_grad for p in net.parameters())
