"""The stand-ins of notebook 13: the parts of a block, trees of modules, a function that attends over frames.

They are small and curved, take what the notebook's docstrings say, by position or by name, and refuse the rest by a
sentence of their own. Above them stands what comes back from this notebook's functions, or a sentence on why not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tasks import Told
from course_utils.tasks.pipes import OfAnotherWidth
from course_utils.tasks.players import weights_of
from course_utils.tasks.refusals import Sentences, answer_of, describe, one_tensor, retell

# ---- one tensor, or two

class NotViewed(Told):
    """A view of numbers that lie in another order."""


class NotJoined(Told):
    """Tensors of different sizes put together along another axis than that in which they differ."""


class NotMultiplied(Told):
    """Two matrices whose sides do not fit."""


class OtherAxes(Told):
    """A permutation of more or fewer axes than there are, or of one axis twice."""


class AList(Told):
    """A list where one tensor is taken."""


class NoTensor(Told):
    """Something else than one tensor."""


class NotWhole(Told):
    """A size that is no whole number."""


_REFUSED: Sentences = {  # torch's
    "view size is not compatible": (NotViewed, "`view` needs numbers that lie in memory in this order, and a permuted "
                                               "tensor's do not."),
    "does not match the length of the desired ordering": (OtherAxes, "permute is given more or fewer axes than the "
                                                                     "tensor has."),
    "Sizes of tensors must match": (NotJoined, "tensors are put together along one axis and differ in another."),
    "Expected size for first two dimensions": (NotMultiplied, "two matrices are multiplied whose sides do not fit."),
    "duplicate dims": (OtherAxes, "permute is given one axis twice."),
    "got float": (NotWhole, "a size of a tensor is given as a float."),
}


def tensor_of(ask: Callable[[], Any]) -> Tensor:
    """The one tensor that `ask` gives; sentences of ours where torch refuses, or where something else comes."""
    out = one_tensor(ask, _REFUSED)
    if not isinstance(out, Tensor):
        kind = AList if isinstance(out, list) else NoTensor
        raise kind(f"one tensor should come back, not a {type(out).__name__}.")
    return out


class OneTensor(Told):
    """One tensor of tokens, where two are taken."""


class NotSplit(Told):
    """One tensor of all tokens of both streams."""


class NotAPair(Told):
    """Something else than two tensors."""


def pair_of(ask: Callable[[], Any], all_tokens: int) -> tuple[Tensor, Tensor]:
    """Two tensors as joint_attention returns them."""
    pair = answer_of(ask, _REFUSED)
    if isinstance(pair, Tensor):
        if pair.dim() == 3 and pair.shape[1] == all_tokens:
            raise NotSplit("one tensor comes back with all tokens of both streams, where two are wanted.")
        raise OneTensor(f"one tensor {tuple(pair.shape)} comes back, where two are wanted: x and context.")
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(part, Tensor) for part in pair):
        raise NotAPair("two tensors should come back, x and context.")
    return tuple(pair)


# ---- a block

class NotTokens(Told):
    """Something else than tokens, where tokens are modulated."""


class NotTwoAxes(Told):
    """A shift or a scale with another shape than a row for each sample."""


class WithAnAxis(Told):
    """A shift or a scale that has an axis for the tokens already."""


class NoTokensToAttend(Told):
    """Something else than tokens, where the attention takes them."""


class NoTokensForTheMlp(Told):
    """Something else than tokens, where the MLP takes them."""


def known_modulate(x, shift, scale):
    """In the place of modulate, for tokens of four numbers only, with sentences for what it does not take."""
    if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[2] != 4:
        raise NotTokens("modulate takes the block's tokens first, (b, n, 4), then shift and scale; what comes first is "
                        f"{describe(x)}.")
    wanted = (len(x), 4)
    for name, part in (("shift", shift), ("scale", scale)):
        if not isinstance(part, Tensor) or part.shape != wanted:
            kind = WithAnAxis if isinstance(part, Tensor) and part.dim() == 3 else NotTwoAxes
            raise kind(f"modulate takes a {name} of shape {wanted} for these tokens, not {describe(part)}.")
    return x + x * scale.unsqueeze(1) + shift.unsqueeze(1)


class Attention(nn.Module):
    """In the place of the attention: every token meets the mean of its sample's."""

    def __init__(self, dim: int):
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or x.dim() != 3:
            raise NoTokensToAttend(f"self.attention takes tokens, (b, n, d), not something {describe(x)}.")
        y = torch.sin(2 * self.linear(x))
        return y + y.mean(dim=1, keepdim=True).square()


