"""Whose is a file that was handed in: the layouts in which a class's work comes.

    a folder per student     ada/05_ddpm.ipynb, ada.zip
    flat                     ada_05_ddpm.ipynb, 05_ddpm_ada.ipynb
    Moodle's download        Ada Lovelace_123456_assignsubmission_file_/05_ddpm.ipynb
    Canvas's download        lovelaceada_LATE_12345_67890_05_ddpm-1.ipynb
    nbgrader's `submitted`   ada/assignment/05_ddpm.ipynb, beside it perhaps timestamp.txt

Moodle and Canvas pack their zip when it is asked for: the times in it are those of the download and tell nothing.
Whatever lies there is some student's, or is named in a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from course_utils.grading.intake.archives import KINDS, Entry, list_entries
from course_utils.grading.intake.claims import STAMP, Files, Owner, choose_files, list_names
from course_utils.grading.intake.names import (
    INSTEAD,
    SEALED,
    find_notebook,
    find_student,
    make_sort_key,
    strip_endings,
    tidy,
)
from course_utils.grading.intake.student_modules import is_module
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.records import make_file_name
from course_utils.terminal import without_hidden

MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_[a-z]+_?(?P<file>.*)", re.DOTALL)
MOODLE_SHORT = re.compile(r"(?P<name>.* .*)_(?P<id>\d+)_?(?P<file>)", re.DOTALL)  # a fullname has a space
CANVAS = re.compile(r"(?:(?P<name>.+?)_)??(?P<late>LATE_)?(?P<id>\d+|anon_[A-Za-z0-9]+)_(?P<upload>\d+)_(?P<file>.+)",
                    re.DOTALL)
SUBMITTED = "submitted"  # what nbgrader calls its folder
OF_NBGRADER = {SUBMITTED, "source", "release", "autograded", "feedback"}  # the folders of its course
LAYOUTS = {"folders": "a folder per student", "flat": "a flat folder of notebooks",
           "moodle": "a download from Moodle", "canvas": "a download from Canvas",
           "nbgrader": "nbgrader's tree of submissions"}


@dataclass(frozen=True)
class FoundSubmissions:
    """The submissions that were found, by student, a sentence about their layout, and one for whatever is odd."""

    sentence: str
    submissions: list[Submission]
    notes: list[str] = field(default_factory=list)


def find_submissions(submissions: Path, layout: str | None = None) -> FoundSubmissions:
    """Finds the students and their notebooks in a folder or zip file.

    Args:
        layout: One of `LAYOUTS`; by default that of most of what lies there.

    Raises:
        ValueError: When there is no such file, or nothing in it that can be a submission.
    """
    _refuse_other_files(submissions)
    everything = list_entries(submissions)
    home = submissions.resolve()  # `.` has a name once it is resolved
    inside, notes = _unwrap(everything, home, layout)
    layout = layout or _guess_layout([e for e in inside if not is_module(e)],
                                     home.name == SUBMITTED or _is_course(everything))
    files, modules, nobodys = _assign_files(inside, layout, tidy(home.name if home.is_dir() else home.stem))
    if not files:
        raise ValueError(f"There is no submission in {submissions}: a folder per student is expected, with notebooks "
                         "such as 05_ddpm.ipynb, or a download of Moodle's or Canvas's.")
    each = (choose_files(found, modules[key], layout) for key, found in files.items())
    made, alike = _number_lookalikes(sorted(each, key=lambda s: make_sort_key(s.student)))
    students = "1 student" if len(made) == 1 else f"{len(made)} students"
    if nobodys:
        belong = "1 file belongs" if len(nobodys) == 1 else f"{len(nobodys)} files belong"
        notes.append(f"{belong} to no student: {list_names(['/'.join(e.path) for e in nobodys])}.")
    return FoundSubmissions(f"{submissions} is {LAYOUTS[layout]} with {students}.", made, notes + alike)


def _refuse_other_files(submissions: Path) -> None:
    if not submissions.is_file() or submissions.suffix.lower() == ".zip":
        return
    if submissions.suffix.lower() == ".ipynb":
        raise ValueError(f"{submissions} is one notebook, and says nothing of its student: put it into a folder named "
                         f"after the student, and name the folder around that (ada/{submissions.name}).")
    if submissions.suffix.lower() in SEALED:
        raise ValueError(f"{submissions} is an archive that is not opened here: unpack it and name the folder, or pack "
                         "it as a zip file.")


# ---- which layout --------------------------------------------------------------------------------------------------


def _unwrap(found: list[Entry], home: Path, layout: str | None) -> tuple[list[Entry], list[str]]:
    """Without the one folder around everything that a download often has, and without nbgrader's `submitted`.

    Also a sentence about what lies outside of it.
    """
    wrapper = SUBMITTED if layout in (None, "nbgrader") and _is_course(found) else _find_wrapper(found, home)
    if not wrapper:
        return [e for e in found if e.path], []
    inside = [replace(e, path=e.path[1:]) for e in found if e.path[:1] == (wrapper,) and len(e.path) > 1]
    outside = list(dict.fromkeys(e.path[0] for e in found if e.path and e.path[0] != wrapper))
    return inside, [f"Outside of {wrapper}, this is left out: {list_names(outside)}."] if outside else []


def _find_wrapper(found: list[Entry], home: Path) -> str:
    """The one folder around everything; empty where there is none, or where it is one student's own."""
    work = [e for e in found if e.path and _tells_layout(e) and not is_module(e)]
    tops = {e.path[0] for e in work}
    top = next(iter(tops)) if len(tops) == 1 else ""
    inside = [e.path[1] for e in work if len(e.path) == 2 and not e.folder]
    downloaded = any(_match_canvas(name) or MOODLE.fullmatch(name) for name in inside)
    if not top or top.lower().endswith(KINDS) or MOODLE.fullmatch(top) or inside and not downloaded:
        return ""
    several = len({e.path[1] for e in work if len(e.path) > 1 and e.folder}) > 1
    return top if home.is_file() or several or downloaded else ""


