"""What lies around a class while it is graded: canaries, listeners, a fingerprint; and what is left afterwards."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import resource
import secrets
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from unittest import mock

from course_utils import notebooks
from course_utils.grading.records import load_all
from course_utils.grading.reports.classlist import SCRIPT
from course_utils.grading.rooms import cgroups, client
from course_utils.grading.rooms.limits import Limits

REPOSITORY = Path(notebooks.__file__).parents[1]
CANARY = re.compile(rb"CANARY-[0-9a-f]{16}")
RAW = re.compile(r"<(script|img|iframe|svg)\b|javascript:", re.I)  # none of these is in a page of ours, but its script
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Watch(threading.Thread):
    """Looks five times a second at what is taken of the machine; what else runs there counts, too.

    Attributes:
        peaks: The most that was taken, since the start: MiB of memory, processes, descriptors of this process, and MiB
            of memory of this process.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.peaks, self._over = {}, threading.Event()

    def run(self) -> None:
        before = self._taken()
        while not self._over.wait(0.2):
            for name, value in self._taken().items():
                self.peaks[name] = max(self.peaks.get(name, 0), value - before[name])

    def stop(self) -> None:
        self._over.set()
        self.join()

    @staticmethod
    def _taken() -> dict[str, int]:
        available = int(re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())[1])
        return {"memory": -available // 1024, "processes": len([*filter(str.isdigit, os.listdir("/proc"))]),
                "descriptors": len(os.listdir("/proc/self/fd")),
                "own memory": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20}

    def faults(self, limits: Limits, jobs: int) -> str:
        """What was taken beyond the rooms' limits, with some more for what else runs; not counted, it has no limit."""
        counted = set().union(*cgroups.find_usable().values())
        most = {"own memory": 1000, "descriptors": 50 + 30 * jobs}
        most |= {"memory": 4000 + jobs * (limits.room_memory >> 20)} if "memory" in counted else {}
        most |= {"processes": 200 + jobs * (limits.processes + cgroups.OWN_PROCESSES)} if "pids" in counted else {}
        return " ".join(f"{self.peaks[name]} {name}" for name in most if self.peaks.get(name, 0) > most[name])


