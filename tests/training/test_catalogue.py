"""All recipes as a whole: their order, what counts as outdated, `--missing`, and going on from a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from course_utils import cli, files, recipes, training, zoo
from course_utils.recipes import Recipe
from course_utils.training import catalogue
from course_utils.training.step import learning_rate

LOAD = zoo.load


@dataclass(frozen=True)
class Judge(Recipe):
    """Any network that the zoo can build, on noise."""

    name: ClassVar[str] = "judge"
    notebook: ClassVar[str] = "05"
    about: ClassVar[str] = "a judge"
    data: ClassVar[str] = "noise"
    network: ClassVar[str] = "classifier"
    ARGS: ClassVar[dict] = {"width": 2}
    minutes: ClassVar[dict] = {"two cores": 3}
    steps: int = 4
    batch_size: int = 4
    seen: ClassVar[list] = []  # the names of the recipes whose steps were taken, in order

    def batch(self, generator):
        self.seen.append(self.name)
        return {"x": torch.rand(self.batch_size, 1, 28, 28, generator=generator)}

    def loss(self, model, batch):
        return model(batch["x"]).square().mean()

    def measure(self, model):
        return {"quality": 0.5}, None


@dataclass(frozen=True)
class Pupil(Judge):
    """Of an earlier notebook than what it needs, and its config tells which weights it was made with."""

    name: ClassVar[str] = "pupil"
    notebook: ClassVar[str] = "04"
    needs: ClassVar[tuple[str, ...]] = ("judge",)

    def config(self):
        return super().config() | {"judge": files.digest(zoo.load("judge").model.state_dict())}


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A course of these two recipes, whose checkpoints lie in a folder of their own."""
    made = {"pupil": Pupil, "judge": Judge}
    monkeypatch.setattr(recipes, "names", lambda: list(made))
    monkeypatch.setattr(recipes, "find", lambda name: made[name]())
    monkeypatch.setattr(zoo, "load", lambda name, folder=tmp_path: LOAD(name, tmp_path))
    Judge.seen.clear()
    return made


def missing(tmp_path):
    return catalogue.train_missing("cpu", folder=tmp_path / "runs", out=tmp_path)


def test_what_is_needed_comes_first(two):
    assert catalogue.sort_recipes() == ["judge", "pupil"]


def test_every_recipe_of_the_course_stands_after_what_it_needs():
    names = catalogue.sort_recipes()
    assert sorted(names) == sorted(recipes.names())
    assert all(names.index(needed) < names.index(name) for name in names for needed in recipes.find(name).needs)


