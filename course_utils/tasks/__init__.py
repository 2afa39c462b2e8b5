"""One probe a task: a small function that exercises the student's code and judges nothing.

The visible check, the grader and the bank of mistakes all run the same probe, through `observe`:

    inputs  drawn by the asker (`draw_inputs`)      ->  a dict of tensors
    probe   runs in the student's process           ->  named tensors, in the order in which they are judged
    verdict the asker's, by `compare.first_difference`

A file here holds the tasks of one prefix (`tasks/ddpm.py` those of `ddpm.*`) and names its notebook in `NOTEBOOK`.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from course_utils.tasks.draws import Rng

NO_TASKS = {  # files without tasks
    "draws", "compare", "recorded", "given", "explain", "players", "refusals", "pipes", "blocks"}
PUBLIC_SEED = 231  # the visible check's inputs; the grader draws its own seed for every run


@dataclass(frozen=True)
class Task:
    """A graded task: `probe(nb, **inputs)` on what `inputs(rng)` drew, compared with tolerances `rtol` and `atol`."""

    id: str
    points: float
    inputs: Callable[[Rng], dict[str, Tensor]]
    probe: Callable[..., Any]
    rtol: float
    atol: float

    @property
    def name(self) -> str:
        """What the student writes: `q_sample` for `ddpm.q_sample`."""
        return self.id.rsplit(".", 1)[1]


_registry: dict[str, Task] = {}


def task(id: str, *, points: float = 10, inputs: Callable[[Rng], dict[str, Tensor]],
         rtol: float = 1e-4, atol: float = 1e-5) -> Callable:
    """Registers the decorated probe under `id`; the registry alone knows the points."""

    def register(probe: Callable) -> Callable:
        _registry[id] = Task(id, points, inputs, probe, rtol, atol)
        return probe

    return register


def prefixes() -> list[str]:
    """The task prefixes that exist, e.g. `['ddpm', 'unet']`."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in NO_TASKS)


def module_of(prefix: str) -> ModuleType:
    """The tasks file of a prefix; ValueError names the prefixes that exist."""
    if prefix not in prefixes():
        raise ValueError(f"There are no tasks named {prefix}.*; there are: {', '.join(prefixes())}.")
    return importlib.import_module(f"{__name__}.{prefix}")


def get(id: str) -> Task:
    """The task of this id; ValueError names the tasks that exist."""
    module_of(id.split(".")[0])
    if id not in _registry:
        known = ", ".join(t for t in _registry if t.split(".")[0] == id.split(".")[0])
        raise ValueError(f"There is no task {id}; there are: {known}.")
    return _registry[id]


def tasks_of(notebook: str) -> list[Task]:
    """All tasks of a notebook such as `05_ddpm`, in the order of its tasks file."""
    modules = [m for m in map(module_of, prefixes()) if m.NOTEBOOK == notebook]
    names = [m.__name__.rsplit(".", 1)[1] for m in modules]
    return [t for t in _registry.values() if t.id.split(".")[0] in names]


def notebook_of(id: str) -> str:
    """The notebook that a task belongs to, e.g. `05_ddpm`."""
    return module_of(id.split(".")[0]).NOTEBOOK


def draw_inputs(task: Task, seed: int = PUBLIC_SEED) -> dict[str, Tensor]:
    """Fresh inputs of a task. The same seed gives the same tensors on any torch version and platform."""
    return task.inputs(Rng(seed, task.id))


@dataclass
class Outcome:
    """What a probe gave: tensors in the order of judgement, then the exception that ended it, if one did.

    `error` is the exception's type name; `message` and `exception` are for the person in front of the notebook and
    never enter a verdict.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    error: str | None = None
    message: str = ""
    exception: BaseException | None = None


class NotATensor(TypeError):
    """The student's function returned something else than a tensor."""


class Told(ValueError):
    """What a probe has to say of the student's function, in a sentence that stands alone."""


def in_place(which: str = "") -> str:
    """The sentence on a student's function that wrote into what it was given: into `which`, where that is known."""
    name = f", `{which}`" if which else ""
    return (f"it writes into a tensor that it was given{name} (by +=, x[i] = …, mul_ or the like), and the caller "
            "still needs that one as it was: make a new tensor.")


class ChangedInPlace(ValueError):
    """The student's function wrote into what it was given."""


def observe(task: Task, nb: Any, inputs: dict[str, Tensor]) -> Outcome:
    """Runs a task's probe on a notebook's namespace, on copies of the inputs, and keeps what came before an exception.

    A probe returns a dict of tensors, or yields several, so that what was seen before an exception is kept.
    """
    outcome, parts = Outcome(), []
    given = {name: x.clone() for name, x in inputs.items()}
    try:
        with our_defaults():
            parts = _parts(task.probe(nb, **given))
            for part in parts:
                _compare_inputs(given, inputs, _arguments(task, nb))
                for name, value in part.items():
                    if not isinstance(value, Tensor):
                        raise NotATensor(f"`{name}` should be a tensor, but it is of type {type(value).__name__}.")
                    outcome.tensors[name] = value.detach().to("cpu", copy=True).contiguous()
    except (Exception, SystemExit) as e:  # a student's code may raise anything; KeyboardInterrupt stays the user's
        outcome.error, outcome.message, outcome.exception = type(e).__name__, _message(e), e
    finally:
        if not isinstance(parts, list):
            parts.close()  # what a probe put into the notebook goes now, and not when the exception is forgotten
    return outcome


def _message(error: BaseException) -> str:
    """The exception's message; Python adds to that of too deep a recursion where it struck, which is chance."""
    return "maximum recursion depth exceeded" if isinstance(error, RecursionError) else str(error)


@contextlib.contextmanager
def our_defaults() -> Iterator[None]:
    """float32, the CPU and gradients inside, whatever the notebook has chosen for itself; its choice comes back."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:  # to set the same again would slow down every call of torch
            torch.set_default_device(device)


def _compare_inputs(now: dict[str, Tensor], before: dict[str, Tensor], arguments: list[str]) -> None:
    """Raises ChangedInPlace, which names the changed input where the student knows it by that name."""
    changed = [name for name, x in before.items() if x.shape != now[name].shape or not torch.equal(x, now[name])]
    if changed:
        raise ChangedInPlace(in_place(next((name for name in changed if name in arguments), "")))


def _arguments(task: Task, nb: Any) -> list[str]:
    """The names of the arguments of a task's function, on its own or in one of the notebook's classes."""
    places = [vars(nb), *(vars(x) for x in vars(nb).values() if isinstance(x, type))]
    found = [names[task.name] for names in places if inspect.isfunction(names.get(task.name))]
    return [name for function in found for name in inspect.signature(function).parameters]


def _parts(result: dict | Generator[dict]) -> list[dict] | Generator[dict]:
    return [result] if isinstance(result, dict) else result


class Namespace:
    """A notebook's names as attributes: `nb.GaussianDiffusion`. A missing one is a NameError that says its name."""

    def __init__(self, names: dict[str, Any]):
        self.__dict__ = names

    def __getattr__(self, name: str) -> Any:
        raise NameError(f"name '{name}' is not defined", name=name)


def shape_of(x: Any) -> Tensor:
    """The shape as an integer tensor, so that it can be judged; [-1] for what is no tensor."""
    return torch.tensor(list(x.shape) if isinstance(x, Tensor) else [-1])
