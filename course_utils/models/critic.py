"""A critic of patches, for the adversarial loss of an autoencoder: the PatchGAN of Isola et al. 2017, section 3.2.2."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from course_utils.models.unet import RMSNorm


class Critic(nn.Module):
    """How real each patch of an image looks: a logit sees 18 × 18 pixels around it and nothing else.

    Norms act over the channels of one place, so that no logit depends on other patches or other images.

    Args:
        channels: Of the images.
        dims: Channels of the stages, each of which halves height and width; the patch is for two of them.
    """

    def __init__(self, channels: int = 3, dims: tuple[int, ...] = (64, 128)):
        super().__init__()
        stages = (halving(dim, dim_out) for dim, dim_out in pairwise([channels, *dims]))
        self.layers = nn.Sequential(*stages, nn.Conv2d(dims[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x (b, channels, h, w) in [-1, 1] → logits (b, 1, h/4, w/4), positive for real."""
        return self.layers(x)


def halving(dim: int, dim_out: int) -> nn.Sequential:
    """A 4×4 convolution with stride 2, RMSNorm, leaky ReLU: (b, dim, h, w) → (b, dim_out, h/2, w/2)."""
    return nn.Sequential(nn.Conv2d(dim, dim_out, 4, stride=2, padding=1), RMSNorm(dim_out), nn.LeakyReLU(0.2))


NETWORK = Critic
