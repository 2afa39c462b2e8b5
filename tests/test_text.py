"""The stored embeddings of known names, and the sentence encoder where it is installed."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from course_utils import data, text
from course_utils.data.moving import phrases
from course_utils.models import minilm

encoder = pytest.mark.skipif(not minilm.is_installed(), reason="the sentence encoder is not installed")


@pytest.fixture
def no_encoder(monkeypatch):
    """As on a machine without the package."""
    monkeypatch.setitem(sys.modules, minilm.PACKAGE, None)
    monkeypatch.setattr(minilm, "is_installed", lambda: False)


def test_all_that_training_asks_for_is_known(no_encoder):
    g = torch.Generator().manual_seed(0)
    prompts = [*data.emoji_names("plain"), *data.emoji_names("plain", "test"), *data.emoji_names("coloured"),
               *data.emoji_names("coloured", "test"), *data.emoji_names("pair")[::97], *phrases(),
               *data.moving_digits(20, g)[1], ""]
    known = set(text.list_known())
    assert {part for prompt in prompts for part in text.parts(prompt)} <= known
    context = text.tokens(prompts)
    assert context.shape[2] == text.WIDTH
    assert context.shape[1] <= text.LENGTH  # nothing that recipes train on is cut off
    assert text.sentence(["blue apple", *data.moving_digits(3, g)[1]]).shape == (4, 384)


def test_padding_is_zero_and_tokens_never_are():
    context = text.tokens(["red apple", "", "cat and anchor"])
    assert context.dtype == torch.float32
    assert context.any(-1).tolist() == [[True] * 3 + [False], [True] + [False] * 3, [True] * 4]
    assert context[1, 0].equal(context[0, 0])  # all begin with the empty prompt's row
    assert text.tokens(["red apple"], 16).shape == (1, 16, text.WIDTH)
    assert text.tokens(["cat and anchor"], 2).equal(text.tokens(["cat and anchor"])[:, :2])


def test_a_prompt_does_not_depend_on_its_neighbours():
    alone = text.tokens(["cat"], 9)
    assert text.tokens(["face with open eyes and hand over mouth", "cat"], 9)[1:].equal(alone)


def test_order_and_place_can_be_read():
    one, other = text.tokens(["cat and anchor", "anchor and cat"])
    assert not torch.allclose(one, other)
    assert text.sentence(["cat and anchor"]).allclose(text.sentence(["anchor and cat"]))
    place = one[3] - text.tokens(["anchor"])[0, 1]  # the same token at 3 and at 1: sin and cos of the first rate
    assert place[0].item() == pytest.approx(0.5 * (math.sin(3) - math.sin(1)), abs=1e-4)
    assert place[64].item() == pytest.approx(0.5 * (math.cos(3) - math.cos(1)), abs=1e-4)


@pytest.mark.parametrize(("prompt", "parts"), [
    ("Red  Apple", ["red apple"]),
    ("blue apple", ["blue", "apple"]),
    ("blue apple and red heart", ["blue", "apple", "and", "red heart"]),
    ("bow and arrow", ["bow and arrow"]),
    ("cat and bow and arrow", ["cat", "and", "bow and arrow"]),
    ("bow and arrow and cat", ["bow and arrow", "and", "cat"]),
    ("a three moves left and a seven falls", ["a three moves left", "and", "a seven falls"]),
    ("orange", ["orange"]),
    ("", [""]),
])
def test_a_prompt_is_cut_into_known_parts(prompt, parts):
    assert text.parts(prompt) == parts


def test_sentences_are_unit_vectors_that_know_what_is_near():
    cat, face, apple = text.sentence(["cat", "cat face", "red apple"])
    assert torch.stack([cat, face, apple]).norm(dim=1).allclose(torch.ones(3))
    assert cat @ face > 0.6 > 0.5 > cat @ apple


def test_an_unknown_word_without_the_encoder_is_one_sentence(no_encoder):
    for ask in (text.tokens, text.sentence):
        with pytest.raises(ValueError, match='"a dog on a skateboard" is none of .* pip install --no-deps'):
            ask(["cat", "a dog on a skateboard"])


@pytest.mark.parametrize("prompts", ["cat", []])
def test_prompts_are_a_list(prompts):
    with pytest.raises(ValueError, match="prompts are a list of texts"):
        text.tokens(prompts)


def test_the_file_is_light():
    assert text.FILE.stat().st_size < 2_000_000


# --- the encoder


def test_the_layers_are_bert_s():
    torch.manual_seed(0)
    net = minilm.MiniLM(vocabulary=20, dim=16, layers=2, heads=4, positions=8)
    ids = torch.tensor([[3, 5, 7]])
    out = net(ids)
    assert out.shape == (1, 3, 16)
    assert out.mean(-1).abs().max() < 1e-5  # every layer ends in a norm
    assert not net(ids.flip(1)).flip(1).allclose(out)  # places count
    assert net.eval()(ids).allclose(out, atol=1e-5)


@encoder
def test_the_stored_rows_are_the_encoder_s():
    stored = text._load_stored()
    for part in ["", "red apple", "cat", "and", "blue", "a three moves left", "woman’s hat", "são tomé & príncipe"]:
        encoded = minilm.encode(part)
        rows = stored.reduce(text.own_tokens(encoded))
        assert (text._rows(part) - rows).square().mean().sqrt() < 0.02
        assert text.sentence([part])[0] @ minilm.pool(encoded) > 0.9995


@encoder
def test_the_list_of_parts_is_what_the_data_has():
    from course_utils.authoring import embeddings

    assert embeddings.list_parts() == text.list_known()


@encoder
def test_an_unseen_prompt_lies_in_the_same_space():
    kitten, cat, lorry = text.sentence(["a small kitten", "cat", "articulated lorry"])
    assert kitten @ cat > 0.5 > kitten @ lorry
    assert text.tokens(["a small kitten"]).square().mean() > 0.5


@encoder
def test_word_pieces():
    assert minilm.pieces("Cat and hearts!") == ["[CLS]", "cat", "and", "hearts", "!", "[SEP]"]
    assert minilm.pieces("fleur-de-lis")[1:4] == ["fl", "##eur", "-"]
    assert minilm.pieces("São") == ["[CLS]", "sao", "[SEP]"]
    assert len(minilm.pieces("cat " * 600)) == 512
