"""The modules that a student hands in beside a notebook: `.py` files that its cells import.

In a layout where all files lie in one folder they are known by the student's name, which is taken off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder

from course_utils.grading.intake.archives import MODULE, Entry, Unreadable
from course_utils.grading.intake.submissions import MAX_MODULES_TOGETHER, FileContent

MAX_PATH = 200  # bytes; no file system takes a name of 256
MAX_MODULES = 50  # beside one notebook: more are an environment or somebody's library
Modules = dict[str, Entry | FileContent]  # by the path that they are imported by: `helpers.py`, `pkg/nets.py`


def is_module(entry: Entry) -> bool:
    """Whether it may be a student's module."""
    return entry.name.lower().endswith(MODULE) and not entry.folder


def find_modules(folder: tuple[str, ...], files: Iterable[tuple[tuple[str, ...], Entry]]) -> Modules:
    """Those of a student's files that the notebook in `folder` can import: in it or in a package below.

    Args:
        files: Each with its place among the student's files, the earlier ones first: of two in one place the later
            one counts.
    """
    found = {}
    for place, entry in files:
        path = place[len(folder):]
        if place[:len(folder)] == folder and _can_be_imported(path):
            found["/".join(path)] = entry
    nearest = sorted(found, key=lambda path: (path.count("/"), path))
    return {path: found[path] for path in nearest[:MAX_MODULES + 1]}


def _can_be_imported(path: tuple[str, ...]) -> bool:
    *packages, name = path
    named = all(part.isidentifier() for part in (*packages, name.removesuffix(MODULE)))
    return named and len("/".join(path).encode()) <= MAX_PATH


def read(modules: Modules) -> tuple[dict[str, str], list[str]]:
    """The modules' texts, and a sentence for each that is not taken along."""
    texts, refused, together = {}, [], 0
    for path, file in modules.items():
        try:
            texts[path] = _read_text(path, file, MAX_MODULES_TOGETHER - together, len(texts))
            together += len(texts[path].encode())
        except Unreadable as e:
            refused.append(f"{e} It was not taken along.")
    return texts, refused


def _read_text(path: str, file: Entry | FileContent, most: int, before: int) -> str:
    name = path.partition("/")[0].removesuffix(".py")
    if _is_taken(name):
        raise Unreadable(f"{path} bears the name of a module that is there already, {name}.")
    if before == MAX_MODULES:
        raise Unreadable(f"There are more than {MAX_MODULES} modules; {path} is one too many.")
    content = file.read(MAX_MODULES_TOGETHER)
    if len(content) > most:
        raise Unreadable(f"The modules hold more than {MAX_MODULES_TOGETHER >> 20} MiB together; {path} is too much.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not UTF-8 text.") from None


@cache
def _is_taken(name: str) -> bool:
    """Whether Python, the course or an installed package has a module of this name."""
    if name == "course_utils" or name in sys.stdlib_module_names:
        return True
    installed = [folder for folder in sys.path if "site-packages" in folder or "dist-packages" in folder]
    return PathFinder.find_spec(name, installed) is not None
