"""The recorded outcomes in `answers/`: what the visible check compares with, without needing solutions/."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from torch import Tensor

from course_utils import files
from course_utils.tasks import Outcome, Task
from course_utils.tasks.compare import first_difference

FOLDER = Path(__file__).parents[1] / "answers"


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer: its name for the instructor, its hint for the student, what its probe gave."""

    title: str
    hint: str
    outcome: Outcome


@dataclass
class Recorded:
    """All that is recorded of one notebook, by task id.

    Attributes:
        inputs: The public inputs of each task.
        reference: The reference's outcome on them.
        mistakes: Each known mistake's outcome on them.
        owners: For each task that is a method, the class that it is put on.
        given: The texts of the given cells by their kind: "setup", "demo" and "check".
        modules: The modules of course_utils that the reference needs; the grading room holds no others.
        digest: Of the texts that this was recorded from.
    """

    inputs: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    reference: dict[str, Outcome] = field(default_factory=dict)
    mistakes: dict[str, list[Mistake]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    given: dict[str, list[str]] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    digest: str = ""


def known_mistake(got: Outcome, mistakes: Iterable[Mistake], task: Task) -> Mistake | None:
    """The mistake whose outcome equals this one on the public inputs, or None.

    The names must be the same too: two exceptions of one type are not the same slip when they come at another place.
    """
    same = [m for m in mistakes if list(m.outcome.tensors) == list(got.tensors)]
    return next((m for m in same if first_difference(got, m.outcome, task) is None), None)


@cache
def load_recorded(notebook: str) -> Recorded:
    """The recorded outcomes of a notebook such as `05_ddpm`; ValueError when there are none."""
    path = FOLDER / f"{notebook}.safetensors"
    if not path.exists():
        raise ValueError(f"There are no recorded answers for {notebook}; `course build` makes them.")
    tensors, about = files.read_tensors(path)
    recorded = Recorded(owners=about["owners"], given=about["given"], modules=about["modules"], digest=about["digest"])
    for id, entry in about["tasks"].items():
        pool = [(name, tensors[f"{id}/{i}"]) for i, name in enumerate(entry["names"])]
        outcome = lambda d, pool=pool: Outcome(dict(pool[i] for i in d["tensors"]), d["error"])  # noqa: E731
        recorded.inputs[id] = dict(pool[i] for i in entry["inputs"])
        recorded.reference[id] = outcome(entry["reference"])
        recorded.mistakes[id] = [Mistake(m["title"], m["hint"], outcome(m)) for m in entry["mistakes"]]
    return recorded


def save_recorded(notebook: str, recorded: Recorded) -> Path:
    """Writes the recorded outcomes of a notebook, byte for byte the same for the same content.

    Most outcomes of a task share most of their tensors: each is written once, and an outcome lists where they lie.
    """
    tensors, entries = {}, {}
    for id, reference in recorded.reference.items():
        pool: dict[str, tuple[int, str, Tensor]] = {}
        entries[id] = {
            "inputs": _places(recorded.inputs[id], pool),
            "reference": {"error": reference.error, "tensors": _places(reference.tensors, pool)},
            "mistakes": [{"title": m.title, "hint": m.hint, "error": m.outcome.error,
                          "tensors": _places(m.outcome.tensors, pool)} for m in recorded.mistakes.get(id, [])],
            "names": [name for _, name, _ in pool.values()]}
        tensors |= {f"{id}/{i}": x.clone() for i, _, x in pool.values()}
    about = {"digest": recorded.digest, "modules": recorded.modules, "owners": recorded.owners,
             "given": recorded.given, "tasks": entries}
    path = FOLDER / f"{notebook}.safetensors"
    files.write_tensors(path, tensors, about)
    load_recorded.cache_clear()
    return path


def _places(named: dict[str, Tensor], pool: dict[str, tuple[int, str, Tensor]]) -> list[int]:
    """Where tensors lie in a task's pool, which takes those that it lacks: digest to place, name and tensor."""
    return [pool.setdefault(files.digest({name: x}), (len(pool), name, x))[0] for name, x in named.items()]
