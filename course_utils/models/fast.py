"""A network made fast for inference on this machine: one place for layout, precision and compilation.

    unet = Fast(zoo.load("mnist-unet").model)
    noise = unet(x, t, {"text_emb": text_emb})     # eager at first; compiled as soon as the compiler is through

What it changes is a copy. Its answers are the network's to 1e-4 of their spread in float32, and to 3e-2 in bfloat16.
"""

from __future__ import annotations

import copy
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from course_utils import memory

SHAPES = 6  # input shapes that are compiled; whoever comes with more of them is served by the eager copy


class Fast:
    """A UNet as a function `(x, t, model_kwargs)` without gradients, in evaluation mode; or `(x, t, context)`.

    Convolutions and norms run channels-last, in bfloat16 where this machine multiplies it faster; time and condition
    are embedded in float32, under autocast too. Every shape of inputs is compiled in the background when it is seen
    first; the weight of guidance, `cfg_scale`, is an input as well.

    Args:
        model: Left as it is.
        compile: Makes a function fast, as torch.compile does; None serves eagerly. By default torch.compile where
            there is a compiler.
        dtype: Of the convolutions; the faster one by default.
    """

    def __init__(self, model: nn.Module, compile: Callable[[Callable], Callable] | None | str = "auto",
                 dtype: torch.dtype | None = None):
        memory.keep()
        device = next(model.parameters()).device
        self.dtype = dtype or fastest_dtype(device)
        self.model = to_channels_last(copy.deepcopy(model).eval().requires_grad_(False))
        for name, part in self.model.named_children():
            part.to(torch.float32 if name.endswith("_mlp") else self.dtype)
        self.compile = (_compile if device.type == "cuda" or compiler() else None) if compile == "auto" else compile
        self.compiled: dict[tuple, Callable | None] = {}  # by shape; None until the compiler is through
        self.threads: list[threading.Thread] = []

    @torch.no_grad()
    def __call__(self, x: Tensor, t: Tensor, model_kwargs: dict | Tensor = {}) -> Tensor:
        """The prediction (b, *) of x's dtype; `model_kwargs`, or a context in its place, as the network's own."""
        given = self._lay_out(x, t, model_kwargs)
        with torch.autocast(x.device.type, enabled=False):
            return self._serve(given)(*given).to(x.dtype)

    def wait(self) -> None:
        """Returns when all compilations in progress are done."""
        for thread in self.threads:
            thread.join()

    def _lay_out(self, x: Tensor, t: Tensor, model_kwargs: dict | Tensor) -> tuple:
        """The same values in the one layout that is compiled, and the weight of guidance as a tensor."""
        x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
        if isinstance(model_kwargs, dict) and model_kwargs.get("cfg_scale") is not None:
            model_kwargs = {**model_kwargs, "cfg_scale": torch.as_tensor(model_kwargs["cfg_scale"]).to(x)}
        return x, *_each(Tensor.contiguous, (t, model_kwargs))

    def _serve(self, given: tuple) -> Callable:
        if self.compile is None or torch.compiler.is_compiling():
            return self.model
        key = _key(given), torch.get_num_threads()
        try:
            known = key in self.compiled
        except TypeError:  # it has no hash, so it may change, and a graph would keep what it was
            return self.model
        if not known and len(self.compiled) < SHAPES:
            self.compiled[key] = None
            with torch.inference_mode(False):  # the thread is not in it, and its tensors are of no use outside
                example = _each(torch.clone, given)
            self.threads.append(threading.Thread(target=self._make, args=(key, example), daemon=True))
            self.threads[-1].start()
        function = self.compiled.get(key)
        return self.model if function is None else function

    def _make(self, key: tuple, example: tuple) -> None:
        torch.set_num_threads(key[-1])  # a thread has its own number, and compiled code is made for it
        try:
            with torch.no_grad():
                function = self.compile(self.model)
                function(*example)
            self.compiled[key] = function
        except Exception as error:
            reason = (str(error) or repr(error)).splitlines()[0]
            warnings.warn(f"The network stays uncompiled: {reason}", stacklevel=2)


def _compile(model: nn.Module) -> Callable:
    """`model` as one graph, of the one key by which `Fast` finds it.

    Nothing is guarded besides: for whatever else differs, a default dtype or the stride of a side of length 1, torch
    would compile again, and the caller would wait.
    """
    def network(x: Tensor, t: Tensor, model_kwargs: dict | Tensor) -> Tensor:
        return model(x, t, model_kwargs)

    network.__code__ = network.__code__.replace()  # torch finds graphs by code object, eight at most
    # `freezing` lays the weights out once for all calls.
    options = {"freezing": True, "guard_filter_fn": torch.compiler.skip_all_guards_unsafe}
    return torch.compile(network, fullgraph=True, dynamic=False, options=options)


def to_channels_last(model: nn.Module) -> nn.Module:
    """The model, with the weights of its convolutions over images in channels-last order from now on.

    torch's own `to(memory_format=torch.channels_last)` refuses a model that has convolutions over time as well.
    """
    for weight in model.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.to(memory_format=torch.channels_last)
    return model


def _each(change: Callable[[Tensor], Tensor], value: object) -> object:
    """`value` with every tensor in nested tuples, lists and dicts changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: _each(change, part) for name, part in value.items()}
    return type(value)(_each(change, part) for part in value) if isinstance(value, tuple | list) else value


def _key(value: object) -> object:
    """Shape, type and device of every tensor in nested tuples, lists and dicts; other values are themselves."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype, value.device
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in value.items())
    return type(value), tuple(map(_key, value)) if isinstance(value, tuple | list) else value


@cache
def fastest_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where a product of matrices takes at most 0.75 of float32's time, else float32.

    It is measured, in some milliseconds: some processors have the instructions and are slower with them.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if _product(torch.bfloat16) < 0.75 * _product(torch.float32) else torch.float32


def _product(dtype: torch.dtype) -> float:
    """Seconds of the fastest of 30 products at the size of a convolution: one that nothing else disturbed."""
    a, b = torch.ones(1024, 432, dtype=dtype), torch.ones(432, 48, dtype=dtype)
    taken = []
    for _ in range(30):
        begin = time.perf_counter()
        a @ b
        taken.append(time.perf_counter() - begin)
    return min(taken)


def compiler() -> bool:
    """Whether torch.compile can make code for this machine's processor."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++"))