def _is_course(found: Iterable[Entry]) -> bool:
    """Whether this is a course's folder of nbgrader's: a student's may be called `submitted`, too."""
    tops = {e.path[0] for e in found if e.path and (len(e.path) > 1 or _tells_layout(e)) and not is_module(e)}
    return SUBMITTED in tops and tops <= OF_NBGRADER


def _tells_layout(entry: Entry) -> bool:
    """Whether it tells what layout this is: a folder, a notebook, or what may have been handed in for one."""
    name = entry.name.lower()
    is_work = entry.folder or ".ipynb" in name or name.endswith((*KINDS, *INSTEAD)) or _is_downloaded(entry.name)
    return is_work and not name.startswith(".")


def _is_downloaded(name: str) -> bool:
    return bool(_match_canvas(name) or MOODLE.fullmatch(name))


def _guess_layout(found: list[Entry], is_submitted: bool) -> str:
    """The layout's name: that of most entries, never of a single one among others."""
    tops = [e for e in found if len(e.path) == 1 and _tells_layout(e)]
    canvas = [e for e in tops if _match_canvas(e.name)]
    if canvas and 2 * len(canvas) >= len(tops):
        return "canvas"
    folders = [e for e in tops if e.folder]
    moodle, short = ([e for e in tops if form.fullmatch(e.name)] for form in (MOODLE, MOODLE_SHORT))
    if 2 * len(moodle) > len(tops) or len(short) == len(folders) and 2 * len(short) > len(tops):
        return "moodle"
    timed = {e.path[0] for e in found if len(e.path) == 3 and e.name == STAMP}
    if is_submitted or 2 * len(timed) > len(folders):
        return "nbgrader"
    files = [e for e in tops if not e.folder and not e.name.lower().endswith(SEALED)]
    return "flat" if tops and 2 * len(files) >= len(tops) else "folders"


# ---- whose is it ---------------------------------------------------------------------------------------------------


def _assign_files(found: list[Entry], layout: str, home: str,
                  ) -> tuple[dict[tuple[str, str], Files], dict[tuple[str, str], Files], list[Entry]]:
    """Each student's files, each student's modules, and what is nobody's."""
    files: dict[tuple[str, str], Files] = {}
    modules: dict[tuple[str, str], Files] = {}
    loose = []
    for entry in sorted(found, key=is_module):
        if owner := _find_owner(entry, layout, home):
            files.setdefault(owner.key, [])
            (modules if is_module(entry) else files).setdefault(owner.key, []).append((owner, entry))
        else:
            loose.append(entry)
    nobodys = []
    for entry in loose:  # files beside folders and notebooks: whose name they begin with, else a student's of their own
        if owner := _find_named_owner(entry.name, files, home) or _make_lone_owner(entry):
            files.setdefault(owner.key, [])
            (modules if is_module(entry) else files).setdefault(owner.key, []).append((owner, entry))
        else:
            nobodys.append(entry)
    return files, {key: modules.get(key, []) for key in files}, nobodys


