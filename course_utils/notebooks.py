"""Text to notebooks: a source is read here, run, and given its two faces, the student's notebook and the reference.

A source (`solutions/05_ddpm.py`) is jupytext's percent format. What a cell is stands in its first line and nowhere
else: `task="ddpm.q_sample"`, `check="ddpm.q_sample"`, `tags=["setup"]`, `tags=["demo"]`, and for text `[markdown]`
or `[markdown] question="ddpm.1"`. The same words are the cell's metadata in both faces.
"""

from __future__ import annotations

import copy
import linecache
import os
import re
import sys
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from course_utils.tasks import Namespace

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"
RECORDING = {"COURSE_RECORD": "1", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}  # as in the Makefile's run of nbval

_REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION[^\n]*\n(.*?)^[ \t]*### END SOLUTION[^\n]*$",
                     re.MULTILINE | re.DOTALL)
_WORDS = {"task", "check", "question", "tags"}
_KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
           "language_info": {"name": "python"}}


# ---- finding and reading -------------------------------------------------------------------------------------------


def sources() -> list[Path]:
    """The sources of all notebooks, in the order of their numbers."""
    return sorted(SOLUTIONS.glob("[0-9][0-9]_*.py"))


def source_of(name: str) -> Path:
    """The source of `05_ddpm`, also named by its number, `05`; ValueError names the notebooks that exist."""
    found = [p for p in sources() if name in (p.stem, p.stem[:2])]
    if not found:
        raise ValueError(f"There is no notebook {name}; there are: {', '.join(p.stem for p in sources()) or 'none'}.")
    return found[0]


def student_path(source: Path) -> Path:
    """Where the student's notebook of a source lies."""
    return source.parent.parent / "notebooks" / f"{source.stem}.ipynb"


def kind_of(cell: NotebookNode) -> str | None:
    """`task`, `check`, `setup` or `demo`; `text` or `question` for text; None where a cell says none or several."""
    if cell.cell_type != "code":
        return "question" if "question" in cell.metadata else "text"
    said = [word for word in ("task", "check") if word in cell.metadata]
    said += [tag for tag in cell.metadata.get("tags", []) if tag in ("setup", "demo")]
    return said[0] if len(said) == 1 else None


def read(path: Path) -> NotebookNode:
    """A source with every cell's kind checked and its id set, or a notebook as it is.

    Raises:
        ValueError: If a cell of a source is of no kind or of several; names the file and the line.
    """
    if path.suffix == ".ipynb":
        return nbformat.read(path, as_version=4)
    return copy.deepcopy(_parsed(path, path.read_text(encoding="utf-8")))


@cache
def _parsed(path: Path, text: str) -> NotebookNode:
    import jupytext

    nb = jupytext.reads(text, fmt="py:percent")
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    for i, cell in enumerate(nb.cells):
        for key in [k for k in cell.metadata if k.startswith("lines_to")]:  # jupytext's own
            del cell.metadata[key]
        fault = _fault(cell)
        if fault:
            back = len(nb.cells) - i  # from the end: text before the first marker is a cell too
            raise ValueError(f"{path.name}, line {lines[-back] if back <= len(lines) else 1}: {fault}")
    nb.metadata = nbformat.from_dict({**_KERNEL, "course": {"notebook": path.stem}})
    nb.nbformat, nb.nbformat_minor = 4, 5
    _set_ids(nb, path)
    return nb


def _fault(cell: NotebookNode) -> str | None:
    strange = set(cell.metadata) - _WORDS
    if strange:
        return f"a cell says {', '.join(sorted(strange))}, which means nothing here."
    if cell.cell_type == "raw" or kind_of(cell) is None:
        return 'a code cell is exactly one of task="…", check="…", tags=["setup"] and tags=["demo"].'
    regions = len(_REGION.findall(cell.source))
    if kind_of(cell) == "task" and regions != 1:
        return f"a task has one solution region, this cell has {regions}."
    if kind_of(cell) != "task" and "### BEGIN SOLUTION" in cell.source:
        return "only a task has a solution region."
    return None


