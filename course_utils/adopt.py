"""`course adopt OLD.ipynb`: what a student has filled in, put into the same notebook of a newer release.

Cells find each other by their ids, which never change once they were released.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import files
from course_utils.notebooks import kind_of
from course_utils.released import digest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
GIVEN_TEXT = re.compile(r"text-\d+")  # the id of a text that came with the notebook
FILLED_IN = ("task", "question")  # kinds of cells


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course adopt`."""
    parser.add_argument("old", type=Path, metavar="OLD.ipynb", help="your notebook, of an older release")
    parser.add_argument("--into", type=Path, metavar="NEW.ipynb",
                        help="the new release's notebook, still to be filled in; that of this course by default")


def run(args: argparse.Namespace) -> int:
    """`course adopt`: writes the new notebook and says what was put into it and what was not."""
    print("\n".join(adopt(args.old, args.into)))
    return 0


def adopt(old: Path, into: Path | None = None) -> list[str]:
    """Puts the filled cells of `old` into the notebook `into`, which is written whole or not at all.

    Args:
        old: Left as it is.
        into: By default the notebook of the same name in this course.

    Returns:
        a sentence on what was placed, then one for each cell that was not, or wants a look.

    Raises:
        ValueError: When one of them is no notebook, there is none of that name, or `into` is filled in already.
    """
    theirs = _read(old)
    into = into or NOTEBOOKS / f"{theirs.metadata.get('course', {}).get('notebook', old.stem)}.ipynb"
    if not into.is_file():
        raise ValueError(f"There is no notebook {into}: name the new release's by --into.")
    if into.samefile(old):
        raise ValueError(f"{old} is the notebook of this release itself; name that of the older one.")
    today = _read(into)
    filled = [c for c in today.cells if kind_of(c) in FILLED_IN and c.metadata.get("released") != digest(c)]
    if filled:
        raise ValueError(f"{into} is filled in already: name a fresh copy of it by --into.")
    placed, said = place(theirs, today)
    files.write(into, nbformat.writes(today) + "\n")
    return [f"{placed} of your cells are now in {into}{_releases(theirs, today)}.", *said]


def place(theirs: NotebookNode, today: NotebookNode) -> tuple[int, list[str]]:
    """Fills in `today`, in place; how many cells, and a sentence for each one that was not placed or wants a look."""
    fresh = {_id(cell): cell for cell in today.cells}
    stubs = {id: digest(cell) for id, cell in fresh.items()}
    taken, said = set(), []
    for number, cell in enumerate(theirs.cells, 1):
        id = _id(cell)
        if not cell.source.strip() or not _is_changed(cell, stubs.get(id)):
            continue
        if kind_of(cell) not in FILLED_IN or id not in fresh:
            said.append(f"Cell {number} was not placed: {_why_not(cell)}. It begins with: {_beginning(cell)}")
            continue
        if id in taken:
            said.append(f"Cell {number} is {_name(cell)} once more: this last one counts.")
        elif cell.metadata.get("released", stubs[id]) != stubs[id]:
            said.append(f"{_name(cell)} has another text in this release: compare your cell with it.")
        fresh[id].source = cell.source
        taken.add(id)
    return len(taken), said


def _is_changed(cell: NotebookNode, stub: str | None) -> bool:
    """Whether it says something else than it was given out with, then or now; own cells always do."""
    if cell.cell_type != "code" and kind_of(cell) == "text":
        return not GIVEN_TEXT.fullmatch(cell.get("id", ""))
    given = cell.metadata.get("released")
    if given is None and kind_of(cell) == "task" and "raise Unfinished" in cell.source:
        return False  # of a release whose cells did not carry digests
    return digest(cell) not in (given, stub)


def _id(cell: NotebookNode) -> str:
    """The id that the cell was given out with: that of nbgrader's metadata, which a copy of the cell has as well."""
    return cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id", "")


def _name(cell: NotebookNode) -> str:
    return cell.metadata[kind_of(cell)]


def _why_not(cell: NotebookNode) -> str:
    kind = kind_of(cell)
    if kind in FILLED_IN:
        return f"this release has no {kind} {_name(cell)}"
    if kind in ("setup", "demo", "check"):
        return f"it is a given {kind} cell, and stays as this release has it"
    return "it is your own, and has no place that is known"


def _beginning(cell: NotebookNode) -> str:
    line = cell.source.strip().splitlines()[0]
    return line if len(line) <= 60 else f"{line[:60]}…"


def _releases(theirs: NotebookNode, today: NotebookNode) -> str:
    old, new = (nb.metadata.get("course", {}).get("release") for nb in (theirs, today))
    return f" (release {old or 'unknown'} → {new})" if new else ""


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError):
        raise ValueError(f"{path} is no notebook that can be read.") from None

