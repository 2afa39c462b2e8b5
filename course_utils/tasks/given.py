"""The given cells of a notebook: what they define where it is missing, and which lines are theirs."""

from __future__ import annotations

import ast
import contextlib
import linecache
from collections.abc import Collection, Iterator
from typing import Any

_FILE = "<given cell>"


@contextlib.contextmanager
def bring(nb: Any, cells: Collection[str]) -> Iterator[None]:
    """Defines what given cells define and the notebook lacks, as after a restart, and takes it away at the end.

    Args:
        nb: The notebook's namespace.
        cells: The texts of the given cells, in their order.
    """
    names = vars(nb)
    before = set(names)
    for cell in cells:
        missing = [node for node in ast.parse(cell).body if not _bound(node) <= names.keys()]
        with contextlib.suppress(NameError):  # made of a task's class that is not there
            exec(compile(ast.Module(missing, []), _FILE, "exec", dont_inherit=True), names)
    brought = set(names) - before
    try:
        yield
    finally:
        for name in brought:
            names.pop(name, None)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a definition, an import or an assignment binds; none for other statements."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign):
        return {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return set()


def is_given(file: str, cells: Collection[str]) -> bool:
    """Whether code of this file name comes from a given cell that still says what it said, however it is formatted."""
    return file == _FILE or _syntax("".join(linecache.getlines(file))) in set(map(_syntax, cells))


def _syntax(cell: str) -> str:
    try:
        return ast.dump(ast.parse(cell))
    except SyntaxError:
        return cell.strip()
