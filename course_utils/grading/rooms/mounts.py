"""What of the machine a room sees: an allow-list of system folders, of this Python, and of one set of packages.

Of Python these are its program, its standard library, and the folders of packages that hold what notebooks import. No
other Python's packages, no environment beside it, and nothing local or shared of the system is there.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

SHARED = ["fontconfig", "fonts", "i18n", "locale", "tcltk", "terminfo", "zoneinfo"]
SYSTEM = [*(f"/usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec")),
          *(f"/usr/share/{name}" for name in SHARED),
          "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/alternatives"]
NOTEBOOK_PACKAGES = ["torch", "numpy", "safetensors", "mlxtend", "matplotlib", "PIL", "tqdm", "scipy", "torchvision",
           "einops", "IPython"]  # what notebooks import: the folders of packages that hold these are shown
ANSWER_PACKAGES = ["course_utils", "diffusers", "denoising_diffusion_pytorch", "guided_diffusion", "improved_diffusion",
                   "k_diffusion", "flow_matching", "torchcfm"]
EXCHANGES = [Path("/usr/local/share/nbgrader/exchange"), Path("/usr/share/nbgrader/exchange"),
             Path("/srv/nbgrader/exchange")]  # where nbgrader keeps what was handed in
LOCAL = Path("/usr/local")
MAX_HIDDEN = 20  # names in a folder that the self-test looks for from inside


def list_binds(private: tuple[Path, ...] = (), also: tuple[Path, ...] = ()) -> list[str]:
    """Bubblewrap's words that show all this and `also`, read-only, and cover what in it is private or holds answers."""
    return _list_binds(private, also, sys.executable, sys.prefix)


@cache  # listing the folders takes as long as starting a room
def _list_binds(private: tuple[Path, ...], also: tuple[Path, ...], *_python: str) -> list[str]:
    links = [path for path in map(Path, SYSTEM) if path.is_symlink()]
    words = [word for path in links for word in ("--symlink", os.readlink(path), str(path))]
    shown = _list_shown(also)
    for n, path in enumerate(shown):
        if not any(map(path.is_relative_to, shown[:n])):
            words += _bind(path)
    words += _bind_program(shown)
    for path in _list_covered(private, shown):
        at = str(path)
        words += ["--tmpfs", at, "--remount-ro", at] if path.is_dir() else ["--ro-bind", "/dev/null", at]
    return words


def find_exposed(private: Iterable[Path]) -> str:
    """The sentence that names what every room would see, with what is beside it; empty when there is nothing."""
    for path in filter(Path.exists, (*private, *EXCHANGES)):
        for root, _ in _find_places(_list_shown(), [path]):
            return f"{path} lies in {root}, which every room sees, with all that is beside it: move it elsewhere."
    return ""


def list_hidden(private: Iterable[Path]) -> list[str]:
    """Paths that are there outside, and that nobody in a room may see."""
    shown = _list_shown()
    found = [path for hidden in (*private, *EXCHANGES, *_list_covered((), shown)) for path in _list_some(hidden)]
    on_the_way = {folder for path in [*shown, Path(sys.executable)] for folder in (path, *path.parents)}
    return [str(path) for path in found if path not in on_the_way]


def list_parents(path: Path) -> list[str]:
    """The folders above a bound one, open to the room's user, whatever they are outside."""
    return [word for p in reversed(path.parents[:-1]) for word in ("--perms", "0755", "--dir", str(p))]


def _bind(path: Path) -> list[str]:
    return [*list_parents(path), "--ro-bind", str(path), str(path)]


def _list_shown(also: Iterable[Path] = ()) -> list[Path]:
    system = [path for path in map(Path, SYSTEM) if path.exists() and not path.is_symlink()]
    return list(dict.fromkeys([*system, *_list_python_files(), *_list_package_folders(), *also]))


def _list_covered(private: Iterable[Path], shown: list[Path]) -> list[Path]:
    """What is not to be seen, at the places where it would be; what lies in covered folders is covered by them."""
    hidden = [*private, *_list_other_packages(shown), *_list_answer_packages()]
    places = sorted({place for _, place in _find_places(shown, hidden) if place.exists()})
    return [place for n, place in enumerate(places) if not any(map(place.is_relative_to, places[:n]))]


def _find_places(shown: list[Path], paths: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Where paths lie in what is shown, each with the part that it lies in, whatever links lead to either."""
    roots = [(root, root.resolve()) for root in shown]
    found = ((path.resolve(), *pair) for path in paths for pair in roots)
    return [(root, root / path.relative_to(real)) for path, root, real in found if path.is_relative_to(real)]


def _list_some(path: Path) -> list[Path]:
    """A file, or some of what lies in a folder."""
    try:
        return list(islice(path.iterdir(), MAX_HIDDEN)) if path.is_dir() else [path] if path.exists() else []
    except OSError:
        return []


# ---- Python --------------------------------------------------------------------------------------------------------


def _list_python_files() -> list[Path]:
    """The standard library, the shared libraries beside it, and what says that this is an environment."""
    found = [path for lib in ("lib", "lib64") for path in sorted((LOCAL / lib).glob("*.so*")) if path.is_file()]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for base in (Path(sys.base_prefix), Path(sys.base_prefix).resolve()):  # by its name, and by what its links lead to
        for lib in (base / "lib", base / "lib64"):
            found += [lib / version if base == LOCAL else lib]  # /usr/local/lib may hold other things
    found += [Path(sys.prefix) / "pyvenv.cfg"]
    return [path for path in found if path.exists() and not path.is_symlink()]


def _bind_program(shown: list[Path]) -> list[str]:
    """The program that Python was called by, with the links on its way: by these it finds its library."""
    words, path = [], Path(os.path.normpath(sys.executable))
    while not any(map(path.is_relative_to, shown)):
        if not path.is_symlink():
            return words + _bind(path)
        target = os.readlink(path)
        words += [*list_parents(path), "--symlink", target, str(path)]
        path = Path(os.path.normpath(path.parent / target))
    return words


def _list_package_folders() -> list[Path]:
    """The folders of packages in which this Python finds what notebooks import."""
    needed = {folder.resolve() for name in NOTEBOOK_PACKAGES for folder in _find_folders(name)}
    return [folder for folder in map(Path, site.getsitepackages()) if folder.resolve() in needed]


@cache
def _find_folders(name: str) -> list[Path]:
    """The folders that a package lies in, without importing it."""
    spec = find_spec(name)
    return [Path(place).parent for place in spec.submodule_search_locations or ()] if spec else []


def _list_other_packages(shown: list[Path]) -> list[Path]:
    """Packages of this and of other Pythons in what is shown that no notebook imports."""
    needed = {folder.resolve() for folder in _list_package_folders()}
    return [path for root in shown if root.resolve() not in needed for path in _find_packages_below(root)
            if path.resolve() not in needed]


@cache
def _find_packages_below(root: Path) -> list[Path]:
    """All folders of packages in a folder, however deep: a program may bring a Python of its own."""
    found = []
    for folder, folders, _ in os.walk(root):
        found += [Path(folder, name) for name in folders if name.endswith("-packages")]
        folders[:] = [name for name in folders if not name.endswith("-packages")]
    return found


def _list_answer_packages() -> list[Path]:
    """Installed libraries that hold the answers, folders or files: this one, when it is not editable, and others."""
    return [path for folder in _list_package_folders() for name in ANSWER_PACKAGES
            for path in (folder / name, folder / f"{name}.py", *folder.glob(f"{name}-*.egg"))]
