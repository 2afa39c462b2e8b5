"""Whose is a file that was handed in, and which notebook: the layouts in which a class's work comes.

    a folder per student     ada/05_ddpm.ipynb, ada.zip
    flat                     ada_05_ddpm.ipynb, 05_ddpm_ada.ipynb
    Moodle's download        Ada Lovelace_123456_assignsubmission_file_/05_ddpm.ipynb
    Canvas's download        lovelaceada_LATE_12345_67890_05_ddpm-1.ipynb
    nbgrader's `submitted`   ada/assignment/05_ddpm.ipynb, beside it perhaps timestamp.txt

Moodle and Canvas pack their zip when it is asked for: the times in it are those of the download and tell nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from course_utils import notebooks, tasks
from course_utils.grading.intake.archives import KINDS, Entry, Unreadable, entries
from course_utils.grading.intake.beside import beside, is_module
from course_utils.grading.intake.handed_in import HandedIn, parse_time
from course_utils.grading.intake.submissions import MAX_UNNAMED, Submission, read
from course_utils.terminal import without_hidden

MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_[a-z]+_?(?P<file>.*)", re.DOTALL)
MOODLE_SHORT = re.compile(r"(?P<name>.* .*)_(?P<id>\d+)_?(?P<file>)", re.DOTALL)  # a fullname has a space
CANVAS = re.compile(r"(?:(?P<name>.+?)_)??(?P<late>LATE_)?(?P<id>\d+|anon_[A-Za-z0-9]+)_(?P<upload>\d+)_(?P<file>.+)",
                    re.DOTALL)
COPY = re.compile(r"^copy of |(?: \(\d+\)|-copy ?\d*| - copy)+$", re.IGNORECASE)  # what browsers and Jupyter add
COUNTER = re.compile(r"(?:\(|-|-Copy)(\d+)\)?$", re.IGNORECASE)
SUBMITTED = "submitted"  # what nbgrader calls its folder
OF_NBGRADER = {SUBMITTED, "source", "release", "autograded", "feedback"}  # the folders of its course
MAX_NAMED = 5  # files that a row's reason names
MAX_UNKNOWN = 5  # notebooks of one student that are opened to see what they are


@dataclass(frozen=True)
class Seen:
    """The submissions that were found, by student, and one sentence about the layout that they came in."""

    sentence: str
    submissions: list[Submission]


@dataclass(frozen=True)
class _Owner:
    """Whose an entry is: the student's key, shown id and numbers, and what the download says about the file."""

    key: tuple[str, str]
    student: str
    file: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    upload: int = 0
    late: bool = False


@dataclass(frozen=True)
class _Claim:
    """A file that is taken for a notebook; the greatest `order` of a notebook counts."""

    entry: Entry
    owner: _Owner
    handed_in: HandedIn
    order: tuple


def see(submissions: Path) -> Seen:
    """Finds the students and their notebooks in a folder or zip file, whatever its layout.

    Raises:
        ValueError: When there is no such file, or nothing in it that can be a submission.
    """
    everything = entries(submissions)
    is_submitted = submissions.name == SUBMITTED or _is_course(everything)
    inside = _unwrapped(everything, submissions)
    found = [e for e in inside if not is_module(e)]
    layout, what = _layout(found, is_submitted)
    students: dict[tuple[str, str], list[tuple[_Owner, Entry]]] = {}
    nobodys = []
    for entry in found:
        owner = _owner(entry, layout, submissions)
        if owner:
            students.setdefault(owner.key, []).append((owner, entry))
        else:
            nobodys.append(entry)
    modules: dict[tuple[str, str], list[tuple[_Owner, Entry]]] = {key: [] for key in students}
    for entry in filter(is_module, inside):
        owner = _owner(entry, layout, submissions) or _named_in(entry.name, students, submissions)
        if owner and owner.key in modules:
            modules[owner.key].append((owner, entry))
        else:
            nobodys.append(entry)
    if not students:
        raise ValueError(f"There is no submission in {submissions}: a folder per student is expected, with notebooks "
                         "such as 05_ddpm.ipynb, or a download of Moodle's or Canvas's.")
    each = (_submission(files, modules[key], layout) for key, files in students.items())
    made = _told_apart(sorted(each, key=lambda s: s.student))
    sentence = f"{submissions} is {what} with {len(made)} {'student' if len(made) == 1 else 'students'}."
    return Seen(f"{sentence} {_nobodys(nobodys)}".strip(), made)


