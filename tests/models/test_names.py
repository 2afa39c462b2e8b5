"""A network is its file: a new one is found by its name, and what is wrong about a name or an argument is told."""

from __future__ import annotations

import pytest
import torch

from course_utils import models

TOY = """
from torch import nn

class Toy(nn.Linear):
    pass

NETWORK = Toy
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A second folder of networks' files."""
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    return tmp_path


def test_a_file_dropped_into_the_folder_is_a_network(folder):
    before = models.names()
    (folder / "toy_network.py").write_text(TOY)
    assert models.names() == sorted([*before, "toy_network"])
    toy = models.build("toy_network", {"in_features": 2, "out_features": 3})
    assert toy(torch.ones(1, 2)).shape == (1, 3)


def test_what_networks_share_is_no_network(folder):
    (folder / "toy_shared.py").write_text("SIZE = 3")
    assert not {"toy_shared", "fast", "opaque"} & set(models.names())
    with pytest.raises(ValueError, match="no network fast; there are: .*unet"):
        models.build("fast", {})


@pytest.mark.parametrize("name", ["transformer", "", "..zoo", "unet.Unet"])
def test_an_unknown_network_names_those_that_exist(name):
    with pytest.raises(ValueError, match="There is no network .*; there are: .*classifier, .*unet"):
        models.build(name, {})


@pytest.mark.parametrize("args, wrong", [({"width": 3, "depth": 4}, "'depth'"), ({"dim": 8}, "'dim'")])
def test_an_argument_that_a_network_does_not_take_is_named(args, wrong):
    with pytest.raises(ValueError, match=f"classifier takes channels, num_classes, width: .*{wrong}"):
        models.build("classifier", args)


def test_an_argument_that_is_missing_is_named():
    with pytest.raises(ValueError, match="unet takes dim, .*'condition_dim'"):
        models.build("unet", {"dim": 8})
