"""What strangers hand in: folders and files that may be anything, read without trust and without following links."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

MAX_FILE = 20 << 20  # bytes of a notebook
MAX_CELLS = 2000
NAME = re.compile(r"(\d\d_\w+)\.ipynb")


class Unreadable(ValueError):
    """A notebook that cannot be graded; the sentence is the reason in the student's row."""


@dataclass(frozen=True)
class Submission:
    """One student's folder: the id (its name) and the notebooks that lie in it, by name."""

    student: str
    folder: Path
    notebooks: dict[str, Path]

    def digest(self) -> str:
        """Changes with every byte that was handed in."""
        sha = hashlib.sha256()
        for name, path in sorted(self.notebooks.items()):
            try:
                content = _read_file(path)
            except Unreadable as e:
                content = str(e).encode()
            sha.update(f"{name} {len(content)} ".encode() + content)
        return sha.hexdigest()


def find(submissions: Path) -> list[Submission]:
    """The submissions in a folder of folders, by the students' names; ValueError where there are none."""
    if not submissions.is_dir():
        raise ValueError(f"There is no folder {submissions}.")
    found = []
    for entry in sorted(os.scandir(submissions), key=lambda e: e.name):
        if entry.name.startswith(".") or not (entry.is_symlink() or entry.is_dir()):
            continue
        student = os.fsencode(entry.name).decode("utf-8", "surrogateescape")  # no two alike
        found.append(Submission(student, Path(entry.path), {} if entry.is_symlink() else _notebooks(Path(entry.path))))
    if not found:
        raise ValueError(f"There is no submission in {submissions}: a folder per student is expected, "
                         "with notebooks such as 05_ddpm.ipynb.")
    return found


def _notebooks(folder: Path) -> dict[str, Path]:
    names = sorted(os.listdir(folder)) if os.access(folder, os.R_OK | os.X_OK) else []
    return {m[1]: folder / name for name in names if (m := NAME.fullmatch(name))}


def read_cells(path: Path) -> list[dict[str, Any]]:
    """A notebook's cells, each with its `cell_type`, `source` as one text, `metadata` and perhaps `id`.

    Raises:
        Unreadable: With the reason in one sentence.
    """
    content = _read_file(path)
    try:
        nb = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable(f"{path.name} is not UTF-8 text.") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{path.name} is not JSON.") from None
    if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
        old = isinstance(nb, dict) and "worksheets" in nb
        raise Unreadable(f"{path.name} is " + ("in nbformat 3; save it with a newer Jupyter." if old
                                               else "JSON, but no notebook."))
    if len(nb["cells"]) > MAX_CELLS:
        raise Unreadable(f"{path.name} has {len(nb['cells'])} cells, more than the {MAX_CELLS} allowed.")
    return [_cell(cell, path.name) for cell in nb["cells"]]


def _cell(cell: Any, name: str) -> dict[str, Any]:
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(f"{name} is no notebook: a cell has no source.")
    metadata = cell.get("metadata")
    return {**cell, "source": source, "metadata": metadata if isinstance(metadata, dict) else {}}


def _read_file(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        reason = "is a link, which is not followed" if path.is_symlink() else "cannot be opened"
        raise Unreadable(f"{path.name} {reason}.") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path.name} is not a file.")
        if status.st_size > MAX_FILE:
            raise Unreadable(f"{path.name} has {status.st_size >> 20} MiB, more than the {MAX_FILE >> 20} allowed.")
        with open(handle, "rb", closefd=False) as file:
            return file.read(MAX_FILE + 1)
    finally:
        os.close(handle)


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
