"""The report on this machine names what is there, one sentence for what is missing, and no place on its disk."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from course_utils import environment
from course_utils.kernels import dispatch

NAMES = ["versions", "device", "kernels", "compiler", "digits", "drawings"]


def test_it_has_a_line_for_each_thing_and_no_path():
    lines = environment.report().splitlines()
    assert [line.split()[0] for line in lines[:6]] == NAMES and lines[6] == ""
    assert all(line.startswith("- ") or line == "Nothing is missing." for line in lines[7:]) and lines[7:]
    assert torch.__version__ in lines[0]
    assert not any(str(place) in line for place in (Path.home(), Path(environment.__file__).parents[1])
                   for line in lines if str(place) != "/")


def nothing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment, "compiler", lambda: False)
    monkeypatch.setenv("COURSE_DATA", "")


def everything(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(environment, "compiler", lambda: True)
    monkeypatch.setattr(dispatch, "triton", object())
    monkeypatch.setattr(dispatch, "INTERPRETED", False)
    monkeypatch.setattr(dispatch, "CHOICE", "")
    sizes = {"train": 60_000, "test": 10_000}
    monkeypatch.setattr(environment.data, "mnist", lambda split: (range(sizes[split]), None))


@pytest.mark.parametrize("machine, words", [
    (nothing, ["No GPU", "No C++ compiler", "The full MNIST is not on disk", "drawings are not all installed"]),
    (everything, ["Nothing is missing."])])
def test_each_missing_thing_has_its_sentence(monkeypatch, machine, words):
    machine(monkeypatch)
    missing = environment.report().split("\n\n")[1].splitlines()
    assert len(missing) == len(words) and all(word in line for word, line in zip(words, missing, strict=True))


def test_a_gpu_without_triton_is_told(monkeypatch):
    everything(monkeypatch)
    monkeypatch.setattr(dispatch, "triton", None)
    assert "- Triton is not installed" in environment.report()
