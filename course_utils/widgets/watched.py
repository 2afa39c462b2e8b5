"""A network behind a live figure: its fast copy, counted, and stopped where something newer waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from course_utils.models.fast import Fast
from course_utils.widgets.parts import recording


class Watched:
    """A model that counts the rows that it evaluates, and says before each call how far the time has come.

    Args:
        model: Called as `model(x, t, condition)`, t from T down to 0.
        T: The first time.
    """

    def __init__(self, model: Callable, T: float):
        self.model, self.T = model, T
        self.rows = 0
        self.going: Callable[[float], None] = lambda share: None

    def __call__(self, x: Tensor, t: Tensor, condition: Any = {}) -> Tensor:  # noqa: B006  (read, never written)
        self.going(1 - t[0].item() / self.T)
        self.rows += len(x)
        return self.model(x, t, condition)


def watch(model: nn.Module | Fast, T: float) -> Watched:
    """Watches the model's fast copy; compiled in the background, but not where figures are recorded."""
    return Watched(model if isinstance(model, Fast) else _fast(model, not recording()), T)


@lru_cache(maxsize=2)
def _fast(model: nn.Module, compile: bool) -> Fast:
    """One fast copy of a model, however often its cell is run."""
    return Fast(model) if compile else Fast(model, compile=None)
