"""Checkpoints that are not made yet, as their recipes' first weights: a recipe can be tried before what it needs."""

from __future__ import annotations

import pytest

from course_utils import recipes, zoo
from course_utils.recipes import continuous, distillation, guidance

SHIPPED = zoo.load


def load(name, *args):
    """`zoo.load`, or the recipe's network as it is before the first step."""
    try:
        return SHIPPED(name, *args)
    except ValueError:
        recipe = recipes.find(name)
        return zoo.Item(recipe.shipped(recipe.model()).eval(), {"trained_steps": 0}, {})


@pytest.fixture
def fallback(monkeypatch):
    monkeypatch.setattr(zoo, "load", load)


@pytest.fixture
def few_settings(monkeypatch):
    """Tables of a few rows, each of a few steps, and a short walk."""
    monkeypatch.setattr(guidance, "WEIGHTS", (0.0, 1.0))
    monkeypatch.setattr(guidance, "STEPS", (2,))
    monkeypatch.setattr(guidance, "STRENGTHS", (1.0,))
    monkeypatch.setattr(guidance, "SOME", 2)
    monkeypatch.setattr(distillation, "TEACHERS_STEPS", (1, 2))
    monkeypatch.setattr(continuous, "WALKERS", 2)
    monkeypatch.setattr(continuous, "WALK", 1)
