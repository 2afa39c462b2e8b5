"""What a verdict depends on besides the submission. When that has changed, a record no longer counts.

Points are not part of it: where they alone have changed, a record is weighed anew and nothing is run again.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path

from course_utils import tasks
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.tasks import compare, draws, recorded


@cache
def digest(notebook: str) -> str:
    """Changes with the notebook's probes, tolerances, draws, comparison and recorded answers, not with its points."""
    modules = [m for m in map(tasks.module_of, tasks.prefixes()) if m.NOTEBOOK == notebook]
    parts = [normalise_code(Path(m.__file__).read_text("utf-8")) for m in (*modules, draws, compare)]
    sha = hashlib.sha256("\n".join(parts).encode())
    sha.update(_read_answers(recorded.FOLDER / f"{notebook}.safetensors"))
    return sha.hexdigest()


def normalise_code(source: str) -> str:
    """What a tasks file does, without its points; comments and spacing leave it as it is."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if k.arg != "points"]
    tree.body = [n for n in tree.body if not (isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "QUESTIONS")]
    return ast.dump(tree)


def _read_answers(path: Path) -> bytes:
    """The recorded answers without what any change of the notebook's text would show in: its cells, and the digest."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    about = json.loads(header["__metadata__"]["course"])
    del about["digest"], about["given"]
    header["__metadata__"] = about
    return json.dumps(header, sort_keys=True).encode() + content[8 + size:]


def find_questions(notebook: str) -> dict[str, float]:
    """The points of a notebook's questions in words, by id."""
    modules = [m for m in map(tasks.module_of, tasks.prefixes()) if m.NOTEBOOK == notebook]
    return {id: points for m in modules for id, points in getattr(m, "QUESTIONS", {}).items()}


def reuse_record(before: Result | None, now: Submission, notebooks: Collection[str]) -> Result | None:
    """The record of a submission with the points as they are now; None where it is to be graded, or graded again."""
    if before is None or before.failed or before.digest != now.digest():
        return None
    if {n.notebook for n in before.notebooks} != set(notebooks):  # somebody handed in another one since
        return None
    if any(n.rubric != digest(n.notebook) for n in before.notebooks):
        return None
    return replace(before, notebooks=[_reweigh(n) for n in before.notebooks], ids=now.ids, handed_in=now.handed_in,
                   notes=list(now.notes))


def _reweigh(n: NotebookResult) -> NotebookResult:
    return replace(n, tasks=[_reweigh_task(t, tasks.get(t.task).points) for t in n.tasks])


def _reweigh_task(t: TaskResult, points: float) -> TaskResult:
    if t.points == points:
        return t
    return replace(t, points=points, earned=points * (t.earned / t.points) if t.points else 0.0)
