"""Whether this machine has a sandbox; what the tests of clusters share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from conftest import require

from course_utils.grading.rooms.room import RoomFactory, SandboxError, run_self_test


@cache
def why_not() -> str:
    """Why the sandbox does not work here; empty when it does."""
    try:
        run_self_test(RoomFactory())
    except SandboxError as e:
        return str(e)
    return ""


@pytest.fixture
def sandbox() -> None:
    """Skips, or fails where it is required, without a working sandbox."""
    require("sandbox", not why_not(), why_not())


@pytest.fixture
def quick(monkeypatch) -> None:
    """Workers grade without a room."""
    from grading.clusters import Quick

    from course_utils.grading import dask_pool

    monkeypatch.setattr(dask_pool, "GraderProcess", Quick)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> tuple[Path, Path, Path]:
    """The files of an authority's certificate, of one that it gave, and of that one's key."""
    from grading.clusters import certificates_in

    return certificates_in(tmp_path_factory.mktemp("tls"))
