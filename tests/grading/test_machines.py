"""On whatever machine the course lies: nothing of it, of a class or of an exchange is seen from a room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from grading import machines

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.mark.parametrize("user", [[], ["31234"]], ids=["root", "user"])
@pytest.mark.parametrize("kind", ["tarball", "apt"])
def test_nothing_that_lies_around_is_seen(kind, user):
    if os.geteuid():
        pytest.skip("only root can cover a machine's folders")
    if kind == "tarball" and Path(sys.base_prefix).is_relative_to("/usr"):
        pytest.skip("this Python is the system's own")
    if kind == "apt" and not Path("/usr/bin", machines.VERSION).exists():
        pytest.skip("the system has no Python of this version")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, machines.__file__, kind, *user]
    got = subprocess.run(command, capture_output=True, text=True, check=False)
    assert got.returncode == 0, got.stderr
    outside, *rooms = json.loads(got.stdout)
    assert len(outside["found"]) >= len(machines.ELSEWHERE) + 2 and outside["git"] == machines.CANARY
    assert rooms == [{"found": [], "course": "/room/course_utils/__init__.py", "git": "", "torch": True}] * 2
