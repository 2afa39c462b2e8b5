"""Videos that follow a caption, played frame by frame: what notebook 13 leads to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from course_utils.diffusion.guidance import guided
from course_utils.diffusion.plans import plan_ddim
from course_utils.diffusion.samplers import sample
from course_utils.widgets import live, parts, recorded
from course_utils.widgets.guidance import describe_weight
from course_utils.widgets.parts import Control, Field, Picture, controls
from course_utils.widgets.watched import Watched

COUNT, SCALE = 4, 8  # videos side by side, and logical pixels of one of a frame
STEPS, PREVIEW_STEPS = 20, 4
SCALES = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
CAPTIONS = ("a three moves left", "a three falls", "an eight rises", "a zero moves left", "a seven stands still",
            "a six falls")
MOST_KEPT = 16  # captions with their videos


def video_player(item: Any, encode: Callable[[list[str]], Tensor], model: Callable | None = None, *,
                 captions: Sequence[str] = CAPTIONS, unseen: Collection[str] = ()) -> None:
    """Displays four videos that follow a caption, guidance and seeds, a frame at a time; P plays and pauses.

    Enter draws what is typed. A kernel answers with a preview first, drops what a newer wish has made stale, and
    remembers its videos. Recorded are a few captions. Where a reader prefers reduced motion, P shows the next frame.

    Args:
        item: A checkpoint that predicts v of videos (b, frames, channels, size, size) from the tokens of a caption, as
            "video" does.
        encode: From n captions to these tokens (n, m, d), as `text.tokens`.
        model: `model(x, t, context)` in the place of the item's own, as notebook 13's.
        captions: Those that are recorded; a live figure starts with the first.
        unseen: Phrases of captions that no training video has: the words say so where one is asked for.
    """
    videos = Videos(item, encode, model, unseen)
    frame = Control(range(1, videos.shape[0] + 1), written=lambda frame: f"{frame} of {videos.shape[0]}")
    if parts.recording():
        few = controls({"caption": Control(captions), "frame": frame})
        parts.display(recorded.bundle("videos", videos.picture, few, play="frame", loop=True))
    else:
        offered = controls({"caption": Field(captions[0], "caption", "a digit and its motion"),
                            "frame": frame, "guidance_scale": _guidance(), "seed": _seeds()})
        followed = live.Followed(videos.pictures, offered, play="frame", loop=True)
        parts.display(followed.view.bundle("Four videos that follow a caption."))


def _guidance() -> Control:
    return Control(SCALES, Wish.guidance_scale, "guidance", lambda scale: describe_weight(scale - 1))


def _seeds() -> Control:
    return Control(range(0, 10 * COUNT, COUNT), Wish.seed, "seeds", lambda first: parts.seeds(first, COUNT))


@dataclass(frozen=True)
class Wish:
    """The videos that are asked for; only the caption is recorded with other values."""

    caption: str
    guidance_scale: float = 2.0
    seed: int = 0


class Videos:
    """Frames of four videos, by an item's network or by the reader's own."""

    def __init__(self, item: Any, encode: Callable, model: Callable | None = None, unseen: Collection[str] = ()):
        self.path, self.encode, self.unseen = item.path, encode, unseen
        size = item.config["args"]["size"]
        self.shape = item.config["args"]["frames"], item.config["args"]["channels"], size, size
        self.device = next(item.model.parameters()).device
        self.model = Watched(item.model if model is None else model, item.path.T)
        self.made: dict[Wish, tuple[Tensor, int]] = {}  # videos, and what each took

    def pictures(self, values: dict[str, Any], going: Callable[[float], None]) -> Iterator[Picture]:
        """A preview, where the videos are still to be made; then the picture."""
        wish, self.model.going = Wish(**{k: v for k, v in values.items() if k != "frame"}), going
        if wish not in self.made:
            quick = self._draw(wish, PREVIEW_STEPS)
            yield Picture(_sheet(quick, values["frame"]), f"A preview of {PREVIEW_STEPS} steps.", quick=True)
        yield self.picture(**values)

    def picture(self, frame: int, **values: Any) -> Picture:
        """A frame of the videos of a wish, 1 the first."""
        wish = Wish(**values)
        if wish not in self.made:
            self.model.rows = 0
            videos = self._draw(wish, STEPS)
            self.made[wish] = videos, round(self.model.rows / COUNT)
            if len(self.made) > MOST_KEPT:
                del self.made[next(iter(self.made))]
        videos, evaluations = self.made[wish]
        return Picture(_sheet(videos, frame), self._words(wish, frame, evaluations), quick=True)

    def _words(self, wish: Wish, frame: int, evaluations: int) -> str:
        """What a picture shows and took."""
        of = f"for “{wish.caption}”" if wish.caption else "for the empty caption"
        unseen = [f"“{phrase}”" for phrase in wish.caption.split(" and ") if phrase in self.unseen]
        never = f"; {' and '.join(unseen)} in no training video" if unseen else ""
        guidance = describe_weight(wish.guidance_scale - 1)
        return (f"Frame {frame} of {self.shape[0]} of four videos {of}{never}. Seeds {parts.seeds(wish.seed, COUNT)}, "
                f"{guidance}, {STEPS} steps, {evaluations} network evaluations of each.")

    def _draw(self, wish: Wish, steps: int) -> Tensor:
        """(4, frames, channels, size, size) in [-1, 1]; `Sentence` where the encoder does not know a word."""
        context = parts.say_plainly(self.encode, [wish.caption] * COUNT + [""] * COUNT)
        cond, uncond = context.to(self.device).split(COUNT)
        noise = [torch.randn(self.shape, generator=Generator().manual_seed(wish.seed + i)) for i in range(COUNT)]
        model = guided(self.model, cond, uncond, wish.guidance_scale - 1)
        x = torch.stack(noise).to(self.device)
        return parts.expect_images("model", sample(model, x, plan_ddim(self.path, steps), prediction="v"), x.shape)


def _sheet(videos: Tensor, frame: int) -> Any:
    """One frame of each video, side by side."""
    return parts.sheet(((videos[:, frame - 1].float() + 1) * 127.5).round().clamp(0, 255), COUNT, SCALE)
