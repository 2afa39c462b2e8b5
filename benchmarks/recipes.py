"""How long a recipe trains.

The median of a few training steps, times the number of steps, against the hundred minutes that a recipe may take of two
idle cores. Preparing the data and measuring what was trained are not counted. A recipe that needs a checkpoint which is
not shipped yet is not measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from course_utils import recipes, zoo
from course_utils.bench import Row
from course_utils.recipes import Recipe
from course_utils.training import State, Step
from course_utils.training.catalogue import sort_recipes

LIMIT = 100.0  # minutes
WARMUP, STEPS = 2, 7


def minutes(recipe: Recipe, device: str = "cpu") -> float:
    """Of all steps, by the median one."""
    run = State(recipe, torch.device(device))
    step, taken = Step(run, run.model), []
    for _ in range(WARMUP + STEPS):
        begin = time.perf_counter()
        step()
        taken.append(time.perf_counter() - begin)
        run.step += 1
    return statistics.median(taken[WARMUP:]) * recipe.steps / 60


def rows() -> Iterator[Row]:
    """A row for each recipe, in the order of the notebooks that show them first."""
    for name in sort_recipes():
        recipe = recipes.find(name)
        missing = [needed for needed in recipe.needs if not (zoo.FOLDER / f"{needed}.safetensors").exists()]
        if missing:
            yield Row.absent(name, f"the checkpoint {missing[0]}", unit="min", goal=1)
        else:
            yield Row.time(name, minutes(recipe), LIMIT, unit="min", goal=1,
                           limit=f"{recipe.steps:,} steps of {recipe.batch_size} samples")
