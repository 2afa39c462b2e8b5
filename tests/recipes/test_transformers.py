"""Videos of moving digits: how they are judged, and what the shipped model draws for captions that it never saw."""

from __future__ import annotations

import pytest
import torch

from course_utils import data, zoo
from course_utils.data.moving import phrases
from course_utils.recipes.transformers import Video, judge_videos, read_digits


@pytest.fixture(scope="module")
def real():
    return data.moving_digits(200, torch.Generator().manual_seed(3), "test", most=1)


def test_real_videos_are_judged_right(real):
    judged = judge_videos(*real, "real")
    assert judged["right_motion_real"] == 1 and judged["recognised_real"] > 0.9


def test_videos_under_other_captions_are_judged_wrong(real):
    videos, captions = real
    other = [captions[(i + 1) % 200].split(maxsplit=2) for i in range(200)]
    own = [caption.split(maxsplit=2) for caption in captions]
    differ = [i for i in range(200) if own[i][1] != other[i][1] and own[i][2] != other[i][2]]
    judged = judge_videos(videos[differ], [" ".join(other[i]) for i in differ], "wrong")
    assert judged["right_motion_wrong"] == 0 and judged["recognised_wrong"] < 0.1 and len(differ) > 100


def test_a_digit_is_read_wherever_it_is(real):
    videos = real[0]
    shifted, middle = videos.roll((-2, 3), dims=(3, 4)), videos[:, 4, 0]
    whole = (middle[:, :2].sum((1, 2)) == 0) & (middle[..., -3:].sum((1, 2)) == 0)  # nothing comes in at the other side
    assert whole.sum() > 20 and torch.equal(read_digits(videos[whole]), read_digits(shifted[whole]))


@pytest.mark.parametrize(("kind", "least"), [("seen", 0.4), ("unseen", 0.15)])
def test_the_shipped_model_draws_motions_that_it_never_saw_with_a_digit_and_most_digits_that_it_did(kind, least):
    captions = (phrases(kind) * 2)[:20]
    videos = Video(sampling_steps=10).sample(zoo.load("video").model, captions, seed=5)
    assert videos.shape == (20, 8, 1, 16, 16)
    judged = judge_videos(videos, captions, kind)
    assert judged[f"right_motion_{kind}"] >= 0.9 and judged[f"recognised_{kind}"] >= least
