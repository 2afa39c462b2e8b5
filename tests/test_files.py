"""A file is there whole or not at all, readable as the umask says, and what cannot be written or read says why."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from conftest import ordinary_user

from course_utils import files

TENSORS = {"b": torch.randn(3, 2), "a": torch.arange(4, dtype=torch.float16), "empty": torch.zeros(0)}


@pytest.fixture
def umask():
    """Sets the umask of this process for one test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def test_tensors_come_back_with_what_is_told_of_them(tmp_path):
    path = tmp_path / "new" / "x.safetensors"
    files.write_tensors(path, TENSORS, {"steps": [1, 2]})
    tensors, about = files.read_tensors(path)
    assert all(torch.equal(tensors[name], x) and tensors[name].dtype == x.dtype for name, x in TENSORS.items())
    assert about == files.read_about(path) == {"steps": [1, 2], "sha256": files.digest(TENSORS)}
    before = path.read_bytes()
    files.write_tensors(path, dict(reversed(TENSORS.items())), {"steps": [1, 2]})
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", [{"a": TENSORS["a"] + 1}, {"a": TENSORS["a"].float()}, {"b": TENSORS["b"].T},
                                    {"c": 0}])
def test_a_digest_tells_names_types_shapes_and_values_apart(change):
    other = {name: torch.as_tensor(x).contiguous() for name, x in (TENSORS | change).items()}
    assert files.digest(other) != files.digest(TENSORS)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"rubbish", lambda b: b"", lambda b: b[:8],
                                    lambda b: b[:-5] + bytes([b[-5] ^ 1]) + b[-4:], lambda b: b"\xff" * len(b),
                                    lambda b: b.replace(b"course", b"cursed")])
def test_damage_is_one_sentence(tmp_path, damage):
    path = tmp_path / "x.safetensors"
    files.write_tensors(path, TENSORS, {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="x.safetensors is damaged: it does not hold what was written.$"):
        files.read_tensors(path)


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_what_is_written_is_as_readable_as_the_umask_says(tmp_path, umask, mask, mode):
    umask(mask)
    files.write(tmp_path / "text", "text")
    files.write_tensors(tmp_path / "tensors", TENSORS, {})
    files.write(tmp_path / "secret", "text", mode=0o600)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("text", "tensors", "secret")] == [mode, mode, 0o600]


def test_another_user_reads_what_was_written_and_is_told_what_he_may_not(tmp_path, umask):
    path = tmp_path / "x.safetensors"
    files.write_tensors(path, TENSORS, {})
    with ordinary_user(tmp_path):
        assert files.read_tensors(path)[0].keys() == TENSORS.keys()
    path.chmod(0)
    tmp_path.chmod(0o555)
    with ordinary_user(tmp_path):
        with pytest.raises(OSError, match=r"x.safetensors cannot be read \(permission denied\).$"):
            files.read_tensors(path)
        with pytest.raises(OSError, match=r"y could not be written \(permission denied\).$"):
            files.write(tmp_path / "y", "text")


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "x"
    files.write(path, "before")
    with pytest.raises(KeyboardInterrupt), files.writing(path) as part:
        part.write_text("half")
        assert path.read_text() == "before"
        raise KeyboardInterrupt
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file_and_how_to_go_on(tmp_path):
    files.write(tmp_path / "x", "before")
    with pytest.raises(OSError, match="x could not be written: the disk is full.*free some space, and repeat"), \
            files.writing(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "x").read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_a_file_that_grows_too_large_is_told(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(OSError, match=r"x.safetensors could not be written \(file too large\)"):
            files.write_tensors(tmp_path / "x.safetensors", {"x": torch.zeros(1000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.iterdir())


def test_an_error_of_another_file_keeps_its_own_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"), files.writing(tmp_path / "x"):
        (tmp_path / "absent").read_text()


@pytest.mark.parametrize("path, said", [("file/x", "not a directory|file exists"), ("folder", "is a directory")])
def test_a_place_that_can_hold_no_file_is_told(tmp_path, path, said):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=f"could not be written .({said})"):
        files.write(tmp_path / path, "text")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_device_is_written_to_itself():
    files.write(Path(os.devnull), "text")
    assert not os.path.isfile(os.devnull)


def test_what_is_no_character_does_not_stop_a_text(tmp_path):
    files.write(tmp_path / "x", "name \udcff")
    assert (tmp_path / "x").read_text() == "name ?"


def test_a_lock_is_refused_or_waited_for(tmp_path):
    path, done = tmp_path / "lock", []

    def wait(seconds):
        with files.lock(path, wait=seconds):
            done.append(seconds)

    others = [threading.Thread(target=wait, args=[seconds]) for seconds in (None, 60)]
    with files.lock(path):
        for seconds in (0, 0.2):
            with pytest.raises(BlockingIOError), files.lock(path, wait=seconds):
                pass
        for other in others:
            other.start()
        others[0].join(0.3)
        assert not done
    for other in others:
        other.join(60)
    assert {*done} == {None, 60} and not path.exists()


TAKE_TURNS = """
import os, sys, time
from pathlib import Path
from course_utils import files
sleep, time.sleep = time.sleep, lambda seconds: None  # the lock is asked for again and again
lock, inside = map(Path, sys.argv[1:])
for _ in range(300):
    with files.lock(lock, wait=None):
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails where another one is inside
        sleep(0.0005)
        inside.unlink()
print("alone")
"""


def test_of_three_processes_two_are_never_inside(tmp_path):
    words = [sys.executable, "-c", TAKE_TURNS, tmp_path / "lock", tmp_path / "inside"]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120) for process in running]
    assert said == [("alone\n", "")] * 3
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_file_that_its_holder_removed_holds_nothing(tmp_path, monkeypatch):
    """Its holder lets go between the opening and the locking of another one: a third would make a new file."""
    path, real, opened = tmp_path / "lock", files.fcntl.flock, []

    def flock(file, how):
        opened.append(file)
        if len(opened) == 1:
            path.unlink()
        real(file, how)

    monkeypatch.setattr(files.fcntl, "flock", flock)
    with files.lock(path):
        assert len(opened) == 2 and opened[0].closed and path.exists()
        with pytest.raises(BlockingIOError), files.lock(path):
            pass
    assert not list(tmp_path.iterdir())
