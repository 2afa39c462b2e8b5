"""Emoji in other colours, mirrored and in pairs: true names, and what is held out stays out."""

from __future__ import annotations

import pytest
import torch

from course_utils import data
from course_utils.data.album import album, is_held_apart
from course_utils.data.paint import COLOURS, paint_of, recolour


def draw(n: int, seed: int = 0, **kwargs) -> tuple[torch.Tensor, list[str]]:
    return data.draw_emoji(n, torch.Generator().manual_seed(seed), **kwargs)


def mirrored_or_not(image: torch.Tensor, name: str) -> bool:
    """Whether the image is that of the name, each half of a pair mirrored or not."""
    own = data.emoji_picture(name)
    halves = (slice(0, 16), slice(16, 32)) if " and " in name and name not in album().index else (slice(0, 32),)
    return all(image[..., h].allclose(own[..., h]) or image[..., h].allclose(own[..., h].flip(-1)) for h in halves)


def test_pictures_are_those_of_their_names():
    images, names = draw(120)
    assert images.shape == (120, 3, 32, 32)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    assert all(mirrored_or_not(image, name) for image, name in zip(images, names, strict=True))
    kinds = ["pair" if " and " in n else "coloured" if n.split()[0] in COLOURS else "plain" for n in names]
    assert min(kinds.count(k) for k in ("plain", "coloured", "pair")) > 25


def test_a_seed_gives_the_same_pictures():
    (a, names), (b, same) = draw(40), draw(40)
    assert names == same and a.equal(b)
    assert draw(40, seed=1)[1] != names


@pytest.mark.parametrize("kind", ["plain", "coloured", "pair"])
def test_training_never_draws_what_is_held_out(kind):
    seen, unseen = (draw(600, kinds=[kind], split=split)[1] for split in ("train", "test"))
    assert not any(map(data.is_held_out, seen))
    assert all(map(data.is_held_out, unseen))
    assert set(seen) <= set(data.emoji_names(kind))
    assert set(unseen) <= set(data.emoji_names(kind, "test"))
    assert not set(data.emoji_names(kind)) & set(data.emoji_names(kind, "test"))


def test_every_word_of_a_held_out_combination_is_seen():
    train = data.emoji_names("coloured")
    colours, things = ({n.split(" ", 1)[i] for n in train} for i in range(2))
    plain = set(data.emoji_names("plain"))
    for name in data.emoji_names("coloured", "test"):
        colour, thing = name.split(" ", 1)
        assert colour in colours and thing in things
    for name in data.emoji_names("pair", "test")[::50]:
        assert set(name.split(" and ")) <= plain


def test_the_course_s_own_examples_are_held_out():
    assert data.is_held_out("blue apple") and not data.is_held_out("purple apple")
    assert data.is_held_out("cat and red heart") and data.is_held_out("red heart and cat")
    assert not data.is_held_out("cat and dog")
    assert data.is_held_out(data.emoji_names("plain", "test")[0]) and not data.is_held_out("red apple")
    assert data.is_held_out("blue apple and dog")  # a part of it is
    share = sum(is_held_apart(a, b) for a in album().names[:200] for b in album().names[200:400]) / 40_000
    assert 0.08 < share < 0.12


def test_a_painted_name_is_no_other_drawing_s():
    names = data.emoji_names("coloured") + data.emoji_names("coloured", "test")
    assert len(names) > 2500
    assert len(set(names)) == len(names)
    assert not set(names) & set(album().names)  # "blue heart" is OpenMoji's own
    assert data.emoji_picture("blue heart").equal(album().images[album().index["blue heart"]])


@pytest.mark.parametrize("colour", COLOURS)
def test_paint_turns_one_colour_and_leaves_the_lines(colour):
    disc = torch.ones(1, 3, 8, 8)
    disc[:, :, 2:6, 2:6] = torch.tensor(COLOURS["red"])[:, None, None] / 255
    disc[:, :, 2] = 0  # a black line
    turned = recolour(disc, paint_of(disc), [colour])
    assert turned[0, :, 4, 4].tolist() == pytest.approx([v / 255 for v in COLOURS[colour]], abs=0.01)
    assert turned[0, :, 2].equal(disc[0, :, 2]) and turned[0, :, 0].equal(disc[0, :, 0])
    half = torch.where(disc == 0, disc, (disc + 1) / 2)  # as at a smoothed edge: half the colour, half white
    edge = recolour(half, paint_of(disc), [colour])[0, :, 4, 4]
    assert edge.tolist() == pytest.approx([(v / 255 + 1) / 2 for v in COLOURS[colour]], abs=0.01)


def test_a_painted_apple_is_blue_and_its_leaf_is_green():
    red, blue = data.emoji_picture("red apple"), data.emoji_picture("blue apple")
    changed = (red - blue).abs().amax(0) > 0.2
    assert changed.float().mean() > 0.2
    assert (blue[2] - blue[0])[changed].mean() > 0.4 > 0 > (red[2] - red[0])[changed].mean()
    leaf = (red[1] - red[0] > 0.05) & (red[1] - red[2] > 0.3)
    assert leaf.any() and red[:, leaf].equal(blue[:, leaf])


def test_names_that_a_mirror_would_falsify_are_not_mirrored():
    mirrors = dict(zip(album().names, album().mirrors.tolist(), strict=True))
    for name in ("right arrow", "left-facing fist", "alarm clock", "keycap 3", "France", "chequered flag",
                 "four o’clock", "ON! arrow", "waxing crescent moon", "chart increasing", "hundred points",
                 "musical note", "taxi", "rightwards hand", "1st place medal", "woman and man holding hands"):
        assert mirrors[name] is False, name
    assert all(mirrors[name] for name in ("cat", "red apple", "grinning face", "teapot", "rocket"))
    images, names = draw(400, kinds=["plain"])
    turned = [n for i, n in zip(images, names, strict=True) if not i.equal(data.emoji_picture(n))]
    assert 60 < len(turned) < 200
    assert all(mirrors[name] for name in turned)


def test_a_pair_has_its_first_word_on_the_left():
    both, cat = data.emoji_picture("cat and dog"), data.emoji_picture("cat")
    small = torch.nn.functional.avg_pool2d(cat, 2)
    assert both[:, 8:24, :16].equal(small)
    assert both[:, :8].eq(1).all() and both[:, 24:].eq(1).all()
    assert data.emoji_picture("purple cat and dog")[..., 16:].equal(both[..., 16:])


def test_bad_questions_are_one_sentence():
    with pytest.raises(ValueError, match='There is no drawing "kitten"'):
        data.emoji_picture("kitten")
    with pytest.raises(ValueError, match='There is no drawing "blue France"'):
        data.emoji_picture("blue France")
    with pytest.raises(ValueError, match="A kind of emoji is plain, coloured, pair, one at least, not 'pairs'"):
        draw(3, kinds=["pairs"])
    with pytest.raises(ValueError, match="A kind of emoji is"):
        data.emoji_names("turned")
    with pytest.raises(ValueError, match='split is "train" or "test"'):
        draw(3, split="valid")
    with pytest.raises(ValueError, match="one at least"):
        draw(3, kinds=[])
