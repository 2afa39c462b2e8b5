"""The students' bundle, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import cli


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Path:
    """The folder that `course release` makes, with its zip file and the wheel beside it."""
    folder = tmp_path_factory.mktemp("release") / "the course"
    assert cli.main(["release", "--out", str(folder), "--zip"]) == 0
    return folder
