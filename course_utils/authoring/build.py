"""`course build`: students' notebooks every time, answers and executed references when what they are made of changed.

What a file was made of is a digest kept in it. `--check` executes nothing and imports no torch: the points come from
the reference, whose digest says that they are those of the tasks file.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import multiprocessing
import os
import re
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import files, notebooks, released
from course_utils.authoring.bank import bank_of

LIBRARY = Path(__file__).resolve().parents[1]
RECORDING = {"COURSE_RECORD": "1", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}  # as in the Makefile's run of nbval


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course build`."""
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="such as 05 or 05_ddpm; all of them by default")
    parser.add_argument("--check", action="store_true", help="only say what is out of date; executes nothing")
    parser.add_argument("--force", action="store_true", help="execute references and record answers in any case")


def run(args: argparse.Namespace) -> int:
    """Builds or checks; 1 if something is out of date or failed."""
    chosen = [notebooks.source_of(name) for name in args.notebooks] or notebooks.sources()
    if args.check:
        found = [fault for source in chosen for fault in check(source)]
        print("\n".join(found) or f"All {len(chosen)} notebooks are up to date.")
        return bool(found)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(2, len(chosen) or 1), mp_context=spawn) as pool:
        faults = [_report(job) for job in [pool.submit(build, source, args.force) for source in chosen]]
    for fault in filter(None, faults):
        print(f"course build: {fault}", file=sys.stderr)
    return any(faults)


def _report(job: Future) -> BaseException | None:
    """Prints what a job did, as soon as it is done, or gives the reason for which it failed."""
    if not job.exception():
        print(job.result(), flush=True)
    return job.exception()


def build(source: Path, force: bool = False) -> str:
    """Builds one notebook and says in a line what was done.

    Raises:
        ValueError: If the source or its bank cannot be read, or a cell fails; what was there before then stays.
    """
    start, done = time.monotonic(), []
    nb = notebooks.read(source)
    add_metadata_(nb, _points(source, nb))
    nb.metadata.course["digest"] = digest_reference(source, nb)
    if _write(notebooks.student_path(source), student_face(nb)):
        done.append("student's notebook written")
    if force or answers_digest(source.stem) != answers_made_of(source, nb):
        from course_utils.authoring.bank import record

        record(source, answers_made_of(source, nb))
        done.append("answers recorded")
    if force or not _is_face_of(_reference(source), nb):
        _write(source.with_suffix(".ipynb"), execute(nb, source.parent))
        done.append("reference executed")
    return f"{source.stem}: {', '.join(done) or 'nothing to do'} ({time.monotonic() - start:.0f} s)"


def check(source: Path) -> list[str]:
    """What is out of date about one notebook, a sentence each; nothing is executed or written."""
    nb, reference, student = notebooks.read(source), _reference(source), notebooks.student_path(source)
    nb.metadata.course["digest"] = digest_reference(source, nb)
    again = f"run `course build {source.stem[:2]}`."
    if not reference or reference.metadata.course.get("digest") != nb.metadata.course.digest:
        return [f"{source.stem}: the reference was not made from this source; {again}"]
    add_metadata_(nb, _points_in(reference))
    found = []
    if not _is_face_of(reference, nb):
        found.append(f"{source.stem}: the reference's cells are not those of the source; {again}")
    if not student.exists() or student.read_text(encoding="utf-8") != _text(student_face(nb)):
        found.append(f"{source.stem}: the student's notebook is not what its source gives; {again}")
    if answers_digest(source.stem) != answers_made_of(source, nb):
        found.append(f"{source.stem}: the recorded answers are out of date; {again}")
    return found


# ---- what a file was made of ---------------------------------------------------------------------------------------


def digest_reference(source: Path, nb: NotebookNode) -> str:
    """The digest of what an executed reference is made of: its source, its tasks and the checkpoints that it names."""
    shipped = [LIBRARY / "checkpoints" / f"{name}.safetensors" for name in notebooks.checkpoints(nb)]
    return _digest([source, *_tasks_files(nb), *shipped])


def answers_made_of(source: Path, nb: NotebookNode) -> str:
    """The digest of what answers are made of: the source, its tasks, the draws and the bank."""
    return _digest([source, *_tasks_files(nb), LIBRARY / "tasks" / "draws.py", bank_of(source)])


