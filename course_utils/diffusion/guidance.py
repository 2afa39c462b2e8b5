"""Guidance wraps a model: what it gives is called as `model(x, t)` again, and goes into any sampler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.diffusion.gaussian import as_indices, like
from course_utils.diffusion.paths import GaussianPath, Kind
from course_utils.diffusion.reach import networks

Model = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def evaluating(model: Model) -> Iterator[None]:
    """Evaluation mode for the networks behind a model; each of their modules gets its own mode back.

    A network is found that the model is, is bound to, holds in any attribute, closes over, or names: in
    `lambda x, t: unet(x, t)`, in `partial(predict, unet)`, in an object with a network. One that is looked up only
    while the model runs (`lambda x, t: globals()["unet"](x, t)`) is not, so call `unet.eval()` before. Neither can
    torch.compile follow the search: what it makes one graph of finds networks in a guide or a partial alone.
    """
    found = _unwrap(model) if torch.compiler.is_compiling() else networks(model)
    training = [m for network in found for m in network.modules() if m.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


def _unwrap(model: Model) -> list[nn.Module]:
    """The model itself, or the networks in a guide or a partial: as much as torch.compile can follow."""
    if isinstance(model, nn.Module):
        return [model]
    inside = (getattr(model, name, None) for name in ("model", "classifier", "func"))
    return [network for part in inside if part is not None for network in _unwrap(part)]


def at_time(model: Model, t: float) -> Model:
    """What to call at this one time of all samples, known without asking the device."""
    return model.at_time(t) if hasattr(model, "at_time") else model


class guided:  # noqa: N801 (used like a function)
    """Classifier-free guidance, (1 + w)·conditional − w·unconditional; Ho & Salimans 2022, eq. 6.

    The combination is affine, so it may be made of noise, x_start, v, velocity or score alike.

    Args:
        model: Called as `model(x, t, condition)`.
        cond: The condition: a tensor (b, …) or a dict of such tensors and other values (`model_kwargs`); never written.
        uncond: The same without the condition. Where it has None (or nothing) in place of a tensor of floating point
            and both are evaluated together, zeros stand for it, as in the course's networks.
        w: 0 is the plain conditional; a number or a tensor (b,). The other convention's guidance scale is 1 + w.
        interval: (low, high) times outside of which the conditional answers alone; Kynkäänniemi et al. 2024. In the
            loops it then also saves the evaluation.
        batched: One evaluation of 2b samples instead of two of b, wherever both conditions fit into one batch: tensors
            of one shape, and other values that are the same in both. Prompts do not, and are evaluated apart.
    """

    def __init__(self, model: Callable, cond: Any, uncond: Any, w: float | Tensor,
                 interval: tuple[float, float] | None = None, batched: bool = True):
        self.model, self.cond, self.uncond, self.w, self.interval = model, cond, uncond, w, interval
        try:
            self.both = _join(cond, uncond) if batched else None
        except _Apart:
            self.both = None

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The guided prediction (b, *); each sample is guided where its own time lies in the interval."""
        w = self.w
        if self.interval is not None:
            w = w.reshape(-1) if isinstance(w, Tensor) else w
            w = w * ((t >= self.interval[0]) & (t <= self.interval[1])).to(x.dtype)
        return self._combine(x, t, w)

    def at_time(self, t: float) -> Model:
        """As `at_time`: outside of the interval the conditional alone."""
        return self._everywhere if self.guides(t) else lambda x, t: self.model(x, t, self.cond)

    def guides(self, t: float) -> bool:
        """Whether this time lies in the interval."""
        return self.interval is None or self.interval[0] <= t <= self.interval[1]

    def _everywhere(self, x: Tensor, t: Tensor) -> Tensor:
        return self._combine(x, t, self.w)

    def pair(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The conditional and the unconditional prediction, (b, *) each."""
        if self.both is None:
            return self.model(x, t, self.cond), self.model(x, t, self.uncond)
        return self.model(torch.cat([x, x]), torch.cat([t, t]), self.both).chunk(2)

    def _combine(self, x: Tensor, t: Tensor, w: float | Tensor) -> Tensor:
        with_it, without = self.pair(x, t)
        if isinstance(w, Tensor):
            w = w.to(with_it).reshape(-1, *[1] * (with_it.dim() - 1))
        return torch.lerp(without, with_it, 1 + w)


class _Apart(Exception):
    """Two conditions that no batch can hold together."""


def _join(cond: Any, uncond: Any) -> Any:
    """Two conditions as that of a batch of twice the size.

    Raises:
        _Apart: They cannot be joined.
    """
    if isinstance(cond, dict) and isinstance(uncond, dict | None):
        uncond = uncond or {}
        return {key: _join(cond.get(key), uncond.get(key)) for key in cond | uncond}
    sides = [side for side in (cond, uncond) if isinstance(side, Tensor)]
    if len(sides) == 2 and cond.shape == uncond.shape:
        return torch.cat(sides)
    if len(sides) == 1 and (cond is None or uncond is None) and sides[0].is_floating_point():
        return torch.cat([torch.zeros_like(sides[0]) if side is None else side for side in (cond, uncond)])
    if not sides and isinstance(cond, bool | int | float | str | None) and cond == uncond:
        return cond
    raise _Apart


class classifier_guided:  # noqa: N801 (used like a function)
    """Guidance by a classifier of noised data: score + s·∇ log p(y | x_t); Dhariwal & Nichol 2021, algorithm 2.

    Told in the model's own terms: for noise ε − s·σ_t·∇ log p(y | x_t).

    Args:
        model: Predicts `prediction`, called as `model(x, t)`.
        classifier: `classifier(x, t)` gives logits (b, classes).
        y: (b,) classes, integers on x's device.
        s: Strength; 0 is the plain model.
        path: Gives σ_t.
        prediction: What the model predicts, in which the score must have a finite weight.
    """

    def __init__(self, model: Model, classifier: Model, y: Tensor, s: float, path: GaussianPath,
                 prediction: Kind = "noise"):
        self.model, self.classifier, self.y, self.s = model, classifier, as_indices(y, "the logits of classes"), s
        self.path, self.prediction = path, prediction

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The guided prediction (b, *)."""
        return self.model(x, t) + like(self._weight(t), x) * self.gradient(x, t)

    def at_time(self, t: float) -> Model:
        """As `at_time`, the weight known on the host.

        Raises:
            ValueError: The score's weight in the prediction is infinite at this time.
        """
        time = torch.tensor(t, dtype=torch.int64 if isinstance(t, int) else torch.float64)
        weight, model = self._weight(time).item(), at_time(self.model, t)
        if not math.isfinite(weight):
            raise ValueError(f"the score does not tell {self.prediction} at time {t:g}, so that a classifier cannot "
                             "guide it: let the times start below it")
        return lambda x, t: torch.add(model(x, t), self.gradient(x, t), alpha=weight)

    def _weight(self, t: Tensor) -> Tensor:
        return self.s * self.path.mixing(t, "score", self.prediction)[1]

    def gradient(self, x: Tensor, t: Tensor) -> Tensor:
        """∇ log p(y | x_t) of every sample, (b, *): the sum over the batch has the samples' own gradients."""
        if len(self.y) != len(x):
            raise ValueError(f"y has {len(self.y)} classes for {len(x)} samples")
        with torch.inference_mode(False), torch.enable_grad():
            x, t = x.detach().clone().requires_grad_(), t.clone()
            log_prob = self.classifier(x, t).log_softmax(1).gather(1, self.y[:, None])
            return torch.autograd.grad(log_prob.sum(), x)[0]
