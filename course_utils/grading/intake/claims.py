"""What counts of one student's files: for each notebook the latest that can be read, and the modules beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from course_utils import tasks
from course_utils.grading.intake.archives import KINDS, Entry, Unreadable
from course_utils.grading.intake.hand_in_time import HandInTime, parse_time
from course_utils.grading.intake.names import COPY, INSTEAD, SEALED, find_notebook
from course_utils.grading.intake.student_modules import find_modules
from course_utils.grading.intake.submissions import MAX_UNNAMED, Submission, read

COUNTER = re.compile(r"(?:\(|-|-Copy)(\d+)\)?$", re.IGNORECASE)
OTHER_NAMES = (".json", ".txt", ".bak", ".download")  # under which a notebook may come
STAMP = "timestamp.txt"
MAX_NAMED = 5  # files that a row's reason names
MAX_UNKNOWN = 5  # files of one student that are opened to see which notebook they are
Files = list[tuple["Owner", Entry]]


@dataclass(frozen=True)
class Owner:
    """Whose an entry is: the student's key, shown id and numbers, and what the download says about the file.

    `written` is the id as it stands in the name, before it is tidied.
    """

    key: tuple[str, str]
    student: str
    file: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    upload: int = 0
    late: bool = False
    written: str = ""


@dataclass(frozen=True)
class _Claim:
    """A file that is taken for a notebook; the greatest `order` of a notebook counts."""

    entry: Entry
    owner: Owner
    handed_in: HandInTime
    order: tuple


def choose_files(files: Files, modules: Files, layout: str) -> Submission:
    """What counts of a student's files, and a sentence for what does not."""
    claims, unread = _collect_claims(files + [m for m in modules if find_notebook(m[1].name)], layout)
    counts = {notebook: max(claimed, key=lambda c: c.order) for notebook, claimed in sorted(claims.items())}
    if not counts:
        unread += [entry.name for _, entry in modules]
    notes = [_describe_choice(notebook, counts[notebook], claimed)
             for notebook, claimed in claims.items() if len(claimed) > 1]
    newest = max(counts.values(), key=lambda c: c.order, default=None)
    owner = newest.owner if newest else (files or modules)[0][0]
    placed = _place_modules(modules, layout)
    return Submission(owner.student, {n: c.entry for n, c in counts.items()}, dict(owner.ids),
                      {n: c.handed_in for n, c in counts.items()}, (*_note_lookalikes(files), *notes),
                      _describe_unread(unread),
                      {n: found for n, c in counts.items() if (found := find_modules(c.entry.path[:-1], placed))})


def _collect_claims(files: Files, layout: str) -> tuple[dict[str, list[_Claim]], list[str]]:
    """The files that are taken for notebooks, and those that are not: a sentence, or a name alone."""
    times = _read_timestamps(entry for _, entry in files) if layout == "nbgrader" else {}
    claims: dict[str, list[_Claim]] = {}
    unread, opened = [], 0
    for owner, entry in sorted(files, key=lambda f: not f[1].name.lower().endswith(".ipynb")):
        name = entry.name if len(entry.path) > 1 else owner.file or entry.name
        is_named = name.lower().endswith(".ipynb") and not entry.folder
        notebook = find_notebook(name) if is_named else None
        if not notebook and opened < MAX_UNKNOWN and not entry.refused and (is_named or _may_hold_one(entry, name)):
            opened += 1
            notebook = identify_by_cells(entry, None if is_named else find_notebook(name))
        if notebook:
            stamped = times.get(entry.path[:2] if entry.own else entry.path[:-1])
            handed_in = _find_hand_in_time(owner, entry, layout, stamped)
            order = _make_sort_key(owner, entry, handed_in)
            claims.setdefault(notebook, []).append(_Claim(entry, owner, handed_in, order))
        elif entry.refused:
            unread.append(f"{entry.name} {entry.refused}.")
        elif entry.name.lower().endswith(SEALED):
            unread.append(f"{entry.name} is an archive that is not opened here; a zip file is.")
        elif not entry.folder and entry.name != STAMP:
            unread.append(entry.name)
    return claims, unread


def _may_hold_one(entry: Entry, name: str) -> bool:
    """Whether a file of another name may be a notebook all the same: `05_ddpm.ipynb.txt`, `05_ddpm`."""
    name = name.lower()
    if entry.folder or name == STAMP or name.endswith((*KINDS, *SEALED)):
        return False
    return ".ipynb" in name or "." not in name or name.endswith(OTHER_NAMES) or (
        find_notebook(name) is not None and not name.endswith(INSTEAD))


