"""Drawings: a model of their pixels, the reader that tells which name fits, and the autoencoder of notebook 11."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data, metrics, text, zoo
from course_utils.models.autoencoder import Autoencoder
from course_utils.models.critic import Critic
from course_utils.models.fast import fastest_dtype
from course_utils.recipes import Recipe, digits
from course_utils.recipes.continuous import Continuous, sample_unconditionally
from course_utils.recipes.drawings import DRAWINGS, draw_pool, drawing_distances, first
from course_utils.recipes.gan import apply_frozen


@dataclass(frozen=True)
class EmojiRetrieval(Recipe):
    """From a drawing to the sentence embedding of its name, of training names and combinations only."""

    name: ClassVar[str] = "emoji-retrieval"
    notebook: ClassVar[str] = "11"
    about: ClassVar[str] = "reads drawings: tells by sentence embeddings which name fits"
    data: ClassVar[str] = DRAWINGS
    network: ClassVar[str] = "drawing_encoder"
    ARGS: ClassVar[dict[str, Any]] = {"channels": 3, "dims": [48, 96, 128], "embedding_dim": 384}
    minutes: ClassVar[dict[str, float]] = {"two cores": 7.4}
    steps: int = 4000
    batch_size: int = 128
    temperature: float = 0.07  # of the softmax over the batch's names
    pool: int = 32_768  # pictures drawn beforehand

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, index = draw_pool(self.pool).draw(self.batch_size, generator)
        return {"x": images * 2 - 1, "sentence": _sentences(self.pool)[index].float()}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Each drawing tells its own name from the batch's others (Radford et al. 2021); equal names share the mass."""
        read, sentence = model(batch["x"]), batch["sentence"]
        with torch.autocast(read.device.type, enabled=False):  # in bfloat16 a name is not equal to itself
            logits = read @ sentence.T / self.temperature
            same = (sentence @ sentence.T > 0.999).float()
        return F.cross_entropy(logits, same / same.sum(1, keepdim=True))

    @torch.no_grad()
    def measure(self, model: nn.Module) -> tuple[dict[str, float], None]:
        """Ranks of held-out drawings' names among all of theirs, as the pictures were drawn."""
        images, names = data.openmoji("test")
        read = model((images * 2 - 1).to(digits.device_of(model))).cpu()
        ranks = metrics.retrieval_rank(read, text.sentence(names), torch.arange(len(names))).float()
        return {"median_rank": ranks.median().item(), "candidates": float(len(names)), "first": first(ranks),
                "in_first_ten": (ranks <= 10).float().mean().item()}, None


@cache
def _sentences(pool: int) -> Tensor:
    """(pool, 384) sentence embeddings of the pool's names, float16."""
    return text.sentence(draw_pool(pool).names).half()


@dataclass(frozen=True)
class EmojiUnet(Continuous):
    """v-prediction of whole drawings without text: inpainting and colourisation need no other model."""

    name: ClassVar[str] = "emoji-unet"
    notebook: ClassVar[str] = "09"
    about: ClassVar[str] = "drawings in continuous time, in pixels, without text"
    data: ClassVar[str] = DRAWINGS
    network: ClassVar[str] = "continuous_unet"
    ARGS: ClassVar[dict[str, Any]] = {"dim": 32, "condition_dim": 64, "dim_mults": [1, 2, 4], "channels": 3}
    needs: ClassVar[tuple[str, ...]] = ("emoji-retrieval",)
    minutes: ClassVar[dict[str, float]] = {"two cores": 41}
    steps: int = 2000
    learning_rate: float = 1e-3
    sampling_steps: int = 30
    pool: int = 32_768  # pictures drawn beforehand
    measured: int = 1000  # samples

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, _ = draw_pool(self.pool, ("plain", "coloured")).draw(self.batch_size, generator)
        return {"x_start": images * 2 - 1} | self.noise_for(images.shape, generator)

    def preview(self, model: nn.Module) -> Tensor:
        return sample_unconditionally(self, model, (10, 3, 32, 32), 20)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        images = sample_unconditionally(self, model, (self.measured, 3, 32, 32), self.sampling_steps)
        return drawing_distances(images, ("plain", "coloured")), images


