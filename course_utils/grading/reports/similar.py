"""Similar work: pairs of students whose code is alike, for a person to look at. No points hang on it.

Compared are all solution cells of a notebook together, without what was given, token by token: another name, comment or
spacing changes nothing. The passages are copydetect's, hashes of the code as MOSS takes them (Schleimer, Wilkerson and
Aiken 2003, "Winnowing"). What many students write is no sign of anything and is left out, as MOSS does it, too.
"""

from __future__ import annotations

import importlib.util
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from markupsafe import Markup

from course_utils.grading.records import Result
from course_utils.grading.reports.page import render, verbatim

LENGTH = 25  # characters of a passage, without blanks and with one for each name
WINDOW = 1  # every passage is kept: a choice would depend on Python's hashes, which differ in each run
MANY, MANY_SHARE = 5, 0.05  # a passage that more students hold than both of these is what everybody writes
ALIKE = 0.4  # of the shorter one's passages: the references and variants of all notebooks, written apart, share at most
# 0.072; renamed copies all, and copies in which every third task is of other origin at least 0.42
FEWEST = 50  # passages, three lines or so: what is shorter is written alike by chance
SHOWN = 100  # pairs on the page


@dataclass(frozen=True)
class Solutions:
    """A student's solutions in one notebook; `report` names an earlier report, and is empty for this one's."""

    student: str
    report: str
    text: str


@dataclass(frozen=True)
class Pair:
    """Two that are alike: the share of the shorter one's passages that the other has too, and many have not."""

    notebook: str
    first: Solutions
    second: Solutions
    share: float
    places: tuple[list[tuple[int, int]], list[tuple[int, int]]]  # of these passages in each, from and to


def require_copydetect() -> None:
    """ValueError in a sentence where the library is not installed."""
    if importlib.util.find_spec("copydetect") is None:
        raise ValueError("Similar work is compared by copydetect, which is not installed: pip install copydetect.")


def find_pairs(results: Sequence[Result], earlier: Mapping[str, Sequence[Result]]) -> list[Pair]:
    """The pairs to look at, the most alike first; at least one of the two is of this report."""
    works: dict[str, list[Solutions]] = {}
    for report, found in {"": results, **earlier}.items():
        for r in found:
            for n in r.notebooks:
                works.setdefault(n.notebook, []).append(Solutions(r.student, report, n.solutions))
    made = [pair for notebook, found in works.items() for pair in _find_alike(notebook, found)]
    return sorted(made, key=lambda p: (-p.share, p.notebook, p.first.student, p.second.student))


def _find_alike(notebook: str, works: list[Solutions]) -> Iterator[Pair]:
    from copydetect import CodeFingerprint, compare_files

    works = [w for w in works if len(w.text) >= LENGTH]
    marks = [CodeFingerprint("", LENGTH, WINDOW, language="python", fp=io.StringIO(w.text)) for w in works]
    sizes = [len(m.hashes) for m in marks]
    _drop_common(marks)
    for i, j in _list_sharing_pairs(marks):
        a, b = works[i], works[j]
        if a.report and b.report or a.student == b.student:
            continue
        shared = len(marks[i].hashes & marks[j].hashes)
        share = shared / min(sizes[i], sizes[j])
        if shared >= FEWEST and share >= ALIKE:
            _, _, slices = compare_files(marks[i], marks[j])
            yield Pair(notebook, a, b, share, tuple(list(zip(*map(list, s.astype(int)), strict=True)) for s in slices))


def _drop_common(marks: list[Any]) -> None:
    """Takes out of fingerprints, in place, the passages that many of them have."""
    held = Counter(mark for m in marks for mark in m.hashes)
    common = {mark for mark, n in held.items() if n > max(MANY, MANY_SHARE * len(marks))}
    for m in marks:
        m.hashes -= common
        m.hash_idx = {mark: places for mark, places in m.hash_idx.items() if mark not in common}


def _list_sharing_pairs(marks: list[Any]) -> list[tuple[int, int]]:
    """The pairs that have enough passages in common to be compared."""
    holders: dict[int, list[int]] = {}
    for i, m in enumerate(marks):
        for mark in m.hashes:
            holders.setdefault(mark, []).append(i)
    counted = Counter(pair for who in holders.values() for pair in combinations(who, 2))
    return [pair for pair, n in counted.items() if n >= FEWEST]


# ---- the page ------------------------------------------------------------------------------------------------------


def render_page(found: list[Pair], names: dict[str, str], sandbox: bool = True) -> str:
    """The pairs as HTML, for the instructor alone."""
    pairs = [(p, [mark_shared(work.text, places) for work, places in zip((p.first, p.second), p.places, strict=True)])
             for p in found[:SHOWN]]
    return render("similar.html", "Similar work", sandbox, pairs=pairs, names=names, found=len(found),
                  alike=f"{ALIKE:.0%}")


def mark_shared(text: str, places: list[tuple[int, int]]) -> Markup:
    """A text, escaped, with the lines marked whose greater part the other has, too."""
    shared, at, lines = {i for begin, end in places for i in range(begin, end)}, 0, []
    for line in text.split("\n"):
        code = [i for i, c in enumerate(line, at) if not c.isspace()]
        is_shared = not line.startswith("# ") and 2 * len(shared.intersection(code)) > len(code)
        lines.append(Markup("<mark>{}</mark>").format(verbatim(line)) if is_shared else verbatim(line))
        at += len(line) + 1
    return Markup("\n").join(lines)
