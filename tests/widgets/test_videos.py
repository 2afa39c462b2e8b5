"""The video player: what its frames are, that it plays over and over, and by a frame where motion is not wanted."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils import data, text
from course_utils.diffusion.paths import VP
from course_utils.models import minilm
from course_utils.models.video import VideoDiT
from course_utils.widgets import live, video_player, videos

WISH = {"caption": "a three moves left", "guidance_scale": 3.0, "seed": 4}
CAPTIONS = ["a three moves left", "a three falls"]


@pytest.fixture(scope="module")
def item():
    torch.manual_seed(0)
    model = VideoDiT(merge=4, width=6, convs=1, dim=12, depth=2, heads=2, context_dim=text.WIDTH).eval()
    for weight in model.parameters():  # every one counts
        torch.nn.init.normal_(weight, std=0.3)
    return SimpleNamespace(model=model, path=VP(), config={"args": {"frames": 8, "channels": 1, "size": 16}})


class Knows:
    """A model that knows the four videos, moving digits, and counts how often it is asked."""

    def __init__(self):
        self.videos, _ = data.moving_digits(4, torch.Generator().manual_seed(0))
        self.asked = 0

    def __call__(self, x, t, context):
        self.asked += 1
        start = (self.videos * 2 - 1).repeat(len(x) // 4, 1, 1, 1, 1)
        return VP().convert(start, x, t, "x_start", "v")


def frames(player: videos.Videos, **wish) -> list[np.ndarray]:
    return [np.asarray(player.picture(frame=i, **WISH | wish).image) for i in range(1, 9)]


def ignore(share: float) -> None:
    """Nothing newer comes."""


# --- pictures


def test_a_picture_is_a_frame_of_four_videos(item):
    knows = Knows()
    player = videos.Videos(item, text.tokens, knows)
    for i, frame in enumerate(frames(player)):
        assert frame.shape == (256, 4 * 256 + 3 * 6)
        tiles = np.stack([frame[8::16, left + 8:left + 256:16] for left in range(0, 4 * 262, 262)])
        assert np.abs(tiles - 255 * knows.videos[:, i, 0].numpy()).max() <= 1
    assert knows.asked == 20  # both of guidance together, and once for all frames
    assert player.picture(frame=8, **WISH).words == (
        "Frame 8 of 8 of four videos for “a three moves left”. Seeds 4 to 7, w = 2 · guidance_scale 3, 20 steps, "
        "40 network evaluations of each.")


def test_what_no_training_video_shows_is_told(item):
    player = videos.Videos(item, text.tokens, Knows(), unseen=["a three falls", "a two rises"])
    words = [player.picture(frame=1, caption=c).words.split("videos ")[1].split(" Seeds")[0]
             for c in ("a two rises and a three falls", "a three falls", "a three rises", "")]
    assert words == [
        "for “a two rises and a three falls”; “a two rises” and “a three falls” in no training video.",
        "for “a three falls”; “a three falls” in no training video.", "for “a three rises”.", "for the empty caption."]


def test_each_seed_is_one_video_whatever_stands_beside_it(item):
    first, second = (frames(videos.Videos(item, text.tokens), seed=seed)[0] for seed in (0, 3))
    assert np.abs(first[:, -256:].astype(int) - second[:, :256]).max() <= 1


def test_the_preview_comes_once_for_all_frames(item):
    player = videos.Videos(item, text.tokens, Knows())
    words = [p.words for frame in (1, 2) for p in player.pictures(WISH | {"frame": frame}, ignore)]
    assert words[0] == "A preview of 4 steps." and [w[:12] for w in words[1:]] == ["Frame 1 of 8", "Frame 2 of 8"]
    assert len(list(player.pictures(WISH | {"frame": 1, "seed": 0}, ignore))) == 2


def test_only_so_many_videos_are_remembered(item, monkeypatch):
    monkeypatch.setattr(videos, "MOST_KEPT", 2)
    player = videos.Videos(item, text.tokens, Knows())
    for seed in (0, 4, 8):
        player.picture(frame=1, **WISH | {"seed": seed})
    assert [wish.seed for wish in player.made] == [4, 8]


def test_videos_that_are_no_numbers_are_one_sentence(item):
    with pytest.raises(ValueError, match=r"no finite numbers \(NaN or infinite\)"):
        videos.Videos(item, text.tokens, lambda x, t, context: x * torch.nan).picture(frame=1, **WISH)


# --- recorded


def test_recorded_is_captions_by_frames(recording, item):
    video_player(item, text.tokens, Knows(), captions=CAPTIONS)
    (bundle,) = recording
    held = json.loads(re.search(r"sliders} = (\{.*\});", bundle["text/html"])[1])
    assert [slider["label"] for slider in held["sliders"]] == ["caption", "frame"] and held["played"] == 1
    assert held["sliders"][0]["values"] == CAPTIONS and held["sliders"][1]["values"][2] == "3 of 8"
    assert len(held["frames"]) == len(set(held["captions"])) == 16
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?:|import\(|fetch""", bundle["text/html"])


