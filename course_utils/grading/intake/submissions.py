"""What one student hands in: notebooks that may be anything, read without trust."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from nbformat import NotebookNode

from course_utils import released
from course_utils.grading.intake.archives import MAX_FILE, Entry, Unreadable
from course_utils.grading.intake.hand_in_time import HandInTime
from course_utils.grading.rooms.work import Work

MAX_CELLS = 2000
MAX_VALUES = 250_000  # of a notebook's JSON, each of which takes up to 200 bytes here; a course's notebook has 5,000
MAX_UNNAMED = 5 << 20  # bytes of a file that is opened to see which notebook it is
MAX_SOLUTIONS = 20_000  # characters of a notebook's solutions that are kept, to be compared
MAX_SHOWN = 2000  # characters of a cell or an answer that a report shows
PLACEHOLDER = "*Write your answer here.*"
MAX_MODULES_TOGETHER = 1 << 20  # bytes of the .py files beside one notebook


@dataclass(frozen=True)
class FileContent:
    """A file on its way to another machine: what it holds, or the sentence that says why that cannot be known."""

    name: str
    content: bytes | str

    @classmethod
    def of(cls, file: Entry, most: int = MAX_FILE) -> FileContent:
        """Reads the file, up to `most` bytes."""
        try:
            return cls(file.name, file.read(most))
        except Unreadable as e:
            return cls(file.name, str(e))

    def read(self, most: int = MAX_FILE) -> bytes:
        """The content, or Unreadable with the sentence; `most` was heeded when the file was read."""
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
        beside: The student's modules beside each notebook, by the path that they are imported by.
        content_digest: The digest of what was read, all of it, once it was.
    """

    student: str
    notebooks: dict[str, Entry | FileContent]
    ids: dict[str, str] = field(default_factory=dict)
    handed_in: dict[str, HandInTime] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    beside: dict[str, dict[str, Entry | FileContent]] = field(default_factory=dict)
    content_digest: str = ""

    def digest(self) -> str:
        """Changes with every byte of the notebooks that count, and of the modules beside them."""
        if self.content_digest:
            return self.content_digest
        sha = hashlib.sha256()
        for name, file in sorted(self.notebooks.items()):
            sha.update(_encode_file(name, file, MAX_FILE))
            for path, module in sorted(self.beside.get(name, {}).items()):
                sha.update(_encode_file(path, module, MAX_MODULES_TOGETHER))
        return sha.hexdigest()

    def load_contents(self, notebooks: Collection[str]) -> Submission:
        """The same with contents, read once and sealed, in place of files; then of the notebooks only these."""
        read = self
        if not self.content_digest:
            modules = {n: {path: FileContent.of(f, MAX_MODULES_TOGETHER) for path, f in found.items()}
                       for n, found in self.beside.items()}
            read = replace(self, notebooks={n: FileContent.of(f) for n, f in self.notebooks.items()}, beside=modules)
        return replace(read, notebooks={n: f for n, f in read.notebooks.items() if n in notebooks},
                       beside={n: m for n, m in read.beside.items() if n in notebooks}, content_digest=read.digest())


def _encode_file(name: str, file: Entry | FileContent, most: int) -> bytes:
    try:
        content = file.read(most)
    except Unreadable as e:
        content = str(e).encode("utf-8", "surrogateescape")
    return f"{name} {len(content)} ".encode() + content


@dataclass(frozen=True)
class StudentNotebook:
    """A notebook as it was read.

    Attributes:
        cells: Each with its `cell_type`, `source` as one text, `metadata` and perhaps `id`.
        release: The release that it says it was made from; empty where it says none.
    """

    cells: list[dict[str, Any]]
    release: str = ""

    @property
    def tasks(self) -> set[str]:
        """The ids of the tasks whose cells it has."""
        return set(self.find_places())

    def find_places(self) -> dict[str, int]:
        """The place of each task's cell, counted from 1."""
        return {id: n for n, cell in enumerate(self.cells, 1) if isinstance(id := cell["metadata"].get("task"), str)}

    def read_answers(self) -> dict[str, str]:
        """What is answered in words, by question; empty where nothing is."""
        said = {id: cell["source"].replace(PLACEHOLDER, "").strip() for cell in self.cells
                if isinstance(id := cell["metadata"].get("question"), str)}
        return {id: _shorten(text) for id, text in said.items()}

    def read_solutions(self, given: Collection[str]) -> str:
        """The student's own code: tasks' cells and added ones, without the lines that were given, such as `def`."""
        own = [(cell["metadata"].get("task"), cell["source"]) for cell in self.cells
               if cell.get("cell_type") == "code" and _is_own(cell["metadata"])]
        written = [(id, [line for line in text.splitlines() if line.strip() and line.strip() not in given])
                   for id, text in own]
        return "\n".join(f"# {id if isinstance(id, str) else 'a cell of their own'}\n" + "\n".join(lines)
                         for id, lines in written if lines)[:MAX_SOLUTIONS]

    def read_sources(self, cells: Iterable[int]) -> list[tuple[int, str]]:
        """The texts of these cells, by their places, as far as a report shows them."""
        return [(n, _shorten(self.cells[n - 1]["source"])) for n in sorted(set(cells)) if 0 < n <= len(self.cells)]


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …"


