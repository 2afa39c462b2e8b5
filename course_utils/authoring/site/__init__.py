"""`course site`: the reading site, static pages made from the executed references; no notebook is executed.

Sphinx keeps what it read under build/site, so that only the pages are made again whose reference changed.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import shutil
import subprocess
import sys
from pathlib import Path

from course_utils import notebooks

HERE = Path(__file__).parent
WORK = notebooks.SOLUTIONS.parent / "build" / "site"  # what a later run need not do again
UNUSED = ("scripts/fontawesome.js*", "vendor", "**/*.map", "locales", "images/logo_*")  # of the theme's static files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `course site`."""
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="such as 05 or 05_ddpm; all of them by default")
    parser.add_argument("--out", type=Path, default=Path("site"), help="the folder of the pages (site)")
    parser.add_argument("--epub", action="store_true", help="an electronic book in that folder, and no pages")
    parser.add_argument("--serve", action="store_true", help="show the pages at an address of this machine alone")


def run(args: argparse.Namespace) -> int:
    """Makes the site, and serves it if asked to."""
    chosen = [notebooks.source_of(name) for name in args.notebooks] or notebooks.sources()
    print(f"Made {build(args.out, chosen, args.epub)}.", flush=True)
    if args.serve:
        serve(args.out)
    return 0


def build(out: Path, chosen: list[Path], book: bool = False, work: Path = WORK) -> Path:
    """Makes the pages of these notebooks, or the electronic book, and gives the file to open.

    Args:
        out: The folder of the pages; pages of other notebooks are removed from it.
        chosen: The notebooks' sources.
        book: Whether to make the electronic book.
        work: What is kept for the next time.

    Raises:
        ValueError: Node is missing, an equation cannot be drawn, or Sphinx warns; says which and where.
    """
    from course_utils.authoring import export
    from course_utils.authoring.site import node, pages

    node.install()
    kind = work / ("epub" if book else "html")
    if not book:
        export.export(work / "live")
    pages.write(kind / "pages", chosen, live=None if book else work / "live")
    if book:
        _sphinx("epub", kind, kind / "out")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(next((kind / "out").glob("*.epub")), out / "generative-models.epub"))
    _sphinx("html", kind, out)
    _tidy(out, kind / "pages")
    return out / "index.html"


def _sphinx(builder: str, kind: Path, out: Path) -> None:
    """Runs Sphinx on `kind`/pages; a warning fails like an error."""
    code = [path for path in sorted(HERE.iterdir()) if path.suffix in (".py", ".mjs")]
    made_by = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
    done = subprocess.run([sys.executable, "-m", "sphinx", "-b", builder, "-t", builder, "-c", HERE,
                           "-d", kind / "doctrees", "-D", f"made_by={made_by}", "-j", "auto", "-W", "--keep-going",
                           "--quiet", "--no-color", kind / "pages", out], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"the site could not be made:\n{done.stderr.strip()}")


def _tidy(out: Path, pages: Path) -> None:
    """Removes what is not of these pages, and what of the theme no page asks for."""
    kept = {path.stem for path in pages.iterdir()} | {"search"}
    for page in out.glob("*.html"):
        if page.stem not in kept:
            page.unlink()
    for pattern in UNUSED:
        for path in (out / "_static").glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def serve(folder: Path, port: int = 0) -> None:
    """Shows a folder at an address of this machine until it is interrupted."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"Read it at http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it).", flush=True)
        server.serve_forever()
