"""What torch's own operations move and take, and what the course's benchmark says of the kernels."""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.kernels.interpreter import VARIABLE

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "kernels.json"
IN_A_GRAPH = "in one CUDA graph: against eager torch"


@dataclass(frozen=True)
class Operations:
    """What a computation in plain torch did: the name, the bytes read and the bytes written of each operation."""

    each: tuple[tuple[str, int, int], ...]

    @property
    def bytes(self) -> int:
        """All that was read and written."""
        return sum(read + written for _, read, written in self.each)


class _Noting(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.each: list[tuple[str, int, int]] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import all of torch._dynamo, 1.3 s

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        read, made = _tensors(args), _tensors([out])
        places = {x.untyped_storage().data_ptr() for x in read}
        new = [x for x in made if x.untyped_storage().data_ptr() not in places]
        name = func.__name__.split(".")[0]
        if name.endswith("_") and not new:
            new = made  # in place
        if new and not name.startswith(("empty", "new_empty")):  # a view moves nothing, nor does fresh memory
            self.each.append((name, sum(x.nbytes for x in read), sum(x.nbytes for x in new)))
        return out


def _tensors(values: Any) -> list[Tensor]:
    found = [[x] if isinstance(x, Tensor) else _tensors(x) if isinstance(x, (list, tuple)) else [] for x in values]
    return [x for part in found for x in part]


def operations(function: Callable, *args: Any) -> Operations:
    """What each operation of a call reads and writes, as if each went to memory for all of it; views move nothing."""
    with _Noting() as noting:
        function(*args)
    return Operations(tuple(noting.each))


def compile_quietly(function: Callable) -> Callable:
    """`torch.compile`, without its word on a missing CUDA."""
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    return torch.compile(function)


def milliseconds(sides: Mapping[str, Callable[[], object]], repeats: int = 15) -> dict[str, float]:
    """Medians of one call of each side on this processor, the sides in turns."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(repeats + 2):
        for name, side in sides.items():
            begun = time.perf_counter()
            side()
            if repeat >= 2:  # the first ones compile and warm up
                taken[name].append(1000 * (time.perf_counter() - begun))
    return {name: statistics.median(times) for name, times in taken.items()}


def graph_gain(results: Path = RESULTS) -> str:
    """What the course's benchmark says of 50 guided steps in one CUDA graph, as a sentence."""
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"] if results.exists() else []
    row = next((row for row in rows if IN_A_GRAPH in row["name"]), {})
    if row.get("ours") is None:
        return "What 50 guided steps gain from one CUDA graph: not measured, the course's benchmark has met no GPU yet."
    return (f"Measured: a guided step on 8 digits takes {row['ours']:.3g} µs within one CUDA graph of 50, and "
            f"{row['peer']:.3g} µs in plain torch.")


def on_a_gpu() -> str:
    """The course's benchmark of its kernels, run now where there is a GPU; else a sentence."""
    if not torch.cuda.is_available():
        return "No GPU here: `course bench kernels` measures the course's kernels where there is one."
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run([sys.executable, "-m", "course_utils.cli", "bench", "kernels"], env=environment,
                          capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else f"`course bench kernels` did not run: {done.stderr.strip()[-200:]}"