def _tasks_files(nb: NotebookNode) -> list[Path]:
    return [LIBRARY / "tasks" / f"{prefix}.py" for prefix in sorted(prefixes_of(nb))]


def _digest(files: list[Path]) -> str:
    parts = [f"{f.name} {hashlib.sha256(f.read_bytes()).hexdigest() if f.exists() else 'absent'}" for f in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answers_digest(notebook: str) -> str | None:
    """The digest kept in a notebook's recorded answers, read from the file's header alone; None without a file."""
    path = LIBRARY / "answers" / f"{notebook}.safetensors"
    return files.read_about(path)["digest"] if path.exists() else None


# ---- files ---------------------------------------------------------------------------------------------------------


def _points(source: Path, nb: NotebookNode) -> dict[str, float]:
    reference = _reference(source)
    if reference and reference.metadata.course.get("digest") == digest_reference(source, nb):
        return _points_in(reference)
    return registry_points(prefixes_of(nb))


def _points_in(reference: NotebookNode) -> dict[str, float]:
    """Points by task or question id; a task's cell has none of its own, its check's cell says them."""
    return {cell.metadata[word]: cell.metadata.nbgrader.points
            for cell in reference.cells for word in ("check", "question") if word in cell.metadata}


def _reference(source: Path) -> NotebookNode | None:
    path = source.with_suffix(".ipynb")
    return nbformat.read(path, as_version=4) if path.exists() else None


def _is_face_of(reference: NotebookNode | None, nb: NotebookNode) -> bool:
    def cells(nb: NotebookNode) -> list:
        return [nb.metadata, *((c.id, c.cell_type, c.source, c.metadata) for c in nb.cells)]

    return reference is not None and cells(reference) == cells(nb)


def _text(nb: NotebookNode) -> str:
    return nbformat.writes(nb) + "\n"


def _write(path: Path, nb: NotebookNode) -> bool:
    """Writes a notebook; False where the file already holds just this."""
    text = _text(nb)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    files.write(path, text)
    return True


# ---- the two faces -------------------------------------------------------------------------------------------------


def add_metadata_(nb: NotebookNode, points: dict[str, float]) -> NotebookNode:
    """Writes nbgrader's metadata into a source's cells and folds the answers to questions, in `nb` itself.

    Given code cells get the digest of their text, by which they are known after a later release, too.

    A task's cell is `solution` without points (with points nbgrader would want it graded by hand), its check's cell
    is `grade` and holds them, a question's answer is both.

    Args:
        points: Of every task and question, as `registry_points` gives them.

    Raises:
        ValueError: If a task has no check cell, a check no task cell, or an id is not in `points`.
    """
    name = nb.metadata.course.notebook
    alone = {c.metadata.get("task") for c in nb.cells} ^ {c.metadata.get("check") for c in nb.cells}
    if alone:
        raise ValueError(f"{name}: not both a task and a check cell of {', '.join(sorted(alone))}.")
    for cell in nb.cells:
        kind = notebooks.kind_of(cell)
        if kind in ("setup", "demo", "check"):
            cell.metadata["released"] = released.digest(cell)
        if kind not in ("task", "check", "question"):
            continue
        id = cell.metadata[kind]
        if id not in points:
            raise ValueError(f"{name}: {kind} {id} is not in the registry.")
        about = {"schema_version": 3, "grade_id": cell.id, "locked": kind == "check", "task": False,
                 "grade": kind != "task", "solution": kind != "check"}
        cell.metadata["nbgrader"] = about if kind == "task" else {**about, "points": points[id]}
        if kind == "question":  # the reference shows its answer on a click; the student's face clears it
            cell.source = f"<details><summary>Answer</summary>\n\n{cell.source}\n\n</details>"
    return nb


def registry_points(prefixes: set[str]) -> dict[str, float]:
    """The points of all tasks and questions of these prefixes (imports torch)."""
    from course_utils import tasks

    modules = [tasks.module_of(p) for p in sorted(prefixes)]
    found = {t.id: t.points for m in modules for t in tasks.tasks_of(m.NOTEBOOK)}
    return found | {id: n for m in modules for id, n in getattr(m, "QUESTIONS", {}).items()}


def prefixes_of(nb: NotebookNode) -> set[str]:
    """The prefixes of the ids in a notebook: `{'ddpm'}`."""
    words = ("task", "check", "question")
    return {cell.metadata[word].split(".")[0] for cell in nb.cells for word in words if word in cell.metadata}


def student_face(nb: NotebookNode) -> NotebookNode:
    """The student's notebook of a graded one, by nbgrader's own preprocessors as `nbgrader_config.py` sets them."""
    from nbgrader.preprocessors import SaveCells
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(notebooks.SOLUTIONS)).load_config()
    nb, resources = copy.deepcopy(nb), {}
    for preprocessor in config.GenerateAssignment.preprocessors:
        if preprocessor is not SaveCells:  # fills nbgrader's gradebook
            nb, resources = preprocessor(config=config)(nb, resources)
    for cell in nb.cells:  # what is to be filled in is known as filled in by its digest
        if notebooks.kind_of(cell) in ("task", "question"):
            cell.metadata["released"] = released.digest(cell)
    return nb


