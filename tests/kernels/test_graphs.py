"""A function replayed as a CUDA graph answers as the function does."""

from __future__ import annotations

import pytest
import torch
from conftest import require

from course_utils.kernels.graphs import Graphed


@pytest.fixture
def stream():
    require("gpu", torch.cuda.is_available(), "There is no GPU, and so no CUDA graph.")
    with torch.cuda.stream(torch.cuda.Stream()):
        yield


def test_every_call_has_its_own_inputs(stream):
    double = Graphed(lambda x, y: 2 * x + y)
    for i in range(8):
        x, y = torch.full((5,), float(i), device="cuda"), torch.arange(5.0, device="cuda")
        assert torch.equal(double(x=x, y=y), 2 * x + y)
    assert double.graph is not None


def test_gradients_and_weights_follow_as_without_a_graph(stream):
    def weights(wrap):
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 3, device="cuda")
        rate = torch.tensor(0.1, device="cuda")
        optimizer = torch.optim.AdamW(net.parameters(), lr=rate, fused=True, capturable=True)

        def gradients(x):
            optimizer.zero_grad(set_to_none=True)
            loss = net(x).square().mean()
            loss.backward()
            return loss.detach()

        first, second = wrap(gradients), wrap(lambda: optimizer.step() and None)
        for i in range(10):
            first(x=torch.full((4, 3), 0.1 * i, device="cuda"))
            second()
        return net.weight.detach().clone()

    assert torch.allclose(weights(Graphed), weights(lambda f: f), rtol=1e-6)


def test_dropout_is_drawn_anew_at_every_replay(stream):
    drop = Graphed(lambda x: torch.nn.functional.dropout(x, 0.5))
    drawn = [drop(x=torch.ones(1000, device="cuda")).clone() for _ in range(6)]
    assert len({tuple(x.tolist()) for x in drawn}) == 6