class World:
    """Folders for submissions and report among canaries, on the way in; open until looked at.

    Attributes:
        submissions, report: The folders that the grader is given.
        seed: The run's secret.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.submissions, self.report, self.home = folder / "submissions", folder / "report", folder / "home"
        self.seed = int(f"4242424{secrets.randbelow(10**12):012}")  # whoever looks for it knows how it begins
        self.canary = f"CANARY-{secrets.token_hex(8)}"
        self.abstract = f"listener-{secrets.token_hex(8)}"  # stands in a notebook, as the canary must not
        self.late: list[float] = []
        self.watch = Watch()
        self.before: dict[str, str] = {}

    def __enter__(self) -> World:
        for path in (self.submissions, self.home, self.folder / "tmp"):
            path.mkdir(parents=True)
        for name in ("gradebook.csv", ".bashrc", "id_ed25519"):
            (self.home / name).write_text(self.canary)
        self._listen()
        self._patched = [
            mock.patch.dict(os.environ, {"COURSE_CANARY": self.canary, "TMPDIR": str(self.folder / "tmp")}),
            mock.patch.object(tempfile, "tempdir", str(self.folder / "tmp")),
            mock.patch.object(client.RoomClient, "ask", self._timed(client.RoomClient.ask))]
        for patch in self._patched:
            patch.start()
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()
        for patch in self._patched:
            patch.stop()
        for listener in self.listeners:
            listener.close()
        shutil.rmtree(Path(self.socket).parent)

    def _listen(self) -> None:
        tcp, udp = socket.create_server(("", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.socket = str(Path(tempfile.mkdtemp(prefix="listener-")) / "socket")  # a short path: it has 107 bytes
        path.bind(self.socket)
        abstract.bind("\0" + self.abstract)
        path.listen(), abstract.listen()
        self.port, self.udp_port = tcp.getsockname()[1], udp.getsockname()[1]
        self.listeners = [tcp, udp, path, abstract]
        for listener in self.listeners:
            listener.setblocking(False)

    def _timed(self, ask):
        def timed(talk, *args):
            start = time.monotonic()
            outcome = ask(talk, *args)
            if outcome.error == "Deadline" and time.monotonic() - start > 0.1:  # a lost room answers at once
                self.late.append(time.monotonic() - start - talk._limits.probe)
            return outcome
        return timed

    def fill(self, code: str) -> str:
        """The code of a piece with what it wants to find: `$PORT`, `$PLACES` and their like."""
        places = [self.submissions, self.report, self.report / "run.json", self.home, self.socket, notebooks.SOLUTIONS,
                  REPOSITORY / "course_utils/answers", REPOSITORY / "tests", Path.home() / ".bashrc", "/etc/passwd",
                  "/etc/shadow", "/root/.bashrc", "/sys/kernel", "/run/docker.sock", "/var/run/docker.sock"]
        known = {"$PORT": self.port, "$UDP_PORT": self.udp_port, "$SOCKET": self.socket, "$ABSTRACT": self.abstract,
                 "$PLACES": [str(p) for p in places], "$SUBMISSIONS": str(self.submissions),
                 "$SEED_DIGEST": hashlib.sha256(str(self.seed).encode()).hexdigest()}
        for name, value in sorted(known.items(), reverse=True):
            code = code.replace(name, repr(value))
        return code

    def remember(self) -> None:
        """Takes the fingerprint of what a submission must not change."""
        self.before = self._fingerprint()

    def _fingerprint(self) -> dict[str, str]:
        folders = [self.submissions, self.home, notebooks.SOLUTIONS, REPOSITORY / "course_utils"]
        found = {}
        for folder in folders:
            for at, names, files in os.walk(folder):
                names[:] = [n for n in names if n != "__pycache__"]
                for path in (os.path.join(at, name) for name in [*names, *files]):
                    status = os.lstat(path)
                    found[path] = f"{status.st_mode} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
        return found

    # ---- afterwards ------------------------------------------------------------------------------------------------

    def look_around(self, limits: Limits, jobs: int) -> dict[str, str]:
        """What should hold after any class, so many at one time, each with what is wrong, or nothing."""
        after = self._fingerprint()
        changed = [path for path in self.before.keys() | after.keys() if self.before.get(path) != after.get(path)]
        return {
            "nothing outside has changed": " ".join(sorted(changed)[:9]),
            "no listener was called": self._callers(),
            "no reply holds a canary or the seed": self._leaks(),
            "no process of a room is left": self._strays(),
            "no folder of a room is left": " ".join(os.listdir(self.folder / "tmp")),
            "the report is small, whole and plain text": self._report_faults(),
            "an answer is waited for no longer than allowed": self._too_late(),
            "the machine keeps what it has": self.watch.faults(limits, jobs),
        }

    def _callers(self) -> str:
        called = []
        for listener in self.listeners:
            try:
                called.append(listener.recv(64) if listener.type == socket.SOCK_DGRAM else listener.accept())
            except BlockingIOError:
                pass
        return str(called or "")

    def _leaks(self) -> str:
        said = b"".join(p.read_bytes() for p in self.report.rglob("*") if p.is_file() and p.name != "run.json")
        return "the seed" if str(self.seed).encode() in said else str(CANARY.findall(said) or "")

    def _strays(self) -> str:
        """Processes that see a folder of this class; given a moment, for the kernel ends them one after the other."""
        for _ in range(50):
            left = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if self._is_in_a_room(pid)]
            if not left:
                return ""
            time.sleep(0.1)
        return str(left)

    def _is_in_a_room(self, pid: str) -> bool:
        try:
            return str(self.folder / "tmp") in Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            return False

    def _report_faults(self) -> str:
        faults = [f"{p.name} has {p.stat().st_size} bytes" for p in self.report.rglob("*.*")
                  if p.is_file() and p.stat().st_size > 300_000]
        for path in [*self.report.rglob("*.html"), *self.report.rglob("*.csv"), *self.report.rglob("*.json")]:
            text = path.read_text("utf-8").replace(f"<script>{SCRIPT}</script>", "")  # the class's page has that alone
            faults += [f"{path.name} holds {m[0]!r}" for m in CONTROL.finditer(text)]
            faults += [f"{path.name} holds {m[0]!r}" for m in RAW.finditer(text) if path.suffix == ".html"]
        for path in self.report.rglob("*.csv"):
            cells = [cell for row in csv.reader(path.open(encoding="utf-8", newline="")) for cell in row]
            faults += [f"{path.name} has a formula: {cell}" for cell in cells if re.match("[-=+@－＝＋＠]", cell)]
        if len(load_all(self.report / "records")) != len(list((self.report / "records").iterdir())):
            faults.append("a record is not whole")
        return " ".join(faults[:5])

    def _too_late(self) -> str:
        return " ".join(f"{s:.1f} s late" for s in self.late if s > client.GRACE_SECONDS + 0.5)
