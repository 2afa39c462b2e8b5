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
from course_utils.authoring.site import front
from course_utils.authoring.site.node import MODULES

FOLDED = ("setup", "demo")
SLIDER = "widgets.guidance_slider("  # the figure that is also drawn live in the page
LIVE = "guidance"
LIVE_KIT = Path(__file__).parents[1] / "live"
UNTRUSTED = "sliders appear in a trusted notebook."
DOWNLOADS = "_static/notebooks"


def write(folder: Path, chosen: list[Path], book: bool) -> None:
    """Writes the sources of the site's pages; a file that already holds the same is left alone.

    Args:
        folder: Where they go, with their figures in `static/`; what else lies there is removed.
        chosen: The sources of the notebooks that get a page.
        book: Whether for an electronic book, in which nothing slides and nothing can be downloaded.

    Raises:
        ValueError: A reference is missing, or one of its figures has no alternative text.
    """
    wanted = dict(_all(chosen, book))
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(folder)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _all(chosen: list[Path], book: bool) -> Iterator[tuple[str, bytes]]:
    """The name and the content of every file."""
    references = {source.stem: _reference(source) for source in chosen}
    live = next((_recorded(nb) for nb in references.values() if any(SLIDER in c.source for c in nb.cells)), None)
    if not book:
        yield from _katex()
        for source in chosen:
            yield f"static/notebooks/{source.stem}.ipynb", notebooks.student_path(source).read_bytes()
            yield f"static/notebooks/{source.stem}_answered.ipynb", source.with_suffix(".ipynb").read_bytes()
    for name, nb in references.items():
        shown = Page(nb, book)
        yield f"{name}.ipynb", (nbformat.writes(shown.notebook) + "\n").encode()
        for figure, png in shown.figures.items():
            yield f"static/{figure}", png
    for name, text in front.pages({n: title(nb) for n, nb in references.items()},
                                   None if book else live).items():
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


def title(nb: NotebookNode) -> str:
    """What stands in a notebook's first line behind its number: "Diffusion: adding noise, …"."""
    return nb.cells[0].source.partition("\n")[0].lstrip("# ").partition("·")[2].strip()


def _recorded(nb: NotebookNode) -> str:
    """The recorded figure of guidance, where the live one is to stand."""
    cell = next(c for c in nb.cells if SLIDER in c.source)
    return _slides(next(o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})), True)


def _slides(page: str, live: bool) -> str:
    """A recorded figure as a page shows it."""
    page = page.replace(UNTRUSTED, "sliders appear where scripts may run.")
    if not live:
        return page
    script = '<script type="module" src="_static/live/live.js"></script>'
    return f'<div class="live" data-figure="{LIVE}">\n{page}\n</div>\n{script if LIVE_KIT.is_dir() else ""}'


class Page:
    """One reference as its page shows it.

    Attributes:
        notebook: What myst-nb reads.
        figures: Path below the site's static files to the PNG.
    """

    def __init__(self, nb: NotebookNode, book: bool):
        self.name, self.book = nb.metadata.course.notebook, book
        self.figures: dict[str, bytes] = {}
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
            shown = _slides(data["text/html"], SLIDER in cell.source)
        elif "image/png" in data:
            about = output.metadata.get("image/png", {})
            shown = self._picture(f"figures/{self.name}/{cell.id}-{n}.png", base64.b64decode(data["image/png"]),
                                  about.get("alt") or data["text/plain"], captioned="text/html" in data, **about)
        else:
            return output
        return nbformat.v4.new_output("display_data", {"text/html": shown})

    def _picture(self, path: str, png: bytes, words: str, captioned: bool, width: int = 0, height: int = 0,
                 alt: str = "") -> str:
        self.figures[path] = png
        width, height = (width, height) if width else _logical_size(png)
        image = (f'<img class="figure" src="_static/{path}" width="{width}" height="{height}" loading="lazy" '
                 f'alt="{html.escape(words)}"/>')
        return f"<figure>{image}<figcaption>{html.escape(words)}</figcaption></figure>" if captioned else image


def _logical_size(png: bytes) -> tuple[int, int]:
    width, height = Image.open(io.BytesIO(png)).size
    return width // plot.SHARPNESS, height // plot.SHARPNESS
