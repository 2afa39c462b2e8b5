"""What is no notebook, or no honest one: a row with a reason, or the points that it earns; the class goes on."""

from __future__ import annotations

import io
import json
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from grading.attacks.suite import FULL, NOTEBOOK, ROW, Family, Piece
from grading.classroom import ddpm

NAME = f"{NOTEBOOK}.ipynb"


def file(title: str, why: str, content: bytes | str | Callable[[], bytes | str]) -> Piece:
    """A student whose notebook is these bytes."""

    def hand_in(submissions: Path, student: str) -> None:
        (submissions / student).mkdir()
        raw = content() if callable(content) else content
        (submissions / student / NAME).write_bytes(raw if isinstance(raw, bytes) else raw.encode())

    return Piece(title, ROW, why, hand_in=hand_in)


def folder(title: str, why: str, make: Callable[[Path], object]) -> Piece:
    """A student in whose folder `make` puts something."""

    def hand_in(submissions: Path, student: str) -> None:
        (submissions / student).mkdir()
        make(submissions / student)

    return Piece(title, ROW, why, hand_in=hand_in)


def cells(*made: object) -> str:
    """A notebook's JSON with these cells."""
    return json.dumps({"cells": list(made), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def large(size: int) -> Callable[[Path], None]:
    """A file of this size that takes no room on the disk."""

    def make(at: Path) -> None:
        (at / NAME).touch()
        os.truncate(at / NAME, size)

    return make


def linked(at: Path) -> None:
    """A right notebook, but it lies elsewhere, and a link leads to it."""
    other = at.parent.parent / "elsewhere.ipynb"
    other.write_text(nbformat.writes(ddpm()))
    (at / NAME).symlink_to(other)


def unix_socket(at: Path) -> None:
    """A socket in the notebook's place; bound by a short path, since a path has 107 bytes."""
    here = os.open(at, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"/proc/self/fd/{here}/{NAME}")
    os.close(here)


def linked_folder(submissions: Path, student: str) -> None:
    """A link in the place of a student's folder, to a folder with a right notebook."""
    other = submissions.parent / f"outside-{student}"
    other.mkdir()
    (other / NAME).write_text(nbformat.writes(ddpm()))
    (submissions / student).symlink_to(other)


def zipped(title: str, outcome: str, why: str, **members: bytes) -> Piece:
    """A student's zip file."""

    def hand_in(submissions: Path, student: str) -> None:
        with zipfile.ZipFile(submissions / f"{student}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return Piece(title, outcome, why, hand_in=hand_in)


def right() -> bytes:
    """A notebook that is right."""
    return json.dumps(ddpm()).encode()


def inner() -> bytes:
    """A zip file with a right notebook in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(NAME, right())
    return content.getvalue()


def says_all_twice(submissions: Path, student: str) -> None:
    """A right notebook in whose JSON every name stands twice; the last one counts, as everywhere."""
    (submissions / student).mkdir()
    (submissions / student / NAME).write_bytes(b'{"cells": [], "metadata": [], "nbformat": "x", ' + right()[1:])


def handed_in_twice(submissions: Path, student: str) -> None:
    """An empty attempt, then a right notebook."""
    for n, content in enumerate([b'{"cells": []}', right()]):
        path = submissions / student / f"05_ddpm{' (1)' * n}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (n, n))


def copied_checks(nb):
    """Every test cell stands there twice, at the end, with the same id."""
    nb.cells += [nbformat.from_dict(dict(c)) for c in nb.cells if "check" in c.metadata]


def without_checks(nb):
    """No test cell is left."""
    nb.cells = [c for c in nb.cells if "check" not in c.metadata]


def duplicate_ids(nb):
    """All cells have one id."""
    for c in nb.cells:
        c.id = "same"
        c.metadata.setdefault("nbgrader", {})["grade_id"] = "same"


def wrong_kernel(nb):
    """The notebook says that it is written in another language."""
    nb.metadata = {"kernelspec": {"name": "julia-1.11", "display_name": "Julia", "language": "julia"},
                   "language_info": {"name": "julia", "file_extension": ".jl"}}


def named(title: str, student: str) -> Piece:
    """Right work under an odd name."""
    return Piece(title, FULL, student=student)


PIECES = [
    file("text", "is not JSON", "this is my homework"),
    file("an empty file", "is not JSON", b""),
    file("half a notebook", "is not JSON", cells({"cell_type": "code", "source": "x"})[:-40]),
    file("JSON nested without end", "is not JSON", "[" * 100_000),
    file("a number of a million digits", "is not JSON", "9" * 1_000_000),
    file("a list", "JSON, but no notebook", "[1, 2]"),
    file("JSON of something else", "JSON, but no notebook", '{"cells": {"a": 1}}'),
    file("nbformat 3", "nbformat 3", json.dumps({"worksheets": [{"cells": []}], "nbformat": 3, "metadata": {}})),
    file("bytes that are no UTF-8", "not UTF-8", b'{"cells": ["\xff\xfe"]}'),
    file("UTF-16", "", '{"cells": []}'.encode("utf-16")),
    file("a pickle", "", b"\x80\x04\x95cos\nsystem\n(S'touch /tmp/x'\ntR."),
    file("a program", "", b"\x7fELF\x02\x01\x01" + bytes(1000)),
    file("a cell whose source is a number", "has no source", cells({"cell_type": "code", "source": 7})),
    file("a cell that is no cell", "has no source", cells("x")),
    file("a source of lists", "has no source", cells({"cell_type": "code", "source": [["x"]]})),
    file("two thousand and one cells", "2001 cells", cells(*[{"cell_type": "code", "source": "1"}] * 2001)),
    file("a million empty lists", "more than 250,000 values", lambda: '{"cells": [' + "[]," * 1_000_000 + "[]]}"),
    folder("21 MiB", "21 MiB, more than the 20 allowed", large(21 << 20)),
    folder("100 MB", "MiB, more than the 20 allowed", large(100_000_000)),
    folder("a terabyte that is not there", "MiB, more than the 20 allowed", large(1 << 40)),
    folder("a link to another's notebook", "is a link", linked),
    folder("a link to the gradebook", "is a link", lambda at: (at / NAME).symlink_to("../../report/grades.csv")),
    folder("a link to itself", "is a link", lambda at: (at / NAME).symlink_to(NAME)),
    folder("a link to endless zeros", "is a link", lambda at: (at / NAME).symlink_to("/dev/zero")),
    folder("a pipe", "is not a file", lambda at: os.mkfifo(at / NAME)),
    folder("a socket", "", unix_socket),
    folder("a folder in the notebook's place", "is not a file", lambda at: (at / NAME).mkdir()),
    folder("nothing", "is missing", lambda at: None),
    folder("a renamed notebook", "", lambda at: (at / "final (2).ipynb").write_text("{}")),
    Piece("a link in the folder's place", ROW, "a link, which is not followed", hand_in=linked_folder),
    zipped("a zip file", FULL, "", **{NAME: right()}),
    zipped("a zip file whose names lead out of it", ROW, "leads out", **{f"../../report/{NAME}": right()}),
    zipped("a zip file that unpacks to a thousand times its size", ROW, "200 times its size",
           **{NAME: b" " * (19 << 20)}),
    zipped("a zip file in a zip file", ROW, "archive in an archive", **{"05_ddpm.zip": inner()}),
    zipped("a zip file with six thousand notebooks", ROW, "lists more files than are looked at",
           **{f"{n}/{NAME}": b"{}" for n in range(6000)}),
    zipped("a zip file whose names have sixty thousand characters", ROW, "is not JSON",
           **{f"{n}{'n' * 60_000}/{NAME}": b"{" for n in range(60)}),
    zipped("a zip file with a right notebook behind hundreds of others", FULL, "",
           **{f"env/{n}/x.py": b"" for n in range(600)}, **{NAME: right()}),
    Piece("a zip file cut in the middle", ROW, "no zip file", hand_in=lambda submissions, student: (
        submissions / f"{student}.zip").write_bytes(inner()[:5000])),
    Piece("a notebook that says everything twice", FULL, hand_in=says_all_twice),
    Piece("two submissions of one student", FULL, "counts, being the latest", hand_in=handed_in_twice),
    named("a name with a comma, a quote and a formula", '=cmd|"-2+3",A1'),
    named("a name that leads elsewhere", "%2e%2e%2f..,..\\x"),
    named("a name that is a page", "<img src=x onerror=alert(1)>"),
    named("a name that opens a cell of the table", '"><td colspan=9>100<svg onload=alert(1)>'),
    named("a name that is a column of the table", "total"),
    named("a name that is a line of marks", "ada,05_ddpm,100,"),
    named("a name that is an option", "--resume"),
    named("a name with line breaks, bells and turned letters", "a\r\n=1+1,\x1b[2J\x07\u202eb"),
    named("a name that is no UTF-8", os.fsdecode(b"caf\xe9")),
    named("a name of 255 bytes", "n" * 255),
    Piece("test cells copied", FULL, edit=copied_checks),
    Piece("test cells missing", FULL, edit=without_checks),
    Piece("one id for every cell", FULL, edit=duplicate_ids),
    Piece("another kernel", FULL, edit=wrong_kernel),
]

FAMILY = Family("A row with a reason", PIECES, only="ddpm.extract")
