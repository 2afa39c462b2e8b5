"""What Triton's compiler makes of a function's kernels for a GPU that this machine need not have.

A function is called with its launches noted in place of run; another Python, in which nothing is interpreted, compiles
them. Registers and spills are read from the binary, the widths of loads and stores from the text before it, PTX.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.kernels.interpreter import VARIABLE, is_jitted

TYPES = {torch.float32: "fp32", torch.float64: "fp64", torch.bfloat16: "bf16", torch.float16: "fp16",
         torch.int64: "i64", torch.int32: "i32", torch.bool: "i1"}


class NotCompiled(RuntimeError):
    """The compiler refuses, or there is none; the message says why."""


@dataclass(frozen=True)
class Launch:
    """A kernel as it was launched: its text with what it refers to, and its arguments as the compiler takes them."""

    name: str
    text: str
    signature: dict[str, str]
    constants: dict[str, Any]
    aligned: list[int]
    options: dict[str, Any]


@dataclass(frozen=True)
class Code:
    """What was made of a kernel, for one thread.

    Attributes:
        kernel: Its name.
        constants: Of its launch, e.g. {"BLOCK": 1024}.
        registers: Of 32 bits; 255 at most.
        spilled: Bytes that found no register and go to memory.
        accesses: Number of loads from and stores to memory in the text, by their width in bits.
    """

    kernel: str
    constants: dict[str, Any]
    registers: int
    spilled: int
    accesses: dict[int, int]


def launches(function: Callable, *args: Any) -> list[Launch]:
    """The launches of a call, none of which happens; empty for a function in plain torch.

    What the function raises before its first launch is raised; later, what it makes of results that never came is its
    own affair.
    """
    noted: list[Launch] = []
    with _noting(function, noted):
        try:
            function(*args)
        except (ValueError, IndexError, RuntimeError):
            if not noted:
                raise
    return noted


def read(function: Callable, *args: Any, blocks: Sequence[int] = (), arch: int = 90) -> list[Code]:
    """What the compiler makes of the first kernel that a call launches.

    Args:
        function: It launches kernels, defined inside of it or beside.
        args: Its arguments; they are not changed.
        blocks: Sizes to compile it for in place of its own; for a kernel with one constant that has BLOCK in its name.
        arch: The GPU's compute capability: 90 is that of H100 and H200, 80 A100's, 89 RTX 4090's.

    Returns:
        one, or one for each block; empty where nothing is launched.

    Raises:
        NotCompiled: Triton is missing, or cannot compile the kernel.
        Exception: What the function raises before it launches anything.
    """
    first = launches(function, *args)[:1]
    jobs = [replace(launch, constants=launch.constants | {_block_of(launch): block})
            for launch in first for block in blocks] or first
    return _compile(jobs, arch) if jobs else []


def _block_of(launch: Launch) -> str:
    names = [name for name in launch.constants if "BLOCK" in name.upper()]
    if len(names) != 1:
        raise NotCompiled(f"`{launch.name}` has {len(names)} constants with BLOCK in their names, and one is wanted.")
    return names[0]


# ---- noting launches


@contextlib.contextmanager
def _noting(function: Callable, noted: list[Launch]) -> Iterator[None]:
    import triton

    names = inspect.unwrap(function).__globals__
    kernels = {name: f for name, f in names.items() if is_jitted(f)}
    real = triton.jit
    triton.jit = lambda fn=None, **_: _Noted(fn, noted) if fn else (lambda f: _Noted(f, noted))
    names.update({name: _Noted(f.fn, noted) for name, f in kernels.items()})
    try:
        yield
    finally:
        triton.jit = real
        names.update(kernels)


class _Noted:
    """In a kernel's place: it is launched like one, and only notes that."""

    def __init__(self, fn: Callable, noted: list[Launch]):
        self.fn, self.noted = fn, noted

    def __getitem__(self, grid: Any) -> Callable:
        return self._note

    def _note(self, *args: Any, **given: Any) -> None:
        parameters = inspect.signature(self.fn).parameters
        options = {name: value for name, value in given.items() if name not in parameters}
        bound = inspect.signature(self.fn).bind(*args, **{n: v for n, v in given.items() if n in parameters})
        bound.apply_defaults()
        constants = {name: value for name, value in bound.arguments.items()
                     if value is None or "constexpr" in str(parameters[name].annotation)}
        types = {name: "constexpr" if name in constants else _type(x) for name, x in bound.arguments.items()}
        aligned = [i for i, (name, x) in enumerate(bound.arguments.items()) if name not in constants and _is_aligned(x)]
        self.noted.append(Launch(self.fn.__name__, _text(self.fn), types, constants, aligned, options))


def _type(x: Any) -> str:
    if isinstance(x, Tensor):
        return f"*{TYPES[x.dtype]}"
    if isinstance(x, bool):
        return "i1"
    return ("i32" if abs(x) < 2**31 else "i64") if isinstance(x, int) else "fp32"


def _is_aligned(x: Any) -> bool:
    """As Triton looks at arguments: what 16 divides allows wide accesses."""
    if isinstance(x, Tensor):
        return x.data_ptr() % 16 == 0
    return isinstance(x, int) and not isinstance(x, bool) and x % 16 == 0


def _text(fn: Callable) -> str:
    """A kernel as a file of its own, after the numbers and kernels that it refers to."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
    tree.decorator_list = []
    parts = [f"@triton.jit\n{ast.unparse(tree)}"]
    for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}):
        value = fn.__globals__.get(name)
        if isinstance(value, _Noted) or is_jitted(value):
            parts.insert(0, _text(value.fn))
        elif isinstance(value, (int, float)):
            parts.insert(0, f"{name} = tl.constexpr({value!r})")
        elif type(value).__name__ == "constexpr":
            parts.insert(0, f"{name} = tl.constexpr({value.value!r})")
    return "\n\n".join(parts)


# ---- compiling, in a Python of its own


def _compile(jobs: list[Launch], arch: int) -> list[Code]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.py"
        file.write_text(f"import triton\nimport triton.language as tl\n\n{jobs[0].text}\n", encoding="utf-8")
        told = [{"signature": job.signature, "constants": job.constants, "aligned": job.aligned,
                 "options": job.options} for job in jobs]
        order = json.dumps({"file": str(file), "name": jobs[0].name, "arch": arch, "jobs": told})
        environment = os.environ | {VARIABLE: "0", "TRITON_CACHE_DIR": folder}
        done = subprocess.run([sys.executable, str(Path(__file__).with_name("ahead_compiler.py"))], input=order,
                              capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise NotCompiled(done.stderr.strip().rsplit("\n", 1)[-1] or "Triton's compiler ended without a word.")
    return [Code(job.name, job.constants, made["registers"], made["spilled"], _widths(made["ptx"]))
            for job, made in zip(jobs, json.loads(done.stdout), strict=True)]


def _widths(ptx: str) -> dict[int, int]:
    """Bits of an access to the number of such accesses to global memory."""
    counts: dict[int, int] = {}
    for vector, bits in re.findall(r"\b(?:ld|st)\.global(?:\.\w+(?:::\w+)*)*?(?:\.v(\d))?\.[bfsu](\d+)\b", ptx):
        width = int(vector or 1) * int(bits)
        counts[width] = counts.get(width, 0) + 1
    return counts
