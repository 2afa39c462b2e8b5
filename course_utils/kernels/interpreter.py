"""Triton's interpreter, switched on or off for a while, and a watch over what interpreted programs load and store.

Triton decides by the variable TRITON_INTERPRET, for the functions that it brings (`tl.sum`) when it is imported, and
for anybody's kernel when that is decorated. So a process can do one of the two only, unless those are exchanged.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import numpy as np

VARIABLE = "TRITON_INTERPRET"


@dataclass(frozen=True)
class Access:
    """What one program reads or writes by one call.

    Attributes:
        kind: "load", "store" or "atomic_add".
        program: Its number on each of the three axes.
        addresses: (n,) int64, in bytes, of the elements that are touched.
        masked: (m,) int64, of those that the mask keeps it from.
        itemsize: Bytes of an element.
        values: (n,) what is stored or added; None of a load.
    """

    kind: str
    program: tuple[int, int, int]
    addresses: np.ndarray
    masked: np.ndarray
    itemsize: int
    values: np.ndarray | None = None


def available() -> bool:
    """Whether Triton is installed."""
    try:
        import triton  # noqa: F401
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def language(*, interpreted: bool) -> Iterator[None]:
    """Inside, kernels that are decorated and Triton's own functions are interpreted, or else made for the compiler.

    Afterwards all of Triton's language is as it was: an interpreted function of its own leaves some of it exchanged.
    """
    import triton.language as tl

    before, variable = [(owner, dict(vars(owner))) for owner in _owners()], os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(int(interpreted))
    try:
        for owner in (tl, tl.standard, tl.random):
            for name, f in list(vars(owner).items()):
                if is_jitted(f):
                    setattr(owner, name, _make(f.fn, interpreted))
                    if name in vars(tl.tensor):  # x.sum() besides tl.sum(x)
                        setattr(tl.tensor, name, _method(f.fn) if interpreted else _make(f.fn, False))
        yield
    finally:
        os.environ.pop(VARIABLE) if variable is None else os.environ.update({VARIABLE: variable})
        for owner, names in before:
            _put_back(owner, names)


def _owners() -> list[Any]:
    """The modules and classes in which the interpreter exchanges functions."""
    import triton.language as tl

    classes = (tl.tensor, tl.dtype, getattr(tl.core, "tensor_descriptor_base", tl.tensor))
    return [tl, tl.core, tl.math, tl.standard, tl.random, *classes]


def _put_back(owner: Any, names: dict[str, Any]) -> None:
    for name, value in list(vars(owner).items()):
        if name not in names:
            if isinstance(owner, type):  # what comes into a module is what rewritten functions need there
                delattr(owner, name)
        elif value is not names[name] and not name.startswith("__"):
            setattr(owner, name, names[name])
    for special in ("__index__", "__bool__", "__repr__", "__str__"):
        if special in names and vars(owner)[special] is not names[special]:
            setattr(owner, special, names[special])


def is_jitted(f: Any) -> bool:
    """Whether f is what `triton.jit` makes of a function."""
    from triton.runtime.jit import KernelInterface

    return isinstance(f, KernelInterface)


@cache
def _make(function: Callable, interpreted: bool) -> Callable:
    """A function of Triton's, decorated anew; called first while the variable says how."""
    import triton

    return triton.jit(function)


def _method(function: Callable) -> Callable:
    return lambda *args, **options: _make(function, True)(*args, **options)


@contextlib.contextmanager
def watch_accesses(note: Callable[[Access], None], undefined: float | None = None) -> Iterator[None]:
    """Inside, kernels are interpreted, and `note` is told of every access to memory before it happens.

    What `note` raises keeps it from happening. Without Triton there is nothing to watch.

    Args:
        note: Is told of an access.
        undefined: What a masked lane holds that was loaded without `other=`, where a compiled kernel may find anything;
            None leaves the interpreter's 0.
    """
    if not available():
        yield
        return
    import triton.language as tl

    with language(interpreted=True), np.errstate(all="ignore"):  # numpy warns of 0 / 0, which a GPU does not
        for kind in ("load", "store", "atomic_add"):
            setattr(tl, kind, _watching(kind, getattr(tl, kind), note, undefined))
        yield


def _watching(kind: str, real: Callable, note: Callable[[Access], None], undefined: float | None) -> Callable:
    """`tl.load` or its like, which tells first; to Triton it is a function of its own as before."""
    import triton.language as tl

    @wraps(real)
    def call(pointer: Any, *args: Any, **options: Any) -> Any:
        given = dict(zip(("mask", "other") if kind == "load" else ("val", "mask"), args, strict=False)) | options
        if hasattr(getattr(pointer, "handle", None), "data"):
            program = tuple(tl.program_id(axis).handle.data.item() for axis in range(3))
            note(_access(kind, program, pointer, given.get("mask"), given.get("val", given.get("value"))))
            if kind == "load" and given.get("mask") is not None and given.get("other") is None \
                    and undefined is not None and pointer.dtype.element_ty.is_floating():
                return real(pointer, **given | {"other": undefined})
        return real(pointer, *args, **options)

    return call


def _access(kind: str, program: tuple[int, ...], pointer: Any, mask: Any, value: Any) -> Access:
    addresses, allowed, values = (_numbers(x) for x in (pointer, True if mask is None else mask, value))
    addresses, allowed, values = (x.ravel() for x in np.broadcast_arrays(addresses, allowed.astype(bool), values))
    itemsize = max(1, pointer.dtype.element_ty.primitive_bitwidth // 8)
    return Access(kind, program, addresses[allowed].astype(np.int64), addresses[~allowed].astype(np.int64), itemsize,
                  None if value is None else values[allowed])


def _numbers(x: Any) -> np.ndarray:
    """Of a tensor of Triton's, or of what it takes in place of one."""
    return np.asarray(x.handle.data if hasattr(x, "handle") else x)
