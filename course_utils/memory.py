"""The process's memory: what a step frees, the next step asks for again."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
LARGEST_BLOCK = 32 << 20  # bytes: the largest M_MMAP_THRESHOLD that every glibc takes
KEPT = 2**31 - 1  # bytes: the largest C int


def keep() -> None:
    """Lets the process keep the memory it freed; where malloc is not glibc's, nothing happens.

    By default glibc gives a step's activations back to the kernel, which clears every page before it hands it out
    again for the next step.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT)
