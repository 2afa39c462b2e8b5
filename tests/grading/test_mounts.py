"""What a room sees of the machine is what is named: nothing else of the system, of Python or of what was installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from grading.test_room import inside, kind, rooms  # noqa: F401

from course_utils.grading.rooms import mounts
from course_utils.grading.rooms.room import RoomFactory, SandboxError, run_self_test

pytestmark = pytest.mark.usefixtures("sandbox")
PACKAGES = next(Path(p) for p in sys.path if p.endswith("site-packages"))


@pytest.fixture
def fresh(monkeypatch):
    """What is seen is looked up once in a process: a test that changes it begins and ends without that memory."""
    mounts._list_binds.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    mounts._list_binds.cache_clear()


def test_nothing_of_the_system_is_there_that_is_not_named(tmp_path, rooms):  # noqa: F811
    others = [f"{sys.base_prefix}/{name}" for name in ("include", "envs", "pkgs", "src")]
    if not Path(sys.base_prefix).is_relative_to("/usr"):  # else the system's own folders lie beside it
        others += [str(p) for p in Path(sys.base_prefix).parent.iterdir() if str(p) != sys.base_prefix]
    got = inside(rooms, tmp_path, f"""
        answer([os.listdir("/usr/share"), os.path.exists("/usr/src"), os.path.exists("/usr/local/share"),
                [p for p in {others!r} if os.path.exists(p)]])""")
    assert set(got[0]) <= set(mounts.SHARED) and got[1:] == [False, False, []]


def test_packages_of_other_pythons_are_empty(tmp_path, rooms):  # noqa: F811
    others = list(map(str, mounts._list_other_packages(mounts._list_shown())))
    assert others and all(map(os.listdir, others))
    assert inside(rooms, tmp_path, f"answer([os.listdir(p) for p in {others!r}])") == [[]] * len(others)


def test_what_is_private_in_a_folder_that_is_seen_is_covered_file_or_folder(tmp_path, kind):  # noqa: F811
    folder, file = PACKAGES / "nbformat", PACKAGES / "jupytext/__init__.py"
    got = inside(kind(private=(folder, file, folder / "v4")), tmp_path, f"""
        answer([os.listdir({str(folder)!r}), outcome(lambda: open({str(folder / "x")!r}, "w")),
                outcome(lambda: open({str(file)!r}).close()), os.path.exists({str(file.parent / "cli.py")!r})])""")
    assert got[0] == [] and got[1:] == ["OSError", "PermissionError", True]


def test_libraries_that_hold_the_answers_are_covered(tmp_path, rooms, fresh):  # noqa: F811
    answering = {PACKAGES / "course_utils", PACKAGES / "course_utils.py", PACKAGES / "diffusers"}
    assert answering <= set(mounts._list_answer_packages())
    fresh.setattr(mounts, "ANSWER_PACKAGES", ["jupytext"])
    assert inside(rooms, tmp_path, f"answer(os.listdir({str(PACKAGES / 'jupytext')!r}))") == []


def test_leases_watches_and_locks_are_refused(tmp_path, rooms):  # noqa: F811
    got = inside(rooms, tmp_path, """
        import fcntl
        mine, shared = open("/tmp/mine", "w+"), open(os.__file__)
        def number(command, argument):
            ctypes.set_errno(0)
            libc.syscall(72, *map(ctypes.c_long, (mine.fileno(), command | 1 << 32, argument)))
            return ctypes.get_errno()
        libc = ctypes.CDLL(None, use_errno=True)
        answer([outcome(lambda: fcntl.fcntl(mine, fcntl.F_SETLEASE, fcntl.F_WRLCK)),
                outcome(lambda: fcntl.fcntl(mine, fcntl.F_NOTIFY, fcntl.DN_ACCESS)),
                outcome(lambda: fcntl.flock(shared, fcntl.LOCK_SH)),
                outcome(lambda: fcntl.lockf(shared, fcntl.LOCK_SH)),
                outcome(lambda: fcntl.lockf(open("/dev/null", "w"), fcntl.LOCK_EX)),
                outcome(lambda: fcntl.fcntl(mine, 37, bytes(32))),
                libc.inotify_init1(0), number(1024, 1), number(1026, 1)])""")
    assert got[:7] == ["PermissionError", "PermissionError", "OSError", "OSError", "OSError", "OSError", -1]
    assert os.uname().machine != "x86_64" or got[7:] == [1, 1]


# ---- what is refused at the start ----------------------------------------------------------------------------------


def test_what_every_room_would_see_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "report").symlink_to(PACKAGES / "nbformat")
    for path, root in ((Path("/usr/lib/python3"), "/usr/lib"), (PACKAGES / "nbformat/__init__.py", str(PACKAGES)),
                       (tmp_path / "report", str(PACKAGES))):
        with pytest.raises(SandboxError, match=f"{path} lies in {root}, which every room sees"):
            run_self_test(RoomFactory(private=(Path("/usr/src"), path)))


def test_a_course_below_usr_src_or_around_its_environment_is_not_seen():
    course = Path(__file__).parents[2]
    assert mounts.find_exposed([Path("/usr/src"), Path(sys.prefix), Path(sys.prefix).parent, course]) == ""


def test_the_exchange_of_nbgrader_must_lie_elsewhere(monkeypatch):
    monkeypatch.setattr(mounts, "EXCHANGES", [PACKAGES / "nbformat"])
    with pytest.raises(SandboxError, match="nbformat lies in"):
        run_self_test(RoomFactory())


@pytest.mark.parametrize("path", ["/usr/bin/env", "/usr/lib"])
def test_the_self_test_looks_from_inside_for_what_is_private(monkeypatch, path):
    monkeypatch.setattr(mounts, "list_hidden", lambda private: ["/usr/src", path])
    with pytest.raises(SandboxError, match="seeing what lies outside"):
        run_self_test(RoomFactory())


def test_what_lies_in_a_private_folder_is_looked_for_but_not_what_leads_to_python(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "class.zip").touch()
    assert set(mounts.list_hidden([tmp_path])) >= {str(tmp_path / "ada"), str(tmp_path / "class.zip")}
    assert sys.prefix not in mounts.list_hidden([Path(sys.prefix).parent])


def test_of_a_conda_like_prefix_only_its_libraries_are_seen(tmp_path, monkeypatch):
    for name in ("lib/python3.11", "envs/other", "pkgs", "share", "src"):
        (tmp_path / "conda" / name).mkdir(parents=True)
    (tmp_path / "named").symlink_to(tmp_path / "conda")
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "named"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "named"))
    mine = [p for p in mounts._list_python_files() if p.is_relative_to(tmp_path)]
    assert mine == [tmp_path / "named/lib", tmp_path / "conda/lib"]