class Mlp(nn.Module):
    """In the place of the MLP."""

    def __init__(self, dim: int):
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, input: Tensor) -> Tensor:
        if not isinstance(input, Tensor) or input.dim() != 3:
            raise NoTokensForTheMlp(f"self.mlp takes tokens, (b, n, d), not something {describe(input)}.")
        return 0.5 + torch.tanh(1.5 * self.linear(input))


# ---- networks that are only weights

class IntoALeaf(Told):
    """A parameter is written into while gradients are recorded."""


class OfTheStack(Told):
    """A weight or bias of an nn.Sequential."""


class OfTheActivation(Told):
    """A weight or bias of an activation."""


class NotASequence(Told):
    """A linear layer, where a sequence of layers is taken."""


class NotAParameter(Told):
    """A tensor in the place of a parameter."""


class Unchanged(Told):
    """A network as it was before."""


class NotATree(Told):
    """An attribute that not all modules have."""


_OF_NETWORKS: Sentences = {  # torch's
    "leaf Variable": (IntoALeaf, "torch lets nobody write into a parameter where gradients are recorded."),
    "'Sequential' object has no": (OfTheStack, "an nn.Sequential has no weight and no bias: its layers have."),
    "'SiLU' object has no": (OfTheActivation, "an activation has no weight and no bias."),
    "'Part' object has no": (NotATree, "not every module of this network has what is asked of it here."),
    "'Linear' object is not": (NotASequence, "a linear layer is taken for a sequence of layers."),
    "as parameter '": (NotAParameter, "torch takes a Parameter, or None, where a parameter was, and no other tensor."),
}


class Part(nn.Module):
    """A network of named parts, of which only the weights matter."""

    def __init__(self, **parts: nn.Module):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def stack(*layers: nn.Module) -> nn.Sequential:
    """A modulation of these layers."""
    return nn.Sequential(nn.SiLU(), *layers)


def start(nb: Any, model: nn.Module) -> None:
    """Runs the notebook's adaln_zero_init; sentences of ours where torch refuses, or where nothing has happened."""
    before = weights_of(model)
    retell(lambda: nb.adaln_zero_init(model), _OF_NETWORKS)
    if torch.equal(weights_of(model), before):
        raise Unchanged("no number in the network has changed.")


# ---- layers of two streams

class NotQkvX(OfAnotherWidth):
    """qkv_x of something else than tokens."""


class NotQkvContext(OfAnotherWidth):
    """qkv_context of something else than tokens."""


class NotOutX(OfAnotherWidth):
    """out_x of something else than tokens."""


class NotOutContext(OfAnotherWidth):
    """out_context of something else than tokens."""


# ---- time

class NotThreeAxes(Told):
    """Other than (batch, tokens, d) to attend."""


class OtherChannels(Told):
    """Tokens of another length."""


class WholeFrames(Told):
    """Tokens that hold all places of a frame."""


class OverPlaces(Told):
    """The places of a frame as tokens."""


class OverAll(Told):
    """All places of all frames as tokens."""


class OverSamples(Told):
    """The samples as tokens."""


class OneByOne(Told):
    """Every token alone."""


class FewerFrames(Told):
    """A place's first frames without its last."""


class OverOthers(Told):
    """Another number of tokens than there are frames."""


class Attend:
    """Over f tokens of d numbers: each token's answer hangs on all, by weights of its own."""

    def __init__(self, x: Tensor):
        b, self.f, n, self.d = x.shape
        self.places, self.batches = n, (b, b * n)
        self.known = {1: OneByOne, b: OverSamples, self.f * n: OverAll, n: OverPlaces}

    def __call__(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor) or x.dim() != 3:
            raise NotThreeAxes(f"attend takes (batch, tokens, d), and was given something {describe(x)}.")
        if x.shape[2] != self.d:
            kind = WholeFrames if x.shape[2] == self.d * self.places else OtherChannels
            raise kind(f"attend takes tokens of d = {self.d} numbers, and was given {tuple(x.shape)}.")
        if x.shape[1] != self.f:
            fewer = x.shape[1] < self.f and len(x) in self.batches
            raise (FewerFrames if fewer else self.known.get(x.shape[1], OverOthers))(
                f"attend was given {tuple(x.shape)}, sequences of length {x.shape[1]}, where there are {self.f} "
                "frames.")
        places = torch.arange(self.f, device=x.device).to(x)
        weights = torch.sin(1 + 2 * places[:, None] + places.square())
        return torch.tanh(torch.einsum("fg,bgd->bfd", weights, x)) + 0.3 * x.roll(1, dims=2)