class CellFailed(ValueError):
    """A cell of a reference raised; the message names it and holds its traceback."""


def execute(nb: NotebookNode, folder: Path, allow_errors: bool = False) -> NotebookNode:
    """A copy of `nb`, run in `folder` by this very interpreter under COURSE_RECORD=1, cleaned of all that changes.

    Args:
        nb: A graded source or a student's notebook.
        folder: The working folder of the run.
        allow_errors: Whether to go on after a cell that raised; otherwise only `raises-exception` lets it.

    Raises:
        CellFailed: If a cell raises, or the kernel dies.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    nb, name = copy.deepcopy(nb), nb.metadata.course.notebook
    client = NotebookClient(nb, kernel_manager_class=_kernel_manager(), timeout=None, record_timing=False,
                            allow_errors=allow_errors, store_widget_state=False, coalesce_streams=True,
                            resources={"metadata": {"path": str(folder)}})
    try:
        client.execute(env=os.environ | RECORDING)
    except (CellExecutionError, DeadKernelError) as e:
        cells = [c for c in nb.cells if c.cell_type == "code" and c.execution_count is not None]
        where = f"{name}: cell {cells[-1].id} failed" if cells else f"{name}: the kernel failed"
        told = [line for o in cells[-1].outputs if o.output_type == "error" for line in o.traceback] if cells else []
        raise CellFailed(f"{where}.\n" + re.sub(r"\x1b\[[\d;]*m", "", "\n".join(told) or str(e))) from None
    return clean(nb)


def _kernel_manager() -> type:
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(AsyncKernelManager):
        """Whatever kernels are installed, ours is the interpreter that builds."""

        @property
        def kernel_spec(self) -> KernelSpec:
            spec = get_kernel_dict()
            return KernelSpec(**{**spec, "argv": [sys.executable, *spec["argv"][1:], "--log-level=ERROR"]})

    return ThisInterpreter


_WIDGET = "application/vnd.jupyter.widget-view+json"


def clean(nb: NotebookNode) -> NotebookNode:
    """Drops from an executed notebook, in place, what another run or machine would write otherwise.

    Those are the kernel's own metadata, widgets' views and state, memory addresses, and paths of this machine.
    """
    nb.metadata = nbformat.from_dict({**notebooks.KERNEL, "course": nb.metadata.course})
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _join([_clean(o) for o in cell.outputs if _WIDGET not in o.get("data", {})])
    return nb


def _join(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Printed text comes in pieces cut by chance; those of one stream that follow each other become one."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.get("name") and output.get("name") == joined[-1].get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _clean(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        output.text = _portable(output.text)
    for mime in ("text/plain", "text/html", "text/markdown"):
        if isinstance(output.get("data", {}).get(mime), str):
            output.data[mime] = _portable(output.data[mime])
    return output


def _portable(text: str) -> str:
    text = re.sub(r"\b0x[0-9a-f]{6,}\b", "0x…", text)
    for place, name in ((Path(sys.prefix), "python"), (notebooks.SOLUTIONS.parent, "."), (Path.home(), "~")):
        text = text.replace(f"{place}{os.sep}", f"{name}{os.sep}")
    return re.sub(r"ipykernel_\d+", "ipykernel", text)
