"""What torch refuses, and what comes in place of a tensor, told in sentences of ours: a class for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor

from course_utils.tasks import Told

Sentences = Mapping[str, tuple[type[Told], str]]  # words of a library's refusal, and what is said in their place


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


_REFUSED: Sentences = {  # torch's
    "only for scalar": (ManyNumbers, "autograd takes the gradient of one number, and here it is asked of more."),
    "does not require grad": (CutOff, "there is no graph to follow back: either gradients are switched off here, or "
                                      "what the function reads asks for none."),
    "not have been used": (NotUsed, "another tensor was read than the one whose gradient is asked for."),
    "second time": (GraphGone, "the graph is thrown away after the first gradient, and more are asked of it."),
    "call numpy() on": (NoArray, "numpy is given a tensor that still has a graph."),
    "is invalid for input of": (Misfit, "some numbers are given a shape that they do not fill."),
    "must match the size": (Unaligned, "two tensors meet whose shapes do not fit: torch aligns them from the right."),
}


def describe(x: Any) -> str:
    """A tensor's shape in words, or what else x is: "(2, 3)", "of type list"."""
    return str(tuple(x.shape)) if isinstance(x, Tensor) else f"of type {type(x).__name__}"


def in_our_words(error: Exception, sentences: Sentences) -> Exception:
    """The exception that `sentences` has for an error's words, raised where it was; the error itself without one."""
    kind, sentence = next((ours for words, ours in sentences.items() if words in str(error)), (None, ""))
    return kind(sentence).with_traceback(error.__traceback__) if kind else error


def retell(ask: Callable[[], Any], sentences: Sentences) -> Any:
    """What `ask` gives; one of our sentences where it is refused in words that have one."""
    try:
        return ask()
    except (RuntimeError, AttributeError, TypeError) as e:
        ours = in_our_words(e, sentences)
        if ours is e:
            raise  # with the cause that a student may have given it
        raise ours from None


def answer_of(ask: Callable[[], Any], sentences: Sentences = MappingProxyType({})) -> Any:
    """What `ask` gives; sentences of ours where torch refuses, or where no tensor comes.

    Args:
        ask: Calls the student's function.
        sentences: For more of torch's words.
    """
    out = retell(ask, {**_REFUSED, **sentences})
    if out is None:
        raise NoGradient("the answer is None: something is not returned, or no gradient came back.")
    if isinstance(out, np.ndarray):
        raise FromNumpy("an array of numpy came where a tensor is wanted: make it one, of x's dtype and shape.")
    return out


def one_tensor(ask: Callable[[], Any], sentences: Sentences = MappingProxyType({})) -> Any:
    """The same for one tensor."""
    out = answer_of(ask, sentences)
    if isinstance(out, tuple):
        raise ATuple("a tuple came where one tensor is wanted (torch.autograd.grad gives one): return its entry.")
    return out
