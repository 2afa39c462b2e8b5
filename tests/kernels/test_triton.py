"""Runs the kernels' cases in Triton's interpreter on every machine, and compiled where there is a GPU.

Each file has a process of its own: Triton reads TRITON_INTERPRET when it is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import require

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in HERE.glob("cases_*.py"))


def assert_cases_pass(case: str, **variables: str) -> None:
    """Runs one file of cases and shows what it printed if it fails."""
    environment = os.environ | {"COURSE_KERNELS": "triton", "OMP_NUM_THREADS": "1"} | variables
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"{HERE / case}.py"]
    result = subprocess.run(command, env=environment, cwd=HERE.parents[1], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_in_the_interpreter(case):
    pytest.importorskip("triton", reason="Triton is not installed for this system.")
    assert_cases_pass(case, TRITON_INTERPRET="1")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_on_a_gpu(case):
    require("gpu", torch.cuda.is_available(), "There is no GPU; the kernels are tested in Triton's interpreter.")
    assert_cases_pass(case, TRITON_INTERPRET="0")
