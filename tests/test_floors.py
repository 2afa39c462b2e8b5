"""The library is built in floors: a module imports only from its own floor or from below, lazily or not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import course_utils

LIBRARY = Path(course_utils.__file__).parent
FLOORS = ["kernels files memory processes bench plot metrics terminal", "diffusion",
          "densities models diagrams widgets puzzles", "data text zoo pipeline", "recipes tasks",
          "training check notebooks cells released",
          "own adopt environment grading authoring", "cli"]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split()}
MODULES = sorted(p.relative_to(LIBRARY) for p in LIBRARY.rglob("*.py") if p.parent != LIBRARY or p.stem != "__init__")


def imported(code: str, package: tuple[str, ...]) -> set[str]:
    """The rooms of course_utils that a module's code names in an import of any kind, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(("course_utils", *package)[:len(package) + 2 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            names |= {f"{module}.{a.name}" for a in node.names} if module == "course_utils" else {module}
    return {name.split(".")[1] for name in names if name.startswith("course_utils.")}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_is_imported_from_above(module):
    room = module.parts[0].removesuffix(".py")
    assert room in FLOOR, f"{room} stands on no floor: CONTRIBUTING draws them."
    found = imported((LIBRARY / module).read_text("utf-8"), module.parts[:-1])
    assert {name for name in found if FLOOR[name] > FLOOR[room]} == set()


@pytest.mark.parametrize("room", ["authoring", "diffusion", "kernels"])
def test_a_folders_face_imports_nothing(room):
    """It would carry every file of the folder into each grading room, and hide a file behind its function's name."""
    code = ast.parse((LIBRARY / room / "__init__.py").read_text("utf-8"))
    assert [type(node) for node in code.body] == [ast.Expr] and ast.get_docstring(code)


@pytest.mark.parametrize("code", [
    "def f():\n    from course_utils.own import own", "import course_utils.own as o",
    "from course_utils import own, zoo", "from ..own import own", "from .. import own"])
def test_an_import_is_found_in_any_form(code):
    assert "own" in imported(code, ("diffusion",))


def test_the_drawing_is_what_holds():
    page = (LIBRARY.parent / "CONTRIBUTING.md").read_text("utf-8")
    drawn = [line.removeprefix("    ") for line in page.split("## The floors")[1].splitlines() if line[:4] == "    "]
    assert drawn == FLOORS[::-1]
