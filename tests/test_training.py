"""The loop: it learns, resumes to the same bits, keeps what it has when interrupted, and ships what it measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import nn

from course_utils import cli, recipes, training, zoo
from course_utils.recipes import Recipe


@dataclass(frozen=True)
class Line(Recipe):
    """Fits y = 3x − 1, with dropout that must resume as well."""

    name: ClassVar[str] = "line"
    about: ClassVar[str] = "a line"
    data: ClassVar[str] = "drawn"
    dropout: float = 0.1
    steps: int = 60
    batch_size: int = 16
    warmup: int = 5
    learning_rate: float = 0.05
    ema: float = 0.9
    stop_at: int = -1
    bad_at: int = -1

    def model(self):
        return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Dropout(self.dropout), nn.Linear(8, 1))

    def batch(self, generator):
        return {"x": torch.rand(self.batch_size, 1, generator=generator) * 2 - 1}

    def loss(self, model, batch):
        object.__setattr__(self, "seen", getattr(self, "seen", 0) + 1)
        x = batch["x"]
        if self.seen - 1 == self.stop_at:
            os.kill(os.getpid(), signal.SIGINT)  # in the middle of a step, when its batch was drawn
        loss = (model(x) - (3 * x - 1)).square().mean()
        return loss * float("nan") if self.seen - 1 == self.bad_at else loss

    def measure(self, model):
        return {"bias": model(torch.zeros(1, 1)).item()}, None


@pytest.fixture
def shipped(monkeypatch):
    """What the loop ships, without a file: the zoo only builds the course's own models."""
    weights = []
    monkeypatch.setattr(zoo, "save", lambda name, model, config, metrics, folder: weights.append(
        (model.state_dict(), config, metrics)) or folder / name)
    return weights


def train(recipe, tmp_path, **options):
    return training.train(recipe, folder=tmp_path / "runs", out=tmp_path, device="cpu", **options)


def test_training_learns_and_ships_the_measured_average(tmp_path, shipped):
    assert train(Line(steps=300), tmp_path) == tmp_path / "line"
    _, config, metrics = shipped[0]
    assert abs(metrics["bias"] + 1) < 0.3 and metrics["loss"] < 1
    assert config["trained_steps"] == 300
    assert not (tmp_path / "runs" / "line-state.safetensors").exists()


def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, shipped, capsys):
    assert train(Line(), tmp_path / "whole") is not None
    interrupted = Line(stop_at=23)
    assert train(interrupted, tmp_path / "parts") is None
    assert "Interrupted after step 24;" in capsys.readouterr().out
    assert (tmp_path / "parts/runs/line-state.safetensors").stat().st_size > 0
    object.__setattr__(interrupted, "seen", 1000)  # the same recipe, past its interruption
    assert train(interrupted, tmp_path / "parts", resume=True) is not None
    whole, parts = shipped[0][0], shipped[1][0]
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


def test_a_shorter_run_is_resumed_as_the_shorter_run(tmp_path, shipped):
    interrupted = Line(stop_at=11)
    assert train(interrupted, tmp_path, steps=30) is None
    object.__setattr__(interrupted, "seen", 1000)
    train(interrupted, tmp_path, resume=True)
    train(Line(), tmp_path / "whole", steps=30)
    (parts, config, measured), (whole, _, expected) = shipped
    assert config["trained_steps"] == 30 and measured == expected
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


SEVERAL = """
import json, sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
from test_training import Line
from course_utils import training, zoo
zoo.save = lambda name, model, *rest: torch.save(model.state_dict(), {out!r})
training.train(Line(dropout=0.0), folder=Path({folder!r}), device="cpu")
"""


def torchrun(script, processes=2):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(training.__file__).parents[1])}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run([*command, *script], env=environment, capture_output=True, text=True, check=False)


def test_several_processes_train_the_same_model(tmp_path, shipped):
    script, out = tmp_path / "several.py", tmp_path / "weights.pt"
    script.write_text(SEVERAL.format(tests=str(Path(__file__).parent), out=str(out), folder=str(tmp_path)))
    ran = torchrun([script])
    assert ran.returncode == 0, ran.stderr
    assert train(Line(dropout=0.0), tmp_path) is not None
    several, alone = torch.load(out), shipped[0][0]
    assert all(torch.allclose(several[k], alone[k], atol=1e-5) for k in alone)


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


def test_the_list_tells_data_size_time_and_quality(capsys):
    assert cli.main(["train", "--list"]) == 0
    said = capsys.readouterr().out
    for name in recipes.names():
        assert f"{name}: " in said
    assert said.count("data        MNIST") == 2 and said.count("on a GPU") == 2 and "recognised 0.9" in said


def test_ctrl_c_is_given_back_after_training(tmp_path, shipped):
    before = signal.getsignal(signal.SIGINT)
    train(Line(stop_at=3), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_new_run_keeps_the_state_of_an_unfinished_one(tmp_path, shipped):
    assert train(Line(stop_at=7), tmp_path) is None
    train(Line(), tmp_path)
    assert (tmp_path / "runs/line-state.previous").exists()


def test_what_cannot_be_resumed_is_one_sentence(tmp_path, shipped):
    with pytest.raises(ValueError, match="nothing to resume"):
        train(Line(), tmp_path, resume=True)
    assert train(Line(stop_at=7), tmp_path) is None
    with pytest.raises(ValueError, match="another form of the recipe"):
        train(Line(batch_size=8), tmp_path, resume=True)


def test_a_loss_that_is_not_finite_names_its_step(tmp_path, shipped):
    with pytest.raises(ValueError, match="nan at step 12"):
        train(Line(bad_at=12), tmp_path)


def test_the_schedule_warms_up_and_ends_at_zero():
    assert training.schedule(0, 100, 10) == pytest.approx(0.1)
    assert training.schedule(10, 100, 10) == 1.0
    assert training.schedule(100, 100, 10) == pytest.approx(0.0, abs=1e-12)


def test_ema_is_a_weighted_mean_and_copies_buffers():
    torch.manual_seed(0)
    ema, model = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.constant_(model.weight, 2.0), nn.init.constant_(ema.weight, 1.0)
    model.running_mean.fill_(5.0)
    training.update_ema(ema, model, 0.75)
    assert torch.allclose(ema.weight, torch.full((3,), 1.25)) and ema.running_mean.eq(5.0).all()


def test_pictures_of_the_progress_are_written(tmp_path):
    run = training.State(Line(), torch.device("cpu"))
    run.step, run.losses = 2, [2.0, 1.0]
    before = torch.get_rng_state()
    training.Watch(run, tmp_path).show()
    assert (tmp_path / "line-loss.png").read_bytes().startswith(b"\x89PNG")
    assert torch.equal(before, torch.get_rng_state())


def test_every_recipe_says_what_it_is():
    for name in recipes.names():
        recipe = recipes.find(name)
        assert recipe.name == name and recipe.about
        loss = recipe.loss(recipe.model(), recipe.batch(torch.Generator().manual_seed(0)))
        assert loss.dim() == 0 and torch.isfinite(loss)
    with pytest.raises(ValueError, match="mnist-unet"):
        recipes.find("nothing")
