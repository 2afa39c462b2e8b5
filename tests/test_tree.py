"""How large the repository may become: whoever clones it waits for all of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from course_utils import notebooks

ROOT = Path(__file__).parents[1]


def size_of(*patterns: str) -> int:
    """Bytes of the tracked files that match."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert paths, patterns
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_the_tracked_tree_stays_below_60_mb_and_its_checkpoints_below_32():
    assert size_of(".") < 60e6
    assert size_of("course_utils/checkpoints") < 32e6
    assert size_of("course_utils/*.safetensors") - size_of("course_utils/checkpoints", "course_utils/answers") < 2e6


@pytest.mark.parametrize("source", notebooks.sources(), ids=lambda source: source.stem)
def test_an_executed_reference_stays_below_1_2_mb(source):
    assert source.with_suffix(".ipynb").stat().st_size < 1.2e6
