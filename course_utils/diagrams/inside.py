"""What a network costs and what its layers hold, counted while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


def costs(network: nn.Module, *inputs: Any) -> dict[str, tuple[int, int]]:
    """What each layer takes: `{name: (parameters, multiply-adds)}`, the names as in `named_modules`.

    Args:
        network: Its convolutions and linear layers are counted while it runs; norms and activations cost nothing here.
        inputs: What it is called with; multiply-adds are those of one sample of the batch.
    """
    layers = {name: module for name, module in network.named_modules() if not list(module.children())}
    operations, handles = dict.fromkeys(layers, 0), []

    def count(name: str) -> Callable:
        def hook(module: nn.Module, _: Any, y: Tensor) -> None:
            operations[name] += module.weight.numel() * y[0, 0].numel()  # weights × pixels; a linear layer has one

        return hook

    for name, module in layers.items():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            handles.append(module.register_forward_hook(count(name)))
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: (sum(p.numel() for p in module.parameters()), operations[name]) for name, module in layers.items()}


class Evaluation(NamedTuple):
    """What one evaluation of a network takes.

    Attributes:
        parameters: Numbers that were learned.
        operations: Multiplications and additions of convolutions, matrix products and attention.
        kept: Bytes that a training step holds for its backward pass, without the network's own weights.
    """

    parameters: int
    operations: int
    kept: int


def evaluation(network: nn.Module, *inputs: Any) -> Evaluation:
    """What `network(*inputs)` takes."""
    from torch.utils.flop_counter import FlopCounterMode  # 0.3 s

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    own, sizes = {p.data_ptr() for p in network.parameters()}, {}

    def keep(x: Tensor) -> Tensor:
        sizes[x.data_ptr()] = x.nbytes * (x.data_ptr() not in own)  # what two layers keep is held once
        return x

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        answer = network(*inputs)  # holds what was kept until all of it is counted
    parameters = sum(p.numel() for p in network.parameters())
    del answer
    return Evaluation(parameters, counter.get_total_flops(), sum(sizes.values()))


def feature_maps(layer: nn.Module, run: Callable[[], Any], channels: int = 24) -> Tensor:
    """What the first channels of a layer hold for the first sample while `run()` calls its network.

    Returns:
        (channels, 1, h, w) in [0, 1]: each map from its own smallest to its own largest value.
    """
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, y: seen.append(y[0, :channels, None]))
    try:
        with torch.no_grad():
            run()
    finally:
        handle.remove()
    low, high = (f(seen[-1], dim=(2, 3), keepdim=True) for f in (torch.amin, torch.amax))
    return (seen[-1] - low) / (high - low + 1e-6)
