"""The one comparison: of a student's outcome with the reference's, used by the visible check and by the grader."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.tasks import Outcome, Task

SHAPE = "shape_of_"  # an output of this name is the shape of what the rest of the name says


@dataclass(frozen=True)
class Difference:
    """The first output that is off, and one sentence for the student, without expected values unless `reveal` was set.

    `kind` is `error`, `missing`, `shape`, `dtype`, `nan` or `value`.
    """

    output: str
    kind: str
    sentence: str


def relative_error(got: Tensor, want: Tensor) -> float:
    """max |got − want| / max |want|, in float64; 0 for empty tensors."""
    got, want = _wide(got), _wide(want)
    if not want.numel():
        return 0.0
    return ((got - want).abs().max() / want.abs().max().clamp_min(1e-10)).item()


def worst_relative_error(got: Outcome, want: Outcome, task: Task) -> float:
    """The largest relative error over all outputs but those that are wanted to be 0, within the task's tolerance."""
    told = [k for k, w in want.tensors.items() if (_wide(w).abs() > task.atol).any()]
    return max((relative_error(got.tensors[k], want.tensors[k]) for k in told), default=0.0)


def first_difference(got: Outcome, want: Outcome, task: Task, reveal: bool = True) -> Difference | None:
    """The first output, in the order of judgement, in which `got` differs from `want`; None when it passes.

    Shapes must be equal, nothing broadcasts; the kind of dtype must be equal, a higher precision passes.

    Args:
        reveal: Whether the sentence may tell expected values (the visible check) or not (the grader's feedback).
    """
    names = list(want.tensors)
    for i, (name, wanted) in enumerate(want.tensors.items()):
        if name not in got.tensors:
            passed_over = any(later in got.tensors for later in names[i:])
            return _early_end(name, Outcome() if passed_over else got)
        found = _tensor_difference(name, got.tensors[name], wanted, task, reveal)
        if found:
            return found
    if got.error != want.error:
        return _early_end(None, got)
    return None


def _early_end(name: str | None, got: Outcome) -> Difference:
    where = f" before `{name.removeprefix(SHAPE)}` could be seen" if name else ""
    if got.error:
        return Difference(name or "", "error", f"It raised {as_name(got.error)}{where}: {got.message}".rstrip(": "))
    sentence = f"There is no `{name.removeprefix(SHAPE)}`." if name else "An exception was expected."
    return Difference(name or "", "missing", sentence)


def as_name(error: str) -> str:
    """An exception's name, as code; what is none, from a process that says anything, is not repeated."""
    return f"`{error}`" if error.isidentifier() else "an exception without a name"


def _kind(x: Tensor) -> str:
    if x.dtype == torch.bool:
        return "boolean"
    return "complex" if x.is_complex() else "floating" if x.is_floating_point() else "integer"


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)


def _tensor_difference(name: str, got: Tensor, want: Tensor, task: Task, reveal: bool) -> Difference | None:
    if name.startswith(SHAPE) and got.dim() == 1 and len(got) < 9 and got.dtype == want.dtype:
        sentence = f"`{name.removeprefix(SHAPE)}` has shape {tuple(got.tolist())}, expected {tuple(want.tolist())}."
        return None if torch.equal(got, want) else Difference(name, "shape", sentence)
    if got.shape != want.shape:
        return Difference(name, "shape", f"`{name}` has shape {tuple(got.shape)}, expected {tuple(want.shape)}.")
    if _kind(got) != _kind(want):
        return Difference(name, "dtype", f"`{name}` has dtype {got.dtype}, expected {want.dtype}.")
    if got.is_floating_point() and got.dtype.itemsize < want.dtype.itemsize:
        return Difference(name, "dtype", f"`{name}` has dtype {got.dtype}, a lower precision than {want.dtype}.")
    if want.dtype == torch.bool and not want.dim():
        same = torch.equal(got, want)
        return None if same else Difference(name, "value", f"`{name}` is {bool(got)}, it should be {bool(want)}.")
    got, want = _wide(got), _wide(want)
    bad = ~torch.isfinite(got) & torch.isfinite(want)
    if bad.any():
        several = f"{int(bad.sum())} values that are" if bad.sum() > 1 else "a value that is"
        return Difference(name, "nan", f"`{name}` holds {several} NaN or infinite.")
    off = ~torch.isclose(got, want, rtol=task.rtol, atol=task.atol, equal_nan=True)
    if not off.any():
        return None
    return Difference(name, "value", _value_sentence(name, got, want, off, reveal))


def _value_sentence(name: str, got: Tensor, want: Tensor, off: Tensor, reveal: bool) -> str:
    if not off.dim():
        return f"`{name}` is {got.item():.6g}, expected {want.item():.6g}." if reveal else f"`{name}` is off."
    sentence = f"`{name}` is off in {int(off.sum())} of {off.numel()} values"
    if not reveal:
        return sentence + "."
    distance = (got - want).abs().nan_to_num(nan=float("inf"))
    worst = torch.unravel_index(torch.where(off, distance, -1.0).argmax(), off.shape)
    where = ", ".join(str(int(i)) for i in worst)
    return f"{sentence}; the worst is {got[worst].item():.6g} at [{where}], expected {want[worst].item():.6g}."
