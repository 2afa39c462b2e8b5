"""DCGAN: the generator and the discriminator."""

from __future__ import annotations

import pytest
import torch
from models.contract import assert_keeps_the_contract, parameters
from torch import nn

from course_utils.models.dcgan import Discriminator, Generator


def test_the_generator_draws_digits_in_their_range():
    images = Generator()(10 * torch.randn(5, 64))
    assert images.shape == (5, 1, 28, 28)
    assert -1 <= images.min() < 0 < images.max() <= 1


@pytest.mark.parametrize("b", [1, 3])
def test_the_discriminator_gives_a_logit_an_image(b):
    assert Discriminator().eval()(torch.randn(b, 1, 28, 28)).shape == (b,)


@pytest.mark.parametrize("cls", [Generator, Discriminator])
def test_weights_start_as_dcgans_did(cls):
    torch.manual_seed(0)
    weights = [m.weight for m in cls().modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(weights) == 3
    for weight in weights:
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_generators_gradient_leads_to_what_passes_for_real():
    torch.manual_seed(0)
    generator, discriminator, z = Generator(), Discriminator(), torch.randn(8, 64)
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.05)
    losses = []
    for _ in range(3):
        loss = nn.functional.softplus(-discriminator(generator(z))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize(("cls", "shape"), [(Generator, (4, 64)), (Discriminator, (4, 1, 28, 28))])
def test_it_keeps_the_contract(cls, shape):
    torch.manual_seed(0)
    assert_keeps_the_contract(cls(), torch.randn(shape))


def test_parameter_counts():
    assert parameters(Generator()) == 533_889
    assert parameters(Discriminator()) == 138_689
