"""What a room is sent of a submission: its cells, which of them are not the student's, and the files beside it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

from course_utils import released
from course_utils.cells import run
from course_utils.tasks import Outcome

PARTLY = "Partly"  # the error of a cell of which only the definitions were run


@dataclass(frozen=True)
class Work:
    """A notebook to run. Whatever looks into a cell does so in the room: a parser can be made to crash.

    Attributes:
        cells: The number in the notebook and the source of each code cell, in their order.
        claimed: The cells that say they are given demo or check cells, by number, each with the digest of its text as
            it was given out, which it carries itself; empty where it carries none.
        given: The digests of the demo and check cells as they are given out today.
        files: The texts of the student's modules, by their path.
    """

    cells: list[tuple[int, str]]
    claimed: dict[int, str] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def pack(self) -> bytes:
        """All of it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, content: bytes) -> Work:
        """What `packed` gave."""
        about = json.loads(content)
        return cls(**{**about, "claimed": {int(n): digest for n, digest in about["claimed"].items()}})

    def place_files(self, folder: str) -> None:
        """Writes the student's modules and appends `folder` to `sys.path`, after all that is installed."""
        for name, text in self.files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.path.append(folder)

    def run(self, number: int, source: str, nb: ModuleType) -> Outcome:
        """Runs one of the cells as far as it is the student's: a changed one in part, of the given text the imports."""
        if released.digest({"cell_type": "code", "source": source}) in {*self.given, self.claimed.get(number)}:
            run_cell(released.imports(source), f"<cell {number}>", nb)
            return Outcome()
        return (run_definitions if number in self.claimed else run_cell)(source, f"<cell {number}>", nb)


def run_cell(source: str, name: str, nb: ModuleType) -> Outcome:
    """Runs a cell; an exception ends the cell, as in a notebook, not the notebook."""
    try:
        run(source, name, nb)
    except BaseException as e:  # SystemExit and KeyboardInterrupt would not end a notebook either
        return Outcome(error=type(e).__name__, message=_read_message(e))
    return Outcome()


def run_definitions(source: str, name: str, nb: ModuleType) -> Outcome:
    """Runs a cell's definitions, each by itself: one may need what was not run. A module that is missing is told."""
    try:
        parts = released.definitions(source)
    except Exception as e:
        return Outcome(error=type(e).__name__, message=_read_message(e))
    outcomes = [run_cell(text, f"{name[:-1]}, line {line}>", nb) for line, text in parts]
    return next((o for o in outcomes if o.error == "ModuleNotFoundError"), Outcome(error=PARTLY))


def _read_message(e: BaseException) -> str:
    try:
        return str(e)
    except Exception:  # a student's own exception may be broken
        return ""
