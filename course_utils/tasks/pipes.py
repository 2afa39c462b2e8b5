"""The stand-ins of notebook 11: an autoencoder, its critic, a layer, a network that reads text, a pipe of all parts.

They are small and curved, take what the notebook's docstrings say, by position or by name, and refuse the rest by a
sentence of their own.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.tasks import Told
from course_utils.tasks.refusals import describe


class NoImages(Told):
    """Something else than images, where an autoencoder or a critic takes them."""


class NoLatents(Told):
    """Something else than latents, where they are decoded."""


class AsAFunction(Told):
    """The autoencoder is called itself."""


class OfAnotherWidth(Told):
    """A layer is given what it is not for."""


class NotTheStates(Told):
    """Something else than latents, where the network takes them."""


class ANumber(Told):
    """One time, or none, where one for each sample is taken."""


class OneTime(Told):
    """Other than one time for each sample."""


class NoContext(Told):
    """Something else than tokens, where the network takes a context."""


class OtherTexts(Told):
    """A context of another number of texts than there are samples."""


class NoTexts(Told):
    """Something else than a list of texts."""


class NotACount(Told):
    """A number of steps that is no integer."""


class ManyTimes(Told):
    """Times for each sample, where one number is taken."""


class Unequal(Told):
    """Two tensors of one step that differ in shape."""


def _is(x: Any, *sides: int | None) -> bool:
    """Whether x is a tensor (b, *sides); None is any side."""
    return (isinstance(x, Tensor) and x.dim() == len(sides) + 1
            and all(want in (None, got) for want, got in zip(sides, x.shape[1:], strict=True)))


def _mix(w: Tensor, x: Tensor) -> Tensor:
    """Channels mixed at every place, by w (out, channels)."""
    return torch.einsum("oc,bchw->bohw", w.to(x), x)


# ---- what an autoencoder's step takes

class Coder(nn.Module):
    """An autoencoder: images (b, 3, 2h, 2w) to latents (b, 2, h, w) and back."""

    def __init__(self, w: Tensor, v: Tensor):
        super().__init__()
        self.w, self.v = nn.Parameter(w.clone()), nn.Parameter(v.clone())  # (4, 12) and (12, 2)

    def encode(self, x: Any) -> tuple[Tensor, Tensor]:
        if not _is(x, 3, None, None):
            raise NoImages(f"the autoencoder encodes images, (b, 3, H, W), and was given a tensor {describe(x)}.")
        mu, logvar = _mix(self.w, F.pixel_unshuffle(x, 2)).chunk(2, dim=1)
        return mu + 0.3 * mu.sin(), 0.5 * logvar.sin() - 0.7

    def decode(self, z: Any) -> Tensor:
        if not _is(z, 2, None, None):
            raise NoLatents(f"the autoencoder decodes latents, (b, c, h, w), and was given something {describe(z)}.")
        return F.pixel_shuffle(_mix(self.v, z), 2).tanh()

    def forward(self, *_: Any, **__: Any) -> Tensor:
        raise AsAFunction("the autoencoder has two parts, encode and decode: ask them, and not the whole.")


class Critic(nn.Module):
    """Logits (b, 1, h/2, w/2) of the patches of images."""

    def __init__(self, w: Tensor, v: Tensor):
        super().__init__()
        self.w, self.v = nn.Parameter(w.clone()), nn.Parameter(v.clone())  # (5, 12) and (1, 5)

    def forward(self, images: Any) -> Tensor:
        if not _is(images, 3, None, None):
            raise NoImages(f"the critic judges images, (b, 3, H, W), and was given something {describe(images)}.")
        return _mix(self.v, _mix(self.w, F.pixel_unshuffle(images, 2)).tanh())


class Layer(nn.Module):
    """A linear layer that refuses, by a class given to it, what has another number of channels."""

    def __init__(self, w: Tensor, b: Tensor, says: str, refusal: type[OfAnotherWidth]):
        super().__init__()
        self.w, self.b, self.says, self.refusal = nn.Parameter(w.clone()), nn.Parameter(b.clone()), says, refusal

    def forward(self, input: Any) -> Tensor:
        if not isinstance(input, Tensor) or input.shape[-1] != self.w.shape[1]:
            raise self.refusal(f"{self.says}, with {self.w.shape[1]} channels, and was given {describe(input)}.")
        return F.linear(input, self.w.to(input), self.b.to(input))


# ---- a network that reads text

def velocity(w: Tensor, z: Any, t: Any, context: Any, channels: int) -> Tensor:
    """A curved v of latents, of each one's time and of the tokens of its text; one text may serve all."""
    if not _is(z, channels, None, None):
        raise NotTheStates(f"the UNet takes latents first, (b, {channels}, h, w), then times, then a context; what "
                           f"came first is {describe(z)}.")
    if not isinstance(t, Tensor) or not t.dim():
        raise ANumber(f"the UNet takes one time for each sample, a tensor {(len(z),)}, not something "
                      f"{describe(t)}.")
    if t.shape != (len(z),):
        raise OneTime(f"the UNet takes one time for each sample, a tensor {(len(z),)}, not {tuple(t.shape)}.")
    if not _is(context, None, None):
        raise NoContext(f"the UNet takes the tokens of texts, (b, m, d_c), as its context, not something "
                        f"{describe(context)}.")
    if len(context) not in (1, len(z)):
        raise OtherTexts(f"the UNet takes the context of one text for each of {len(z)} samples, and here are "
                         f"{len(context)}.")
    places = 1 + torch.arange(context[0].numel()).to(z).reshape(context.shape[1:])
    shift = (torch.sin(places) * context.to(z)).sum(dim=(1, 2))
    t, shift = (c.to(z).reshape(-1, 1, 1, 1) for c in (t, shift))
    return torch.sin(w.to(z) * z + 1.5 * t + 0.5 * shift) * (1 + 0.2 * shift.cos()) + 0.3 * t * z


