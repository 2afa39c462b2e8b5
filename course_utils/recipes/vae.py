"""The convolutional VAE of notebook 03; the small one of that notebook is trained there in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import data
from course_utils.recipes import Recipe, digits


@dataclass(frozen=True)
class ConvVAE(Recipe):
    """The evidence lower bound of digits, slightly moved and binarised anew in every batch: about 60 epochs."""

    name: ClassVar[str] = "vae-conv"
    notebook: ClassVar[str] = "03"
    about: ClassVar[str] = "convolutional VAE of binarised digits with 16 latents"
    data: ClassVar[str] = f"{digits.DATA}, binarised"
    network: ClassVar[str] = "vae_conv"
    ARGS: ClassVar[dict[str, Any]] = {"width": 32, "latent_dim": 16}
    minutes: ClassVar[dict[str, float]] = {"two cores": 2.6}
    steps: int = 2160
    batch_size: int = 128
    learning_rate: float = 2e-3
    moves: float = 0.5  # of the slight moves
    draws: int = 256  # of the importance-weighted bound

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        images, _ = digits.draw(self.batch_size, generator)
        return {"images": images, "move": digits.draw_moves(len(images), generator),
                "u": torch.rand(images.shape, generator=generator)}

    def pictures(self, batch: dict[str, Tensor]) -> Tensor:
        """The batch's digits, moved, in black and white: (b, 1, 28, 28) of 0 and 1."""
        return (batch["u"] < digits.move_slightly(batch["images"], batch["move"], self.moves)).float()

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """−ELBO in nats, the mean over the batch; in float32, where a probability can come close to 1."""
        x = self.pictures(batch)
        with torch.autocast(x.device.type, enabled=False):
            recon_x, mu, logvar = model(x)
            reconstruction = F.binary_cross_entropy(recon_x, x, reduction="none").flatten(1).sum(1)
            return (reconstruction + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)).mean()

    @torch.no_grad()
    def log_weights(self, model: nn.Module, x: Tensor, noise: Tensor) -> Tensor:
        """log p(x | z)·p(z)/q(z | x) at z = mu + e^(½·logvar)·noise: (k, b) of x (b, 1, 28, 28), noise (k, b, d)."""
        mu, logvar = model.encode(x)
        z = mu + (0.5 * logvar).exp() * noise
        recon_x = model.decode(z.flatten(0, 1)).unflatten(0, noise.shape[:2])  # (k, b, 1, 28, 28)
        log_px = -F.binary_cross_entropy(recon_x, x.expand_as(recon_x), reduction="none").flatten(2).sum(2)
        return log_px + 0.5 * (noise**2 + logvar - z**2).sum(2)  # the normalising constants of p and q cancel

    def bounds(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        """ELBO and importance-weighted bound (Burda et al. 2016, eq. 8) of the held-out digits, (n,) each, in nats."""
        images = data.binarised_mnist("test")[0].to(digits.device_of(model))
        generator = torch.Generator(images.device).manual_seed(0)
        log_w = [self.log_weights(model, x, torch.randn(self.draws, len(x), self.ARGS["latent_dim"],
                                                        generator=generator, device=x.device))
                 for x in images.split(20)]
        log_w = torch.cat(log_w, dim=1).cpu()
        return log_w.mean(0), log_w.logsumexp(0) - math.log(self.draws)

    @torch.no_grad()
    def preview(self, model: nn.Module) -> Tensor:
        """100 draws of the prior, decoded."""
        z = torch.randn(100, self.ARGS["latent_dim"], generator=torch.Generator().manual_seed(1))
        return model.decode(z.to(digits.device_of(model))).cpu()

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        elbo, iwae = self.bounds(model)
        return {"elbo": elbo.mean().item(), "elbo_stderr": (elbo.std() / len(elbo) ** 0.5).item(),
                f"iwae_{self.draws}": iwae.mean().item()}, self.preview(model)