def _nobodys(found: list[Entry]) -> str:
    """The sentence about files that belong to no student; empty when there are none."""
    if not found:
        return ""
    named = [entry.name for entry in found]
    names = ", ".join([*named[:MAX_NAMED], f"{len(named) - MAX_NAMED} more"][:len(named)])
    return f"{len(found)} {'file belongs' if len(found) == 1 else 'files belong'} to no student: {names}."


def _told_apart(found: list[Submission]) -> list[Submission]:
    """No two ids that look the same: names may hold what is not seen, or be called as Moodle's name and number."""
    taken: Counter[str] = Counter()
    for n, submission in enumerate(found):
        looks = without_hidden(submission.student)
        taken[looks] += 1
        if taken[looks] > 1:
            found[n] = replace(submission, student=f"{submission.student} ({taken[looks]})")
    return found


# ---- whose is it ---------------------------------------------------------------------------------------------------


def _unwrapped(found: list[Entry], submissions: Path) -> list[Entry]:
    """Without the one folder around everything that a zip file often has, and without nbgrader's `submitted`."""
    work = [e for e in found if not is_module(e)]
    tops = {e.path[0] for e in work if e.path}
    inside = [e.path[1] for e in work if len(e.path) == 2 and not e.folder]
    wrapper = next(iter(tops)) if len(tops) == 1 and submissions.is_file() else ""
    downloaded = any(_canvas(name) or MOODLE.fullmatch(name) for name in inside)
    if wrapper.lower().endswith(KINDS) or inside and not downloaded:
        wrapper = ""  # one student's own
    if _is_course(found):
        wrapper = SUBMITTED
    if not wrapper or MOODLE.fullmatch(wrapper):
        return [e for e in found if e.path]
    return [replace(e, path=e.path[1:]) for e in found if e.path[:1] == (wrapper,) and len(e.path) > 1]


def _is_course(found: Iterable[Entry]) -> bool:
    """Whether this is a course's folder of nbgrader's: a student's may be called `submitted`, too."""
    tops = {e.path[0] for e in found if e.path and not is_module(e)}
    return SUBMITTED in tops and tops <= OF_NBGRADER


def _layout(found: list[Entry], is_submitted: bool) -> tuple[str, str]:
    """The layout's name, and the words for it: that of most entries, never of a single one among others."""
    tops = [e for e in found if len(e.path) == 1]
    canvas = [e for e in tops if _canvas(e.name)]
    if canvas and 2 * len(canvas) >= len(tops):
        return "canvas", "a download from Canvas"
    folders = [e for e in tops if e.folder]
    moodle, short = ([e for e in tops if form.fullmatch(e.name)] for form in (MOODLE, MOODLE_SHORT))
    if 2 * len(moodle) > len(tops) or len(short) == len(folders) and 2 * len(short) > len(tops):
        return "moodle", "a download from Moodle"
    timed = {e.path[0] for e in found if len(e.path) == 3 and e.name == "timestamp.txt"}
    if is_submitted or 2 * len(timed) > len(folders):
        return "nbgrader", "nbgrader's tree of submissions"
    if 2 * sum(not e.folder and e.name.lower().endswith(".ipynb") for e in tops) >= len(tops):
        return "flat", "a flat folder of notebooks"
    return "folders", "a folder per student"


