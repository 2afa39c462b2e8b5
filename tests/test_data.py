"""Data sets and their cache: whole, fast, and rebuilt when damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ordinary_user

from course_utils import data

NUMBERS = {"numbers": np.arange(1000, dtype=np.int64)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no full data sets."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_DATA", "")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A cache folder made by `python -m course_utils.data`, and what that printed."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setenv("COURSE_CACHE", str(folder))
        patch.setenv("COURSE_DATA", "")
        assert data.main() == 0
    return folder, out.getvalue()


@pytest.fixture
def sets(prepared, monkeypatch):
    """The prepared cache."""
    monkeypatch.setenv("COURSE_CACHE", str(prepared[0]))
    monkeypatch.setenv("COURSE_DATA", "")
    return prepared[0]


def run(code: str, cache: Path) -> subprocess.Popen:
    """Another process with the same cache."""
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "COURSE_CACHE": str(cache)}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# --- the cache


def test_cached_builds_once(cache):
    built = []

    def build():
        built.append(1)
        return NUMBERS

    for _ in range(3):
        assert np.array_equal(data.load_or_build("numbers", build)["numbers"], NUMBERS["numbers"])
    assert len(built) == 1
    assert [p.name for p in cache.iterdir()] == ["numbers.arrays"]


@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage", "header", "one bit in the data", "length"])
def test_a_damaged_cache_is_rebuilt(cache, damage):
    data.load_or_build("numbers", lambda: NUMBERS)
    path = cache / "numbers.arrays"
    whole = bytearray(path.read_bytes())
    if damage in {"header", "one bit in the data", "length"}:
        whole[{"header": 45, "one bit in the data": -9, "length": 3}[damage]] ^= 1
        path.write_bytes(whole)
    else:
        path.write_bytes({"empty": b"", "truncated": bytes(whole[:-100]), "garbage": b"\xff" * 500}[damage])
    assert np.array_equal(data.load_or_build("numbers", lambda: NUMBERS)["numbers"], NUMBERS["numbers"])
    # and the file is whole again: nothing is built any more
    assert np.array_equal(data.load_or_build("numbers", dict)["numbers"], NUMBERS["numbers"])


def test_two_processes_build_at_once(cache):
    code = """
import time, numpy as np
from course_utils.data import load_or_build
def build():
    time.sleep(0.5)
    return {"x": np.arange(300_000)}
for _ in range(3):
    assert load_or_build("shared", build)["x"].sum() == 299_999 * 150_000
"""
    both = [run(code, cache) for _ in range(2)]
    for process in both:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    assert [p.name for p in cache.iterdir()] == ["shared.arrays"]


def test_a_full_disk_is_one_sentence(cache):
    code = """
import resource, numpy as np
from course_utils.data import load_or_build
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # writing more fails, as on a full disk
try:
    load_or_build("big", lambda: {"x": np.zeros(10_000)})
except OSError as e:
    print(e)
