"""Every recipe, small: it takes steps, is measured, and shipped."""

from __future__ import annotations

import dataclasses
import math

import pytest

from course_utils import recipes, training, zoo

TINY = {"steps": 3, "warmup": 1, "batch_size": 4, "pool": 64, "measured": 4, "rated": 2, "rated_at_end": 2,
        "tolerance": 0.3, "drawn": 1, "draws": 4, "prompts": 3, "shown": 2, "timesteps": 25, "sampling_steps": 2,
        "critic_from": 2, "compared": 3}


def tiny(name):
    recipe = recipes.find(name)
    fields = {field.name for field in dataclasses.fields(recipe)}
    return dataclasses.replace(recipe, **{key: value for key, value in TINY.items() if key in fields})


@pytest.mark.parametrize("name", recipes.names())
def test_what_changes_within_a_run_comes_before_its_end(name):
    recipe = recipes.find(name)
    assert all(0 < step < recipe.steps for step in recipe.restarts)
    assert all(0 < step <= recipe.steps for step in recipe.milestones)


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.names())
def test_it_trains_and_ships_what_it_measured(name, tmp_path, fallback, few_settings):
    recipe = tiny(name)
    path = training.train(recipe, folder=tmp_path, out=tmp_path, device="cpu", quiet=True)
    item = zoo.load(name, tmp_path)
    assert path.stem == name and item.config["trained_steps"] == 3
    assert len(item.metrics) > 1 and all(math.isfinite(value) for value in item.metrics.values())
    samples, more = recipe.measure.__annotations__["return"].endswith("Tensor]"), "more_samples" in vars(type(recipe))
    assert len(list(tmp_path.glob("*.png"))) == samples + more