def _set_ids(nb: NotebookNode, path: Path) -> None:
    count: Counter[str] = Counter()
    for cell in nb.cells:
        kind = kind_of(cell)
        count[kind] += 1
        about = cell.metadata.get(kind, "").replace(".", "-")
        cell.id = f"{about}-todo" if kind == "task" else about or f"{kind}-{count[kind]}"
    for id, n in Counter(cell.id for cell in nb.cells).items():
        if n > 1:
            raise ValueError(f"{path.name}: there are two cells {id}.")


# ---- solution regions, and running ---------------------------------------------------------------------------------


def solution(source: str) -> str:
    """The code between a task cell's solution marks, moved to column 0."""
    return textwrap.dedent(_REGION.search(source)[2]).rstrip("\n")


def with_solution(source: str, code: str) -> str:
    """A task cell's source with `code` (written from column 0) in place of its solution region, marks included."""
    return _REGION.sub(lambda m: textwrap.indent(code, m[1]).rstrip("\n"), source)


def replace(nb: NotebookNode, replaced: dict[str, str]) -> NotebookNode:
    """Puts code in the place of tasks' solution regions, in `nb` itself, which must be a source that was read.

    Args:
        replaced: Task id to the code, written from column 0. ValueError for a task that the notebook does not have.
    """
    cells = {c.metadata["task"]: c for c in nb.cells if "task" in c.metadata}
    for id, code in replaced.items():
        if id not in cells or not _REGION.search(cells[id].source):
            raise ValueError(f"There is no solution region of {id} to replace.")
        cells[id].source = with_solution(cells[id].source, code)
    return nb


def load(path: Path | str, replaced: dict[str, str] | None = None) -> Namespace:
    """Runs the cells of a source or notebook but demo and check ones, in a fresh module, and gives its names.

    Args:
        path: A source (.py) or a notebook (.ipynb).
        replaced: Task id to the code that stands in for its solution region.
    """
    from course_utils.tasks import Namespace

    path = Path(path)
    nb = replace(read(path), replaced or {})
    module = ModuleType(f"notebook_{path.stem}")
    sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up there
    for cell in nb.cells:
        if cell.cell_type == "code" and kind_of(cell) not in ("demo", "check"):
            _run(cell.source, f"<{path.stem}, cell {cell.id}>", module.__dict__)
    return Namespace(module.__dict__)


def _run(source: str, name: str, names: dict) -> None:
    source = re.sub(r"^[%!]", "# ", source, flags=re.MULTILINE)  # magics belong to the notebook's own shell
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # tracebacks show the line
    exec(compile(source, name, "exec", dont_inherit=True), names)  # noqa: S102 (running cells is the job)


# ---- the two faces -------------------------------------------------------------------------------------------------


def graded(nb: NotebookNode, points: dict[str, float]) -> NotebookNode:
    """Writes nbgrader's metadata into a source's cells and folds the answers to questions, in `nb` itself.

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
        kind = kind_of(cell)
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

    config = PyFileConfigLoader("nbgrader_config.py", path=str(SOLUTIONS)).load_config()
    nb, resources = copy.deepcopy(nb), {}
    for preprocessor in config.GenerateAssignment.preprocessors:
        if preprocessor is not SaveCells:  # fills nbgrader's gradebook
            nb, resources = preprocessor(config=config)(nb, resources)
    return nb


class CellFailed(ValueError):
    """A cell of a reference raised; the message names it and holds its traceback."""


def executed(nb: NotebookNode, folder: Path, allow_errors: bool = False) -> NotebookNode:
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
    nb.metadata = nbformat.from_dict({**_KERNEL, "course": nb.metadata.course})
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined([_cleaned(o) for o in cell.outputs if _WIDGET not in o.get("data", {})])
    return nb


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Printed text comes in pieces cut by chance; those of one stream that follow each other become one."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.get("name") and output.get("name") == joined[-1].get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _cleaned(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        output.text = _portable(output.text)
    for mime in ("text/plain", "text/html", "text/markdown"):
        if isinstance(output.get("data", {}).get(mime), str):
            output.data[mime] = _portable(output.data[mime])
    return output


def _portable(text: str) -> str:
    text = re.sub(r"\b0x[0-9a-f]{6,}\b", "0x…", text)
    for place, name in ((Path(sys.prefix), "python"), (SOLUTIONS.parent, "."), (Path.home(), "~")):
        text = text.replace(f"{place}{os.sep}", f"{name}{os.sep}")
    return re.sub(r"ipykernel_\d+", "ipykernel", text)
