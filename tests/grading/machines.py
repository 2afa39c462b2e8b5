"""Machines made up for a moment, where the course, a class and Python lie at odd places; a program that root runs.

    unshare --mount --propagation private python machines.py tarball|apt [USER]

Folders of this machine are covered, for this process alone. Everywhere lies work that no room may see; the made-up
machine's Python, as root or as USER, looks for it from a cold and a warm room and prints what it found as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

ASIDE, COURSE, ENVIRONMENT = Path("/mnt"), Path("/usr/src/course"), Path("/srv/lab/env")
SYSTEM = Path("/usr/lib/python3/dist-packages")
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
CANARY = "CANARY"
COVERED = ["/usr/src", "/usr/share/class", "/usr/local/report", "/usr/local/share", "/srv"]
ELSEWHERE = ["/usr/src/class.zip", "/usr/src/class/ada/05_ddpm.ipynb", "/usr/local/report/students/ada.html",
             "/usr/local/share/nbgrader/exchange/ddpm/inbound/ada+ps1/05_ddpm.ipynb", "/usr/share/class/05_ddpm.ipynb",
             f"{SYSTEM}/course_utils/answers.py", f"{COURSE}/.git/HEAD", f"{COURSE}/solutions/05_ddpm.py"]
LOOK = """
import importlib.util, json, os, subprocess, sys
import course_utils
def holds(path):
    try: return bool(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError: return False
git = ["/usr/bin/git", "-c", "safe.directory=*", "-C", "/usr/src/course", "show", "HEAD:answers.py"]
print(json.dumps({"found": list(filter(holds, json.loads(sys.argv[1]))), "course": course_utils.__file__,
                  "git": subprocess.run(git, capture_output=True, text=True).stdout,
                  "torch": bool(importlib.util.find_spec("torch"))}), flush=True)
"""


def make(kind: str) -> tuple[str, list[str]]:
    """Makes the machine; returns its Python, and the files that no room may see."""
    base, packages = Path(sys.base_prefix), next(path for path in sys.path if path.endswith("site-packages"))
    _mount("-t", "tmpfs", "none", ASIDE)
    for source, name in ((Path(__file__).parents[2], "course"), (packages, "packages"), (base, "python")):
        _mount("--bind", source, ASIDE / name)
    for folder in map(Path, COVERED):
        _mount("-t", "tmpfs", "none", folder)
    _layer(SYSTEM, SYSTEM)
    python, own, hidden = (_of_the_system if kind == "apt" else _of_an_archive)(base)
    for name in ("course_utils", "solutions"):
        _mount("--bind", ASIDE / "course" / name, COURSE / name)
    (own / "_course.pth").write_text(f"{COURSE}\n")  # installed so that it can be edited
    _commit(COURSE, "answers.py")
    hidden += [*ELSEWHERE, f"{own}/torchcfm.py", f"{own}/diffusers/answers.py"]
    for path in (p for p in map(Path, hidden) if not p.exists()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CANARY)
    return python, hidden


def _of_an_archive(base: Path) -> tuple[str, Path, list[str]]:
    """A Python that was unpacked anywhere, whose own packages hold answers, and an environment made by it."""
    _mount("-t", "tmpfs", "none", Path(*base.parts[:2]))  # such as /root, which nobody else can pass
    _mount("--bind", ASIDE / "python", base)
    _mount("-t", "tmpfs", "none", base / "lib" / VERSION / "site-packages")
    own, python = ENVIRONMENT / "lib" / VERSION / "site-packages", ENVIRONMENT / "bin/python"
    _layer(ASIDE / "packages", own)
    python.parent.mkdir()
    python.symlink_to(base / "bin" / VERSION)
    (ENVIRONMENT / "pyvenv.cfg").write_text(f"home = {base}/bin\ninclude-system-site-packages = false\n")
    return str(python), own, [f"{base}/lib/{VERSION}/site-packages/course_utils/answers.py"]


def _of_the_system(base: Path) -> tuple[str, Path, list[str]]:
    """The system's Python, with packages where `pip install` as root puts them."""
    own = Path("/usr/local/lib", VERSION, "dist-packages")
    _layer(ASIDE / "packages", own)
    return "/usr/bin/python3", own, []


def _mount(*words: object) -> None:
    Path(words[-1]).mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *map(str, words)], check=True)


def _layer(below: Path, at: Path) -> None:
    """Shows a folder, such that what is written there stays in memory."""
    upper, work = (Path(tempfile.mkdtemp(dir=ASIDE)) for _ in range(2))
    upper.chmod(0o755)
    _mount("-t", "overlay", "none", "-o", f"lowerdir={below},upperdir={upper},workdir={work}", at)


def _commit(folder: Path, name: str) -> None:
    """Leaves a file in the folder's history only."""
    (folder / name).write_text(CANARY)
    for words in (["init", "-q"], ["add", name], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", folder, *words], check=True)
    (folder / name).unlink()


def look(hidden: list[str]) -> list[dict[str, object]]:
    """What is found outside, and in a room of each kind after its self-test."""
    from course_utils.grading.rooms.room import RoomFactory, run_self_test
    from course_utils.grading.rooms.stage import stage_plain
    from course_utils.grading.rooms.warm import WarmRoomFactory

    outside = subprocess.run([sys.executable, "-c", LOOK, json.dumps(hidden)], capture_output=True, check=True)
    found = [json.loads(outside.stdout)]
    for kind in (RoomFactory, WarmRoomFactory):
        private = (COURSE, Path("/usr/src/class.zip"), Path("/usr/local/report"))
        with tempfile.TemporaryDirectory() as folder, closing(kind(private=private)) as rooms:
            run_self_test(rooms)
            staged = stage_plain(Path(folder) / "staged")
            (staged / "look.py").write_text(LOOK)
            with rooms.open(staged, "look", json.dumps(hidden)) as room:
                found.append(json.loads(room.stdout.readline() or json.dumps(room.stderr.read().decode())))
    return found


if __name__ == "__main__":
    if sys.argv[1] == "look":
        print(json.dumps(look(json.loads(sys.argv[2]))))
    else:
        kind, *user = sys.argv[1:]
        python, hidden = make(kind)
        become = [word for id in user for word in ("setpriv", f"--reuid={id}", f"--regid={id}", "--clear-groups")]
        command = [*become, python, "-B", str(ASIDE / "course/tests/grading/machines.py"), "look", json.dumps(hidden)]
        os.chdir("/")
        os.execvpe(command[0], command, {"PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"})
