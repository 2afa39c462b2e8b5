"""The pages that are no notebook: the front with the map, the glossary, performance, and how to cite."""

from __future__ import annotations

import html
import re

import yaml

from course_utils import notebooks
from course_utils.diagrams.course import COURSE

ROOT = notebooks.SOLUTIONS.parent
COLUMN, ROW, WIDE, HIGH, EDGE = 182, 66, 160, 44, 12  # the map, in units of its own: distances of boxes, and a box


def pages(titles: dict[str, str], live: str | None) -> dict[str, str]:
    """The text of each page by its file's name.

    Args:
        titles: Of the notebooks that have a page, by their names, such as `05_ddpm`.
        live: The figure above the fold, as HTML; None where there is none.
    """
    return {"index.md": _index(titles, live), "glossary.md": _glossary(), "performance.md": _performance(),
            "cite.md": _cite()}


def _index(titles: dict[str, str], live: str | None) -> str:
    rows = "\n".join(f'<li><a href="{name}.html"><b>{name[:2]}</b> <span>{html.escape(title)}</span></a>'
                     f"<p>{html.escape(_read_topics()[name[:2]])}</p></li>" for name, title in titles.items())
    listed = "\n".join(titles)
    return f"""\
# Generative models, filled in by hand

<p class="lead">A course in notebooks. A student writes the few lines that matter; here they are written, with every
figure, every answer, and the derivations between them. From counting to guided diffusion, each step from the one
before.</p>

{_above_the_fold(live)}

## The map

<p class="aside">An arrow leads from what is needed, and a box to its page.</p>

{course_map(list(titles))}

## The notebooks

<ol class="notebooks">
{rows}
</ol>

```{{toctree}}
:hidden:
:caption: Notebooks

{listed}
```

```{{toctree}}
:hidden:
:caption: To look up

glossary
performance
cite
```
"""


def _above_the_fold(live: str | None) -> str:
    if live is None:
        return ""
    return f"""\
<div class="first-figure">

{live}

</div>

<p class="aside">Ten digits out of noise, drawn by the network of notebooks 05 and 06. Move the guidance: more of it
makes each digit surer of its class, and all of them more alike. <a href="07_cfg.html">Notebook 07</a> says why.</p>
"""


def _read_topics() -> dict[str, str]:
    """What a student writes in each notebook, from the table of README.md."""
    rows = re.findall(r"(?m)^\| (\d\d) \| (.*?) \|", (ROOT / "README.md").read_text("utf-8"))
    return {number: f"{what[0].upper()}{what[1:]}." for number, what in rows}


def course_map(names: list[str]) -> str:
    """The map of the course as a drawing whose boxes lead to their pages.

    Args:
        names: The notebooks that have a page.
    """
    pages = {name[:2]: f"{name}.html" for name in names}
    columns, rows = (max(place[axis] for _, place, _ in COURSE.values()) for axis in (0, 1))
    width, height = columns * COLUMN + WIDE + 2 * EDGE, rows * ROW + HIGH + 2 * EDGE
    arrows = [_arrow(COURSE[needed][1], place) for _, place, needs in COURSE.values() for needed in needs]
    boxes = [_box(number, title, place, pages.get(number)) for number, (title, place, _) in COURSE.items()]
    return f"""\
<nav class="map" aria-label="Map of the course">
<svg viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>
<g aria-hidden="true">{"".join(arrows)}</g>
{"".join(boxes)}
</svg>
</nav>"""


def _centre(place: tuple[float, float]) -> tuple[float, float]:
    return EDGE + WIDE / 2 + place[0] * COLUMN, EDGE + HIGH / 2 + place[1] * ROW


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From below a box to above another, or sideways within a row."""
    (a, top), (b, low) = _centre(start), _centre(end)
    if top == low:
        side = WIDE / 2 if b > a else -WIDE / 2
        return f'<line x1="{a + side:g}" y1="{top:g}" x2="{b - side:g}" y2="{low:g}"/>'
    return f'<line x1="{a:g}" y1="{top + HIGH / 2:g}" x2="{b:g}" y2="{low - HIGH / 2:g}"/>'


def _box(number: str, title: str, place: tuple[float, float], page: str | None) -> str:
    x, y = _centre(place)
    drawn = (f'<rect x="{x - WIDE / 2:g}" y="{y - HIGH / 2:g}" width="{WIDE}" height="{HIGH}" rx="6"/>'
             f'<text x="{x:g}" y="{y - 4:g}" class="number">{number}</text>'
             f'<text x="{x:g}" y="{y + 13:g}">{html.escape(title)}</text>')
    return f'<a href="{page}">{drawn}</a>\n' if page else f'<g class="to-come">{drawn}</g>\n'


def terms() -> list[tuple[str, str]]:
    """The course's terms, English and Chinese, in the alphabet's order: those of the table in notebook 00."""
    text = notebooks.source_of("00").read_text("utf-8")
    table = text.split("<b>Terms</b>")[1].split("</details>")[0]
    rows = [[word.strip() for word in line.strip("# |").split("|")] for line in table.splitlines() if "|" in line]
    pairs = [pair for row in rows[2:] for pair in (row[:2], row[2:])]
    return sorted(((english, chinese) for english, chinese in pairs), key=lambda pair: pair[0].lower())


def _glossary() -> str:
    rows = "\n".join(f'<tr><th scope="row">{html.escape(english)}</th><td lang="zh">{html.escape(chinese)}</td></tr>'
                     for english, chinese in terms())
    return f"""\
# Glossary

The words of the course, in English and in Chinese.

<div class="glossary">
<p class="filter" hidden="hidden"><label>Filter <input type="search" autocomplete="off" spellcheck="false"/></label>
<output aria-live="polite"></output></p>
<table>
<thead><tr><th scope="col">English</th><th scope="col" lang="zh">中文</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
"""


def _performance() -> str:
    return (ROOT / "docs" / "performance.md").read_text("utf-8")


def _cite() -> str:
    """From CITATION.cff, which tools read too."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    authors = " and ".join("{" + author["name"] + "}" for author in cited["authors"])
    year = re.search(r"Copyright \(c\) (\d{4})", (ROOT / "LICENSE").read_text("utf-8"))[1]
    return f"""\
# How to cite

{cited["message"]}

```bibtex
@misc{{generative-models-by-hand,
  title  = {{{cited["title"]}}},
  author = {{{authors}}},
  year   = {{{year}}},
  note   = {{Version {cited["version"]}}}
}}
```

Code is under the MIT licence; text and figures are under the licence CC BY 4.0: use them as you like, and say whose
they are. The digits are of MNIST and the drawings of OpenMoji, which keep their own licences.
"""
