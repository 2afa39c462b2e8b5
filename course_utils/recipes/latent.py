"""Text to emoji in the autoencoder's latents, of notebook 11."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from course_utils import data, files, metrics, text, zoo
from course_utils.diffusion import plans, samplers
from course_utils.diffusion.guidance import guided
from course_utils.recipes import digits
from course_utils.recipes.continuous import Continuous
from course_utils.recipes.drawings import DRAWINGS, context_of, draw_pool, first, rank_among


class Latents(NamedTuple):
    """What `emoji-latent` and `dit` are trained on.

    Attributes:
        z: (n, 8, 8, 8) scaled latents.
        context: (n, m, d) tokens of the names, float16.
    """

    z: Tensor
    context: Tensor


@torch.no_grad()
def encode(images: Tensor) -> Tensor:
    """(n, 8, 8, 8) means of the shipped autoencoder's latents of images in [0, 1], on the CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = zoo.load("emoji-autoencoder").model.to(device)
    return torch.cat([model.encode(part.to(device) * 2 - 1)[0].cpu() for part in images.split(512)])


@cache
def latent_scale() -> float:
    """1/std over all latents of the training drawings: what brings them to the noise's size."""
    return 1 / encode(data.openmoji("train")[0]).std().item()


@cache
def latents(pool: int) -> Latents:
    """The pool of `draw_pool` in scaled latents, with its names' tokens."""
    pictures = draw_pool(pool)
    z = torch.cat([encode(part.float() / 255) for part in pictures.images.split(8192)])
    return Latents(z * latent_scale(), context_of(pictures.names))


@dataclass(frozen=True)
class EmojiLatent(Continuous):
    """v-prediction in the autoencoder's latents; a tenth of the texts is dropped to the encoded empty prompt."""

    name: ClassVar[str] = "emoji-latent"
    notebook: ClassVar[str] = "11"
    about: ClassVar[str] = "text to emoji: a UNet in latents that reads text by cross-attention"
    data: ClassVar[str] = DRAWINGS
    network: ClassVar[str] = "text_unet"
    ARGS: ClassVar[dict[str, Any]] = {"channels": 8, "dim": 64, "dim_mults": [2], "context_dim": text.WIDTH,
                                      "heads": 4}
    needs: ClassVar[tuple[str, ...]] = ("emoji-retrieval", "emoji-autoencoder")
    minutes: ClassVar[dict[str, float]] = {"two cores": 34}
    steps: int = 18_000
    learning_rate: float = 1e-3
    dropped: float = 0.1  # share of the texts
    guidance: float = 3.0  # w of the measured samples
    sampling_steps: int = 30
    pool: int = 65_536  # pictures drawn beforehand
    prompts: int = 96  # of each kind
    shown: int = 24  # of each kind in the shipped grid

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        pool = latents(self.pool)
        index = torch.randint(len(pool.z), (self.batch_size,), generator=generator)
        return {"x_start": pool.z[index], "context": drop(pool.context[index].float(), self.dropped, generator),
                } | self.noise_for(pool.z[index].shape, generator)

    def condition(self, batch: dict[str, Tensor]) -> tuple:
        return (batch["context"],)

    @torch.no_grad()
    def sample(self, model: nn.Module, names: list[str], seed: int = 1) -> Tensor:
        """(n, 3, 32, 32) guided samples of n prompts in [0, 1] by DDIM, on the CPU."""
        device = digits.device_of(model)
        cond = text.tokens(names, text.LENGTH).to(device)
        fn = guided(model, cond, text.tokens([""], text.LENGTH).to(device).expand_as(cond), self.guidance)
        noise = torch.randn(len(names), 8, 8, 8, generator=torch.Generator(device).manual_seed(seed), device=device)
        plan = plans.plan_ddim(self.path, self.sampling_steps)
        z = samplers.sample(fn, noise, plan, prediction=self.prediction, clamp=None)
        decode = zoo.load("emoji-autoencoder").model.decode
        return ((decode(z.cpu() / latent_scale()) + 1) / 2).clamp(0, 1)

    def preview(self, model: nn.Module) -> Tensor:
        return self.sample(model, choose_names("plain", "train", 20))

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        """How often a training prompt gives its own drawing, and how often a name is read back among 50 of its kind."""
        asked = {"seen": ("plain", "train"), "unseen_names": ("plain", "test"),
                 "unseen_colours": ("coloured", "test"), "unseen_pairs": ("pair", "test")}
        measured, shown, unseen = {}, [], []
        for kind, drawn_as in asked.items():
            names = choose_names(*drawn_as, self.prompts)
            images, others = self.sample(model, names), data.emoji_names(*drawn_as)[:2000]
            real = torch.stack([data.emoji_picture(name) for name in names])
            measured[f"first_{kind}"] = first(rank_among(images, names, others))
            measured[f"first_{kind}_real"] = first(rank_among(real, names, others))
            if kind == "seen":
                measured["own_drawing_nearest"] = own_drawing(images, names)
            else:
                unseen.append(images)
            shown.append(images[:self.shown])
        training = data.openmoji("train")[0]
        measured["copied_unseen"] = metrics.copied_share(torch.cat(unseen), training)
        return measured, torch.cat(shown)

    def config(self) -> dict[str, Any]:
        weights = zoo.load("emoji-autoencoder").model.state_dict()
        return super().config() | {"scale": latent_scale(), "autoencoder": files.digest(weights)}


def drop(context: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Contexts (b, m, d) of which this share, by chance, is that of the empty prompt."""
    dropped = torch.rand(len(context), generator=generator) < share
    return torch.where(dropped[:, None, None], text.tokens([""], context.shape[1]), context)


def choose_names(kind: str, split: str, n: int) -> list[str]:
    """n names of a kind, drawn by a fixed seed."""
    names = data.emoji_names(kind, split)
    return [names[i] for i in torch.randperm(len(names), generator=torch.Generator().manual_seed(0))[:n]]


def own_drawing(images: Tensor, names: list[str]) -> float:
    """The share of samples whose nearest drawing of all, mirrored ones too, by pixels is the one of their name."""
    (seen, seen_names), (held_out, held_out_names) = data.openmoji("train"), data.openmoji("test")
    drawings, all_names = torch.cat([seen, held_out]), seen_names + held_out_names
    both = torch.cat([drawings, drawings.flip(-1)])
    _, nearest = metrics.nearest(images, both)
    found = [all_names[i % len(drawings)] for i in nearest[:, 0].tolist()]
    return sum(a == b for a, b in zip(found, names, strict=True)) / len(names)
