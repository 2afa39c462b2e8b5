"""Notebook 02 against what is known: sums of probabilities, gradients, frequencies, and the shipped weights."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils import data, notebooks, puzzles, zoo
from course_utils.models import pixelcnn


@pytest.fixture(scope="module")
def nb():
    return notebooks.load(notebooks.source_of("02"))


def every_image(side: int) -> torch.Tensor:
    """All pictures of side × side pixels with two levels."""
    n = side**2
    return torch.arange(2**n)[:, None].bitwise_and(2 ** torch.arange(n)).ne(0).long().view(-1, side, side)


def stepped(net: torch.nn.Module, x: torch.Tensor) -> torch.nn.Module:
    """The network after a large optimizer step, whose decay reaches every weight."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.5)
    F.cross_entropy(net(x), x).backward()
    optimizer.step()
    return net


def test_the_likelihoods_of_all_512_images_sum_to_one(nb):
    fresh, x = nb.PixelCNN(levels=2, channels=8, blocks=2), every_image(3)
    for step in (lambda net, x: net, stepped):
        net = step(fresh, x)
        log_p = nb.log_likelihood(net(x), x).double()
        assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-5)
        assert log_p.exp().std() > 0  # not the same for all


@pytest.mark.parametrize("after_a_step", [False, True])
def test_no_pixel_sees_itself_or_a_later_one(nb, after_a_step):
    net, size = nb.PixelCNN(levels=3, channels=8, blocks=2), 5
    if after_a_step:
        net = stepped(net, torch.randint(3, (4, size, size)))
    for p in range(size**2):
        size_of = influence(net.double(), p // size, p % size, size).flatten()
        assert size_of[p:].max() == 0
        assert p % size == 0 or size_of[p - 1] > 0  # the neighbour to the left is seen


def influence(net: torch.nn.Module, i: int, j: int, size: int) -> torch.Tensor:
    image = torch.rand(8, 1, size, size, dtype=torch.double).requires_grad_()
    answer = net.head(net.blocks(net.init_conv(image)))[:, :, i, j]
    return torch.autograd.grad(answer.square().sum(), image)[0].abs().sum((0, 1))


def test_the_blind_spot_begins_right_of_the_diagonal(nb):
    seen = influence(nb.PixelCNN(channels=8, blocks=4).double(), 10, 10, 21) > 0
    for up in range(1, 6):
        row = seen[10 - up].nonzero().flatten()
        assert row.max().item() == 10 + up + 2, up
    assert seen.nonzero()[:, 0].min() == 10 - 3 - 4  # a row a block, and three by the first layer


@pytest.fixture(scope="module")
def trained(nb):
    """The notebook's class with the shipped weights."""
    shipped = zoo.load("pixelcnn")
    net = nb.PixelCNN(**shipped.config["args"])
    net.load_state_dict(shipped.model.state_dict())
    return net.eval()


def test_nine_rows_above_are_enough_for_six_blocks(trained):
    net, x = trained, torch.randint(4, (2, 20, 28))
    with torch.no_grad():
        last = net(x)[:, :, -1]
        of_ten, of_nine = ((net(x[:, -rows:])[:, :, -1] - last).abs().max() for rows in (10, 9))
    assert of_ten < 1e-4 and of_nine > 10 * of_ten


def test_the_shipped_weights_give_what_was_measured_in_the_notebooks_class(nb, trained):
    shipped = zoo.load("pixelcnn")
    x = data.quantise(data.mnist("test", full=False)[0])
    with torch.no_grad():
        torch.testing.assert_close(trained(x[:4]), shipped.model(x[:4]), rtol=1e-4, atol=1e-4)
        nll = torch.cat([-nb.log_likelihood(trained(part), part) for part in x.split(100)])
    assert nb.nll_to_bits(nll, 784).mean().item() == pytest.approx(shipped.metrics["bits_per_dim"], abs=1e-3)


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_masks_equal_the_librarys(nb, kind, size):
    assert torch.equal(nb.causal_mask(size, kind), pixelcnn.causal_mask(size, kind))


@pytest.mark.parametrize("levels", [2, 4, 256])
def test_knowing_nothing_costs_the_logarithm_of_the_levels(nb, levels):
    x = torch.randint(levels, (3, 4, 5))
    nll = -nb.log_likelihood(torch.zeros(3, levels, 4, 5), x)
    torch.testing.assert_close(nb.nll_to_bits(nll, 20), torch.full((3,), math.log2(levels)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_come_as_often_as_their_likelihood_says(nb, temperature):
    """The 16 images of 2 × 2 pixels: frequencies of 20,000 draws against the exact probabilities."""
    net, x = stepped(nb.PixelCNN(levels=2, channels=8, blocks=1), every_image(2)), every_image(2)
    drawn = nb.sample(net, (20_000, 2, 2), temperature, torch.Generator().manual_seed(1))
    share = (drawn[:, None] == x).flatten(2).all(-1).double().mean(0)
    with torch.no_grad():
        p = nb.log_likelihood(net(x) / temperature, x).exp().double()
    assert (share - p).abs().max() < 0.02
    assert p.max() - p.min() > 0.05  # there is something to be seen


def test_attention_equals_torchs(nb):
    q, k, v = torch.randn(3, 2, 3, 7, 5)
    out = nb.causal_attention(q, k, v)
    torch.testing.assert_close(out, F.scaled_dot_product_attention(q, k, v, is_causal=True))
    torch.testing.assert_close(out[:, :, 0], v[:, :, 0])


def test_the_curves_of_the_puzzle_tell_their_slips():
    curves = puzzles.slipped_pixels(data.quantise(data.mnist("train", full=False)[0]))
    begin, end = ({name: curve[part].mean().item() for name, curve in curves.items()}
                  for part in (slice(0, 1), slice(-8, None)))
    assert begin["A"] == pytest.approx(2, abs=0.2) and 0.2 < end["A"] < 0.4
    assert begin["B"] == pytest.approx(2, abs=0.2) and end["B"] < 0.05
    assert begin["C"] == pytest.approx(math.log2(28), abs=0.1) and 4 < end["C"] < begin["C"]
