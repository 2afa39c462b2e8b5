"""The picture of what each loss of the autoencoder adds: of the same drawings, from the same beginning."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from course_utils import data, recipes, zoo
from course_utils.recipes.emoji import choose_detailed


@pytest.fixture
def recipe():
    return replace(recipes.find("emoji-autoencoder"), pool=64, batch_size=4, compared=3)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_short_trainings_begin_alike_and_part_with_their_losses(recipe):
    device = torch.device("cpu")
    kinds = (0.0, 0.0), (recipe.feature_weight, 0.0), (recipe.feature_weight, recipe.adv_weight)
    begun = [weights(replace(recipe, compared=0).briefly(*kind, device)) for kind in kinds]
    assert torch.equal(begun[0], begun[1]) and torch.equal(begun[0], begun[2])
    early = [weights(replace(recipe, compared=1).briefly(*kind, device)) for kind in kinds]
    assert not torch.equal(early[0], early[1]) and torch.equal(early[1], early[2])  # no critic yet
    late = [weights(recipe.briefly(*kind, device)) for kind in kinds[1:]]
    assert not torch.equal(*late) and torch.equal(late[1], weights(recipe.briefly(*kinds[2], device)))


def test_the_picture_is_a_row_of_drawings_above_their_reconstructions(recipe):
    model, before = zoo.load("emoji-autoencoder").model, torch.get_rng_state()
    images = recipe.more_samples(model)["losses"]
    assert images.shape == (40, 3, 32, 32) and torch.equal(before, torch.get_rng_state())
    drawings, rows = images[:10], images.split(10)
    assert all((drawings == data.openmoji("test")[0][:, None]).flatten(2).all(2).any(0))
    assert not any(torch.equal(a, b) for a in rows for b in rows if a is not b)


def test_the_most_detailed_are_those_that_change_most():
    flat, edge, stripes = torch.zeros(3, 3, 4, 4)
    edge[:, :, 2:], stripes[:, :, ::2] = 1, 1
    assert torch.equal(choose_detailed(torch.stack([edge, flat, stripes]), 2), torch.stack([stripes, edge]))
