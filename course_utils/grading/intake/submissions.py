"""What one student hands in: notebooks that may be anything, read without trust."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from nbformat import NotebookNode

from course_utils.grading.intake.archives import Entry, Unreadable
from course_utils.grading.intake.handed_in import HandedIn

MAX_CELLS = 2000


@dataclass(frozen=True)
class Carried:
    """A file on its way to another machine: what it holds, or the sentence that says why that cannot be known."""

    name: str
    content: bytes | str

    @classmethod
    def of(cls, file: Entry) -> Carried:
        """Reads the file."""
        try:
            return cls(file.name, file.read())
        except Unreadable as e:
            return cls(file.name, str(e))

    def read(self) -> bytes:
        """The content, or Unreadable with the sentence."""
        if isinstance(self.content, str):
            raise Unreadable(self.content)
        return self.content


@dataclass(frozen=True)
class Submission:
    """What a student has handed in.

    Attributes:
        student: The id that the report shows, different for every student.
        notebooks: The file that counts, by the notebook's name in the course, `05_ddpm`.
        ids: The student's number where the download told it: {"moodle": "123456"}, {"canvas": "12345"}.
        handed_in: When each notebook was handed in, as far as the layout tells.
        notes: A sentence for each notebook that several files claim.
        unread: A sentence for each file or folder that could not be opened.
    """

    student: str
    notebooks: dict[str, Entry | Carried]
    ids: dict[str, str] = field(default_factory=dict)
    handed_in: dict[str, HandedIn] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def digest(self) -> str:
        """Changes with every byte of the notebooks that count."""
        sha = hashlib.sha256()
        for name, file in sorted(self.notebooks.items()):
            try:
                content = file.read()
            except Unreadable as e:
                content = str(e).encode("utf-8", "surrogateescape")
            sha.update(f"{name} {len(content)} ".encode() + content)
        return sha.hexdigest()

    def carried(self, notebooks: Collection[str]) -> Submission:
        """The same with the contents of these notebooks in place of their files, and without the others."""
        return replace(self, notebooks={n: Carried.of(f) for n, f in self.notebooks.items() if n in notebooks})


def read_cells(file: Entry | Carried) -> list[dict[str, Any]]:
    """A notebook's cells, each with its `cell_type`, `source` as one text, `metadata` and perhaps `id`.

    Raises:
        Unreadable: With the reason in one sentence.
    """
    content = file.read()
    try:
        nb = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable(f"{file.name} is not UTF-8 text.") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{file.name} is not JSON.") from None
    if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
        old = isinstance(nb, dict) and "worksheets" in nb
        raise Unreadable(f"{file.name} is " + ("in nbformat 3; save it with a newer Jupyter." if old
                                               else "JSON, but no notebook."))
    if len(nb["cells"]) > MAX_CELLS:
        raise Unreadable(f"{file.name} has {len(nb['cells'])} cells, more than the {MAX_CELLS} allowed.")
    return [_cell(cell, file.name) for cell in nb["cells"]]


def _cell(cell: Any, name: str) -> dict[str, Any]:
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(f"{name} is no notebook: a cell has no source.")
    metadata = cell.get("metadata")
    return {**cell, "source": source, "metadata": metadata if isinstance(metadata, dict) else {}}


@dataclass(frozen=True)
class GivenCells:
    """The demo and check cells of a notebook as it was given out: they are not run.

    They are known by their metadata, by their id, or, where another editor has stripped both, by their unchanged text.
    """

    ids: frozenset[str]
    sources: frozenset[str]

    @classmethod
    def of(cls, nb: NotebookNode) -> GivenCells:
        """Those of a source that `notebooks.read` gave."""
        given = [c for c in nb.cells if c.cell_type == "code" and _says_so(c.metadata)]
        return cls(frozenset(c.id for c in given), frozenset(c.source.strip() for c in given))

    def others(self, cells: list[dict[str, Any]]) -> list[tuple[int, str]]:
        """The code cells to run, each with its place in the notebook, from 1."""
        return [(n, c["source"]) for n, c in enumerate(cells, 1)
                if c.get("cell_type") == "code" and c["source"].strip() and not self._holds(c)]

    def _holds(self, cell: dict[str, Any]) -> bool:
        id = cell.get("id")
        return (_says_so(cell["metadata"]) or isinstance(id, str) and id in self.ids
                or cell["source"].strip() in self.sources)


def _says_so(metadata: dict[str, Any]) -> bool:
    tags = metadata.get("tags")
    return "check" in metadata or isinstance(tags, list) and "demo" in tags
