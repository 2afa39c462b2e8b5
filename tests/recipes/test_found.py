"""A recipe is found by its file, and says by itself what its checkpoint must tell."""

from __future__ import annotations

import json

import pytest

from course_utils import models, recipes
from course_utils.diffusion import paths

TOY = """
from dataclasses import dataclass
from typing import ClassVar
from course_utils.recipes import Recipe
from course_utils.recipes.mnist import MnistUnet

@dataclass(frozen=True)
class Family(Recipe):
    network: ClassVar[str] = "classifier"
    ARGS: ClassVar[dict] = {"width": 4}

@dataclass(frozen=True)
class Late(Family):
    name: ClassVar[str] = "toy-late"
    notebook: ClassVar[str] = "99"

@dataclass(frozen=True)
class Early(Family):
    name: ClassVar[str] = "toy-early"
    notebook: ClassVar[str] = "00"
"""


@pytest.fixture
def toys(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path)])
    (tmp_path / "toy_family.py").write_text(TOY)


def test_recipes_are_found_by_their_files_in_the_order_of_the_notebooks(toys):
    names = recipes.names()
    assert names[0] == "toy-early" and names[-1] == "toy-late" and "mnist-unet" in names
    numbers = [recipes.find(name).notebook for name in names]
    assert numbers == sorted(numbers)
    with pytest.raises(ValueError, match="no recipe toy-family; there are: toy-early, "):
        recipes.find("toy-family")


def test_a_recipe_that_names_its_network_needs_no_model_of_its_own(toys):
    recipe = recipes.find("toy-late")
    assert recipe.model().head.out_features == 10 and recipe.model().trunk[0].out_channels == 4
    assert recipe.config() | {"model": "classifier", "args": {"width": 4}} == recipe.config()
    assert recipe.path is None and "path" not in recipe.config()


@pytest.mark.parametrize("name", recipes.names())
def test_a_config_is_enough_to_build_the_model_and_its_path_anew(name, fallback):
    recipe = recipes.find(name)
    config = json.loads(json.dumps(recipe.config()))
    network = models.build(config["model"], config["args"])
    assert network.state_dict().keys() == recipe.shipped(recipe.model()).state_dict().keys()
    assert ("path" in config) == (recipe.path is not None)
    if recipe.path is not None:
        assert paths.from_config(config["path"]).config() == recipe.path.config()
