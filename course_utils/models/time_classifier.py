"""A classifier of noised digits that is told the time: its gradient guides a sampler; Dhariwal & Nichol 2021."""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.unet import Downsample, ResnetBlock, SinusoidalPosEmb


class TimeClassifier(nn.Module):
    """The UNet's way down, on 14 × 14 and 7 × 7, with a linear head.

    Args:
        dim: Channels of the first convolution; the blocks have two and four times as many.
        channels: Of the images.
        num_classes: Number of logits.
    """

    def __init__(self, dim: int = 16, channels: int = 1, num_classes: int = 10):
        super().__init__()
        context_dim = 4 * dim
        self.time_mlp = nn.Sequential(SinusoidalPosEmb(dim), nn.Linear(dim, context_dim), nn.GELU(),
                                      nn.Linear(context_dim, context_dim))
        self.init_conv = nn.Conv2d(channels, dim, 4, stride=2, padding=1)
        self.block1 = ResnetBlock(dim, 2 * dim, context_dim)
        self.downsample = Downsample(2 * dim, 2 * dim)
        self.block2 = ResnetBlock(2 * dim, 4 * dim, context_dim)
        self.head = nn.Linear(4 * dim * 7 * 7, num_classes)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t (b, channels, 28, 28) at the indices t (b,) of its chain → logits (b, num_classes)."""
        context = self.time_mlp(t).to(x_t.dtype)
        h = self.downsample(self.block1(self.init_conv(x_t), context))
        return self.head(self.block2(h, context).flatten(1))


NETWORK = TimeClassifier
