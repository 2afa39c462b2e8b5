"""Who is in the class, by a file: ids, or what Canvas or Moodle export. Held against what was handed in.

ids             one on a line, perhaps with a name behind a comma
Canvas          the exported gradebook: Student, ID, SIS User ID, SIS Login ID
Moodle          participants, grades or the grading worksheet: First name, Surname, Email address, Identifier
other tables    a first line with words such as student, id, login, name, email
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_utils.grading.intake.claims import list_names
from course_utils.grading.intake.names import tidy
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.reports import tables

IDS = ("id", "student id", "student", "username", "user name", "login", "sis login id", "netid", "email",
       "email address", "e-mail", "sis user id", "id number", "matriculation number", "identifier", "participant")
LOGINS = ("sis login id", "username", "user name", "login", "netid", "student id")
NAMES = ("name", "full name", "student", "user full name")
FIRST, LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname", "family name")
TESTER = {"student, test", "test student"}  # Canvas's own, who hands in nothing


@dataclass(frozen=True)
class Person:
    """Somebody in the class: how the report names who has handed in nothing, and all by which work is known."""

    student: str
    keys: frozenset[str]
    ids: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> list[Person]:
    """The people in a roster; ValueError in one sentence where there are none."""
    rows = [[tidy(cell) for cell in row] for _, row in tables.read(path) if row]
    head = [cell.casefold() for cell in rows[0]] if rows else []
    is_table = len({*head} & {*IDS, *NAMES, *FIRST, *LAST}) >= min(2, len(head)) > 0
    people = [_read_person(dict(zip(head, row, strict=False)), "section" in head) if is_table else _read_plain(row)
              for row in rows[is_table:] if not (row[0].startswith("#") or "points possible" in row[0].casefold())]
    found = [p for p in people if p and p.keys]
    if not found:
        raise ValueError(f"{path} names nobody: a roster has an id on each line, or is a table that Canvas or Moodle "
                         "has exported.")
    return found


def _read_plain(row: list[str]) -> Person | None:
    return Person(row[0], frozenset(map(_normalise, filter(None, row)))) if row[0] else None


def _read_person(said: dict[str, str], is_canvas: bool) -> Person | None:
    """A person by a table's columns: every id, the local part of an address, and the name in both orders."""
    ids = [said[c] for c in IDS if said.get(c)]
    names = [said[c] for c in NAMES if said.get(c)]
    first, last = (next((said[c] for c in kind if said.get(c)), "") for kind in (FIRST, LAST))
    names += [f"{first} {last}", f"{last}, {first}"] if first and last else []
    names += [f"{b} {a}" for a, comma, b in (name.partition(", ") for name in names) if comma]
    if any(name.casefold() in TESTER for name in names) or not ids + names:
        return None
    number = re.fullmatch(r"(?:participant )?(\d+)", said.get("identifier", ""), re.IGNORECASE)
    known = {"canvas": said.get("id", "")} if is_canvas else {"moodle": number[1]} if number else {}
    keys = [*ids, *names, *(id.partition("@")[0] for id in ids if "@" in id), *known.values()]
    shown = next((said[c] for c in (*LOGINS, *([] if is_canvas else ["id", "student"])) if said.get(c)), "")
    return Person(shown or next(iter(names + ids)), frozenset(map(_normalise, filter(None, keys))),
                  {platform: number for platform, number in known.items() if number})


def _normalise(name: str) -> str:
    """By which two writings of one name are the same: letters and digits alone, whatever their case."""
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in letters if c.isalnum()) or letters


def compare(found: list[Submission], people: list[Person], path: Path,
            ) -> tuple[list[Submission], list[Person], list[str]]:
    """The submissions, a note with those of nobody in the class; who is missing; and a sentence for both.

    Raises:
        ValueError: When the roster knows none of them: it is another class's.
    """
    by_key: dict[str, list[int]] = {}
    for n, person in enumerate(people):
        for key in person.keys:
            by_key.setdefault(key, []).append(n)
    whose = [_find_people(s, by_key) for s in found]
    if not any(whose):
        raise ValueError(f"{path.name} names nobody of those who handed in; is it another class's? It begins with "
                         f"{people[0].student!r}, and they with {found[0].student!r}.")
    missing = [p for n, p in enumerate(people) if {n} not in whose]
    unknown = [s.student for s, n in zip(found, whose, strict=True) if not n]
    unsure = [s.student for s, n in zip(found, whose, strict=True) if len(n) > 1]
    notes = _describe(f"{path.name} names", "from whom nothing has come", [p.student for p in missing])
    notes += _describe("Not in " + path.name + ":", "who handed in", unknown)
    notes += _describe(f"{path.name} names more than one person who may be", "and none is taken", unsure)
    told = f"{path.name} does not name this student."
    return [s if n else replace(s, notes=(*s.notes, told)) for s, n in zip(found, whose, strict=True)], missing, notes


def _find_people(s: Submission, by_key: dict[str, list[int]]) -> set[int]:
    """The people whom a submission may belong to: by its number, else by its id, else by the name in it."""
    bare = re.sub(r"_(\d+|anon_\w+)$", "", s.student)
    for key in (*s.ids.values(), s.student, bare):
        if people := by_key.get(_normalise(key)):
            return set(people)
    return set()


def _describe(before: str, after: str, names: Iterable[str]) -> list[str]:
    names = list(names)
    many = "1 student" if len(names) == 1 else f"{len(names)} students"
    return [f"{before} {many} {after}: {list_names(names)}."] if names else []