def read(file: Entry | FileContent, most: int = MAX_FILE) -> StudentNotebook:
    """Reads a notebook of up to `most` bytes.

    Raises:
        Unreadable: With the reason in one sentence.
    """
    content = file.read(most)
    if _holds_too_much(content):
        raise Unreadable(f"{file.name} holds more than {MAX_VALUES:,} values; clear its outputs and hand it in again.")
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
    return StudentNotebook([_read_cell(cell, file.name) for cell in nb["cells"]], _read_release(nb.get("metadata")))


def _holds_too_much(content: bytes) -> bool:
    """Whether JSON has too many values, counted before any is made: `[]` takes 64 bytes of memory.

    What is counted are commas, opening brackets and whole strings; every value is one of them or behind one.
    """
    bare = content.replace(rb"\\", b"").replace(rb'\"', b"")  # now each quotation mark begins or ends a string
    marks = re.finditer(rb'"[^"]*"?|[\[{,]', bare)
    return next(islice(marks, 2 * MAX_VALUES, None), None) is not None


def _read_release(metadata: Any) -> str:
    course = metadata.get("course") if isinstance(metadata, dict) else None
    release = course.get("release") if isinstance(course, dict) else None
    return release if isinstance(release, str) and re.fullmatch(r"[0-9a-f]{8}", release) else ""


def _read_cell(cell: Any, name: str) -> dict[str, Any]:
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(f"{name} is no notebook: a cell has no source.")
    metadata = cell.get("metadata")
    return {**cell, "source": source, "metadata": metadata if isinstance(metadata, dict) else {}}


@dataclass(frozen=True)
class GivenCells:
    """The demo and check cells of a notebook as it is given out: their text is not run.

    They are known by their metadata, by their id, or, where another editor has stripped both, by their unchanged text.
    """

    ids: frozenset[str]
    digests: frozenset[str]

    @classmethod
    def of(cls, nb: NotebookNode) -> GivenCells:
        """Those of a source that `notebooks.read` gave."""
        given = [c for c in nb.cells if c.cell_type == "code" and _is_given(c.metadata)]
        return cls(frozenset(c.id for c in given), frozenset(map(released.digest, given)))

    def make_work(self, cells: list[dict[str, Any]], files: dict[str, str] | None = None) -> Work:
        """What a room runs of these cells, numbered by their places from 1, and of the modules beside them."""
        code = {n: c for n, c in enumerate(cells, 1) if c.get("cell_type") == "code" and c["source"].strip()}
        claimed = {n: _read_released_digest(c["metadata"]) for n, c in code.items() if self._claims(c)}
        return Work([(n, c["source"]) for n, c in code.items()], claimed, sorted(self.digests), files or {})

    def _claims(self, cell: dict[str, Any]) -> bool:
        id = cell.get("id")
        return _is_given(cell["metadata"]) or isinstance(id, str) and id in self.ids


def _is_given(metadata: dict[str, Any]) -> bool:
    tags = metadata.get("tags")
    return "check" in metadata or isinstance(tags, list) and "demo" in tags


def _is_own(metadata: dict[str, Any]) -> bool:
    tags = metadata.get("tags")
    return "task" in metadata or not (_is_given(metadata) or isinstance(tags, list) and "setup" in tags)


def _read_released_digest(metadata: dict[str, Any]) -> str:
    said = metadata.get("released")
    return said if isinstance(said, str) else ""
