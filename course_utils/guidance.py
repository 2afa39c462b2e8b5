"""Guidance wraps a model: what it gives is called as `model(x, t)` again, and goes into any sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.paths import GaussianPath, Kind

Model = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def evaluating(model: Model) -> Iterator[None]:
    """Evaluation mode for a network, also inside a guide; each of its modules gets its own mode back."""
    while not isinstance(model, nn.Module) and hasattr(model, "model"):
        model = model.model
    training = [m for m in model.modules() if m.training] if isinstance(model, nn.Module) else []
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


class Conditional:
    """A model with its condition: `model(x, t, cond)` as a function of x and t."""

    def __init__(self, model: Callable, cond: Any):
        self.model, self.cond = model, cond

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        return self.model(x, t, self.cond)


class guided:  # noqa: N801 (used like a function)
    """Classifier-free guidance, (1 + w)·conditional − w·unconditional; Ho & Salimans 2022, eq. 6.

    The combination is affine, so it may be made of noise, x_start, v, velocity or score alike.

    Args:
        model: Called as `model(x, t, condition)`.
        cond: The condition: a tensor (b, …) or a dict of such tensors and other values (`model_kwargs`); never written.
        uncond: The same without the condition. Where it has None (or nothing) in place of a tensor and both are
            evaluated together, zeros stand for it, as in the course's networks.
        w: 0 is the plain conditional; a number or a tensor (b,). The other convention's guidance scale is 1 + w.
        interval: (low, high) times outside of which the conditional answers alone; Kynkäänniemi et al. 2024. In the
            loops it then also saves the evaluation.
        batched: One evaluation of 2b samples instead of two of b.
    """

    def __init__(self, model: Callable, cond: Any, uncond: Any, w: float | Tensor,
                 interval: tuple[float, float] | None = None, batched: bool = True):
        self.model, self.cond, self.uncond, self.w, self.interval = model, cond, uncond, w, interval
        self.both = _joined(cond, uncond) if batched else None

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The guided prediction (b, *); each sample is guided where its own time lies in the interval."""
        w = self.w
        if self.interval is not None:
            w = w * ((t >= self.interval[0]) & (t <= self.interval[1])).to(x.dtype)
        return self._combined(x, t, w)

    def at_time(self, t: float) -> Model:
        """What to call at this one time of all samples, known without asking the device."""
        return self._everywhere if self.guides(t) else Conditional(self.model, self.cond)

    def guides(self, t: float) -> bool:
        """Whether this time lies in the interval."""
        return self.interval is None or self.interval[0] <= t <= self.interval[1]

    def _everywhere(self, x: Tensor, t: Tensor) -> Tensor:
        return self._combined(x, t, self.w)

    def pair(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The conditional and the unconditional prediction, (b, *) each."""
        if self.both is None:
            return self.model(x, t, self.cond), self.model(x, t, self.uncond)
        return self.model(torch.cat([x, x]), torch.cat([t, t]), self.both).chunk(2)

    def _combined(self, x: Tensor, t: Tensor, w: float | Tensor) -> Tensor:
        with_it, without = self.pair(x, t)
        if isinstance(w, Tensor):
            w = w.to(with_it).reshape(-1, *[1] * (with_it.dim() - 1))
        return torch.lerp(without, with_it, 1 + w)


def _joined(cond: Any, uncond: Any) -> Any:
    """Two conditions as that of a batch of twice the size."""
    if isinstance(cond, dict):
        uncond = uncond or {}
        return {key: _joined(cond.get(key), uncond.get(key)) for key in cond | uncond}
    if not isinstance(cond, Tensor) and not isinstance(uncond, Tensor):
        return cond
    with_it = torch.zeros_like(uncond) if cond is None else cond
    return torch.cat([with_it, torch.zeros_like(cond) if uncond is None else uncond])


class classifier_guided:  # noqa: N801 (used like a function)
    """Guidance by a classifier of noised data: score + s·∇ log p(y | x_t); Dhariwal & Nichol 2021, algorithm 2.

    Told in the model's own terms: for noise ε − s·σ_t·∇ log p(y | x_t).

    Args:
        model: Predicts `prediction`, called as `model(x, t)`.
        classifier: `classifier(x, t)` gives logits (b, classes).
        y: (b,) classes.
        s: Strength; 0 is the plain model.
        path: Gives σ_t.
        prediction: What the model predicts.
    """

    def __init__(self, model: Model, classifier: Model, y: Tensor, s: float, path: GaussianPath,
                 prediction: Kind = "noise"):
        self.model, self.classifier, self.y, self.s = model, classifier, y, s
        self.path, self.prediction = path, prediction

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The guided prediction (b, *)."""
        _, per_score = self.path.mixing(t, "score", self.prediction)
        weight = (self.s * per_score).to(x.dtype).reshape(-1, *[1] * (x.dim() - 1))
        return self.model(x, t) + weight * self.gradient(x, t)

    def gradient(self, x: Tensor, t: Tensor) -> Tensor:
        """∇ log p(y | x_t) of every sample, (b, *): the sum over the batch has the samples' own gradients."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            log_prob = self.classifier(x, t).log_softmax(1).gather(1, self.y[:, None])
            return torch.autograd.grad(log_prob.sum(), x)[0]
