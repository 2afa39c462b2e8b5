"""Emoji of a prompt: the box that notebook 11 leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image
from torch import Tensor

from course_utils.widgets import live, parts, recorded
from course_utils.widgets.guidance import describe_weight
from course_utils.widgets.parts import Control, Field, Picture, controls
from course_utils.widgets.watched import watch

TextToImage = Callable[..., Tensor]

COUNT, SCALE = 4, 5  # pictures side by side, and logical pixels of one of a picture
PREVIEW_STEPS = 4
SCALES = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0]
STEPS = [4, 8, 12, 20, 30, 50]
FEW_PROMPTS = ["blue apple", "red apple", "octopus", "pink strawberry", "cat and heart"]  # that are recorded, at these:
FEW_SCALES, FEW_STEPS = [1.0, 2.0, 4.0, 8.0], [4, 12]


def prompt_box(pipe: Any, text_to_image: TextToImage | None = None) -> None:
    """Displays four emoji that follow a prompt, a negative prompt, guidance, steps and seeds.

    Enter draws what is typed. A kernel answers with a preview first, drops what a newer wish has made stale, and
    remembers its pictures; P plays through the guidance. Recorded are a few prompts, guidance and steps.

    Args:
        pipe: A `Pipeline`.
        text_to_image: `text_to_image(pipe, prompts, num_inference_steps, guidance_scale, latents) -> images`,
            (4, 3, 32, 32) in [0, 1], as in notebook 11, the last three by name; `pipe` itself draws unless given.
    """
    emoji = Emoji(pipe, text_to_image)
    if parts.recording():
        few = controls({"prompt": Control(FEW_PROMPTS), "guidance_scale": _guidance(FEW_SCALES),
                        "steps": Control(FEW_STEPS, Wish.steps)})
        parts.display(recorded.bundle("prompts", emoji.picture, few, play="guidance_scale"))
    else:
        followed = live.Followed(emoji.pictures, controls(_make_controls()), play="guidance_scale")
        parts.display(followed.view.bundle("Four emoji that follow a prompt."))


def _make_controls() -> dict[str, Control | Field]:
    return {"prompt": Field(FEW_PROMPTS[0], "prompt", "a name, a colour and a name, two of them with and"),
            "negative": Field("", "negative prompt", "what the guidance leads away from"),
            "guidance_scale": _guidance(SCALES), "steps": Control(STEPS, Wish.steps),
            "seed": Control(range(0, 10 * COUNT, COUNT), Wish.seed, "seeds", lambda first: parts.seeds(first, COUNT))}


def _guidance(scales: list[float]) -> Control:
    return Control(scales, Wish.guidance_scale, "guidance", lambda scale: describe_weight(scale - 1))


@dataclass(frozen=True)
class Wish:
    """What is asked for; not recorded are other values than the default of the last two."""

    prompt: str
    guidance_scale: float = 4.0
    steps: int = 12
    negative: str = ""
    seed: int = 0

    def words(self, evaluations: int) -> str:
        """What the picture shows and took."""
        of = f"for “{self.prompt}”" if self.prompt else "for the empty prompt"
        against = f", guided away from “{self.negative}”" if self.negative else ""
        guidance = describe_weight(self.guidance_scale - 1)
        return (f"Four emoji {of}{against}, seeds {parts.seeds(self.seed, COUNT)}, {guidance}. "
                f"{self.steps} steps, {evaluations} network evaluations of each.")


class Emoji:
    """Pictures of four emoji, by the pipeline or by a `text_to_image` of the reader's own."""

    def __init__(self, pipe: Any, text_to_image: TextToImage | None):
        self.text_to_image = text_to_image or type(pipe).__call__
        self.network = watch(pipe.network, pipe.path.T)
        self.pipe = replace(pipe, network=self.network)

    def pictures(self, values: dict[str, Any], going: Callable[[float], None]) -> Iterator[Picture]:
        """A preview, where it is not the picture itself; then the picture."""
        wish, self.network.going = Wish(**values), going
        if wish.steps > PREVIEW_STEPS:
            images = self._draw(replace(wish, steps=PREVIEW_STEPS))
            yield Picture(_sheet(images), f"A preview of {PREVIEW_STEPS} steps.", quick=True)
        yield self.picture(**values)

    def picture(self, **values: Any) -> Picture:
        """The emoji of a wish."""
        wish = Wish(**values)
        self.network.rows = 0
        images = self._draw(wish)
        return Picture(_sheet(images), wish.words(round(self.network.rows / COUNT)), quick=True)

    def _draw(self, wish: Wish) -> Tensor:
        """(4, 3, 32, 32) in [0, 1].

        Raises:
            Sentence: The encoder does not know a word.
        """
        parts.say_plainly(self.pipe.encode, [wish.prompt, wish.negative])
        pipe = self.pipe.against(wish.negative)
        latents = pipe.noise(range(wish.seed, wish.seed + COUNT))
        images = self.text_to_image(pipe, [wish.prompt] * COUNT, num_inference_steps=wish.steps,
                                    guidance_scale=wish.guidance_scale, latents=latents)
        return parts.expect_images("text_to_image", images, (COUNT, 3, 32, 32))


def _sheet(images: Tensor) -> Image.Image:
    return parts.sheet((images * 255).round().clamp(0, 255), COUNT, SCALE)
