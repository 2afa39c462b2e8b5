"""The guidance slider: what its pictures are, what it remembers and drops, errors, and its recorded page."""

from __future__ import annotations

import base64
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.diffusion.paths import DiscreteVP, RectifiedFlow, cosine_betas
from course_utils.diffusion.plans import plan_ancestral, plan_ddim
from course_utils.diffusion.samplers import guided, sample
from course_utils.diffusion.slider import plan_slider
from course_utils.models import fast
from course_utils.models.guidance_unet import GuidanceUnet
from course_utils.models.unet import Unet
from course_utils.widgets import guidance, guidance_slider, live

CHOICE = {"w": 1.0, "steps": 5, "digit": "all", "seed": 0, "sampler": "DDIM"}
TABLE = torch.linspace(-1, 1, 10)[:, None] * torch.ones(6)


@pytest.fixture(scope="module")
def item():
    torch.manual_seed(0)
    return SimpleNamespace(model=Unet(dim=8, condition_dim=6, dim_mults=(1, 2), channels=1).eval(), config={},
                           path=DiscreteVP(cosine_betas(20)), encode=lambda labels: TABLE[labels])


@pytest.fixture(scope="module")
def pupil():
    """A student of two steps that takes the weight as an input."""
    torch.manual_seed(0)
    model = GuidanceUnet(dim=8, condition_dim=6, dim_mults=(1, 2), channels=1).eval()
    torch.nn.init.normal_(model.guidance_mlp[-1].weight)
    config = {"prediction": "velocity", "largest_w": 4.0, "sampling_steps": 2}
    return SimpleNamespace(model=model, config=config, path=RectifiedFlow(), encode=lambda labels: TABLE[labels])


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Recorded values."""
    monkeypatch.setattr(guidance, "FEW_WEIGHTS", [0.0, 1.0, 4.0])
    monkeypatch.setattr(guidance, "FEW_STEPS", [3, 12])


@pytest.fixture
def digits(monkeypatch, item):
    """Without a compiler, as when recording."""
    monkeypatch.setenv("COURSE_RECORD", "1")
    return guidance.Digits(item, None)


def ignore(share: float) -> None:
    """Nothing newer comes."""


# --- pictures


@pytest.mark.parametrize(("sampler", "plan"), [("DPM-Solver++ 2M", plan_slider), ("DDIM", plan_ddim),
                                               ("ancestral", plan_ancestral)])
def test_a_picture_is_that_of_guided_sampling(digits, item, sampler, plan):
    x = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(3))
    cond = {"text_emb": TABLE[torch.full((10,), 7)]}
    model = guided(digits.model.model, cond, None, 2.0, (item.path.T / 2, item.path.T))
    images = sample(model, x, plan(item.path, 5), generator=torch.Generator().manual_seed(10_003))
    picture = digits.picture(w=2.0, steps=5, digit=7, seed=3, sampler=sampler)
    got, expected = (np.asarray(p).astype(int) for p in (picture.image, guidance._sheet(images)))
    assert np.abs(got - expected).max() <= 1
    assert f"each a 7, by {sampler} from seed 3, w = 2 · guidance_scale 3." in picture.words


@pytest.mark.parametrize(("w", "words"), [
    (1.0, "5 steps, 3 of them guided and so evaluated twice: 8 network evaluations."),
    (0.0, "5 steps, without guidance: 5 network evaluations."),
    (-1.0, "5 steps, without the class: 5 network evaluations.")])
def test_what_is_said_to_be_evaluated_is(digits, w, words):
    digits.model.rows = 0
    assert digits.picture(**CHOICE | {"w": w}).words.endswith(words)
    assert digits.model.rows == 10 * int(re.search(r"(\d+) network", words)[1])


def test_without_the_class_all_classes_are_one_picture(digits):
    zero, one = (digits.picture(**CHOICE | {"w": -1.0, "digit": d}).image for d in (0, 1))
    assert zero.tobytes() == one.tobytes() != digits.picture(**CHOICE | {"digit": 0}).image.tobytes()


def test_a_seed_is_the_same_noise_whatever_else_moves(digits):
    noise = {digits.start(4, digit)[0].sum().item() for digit in ("all", 0, 5)}
    assert len(noise) == 1 and digits.start(5, 0)[0].sum().item() not in noise


def test_the_preview_comes_first_where_it_is_of_the_same_digits(digits):
    def words(**changed):
        return [p.words for p in digits.pictures(CHOICE | changed, ignore)]

    assert [w == "A preview of 3 steps." for w in words()] == [True, False]
    assert len(words(steps=3)) == len(words(sampler="ancestral")) == 1


def test_a_sample_of_ones_own_is_drawn_and_its_evaluations_counted(monkeypatch, item):
    monkeypatch.setenv("COURSE_RECORD", "1")
    asked = []

    def sample(model, x_T, labels, w, steps, sampler):
        asked.append((labels.tolist(), w, steps, sampler))
        t = torch.full((10,), 19)
        for _ in range(steps):  # once in one pass, once in two
            model(torch.cat([x_T, x_T]), torch.cat([t, t]), {"text_emb": torch.zeros(20, 6)})
        return x_T.fill_(-1)

    picture = guidance.Digits(item, sample).picture(**CHOICE | {"digit": 2})
    assert asked == [([2] * 10, 1.0, 5, "DDIM")]
    assert picture.image.getpixel((5, 5)) == 0
    assert picture.words.endswith("5 steps, 5 of them guided and so evaluated twice: 10 network evaluations.")


@pytest.mark.parametrize(("given", "sentence"), [
    (lambda *a: None, "sample gave NoneType, not images of (10, 1, 28, 28)"),
    (lambda *a: torch.zeros(10, 28, 28), "sample gave (10, 28, 28), not images of (10, 1, 28, 28)"),
    (lambda *a: torch.full((10, 1, 28, 28), float("nan")), "no finite numbers")])
def test_what_is_no_picture_is_one_sentence(monkeypatch, item, given, sentence):
    monkeypatch.setenv("COURSE_RECORD", "1")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        guidance.Digits(item, given).picture(**CHOICE)


@pytest.mark.parametrize(("config", "options", "sentence"), [
    ({"prediction": "velocity"}, {}, "a network that predicts noise, and this one predicts velocity"),
    ({}, {"samplers": ["Heun"]}, "The library samples by DPM-Solver++ 2M, DDIM, ancestral, not by Heun")])
def test_what_the_slider_cannot_do_is_one_sentence(shown, item, config, options, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        guidance_slider(SimpleNamespace(**vars(item) | {"config": config}), **options)
    assert shown == []


# --- a few-step student


def test_a_students_picture_takes_one_evaluation_a_step_at_any_weight(monkeypatch, pupil):
    monkeypatch.setenv("COURSE_RECORD", "1")
    monkeypatch.setattr(fast, "fastest_dtype", lambda device: torch.float32)  # what is expected is computed in it
    figure = guidance.Digits(pupil, None)
    x, labels = figure.start(1, 3)
    for w in (0.0, 2.0):
        t, told = torch.ones(10), {"text_emb": TABLE[labels], "w": torch.full((10,), w)}
        with torch.no_grad():
            half = x - pupil.model(x, t, told) / 2
            expected = half - pupil.model(half, t / 2, told) / 2
        figure.model.rows = 0
        picture = figure.picture(w=w, steps=2, digit=3, seed=1, sampler="Euler")
        got, wanted = (np.asarray(p).astype(int) for p in (picture.image, guidance._sheet(expected)))
        assert np.abs(got - wanted).max() <= 1
        assert figure.model.rows == 20 and picture.words.endswith("2 network evaluations.")
    assert "the weight is an input" in picture.words
    assert len(list(figure.pictures(dict(w=2.0, steps=2, digit=3, seed=1, sampler="Euler"), ignore))) == 1  # no preview


def test_a_student_is_offered_its_weights_and_nothing_that_cannot_move(recording, pupil):
    guidance_slider(pupil)
    (weights,) = state(recording[0]["text/html"])["sliders"]
    assert weights["values"] == ["w = 0 · guidance_scale 1", "w = 1 · guidance_scale 2", "w = 4 · guidance_scale 5"]
    assert "2 network evaluations." in recording[0]["text/plain"]


# --- recorded


def state(page: str) -> dict:
    return json.loads(re.search(r"sliders} = (\{.*\});", page)[1])


def test_recorded_is_guidance_by_steps_in_both_conventions(recording, item):
    guidance_slider(item)
    (bundle,) = recording
    held = state(bundle["text/html"])
    assert [slider["label"] for slider in held["sliders"]] == ["guidance", "steps"] and held["played"] == 0
    assert held["sliders"][0]["values"] == ["w = 0 · guidance_scale 1", "w = 1 · guidance_scale 2",
                                            "w = 4 · guidance_scale 5"]
    assert len(held["frames"]) == len(set(held["frames"])) == len(set(held["captions"])) == 6
    assert "w = 1 · guidance_scale 2. 12 steps, " in bundle["text/plain"]
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as still:
        assert still.width == 2 * int(re.search(r'<img width="(\d+)"', bundle["text/html"])[1])
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?:|import\(|fetch""", bundle["text/html"])


