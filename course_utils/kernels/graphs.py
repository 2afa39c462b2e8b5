"""CUDA graphs: all that a function launches, in one launch.

A network of the course's size keeps a GPU busy for 5 µs a kernel, and a host takes longer than that to launch one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARMUP = 3  # calls that compile kernels, choose algorithms and fill caches, none of which a graph can hold


class Graphed:
    """A function of tensors on a GPU, run as it is three times, then captured, and replayed from then on.

    The function must launch the same kernels at every call: whatever changes from call to call is a tensor, given or
    changed in place, and nothing is copied from or to the host. Call it on one side stream, never the default one.

    Args:
        function: Of tensors by name; what it returns is overwritten by the next call.
    """

    def __init__(self, function: Callable[..., Tensor | None]):
        self.function, self.calls = function, 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, **given: Tensor) -> Tensor | None:
        self.calls += 1
        if self.calls <= WARMUP:
            return self.function(**given)
        if self.graph is None:
            self._capture(given)
        for name, x in given.items():
            self.given[name].copy_(x)
        self.graph.replay()
        return self.answer

    def _capture(self, given: dict[str, Tensor]) -> None:
        self.given = {name: x.clone() for name, x in given.items()}
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            self.answer = self.function(**self.given)
        self.graph = graph
