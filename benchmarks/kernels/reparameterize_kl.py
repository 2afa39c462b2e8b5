"""A VAE's sampling with its divergence against their textbook form."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.bench import Case, gradients
from course_utils.kernels import reparameterize_kl


def cases(draw: Callable[..., Tensor], elements: Callable[[int], int], dtype: torch.dtype) -> list[Case]:
    """Latents of 4,096 values; one launch is claimed."""
    n = elements(3)
    given = [draw(n // 4096, 4096).requires_grad_() for _ in range(2)]
    plain, seed = [c.detach() for c in given], torch.tensor([0], device=given[0].device)

    def textbook(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return z, -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)

    ours = lambda mu, logvar: reparameterize_kl.reparameterize_kl(mu, logvar, seed)  # noqa: E731
    grads = [torch.randn_like(part) for part in ours(*plain)]
    forward = Case("reparameterize_kl", lambda: ours(*plain), lambda: textbook(*plain),
                   lambda compile: compile(lambda: textbook(*plain)), reparameterize_kl.bytes_moved(n, dtype),
                   None, None, launches=True)
    backward = Case("reparameterize_kl backward", gradients(ours, given, grads), gradients(textbook, given, grads),
                    lambda compile: gradients(compile(textbook), given, grads),
                    reparameterize_kl.bytes_moved(n, dtype, backward=True), None, None, launches=True)
    return [forward, backward]
