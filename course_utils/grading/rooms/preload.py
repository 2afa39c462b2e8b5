"""What is loaded before a notebook runs. Used inside a room, and once for many rooms by a fork server."""

from __future__ import annotations

import ctypes
import importlib
import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from course_utils.tasks.draws import fixed_draws

FONTS = Path(__file__).parents[3] / "cache/matplotlib"  # staged beside the library
OFTEN_IMPORTED = ["torch._dynamo", "torch.profiler", "matplotlib.pyplot", "scipy.stats", "einops", "tqdm.auto",
                  "PIL.Image", "IPython.core.inputtransformer2"]


@cache
def initialise_torch() -> None:
    """Loads what torch loads at its first use, once: forks of who has called it need it no more."""
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):  # a notebook begins with the state of a fresh Python
        y = torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 2, 2, requires_grad=True))
        y.backward(torch.ones_like(y))
        with fixed_draws():
            torch.randn(1)


def copy_fonts() -> None:
    """Copies matplotlib's list of fonts into its folder, which it wants writable."""
    shutil.copytree(FONTS, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)


def use_dotfile_locks() -> None:
    """Lets SQLite lock a database by a folder beside it, since a room is refused the locks that it takes else."""
    with suppress(ImportError, AttributeError, OSError):  # this Python may have no SQLite, or have it built in
        import _sqlite3

        sqlite = ctypes.CDLL(_sqlite3.__file__)
        sqlite.sqlite3_vfs_find.restype = ctypes.c_void_p
        sqlite.sqlite3_vfs_register(ctypes.c_void_p(sqlite.sqlite3_vfs_find(b"unix-dotfile")), 1)


def preload_all() -> None:
    """Also what takes long and only some notebooks use: the first optimizer alone imports 800 modules."""
    copy_fonts()
    use_dotfile_locks()
    initialise_torch()
    for name in OFTEN_IMPORTED:
        try:
            importlib.import_module(name)
        except ImportError:  # it is not installed; who needs it will be told so
            pass
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
