"""The classifier that sees the time."""

from __future__ import annotations

import torch
from models.contract import assert_keeps_the_contract, parameters

from course_utils.models.time_classifier import TimeClassifier


def test_it_keeps_the_contract():
    torch.manual_seed(0)
    assert_keeps_the_contract(TimeClassifier(), torch.randn(4, 1, 28, 28), torch.tensor([0, 3, 77, 199]))


def test_its_answer_depends_on_the_time_and_each_image_on_its_own():
    torch.manual_seed(0)
    model, x = TimeClassifier().eval(), torch.randn(1, 1, 28, 28).expand(3, 1, 28, 28)
    with torch.no_grad():
        logits = model(x, torch.tensor([5, 150, 5]))
    torch.testing.assert_close(logits[0], logits[2])
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_the_gradient_of_an_image_is_that_of_its_log_probability():
    torch.manual_seed(0)
    model = TimeClassifier().eval()
    x, t, y = torch.randn(2, 1, 28, 28, requires_grad=True), torch.tensor([9, 90]), [3, 7]
    direction = torch.randn_like(x)

    def log_p(x_t):
        return model(x_t, t).log_softmax(dim=1)[[0, 1], y]

    gradient = torch.autograd.grad(log_p(x).sum(), x)[0]
    with torch.no_grad():
        slope = (log_p(x + 1e-2 * direction) - log_p(x - 1e-2 * direction)) / 2e-2
    torch.testing.assert_close((gradient * direction).sum(dim=(1, 2, 3)), slope, rtol=1e-2, atol=1e-3)


def test_parameter_count():
    model = TimeClassifier()
    assert parameters(model) == 125_658
    assert model(torch.randn(2, 1, 28, 28), torch.tensor([0, 1])).shape == (2, 10)
