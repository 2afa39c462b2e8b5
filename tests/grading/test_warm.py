"""A warm room cannot be told from a cold one; its fork server ends with the grader, and is replaced when it is lost."""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest
from grading.classroom import QUICK, ddpm, hand_in

from course_utils.grading import grade
from course_utils.grading.grader import Grader
from course_utils.grading.intake.layouts import find_submissions
from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.room import RoomFactory, RoomFailed
from course_utils.grading.rooms.stage import stage_plain
from course_utils.grading.rooms.warm import WarmRoomFactory

pytestmark = pytest.mark.usefixtures("sandbox")
LOOK = """
import json, os, resource, signal, sys
def read(path):
    with open(path) as file:
        return file.read()
status = dict(line.split(":", 1) for line in read("/proc/self/status").splitlines())
print(json.dumps({
    "rights": {k: status[k].split() for k in status if k.startswith(("Cap", "Uid", "Gid", "Groups", "NoNew", "Seccomp"))
               or k in ("Threads", "SigIgn", "SigCgt", "SigBlk")},
    "environment": dict(os.environ), "path": sys.path, "arguments": sys.argv[1:], "flags": str(sys.flags),
    "files": sorted(os.listdir("/proc/self/fd"))[:-1], "folder": os.getcwd(), "umask": os.umask(0),
    "limits": [resource.getrlimit(i) for i in range(16)],
    "mounts": {line.split()[4]: line.split()[5] for line in read("/proc/self/mountinfo").splitlines()},
    "names": [os.uname().nodename, os.listdir("/sys/class/net") if os.path.exists("/sys") else None],
    "group": read("/proc/self/cgroup"), "users": read("/proc/self/uid_map"),
    "modules": [getattr(m, "__file__", None) or "" for m in sys.modules.values()], "main": __name__,
}), flush=True)
"""


def with_module(folder: Path, name: str, code: str) -> Path:
    """A staged folder with a module that runs this code."""
    staged = stage_plain(folder)
    (staged / f"{name}.py").write_text(textwrap.dedent(code))
    os.chmod(staged / f"{name}.py", 0o644)
    return staged


def test_it_cannot_be_told_from_a_cold_room(tmp_path):
    staged = with_module(tmp_path / "staged", "look", LOOK)
    seen = {}
    for kind in (RoomFactory, WarmRoomFactory):
        with closing(kind(user=31_000)) as rooms, rooms.open(staged, "look", "one", "two", slot=3) as room:
            seen[kind] = json.loads(room.stdout.read() or room.stderr.read())
    modules = [file for file in seen[WarmRoomFactory].pop("modules") if "course_utils/" in file]
    assert len(modules) == 7 and all(file.startswith("/room/course_utils/") for file in modules), modules
    del seen[RoomFactory]["modules"]
    assert seen[WarmRoomFactory] == seen[RoomFactory]


FORK_SERVER = f"{sys.executable} -P -m course_utils.grading.rooms.fork_server sleep "


def fork_servers() -> list[int]:
    """The fork servers of rooms with the module `sleep` and all their forks, the oldest first."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if command.startswith(FORK_SERVER):
            found.append(int(pid))
    return sorted(found)


def soon(condition) -> bool:
    """Whether it becomes true within ten seconds."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


SLEEP = "import os, time\nif os.fork() == 0: os.setsid()\nprint('up', flush=True)\ntime.sleep(600)"


def test_nothing_outlives_a_room_or_the_rooms(tmp_path):
    staged = with_module(tmp_path / "staged", "sleep", SLEEP)
    rooms = WarmRoomFactory()
    with rooms.open(staged, "sleep") as room:
        assert room.stdout.readline() == room.stdout.readline() == b"up\n"
        assert len(fork_servers()) == 4  # itself, the launcher, the room's, and the daemon that this forked
        room.kill()
        assert room.stdout.read() == b""  # it ends when every process that holds the pipe has ended
    assert soon(lambda: len(fork_servers()) == 1)
    rooms.close()
    assert soon(lambda: not fork_servers())
    with rooms.open(staged, "sleep") as room:  # another
        assert room.stdout.readline()
    del rooms, room
    gc.collect()
    assert soon(lambda: not fork_servers())


def test_a_grader_that_is_killed_leaves_no_fork_server(tmp_path):
    staged = with_module(tmp_path / "staged", "sleep", SLEEP)
    code = (f"import sys\nfrom pathlib import Path\nfrom course_utils.grading.rooms.warm import WarmRoomFactory\n"
            f"with WarmRoomFactory().open(Path({str(staged)!r}), 'sleep') as room:\n"
            "    print(room.stdout.readline(), flush=True)\n    sys.stdin.read()")
    grader = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert grader.stdout.readline() and fork_servers()
    grader.send_signal(signal.SIGKILL)
    grader.communicate()
    assert soon(lambda: not fork_servers())


def test_a_fork_server_that_was_lost_is_the_graders_trouble_and_replaced(tmp_path):
    staged = with_module(tmp_path / "staged", "sleep", SLEEP)
    with closing(WarmRoomFactory()) as rooms:
        with pytest.raises(RoomFailed, match="it was killed"), rooms.open(staged, "sleep") as room:
            assert room.stdout.readline()
            os.kill(fork_servers()[0], signal.SIGKILL)
            while room.stdout.read(1):
                pass
        with rooms.open(staged, "sleep") as room:
            assert room.stdout.readline()


def test_a_fork_server_that_does_not_start_says_why(tmp_path):
    staged = with_module(tmp_path / "staged", "sleep", SLEEP)
    (staged / "course_utils/grading/rooms/limits.py").write_text("import no_such_library")
    with closing(WarmRoomFactory()) as rooms:
        with pytest.raises(RoomFailed, match="no_such_library"), rooms.open(staged, "sleep") as room:
            assert room.stdout.read() == b""


@pytest.mark.slow
def test_a_grade_survives_the_loss_of_its_fork_server(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", "ada", ddpm())
    with closing(WarmRoomFactory(QUICK)) as rooms:
        grader = Grader(rooms, 1, tmp_path / "staging")
        grader.add_keys(["05_ddpm"], ["ddpm.q_sample", "ddpm.extract"])
        (server,) = rooms._servers.values()
        judge, judged = sys.modules[Grader.__module__]._judge, []

        def then_lose(*arguments):
            judged.append(judge(*arguments))
            if len(judged) == 1:
                server._process.kill()
                server._process.wait()
            return judged[-1]

        monkeypatch.setattr(sys.modules[Grader.__module__], "_judge", then_lose)
        (ada,) = find_submissions(tmp_path / "in").submissions
        result = grader.grade(ada)
        assert not result.failed and result.total == 20 and len(judged) == 4


def test_rooms_can_be_sent_to_another_machine():
    rooms = WarmRoomFactory(Limits(cell=3), (Path("/x"),), user=30_000)
    assert pickle.loads(pickle.dumps(rooms)) == rooms


def test_without_a_sandbox_there_is_no_warm_start(tmp_path):
    hand_in(tmp_path / "in", "ada", ddpm())
    with pytest.raises(ValueError, match="sandbox"):
        list(grade(tmp_path / "in", tmp_path / "out", sandbox=False, warm=True))
