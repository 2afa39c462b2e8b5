"""The adversarial pair of notebook 04: one optimizer trains both, since neither's loss reaches the other's weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from course_utils import metrics
from course_utils.models.dcgan import Discriminator, Generator
from course_utils.recipes import Recipe, digits


def apply_frozen(network: nn.Module, x: Tensor) -> Tensor:
    """The network's answer, with a gradient for x and none for its weights."""
    return functional_call(network, {name: p.detach() for name, p in network.named_parameters()}, (x,))


class Adversaries(nn.Module):
    """Generator and discriminator with the sum of their losses; Goodfellow et al. 2014, the non-saturating form."""

    def __init__(self, latent_dim: int, width: int):
        super().__init__()
        self.generator, self.discriminator = Generator(latent_dim, width), Discriminator(width)

    def forward(self, real: Tensor, z: Tensor) -> Tensor:
        """The loss of a batch of digits (b, 1, 28, 28) in [-1, 1] and noise z (b, latent_dim)."""
        fake = self.generator(z)
        of_real, of_fake = self.discriminator(real).float(), self.discriminator(fake.detach()).float()
        loss_d = F.softplus(-of_real).mean() + F.softplus(of_fake).mean()
        return loss_d + F.softplus(-apply_frozen(self.discriminator, fake).float()).mean()


@dataclass(frozen=True)
class Dcgan(Recipe):
    """DCGAN with its authors' optimizer; the generator is shipped."""

    name: ClassVar[str] = "dcgan"
    notebook: ClassVar[str] = "04"
    about: ClassVar[str] = "generator of digits, trained against a discriminator"
    data: ClassVar[str] = digits.DATA
    network: ClassVar[str] = "dcgan"
    ARGS: ClassVar[dict[str, Any]] = {"latent_dim": 64, "width": 64}
    needs: ClassVar[tuple[str, ...]] = ("mnist-classifier",)
    minutes: ClassVar[dict[str, float]] = {"two cores": 16}
    steps: int = 6000
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0
    clip: float = 100.0  # both losses' gradients together: a tight bound on one player would hold the other as well
    measured: int = 2000  # samples

    def model(self) -> nn.Module:
        return Adversaries(**self.ARGS)

    def shipped(self, model: nn.Module) -> nn.Module:
        return model.generator

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        real = digits.draw(self.batch_size, generator)[0] * 2 - 1
        return {"real": real, "z": torch.randn(len(real), self.ARGS["latent_dim"], generator=generator)}

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return model(batch["real"], batch["z"])

    @torch.no_grad()
    def sample(self, model: nn.Module, n: int, seed: int = 1) -> Tensor:
        """(n, 1, 28, 28) samples in [0, 1], on the CPU."""
        z = torch.randn(n, self.ARGS["latent_dim"], generator=torch.Generator().manual_seed(seed))
        return (torch.cat([model(part.to(digits.device_of(model))).cpu() for part in z.split(500)]) + 1) / 2

    def preview(self, model: nn.Module) -> Tensor:
        return self.sample(model, 100)

    def measure(self, model: nn.Module) -> tuple[dict[str, float], Tensor]:
        """Kernel and Fréchet distance, and the latter of as many real digits: its bias at this number of samples."""
        images = self.sample(model, self.measured)
        some, others = digits.real_features()[:2 * self.measured].split(self.measured)
        return {"frechet_distance": metrics.frechet_distance(digits.features(images), others),
                "frechet_distance_real": metrics.frechet_distance(some, others),
                **digits.distances(images, self.measured // 2)}, images