def _owner(entry: Entry, layout: str, submissions: Path) -> _Owner | None:
    top = entry.path[0]
    if layout == "canvas" and (said := _canvas(top)):
        student = "_".join(filter(None, (said["name"], said["id"])))
        return _Owner((layout, said["id"]), student, said["file"], (("canvas", said["id"]),),
                      int(said["upload"][:18]), bool(said["late"]))
    if layout == "moodle" and (said := MOODLE.fullmatch(top) or MOODLE_SHORT.fullmatch(top)):
        student = "_".join(filter(None, (said["name"], said["id"])))
        ids = (("moodle", said["id"]),) if said["id"] else ()
        return _Owner((layout, said["id"] or student), student, said["file"], ids)
    if len(entry.path) > 1 or entry.folder:
        student = top[:-4] if top.lower().endswith(".zip") else top
        return _Owner(("", student), student, ids=(("nbgrader", student),) if layout == "nbgrader" else ())
    if not top.lower().endswith(".ipynb"):
        return None
    student = _student_in(top.rsplit(".", 1)[0]) or submissions.stem
    return _Owner(("", student), student)


def _named_in(name: str, students: Iterable[tuple[str, str]], submissions: Path) -> _Owner | None:
    """Of a module in a flat folder: the student whose name it begins with, else the one of a folder of one's own."""
    names = [student for layout, student in students if not layout]
    mine = max((s for s in names if name.startswith(tuple(f"{s}{mark}" for mark in " _-"))), key=len, default=None)
    if mine is not None:
        return _Owner(("", mine), mine, name[len(mine) + 1:])
    return _Owner(("", submissions.stem), submissions.stem, name) if submissions.stem in names else None


def _canvas(name: str) -> re.Match[str] | None:
    """The parts of a name in Canvas's download; `x_12_05_ddpm.ipynb` is none: its 05 begins the notebook's name."""
    said = CANVAS.fullmatch(name)
    return None if said and notebook_in(name) and not notebook_in(said["file"]) else said


def _student_in(stem: str) -> str:
    """The student of a flat file: what stands before the notebook's name, or behind it where nothing is before."""
    stem = COPY.sub("", stem)
    said = _known().search(stem)
    if not said:
        return stem
    behind = re.sub(r"^-\d+$", "", stem[said.end():])
    return stem[:said.start()].strip(" _-") or behind.strip(" _-")


# ---- which notebook is it ------------------------------------------------------------------------------------------


@cache
def _known() -> re.Pattern[str]:
    """Finds a notebook of the course in a file's name, also with spaces in it or words around it."""
    names = sorted((re.escape(p.stem).replace("_", "[ _-]") for p in notebooks.sources()), key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(names)})(?![A-Za-z0-9])", re.IGNORECASE)


def notebook_in(name: str) -> str | None:
    """The notebook that a file's name tells: `05_ddpm` for `Copy of 05_ddpm (1).ipynb`; None for none or several."""
    said = {re.sub("[ -]", "_", word).lower() for word in _known().findall(name.rsplit(".", 1)[0])}
    return next((p.stem for p in notebooks.sources() if {p.stem.lower()} == said), None)


def notebook_by_cells(file: Entry) -> str | None:
    """The notebook that most of a file's cells belong to, by their ids and nbgrader's; None where they tell nothing."""
    try:
        cells = read(file, MAX_UNNAMED).cells
    except Unreadable:
        return None
    said = [id for c in cells for id in (c.get("id"), _grade_id(c["metadata"])) if isinstance(id, str)]
    known = {prefix: tasks.module_of(prefix).NOTEBOOK for prefix in tasks.prefixes()}
    votes = Counter(known[p] for p in (id.partition("-")[0] for id in said) if p in known)
    return votes.most_common(1)[0][0] if votes else None


def _grade_id(metadata: dict) -> object:
    about = metadata.get("nbgrader")
    return about.get("grade_id") if isinstance(about, dict) else None


# ---- one student ---------------------------------------------------------------------------------------------------


