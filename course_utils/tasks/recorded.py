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
    read = lambda prefix, names: {n: tensors[f"{prefix}/{n}"] for n in names}  # noqa: E731
    outcome = lambda prefix, d: Outcome(read(prefix, d["names"]), d["error"])  # noqa: E731
    recorded = Recorded(owners=about["owners"], given=about["given"], modules=about["modules"], digest=about["digest"])
    for id, entry in about["tasks"].items():
        recorded.inputs[id] = read(f"{id}/inputs", entry["inputs"])
        recorded.reference[id] = outcome(f"{id}/reference", entry["reference"])
        recorded.mistakes[id] = [Mistake(m["title"], m["hint"], outcome(f"{id}/{i}", m))
                                 for i, m in enumerate(entry["mistakes"])]
    return recorded


def save_recorded(notebook: str, recorded: Recorded) -> Path:
    """Writes the recorded outcomes of a notebook, byte for byte the same for the same content."""
    tensors: dict[str, Tensor] = {}

    def put(prefix: str, named: dict[str, Tensor]) -> list[str]:
        tensors.update({f"{prefix}/{name}": x.contiguous() for name, x in named.items()})
        return list(named)

    entries = {}
    for id in recorded.reference:
        reference = recorded.reference[id]
        entries[id] = {
            "inputs": put(f"{id}/inputs", recorded.inputs[id]),
            "reference": {"names": put(f"{id}/reference", reference.tensors), "error": reference.error},
            "mistakes": [{"title": m.title, "hint": m.hint, "error": m.outcome.error,
                          "names": put(f"{id}/{i}", m.outcome.tensors)}
                         for i, m in enumerate(recorded.mistakes.get(id, []))]}
    about = {"digest": recorded.digest, "modules": recorded.modules, "owners": recorded.owners,
             "given": recorded.given, "tasks": entries}
    path = FOLDER / f"{notebook}.safetensors"
    files.write_tensors(path, {k: v.clone() for k, v in tensors.items()}, about)
    load_recorded.cache_clear()
    return path
