"""What torch refuses, and what comes in place of a tensor, told in sentences of ours: a class for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.tasks import Told


class ManyNumbers(Told):
    """A gradient asked of more than one number."""


class CutOff(Told):
    """A gradient asked of what has no graph."""


class NotUsed(Told):
    """A gradient asked for a tensor that the answer does not depend on."""


class GraphGone(Told):
    """A second gradient asked of a graph that was thrown away."""


class NoGradient(Told):
    """A gradient that is None."""


class ATuple(Told):
    """A tuple where a tensor is taken."""


class FromNumpy(Told):
    """An array of numpy where a tensor is taken."""


class NoArray(Told):
    """numpy was given a tensor with a graph."""


class Misfit(Told):
    """Numbers that do not fill a shape."""


class Unaligned(Told):
    """Two shapes that torch cannot align."""


_REFUSED = {  # words of torch's, the sentence that we have for them
    "only for scalar": (ManyNumbers, "autograd takes the gradient of one number, and here it is asked of more."),
    "does not require grad": (CutOff, "there is no graph to follow back: either gradients are switched off here, or "
                                      "what the function reads asks for none."),
    "not have been used": (NotUsed, "another tensor was read than the one whose gradient is asked for."),
    "second time": (GraphGone, "the graph is thrown away after the first gradient, and more are asked of it."),
    "call numpy() on": (NoArray, "numpy is given a tensor that still has a graph."),
    "is invalid for input of": (Misfit, "some numbers are given a shape that they do not fill."),
    "must match the size": (Unaligned, "two tensors meet whose shapes do not fit: torch aligns them from the right."),
}


def told(ask: Callable[[], Any]) -> Any:
    """What `ask` gives; sentences of ours where torch refuses, or where no tensor comes."""
    try:
        out = ask()
    except RuntimeError as e:
        kind, sentence = next((said for words, said in _REFUSED.items() if words in str(e)), (None, ""))
        if kind is None:
            raise
        raise kind(sentence).with_traceback(e.__traceback__) from None
    if out is None:
        raise NoGradient("the answer is None: something is not returned, or no gradient came back.")
    if isinstance(out, np.ndarray):
        raise FromNumpy("an array of numpy came where a tensor is wanted: make it one, of x's dtype and shape.")
    return out


def one_tensor(ask: Callable[[], Any]) -> Any:
    """The same for one tensor."""
    out = told(ask)
    if isinstance(out, tuple):
        raise ATuple("a tuple came where one tensor is wanted (torch.autograd.grad gives one): return its entry.")
    return out
