"""The set-up of `make lab` and `make test`, with a Python that only writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ["sh", "make", "awk", "sed", "df", "rm", "mkdir", "touch", "printf", "cp", "cat", "uname", "id", "find"]
PYTHON = """#!/bin/sh
echo "$*" >> asked
case "$*" in
  *"import ensurepip"*) exit {unsupported} ;;
  -IS*) exec {real} "$@" ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *"jupyter trust"*) if [ -e broken ]; then exit 1; fi ;;
  *"pip install"*) if [ -e offline ]; then exit 1; fi ;;
esac
"""


class Course:
    """A folder with the course's Makefile, and a PATH with nothing but a few tools and stand-ins."""

    def __init__(self, folder: Path):
        self.folder, self.bin = folder / "the course", folder / "bin"
        self.folder.mkdir()
        self.bin.mkdir()
        for name in ("Makefile", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")

    def tool(self, name: str, text: str) -> None:
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def python(self, name: str, supported: bool = True) -> None:
        self.tool(name, PYTHON.format(unsupported=int(not supported), real=sys.executable))

    def make(self, *words: str) -> subprocess.CompletedProcess:
        (self.folder / "asked").write_text("")
        return subprocess.run(["make", *words], cwd=self.folder, env={"PATH": str(self.bin), "HOME": os.devnull},
                              capture_output=True, text=True)

    def asked(self) -> str:
        return (self.folder / "asked").read_text()


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


def test_a_python_that_is_too_old_is_one_sentence(course):
    course.python("python3", supported=False)
    done = course.make("lab")
    assert done.returncode != 0
    told, *make = done.stderr.splitlines()
    assert told.startswith("The course needs Python 3.11, 3.12 or 3.13") and len(make) == 1
    assert not (course.folder / ".venv").exists()


def test_a_python_that_only_seems_to_be_there_is_passed_over(course):
    course.tool("python3.13", "#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    course.python("python3.11")
    assert course.make(".venv/ready").returncode == 0
    assert "-m venv .venv" in course.asked()


def test_a_full_disk_is_one_sentence(course):
    course.python("python3.12")
    course.tool("df", "#!/bin/sh\necho Filesystem\necho /dev/x 1 1 2500000 1% /\n")
    done = course.make("test")
    assert done.returncode != 0
    told, *make = done.stderr.splitlines()
    assert "GB of disk, and only 2 GB are free" in told and len(make) == 1
    assert not (course.folder / ".venv").exists()


def test_the_second_run_installs_nothing(course):
    course.python("python3.12")
    assert course.make(".venv/ready").returncode == 0
    assert "--no-build-isolation -e ." in course.asked()
    assert course.make("lab").returncode == 0
    assert "pip install" not in course.asked() and "jupyter lab" in course.asked()


def test_a_broken_notebook_does_not_keep_the_lab_shut(course):
    course.python("python3.12")
    (course.folder / "broken").touch()
    (course.folder / "notebooks").mkdir()
    (course.folder / "notebooks/my copy.ipynb").touch()
    assert course.make("lab", "ARGS=--no-browser").returncode == 0
    _, trusted, opened = course.asked().rsplit("-m ", 2)
    assert trusted.startswith("jupyter trust notebooks/my copy.ipynb")
    assert opened.startswith("jupyter lab") and "--no-browser" in opened


def test_changed_requirements_are_installed_into_the_same_environment(course):
    course.python("python3.12")
    course.make(".venv/ready")
    later = (course.folder / ".venv/ready").stat().st_mtime + 10
    os.utime(course.folder / "requirements.txt", (later, later))
    assert course.make(".venv/ready").returncode == 0
    assert "--no-build-isolation -e ." in course.asked() and "-m venv" not in course.asked()


def test_an_interrupted_installation_is_made_anew(course):
    course.python("python3.12")
    (course.folder / "offline").touch()
    assert course.make(".venv/ready").returncode != 0
    assert not (course.folder / ".venv/ready").exists()
    (course.folder / "offline").unlink()
    assert course.make(".venv/ready").returncode == 0
    assert "-m venv .venv" in course.asked()
    assert not (course.folder / ".venv/unfinished").exists()


def test_two_at_once_do_not_install_into_one_folder(course):
    course.python("python3.12")
    (course.folder / ".venv").mkdir()
    (course.folder / ".venv/unfinished").write_text(f"{os.getpid()}\n")
    done = course.make("test")
    assert done.returncode != 0 and f"Process {os.getpid()} is installing" in done.stderr
    assert "-m venv" not in course.asked() and (course.folder / ".venv/unfinished").exists()


def test_a_moved_folder_is_installed_again(course):
    course.python("python3.12")
    course.make(".venv/ready")
    course.folder = course.folder.rename(course.folder.with_name("elsewhere"))
    assert course.make("lab").returncode == 0
    assert "--no-build-isolation -e ." in course.asked() and "-m venv" not in course.asked()


def test_the_oldest_torch_is_that_of_the_requirements(course):
    course.python("python3.12")
    assert course.make(".venv-oldest/ready").returncode == 0
    oldest = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch>="))
    assert f"torch=={oldest.split()[0].removeprefix('torch>=')}.*" in course.asked()


def test_the_site_is_made_and_read_by_the_course_command(course):
    course.python("python3.12")
    assert course.make(".venv/ready").returncode == 0
    course.tool("course", "#!/bin/sh\necho \"course $*\" >> asked\n")
    shutil.copy(course.bin / "course", course.folder / ".venv/bin/course")
    assert course.make("site", "NN=05", "ARGS=--epub").returncode == 0
    assert course.asked().splitlines()[-1] == "course site 05 --epub"
    assert course.make("read").returncode == 0
    assert course.asked().splitlines()[-1] == "course site --serve"
