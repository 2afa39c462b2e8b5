"""Apple's GPU has no float64: no coefficient goes there before it is of the data's dtype.

The device is a made-up one: tensors that know their shape, dtype and device, hold nothing, and refuse to be mixed.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils import densities
from course_utils.diffusion import flow, paths

PATHS = {"VP": paths.VP(), "SubVP": paths.SubVP(), "VE": paths.VE(), "RectifiedFlow": paths.RectifiedFlow(),
         "DiscreteVP": paths.DiscreteVP(paths.cosine_betas(50))}


class NoFloat64(TorchDispatchMode):
    """Raises as Apple's GPU does where a float64 would lie on it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, torch.Tensor) and x.device.type == "mps" and x.dtype == torch.float64:
                raise TypeError(f"MPS has no float64: {func}")
        return out


@pytest.fixture(autouse=True)
def mps():
    with FakeTensorMode(allow_non_fake_inputs=True), NoFloat64():
        yield


def data(*shape: int) -> torch.Tensor:
    return torch.ones(shape, device="mps")


def on_mps(*tensors: torch.Tensor) -> bool:
    return all((x.device.type, x.dtype) == ("mps", torch.float32) for x in tensors)


def test_the_made_up_device_has_no_float64():
    with pytest.raises(TypeError, match="no float64"):
        data(3).double()


@pytest.mark.parametrize("name", PATHS)
def test_a_path_works_on_a_device_without_float64(name):
    path, x, t = PATHS[name], data(4, 1, 8, 8), data(4) / 2
    assert on_mps(path.add_noise(x, t, x), *path.marginal_prob(x, t), *path.sde(x, t), *path.discretize(x, t))
    assert on_mps(*path.reverse(lambda x, t: x).discretize(x, t), path.convert(x, x, t, "noise", "velocity"))
    assert on_mps(densities.ring().model(path)(data(4, 2), t), flow.probability_flow(lambda x, t: x, path)(x, t))


def test_a_chain_takes_indices_there():
    path, x, t = PATHS["DiscreteVP"], data(4, 2), data(4).long()
    assert on_mps(path.add_noise(x, t, x), path.target(x, t, x, "v"), path.convert(x, x, t, "noise", "x_start"))
    slope = flow.probability_flow(lambda x, t: x, path, variable="log_snr")
    assert on_mps(slope(x, data(4)))
