"""The small folder of the course that a room sees: for one notebook, what its reference loads and nothing else."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_utils.cells import to_python

LIBRARY = Path(__file__).parents[2]
IN_A_ROOM = ["limits", "namespaces", "wire", "work", "worker", "preload", "fork_server"]  # of this folder
ALWAYS_STAGED = ["check", "cells", "files", "released", "tasks", *(f"grading.rooms.{name}" for name in IN_A_ROOM)]
STAND_IN = LIBRARY / "grading/rooms/stand_in.py"


def stage(folder: Path, notebook: str, modules: Iterable[str] = (), checkpoints: Iterable[str] = (),
          demos: Iterable[str] = ()) -> Path:
    """Copies into `folder` the library files that a room for `notebook` needs, readable by every user.

    The library may hold what a task asks for, so the whole of it never enters a room.

    Args:
        folder: A folder that does not exist yet.
        notebook: For example `05_ddpm`; of the tasks files, only this notebook's are copied.
        modules: The course_utils modules that the reference loads, as `course build` recorded them.
        checkpoints: Those that its source names; they enter with the module that reads them, and no others.
        demos: The sources of its demo cells; for other modules that they import, something harmless stands there.
    """
    names = {m.removeprefix("course_utils").lstrip(".") for m in modules}
    from course_utils import tasks

    names = {n for n in names if not n.startswith(("tasks", "grading"))}
    names |= {*ALWAYS_STAGED, *(f"tasks.{name}" for name in tasks.NO_TASKS)}
    for name in sorted(names):
        _copy_module(name, folder)
    for module in map(tasks.module_of, tasks.prefixes()):
        if module.NOTEBOOK == notebook:
            _copy(Path(module.__file__), folder / "course_utils/tasks" / Path(module.__file__).name)
    for name in checkpoints if "zoo" in names else ():
        path = LIBRARY / "checkpoints" / f"{name}.safetensors"
        if path.is_file():  # a notebook may name one that is still to be trained
            _copy(path, folder / "course_utils/checkpoints" / path.name)
    for name in sorted({name for source in demos for name in _find_imports(source)}):
        _place_stand_in(name, folder / "course_utils")
    _copy_caches(folder / "cache", names)
    _make_readable(folder)
    return folder


def stage_plain(folder: Path) -> Path:
    """What the self-test of a room needs, without torch and without a task."""
    for name in ("limits", "namespaces", "selftest", "fork_server"):
        _copy_module(f"grading.rooms.{name}", folder)
    _make_readable(folder)
    return folder


def _copy_module(name: str, folder: Path) -> None:
    """Copies the module and the `__init__` of every package that it lies in."""
    parts = name.split(".") if name else []
    for depth in range(len(parts)):
        package = LIBRARY.joinpath(*parts[:depth]) / "__init__.py"
        _copy(package, folder / "course_utils" / package.relative_to(LIBRARY))
    path = LIBRARY.joinpath(*parts)
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if source.is_file():
        _copy(source, folder / "course_utils" / source.relative_to(LIBRARY))


def _find_imports(source: str) -> Iterator[str]:
    """The modules of course_utils that a cell of the course imports: `plot`, `diffusion.paths`."""
    for node in ast.walk(ast.parse(to_python(source))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{name}" for name in names)]
        for name in (n.removeprefix("course_utils.") for n in names if n.startswith("course_utils.")):
            path = LIBRARY.joinpath(*name.split("."))
            if path.is_dir() or path.with_suffix(".py").is_file():
                yield name


def _place_stand_in(name: str, library: Path) -> None:
    """Puts the stand-in where a module would be, and in every package on the way that is not there."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        place = library.joinpath(*parts[:depth])
        is_package = LIBRARY.joinpath(*parts[:depth]).is_dir()
        target = place / "__init__.py" if is_package else place.with_suffix(".py")
        if not target.exists():
            _copy(STAND_IN, target)


def _copy_caches(folder: Path, names: set[str]) -> None:
    """Matplotlib's list of fonts, which takes seconds to make, and the cached data sets."""
    import matplotlib.font_manager  # makes the list when it is missing

    (folder / "matplotlib").mkdir(parents=True)
    for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        _copy(path, folder / "matplotlib" / path.name)
    if "data" in names:
        from course_utils.data import cache_folder

        for path in cache_folder().glob("*.arrays"):
            _copy(path, folder / "course_utils" / path.name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _make_readable(folder: Path) -> None:
    """A room's user is a stranger to these files, whatever the umask was."""
    for path, _folders, files in os.walk(folder):
        os.chmod(path, 0o755)
        for file in files:
            os.chmod(os.path.join(path, file), 0o644)
