"""The networks behind a callable, so that whoever samples can bring them into evaluation mode."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

LIBRARIES = {"torch", "numpy", "course_utils", *sys.stdlib_module_names}  # code that holds no network of the caller's
FARTHEST = 1000  # objects that are looked at, in a millisecond or two
PLAIN = (Tensor, str, bytes, int, float, complex, type(None))


def networks(model: Any) -> Iterator[nn.Module]:
    """Every network that `model` is, is bound to, holds in an attribute or container, closes over, or names.

    The nearest are found first, and after FARTHEST objects the search ends: a name may lead to all of a program. What
    is computed only while it runs (`globals()[name]`, `getattr(self, name)`) cannot be found.
    """
    found, seen = [model], {id(model)}  # what is found is kept, so that no other object gets its id meanwhile
    for part in found:
        if isinstance(part, nn.Module):
            yield part
        for near in _parts(part):
            if len(found) < FARTHEST and id(near) not in seen and not isinstance(near, PLAIN):
                seen.add(id(near))
                found.append(near)


def _parts(part: Any) -> list[Any]:
    """What an object leads to in one step."""
    if isinstance(part, dict):
        return list(part.values())
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if isinstance(part, partial):
        return [part.func, *part.args, *part.keywords.values()]
    if isinstance(part, MethodType):
        return [part.__self__, part.__func__]
    if isinstance(part, staticmethod | classmethod):
        return [part.__func__]
    if isinstance(part, property):
        return [part.fget]
    if isinstance(part, FunctionType):
        return _of_function(part)
    if isinstance(part, ModuleType):
        return []
    return _of_class(part) if isinstance(part, type) else _of_object(part)


def _of_function(function: FunctionType) -> list[Any]:
    """What it closes over, its defaults, its own attributes, and the globals that its code names."""
    parts = [*vars(function).values(), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue
    if _foreign(function.__globals__.get("__name__")):
        return parts
    names = _names(function.__code__)
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    modules = [value for value in found if isinstance(value, ModuleType) and not _foreign(value.__name__)]
    return parts + found + [vars(module)[name] for module in modules for name in names if name in vars(module)]


def _names(code: CodeType) -> set[str]:
    """The names that code and the functions inside it look up when they run."""
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _of_object(part: Any) -> list[Any]:
    """Its attributes, in slots as well, and its class."""
    slots = (name for cls in type(part).__mro__ for name in _slots(cls))
    return [*getattr(part, "__dict__", {}).values(), *(getattr(part, name, None) for name in slots), type(part)]


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _of_class(cls: type) -> list[Any]:
    """Its own attributes and methods, and its bases'."""
    return [] if _foreign(cls.__module__) else [*vars(cls).values(), *cls.__bases__]


def _foreign(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in LIBRARIES
