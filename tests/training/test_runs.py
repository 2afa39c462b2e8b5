"""The loop: it learns, resumes to the same bits, keeps what it has, and ships what it measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from training.line import Line, train

from course_utils import cli, files, recipes, training, zoo


def test_training_learns_and_ships_the_measured_average(tmp_path, shipped):
    assert train(Line(steps=300), tmp_path) == tmp_path / "line"
    _, config, metrics = shipped[0]
    assert abs(metrics["bias"] + 1) < 0.3 and metrics["loss"] < 1
    assert config["trained_steps"] == 300
    assert not (tmp_path / "runs" / "line-state.safetensors").exists()


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)])
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, shipped, capsys, signals):
    assert train(Line(), tmp_path / "whole") is not None
    interrupted = Line(stop_at=23, signals=signals)
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


def test_the_list_tells_data_size_time_and_quality(capsys):
    assert cli.main(["train", "--list"]) == 0
    said = capsys.readouterr().out
    for name in recipes.names():
        assert f"{name}: " in said
    assert all(said.count(fact) == len(recipes.names()) for fact in ("  data   ", "on a GPU", "  quality   "))
    assert "recognised 0.9" in said


def test_ctrl_c_while_measuring_keeps_the_state(tmp_path, shipped, monkeypatch, capsys):
    monkeypatch.setattr(Line, "measure", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert train(Line(), tmp_path) is None
    assert "the state is kept. Go on from there by `resume=True` in this call" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(zoo, "save", lambda *_, **__: tmp_path / "line")
    assert train(Line(), tmp_path, resume=True) == tmp_path / "line"


def test_ctrl_c_is_given_back_after_training(tmp_path, shipped):
    before = signal.getsignal(signal.SIGINT)
    train(Line(stop_at=3), tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_new_run_leaves_an_unfinished_one_alone(tmp_path, shipped):
    assert train(Line(stop_at=7), tmp_path) is None
    state = tmp_path / "runs/line-state.safetensors"
    kept = state.read_bytes()
    with pytest.raises(ValueError, match="unfinished run of line lies in .*: resume it, or delete"):
        train(Line(), tmp_path)
    assert state.read_bytes() == kept


def test_a_short_run_replaces_no_shipped_checkpoint(tmp_path, shipped, capsys, monkeypatch):
    assert training.train(Line(), folder=tmp_path, device="cpu", steps=3) == tmp_path / "line"
    assert f"line: 3 of the recipe's 60 steps, written to {tmp_path / 'line'}" in capsys.readouterr().out
    assert training.train(Line(), folder=tmp_path, device="cpu") == tmp_path / "line"  # a recipe of one's own
    monkeypatch.setattr(recipes, "names", lambda: ["line"])
    assert training.train(Line(), folder=tmp_path, device="cpu") == tmp_path / "line"  # that bears a name of ours
    monkeypatch.setattr(Line, "__module__", f"{recipes.__name__}.line")
    assert training.train(Line(), folder=tmp_path, device="cpu", steps=59) == tmp_path / "line"
    assert training.train(Line(), folder=tmp_path, device="cpu") == zoo.FOLDER / "line"


def test_what_cannot_be_resumed_is_one_sentence(tmp_path, shipped):
    with pytest.raises(ValueError, match="nothing to resume"):
        train(Line(), tmp_path, resume=True)
    assert train(Line(stop_at=7), tmp_path) is None
    with pytest.raises(ValueError, match="another form of the recipe"):
        train(Line(batch_size=8), tmp_path, resume=True)


@pytest.mark.parametrize("in_notebook, ours, said", [
    (True, True, "by `resume=True` in this call"), (False, True, "by `course train line --resume`"),
    (False, False, "by `resume=True` in this call")])
def test_no_sentence_leads_to_the_courses_checkpoint(tmp_path, shipped, capsys, monkeypatch, in_notebook, ours, said):
    monkeypatch.setattr(training, "_in_notebook", lambda: in_notebook)
    monkeypatch.setattr(recipes, "names", lambda: ["line"])
    if ours:
        monkeypatch.setattr(Line, "__module__", f"{recipes.__name__}.line")
    assert train(Line(stop_at=7), tmp_path) is None
    assert said in capsys.readouterr().out


def test_a_class_that_has_changed_is_told(tmp_path, shipped, monkeypatch):
    interrupted = Line(stop_at=7)
    assert train(interrupted, tmp_path) is None
    monkeypatch.setattr(Line, "model", lambda self: nn.Linear(1, 1).double())
    with pytest.raises(ValueError, match="its class has changed since. Delete the file"):
        train(interrupted, tmp_path, resume=True)


@pytest.mark.parametrize("damage", [lambda b: b[:3000], lambda b: b"", lambda b: b"rubbish",
                                    lambda b: b[:-5] + bytes([b[-5] ^ 1]) + b[-4:]])
def test_a_damaged_state_is_one_sentence(tmp_path, shipped, damage):
    assert train(Line(stop_at=7), tmp_path) is None
    state = tmp_path / "runs/line-state.safetensors"
    state.write_bytes(damage(state.read_bytes()))
    with pytest.raises(ValueError, match="line-state.safetensors is .*damaged"):
        train(Line(), tmp_path, resume=True)
    files.write_tensors(state, {"step": torch.zeros(1)}, {})  # of somebody else
    with pytest.raises(ValueError, match="another form"):
        train(Line(), tmp_path, resume=True)


@pytest.mark.parametrize("steps, resume", [(0, False), (-5, False), (5, True)])
def test_steps_that_leave_nothing_to_do_are_refused(tmp_path, shipped, steps, resume):
    if resume:
        assert train(Line(stop_at=7), tmp_path) is None
    before = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(ValueError, match=f"{steps} steps in all leave nothing to do"):
        train(Line(stop_at=7 if resume else -1), tmp_path, steps=steps, resume=resume)
    assert before == [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] and not shipped


def test_a_folder_that_cannot_be_written_to_is_found_out_before_the_first_step(tmp_path, shipped):
    (tmp_path / "runs").write_text("a file")
    line = Line()
    with pytest.raises(OSError):
        train(line, tmp_path)
    assert not hasattr(line, "seen")


def test_no_gpu_and_no_compiler_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no GPU"):
        training.train(Line(), folder=tmp_path, device="cuda")
    monkeypatch.setattr(training, "compiler", lambda: False)
    with pytest.raises(ValueError, match="C\\+\\+ compiler"):
        train(Line(), tmp_path, compile=True)


@pytest.mark.parametrize("bad_gradient, said", [(False, "is nan at step 12, "), (True, "step 12, and .* (nan|inf);")])
def test_what_is_not_finite_names_its_step_and_reaches_no_weight(tmp_path, shipped, bad_gradient, said):
    line = Line(bad_at=12, bad_gradient=bad_gradient)
    run = training.State(line, torch.device("cpu"))
    step = training.Step(run, run.model)
    with pytest.raises(ValueError, match=said):
        for _ in range(20):
            step()
            run.step += 1
    assert run.step == 12 and all(x.isfinite().all() for x in run.tensors().values() if x.is_floating_point())


def test_what_is_shipped_is_the_part_that_the_recipe_names_and_what_is_measured_lies_on_the_device(tmp_path, shipped):
    """The "meta" device stands for a GPU: a model that was moved to the CPU would not be on it."""
    class Part(Line):
        def shipped(self, model):
            return model[0]

        def measure(self, model):
            return {"on_meta": float(next(model.parameters()).is_meta)}, None

    run = training.State(Part(), torch.device("cpu"))
    run.losses, run.ema = [1.0], run.ema.to("meta")
    training._ship(run, tmp_path / "state", tmp_path)
    weights, _, measured = shipped[0]
    assert measured["on_meta"] == 1 and set(weights) == {"weight", "bias"}


def test_the_hook_before_a_step_sees_the_model_itself_and_every_step(tmp_path, shipped):
    calls = []

    class Zeroed(Line):
        def before_step(self, model, step):
            calls.append((type(model), step))
            torch.nn.init.zeros_(model[0].weight)

    train(Zeroed(steps=3), tmp_path)
    assert calls == [(nn.Sequential, step) for step in range(3)]
    assert shipped[0][0]["0.weight"].abs().max() < 0.2  # at most the last steps of AdamW away from 0


def test_the_optimizer_has_the_recipes_betas():
    run = training.State(Line(betas=(0.5, 0.9)), torch.device("cpu"))
    assert run.optimizer.param_groups[0]["betas"] == (0.5, 0.9)


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


@dataclass(frozen=True)
class Holed(Line):
    """Its data hold a value that is no number."""

    value: float = float("nan")

    def batch(self, generator):
        x = super().batch(generator)["x"]
        x[5] = self.value
        return {"x": x, "labels": torch.arange(len(x))}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_data_that_are_not_finite_are_told_as_such(tmp_path, shipped, value):
    with pytest.raises(ValueError, match="The data hold NaN or infinite values, in the batch's x: mend them") as e:
        train(Holed(value=value), tmp_path)
    assert "learning rate" not in str(e.value) and not shipped


@dataclass(frozen=True)
class Twice(Line):
    """Begins another training of itself in the middle of a step."""

    def loss(self, model, batch):
        if not hasattr(self, "said"):
            object.__setattr__(self, "said", [])
            for resume in (False, True):
                with pytest.raises(ValueError) as e:
                    training.train(Line(), folder=self.folder, device="cpu", resume=resume)
                self.said.append(str(e.value))
        return super().loss(model, batch)


def test_a_second_training_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path, shipped):
    recipe = Twice(steps=3)
    object.__setattr__(recipe, "folder", tmp_path)
    assert training.train(recipe, folder=tmp_path, device="cpu") is not None
    assert len(recipe.said) == 2 and all("line is being trained in" in said for said in recipe.said)
    assert training.train(Line(), folder=tmp_path, device="cpu", steps=3) is not None
    assert not list(tmp_path.iterdir())


def test_a_killed_training_is_in_nobodys_way(tmp_path, shipped):
    code = ("import fcntl, os, sys\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_EX)\n"
            "print('held', flush=True)\nsys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / ".line.lock"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="wait for that run, stop it, or train in another folder"):
            training.train(Line(), folder=tmp_path, device="cpu")
        other.kill()
        other.wait()
    assert (tmp_path / ".line.lock").exists()
    assert training.train(Line(), folder=tmp_path, device="cpu", steps=3) is not None
