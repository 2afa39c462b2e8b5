"""Control groups: a room's processes together, in version 1 and 2, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from grading.test_warm import with_module

from course_utils.grading.rooms import cgroups, room
from course_utils.grading.rooms.limits import Limits, MiB
from course_utils.grading.rooms.room import RoomFactory, SandboxError, run_self_test
from course_utils.grading.rooms.warm import WarmRoomFactory

FILES = {"memory": ["memory.max", "memory.swap.max"], "pids": ["pids.max"], "cpu": ["cpu.weight"]}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree of version 2 that behaves as the kernel's: a new group has files, and goes when no process is in it."""

    def mkdir(folder: Path) -> None:
        os.mkdir(folder)
        for controller in (folder.parent / "cgroup.subtree_control").read_text().split():
            for file in FILES[controller]:
                (folder / file).write_text("max")
        (folder / "cgroup.procs").write_text("")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", lambda folder: shutil.rmtree(folder))
    mount, proc = tmp_path / "cgroup", tmp_path / "proc"
    for folder in (mount, mount / "user.slice", mount / "user.slice/app.scope", proc):
        os.mkdir(folder)
    (mount / "cgroup.subtree_control").write_text("cpu memory pids")
    (mount / "user.slice/cgroup.subtree_control").write_text("memory pids")
    (mount / "user.slice/app.scope/cgroup.subtree_control").write_text("")
    (proc / "cgroup").write_text("0::/user.slice/app.scope\n")
    (proc / "mountinfo").write_text(f"30 20 0:26 / {mount} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
                                    "22 20 0:5 / /dev rw - devtmpfs x rw\n")
    return mount, proc


def test_version_2_takes_the_nearest_group_that_gives_controllers(tree):
    mount, proc = tree
    assert cgroups.find_candidates(proc) == {mount / "user.slice": {"memory", "pids"}}
    (proc / "cgroup").write_text("0::/user.slice/app.scope/not/seen/here\n")
    assert cgroups.find_candidates(proc) == {mount: {"cpu", "memory", "pids"}}


def test_version_1_takes_its_own_group_of_each_controller(tmp_path):
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n3:devices:/\n0::/\n")
    os.makedirs(tmp_path / "memory/box")
    (tmp_path / "mountinfo").write_text(
        f"1 0 0:1 /docker {tmp_path}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"2 0 0:2 /docker/a {tmp_path}/memory/box rw - cgroup cgroup rw,memory\n"
        f"3 0 0:3 / {tmp_path}/devices rw - cgroup cgroup rw,devices\n")
    assert cgroups.find_candidates(tmp_path) == {tmp_path / "cpu": {"cpu"}, tmp_path / "memory/box": {"memory"}}


def test_a_group_has_its_limits_and_goes_and_a_killed_graders_goes_too(tree, monkeypatch):
    mount, proc = tree
    parent = mount / "user.slice"
    candidates = cgroups.find_candidates
    monkeypatch.setattr(cgroups, "find_candidates", lambda: candidates(proc))
    dead, living = parent / f"{cgroups.PREFIX}4194999-1", parent / f"{cgroups.PREFIX}{os.getpid()}-x"
    dead.mkdir()
    living.mkdir()
    cgroups.find_usable.cache_clear()
    try:
        with cgroups.make_groups(Limits(room_memory=MiB, processes=10)) as (procs,):
            assert procs.name == "cgroup.procs" and procs.parent.parent == parent
            values = {file: (procs.parent / file).read_text() for file in FILES["memory"] + FILES["pids"]}
            assert values == {"memory.max": str(MiB), "memory.swap.max": "0",
                              "pids.max": str(10 + cgroups.OWN_PROCESSES)}
        assert not procs.parent.exists() and not dead.exists() and living.exists()
    finally:
        cgroups.find_usable.cache_clear()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("kind", [RoomFactory, WarmRoomFactory])
def test_without_groups_rooms_are_made_all_the_same(monkeypatch, kind):
    monkeypatch.setattr(cgroups, "find_usable", dict)
    assert run_self_test(kind()) is None


FILLS = """
import os, sys
def fill(where):
    children = []
    for i in range(4):
        reading, writing = os.pipe()
        children.append(os.fork())
        if children[-1] == 0:
            held = b"x" * (40 << 20) if where == "memory" else None
            if held is None:
                with open(f"{where}/{i}", "wb") as file: file.write(b"x" * (40 << 20))
            os.write(writing, b".")
            os.read(0, 1)
        os.close(writing)
        os.read(reading, 1)
    return sum(os.waitpid(child, os.WNOHANG)[0] == 0 for child in children)
print(fill(sys.argv[1]), flush=True)
os._exit(0)
"""


@pytest.mark.usefixtures("sandbox")
@pytest.mark.skipif(not any("memory" in has for has in cgroups.find_usable().values()),
                    reason="no writable control groups")
@pytest.mark.parametrize("kind", [RoomFactory, WarmRoomFactory])
@pytest.mark.parametrize("where", ["memory", "/tmp", "/dev/shm"])
def test_what_a_room_holds_together_is_bounded(tmp_path, kind, where):
    staged, limits = with_module(tmp_path / "staged", "fills", FILLS), Limits(room_memory=96 * MiB, scratch=256 * MiB)
    with closing(kind(limits)) as rooms, rooms.open(staged, "fills", where) as room:
        filled = room.stdout.read()
    assert not filled or int(filled) < 4  # the kernel may also have ended the parent
    with closing(kind(Limits(scratch=256 * MiB))) as rooms, rooms.open(staged, "fills", where) as room:
        assert json.loads(room.stdout.read()) == 4
    assert not [left for parent in cgroups.find_usable() for left in parent.glob(f"{cgroups.PREFIX}{os.getpid()}-*")]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.skipif(not any("memory" in has for has in cgroups.find_usable().values()),
                    reason="no writable control groups")
@pytest.mark.parametrize("kind", [RoomFactory, WarmRoomFactory])
def test_the_self_test_names_a_group_that_does_not_hold(monkeypatch, kind):
    def loose(limits):
        return whole(Limits(room_memory=1 << 40, processes=4000))

    whole = cgroups.make_groups
    monkeypatch.setattr(room.cgroups, "make_groups", loose)
    with pytest.raises(SandboxError, match="many processes in a room, much memory in a room"):
        run_self_test(kind(Limits(processes=16)))
