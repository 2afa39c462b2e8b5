"""What every network must do: train, copy, run in bfloat16 and channels-last, and hide what comes later."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def assert_keeps_the_contract(model: nn.Module, *inputs: Tensor) -> None:
    """Every parameter has a gradient; a copy, another layout and bfloat16 give the same answer in evaluation mode."""
    model(*inputs).float().square().sum().backward()
    for name, p in model.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.any(), name
    model.eval()
    with torch.no_grad():
        want = model(*inputs)
        torch.testing.assert_close(copy.deepcopy(model)(*inputs), want)
        laid_out = [x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
        torch.testing.assert_close(copy.deepcopy(model).to(memory_format=torch.channels_last)(*laid_out), want,
                                   rtol=1e-4, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            low = model(*inputs)
    assert (low.float() - want).square().mean() < 2e-3 * want.square().mean()


def assert_causal(model: nn.Module, levels: int) -> None:
    """No logit of a pixel depends on the pixel itself or on a later one, and it does on an earlier one."""
    model = model.double().eval()
    x = torch.randint(levels, (1, 6, 5), generator=torch.Generator().manual_seed(0))
    entered = []

    def watch(_: nn.Module, args: tuple[Tensor]) -> None:
        entered.append(args[0].requires_grad_())

    hook = model.init_conv.register_forward_pre_hook(watch)
    logits = model(x).flatten(2).square().sum(dim=(0, 1))  # (pixels,)
    hook.remove()
    seen = torch.stack([torch.autograd.grad(logit, entered[0], retain_graph=True)[0].flatten() for logit in logits])
    assert (seen.triu() == 0).all()
    assert (seen.diagonal(-1)[:4] != 0).all()  # the left neighbour, in the first row
    assert (seen.diagonal(-5) != 0).all()  # the pixel above


def assert_all_images_sum_to_one(model: nn.Module) -> None:
    """The likelihoods of the 512 images of 3 × 3 pixels with two levels."""
    images = torch.tensor(list(itertools.product([0, 1], repeat=9))).view(512, 3, 3)
    with torch.no_grad():
        log_p = model.double()(images).log_softmax(dim=1).gather(1, images[:, None]).sum(dim=(1, 2, 3))
    torch.testing.assert_close(log_p.exp().sum(), torch.tensor(1.0, dtype=torch.float64))