"""
    out, error = run(code, cache).communicate(timeout=60)
    assert error == ""
    assert out.count("\n") == 1
    assert out.startswith(f"{cache}/big.arrays could not be written (file too large)")
    assert "COURSE_CACHE" in out
    assert list(cache.iterdir()) == []  # no half of a file is left


def test_a_cache_that_cannot_be_made_is_the_same_sentence(cache):
    cache.write_text("a file stands where the folder should")
    with pytest.raises(OSError, match=r"numbers.arrays cannot be read \(not a directory\). COURSE_CACHE"):
        data.load_or_build("numbers", lambda: NUMBERS)


def test_others_may_read_a_cache_or_are_told_why_not(cache):
    data.load_or_build("numbers", lambda: NUMBERS)
    with ordinary_user(cache):
        assert len(data.load_or_build("numbers", dict)["numbers"]) == 1000
    (cache / "numbers.arrays").chmod(0)
    with ordinary_user(cache), pytest.raises(OSError, match=r"numbers.arrays cannot be read \(permission denied\)"):
        data.load_or_build("numbers", dict)


# --- MNIST


def test_small_mnist(sets):
    images, labels = data.mnist("train")
    held_out, held_out_labels = data.mnist("test")
    assert images.shape == (4500, 1, 28, 28)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [450] * 10
    assert held_out_labels.bincount().tolist() == [50] * 10
    seen = {image.numpy().tobytes() for image in images}
    assert not any(image.numpy().tobytes() in seen for image in held_out)


@pytest.mark.parametrize("load", [data.mnist, data.openmoji])
def test_an_unknown_split_is_one_sentence(load):
    with pytest.raises(ValueError, match='split is "train" or "test", not \'valid\''):
        load("valid")


def full_set(raw: Path, n: int = 30, packed: bool = False) -> None:
    """The four files of a full MNIST with n random digits in each."""
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("train", "t10k"):
        pixels = rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", np.arange(n, dtype=np.uint8) % 10)):
            content = struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape) + array.tobytes()
            path = raw / f"{name}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [False, True])
def test_the_full_set_is_taken_where_it_is_on_disk(sets, tmp_path, monkeypatch, packed):
    full_set(tmp_path / "sets/MNIST/raw", packed=packed)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
    images, labels = data.mnist("test")
    assert images.shape == (30, 1, 28, 28)
    assert labels.tolist() == [i % 10 for i in range(30)]
    assert len(data.mnist("train", full=False)[0]) == 4500
    if not packed:
        from torchvision.datasets import MNIST  # its reading of the same files

        reference = MNIST(tmp_path / "sets", train=False)
        assert torch.equal(images.squeeze(1).mul(255).round().byte(), reference.data)
        assert torch.equal(labels, reference.targets)


def test_the_full_set_is_found_in_the_usual_folder(sets, tmp_path, monkeypatch):
    full_set(tmp_path / "data/MNIST/raw")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert len(data.mnist("train")[0]) == 4500  # an empty COURSE_DATA: no folder is looked at
    monkeypatch.delenv("COURSE_DATA")
    assert len(data.mnist("train")[0]) == 30


def test_a_full_set_that_is_absent_or_damaged_is_one_sentence(cache, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="pass download=True, or set COURSE_DATA"):
        data.mnist("train", full=True)
    full_set(tmp_path / "sets/MNIST/raw")
    file = tmp_path / "sets/MNIST/raw/train-images-idx3-ubyte"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
    for content in (b"", b"\0\0\x08", file.read_bytes()[:-1]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"train-images-idx3-ubyte is damaged .* delete it"):
            data.mnist("train")


def test_nothing_is_downloaded_unless_asked(sets, tmp_path, monkeypatch):
    import torchvision

    asked = []

    def download(root, **kwargs):
        asked.append(kwargs)
        full_set(Path(root) / "MNIST/raw")

    monkeypatch.setattr(torchvision.datasets, "MNIST", download)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
    assert len(data.mnist("train")[0]) == 4500
    assert asked == []
    assert len(data.mnist("train", full=True, download=True)[0]) == 30
    assert asked == [{"download": True}]
    assert len(data.mnist("train", full=True, download=True)[0]) == 30
    assert len(asked) == 1  # now it is on disk


# --- OpenMoji, and all of them


def test_openmoji(sets):
    images, names = data.openmoji("train")
    held_out, held_out_names = data.openmoji("test")
    assert images.shape[1:] == (3, 32, 32)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0, 1)
    assert len(images) == len(names)
    assert len(images) + len(held_out) > 1800
    everything = names + held_out_names
    assert len(set(everything)) == len(everything)
    assert not any(":" == name[0] or "_" in name or "skin tone" in name for name in everything)
    shown = {**dict(zip(names, images, strict=True)), **dict(zip(held_out_names, held_out, strict=True))}
    heart = shown["red heart"][:, 12:18, 14:18].mean((1, 2))
    assert heart[0] > 0.7
    assert heart[1] < 0.4  # its middle is red
    assert all(image[:, 0, 0].eq(1).all() for image in (shown["red heart"], shown["grinning face"]))  # on white


def test_a_cached_set_loads_in_less_than_a_third_of_a_second(sets):
    for load in (data.mnist, data.openmoji):
        times = []
        for _ in range(3):
            began = time.perf_counter()
            load("train")
            times.append(time.perf_counter() - began)
        assert min(times) < 0.3


def test_main_prepares_every_set_and_prints_a_line_each(prepared):
    folder, printed = prepared
    assert [line.split()[0] for line in printed.splitlines()] == ["mnist", "openmoji"]
    assert "5,000 digits" in printed
    assert {p.name for p in folder.iterdir()} == {"mnist5000.arrays", "openmoji32.arrays"}


def test_main_says_what_fails_in_one_sentence(cache, capsys):
    cache.write_text("in the way")
    assert data.main() == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "cannot be read (not a directory)" in printed.err


def test_the_small_sets_need_no_torchvision(sets):
    code = """
import sys
sys.modules["torchvision"] = None  # importing it fails
from course_utils.data import mnist
print(len(mnist("test")[0]))
"""
    out, error = run(code, sets).communicate(timeout=60)
    assert out == "500\n", error


def test_without_a_home_the_cache_says_what_to_set(monkeypatch, tmp_path):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    for name in ("COURSE_CACHE", "XDG_CACHE_HOME", "COURSE_DATA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OSError, match="no home folder to keep the data sets in: set COURSE_CACHE"):
        data.cache_folder()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    assert len(data.mnist("test")[0]) == 500
