"""By what two wrong answers are known to be the same one, though nobody has named that mistake yet.

A task that was answered wrongly is asked again on the public inputs, the same in every run. What comes back there is
kept in the record: exactly, which outputs there are, their shapes, and the exception; and of their values a few numbers
that change with every element. So two students with one wrong formula meet whatever the run's seed was and however
their sums were rounded, and two formulas that differ on the public inputs do not.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor

from course_utils.grading.records import NotebookResult, TaskResult
from course_utils.grading.rooms.client import LOST
from course_utils.tasks import Outcome, Task
from course_utils.tasks.compare import first_difference

MAX_OUTPUTS = 40  # of a task
MAX_VALUES = 1 << 20  # of an output; of a larger one the shape alone counts, so that it costs no memory here
CLOSE = 3e-5  # of a tensor's scale: above float32's rounding, below the difference of any two known mistakes
FLOOR = 1e-7  # rounding noise of numbers that should be 0
HUGE = 1e30  # from here on, rounding may make a number infinite
CHANCE = re.compile(r"0x[0-9a-f]+|\d+\.\d{5,}")  # in a message: an address, a number that rounding may change
KINDS = {"value": "The same wrong value", "shape": "The same wrong shape", "dtype": "The same wrong dtype",
         "nan": "NaN or infinite at the same places", "error": "The same exception",
         "missing": "The same output missing", "inputs": "Right on the check's own inputs alone"}

Answer = tuple[str, NotebookResult, TaskResult]  # a student, and where the answer stands


def fingerprint(public: Outcome, wanted: Outcome, task: Task) -> tuple[str, list[float]]:
    """What a record keeps of a wrong answer's outcome on the public inputs.

    Args:
        public: The student's outcome there; everything in it is a stranger's.
        wanted: The reference's.

    Returns:
        the kind of the first difference, one of `KINDS`, with a digest of all that is exact, and four numbers for
        each output's values; empty where the room did not answer.
    """
    if public.error in (*LOST, "Unfinished"):
        return "", []
    difference = first_difference(public, wanted, task, reveal=False)
    there = dict(islice(public.tensors.items(), MAX_OUTPUTS))
    counted = [x for x in there.values() if x.numel() <= MAX_VALUES]
    shapes = [(name, list(x.shape), _name_kind(x)) for name, x in there.items()]
    exact = shapes, [_digest_odd_places(x) for x in counted]
    message = CHANCE.sub("…", public.message[:300])
    digest = hashlib.sha256(repr((exact, public.error, message)).encode("utf-8", "replace")).hexdigest()[:16]
    return f"{difference.kind if difference else 'inputs'} {digest}", [v for x in counted for v in _sketch(x)]


def _name_kind(x: Tensor) -> str:
    return "complex" if x.is_complex() else "floating" if x.is_floating_point() else str(x.dtype)


def _widen(x: Tensor) -> tuple[Tensor, Tensor]:
    """A tensor's values in a row, in float64, and where they are no numbers to count with; there they are 0."""
    wide = (torch.view_as_real(x.resolve_conj()) if x.is_complex() else x).to(torch.float64).flatten()
    odd = ~(wide.abs() < HUGE)
    return wide.masked_fill(odd, 0.0), odd


def _digest_odd_places(x: Tensor) -> str:
    """Where a tensor is NaN, infinite or nearly so, as a digest; empty where it is so nowhere."""
    _, odd = _widen(x)
    return hashlib.sha256(odd.numpy().tobytes()).hexdigest() if odd.any() else ""


def _sketch(x: Tensor) -> list[float]:
    """A tensor's scale, its largest value, and two sums with fixed weights."""
    wide, _ = _widen(x)
    size = max(1, wide.numel())
    place = torch.arange(1, wide.numel() + 1, dtype=torch.float64)
    largest = wide.abs().max().item() if wide.numel() else 0.0
    sums = [(wide * torch.cos(place.square() * turn)).sum().item() / size ** 0.5 for turn in (1.0, 2 ** 0.5)]
    return [float(f"{v:.8g}") for v in ((wide.square().sum() / size).sqrt().item(), largest, *sums)]


def is_same(a: TaskResult, b: TaskResult) -> bool:
    """Whether two wrong answers to one task are the same one."""
    return bool(a.outcome) and a.outcome == b.outcome and measure_distance(a.sketch, b.sketch) <= 1


def measure_distance(a: list[float], b: list[float]) -> float:
    """How far apart two sketches are, in units of what noise may do."""
    if len(a) != len(b):
        return math.inf
    scales = [max(a[n], b[n]) for i in range(0, len(a), 4) for n in (i, i + 1, i, i)]  # a sum is as noisy as its scale
    return max((abs(x - y) / (CLOSE * s + FLOOR) for x, y, s in zip(a, b, scales, strict=True)), default=0.0)


def group_same(answers: Iterable[Answer]) -> list[list[Answer]]:
    """Wrong answers without a known mistake, put together where they are the same; the largest group first."""
    found: dict[tuple[str, str], list[list[Answer]]] = {}
    for answer in answers:
        t = answer[2]
        if t.outcome and not t.mistake and not t.right:
            alike = found.setdefault((t.task, t.outcome), [])
            group = next((g for g in alike if is_same(g[0][2], t)), None)
            group.append(answer) if group else alike.append([answer])
    return sorted((g for alike in found.values() for g in alike), key=len, reverse=True)


def describe(t: TaskResult) -> str:
    """What those who gave this answer have in common, in words."""
    return KINDS.get(t.outcome.partition(" ")[0], "The same answer")
