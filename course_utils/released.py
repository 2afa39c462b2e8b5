"""The text of a cell as it was given out: whether somebody has changed it, and what a changed one still defines."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from course_utils.cells import to_python

DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASSIGNING = (ast.Assign, ast.AnnAssign, ast.AugAssign)
CALLING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)


def digest(cell: Mapping[str, Any]) -> str:
    """16 hex digits that stay when an editor or a formatter has passed over a cell, and change with what it says.

    Code is compared by its syntax, without comments and docstrings; text, and code that does not parse, without line
    ends, trailing blanks and no-break spaces. The same on every version of Python.

    Args:
        cell: With its `cell_type` and `source`.
    """
    said = text = _plain(cell["source"])
    if cell["cell_type"] == "code":
        try:
            said = ascii(_syntax(_parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            said = text
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(source: str) -> str:
    lines = source.replace("\xa0", " ").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of "\d"; running the cell warns again
        return ast.parse(to_python(source))


def _syntax(node: Any) -> Any:
    """A tree without positions, docstrings and empty fields, of which each version of Python has others."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name != "kind" and value not in (None, []))
        return [type(node).__name__, *((name, _syntax(value)) for name, value in fields)]
    if isinstance(node, list):
        return [_syntax(x) for x in node if not (isinstance(x, ast.Expr) and isinstance(x.value, ast.Constant))]
    return node


def definitions(source: str) -> list[tuple[int, str]]:
    """The statements of a cell that define and run nothing, each with the number of its line.

    These are imports, functions, classes, and assignments that call nothing.

    Raises:
        SyntaxError: When the cell is no Python.
    """
    return [(node.lineno, ast.unparse(node)) for node in _parse(_plain(source)).body if _defines(node)]


@cache  # a notebook's given cells are asked for at every load
def imports(source: str) -> str:
    """The imports of a given cell, but of the course's own modules: what an answer may use though the rest is not run.

    A notebook that is open has run all of its cells, so an answer may call what only a figure needed.
    """
    return "\n".join(ast.unparse(node) for node in _parse(_plain(source)).body if _imports_another(node))


def _imports_another(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return False
    module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return (module or "").split(".")[0] != "course_utils"


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, DEFINING):
        return True
    return isinstance(node, ASSIGNING) and not any(isinstance(part, CALLING) for part in ast.walk(node))
