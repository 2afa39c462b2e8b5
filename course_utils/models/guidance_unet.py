"""The UNet whose input is the weight of guidance: one evaluation answers what guidance needs two for."""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.continuous_unet import ContinuousUnet
from course_utils.models.unet import SinusoidalPosEmb


class GuidanceUnet(ContinuousUnet):
    """`ContinuousUnet` with a second embedding in its context: w (b,), the weight in (1 + w)·cond − w·uncond.

    At first it answers the same for every w. Source: Meng et al. 2023 ("On distillation of guided diffusion models"),
    section 3.1. Same arguments.
    """

    def __init__(self, dim: int, condition_dim: int, dim_mults: tuple[int, ...] = (1, 2, 4, 8), channels: int = 3,
                 uncond_prob: float = 0.2):
        super().__init__(dim, condition_dim, dim_mults, channels, uncond_prob)
        self.guidance_mlp = nn.Sequential(SinusoidalPosEmb(dim), nn.Linear(dim, 4 * dim), nn.GELU(),
                                          nn.Linear(4 * dim, 4 * dim))
        nn.init.zeros_(self.guidance_mlp[-1].weight)
        nn.init.zeros_(self.guidance_mlp[-1].bias)

    def load_teacher(self, teacher: ContinuousUnet) -> None:
        """Takes over the weights of a network without w; a fresh student then answers as its teacher does."""
        self.load_state_dict({**self.state_dict(), **teacher.state_dict()})

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}) -> Tensor:
        """As `Unet.forward`, with `w` (b,) in model_kwargs; None is 0, the plain condition.

        Raises:
            ValueError: When there is a `cfg_scale` too: the answer would be guided twice.
        """
        if model_kwargs and model_kwargs.get("cfg_scale") is not None:
            raise ValueError("This network takes the weight of guidance as its input w, so cfg_scale has no place.")
        return super().forward(x, time, model_kwargs)

    def _context(self, x: Tensor, time: Tensor, model_kwargs: dict) -> Tensor:
        w = model_kwargs.get("w")
        w = x.new_zeros(x.shape[0]) if w is None else w
        # The embedding tells whole numbers up to a thousand apart, and weights lie between 0 and 10.
        return super()._context(x, time, model_kwargs) + self.guidance_mlp(100 * w.float())


NETWORK = GuidanceUnet
