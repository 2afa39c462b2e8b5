"""Cards and their roofs: what a GPU does and moves in a second, by its maker or measured; a model of a kernel's time.

Williams, Waterman & Patterson 2009.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch

LAUNCH, ANSWER = 4e-6, 0.8e-6  # seconds of a launch, and until memory answers: of the usual size, not measured
PROGRAMS = 16  # of 128 threads each, which a multiprocessor can hold: 2,048 threads


@dataclass(frozen=True)
class Card:
    """A GPU: float32 operations and bytes of memory in a second, and its multiprocessors."""

    name: str
    operations: float
    bandwidth: float
    multiprocessors: int

    def attainable(self, intensity: float) -> float:
        """Operations a second of a computation that does so many with each byte it moves."""
        return min(self.operations, self.bandwidth * intensity)

    def rounds(self, programs: int) -> int:
        """How often a card that is full of programs has to take new ones until all have run."""
        return math.ceil(programs / (PROGRAMS * self.multiprocessors))

    def seconds(self, elements: int, block: int, passes: int, operations: int, itemsize: int = 4) -> float:
        """A model of one launch, by three limits: its start, memory's answers, and the roofline.

        Args:
            elements: Of each tensor.
            block: Elements of a program.
            passes: Tensors that are read or written.
            operations: On each element.
            itemsize: Bytes of an element.
        """
        rounds = self.rounds(math.ceil(elements / block))
        work = max(passes * elements * itemsize / self.bandwidth, operations * elements / self.operations)
        return LAUNCH + max(work, rounds * ANSWER)


# NVIDIA's data sheet of the H200 (SXM), and its white paper on the Ada architecture; no tensor cores.
CARDS = (Card("H200", 67e12, 4.8e12, 132), Card("RTX 4090", 82.6e12, 1.008e12, 128))


def here() -> list[Card]:
    """This machine's GPU, measured by a copy of 1 GiB and a product of matrices; empty where there is none."""
    if not torch.cuda.is_available():
        return []
    source, side = torch.empty(2**28, device="cuda"), 8192
    target, a = torch.empty_like(source), torch.randn(side, side, device="cuda")
    bandwidth = 2 * source.nbytes / _seconds(lambda: target.copy_(source))
    about = torch.cuda.get_device_properties(0)
    operations = 2 * side**3 / _seconds(lambda: a @ a)
    return [Card(f"{about.name}, measured", operations, bandwidth, about.multi_processor_count)]


def _seconds(call: Callable[[], object]) -> float:
    """The median of ten calls by the device's clock."""
    taken = []
    for _ in range(13):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record(), call(), end.record(), end.synchronize()
        taken.append(start.elapsed_time(end) / 1000)
    return statistics.median(taken[3:])
