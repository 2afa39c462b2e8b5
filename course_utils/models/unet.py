"""The course's UNet: notebook 06's class, written for speed. Same state dict, same outputs."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from course_utils.kernels.modulated_norm import inverse_rms, modulated_norm
from course_utils.models import opaque


def Upsample(dim: int, dim_out: int) -> nn.Sequential:
    """Bilinear ×2, then a 3×3 convolution: (b, dim, h, w) → (b, dim_out, 2h, 2w)."""
    return nn.Sequential(Double(), nn.Conv2d(dim, dim_out, 3, padding=1))


def Downsample(dim: int, dim_out: int) -> nn.Conv2d:
    """A 2×2 convolution with stride 2: (b, dim, h, w) → (b, dim_out, h/2, w/2)."""
    return nn.Conv2d(dim, dim_out, 2, stride=2)


class Double(nn.Upsample):
    """Bilinear ×2: (b, C, h, w) → (b, C, 2h, 2w)."""

    def __init__(self):
        super().__init__(scale_factor=2, mode="bilinear")

    def forward(self, x: Tensor) -> Tensor:
        compiled = torch.compiler.is_compiling() and not torch.compiler.is_exporting()  # an export has torch's alone
        return opaque.double(x) if compiled and not x.is_cuda else super().forward(x)


class RMSNorm(nn.Module):
    """x / ‖x‖₂ · √C · g over the channels of (b, C, h, w); root mean square norm of Zhang & Sennrich 2019."""

    def __init__(self, dim: int):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, dim, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * inverse_rms(x) * self.g.to(x.dtype)


class SinusoidalPosEmb(nn.Module):
    """cat(sin, cos) of t · exp(−i·ln 10⁴ / (dim//2 − 1)): (b,) → (b, dim); Vaswani et al. 2017, section 3.5."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, t: Tensor) -> Tensor:
        half = self.dim // 2
        i = torch.arange(half, device=t.device)
        angles = t[:, None].float() * torch.exp(-math.log(10_000) / max(half - 1, 1) * i)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)  # (b, dim)


class Linear(nn.Linear):
    """nn.Linear of an input in any precision: times are embedded, and conditions given, in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


class Block(nn.Module):
    """3×3 convolution → RMSNorm → x·(scale + 1) + shift → GELU."""

    def __init__(self, dim: int, dim_out: int):
        super().__init__()
        self.proj = nn.Conv2d(dim, dim_out, 3, padding=1)
        self.norm = RMSNorm(dim_out)
        self.act = nn.GELU()

    def forward(self, x: Tensor, scale_shift: tuple[Tensor, Tensor] | None = None) -> Tensor:
        return modulated_norm(self.proj(x), self.norm.g, *(scale_shift or ()), inplace=True)  # in the new tensor


class Dropout(nn.Dropout):
    """nn.Dropout; on a CPU one 64-bit draw serves four elements, and torch's own draw of each takes three times longer.

    The share is p to 2⁻¹⁷.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or x.is_cuda:
            return super().forward(x)
        draw = opaque.keep if torch.compiler.is_compiling() else opaque.draw
        keep = draw(x.numel(), self.p).as_strided(x.shape, torch.empty_like(x).stride())  # in x's order of memory
        return x * keep.to(x.dtype).div_(1 - self.p)


class ResnetBlock(nn.Module):
    """Two Blocks around a skip; the context modulates the first by a scale and a shift per channel."""

    def __init__(self, dim: int, dim_out: int, context_dim: int):
        super().__init__()
        self.dim, self.dim_out, self.context_dim = dim, dim_out, context_dim
        self.mlp = nn.Sequential(nn.GELU(), nn.Linear(context_dim, dim_out * 2))
        self.block1 = Block(dim, dim_out)
        self.block2 = Block(dim_out, dim_out)
        self.res_conv = nn.Conv2d(dim, dim_out, 1) if dim != dim_out else nn.Identity()
        self.dropout = Dropout(0.1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        scale_shift = self.mlp(context)[:, :, None, None].chunk(2, dim=1)  # two of (b, dim_out, 1, 1)
        h = self.block1(x, scale_shift)
        return self.block2(self.dropout(h)) + self.res_conv(x)


def check_size(x: Tensor, levels: int) -> None:
    """ValueError unless height and width of (b, C, h, w) can be halved `levels` times."""
    factor = 2**levels
    if x.shape[-2] % factor or x.shape[-1] % factor:
        raise ValueError(f"Height and width must be divisible by {factor} (2 to the number of levels), "
                         f"but x is {x.shape[-2]} × {x.shape[-1]}.")


class Unet(nn.Module):
    """The network of the course: predicts noise (or x_start) from a noisy image, its time and a condition.

    Args:
        dim: Channels at full resolution.
        condition_dim: Length of a row of `text_emb`.
        dim_mults: Channels of each level, as multiples of `dim`; every level halves height and width.
        channels: Of the image, in and out.
        uncond_prob: Share of the conditions that are dropped, per sample, in train mode.
    """

    def __init__(self, dim: int, condition_dim: int, dim_mults: tuple[int, ...] = (1, 2, 4, 8), channels: int = 3,
                 uncond_prob: float = 0.2):
        super().__init__()
        self.channels, self.condition_dim, self.uncond_prob = channels, condition_dim, uncond_prob
        dims = [dim, *(dim * m for m in dim_mults)]
        levels = list(zip(dims[:-1], dims[1:], strict=True))
        context_dim = 4 * dim

        self.init_conv = nn.Conv2d(channels, dim, 3, padding=1)
        self.time_mlp = nn.Sequential(SinusoidalPosEmb(dim), Linear(dim, context_dim), nn.GELU(),
                                      nn.Linear(context_dim, context_dim))
        self.condition_mlp = nn.Sequential(Linear(condition_dim, context_dim), nn.GELU(),
                                           nn.Linear(context_dim, context_dim))
        self.downs = nn.ModuleList(nn.ModuleList([
            ResnetBlock(d, d, context_dim), ResnetBlock(d, d, context_dim), Downsample(d, d_out)])
            for d, d_out in levels)
        self.mid_block1 = ResnetBlock(dims[-1], dims[-1], context_dim)
        self.mid_block2 = ResnetBlock(dims[-1], dims[-1], context_dim)
        self.ups = nn.ModuleList(nn.ModuleList([
            Upsample(d_out, d), ResnetBlock(2 * d, d, context_dim), ResnetBlock(2 * d, d, context_dim)])
            for d, d_out in reversed(levels))
        self.final_conv = nn.Conv2d(dim, channels, 1)

    def forward(self, x: Tensor, time: Tensor, model_kwargs: dict = {}) -> Tensor:
        """The prediction for noisy images.

        Args:
            x: (b, channels, h, w), h and w divisible by 2 to the number of levels.
            time: (b,) indices of the chain.
            model_kwargs: `text_emb` (b, condition_dim), or None for no condition; `cfg_scale`, a weight w of
                classifier-free guidance, or (b,) of them, which without a condition changes nothing; None is an empty
                one. Read, never written.

        Returns:
            (b, channels, h, w).
        """
        model_kwargs = model_kwargs or {}
        if model_kwargs.get("cfg_scale") is not None:
            return self.cfg_forward(x, time, model_kwargs)
        check_size(x, len(self.downs))
        context = self._context(x, time, model_kwargs).to(x.dtype)

        x, skips = self.init_conv(x), []
        for block1, block2, downsample in self.downs:
            x = block1(x, context)
            skips.append(x)
            x = block2(x, context)
            skips.append(x)
            x = downsample(x)
        x = self.mid_block2(self.mid_block1(x, context), context)
        for upsample, block1, block2 in self.ups:
            x = upsample(x)
            x = block1(torch.cat([x, skips.pop()], dim=1), context)
            x = block2(torch.cat([x, skips.pop()], dim=1), context)
        return self.final_conv(x)

    def cfg_forward(self, x: Tensor, time: Tensor, model_kwargs: dict) -> Tensor:
        """(1 + w)·cond − w·uncond in one pass of twice the batch; Ho & Salimans 2022, eq. 6.

        Raises:
            ValueError: There are other than 1 or b weights.
        """
        w, text_emb = model_kwargs["cfg_scale"], model_kwargs.get("text_emb")
        if text_emb is None:  # both are the unconditional
            return self.forward(x, time, {**model_kwargs, "cfg_scale": None})
        both = {"text_emb": torch.cat([text_emb, torch.zeros_like(text_emb)])}
        cond, uncond = self.forward(torch.cat([x, x]), torch.cat([time, time]), both).chunk(2)
        if not isinstance(w, int | float):
            w = torch.as_tensor(w).to(cond).reshape(-1, 1, 1, 1)
            if len(w) not in (1, len(x)):
                raise ValueError(f"cfg_scale is one weight or one for each sample, not {len(w)} for {len(x)}")
        return torch.lerp(uncond, cond, 1.0 + w)

    def _context(self, x: Tensor, time: Tensor, model_kwargs: dict) -> Tensor:
        """What modulates every block, (b, 4·dim): the sum of all embeddings."""
        return self.time_mlp(time) + self.condition_mlp(self._condition(x, model_kwargs.get("text_emb")))

    def _condition(self, x: Tensor, text_emb: Tensor | None) -> Tensor:
        if text_emb is None:
            return self.condition_mlp[0].weight.new_zeros(x.shape[0], self.condition_dim)  # it may be wider than x
        if self.training and self.uncond_prob > 0:
            text_emb = drop_rows(text_emb, self.uncond_prob, torch.rand(x.shape[0], device=x.device))
        return text_emb


def drop_rows(text_emb: Tensor, prob: float, u: Tensor) -> Tensor:
    """Conditions (b, n) of which those with u (b,) < prob are zeros: u is uniform in [0, 1), a draw a sample."""
    return text_emb * (u >= prob)[:, None].to(text_emb.dtype)


NETWORK = Unet
