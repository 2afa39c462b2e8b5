"""The students' pages for others than the instructor: for a platform that hands them back, for a second marker."""

from __future__ import annotations

import csv
import io
import re
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from course_utils import files
from course_utils.grading.intake.layouts import CANVAS
from course_utils.grading.intake.names import tidy
from course_utils.grading.records import NotebookResult, Result
from course_utils.grading.reports import tables
from course_utils.grading.reports.classlist import choose_names

PAGE = "feedback.html"
KEY = "anonymous.csv"


def pack_zip(pages: dict[str, str], results: list[Result]) -> bytes:
    """A zip of the students' pages, each named as the platform sent the student's work.

    Canvas takes back a file whose name begins as that of the upload, with the numbers of the user and of the upload;
    Moodle one in a folder `Name_number_assignsubmission_file_`.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for r in results:
            if place := _find_place(r):
                archive.writestr(zipfile.ZipInfo(place), pages[r.student].encode("utf-8", "replace"))
    return content.getvalue()


def _find_place(r: Result) -> str:
    """Where a student's page lies in the zip; empty where Canvas has no upload that it could go with."""
    if "moodle" in r.ids:
        name = r.student.removesuffix(f"_{r.ids['moodle']}").replace("_", " ")
        return f"{_clean_name(name)}_{r.ids['moodle']}_assignsubmission_file_/{PAGE}"
    if "canvas" not in r.ids:
        return f"{_clean_name(r.student)}/{PAGE}"
    said = (CANVAS.fullmatch(h.file.partition("/")[0]) for h in r.handed_in.values())
    upload = next((s[0][:s.start("file")] for s in said if s), "")
    return f"{_clean_name(upload)}{PAGE}" if upload else ""


def _clean_name(name: str) -> str:
    return re.sub(r"[/\\:\x00-\x1f]|^\.+", "-", name).encode("utf-8", "replace").decode()


# ---- for a second marker -------------------------------------------------------------------------------------------


def make_anonymous(results: list[Result], out: Path) -> list[tuple[str, Result]]:
    """The results without names, each with its number, in an order that tells nothing.

    The numbers are drawn once and kept in `out`'s `anonymous.csv`, which is the instructor's.
    """
    numbers, students = _read_numbers(out / KEY), {tables.escape_formulas(r.student): r for r in results}
    new = [s for s in students if s not in numbers]
    free = sorted({f"{n:03}" for n in range(1, len(new) + len(numbers) + 1)} - {*numbers.values()})
    numbers |= {s: free.pop(secrets.randbelow(len(free))) for s in new}
    files.write(out / KEY, tables.format_csv([["student", "number"], *numbers.items()]), mode=0o600)
    shown = choose_names(results)
    return sorted(((numbers[s], _remove_names(r, shown[r.student], numbers[s])) for s, r in students.items()),
                  key=lambda pair: pair[0])


def _read_numbers(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row[0]: row[1] for row in list(csv.reader(file))[1:] if len(row) == 2}


def _remove_names(r: Result, name: str, number: str) -> Result:
    """A result as it is, but for the student's names and numbers, wherever they stand."""
    told = {r.student, name, tidy(name), *r.ids.values(), *re.split(r"[ _,.-]+", name)}
    words = sorted((w for w in told if len(w) > 2), key=len, reverse=True)
    form = re.compile("|".join(rf"(?<!\w){re.escape(w)}(?!\w)" for w in words) or r"(?!)", re.IGNORECASE)
    notebooks = [_clean_notebook(n, partial(form.sub, "…")) for n in r.notebooks]
    notes = [form.sub("…", note) for note in r.notes]
    return replace(r, student=f"Student {number}", notebooks=notebooks, ids={}, notes=notes)


def _clean_notebook(n: NotebookResult, clean: Callable[[str], str]) -> NotebookResult:
    return replace(n, reason=clean(n.reason), notes=list(map(clean, n.notes)), comment=clean(n.comment),
                   stopped=[(cell, clean(what)) for cell, what in n.stopped],
                   answers={id: clean(text) for id, text in n.answers.items()},
                   sources=[(cell, clean(text)) for cell, text in n.sources],
                   tasks=[replace(t, why=clean(t.why), comment=clean(t.comment)) for t in n.tasks])