def test_missing_trains_each_recipe_once_with_a_line_each(two, tmp_path, capsys):
    assert missing(tmp_path)
    assert Judge.seen == 4 * ["judge"] + 4 * ["pupil"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("judge: done, loss ") and "quality 0.5" in lines[0]
    assert lines[0].endswith("; 3 min left") and lines[1].endswith("; 0 min left")
    assert missing(tmp_path) and len(Judge.seen) == 8


def test_missing_trains_anew_what_is_outdated_and_what_was_made_with_it(two, tmp_path):
    missing(tmp_path)

    @dataclass(frozen=True)
    class Other(Judge):
        learning_rate: float = 0.1

    two["judge"] = Other
    assert catalogue.is_outdated("judge", tmp_path) and not catalogue.is_outdated("pupil", tmp_path)
    Judge.seen.clear()
    missing(tmp_path)
    assert Judge.seen == 4 * ["judge"] + 4 * ["pupil"]


def test_fewer_steps_than_the_recipe_says_are_outdated(two, tmp_path):
    training.train("judge", steps=2, folder=tmp_path, out=tmp_path, device="cpu", quiet=True)
    assert catalogue.is_outdated("judge", tmp_path)


def test_missing_goes_on_with_an_unfinished_run(two, tmp_path):
    run = training.State(Judge(), torch.device("cpu"))
    run.step = 3
    (tmp_path / "runs").mkdir()
    training._save(run, tmp_path / "runs" / "judge-state.safetensors")
    assert missing(tmp_path) and Judge.seen == ["judge"] + 4 * ["pupil"]


def test_a_recipe_without_a_checkpoint_is_not_trained_yet(two, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue.zoo, "FOLDER", tmp_path)
    assert "quality     not trained yet" in catalogue.describe("judge")
    (tmp_path / "judge.safetensors").write_bytes(b"nothing")
    assert "The checkpoint judge is damaged" in catalogue.describe("judge")


def test_a_run_from_the_shipped_weights_adds_to_them(two, tmp_path):
    training.train("judge", folder=tmp_path, out=tmp_path, device="cpu", quiet=True)
    before = zoo.load("judge")
    run = training.State(Judge(), torch.device("cpu"))
    run.go_on_from(before)
    for model in (run.model, run.ema):
        assert all(torch.equal(weight, before.model.state_dict()[key]) for key, weight in model.state_dict().items())
    training.train("judge", from_shipped=True, steps=2, folder=tmp_path, out=tmp_path, device="cpu", quiet=True)
    assert zoo.load("judge").config["trained_steps"] == 6
    with pytest.raises(ValueError, match="no checkpoint pupil"):
        training.train("pupil", from_shipped=True, folder=tmp_path, out=tmp_path, device="cpu")


@pytest.mark.parametrize("words, said", [
    (["--missing", "mnist-unet"], "leave out the rest"), (["--missing", "--steps", "3"], "leave out the rest"),
    (["--from-shipped"], "Name the recipe"), (["mnist-unet", "--resume", "--from-shipped"], "has its weights already")])
def test_what_does_not_go_together_is_one_sentence(words, said, capsys):
    assert cli.main(["train", *words]) == 2
    assert said in capsys.readouterr().err


@dataclass(frozen=True)
class Staged(Judge):
    """Two stages with warm-ups of two steps, looked at after each."""

    name: ClassVar[str] = "staged"
    steps: int = 20
    warmup: int = 2
    restarts: ClassVar[tuple[int, ...]] = (10,)
    milestones: ClassVar[tuple[int, ...]] = (10, 20)

    def record(self, model, step):
        torch.rand(3)  # looking may draw
        return {f"weight_after_{step}": model.head.weight.sum().item()}


def test_the_learning_rate_begins_anew_at_a_restart():
    rates = [learning_rate(Staged(), step, 20) for step in range(20)]
    assert rates[:10] == rates[10:] and rates[1] == Staged().learning_rate and rates[9] < 0.1 * rates[1]
    assert [learning_rate(Staged(), step, 8) for step in range(8)] == [
        learning_rate(Judge(warmup=2), step, 8) for step in range(8)]  # a run that ends before the restart


def test_what_a_milestone_showed_is_shipped_whether_the_run_was_interrupted_or_not(tmp_path):
    def shipped(folder, resume):
        path = training.train(Staged(), resume=resume, folder=folder, out=folder, device="cpu", quiet=True)
        return LOAD(path.stem, folder)

    whole = shipped(tmp_path, False)
    run = training.State(Staged(), torch.device("cpu"))
    step = training.Step(run, run.model)
    for _ in range(12):
        run.losses.append(step()[0])
        run.step += 1
        if run.step == 10:
            run.recorded = run.look(run.recipe.record, 10)
    (tmp_path / "parts").mkdir()
    training._save(run, tmp_path / "parts" / "staged-state.safetensors")
    parts = shipped(tmp_path / "parts", True)
    assert {key: parts.metrics[key] for key in ("weight_after_10", "weight_after_20")} == {
        key: whole.metrics[key] for key in ("weight_after_10", "weight_after_20")}
    assert all(torch.equal(w, parts.model.state_dict()[key]) for key, w in whole.model.state_dict().items())
