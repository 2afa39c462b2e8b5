"""CSV files for spreadsheets: written so that no cell is a formula, read as spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_utils.terminal import printable

FORMULA = re.compile(r"""(^|[;|,]["'\s]*)([-=+@－＝＋＠])""")  # begins a cell, and is taken for a formula there
MAX_LINES = 50  # of one cell; a quotation mark that is never closed must not swallow the rest of the file


def format_csv(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV; texts are made `escape_formulas`, numbers stay as they are."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerows([escape_formulas(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def escape_formulas(text: str) -> str:
    """A text that no spreadsheet takes for a formula, by whatever mark it separates cells, and that is `join_lines`."""
    return FORMULA.sub(r"\1'\2", join_lines(text))


def join_lines(text: str) -> str:
    """A text for a cell: `printable`, with one blank between words."""
    return " ".join(printable(text).split())


def read(path: Path) -> Iterator[tuple[int, list[str] | None]]:
    """The rows of a file, each with the number of its first line; None for a row that is not CSV.

    Commas or semicolons, whichever the first line has more of; UTF-8 or, as some spreadsheets write, Windows' Latin.

    Raises:
        ValueError: When it is no text.
    """
    content = path.read_bytes()
    if b"\0" in content:
        raise ValueError(f"{path.name} is no text: save it as CSV, in UTF-8.")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = content.decode("cp1252", "replace").splitlines()
    first = next((line for line in lines if line.strip()), "")
    mark, n = ";" if first.count(";") > first.count(",") else ",", 0
    while n < len(lines):
        row, used = _parse_row(lines[n:n + MAX_LINES], mark)
        if row is None or any(cell.strip() for cell in row):
            yield n + 1, row
        n += used


def _parse_row(lines: list[str], mark: str) -> tuple[list[str] | None, int]:
    """The row that begins with these lines, and how many of them it takes."""
    for used in range(1, len(lines) + 1):
        try:
            return next(csv.reader(["\n".join(lines[:used])], delimiter=mark, strict=True), []), used
        except csv.Error:
            if lines[0].count('"') % 2 == 0:  # no cell goes on in the next line
                break
    return None, 1
