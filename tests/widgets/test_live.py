"""A live figure whose pictures are made in the background: stale ones are dropped, others remembered and played."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from course_utils.widgets import live
from course_utils.widgets.parts import Picture, controls


class Slow:
    """Pictures that say what they are of and wait, each, until they are let go."""

    def __init__(self):
        self.asked, self.begun, self.go, self.words = [], threading.Event(), threading.Event(), []
        self.go.set()

    def __call__(self, values, going):
        self.asked.append(values["w"])
        yield self.picture(f"preview {values['w']}")
        self.begun.set()
        self.go.wait(60)
        going(0.5)
        if values["w"] == 3:
            raise KeyError("no <such> weight")
        yield self.picture(f"picture {values['w']}")

    @staticmethod
    def picture(words):
        return Picture(Image.new("L", (4, 2)), words)


@pytest.fixture
def followed():
    slow = Slow()
    figure = live.Followed(slow, controls({"w": list(range(5)), "seed": [0, 1]}), play="w")
    figure.view.words.observe(lambda change: slow.words.append(change.new), names="value")
    return figure, slow


def move(figure, w):
    figure.view.inputs["w"].index = w


def test_a_followed_figure_is_there_when_its_cell_ends(followed):
    figure, slow = followed
    assert figure.view.words.value == "picture 0" and figure.view.image.width == "2" and slow.asked == [0]
    assert [slider.continuous_update for slider in figure.view.inputs.values()] == [True, True]


def test_moving_on_drops_what_is_stale(followed):
    figure, slow = followed
    slow.go.clear()
    slow.begun.clear()
    move(figure, 1)
    assert slow.begun.wait(60)
    for w in (2, 3, 4):
        move(figure, w)
    slow.go.set()
    live.newest.finish()
    assert slow.asked == [0, 1, 4]
    assert slow.words == ["preview 1", "preview 4", "picture 4"]


def test_another_figure_stops_the_first_ones_job(followed):
    figure, slow = followed
    slow.go.clear()
    slow.begun.clear()
    move(figure, 1)
    assert slow.begun.wait(60)
    live.newest.ask(lambda: None)  # as the cell run again does
    slow.go.set()
    live.newest.finish()
    assert slow.words == ["preview 1"]
    move(figure, 2)  # it still answers
    live.newest.finish()
    assert figure.view.words.value == "picture 2"


def test_pictures_are_remembered_up_to_a_number(followed, monkeypatch):
    figure, slow = followed
    monkeypatch.setattr(live, "MOST_KEPT", 2)
    for w in (1, 0, 2, 1, 0):
        move(figure, w)
        live.newest.finish()
        assert figure.view.words.value == f"picture {w}"
    assert slow.asked == [0, 1, 2, 0] and len(figure.kept) == 2
    assert slow.words.count("preview 0") == 1  # what is remembered needs none


def test_an_error_is_a_sentence_in_the_figure_and_is_not_remembered(followed):
    figure, slow = followed
    move(figure, 3)
    live.newest.finish()
    assert figure.view.words.value.startswith(
        '<span role="alert">KeyError: &#x27;no &lt;such&gt; weight&#x27; (at `raise')
    assert figure.view.image.layout.display == "none"
    move(figure, 2)
    live.newest.finish()
    assert figure.view.words.value == "picture 2" and figure.view.image.layout.display is None
    assert all(3 not in key for key in figure.kept)


def test_it_plays_to_the_end_and_from_the_start_again(followed, monkeypatch):
    figure, slow = followed
    monkeypatch.setattr(live, "PACE", 0)
    figure.played.options = [(str(i), i) for i in range(3)]  # before the weight that fails
    figure.played.index = 1
    figure.button.value = True
    live.newest.finish()
    assert figure.played.index == 2 and not figure.button.value
    assert figure.view.words.value == "picture 2"
    slow.words.clear()
    figure.button.value = True
    live.newest.finish()
    assert [w for w in slow.words if "picture" in w][-3:] == ["picture 0", "picture 1", "picture 2"]


def test_playing_stops_at_a_second_press_and_at_an_error(followed, monkeypatch):
    figure, slow = followed
    figure.button.value = True
    assert figure.button.description == "Stop (P)"
    figure.button.value = False
    live.newest.finish()
    assert figure.played.index == 0 and figure.button.description == "Play through w (P)"
    monkeypatch.setattr(live, "PACE", 0)
    figure.button.value = True
    live.newest.finish()
    assert figure.played.index == 3 and not figure.button.value and "KeyError" in figure.view.words.value


def test_what_plays_stops_where_another_figure_is_moved(followed, monkeypatch):
    figure, slow = followed
    monkeypatch.setattr(live, "PACE", 60)
    real, waiting = live.newest.pause, threading.Event()
    monkeypatch.setattr(live.newest, "pause", lambda seconds: (seconds and waiting.set(), real(seconds)))
    figure.button.value = True
    assert waiting.wait(60)
    move(figure, 1)  # a hand on its own slider does not stop it
    waiting.clear()
    assert waiting.wait(60) and figure.button.value
    done = []
    live.newest.ask(lambda: done.append(True))
    live.newest.finish()
    assert done and not figure.button.value and figure.button.description == "Play through w (P)"


def test_progress_is_shown_only_where_one_waits(followed, monkeypatch):
    figure, slow = followed
    seen = []
    figure.progress.layout.observe(lambda change: seen.append(change.new), names="visibility")
    move(figure, 1)
    live.newest.finish()
    assert seen == []
    monkeypatch.setattr(live, "PATIENCE", -1)
    move(figure, 2)
    live.newest.finish()
    assert seen == [None, "hidden"] and figure.progress.value == 0.5


def test_what_loops_plays_over_and_over_at_a_videos_pace(monkeypatch):
    slow = Slow()
    figure = live.Followed(slow, controls({"w": [0, 1, 2]}), play="w", loop=True)
    assert figure.button.description == "Play (P)" and "course-played" in figure.played._dom_classes
    places, paused = [], []
    figure.played.observe(lambda change: places.append(change.new), names="index")

    real = live.newest.pause

    def pause(seconds):
        paused.extend([seconds] if seconds else [])
        if len(paused) == 6:
            figure.button.value = False
        real(0)

    monkeypatch.setattr(live.newest, "pause", pause)
    figure.button.value = True
    live.newest.finish()
    assert places == [1, 2, 0, 1, 2] and paused == [1 / 6] * 6
    assert slow.asked == [0, 1, 2] and figure.button.description == "Play (P)"  # each was made once