def identify_by_cells(file: Entry, name: str | None = None) -> str | None:
    """The notebook that a file is: that of its `name` if it is a notebook at all, else the one of most of its cells.

    Cells are known by their ids and nbgrader's; None where they tell nothing.
    """
    try:
        cells = read(file, MAX_UNNAMED).cells
    except Unreadable:
        return None
    said = [id for c in cells for id in (c.get("id"), _read_grade_id(c["metadata"])) if isinstance(id, str)]
    known = {prefix: tasks.module_of(prefix).NOTEBOOK for prefix in tasks.prefixes()}
    votes = Counter(known[p] for p in (id.partition("-")[0] for id in said) if p in known)
    return name or (votes.most_common(1)[0][0] if votes else None)


def _read_grade_id(metadata: dict) -> object:
    about = metadata.get("nbgrader")
    return about.get("grade_id") if isinstance(about, dict) else None


def _describe_unread(found: list[str]) -> tuple[str, ...]:
    """A sentence for each file or folder that could not be opened, and one for what is no notebook, so many of each."""
    told = [said for said in found if " " in said and said.endswith(".")]
    others = [name for name in found if name not in told]
    told = [*told[:MAX_NAMED], f"{len(told) - MAX_NAMED} more are not read."][:len(told)]
    if others:
        are_none = "is no notebook" if len(others) == 1 else "are no notebooks"
        told.append(f"{list_names(others)} {are_none} of the course.")
    return tuple(told)


def list_names(names: list[str]) -> str:
    """The names, a few of them when they are many."""
    return ", ".join([*names[:MAX_NAMED], f"{len(names) - MAX_NAMED} more"][:len(names)])


def _note_lookalikes(files: Files) -> list[str]:
    """A sentence when names that only look alike are taken for one student's."""
    written = sorted({owner.written for owner, _ in files if owner.written})
    return [f"{' and '.join(map(repr, written))} look alike and are taken for one student."] if len(written) > 1 else []


def _place_modules(modules: Files, layout: str) -> list[tuple[tuple[str, ...], Entry]]:
    """A student's modules, each with the place where it lay before it was handed in, the latest last."""
    in_order = sorted(modules, key=lambda m: _make_sort_key(*m, _find_hand_in_time(*m, layout, None)))
    return [((*entry.path[:-1], _strip_counter(owner.file if len(entry.path) == 1 else entry.name)), entry)
            for owner, entry in in_order]


def _strip_counter(name: str) -> str:
    """A module's name without what browsers, Jupyter and Canvas add to it."""
    return re.sub(r"-\d+$", "", COPY.sub("", name[:-3])) + ".py"


def _describe_choice(notebook: str, counted: _Claim, claimed: list[_Claim]) -> str:
    named = ["/".join(c.entry.path) for c in claimed if c is not counted]
    return (f"{len(claimed)} files are {notebook}: {'/'.join(counted.entry.path)} counts, being the latest; "
            f"{list_names(named)} {'does' if len(named) == 1 else 'do'} not.")


def _make_sort_key(owner: Owner, entry: Entry, handed_in: HandInTime) -> tuple:
    """What is later: by the time of the file where it is true, by Canvas's number of the upload, by the counter.

    What cannot be read, and then what bears another name than a notebook's, counts only where nothing else does.
    """
    counter = COUNTER.search(entry.name.rsplit(".", 1)[0])
    when = handed_in.when or parse_time(handed_in.said.rpartition(" ")[0])
    told = entry.told.timestamp() if entry.told else 0.0
    return (not entry.refused, entry.name.lower().endswith((*KINDS, ".py")), when.timestamp() if when else 0.0, told,
            owner.upload, int(counter[1][:9]) if counter else 0, entry.path)


def _find_hand_in_time(owner: Owner, entry: Entry, layout: str, stamped: HandInTime | None) -> HandInTime:
    file = "/".join(entry.path)
    if layout in ("canvas", "moodle"):
        return HandInTime("", layout.capitalize(), owner.late, file=file)
    if stamped:
        return replace(stamped, file=file)
    return HandInTime(entry.time.isoformat() if entry.time else "", "file", file=file)


def _read_timestamps(files: Iterable[Entry]) -> dict[tuple[str, ...], HandInTime]:
    """The times in nbgrader's timestamp.txt, by the folder that it lies in; also those that are not understood."""
    found = {}
    for entry in files:
        if entry.name == STAMP and len(entry.path) == 3 and not (entry.folder or entry.own):
            try:
                content = entry.read(1000)
            except Unreadable:
                content = b"what cannot be read"
            utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as Windows' own shell writes
            text = content.decode("utf-16" if utf16 else "utf-8-sig", "replace")
            found[entry.path[:-1]] = HandInTime.from_timestamp(text)
    return found
