"""The students' bundle and the live figures' networks, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import cli
from course_utils.authoring import export


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Path:
    """The folder that `course release` makes, with its zip file and the wheel beside it."""
    folder = tmp_path_factory.mktemp("release") / "the course"
    assert cli.main(["release", "--out", str(folder), "--zip"]) == 0
    return folder


@pytest.fixture(scope="session")
def work(npm, tmp_path_factory) -> Path:
    """Where the site is made: the folder `live` in it holds the live figures' networks, which take long to write."""
    folder = tmp_path_factory.mktemp("work")
    export.export(folder / "live")
    return folder
