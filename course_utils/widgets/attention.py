"""Where a patch of a diffusion transformer looks, in each block: at which other patches, and at which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Generator, Tensor, nn

from course_utils import plot
from course_utils.models.dit import SelfAndCross
from course_utils.widgets import live, parts, recorded
from course_utils.widgets.parts import Control, Field, Picture, controls

PROMPT = "sun and red heart"
NOISES = [0.1, 0.3, 0.5, 0.7, 0.9]  # shares of the latents' variance
FEW_BLOCKS = 4  # that are recorded, spread over the depth


def attention_map(pipe: Any, draw: Callable[[str], Tensor]) -> None:
    """Displays a drawing and where one patch of its half noised latents looks, in one block of a transformer.

    A kernel takes any drawing's name, any patch and block and more or less noise; P plays through the patches.
    Recorded are the patches of the middle row, in a few blocks.

    Args:
        pipe: A `Pipeline` whose network is a DiT that reads its text by cross-attention, as "dit" is.
        draw: From a name to its drawing (3, h, w) in [0, 1], as `data.emoji_picture`.

    Raises:
        ValueError: The network has another attention.
    """
    maps = Maps(pipe, draw)
    if parts.recording():
        few = controls(maps.controls(maps.row, FEW_BLOCKS))
        parts.display(recorded.bundle("attention", maps.picture, few, play="patch"))
    else:
        offered = {"prompt": Field(PROMPT, "prompt", "a drawing's name, a colour and a name, two of them with and"),
                   **maps.controls(range(maps.side**2), maps.depth),
                   "noise": Control(NOISES, Look.noise, written=lambda share: f"{share:.0%} of the variance")}
        followed = live.Followed(maps.pictures, controls(offered), play="patch")
        parts.display(followed.view.bundle("A drawing, and where one of its patches looks."))


@dataclass(frozen=True)
class Look:
    """One patch, counted row by row from 0, in one block, counted from 1; recorded are values of these two."""

    patch: int
    block: int
    prompt: str = PROMPT
    noise: float = 0.5


class Reading(NamedTuple):
    """What the patches of a prompt's noised latents read.

    Attributes:
        drawing: (3, h, w) in [0, 1], without noise.
        of_patches: For each block (n, n): row i is how patch i weighs all patches, its own too, mean of the heads.
        of_text: For each block (n, m), over the rows of the text.
        words: What the rows of the text say, and where each stands.
    """

    drawing: Tensor
    of_patches: list[Tensor]
    of_text: list[Tensor]
    words: dict[str, int]


class Maps:
    """Pictures of where patches look, by a network's own weights."""

    def __init__(self, pipe: Any, draw: Callable[[str], Tensor]):
        self.pipe, self.draw = pipe, draw
        blocks = getattr(pipe.network, "blocks", [None])
        if not all(isinstance(getattr(block, "attention", None), SelfAndCross) for block in blocks):
            raise ValueError("The attention map needs a DiT that reads its text by cross-attention.")
        self.depth, self.side = len(blocks), round(len(pipe.network.positions) ** 0.5)
        middle = self.side // 2 * self.side
        self.row = range(middle, middle + self.side)  # that goes through both things of the prompt's drawing
        self.reading = lru_cache(maxsize=16)(self._reading)

    def controls(self, patches: range, blocks: int) -> dict[str, Control]:
        """Those of the patch and of so many blocks, spread over the depth."""
        offered = torch.linspace(1, self.depth, blocks).round().int().tolist()
        return {"patch": Control(patches, self.row[self.side // 4], written=self._place),
                "block": Control(offered, offered[(len(offered) - 1) // 2], written=lambda i: f"{i} of {self.depth}")}

    def pictures(self, values: dict[str, Any], going: Callable[[float], None]) -> Iterator[Picture]:
        """The picture alone: it takes no longer than a preview."""
        yield self.picture(**values)

    def picture(self, **values: Any) -> Picture:
        """The drawing, and what the patch reads."""
        look = Look(**values)
        reading = self.reading(look.prompt, look.noise)
        of_patches = reading.of_patches[look.block - 1][look.patch].unflatten(0, (self.side, self.side))
        of_text = reading.of_text[look.block - 1][look.patch]
        of_words = {word: of_text[row].item() for word, row in reading.words.items()}
        fig = draw_weights(reading.drawing, divmod(look.patch, self.side), of_patches, of_words)
        own, most = of_patches.flatten()[look.patch], max(of_words, key=of_words.get)
        farthest = self._place(int(of_patches.argmax()))
        return Picture(plot.pixels(fig), (
            f"“{look.prompt}”, {look.noise:.0%} of its latents' variance is noise. Block {look.block} of {self.depth}: "
            f"the patch in {self._place(look.patch)} looks most at the one in {farthest} ({of_patches.max():.0%}), at "
            f"itself with {own:.0%}; of the text it reads “{most}” most ({of_words[most]:.0%})."), quick=True)

    def _place(self, patch: int) -> str:
        return f"row {patch // self.side + 1}, column {patch % self.side + 1}"

    @torch.no_grad()
    def _reading(self, prompt: str, noise: float) -> Reading:
        """What is read of the latents of a drawing; `Sentence` where there is none of this name."""
        pipe, drawing = self.pipe, parts.say_plainly(self.draw, prompt)
        context = parts.say_plainly(pipe.encode, [prompt])
        z = pipe.scale * pipe.encode_image(2 * drawing[None].to(pipe.device) - 1)
        t = pipe.path.inverse_log_snr(torch.tensor([(1 - noise) / noise]).log()).to(z)
        z_t = pipe.add_noise(z, t, torch.randn(z.shape, generator=Generator().manual_seed(0)).to(z))
        return Reading(drawing, *read(pipe.network, z_t, t, context), words_of(prompt, int(context.any(-1).sum())))


def read(model: nn.Module, z: Tensor, t: Tensor, context: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The weights of a DiT's blocks for one sample, means of the heads, on the CPU: over patches and over the text."""
    of_patches, of_text = [], []

    def hear(attention: SelfAndCross, given: tuple[Tensor, Tensor, Tensor]) -> None:
        x, context, mask = given
        own, other = attention.self_attention, attention.cross_attention
        q, k, _ = own.qkv(x).chunk(3, dim=-1)
        of_patches.append(_weights(q, k, own.heads))
        of_text.append(_weights(other.to_q(x), other.to_k(context), other.heads, mask))

    hooks = [block.attention.register_forward_pre_hook(hear) for block in model.blocks]
    try:
        model(z, t, context)
    finally:
        for hook in hooks:
            hook.remove()
    return of_patches, of_text


def _weights(q: Tensor, k: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """softmax(qkᵀ/√(d/heads)) of one sample (1, n, d) and (1, m, d), mean of the heads: (n, m)."""
    q, k = (x[0].unflatten(-1, (heads, -1)).transpose(0, 1) for x in (q, k))
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (heads, n, m)
    if mask is not None:
        scores = scores.masked_fill(~mask[0], -torch.inf)
    return scores.softmax(-1).mean(0).cpu()


def words_of(prompt: str, rows: int) -> dict[str, int]:
    """What the rows of a prompt say, and where each stands: the start, then words, or tokens if they have several."""
    words = prompt.split() if len(prompt.split()) == rows - 1 else [f"token {i}" for i in range(1, rows)]
    found = {"(start)": 0}
    for place, word in enumerate(words, 1):
        while word in found:
            word += "′"
        found[word] = place
    return found


def draw_weights(drawing: Tensor, place: tuple[int, int], of_patches: Tensor, of_words: dict[str, float]) -> Figure:
    """A drawing with one patch outlined, how that weighs all patches, and how it weighs the words.

    Args:
        drawing: (3, h, w) in [0, 1].
        place: Row and column of the patch.
        of_patches: (side, side), adds up to 1.
        of_words: `{"word": weight}`, add up to 1.
    """
    fig, (picture, over, words) = plot.figure(3, width=640, height=215)
    side = len(of_patches)
    frame = (0, side, side, 0)
    picture.imshow(drawing.permute(1, 2, 0).numpy(), extent=frame)
    over.imshow(drawing.mean(0).numpy(), extent=frame, cmap="gray", vmin=0, vmax=1)
    over.imshow(of_patches.numpy(), extent=frame, vmin=0, alpha=0.8)
    for axes in (picture, over):
        for colour, width in (("white", 3.5), (plot.INK, 1.5)):
            axes.add_patch(Rectangle(place[::-1], 1, 1, fill=False, edgecolor=colour, linewidth=width))
        axes.set_axis_off()
    picture.set_title("the drawing and the patch")
    over.set_title(f"where it looks, {of_patches.max():.0%} at most")
    look = {"height": 0.6, "color": plot.SHADE, "edgecolor": plot.INK, "linewidth": 0.8}
    bars = words.barh(list(of_words), list(of_words.values()), **look)
    words.bar_label(bars, [f"{weight:.0%}" for weight in of_words.values()], padding=2, fontsize=7.5)
    words.set(xlim=(0, 1.15), xticks=[], title="what it reads", box_aspect=1)
    words.spines["bottom"].set_visible(False)
    words.invert_yaxis()
    return fig
