"""In a room, the place of a module that only demo cells use: whatever it is asked for may be called, and does nothing.

So a changed demo cell's imports come through, with the functions below them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Nothing:
    """Has every attribute, takes every argument and holds no item."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Nothing:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def __getattr__(name: str) -> Nothing:
    return getattr(Nothing(), name)
