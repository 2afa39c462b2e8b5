"""Why points were lost, in sentences for the student, and what must be known before all else.

Exceptions' messages come from a stranger's process: they are quoted, searched for a name, and never believed further.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace

from nbformat import NotebookNode

from course_utils.cells import to_python
from course_utils.grading.records import UNFILLED, TaskResult
from course_utils.grading.rooms.client import LOST
from course_utils.notebooks import kind_of
from course_utils.tasks import Outcome
from course_utils.tasks.compare import as_name

Stopped = list[tuple[int, str]]  # cell, what happened
MAX_NAMED = 5  # names in one sentence
_UNDEFINED = re.compile(r"name '(\w{1,80})' is not defined")
_NO_MODULE = re.compile(r"No module named '([\w.]{1,80})'")


def describe_error(outcome: Outcome) -> str:
    """An outcome's error as a sentence for the student."""
    if outcome.error == "Unfinished":
        return UNFILLED
    if outcome.error in LOST:
        return outcome.message
    message = outcome.message if len(outcome.message) <= 300 else outcome.message[:300] + "…"
    return f"It raised {as_name(outcome.error)}: {message}".rstrip(": ")


def add_cause(result: TaskResult, stopped: Stopped) -> TaskResult:
    """A name that is missing may be one that a cell would have given, had it not stopped."""
    if not result.why.startswith("It raised `NameError`") or not stopped:
        return result
    cell, what = stopped[0]
    return replace(result, why=f"{result.why.rstrip('.')}. Before that, cell {cell} had stopped: {what}")


def find_common_causes(results: Iterable[TaskResult], stopped: Stopped, imports: Iterable[str]) -> list[str]:
    """What may cost more than one task: modules that are not there, and imports of the given cells that are gone.

    Args:
        imports: The names that the given setup cells import.

    Returns:
        sentences; none where nothing was lost.
    """
    results = list(results)
    if all(t.right for t in results):
        return []
    said = [(f"cell {n}", what) for n, what in stopped] + [(t.task, t.why) for t in results]
    modules = {found[1]: where for where, what in reversed(said) if (found := _NO_MODULE.search(what))}
    notes = [f"`{name}` is missing: {where} imports it, and it was neither handed in as a file nor is it installed."
             for name, where in modules.items() if not name.startswith("course_utils")]
    gone = {name for _, what in said for name in _UNDEFINED.findall(what)} & set(imports)
    if gone:
        named = ", ".join(f"`{name}`" for name in sorted(gone)[:MAX_NAMED])
        because = f" Cell {stopped[0][0]} stopped: {stopped[0][1]}" if stopped else ""
        notes.append(f"An import of the given cells is missing: {named}.{because}")
    return notes


def find_imports(source: NotebookNode) -> frozenset[str]:
    """The names that a source's setup cells import."""
    trees = [ast.parse(to_python(c.source)) for c in source.cells if kind_of(c) == "setup"]
    found = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return frozenset(a.asname or a.name.partition(".")[0] for n in found for a in n.names)
