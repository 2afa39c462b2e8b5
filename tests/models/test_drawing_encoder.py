"""The encoder of drawings."""

from __future__ import annotations

import torch
from models.contract import assert_keeps_the_contract, parameters

from course_utils.models.drawing_encoder import DrawingEncoder


def test_embeddings_have_length_one_and_those_of_a_batch_do_not_mix():
    torch.manual_seed(0)
    model, x = DrawingEncoder(), torch.randn(3, 3, 32, 32)
    embeddings = model(x)
    assert embeddings.shape == (3, 384)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(model(x[1:2]), embeddings[1:2])


def test_it_learns_to_tell_drawings_apart():
    torch.manual_seed(0)
    model, x = DrawingEncoder(dims=(16, 16)), torch.randn(4, 3, 8, 8)
    names = torch.nn.functional.normalize(torch.randn(4, 384), dim=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(10 * model(x) @ names.T, torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (model(x) @ names.T).argmax(dim=1).tolist() == [0, 1, 2, 3]


def test_it_keeps_the_contract():
    """Weighed, since the squares of a unit vector have the same sum whatever the parameters are."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(DrawingEncoder(), torch.nn.Linear(384, 3))
    assert_keeps_the_contract(model, torch.randn(2, 3, 32, 32))


def test_parameter_count():
    assert parameters(DrawingEncoder()) == 322_720
