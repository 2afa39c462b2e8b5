"""What guidance does to the digits: the tables that notebook 07 draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from course_utils import zoo
from course_utils.diffusion.guidance import classifier_guided, guided
from course_utils.diffusion.samplers import sample_ddim
from course_utils.recipes import digits

WEIGHTS, STEPS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0), (4, 8, 16)
STRENGTHS = (1.0, 2.0, 4.0, 8.0)  # of the classifier's gradient
HALVED, SOME = 4.0, 16  # the weight and the steps of guidance in half of the time, and the steps by a classifier
PART = 50  # samples of an evaluation, whose activations a cache can hold

Table = list[dict[str, float]]


class Guidance:
    """Digits of `mnist-unet` from the same noise under any guidance, by DDIM.

    Args:
        classifier: Of noised digits, on the device that samples: `classifier(x_t, t)` gives logits (b, 10).
        size: Samples of a setting, two of a class at least; the classes take turns.
    """

    def __init__(self, classifier: nn.Module, size: int):
        device, item = digits.device_of(classifier), zoo.load("mnist-unet")
        self.classifier, self.path, self.encode = classifier, item.path, item.encode
        self.model = item.model.to(device, memory_format=torch.channels_last)
        self.labels = torch.arange(size, device=device) % min(10, size // 2)
        self.noise = torch.randn(size, 1, 28, 28, generator=torch.Generator().manual_seed(0)).to(device)

    def free(self, w: float, steps: int, interval: tuple[float, float] | None = None) -> Tensor:
        """(size, 1, 28, 28) in [0, 1] by classifier-free guidance, in an interval of time where one is given."""
        def guide(y: Tensor) -> Callable:
            cond = {"text_emb": self.encode(y)}
            return guided(self.model, cond, None, w, interval) if w else partial(self.model, model_kwargs=cond)

        return self._sample(guide, steps)

    def by_classifier(self, gamma: float, steps: int) -> Tensor:
        """The same by the classifier's gradient: the network itself is told no class."""
        return self._sample(lambda y: classifier_guided(self.model, self.classifier, y, gamma, self.path), steps)

    def _sample(self, guide: Callable[[Tensor], Callable], steps: int) -> Tensor:
        times = torch.linspace(self.path.T, 0, steps, dtype=torch.float64).round().long()
        times = torch.cat([times, times.new_tensor([self.path.clean])])
        parts = [sample_ddim(guide(y), x, self.path, times)
                 for x, y in zip(self.noise.split(PART), self.labels.split(PART), strict=True)]
        return (torch.cat(parts).cpu() + 1) / 2

    def quality(self, images: Tensor) -> dict[str, float]:
        """Of samples of these classes, as `digits.quality`."""
        return digits.quality(images, self.labels)

    def sheet(self) -> Tensor:
        """(100, 1, 28, 28) in [0, 1]: ten digits a row, a row for each weight, then one for each strength."""
        rows = [self.free(w, SOME) for w in WEIGHTS] + [self.by_classifier(gamma, SOME) for gamma in STRENGTHS]
        return torch.cat([row[:10] for row in rows])

    def tables(self) -> dict[str, Table]:
        """The quality over weight and steps, over the half of time that is guided, over a classifier's strength.

        Real digits of the samples' classes are the row to compare with.
        """
        halves = [(self.path.T / 2, self.path.T), (0, self.path.T / 2)]
        return {
            "guidance": [{"w": w, "steps": steps, **self.quality(self.free(w, steps))}
                         for w in WEIGHTS for steps in STEPS],
            "interval": [{"low": low, "high": high, "w": HALVED, "steps": SOME,
                          **self.quality(self.free(HALVED, SOME, (low, high)))} for low, high in halves],
            "classifier": [{"gamma": gamma, "steps": SOME, **self.quality(self.by_classifier(gamma, SOME))}
                           for gamma in STRENGTHS],
            "real": [digits.quality_of_real(self.labels)],
        }
