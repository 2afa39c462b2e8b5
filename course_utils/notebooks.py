"""Reading a notebook: finding its source, what kind each cell is, its solution regions, and the names that it makes.

A source (`solutions/05_ddpm.py`) is jupytext's percent format. What a cell is stands in its first line and nowhere
else: `task="ddpm.q_sample"`, `check="ddpm.q_sample"`, `tags=["setup"]`, `tags=["demo"]`, and for text `[markdown]`
or `[markdown] question="ddpm.1"`. The same words are the cell's metadata in the notebooks that
are made from it.
"""

from __future__ import annotations

import copy
import hashlib
import re
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

from course_utils.cells import fresh_notebook, run
from course_utils.released import digest, imports

if TYPE_CHECKING:
    from course_utils.tasks import Namespace

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"

_REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION[^\n]*\n(.*?)^[ \t]*### END SOLUTION[^\n]*$",
                     re.MULTILINE | re.DOTALL)
_CHECKPOINT = re.compile(r"""\bzoo\.load\(\s*["']([\w-]+)["']""")
_WORDS = {"task", "check", "question", "tags"}
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
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
    about = cell.get("metadata", {})  # a student's editor may have dropped it
    if cell.cell_type != "code":
        return "question" if "question" in about else "text"
    said = [word for word in ("task", "check") if word in about]
    said += [tag for tag in about.get("tags", []) if tag in ("setup", "demo")]
    return said[0] if len(said) == 1 else None


def checkpoints(nb: NotebookNode) -> list[str]:
    """The names of the shipped checkpoints that a notebook's code loads: `zoo.load("mnist-unet")`."""
    return sorted({name for cell in nb.cells if cell.cell_type == "code" for name in _CHECKPOINT.findall(cell.source)})


def read(path: Path) -> NotebookNode:
    """A source with every cell's kind checked and its id set, or a notebook as it is.

    Raises:
        ValueError: If a cell of a source is of no kind or of several; names the file and the line.
    """
    if path.suffix == ".ipynb":
        return nbformat.read(path, as_version=4)
    return copy.deepcopy(_parse(path, path.read_text(encoding="utf-8")))


@cache
def _parse(path: Path, text: str) -> NotebookNode:
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
    nb.metadata = nbformat.from_dict({**KERNEL, "course": {"notebook": path.stem}})
    nb.nbformat, nb.nbformat_minor = 4, 5
    _set_ids(nb, path)
    nb.metadata.course["release"] = _release(nb)
    return nb


def _release(nb: NotebookNode) -> str:
    """8 hex digits that change with what students are given: all text but the solutions and the answers."""
    said = [f"{c.id} {digest({**c, 'source': _REGION.sub('', c.source)})}" if kind_of(c) != "question" else c.id
            for c in nb.cells]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]


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
    """Runs a source's or notebook's cells, of demo and check ones the imports, in a fresh module, and gives its names.

    Args:
        path: A source (.py) or a notebook (.ipynb).
        replaced: Task id to the code that stands in for its solution region.
    """
    from course_utils.tasks import Namespace

    path = Path(path)
    nb = replace(read(path), replaced or {})
    module = fresh_notebook(f"notebook_{path.stem}")
    for cell in nb.cells:
        if cell.cell_type == "code":
            given = kind_of(cell) in ("demo", "check")
            run(imports(cell.source) if given else cell.source, f"<{path.stem}, cell {cell.id}>", module)
    return Namespace(vars(module))