def test_the_captions_that_are_recorded_are_known_and_some_were_never_seen():
    phrases = [phrase for caption in videos.CAPTIONS for phrase in caption.split(" and ")]
    assert set(phrases) <= set(data.moving.phrases())
    assert sum(phrase in data.moving.phrases("unseen") for phrase in phrases) == 2
    assert len(videos.CAPTIONS) * 8 <= 48


@pytest.fixture
def played(recording, item, browser):
    """The recorded player on pages whose clocks the test moves."""
    video_player(item, text.tokens, Knows(), captions=CAPTIONS)
    pages = []

    def play(**emulated):
        pages.append(browser.new_page(**emulated))
        pages[-1].on("pageerror", lambda error: pytest.fail(str(error)))
        pages[-1].clock.install(time=0)
        pages[-1].clock.pause_at(1000)  # so that only the test moves it
        pages[-1].set_content(recording[0]["text/html"])
        return pages[-1]

    yield play
    for page in pages:
        page.close()


def test_recorded_plays_over_and_over_until_it_is_stopped(played):
    page = played()
    caption, frame, button = page.get_by_label("caption"), page.get_by_label("frame"), page.get_by_role("button")
    picture, words = page.get_by_role("img"), page.locator("figcaption")

    def at() -> str:
        return frame.get_attribute("aria-valuetext")

    page.clock.run_for(2000)
    assert at() == "1 of 8" and button.text_content() == "Play (P)"  # nothing runs before it is asked to
    caption.press("p")
    assert button.get_attribute("aria-pressed") == "true" and words.get_attribute("aria-live") == "off"
    seen = {picture.get_attribute("src")}
    for _ in range(7):
        page.clock.run_for(167)
        seen.add(picture.get_attribute("src"))
    assert at() == "8 of 8" and len(seen) == 8
    page.clock.run_for(167)
    assert at() == "1 of 8"  # and on
    caption.press("ArrowRight")  # another video, while it plays
    page.clock.run_for(167)
    assert at() == "2 of 8" and "“a three falls”" in words.text_content() == picture.get_attribute("alt")
    caption.press("p")
    page.clock.run_for(2000)
    assert at() == "2 of 8" and button.text_content() == "Play (P)" and words.get_attribute("aria-live") == "polite"
    caption.press("p")
    page.clock.run_for(167)
    caption.press("Escape")
    page.clock.run_for(2000)
    assert at() == "3 of 8" and button.get_attribute("aria-pressed") == "false"


def test_recorded_moves_by_a_frame_where_motion_is_not_wanted(played):
    page = played(reduced_motion="reduce")
    frame, button = page.get_by_label("frame"), page.get_by_role("button")
    seen = []
    for _ in range(9):
        assert button.text_content() == "Next frame (P)" and button.get_attribute("aria-pressed") == "false"
        seen.append(frame.get_attribute("aria-valuetext"))
        frame.press("p")
        page.clock.run_for(2000)
    assert seen == [f"{i} of 8" for i in (1, 2, 3, 4, 5, 6, 7, 8, 1)]
    assert page.locator("figcaption").get_attribute("aria-live") == "polite"


# --- live


@pytest.fixture
def player(made, item):
    video_player(item, text.tokens, captions=CAPTIONS)
    return made[0]


def answered(player, **values) -> str:
    """What the player says once it holds other values: a text, or the place of a slider."""
    for name, value in values.items():
        player.view.inputs[name].value = value
    live.newest.finish()
    return player.view.words.value


def test_live_answers_each_control_and_remembers(player, shown):
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle and "text/html" not in bundle
    assert list(player.view.inputs) == ["caption", "frame", "guidance_scale", "seed"]
    pictures = {player.view.image.value}
    for change in {"caption": "a four rises", "frame": 3, "guidance_scale": 1, "seed": 2}.items():
        assert 'role="alert"' not in answered(player, **dict([change]))
        pictures.add(player.view.image.value)
    assert len(pictures) == 5 and len(player.kept) == 5
    assert player.view.words.value.startswith("Frame 4 of 8 of four videos for “a four rises”. Seeds 8 to 11, w = 0 ")


def test_a_word_that_nobody_knows_is_a_sentence(player, monkeypatch):
    monkeypatch.setattr(minilm, "is_installed", lambda: False)
    said = answered(player, caption="a three dances")
    assert said.startswith('<span role="alert">&quot;a three dances&quot; is none of the ') and "(at " not in said
    assert answered(player, caption="a three rises").startswith("Frame 1 of 8 of four videos for “a three rises”. ")


def test_a_model_of_ones_own_that_is_not_filled_in_says_so_itself(made, item):
    def model(x, t, context):
        raise NotImplementedError("The cell above is not filled in yet.")

    video_player(item, text.tokens, model)
    assert made[0].view.words.value == '<span role="alert">The cell above is not filled in yet.</span>'