def _submission(files: list[tuple[_Owner, Entry]], modules: list[tuple[_Owner, Entry]], layout: str) -> Submission:
    """What counts of a student's files: for each notebook the latest that can be read, and the modules beside it."""
    times = _timestamps(entry for _, entry in files) if layout == "nbgrader" else {}
    claims: dict[str, list[_Claim]] = {}
    unread, unknown = [], 0
    for owner, entry in files:
        is_notebook = entry.name.lower().endswith(".ipynb") and not entry.folder
        notebook = notebook_in(entry.name if len(entry.path) > 1 else owner.file or entry.name) if is_notebook else None
        if notebook is None and is_notebook and not entry.refused and unknown < MAX_UNKNOWN:
            unknown += 1
            notebook = notebook_by_cells(entry)
        if notebook:
            handed_in = _handed_in(owner, entry, layout, times.get(entry.path[:2] if entry.own else entry.path[:-1]))
            claims.setdefault(notebook, []).append(_Claim(entry, owner, handed_in, _order(owner, entry, handed_in)))
        elif entry.refused:
            unread.append(f"{entry.name} {entry.refused}.")
    counts = {notebook: max(claimed, key=lambda c: c.order) for notebook, claimed in sorted(claims.items())}
    notes = [_note(notebook, counts[notebook], claimed) for notebook, claimed in claims.items() if len(claimed) > 1]
    unread = [*unread[:MAX_NAMED], f"{len(unread) - MAX_NAMED} more are not read."][:len(unread)]
    newest = max(counts.values(), key=lambda c: c.order, default=None)
    owner = newest.owner if newest else files[0][0]
    placed = _placed(modules, layout)
    return Submission(owner.student, {n: c.entry for n, c in counts.items()}, dict(owner.ids),
                      {n: c.handed_in for n, c in counts.items()}, tuple(notes), tuple(unread),
                      {n: found for n, c in counts.items() if (found := beside(c.entry.path[:-1], placed))})


def _placed(modules: list[tuple[_Owner, Entry]], layout: str) -> list[tuple[tuple[str, ...], Entry]]:
    """A student's modules, each with the place where it lay before it was handed in, the latest last."""
    in_order = sorted(modules, key=lambda m: _order(*m, _handed_in(*m, layout, None)))
    return [((*entry.path[:-1], _uncounted(owner.file if len(entry.path) == 1 else entry.name)), entry)
            for owner, entry in in_order]


def _uncounted(name: str) -> str:
    """A module's name without what browsers, Jupyter and Canvas add to it."""
    return re.sub(r"-\d+$", "", COPY.sub("", name[:-3])) + ".py"


def _note(notebook: str, counted: _Claim, claimed: list[_Claim]) -> str:
    named = ["/".join(c.entry.path) for c in claimed if c is not counted]
    others = ", ".join([*named[:MAX_NAMED], f"{len(named) - MAX_NAMED} more"][:len(named)])
    verb = "does" if len(named) == 1 else "do"
    return (f"{len(claimed)} files are {notebook}: {'/'.join(counted.entry.path)} counts, being the latest; "
            f"{others} {verb} not.")


def _order(owner: _Owner, entry: Entry, handed_in: HandedIn) -> tuple:
    """What is later: by the time of the file where it is true, by Canvas's number of the upload, by the counter."""
    counter = COUNTER.search(entry.name.rsplit(".", 1)[0])
    time = handed_in.when.timestamp() if handed_in.when else 0.0
    told = entry.told.timestamp() if entry.told else 0.0
    return not entry.refused, time, told, owner.upload, int(counter[1][:9]) if counter else 0, entry.path


def _handed_in(owner: _Owner, entry: Entry, layout: str, timestamp: datetime | None) -> HandedIn:
    if layout in ("canvas", "moodle"):
        return HandedIn("", layout.capitalize(), owner.late)
    if timestamp:
        return HandedIn(timestamp.isoformat(), "timestamp.txt")
    return HandedIn(entry.time.isoformat() if entry.time else "", "file")


def _timestamps(files: Iterable[Entry]) -> dict[tuple[str, ...], datetime]:
    """The times in nbgrader's timestamp.txt, by the folder that it lies in; one that cannot be read is none."""
    found = {}
    for entry in files:
        if entry.name == "timestamp.txt" and len(entry.path) == 3 and not (entry.folder or entry.own):
            try:
                found[entry.path[:-1]] = parse_time(entry.read(1000).decode("utf-8").strip())
            except (Unreadable, ValueError):
                continue
    return found
