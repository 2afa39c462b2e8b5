"""With TRAIN = True a notebook trains the reader's own classes and losses, and goes on with what came of it."""

from __future__ import annotations

import ast
import inspect
from functools import partial

import pytest

from course_utils import notebooks, plot, recipes, training, zoo
from course_utils.cells import fresh_notebook, run
from course_utils.recipes import latent

DEFINES = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
SWITCHED = [path for path in notebooks.sources() if "\nTRAIN = False" in path.read_text()]


def pieces(path):
    """Name and text of what runs until the training has run, with the switch on.

    The first demo cell loads the data. Of later ones it is imports, functions and classes; of the cell that trains,
    every statement up to the last that names the switch.
    """
    opened = False
    for i, cell in enumerate(notebooks.read(path).cells):
        kind, text = notebooks.kind_of(cell), cell.source.replace("TRAIN = False", "TRAIN = True")
        if cell.cell_type != "code" or kind == "check":
            continue
        body = ast.parse(text).body
        if kind == "demo" and "TRAIN" in text:
            body = body[:1 + max(n for n, node in enumerate(body) if "TRAIN" in ast.unparse(node))]
        elif kind == "demo" and opened:
            body = [node for node in body if isinstance(node, DEFINES)]
        opened |= kind == "demo"
        yield f"cell {i}", ast.unparse(ast.Module(body, []))


def asks_for_the_switch(value):
    """Whether it is a function of the notebook that trains as soon as the weights are wanted."""
    function = inspect.unwrap(value) if callable(value) else None
    return inspect.isfunction(function) and "TRAIN" in function.__code__.co_names


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Trainings of two steps, which are not measured, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plot, "show", lambda *_, **__: None)
    monkeypatch.setattr(training, "train", partial(training.train, steps=2, device="cpu", quiet=True))
    monkeypatch.setattr(latent, "latents", lambda _, drawn=latent.latents: drawn(64))
    for recipe in map(recipes.find, recipes.names()):
        monkeypatch.setattr(type(recipe), "measure", lambda self, model: ({}, None))
        monkeypatch.setattr(type(recipe), "more_samples", lambda self, model: {})
    return tmp_path / "runs" / "finished"


def run_until_trained(path):
    nb = fresh_notebook("__main__")
    for name, text in pieces(path):
        run(text, name, nb)
    for loader in [value for value in vars(nb).values() if asks_for_the_switch(value)]:
        loader()


@pytest.mark.slow
@pytest.mark.parametrize("path", SWITCHED, ids=[path.stem for path in SWITCHED])
def test_the_switch_trains_and_the_notebook_goes_on_with_it(path, short):
    run_until_trained(path)
    made = list(short.glob("*.safetensors"))
    assert len(made) == 1
    assert zoo.load(made[0].stem, short).config["trained_steps"] == 2


def test_all_notebooks_that_train_for_long_have_the_switch():
    assert {path.stem for path in SWITCHED} >= {"02_autoregressive", "03_vae", "04_gan", "05_ddpm", "06_unet"}
