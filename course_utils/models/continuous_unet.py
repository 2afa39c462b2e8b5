"""The course's UNet in continuous time: t runs from 0, the data, to 1, the noise."""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.unet import SinusoidalPosEmb, Unet


class ContinuousPosEmb(SinusoidalPosEmb):
    """The sinusoidal embedding (b, dim) of 1000·t, t (b,) in [0, 1]: the range for which its frequencies are made.

    Raises:
        ValueError: When t are whole numbers, which are indices of a chain.
    """

    def forward(self, t: Tensor) -> Tensor:
        if not t.is_floating_point():
            raise ValueError(f"Time is a number in [0, 1] here, but t is {t.dtype}: divide an index by its chain's T.")
        return super().forward(1000 * t.float())


def time_mlp(dim: int, dim_out: int) -> nn.Sequential:
    """Times (b,) in [0, 1] → (b, dim_out), through an embedding of length `dim`."""
    return nn.Sequential(ContinuousPosEmb(dim), nn.Linear(dim, dim_out), nn.GELU(), nn.Linear(dim_out, dim_out))


class ContinuousUnet(Unet):
    """`Unet`, called at times (b,) in [0, 1]; without a `text_emb` it is unconditional. Same arguments, same weights.

    Source: Song et al. 2021 ("Score-based generative modeling through SDEs"), whose networks embed 999·t.
    """

    def __init__(self, dim: int, condition_dim: int, dim_mults: tuple[int, ...] = (1, 2, 4, 8), channels: int = 3,
                 uncond_prob: float = 0.2):
        super().__init__(dim, condition_dim, dim_mults, channels, uncond_prob)
        self.time_mlp[0] = ContinuousPosEmb(dim)


NETWORK = ContinuousUnet