class WithCritic(nn.Module):
    """An autoencoder, its critic of patches and a fixed reader of drawings, with all of their losses in one sum.

    Args:
        args: Of the autoencoder.
        kl_weight: Of the KL divergence of a latent from N(0, 1).
        feature_weight: Of the distance in the reader's features, after Zhang et al. 2018 (LPIPS).
    """

    def __init__(self, args: dict[str, Any], kl_weight: float, feature_weight: float):
        super().__init__()
        self.autoencoder, self.critic = Autoencoder(**args), Critic(args["channels"])
        self.reader = zoo.load("emoji-retrieval").model.requires_grad_(False)
        self.kl_weight, self.feature_weight = kl_weight, feature_weight
        self.adv_weight = 0.0  # 0 while the critic is off

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """The loss of drawings (b, 3, 32, 32) in [-1, 1] and noise (b, 8, 8, 8); Rombach et al. 2022, eq. 25."""
        mu, logvar = (part.float() for part in self.autoencoder.encode(x))
        recon = self.autoencoder.decode(mu + (0.5 * logvar).exp() * noise).float()
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean()
        loss = F.l1_loss(recon, x) + self.kl_weight * kl + self.feature_weight * self.feature_loss(recon, x)
        if not self.adv_weight:  # its gradients are zeros, which several processes can share
            return loss + 0 * sum(p.sum() for p in self.critic.parameters())
        adversarial = F.softplus(-apply_frozen(self.critic, recon).float()).mean()
        loss_critic = (F.softplus(-self.critic(x).float()) + F.softplus(self.critic(recon.detach()).float())).mean()
        return loss + self.adv_weight * adversarial + loss_critic

    def feature_loss(self, recon: Tensor, x: Tensor) -> Tensor:
        """Mean square differences of the reader's features, the mean over its stages."""
        losses = []
        for stage in self.reader.stages:
            recon, x = stage(recon), stage(x)
            losses.append(F.mse_loss(recon.float(), x.float()))
        return torch.stack(losses).mean()


