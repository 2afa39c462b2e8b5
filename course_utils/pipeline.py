"""Text to emoji in one object: the parts of a latent diffusion model, as notebook 11 puts them together.

    pipe = Pipeline.load()
    images = pipe(["red apple", "cat and heart"], num_inference_steps=12, guidance_scale=4.0)
    images = pipe.against("red")(["apple"])                   # "" means "red" now: a negative prompt

Notebook 11 says `text_to_image(pipe, prompts, …)`; here a pipeline is called itself, as diffusers calls its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from course_utils import files, text, zoo
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import GaussianPath
from course_utils.diffusion.plans import Plan, plan_ddim, times_uniform
from course_utils.diffusion.samplers import sample
from course_utils.models.fast import Fast


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The parts of a trained model. None of them keeps a graph.

    Attributes:
        network: Predicts v of scaled latents, called as `network(z, t, context)`.
        autoencoder: Between images in [-1, 1] and latents.
        path: That of the network's training.
        scale: What latents are multiplied by before the network sees them.
        empty: What the empty prompt is read as.
    """

    network: Callable[[Tensor, Tensor, Tensor], Tensor]
    autoencoder: nn.Module
    path: GaussianPath
    scale: float
    empty: str = ""

    @classmethod
    def load(cls, compile: bool = False) -> Pipeline:
        """The shipped `emoji-latent` with its autoencoder.

        Args:
            compile: Serve the network by its fast copy, which is compiled in the background.

        Raises:
            ValueError: The network was trained in the latents of another autoencoder.
        """
        item, autoencoder = zoo.load("emoji-latent"), zoo.load("emoji-autoencoder").model
        if item.config["autoencoder"] != files.digest(autoencoder.state_dict()):
            raise ValueError("emoji-latent knows the latents of another emoji-autoencoder: restore both checkpoints "
                             "from the repository, or train it anew.")
        network = Fast(item.model) if compile else item.model
        return cls(network, autoencoder.requires_grad_(False), item.path, item.config["scale"])

    def against(self, negative: str) -> Pipeline:
        """The same parts with a negative prompt: the empty one is encoded as that text."""
        return replace(self, empty=negative)

    @property
    def device(self) -> torch.device:
        """Where the parts are."""
        return next(self.autoencoder.parameters()).device

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(n, 16, 128) tokens of n texts, rows of zeros where a text has none; see `text.tokens`."""
        if isinstance(texts, str):
            raise ValueError("encode takes a list of texts, not one text.")
        return text.tokens([prompt or self.empty for prompt in texts], text.LENGTH).to(self.device)

    @torch.no_grad()
    def unet(self, z: Tensor, t: Tensor | float, context: Tensor) -> Tensor:
        """v (b, 8, 8, 8) at scaled latents z (b, 8, 8, 8), t (b,) or one time for all, context (b or 1, 16, 128)."""
        t = torch.as_tensor(t, device=z.device).to(z.dtype)
        return self.network(z, t.expand(len(z)), context.expand(len(z), -1, -1))

    def noise(self, seeds: Iterable[int]) -> Tensor:
        """(n, 8, 8, 8) latents to begin with, each of a seed of its own."""
        drawn = [torch.randn(8, 8, 8, generator=Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(drawn).to(self.device)

    def times(self, n: int) -> Tensor:
        """The n + 1 times (n + 1,) of n equal steps from noise to clean latents."""
        return times_uniform(self.path, n)

    def step(self, z: Tensor, v: Tensor, t: Tensor | float, s: Tensor | float) -> Tensor:
        """z (b, *) at time s from z and v at time t, by DDIM: the noise that they tell stays as it is."""
        plan = plan_ddim(self.path, torch.stack([torch.as_tensor(time) for time in (t, s)]))
        ((of_z, of_start, *_),) = plan.steps
        return of_z * z + of_start * self.path.convert(v, z, plan.times[0], "v", "x_start")

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """Images (b, 3, 32, 32) in [-1, 1] of latents as the autoencoder makes them, not scaled."""
        return self.autoencoder.decode(z).clamp(-1, 1)

    @torch.no_grad()
    def encode_image(self, images: Tensor) -> Tensor:
        """The latents' means (b, 8, 8, 8), not scaled, of images (b, 3, 32, 32) in [-1, 1]."""
        return self.autoencoder.encode(images)[0]

    def add_noise(self, z: Tensor, t: Tensor | float, noise: Tensor) -> Tensor:
        """Clean scaled latents z (b, *) as they are at time t, (b,) or one for all, with this noise."""
        return self.path.add_noise(z, t, noise)

    def __call__(self, prompts: Sequence[str], num_inference_steps: int = 30, guidance_scale: float = 4.0,
                 latents: Tensor | None = None, generator: Generator | None = None) -> Tensor:
        """Images (b, 3, 32, 32) in [0, 1] of b prompts: what `text_to_image` of notebook 11 gives.

        Args:
            prompts: b texts.
            num_inference_steps: Steps of DDIM.
            guidance_scale: 1 is the plain conditional, 0 the empty prompt's; the course's weight w plus 1.
            latents: (b, 8, 8, 8) noise to begin with; None draws it.
            generator: Of that noise, on the pipeline's device.
        """
        if latents is None:
            latents = torch.randn(len(prompts), 8, 8, 8, generator=generator, device=self.device)
        model = guided(self.unet, self.encode(prompts), self.encode([""] * len(prompts)), guidance_scale - 1)
        z = sample(model, latents, self.plan(num_inference_steps), prediction="v", clamp=None)
        return (self.decode(z / self.scale) + 1) / 2

    def plan(self, n: int) -> Plan:
        """DDIM on `times`."""
        return plan_ddim(self.path, self.times(n))
