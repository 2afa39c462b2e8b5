"""Training steps of the digits' network.

The course's loop (channels-last, gradients of norm and GELU in closed form, cheap dropout, fused AdamW; it also clips
the gradient and averages the weights) against a plain eager loop with Adam around notebook 06's class, batches of 64,
28 × 28, dim 32. Both sides start from the same weights; the loss is the mean over the last third of the steps. The
rows per operation divide the time of a forward and a backward pass by its floating-point operations, for networks of
about the same size. All sides run in one process, so the course's setting of malloc serves the peers, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from course_utils import data, notebooks, training
from course_utils.bench import Row, is_installed, medians, share
from course_utils.models.fast import compiler
from course_utils.models.unet import Unet
from course_utils.recipes.digits import class_table
from course_utils.recipes.mnist import MnistUnet

ARGS = {"dim": 32, "condition_dim": 64, "dim_mults": [2, 4], "channels": 1, "uncond_prob": 0.2}
ROUNDS = 36


@dataclass(frozen=True)
class Wide(MnistUnet):
    """The recipe of mnist-unet with the benchmark's width, and what the plain loop does: full rate, no clipping."""

    ARGS: ClassVar[dict] = ARGS
    learning_rate: float = 1e-3
    warmup: int = 1
    clip: float = float("inf")
    steps: int = 100_000


def textbook(recipe: MnistUnet) -> Callable[[], float]:
    """A step of the plain loop: float32, as the class is written in the notebook."""
    torch.manual_seed(recipe.seed)
    net = notebooks.load(notebooks.source_of("06_unet")).Unet(**recipe.ARGS).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate)
    images, labels = data.mnist("train")
    alphas_cumprod, table = recipe.path.alphas_cumprod.float(), class_table(recipe.seed)

    def step() -> float:
        index = torch.randint(len(labels), (recipe.batch_size,))
        x_start = images[index] * 2 - 1
        t = torch.randint(recipe.timesteps, (recipe.batch_size,))
        noise = torch.randn_like(x_start)
        a = alphas_cumprod[t][:, None, None, None]
        x_t = a.sqrt() * x_start + (1 - a).sqrt() * noise
        loss = F.mse_loss(net(x_t, t, {"text_emb": table[labels[index]]}), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def ours(recipe: MnistUnet, compile: bool = False) -> Callable[[], float]:
    """A step of `course train`."""
    run = training.State(recipe, torch.device("cpu"))
    learn = training.Step(run, torch.compile(run.model) if compile else run.model)

    def step() -> float:
        loss, _ = learn()
        run.step += 1
        return loss

    return step


def rows() -> Iterator[Row]:
    """The loop without and with a compiler, its losses, and the networks per operation."""
    losses: dict[str, list[float]] = {"ours": [], "peer": []}
    sides = {"ours": ours(Wide()), "peer": textbook(Wide())}
    taken = medians({name: lambda name=name: losses[name].append(sides[name]()) for name in sides}, ROUNDS, 0)
    yield Row.time("training step", 1000 * taken["ours"], 1000 * taken["peer"], goal=1.7,
                   limit=share(sides["ours"], "convolution"))
    last = {name: values[-ROUNDS // 3:] for name, values in losses.items()}
    spread = " and ".join(f"±{stdev(values) / len(values) ** 0.5:.3f}" for values in last.values())
    yield Row.time(f"loss after {ROUNDS} steps ({spread})", mean(last["ours"]), mean(last["peer"]), unit="",
                   limit="equal within noise")
    yield from per_operation()
    yield measure_compiled(sides["peer"])


def measure_compiled(peer: Callable[[], float]) -> Row:
    """The same loop, its network compiled."""
    name, goal = "training step, compiled", 2.3
    if not compiler():
        return Row.absent(name, "a C++ compiler", goal=goal)
    side = ours(Wide(), compile=True)
    taken = medians({"ours": side, "peer": peer}, repeats=9)
    return Row.time(name, 1000 * taken["ours"], 1000 * taken["peer"], goal=goal, needs="a C++ compiler",
                    limit=share(side, "convolution"))


def per_operation(batch: int = 64, size: int = 28) -> Iterator[Row]:
    """Forward and backward, milliseconds for 10⁹ floating-point operations."""
    x, t = torch.randn(batch, 1, size, size), torch.randint(200, (batch,))
    condition = {"text_emb": torch.randn(batch, ARGS["condition_dim"])}
    net = Unet(**ARGS).to(memory_format=torch.channels_last).train()
    sides = {"ours": lambda: net(x.to(memory_format=torch.channels_last), t, condition)}
    sides |= {name: lambda peer=peer: peer(x, t) for name, peer in peers(size).items()}
    passes = {name: lambda side=side: side().square().mean().backward() for name, side in sides.items()}
    operations = {name: _operations(run) for name, run in passes.items()}
    taken, limit = medians(passes, repeats=5, warmup=1), share(passes["ours"], "convolution")
    cost = {name: 1e12 * taken[name] / operations[name] for name in passes}
    for name, goal in {"diffusers": 1.5, "denoising-diffusion-pytorch": 3.0}.items():
        if name in cost:
            yield Row.time(f"forward and backward, per operation, against {name}", cost["ours"], cost[name],
                           unit="ms a GFLOP", goal=goal, limit=limit)
        else:
            yield Row.absent(f"forward and backward, per operation, against {name}", name, goal=goal)


def peers(size: int) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Other libraries' UNets of about 1.4 million parameters, those that are installed."""
    found: dict[str, Any] = {}
    if is_installed("diffusers"):
        from diffusers import UNet2DModel

        net = UNet2DModel(sample_size=size, in_channels=1, out_channels=1, block_out_channels=(32, 64, 64),
                          down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3, norm_num_groups=8)
        found["diffusers"] = lambda x, t: net(x, t).sample
    if is_installed("denoising-diffusion-pytorch"):
        from denoising_diffusion_pytorch import Unet as Peer

        found["denoising-diffusion-pytorch"] = Peer(40, dim_mults=(1, 2), channels=1)
    return found


def _operations(run: Callable[[], Any]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