class Unet(nn.Module):
    """The network alone, for latents of two channels."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w = nn.Parameter(w.clone())

    def forward(self, z_t: Any, t: Any = None, context: Any = None) -> Tensor:
        return velocity(self.w, z_t, t, context, channels=2)


# ---- the pipe

_CLEAN = 0.03  # the time of clean latents; that of noise is 1


class Pipe:
    """All parts of a model, by functions that are exact; it notes at which times it is asked.

    Args:
        w: Of the network, a number.
    """

    def __init__(self, w: Tensor):
        self.w, self.scale = w, 0.7
        self.asked, self.noised = [], []  # times

    def encode(self, texts: Any) -> Tensor:
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise NoTexts("pipe.encode takes a list of texts; a single text would be a list of letters to it: put it "
                          "into a list.")
        phases = torch.tensor([6 * zlib.crc32(text.encode()) / 2**32 for text in texts])
        places = torch.arange(12.0).reshape(3, 4)
        return torch.sin(phases.reshape(-1, 1, 1) * (1 + places / 5) + places)

    def unet(self, z: Any, t: Any = None, context: Any = None) -> Tensor:
        v = velocity(self.w, z, t, context, channels=8)
        self.asked.extend(t.tolist())
        return v

    def times(self, n: Any) -> Tensor:
        if not isinstance(n, int):
            raise NotACount(f"pipe.times takes the number of steps, an integer, not a {type(n).__name__}.")
        return 1 - (1 - _CLEAN) * torch.linspace(0, 1, n + 1) ** 1.4

    def step(self, z: Any, v: Any, t: Any, s: Any) -> Tensor:
        if not (isinstance(z, Tensor) and isinstance(v, Tensor) and z.shape == v.shape):
            raise Unequal(f"pipe.step takes latents and the v there, of one shape; here they are {describe(z)} and "
                          f"{describe(v)}.")
        t, s = _number(t, "pipe.step"), _number(s, "pipe.step")
        return z + (s - t) * (1 + 0.4 * t) * v + 0.2 * s * (1 - t) * torch.sin(z)

    def decode(self, z: Any) -> Tensor:
        if not _is(z, 8, 8, 8):
            raise NoLatents(f"pipe.decode takes latents (b, 8, 8, 8), not something {describe(z)}.")
        images = _mix(torch.sin(1 + torch.arange(24.0)).reshape(3, 8), z.sin()) / 5.5  # in [-1, 1]
        return images.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)

    def encode_image(self, images: Any) -> Tensor:
        if not _is(images, 3, 32, 32):
            raise NoImages(f"pipe.encode_image takes images (b, 3, 32, 32), not something {describe(images)}.")
        return 1.5 * _mix(torch.cos(torch.arange(24.0)).reshape(8, 3), F.avg_pool2d(images, 4)).sin() + 0.3

    def add_noise(self, z: Any, t: Any, noise: Any) -> Tensor:
        if not (isinstance(z, Tensor) and isinstance(noise, Tensor) and z.shape == noise.shape):
            raise Unequal(f"pipe.add_noise takes latents and noise of one shape; here they are {describe(z)} and "
                          f"{describe(noise)}.")
        t = _number(t, "pipe.add_noise")
        self.noised.append(t)
        angle = math.pi / 2 * (t - _CLEAN) / (1 - _CLEAN)
        return math.cos(angle) * z + math.sin(angle) * noise


def _number(t: Any, where: str) -> float:
    if isinstance(t, Tensor) and t.numel() != 1:
        raise ManyTimes(f"{where} takes each time as one number for all samples, not {describe(t)}.")
    return float(t)


def times_asked(times: list[float]) -> Tensor:
    """The times at which a part was asked, each once, falling."""
    return torch.tensor(sorted({round(t, 4) for t in times}, reverse=True))