@dataclass(frozen=True)
class EmojiAutoencoder(Recipe):
    """32 × 32 × 3 to 8 × 8 × 8 and back: L1, a small KL, features, and for the last part of the run a critic."""

    name: ClassVar[str] = "emoji-autoencoder"
    notebook: ClassVar[str] = "11"
    about: ClassVar[str] = "autoencoder of drawings, 8 × 8 latents of 8 channels"
    data: ClassVar[str] = DRAWINGS
    network: ClassVar[str] = "autoencoder"
    ARGS: ClassVar[dict[str, Any]] = {"dims": [24, 48, 96], "latent_channels": 8, "channels": 3}
    needs: ClassVar[tuple[str, ...]] = ("emoji-retrieval",)
    minutes: ClassVar[dict[str, float]] = {"two cores": 18}
    steps: int = 12_000
    batch_size: int = 32
    critic_from: int = 10_000  # the learning rate begins anew with it
    kl_weight: float = 1e-4
    feature_weight: float = 0.1
    adv_weight: float = 0.02
    pool: int = 32_768  # pictures drawn beforehand
    measured: int = 2000  # pictures of held-out things
    compared: int = 750  # steps of each short training that shows what a loss adds

    @property
    def restarts(self) -> tuple[int, ...]:
        return (self.critic_from,)

    @property
    def milestones(self) -> tuple[int, ...]:
        return (self.critic_from,)

    def model(self) -> nn.Module:
        return WithCritic(self.ARGS, self.kl_weight, self.feature_weight)

    def shipped(self, model: nn.Module) -> nn.Module:
        return model.autoencoder

    def before_step(self, model: nn.Module, step: int) -> None:
        model.adv_weight = self.adv_weight if step >= self.critic_from else 0.0

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, _ = draw_pool(self.pool).draw(self.batch_size, generator)
        channels = self.ARGS["latent_channels"]
        return {"x": images * 2 - 1, "noise": torch.randn(self.batch_size, channels, 8, 8, generator=generator)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return model(batch["x"].to(memory_format=torch.channels_last), batch["noise"])

    def record(self, model: nn.Module, step: int) -> dict[str, float]:
        return {"psnr_before_critic": self.psnr(model)}

    @torch.no_grad()
    def reconstruct(self, model: nn.Module, images: Tensor) -> Tensor:
        """Images (n, 3, 32, 32) in [0, 1] through the latents' means, on the CPU."""
        parts = [model((part * 2 - 1).to(digits.device_of(model))).cpu() for part in images.split(250)]
        return ((torch.cat(parts) + 1) / 2).clamp(0, 1)

    def psnr(self, model: nn.Module) -> float:
        """Peak signal-to-noise ratio of the held-out drawings in dB, the mean over the drawings."""
        images = data.openmoji("test")[0]
        square = (self.reconstruct(model, images) - images).square().mean((1, 2, 3))
        return (-10 * square.log10()).mean().item()

    def preview(self, model: nn.Module) -> Tensor:
        """50 held-out drawings, a row of ten above each row of their reconstructions."""
        images = data.openmoji("test")[0][:50]
        rows = torch.stack([images, self.reconstruct(model, images)]).unflatten(1, (-1, 10))
        return rows.transpose(0, 1).flatten(0, 2)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        images = draw_pool(self.measured, split="test").images.float() / 255
        kinds = ("plain", "coloured", "pair")
        return {"psnr": self.psnr(model), **drawing_distances(self.reconstruct(model, images), kinds, "test")}, (
            self.preview(model))

    def more_samples(self, model: nn.Module) -> dict[str, Tensor]:
        """What each loss adds: a row of ten held-out drawings, and three rows of their reconstructions.

        They are of three short trainings from the same first weights by the same batches, `compared` steps each: with
        L1 and the KL, with the features too, and with the critic as well in the last third. The shipped weights, which
        saw sixteen times as many steps, have no part in it. The critic's row is sharper, at 0.3 dB less. What features
        add at their weight is no more than two runs of the same losses differ by, in float32 and bfloat16.
        """
        images = choose_detailed(data.openmoji("test")[0], 10)
        kinds = (0.0, 0.0), (self.feature_weight, 0.0), (self.feature_weight, self.adv_weight)
        device = digits.device_of(model)
        rows = [self.reconstruct(self.briefly(*weights, device), images) for weights in kinds]
        return {"losses": torch.cat([images, *rows])}

    def briefly(self, feature_weight: float, adv_weight: float, device: torch.device) -> nn.Module:
        """An autoencoder after `compared` steps with these weights of the losses."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            model = WithCritic(self.ARGS, self.kl_weight, feature_weight).to(device)
        generator = torch.Generator().manual_seed(self.seed)
        optimizer = torch.optim.AdamW(model.parameters(), self.learning_rate)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.compared)
        for step in range(self.compared):
            model.adv_weight = adv_weight if 3 * step >= 2 * self.compared else 0.0
            batch = {name: part.to(device) for name, part in self.batch(generator).items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=fastest_dtype(device) == torch.bfloat16):
                loss = self.loss(model, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), self.clip)
            optimizer.step()
            falling.step()
        return model.autoencoder.eval()


def choose_detailed(images: Tensor, n: int) -> Tensor:
    """The n of images (b, c, h, w) whose neighbouring pixels differ most: where a reconstruction has most to lose."""
    change = images.diff(dim=2).abs().mean((1, 2, 3)) + images.diff(dim=3).abs().mean((1, 2, 3))
    return images[change.topk(n).indices]
