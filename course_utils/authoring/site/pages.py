"""What Sphinx reads: each executed reference as it is shown on its page, and the pages that are made of other files."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from PIL import Image

from course_utils import notebooks, plot
from course_utils.authoring import export
from course_utils.authoring.site import front
from course_utils.authoring.site.node import MODULES

FOLDED = ("setup", "demo")
FIRST = "guidance"  # stands above the fold of the front page too
UNTRUSTED = "sliders appear in a trusted notebook."
DOWNLOADS = "_static/notebooks"


def write(folder: Path, chosen: list[Path], live: Path | None) -> None:
    """Writes the sources of the site's pages; a file that already holds the same is left alone.

    Args:
        folder: Where they go, with their figures in `static/`; what else lies there is removed.
        chosen: The sources of the notebooks that get a page.
        live: What `export` wrote for live figures; None for an electronic book, in which nothing moves.

    Raises:
        ValueError: A reference is missing, or one of its figures has no alternative text.
    """
    wanted = dict(_all(chosen, live))
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(folder)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _all(chosen: list[Path], live: Path | None) -> Iterator[tuple[str, bytes]]:
    """The name and the content of every file."""
    if live:
        yield from _katex()
        for folder in (export.LIVE, live):
            yield from ((f"static/live/{path.relative_to(folder)}", path.read_bytes())
                        for path in sorted(folder.rglob("*")) if path.is_file())
    shown = {source.stem: Page(_reference(source), book=live is None) for source in chosen}
    for source in chosen if live else ():
        yield f"static/notebooks/{source.stem}.ipynb", notebooks.student_path(source).read_bytes()
        yield f"static/notebooks/{source.stem}_answered.ipynb", source.with_suffix(".ipynb").read_bytes()
    for name, page in shown.items():
        yield f"{name}.ipynb", (nbformat.writes(page.notebook) + "\n").encode()
        for figure, png in page.figures.items():
            yield f"static/{figure}", png
    first = next((page.live[FIRST] for page in shown.values() if FIRST in page.live), None)
    for name, text in front.pages({name: page.title for name, page in shown.items()}, first).items():
        yield name, text.encode()


def _katex() -> Iterator[tuple[str, bytes]]:
    """The style and the fonts of the equations."""
    drawn = MODULES / "katex" / "dist"
    for path in [drawn / "katex.min.css", *sorted(drawn.glob("fonts/*.woff2"))]:
        yield f"static/katex/{path.relative_to(drawn)}", path.read_bytes()


def _reference(source: Path) -> NotebookNode:
    path = source.with_suffix(".ipynb")
    if not path.exists():
        raise ValueError(f"{source.stem} is not executed yet: run `course build {source.stem[:2]}` first.")
    return nbformat.read(path, as_version=4)


class Page:
    """One reference as its page shows it.

    Attributes:
        title: What stands in its first line behind the number: "Diffusion: adding noise, …".
        notebook: What myst-nb reads.
        figures: Path below the site's static files to the PNG.
        live: The name of a live figure to its place as HTML.
    """

    def __init__(self, nb: NotebookNode, book: bool):
        self.name, self.book = nb.metadata.course.notebook, book
        self.title = nb.cells[0].source.partition("\n")[0].partition("·")[2].strip()
        self.figures: dict[str, bytes] = {}
        self.live: dict[str, str] = {}
        self.notebook = nbformat.v4.new_notebook(metadata=notebooks.KERNEL,
                                                 cells=[self._cell(cell) for cell in nb.cells])
        if not book:
            first = self.notebook.cells[0]
            first.source = first.source.replace("\n", f"\n\n{self._links()}\n", 1)

    def _links(self) -> str:
        student, answered = (f"{DOWNLOADS}/{self.name}{end}.ipynb" for end in ("", "_answered"))
        return (f'<p class="faces">Take it along: <a href="{student}" download>the notebook to fill in</a>, '
                f'<a href="{answered}" download>the executed one</a>.</p>\n')

    def _cell(self, cell: NotebookNode) -> NotebookNode:
        if cell.cell_type != "code":
            return nbformat.v4.new_markdown_cell(cell.source, id=cell.id)
        about = {"tags": ["hide-input"]} if notebooks.kind_of(cell) in FOLDED else {}
        outputs = [self._output(cell, n, output) for n, output in enumerate(cell.outputs, 1)]
        return nbformat.v4.new_code_cell(cell.source, id=cell.id, metadata=about, outputs=outputs)

    def _output(self, cell: NotebookNode, n: int, output: NotebookNode) -> NotebookNode:
        """A figure as HTML with its alternative text, which myst-nb would drop; the rest as it is."""
        data = output.get("data", {})
        if "text/html" in data and not self.book:
            shown = self._slides(cell, data["text/html"])
        elif "image/png" in data:
            about = output.metadata.get("image/png", {})
            shown = self._picture(f"figures/{self.name}/{cell.id}-{n}.png", base64.b64decode(data["image/png"]),
                                  about.get("alt") or data["text/plain"], captioned="text/html" in data, **about)
        else:
            return output
        return nbformat.v4.new_output("display_data", {"text/html": shown})

    def _slides(self, cell: NotebookNode, recorded: str) -> str:
        """A recorded figure, in its live one's place where it has one."""
        recorded = recorded.replace(UNTRUSTED, "sliders appear where scripts may run.")
        name = next((n for n, (notebook, code) in export.PLACES.items()
                     if notebook == self.name and code in cell.source), None)
        if name is None:
            return recorded
        self.live[name] = f'{export.place(name, recorded)}\n<script type="module" src="_static/live/live.js"></script>'
        return self.live[name]

    def _picture(self, path: str, png: bytes, words: str, captioned: bool, width: int = 0, height: int = 0,
                 alt: str = "") -> str:
        self.figures[path] = png
        width, height = (width, height) if width else _logical_size(png)
        image = (f'<img class="figure" src="_static/{path}" width="{width}" height="{height}" '
                 f'alt="{html.escape(words)}"/>')
        return f"<figure>{image}<figcaption>{html.escape(words)}</figcaption></figure>" if captioned else image


def _logical_size(png: bytes) -> tuple[int, int]:
    width, height = Image.open(io.BytesIO(png)).size
    return width // plot.SHARPNESS, height // plot.SHARPNESS
