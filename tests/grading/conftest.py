"""Whether this machine has a sandbox."""

from __future__ import annotations

from functools import cache

import pytest
from conftest import require

from course_utils.grading.rooms.room import Rooms, SandboxError, self_test


@cache
def why_not() -> str:
    """Why the sandbox does not work here; empty when it does."""
    try:
        self_test(Rooms())
    except SandboxError as e:
        return str(e)
    return ""


@pytest.fixture
def sandbox() -> None:
    """Skips, or fails where it is required, without a working sandbox."""
    require("sandbox", not why_not(), why_not())
