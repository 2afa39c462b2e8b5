"""One step of training: batch to the device, zero the gradients, forward, loss, backward, step; then the average."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_utils.kernels.graphs import Graphed
from course_utils.recipes import Recipe

if TYPE_CHECKING:
    from course_utils.training import State


class Step:
    """The six steps of a run, in two halves between which the host looks at the loss; on one GPU each a CUDA graph.

    Args:
        run: The run whose model, optimizer and moving average are changed.
        model: What is called: the run's model, compiled, or wrapped for several processes.
    """

    def __init__(self, run: State, model: nn.Module):
        self.run, self.model = run, model
        self.halves = self._halves()

    def __call__(self, asked: Callable[[], bool] = lambda: False) -> tuple[float, bool]:
        """Draws a batch and learns from it.

        Args:
            asked: Whether this process was asked to stop, during this step too.

        Returns:
            The loss of the whole batch, and whether any of the processes was asked to stop.

        Raises:
            ValueError: The loss or its gradient is not finite; the weights are then as before the step.
        """
        run, recipe = self.run, self.run.recipe
        if run.step in recipe.restarts:
            self.halves = self._halves()  # a graph knows nothing of what a recipe changes there
        gradients, update = self.halves
        for group in run.optimizer.param_groups:
            group["lr"].fill_(learning_rate(recipe, run.step, run.steps))
        run.decay.fill_(min(recipe.ema, (1 + run.step) / (10 + run.step)))
        recipe.before_step(run.model, run.step)
        batch = recipe.batch(run.generator)
        told = gradients(**run.processes.share(batch))
        told = torch.cat([told, told.new_full((1,), float(asked()))])
        mean, norm, stop = run.processes.mean(told).tolist()  # the only time that the host waits for the device
        if not math.isfinite(mean + norm):
            raise ValueError(f"The loss of {recipe.name} is {mean:g} at step {run.step}, and the norm of its gradient "
                             f"{norm:g}; nothing was overwritten. {_advice(batch)}")
        update()
        return mean, stop > 0

    def _halves(self) -> tuple[Callable[..., Tensor], Callable[[], None]]:
        if self.run.device.type == "cuda" and self.run.processes.count == 1:
            return Graphed(self._gradients), Graphed(self._update)
        return self._gradients, self._update

    def _gradients(self, **batch: Tensor) -> Tensor:
        """Leaves the clipped gradients of a batch with the weights; its loss and their norm before, (2,)."""
        run = self.run
        run.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(run.device.type, torch.bfloat16, enabled=run.bfloat16), attention_of(run.device):
            loss = run.recipe.loss(self.model, batch)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(run.model.parameters(), run.recipe.clip)
        return torch.stack([loss.detach().float(), norm])

    def _update(self) -> None:
        """One step of the optimizer, and of the moving average after it."""
        self.run.optimizer.step()
        update_ema(self.run.ema, self.run.model, self.run.decay)


@contextlib.contextmanager
def attention_of(device: torch.device) -> Iterator[None]:
    """Attention by its formula on a CPU, in the type of its inputs.

    The fused one's backward in bfloat16 took more than half of a step there, a detour by float32 another tenth.
    """
    if device.type != "cpu":
        yield
        return
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)  # holds for the CPU's formula as well
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(before)


@contextlib.contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """A stream that CUDA graphs can be captured on, as the default one cannot."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


def _advice(batch: dict[str, Tensor]) -> str:
    """What to do about a loss that is not finite."""
    bad = [name for name, x in batch.items() if not x.isfinite().all()]
    if bad:
        return f"The data hold NaN or infinite values, in the batch's {', '.join(bad)}: mend them, and train anew."
    return "Train anew with a lower learning rate in the recipe."


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """That of a step: the recipe's own times the schedule, which begins anew at each of the recipe's restarts."""
    begin = max(restart for restart in (0, *recipe.restarts) if restart <= step)
    end = min(restart for restart in (*recipe.restarts, steps) if restart > step)
    return recipe.learning_rate * schedule(step - begin, end - begin, recipe.warmup)


def schedule(step: int, steps: int, warmup: int) -> float:
    """The share of the learning rate: linear warm-up, then a half cosine to 0 at the last step."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float | Tensor) -> None:
    """ema ← decay·ema + (1 − decay)·model for all parameters; buffers are copied."""
    kept = list(ema.parameters())
    torch._foreach_mul_(kept, decay)
    torch._foreach_add_(kept, torch._foreach_mul(list(model.parameters()), 1 - decay))
    for mine, theirs in zip(ema.buffers(), model.buffers(), strict=True):
        mine.copy_(theirs)