def _find_owner(entry: Entry, layout: str, home: str) -> Owner | None:
    """Whose an entry is by its place alone; None for a file beside folders and notebooks."""
    top = entry.path[0]
    if layout == "canvas" and (said := _match_canvas(top)):
        student = tidy("_".join(filter(None, (said["name"], said["id"]))))
        return Owner((layout, said["id"]), student, said["file"], (("canvas", said["id"]),),
                     int(said["upload"][:18]), bool(said["late"]))
    if layout == "moodle" and (said := MOODLE.fullmatch(top) or MOODLE_SHORT.fullmatch(top)):
        student = tidy("_".join(filter(None, (said["name"], said["id"]))))
        ids = (("moodle", said["id"]),) if said["id"] else ()
        return Owner((layout, said["id"] or student), student, said["file"], ids)
    is_archive = top.lower().endswith((".zip", *SEALED))
    if len(entry.path) > 1 or entry.folder or is_archive:
        written = find_student(top) or strip_endings(top) if is_archive else top
        student = tidy(written) or written
        return Owner(("", student), student, ids=(("nbgrader", student),) if layout == "nbgrader" else (),
                     written=written)
    if not top.lower().endswith(".ipynb"):
        return None
    student = find_student(top) or home
    return Owner(("", student), student)


def _find_named_owner(name: str, students: Iterable[tuple[str, str]], home: str) -> Owner | None:
    """Of a file among others: the student whose name it begins with, else the one of a folder of one's own."""
    name, names = tidy(name), [student for layout, student in students if not layout]
    mine = max((s for s in names if name.startswith(tuple(f"{s}{mark}" for mark in " _-.")) and s), key=len,
               default=None)
    if mine is not None:
        rest = name[len(mine) + 1:]
        return Owner(("", mine), mine, rest if name[len(mine)] != "." else "")
    return Owner(("", home), home, name) if home in names else None


def _make_lone_owner(entry: Entry) -> Owner | None:
    """The student who handed in something else than a notebook, by the file's name; None where that names nobody."""
    name, is_work = entry.name.lower(), find_notebook(entry.name) is not None
    is_work |= not is_module(entry) and (".ipynb" in name or name.endswith(INSTEAD))
    student = find_student(entry.name) if is_work else ""
    return Owner(("", student), student) if student else None


def _match_canvas(name: str) -> re.Match[str] | None:
    """The parts of a name in Canvas's download; `x_12_05_ddpm.ipynb` is none: its 05 begins the notebook's name."""
    said = CANVAS.fullmatch(name)
    return None if said and find_notebook(name) and not find_notebook(said["file"]) else said


def _number_lookalikes(found: list[Submission]) -> tuple[list[Submission], list[str]]:
    """Numbers, in place, the ids that look like another one; returns the list, and sentences about look-alikes.

    Names may hold what is not seen, and a stray folder be called as Moodle's or Canvas's name and number together.
    """
    taken, again, used, names = Counter[str](), [], set[str](), [s.student for s in found]
    for n, s in enumerate(found):
        looks = without_hidden(s.student)
        taken[looks] += 1
        if taken[looks] > 1 or make_file_name(s.student) in used:  # it has few digits, which can be made to agree
            again.append(n)
        used.add(make_file_name(s.student))
    for n in again:
        named = (f"{names[n]} ({k})" for k in count(2))
        found[n] = replace(found[n], student=next(name for name in named if make_file_name(name) not in used))
        used.add(make_file_name(found[n].student))
    said = [f"{many} submissions are of {student!r}; they are told apart by numbers." for student, many in taken.items()
            if many > 1]
    said += [f"{found[n].student!r} has a number, since its record would have the name of another's."
             for n in again if taken[without_hidden(names[n])] == 1]
    alike: dict[str, list[str]] = {}
    for student in taken:
        alike.setdefault(unicodedata.normalize("NFKC", student).casefold(), []).append(student)
    said += [f"{' and '.join(map(repr, names))} look alike and are graded as {len(names)} students."
             for names in alike.values() if len(names) > 1]
    return found, said
