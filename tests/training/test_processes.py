"""Several processes train the model that one does, and resume it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training.line import Line, train

from course_utils import training

SEVERAL = """
import json, sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
from training.line import Line
from course_utils import training, zoo
zoo.save = lambda name, model, *rest, tables: torch.save(model.state_dict(), {out!r})
line = Line(dropout={dropout}, stop_at={stop_at})
shipped = training.train(line, folder=Path({folder!r}), device="cpu", out=Path({folder!r}))
if shipped is None and {stop_at} > 0:
    object.__setattr__(line, "seen", 1000)
    training.train(line, folder=Path({folder!r}), device="cpu", resume=True, out=Path({folder!r}))
"""


def torchrun(script, processes=2):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(training.__file__).parents[2])}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run([*command, *script], env=environment, capture_output=True, text=True, check=False)


def test_several_processes_train_the_same_model(tmp_path, shipped):
    several = together(tmp_path, dropout=0.0)
    assert train(Line(dropout=0.0), tmp_path) is not None
    alone = shipped[0][0]
    assert all(torch.allclose(several[k], alone[k], atol=1e-5) for k in alone)


def test_several_processes_resume_to_the_same_bits(tmp_path):
    whole, parts = together(tmp_path / "whole", dropout=0.1), together(tmp_path / "parts", dropout=0.1, stop_at=17)
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


def together(folder, dropout, stop_at=-1):
    """The weights that two processes train, interrupted and resumed where `stop_at` says so."""
    folder.mkdir(exist_ok=True)
    script, out = folder / "several.py", folder / "weights.pt"
    script.write_text(SEVERAL.format(tests=str(Path(__file__).parents[1]), out=str(out), folder=str(folder),
                                     dropout=dropout, stop_at=stop_at))
    ran = torchrun([script])
    assert ran.returncode == 0, ran.stderr
    return torch.load(out)


def test_torchrun_takes_a_recipe_by_name_and_refuses_in_a_sentence(tmp_path):
    ran = torchrun(["-m", "course_utils.training", "nothing"], processes=1)
    assert "course train: There is no recipe nothing" in ran.stderr


def test_several_processes_are_resumed_by_as_many(tmp_path, shipped):
    run = training.State(Line(), torch.device("cpu"))
    saved = run.tensors()
    saved["random/torch"] = saved["random/torch"].repeat(2, 1)
    with pytest.raises(ValueError, match="begun by 2 processes, not 1"):
        run.restore(saved)


def test_a_batch_that_cannot_be_shared_is_named(monkeypatch):
    class Three:
        rank, count, device = 0, 3, torch.device("cpu")

    monkeypatch.setattr(training, "Processes", lambda device: Three)
    with pytest.raises(ValueError, match="16 cannot be shared by 3"):
        training.State(Line(), torch.device("cpu"))
