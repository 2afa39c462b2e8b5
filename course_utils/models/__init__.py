"""Networks, one file each: `models/NAME.py` with `NETWORK = TheClass` is the network NAME."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

from torch import nn


def names() -> list[str]:
    """The names of all networks."""
    return sorted(file.name for file in pkgutil.iter_modules(__path__) if _network(file.name))


def build(name: str, args: dict[str, Any]) -> nn.Module:
    """A freshly initialised network: `build("unet", {"dim": 24, "condition_dim": 64})`.

    Args:
        name: Its file's name.
        args: Its constructor's arguments.

    Raises:
        ValueError: There is no such network, or its constructor does not take these arguments.
    """
    network = _network(name) if name in (file.name for file in pkgutil.iter_modules(__path__)) else None
    if network is None:
        raise ValueError(f"There is no network {name}; there are: {', '.join(names())}.")
    try:
        inspect.signature(network).bind(**args)
    except TypeError as e:
        takes = ", ".join(inspect.signature(network).parameters)
        raise ValueError(f"The network {name} takes {takes}: {e}.") from None
    return network(**args)


def _network(file: str) -> type[nn.Module] | None:
    """The class that a file says is a network; what networks share lies in files without one."""
    return getattr(importlib.import_module(f"{__name__}.{file}"), "NETWORK", None)
