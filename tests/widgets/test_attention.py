"""The attention map: that its weights are the network's, what its pictures say, and its recorded page."""

from __future__ import annotations

import json
import re

import pytest
import torch
from torch import nn

from course_utils import data, text
from course_utils.diffusion.paths import VP
from course_utils.models.autoencoder import Autoencoder
from course_utils.models.dit import DiT
from course_utils.pipeline import Pipeline
from course_utils.widgets import attention, attention_map, live
from course_utils.widgets.parts import Sentence

LOOK = {"patch": 6, "block": 2}


def network(**args) -> DiT:
    """A small one, four patches a side, whose every weight counts."""
    torch.manual_seed(0)
    model = DiT(patch=2, dim=16, depth=3, heads=2, context_dim=text.WIDTH, **args).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.3)
    return model.requires_grad_(False)


def piped(model) -> Pipeline:
    torch.manual_seed(0)
    return Pipeline(model, Autoencoder(dims=(8, 8, 8)).eval(), VP(), 5.0)


@pytest.fixture(scope="module")
def pipe():
    return piped(network())


@pytest.fixture(scope="module")
def maps(pipe):
    return attention.Maps(pipe, data.emoji_picture)


# --- weights


def given(prompt: str = "sun and red heart"):
    return torch.randn(1, 8, 8, 8), torch.tensor([0.3]), text.tokens([prompt], text.LENGTH)


def test_the_weights_are_those_of_torchs_own_attention():
    model, seen = network(), []
    model.blocks[1].attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    of_patches, of_text = attention.read(model, *given())
    (x, context, mask), both = seen[0], model.blocks[1].attention
    own, other = both.self_attention, both.cross_attention
    layer = nn.MultiheadAttention(16, 2, batch_first=True)
    layer.in_proj_weight.data, layer.in_proj_bias.data = own.qkv.weight, own.qkv.bias
    torch.testing.assert_close(of_patches[1], layer(x, x, x)[1][0])
    layer.in_proj_weight.data = torch.cat([p.weight for p in (other.to_q, other.to_k, other.to_v)])
    layer.in_proj_bias.data = torch.cat([p.bias for p in (other.to_q, other.to_k, other.to_v)])
    torch.testing.assert_close(of_text[1], layer(x, context, context, key_padding_mask=~mask)[1][0])


def test_the_weights_of_a_patch_add_up_to_1_and_padding_is_not_read():
    model = network()
    of_patches, of_text = attention.read(model, *given())
    assert [w.shape for w in of_patches] == [(16, 16)] * 3 and [w.shape for w in of_text] == [(16, 16)] * 3
    for weights in (*of_patches, *of_text):
        torch.testing.assert_close(weights.sum(1), torch.ones(16))
    assert all((w[:, 5:] == 0).all() and (w[:, :5] > 0).all() for w in of_text)
    assert not any(m._forward_pre_hooks for m in model.modules())  # nothing is left of the listening


def test_hooks_go_where_the_network_fails():
    model = network()
    with pytest.raises(ValueError):
        attention.read(model, torch.randn(1, 8, 4, 4), *given()[1:])
    assert not any(m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(("prompt", "words"), [
    ("sun and red heart", ["(start)", "sun", "and", "red", "heart"]),
    ("", ["(start)"]),
    ("red heart and red apple", ["(start)", "red", "heart", "and", "red′", "apple"]),
    ("keycap 0", ["(start)", "token 1", "token 2", "token 3"])])
def test_words_know_their_rows(prompt, words):
    found = attention.words_of(prompt, len(text.tokens([prompt])[0]))
    assert list(found) == words and list(found.values()) == list(range(len(words)))


@pytest.mark.parametrize("model", [network(text="joint"), nn.Linear(1, 1)])
def test_another_network_is_refused(model):
    with pytest.raises(ValueError, match="needs a DiT that reads its text by cross-attention"):
        attention_map(piped(model), data.emoji_picture)


# --- pictures


def test_a_picture_tells_what_is_looked_at_most(maps):
    reading = maps.reading("sun and red heart", 0.5)
    row = reading.of_patches[1][6]
    most, (word, share) = int(row.argmax()), max(zip(reading.words, reading.of_text[1][6].tolist(), strict=False),
                                                 key=lambda pair: pair[1])
    assert maps.picture(**LOOK).words == (
        f"“sun and red heart”, 50% of its latents' variance is noise. Block 2 of 3: the patch in row 2, column 3 looks "
        f"most at the one in row {most // 4 + 1}, column {most % 4 + 1} ({row.max():.0%}), at itself with "
        f"{row[6]:.0%}; of the text it reads “{word}” most ({share:.0%}).")


def test_half_noised_is_half_of_the_variance(maps):
    t = maps.pipe.path.inverse_log_snr(torch.zeros(1))
    torch.testing.assert_close(maps.pipe.path.alpha(t), maps.pipe.path.sigma(t))


def test_the_patch_is_outlined_over_both_pictures():
    weights = torch.zeros(4, 4)
    weights[3, 0] = 1
    fig = attention.draw_weights(data.emoji_picture("octopus"), (1, 2), weights, {"(start)": 0.25, "octopus": 0.75})
    picture, over, words = fig.axes
    assert [{p.get_xy() for p in axes.patches} for axes in (picture, over)] == [{(2, 1)}] * 2
    assert over.images[1].get_array().argmax() == 12
    assert [label.get_text() for label in words.get_yticklabels()] == ["(start)", "octopus"]
    assert [bar.get_width() for bar in words.patches] == [0.25, 0.75]


def test_what_is_no_drawing_is_a_sentence(maps):
    with pytest.raises(Sentence, match='There is no drawing "xylocarp"'):
        maps.picture(**LOOK, prompt="xylocarp")


# --- recorded and live


def test_recorded_is_the_middle_row_by_a_few_blocks(recording, pipe, monkeypatch):
    monkeypatch.setattr(attention, "FEW_BLOCKS", 2)
    attention_map(pipe, data.emoji_picture)
    (bundle,) = recording
    held = json.loads(re.search(r"sliders} = (\{.*\});", bundle["text/html"])[1])
    assert held["sliders"] == [
        {"label": "patch", "values": [f"row 3, column {i}" for i in (1, 2, 3, 4)], "start": 1},
        {"label": "block", "values": ["1 of 3", "3 of 3"], "start": 0}]
    assert held["played"] == 0 and len(set(held["frames"])) == len(set(held["captions"])) == 8
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?:|import\(|fetch""", bundle["text/html"])


def test_live_answers_each_control_and_tells_a_name_without_a_drawing(made, shown, pipe):
    attention_map(pipe, data.emoji_picture)
    (figure,), (bundle,) = made, shown
    assert "application/vnd.jupyter.widget-view+json" in bundle and "text/html" not in bundle
    assert list(figure.view.inputs) == ["prompt", "patch", "block", "noise"]
    assert len(figure.view.inputs["patch"].options) == 16 and len(figure.view.inputs["block"].options) == 3
    pictures = {figure.view.image.value}
    for name, value in {"prompt": "octopus", "patch": 0, "block": 0, "noise": 0}.items():
        figure.view.inputs[name].value = value
        live.newest.finish()
        assert 'role="alert"' not in figure.view.words.value
        pictures.add(figure.view.image.value)
    assert len(pictures) == 5
    assert figure.view.words.value.startswith("“octopus”, 10% of its latents&#x27; variance is noise. Block 1 of 3: ")
    figure.view.inputs["prompt"].value = "xylocarp"
    live.newest.finish()
    assert figure.view.words.value.startswith('<span role="alert">There is no drawing &quot;xylocarp&quot;: a name is ')
