"""The process keeps freed memory where malloc is glibc's, and nothing is touched elsewhere."""

from __future__ import annotations

import ctypes
import platform
from types import SimpleNamespace

import pytest

from course_utils import memory


@pytest.mark.parametrize("libc, asked", [("glibc", {-1: 2**31 - 1, -3: 32 << 20}), ("", {})])
def test_only_glibc_is_asked_to_keep_memory(monkeypatch, libc, asked):
    said: dict[int, int] = {}
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, "2.39"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=said.__setitem__))
    memory.keep()
    assert said == asked


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
def test_glibc_takes_the_largest_block():
    assert ctypes.CDLL(None).mallopt(memory.M_MMAP_THRESHOLD, memory.LARGEST_BLOCK) == 1
