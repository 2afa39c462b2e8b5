"""What every test may use, and the order in which files are started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def require(feature: str, available: bool, reason: str) -> None:
    """Goes on when the machine has `feature`; else skips for a user, and fails where COURSE_REQUIRE names it.

    Args:
        feature: "browser", "sandbox" or "gpu".
        available: Whether this machine has it.
        reason: One sentence for the user: what is missing and how to get it.
    """
    if available:
        return
    if feature in os.environ.get("COURSE_REQUIRE", "").split(","):
        pytest.fail(f"COURSE_REQUIRE names {feature}: {reason}", pytrace=False)
    pytest.skip(reason)


@contextlib.contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Drops the rights of root, who can read everything, and lets everybody pass through the folder and those above."""
    root = os.geteuid() == 0
    if root:
        for place in (folder, *folder.parents):
            place.chmod(place.stat().st_mode & 0o7777 | 0o111)
        os.setegid(65534)
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first, so that no process ends the run alone with the longest one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