def test_recorded_plays_by_key(recording, item, browser):
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(error))
    guidance_slider(item)
    page.clock.install()
    page.set_content(recording[0]["text/html"])
    weight, button, caption = page.get_by_label("guidance"), page.get_by_role("button"), page.locator("figcaption")
    page.get_by_label("steps").press("p")
    assert button.get_attribute("aria-pressed") == "true" and caption.get_attribute("aria-live") == "off"
    page.clock.run_for(701)
    assert weight.get_attribute("aria-valuetext") == "w = 4 · guidance_scale 5"  # the end
    assert "w = 4 · guidance_scale 5" in caption.text_content()
    assert button.get_attribute("aria-pressed") == "false" and caption.get_attribute("aria-live") == "polite"
    page.get_by_label("steps").press("p")  # from the start again
    assert weight.get_attribute("aria-valuetext") == "w = 0 · guidance_scale 1"
    page.get_by_label("steps").press("Escape")
    page.clock.run_for(5000)
    assert weight.get_attribute("aria-valuetext") == "w = 0 · guidance_scale 1"
    assert button.text_content() == "Play through guidance (P)" and errors == []


def test_recorded_goes_a_step_where_motion_is_not_wanted(browser, recording, item):
    page = browser.new_page(reduced_motion="reduce")
    guidance_slider(item)
    page.clock.install()
    page.set_content(recording[0]["text/html"])
    weight, button, seen = page.get_by_label("guidance"), page.get_by_role("button"), []
    for _ in range(3):
        assert button.text_content() == "Next guidance (P)" and button.get_attribute("aria-pressed") == "false"
        weight.press("p")
        page.clock.run_for(5000)
        seen.append(weight.get_attribute("aria-valuetext")[:5])
    assert seen == ["w = 4", "w = 0", "w = 1"]
    page.close()


# --- live


def test_live_answers_each_control(shown, item, made):
    guidance_slider(item, samplers=["DDIM", "ancestral"])
    (figure,), (bundle,) = made, shown
    assert "application/vnd.jupyter.widget-view+json" in bundle and "text/html" not in bundle
    assert list(figure.view.inputs) == ["w", "steps", "digit", "seed", "sampler"]
    pictures = {figure.view.image.value}
    for name, slider in figure.view.inputs.items():
        slider.index = 0 if name == "steps" else slider.index + 1
        live.newest.finish()
        assert 'role="alert"' not in figure.view.words.value
        pictures.add(figure.view.image.value)
    assert len(pictures) == 6
