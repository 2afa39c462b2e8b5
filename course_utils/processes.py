"""The processes that train one model together, as torchrun starts them; a process alone is a group of one."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Processes:
    """This process among its like. All of them draw the same batches, each computes on a share, rank 0 writes.

    Args:
        device: Where to train; on CUDA each process takes the GPU of its local rank.

    Attributes:
        rank: From 0.
        count: How many there are.
        device: This process's own.
    """

    def __init__(self, device: torch.device):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = device
        if device.type == "cuda" and self.count > 1:
            self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(self.device)
        if self.count > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model, its gradients averaged over the processes."""
        return nn.parallel.DistributedDataParallel(model) if self.count > 1 else model

    def share(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of a batch, on its device."""
        return {name: x[self.rank::self.count].to(self.device) for name, x in batch.items()}

    def mean(self, x: Tensor) -> Tensor:
        """The mean of a tensor over the processes, the same in each of them."""
        if self.count > 1:
            dist.all_reduce(x)
        return x / self.count

    def gather(self, x: Tensor) -> Tensor:
        """(count, *) of every process's CPU tensor."""
        if self.count == 1:
            return x[None]
        parts = [torch.empty_like(x, device=self.device) for _ in range(self.count)]
        dist.all_gather(parts, x.to(self.device))
        return torch.stack(parts).cpu()
