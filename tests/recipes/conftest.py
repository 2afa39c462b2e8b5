"""Checkpoints that are not made yet, as their recipes' first weights: a recipe can be tried before what it needs."""

from __future__ import annotations

import pytest

from course_utils import recipes, zoo

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
