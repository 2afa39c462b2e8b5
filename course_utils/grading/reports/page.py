"""How a report's pages are made: jinja2 templates, in which every text is escaped, with one style sheet.

Nothing on a page is loaded. A page may have one script of our own, which its policy names by digest: no other runs.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from course_utils.grading.records import NotebookResult, make_file_name
from course_utils.terminal import printable

TEMPLATES = Path(__file__).parent / "templates"
UNPROTECTED = ("Graded without a sandbox: the submissions ran with the instructor's own rights, "
               "and could have changed this report.")


def render(template: str, title: str, sandbox: bool, script: str = "", **context: Any) -> str:
    """A whole page.

    Args:
        template: A file in `templates`, which extends `base.html`.
        title: Text for the browser's tab.
        sandbox: False puts `UNPROTECTED` above the page.
        script: Our own, which alone may run.
        context: What the template shows. Texts are escaped there; only `Markup` is not.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'unsafe-inline'" + (f"; script-src 'sha256-{digest}'" if script else "")
    warning = None if sandbox else Markup(UNPROTECTED)
    return _load_environment().get_template(template).render(
        title=printable(title), policy=Markup(policy), style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
        script=Markup(script), warning=warning, **context)


@cache
def _load_environment() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    made.filters |= {"visible": visible, "verbatim": verbatim, "number": format_number, "noun": format_count,
                     "file_name": make_file_name, "percent_of": compute_percent}
    made.tests |= {"shown_in": has_text}
    return made


def visible(text: str) -> Markup:
    """Escaped, `code` marked up, and characters that turn or hide text taken out."""
    parts = escape(printable(text)).split("`")
    if len(parts) % 2 == 0:  # a backtick of its own
        return Markup("`".join(parts))
    return Markup("".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)))


def verbatim(text: str) -> Markup:
    """Escaped, with its lines and blanks; other characters that command, turn or hide are taken out."""
    return Markup(escape("\n".join(printable(line.expandtabs(4)) for line in text.split("\n"))))


def compute_percent(earned: float, points: float) -> str:
    """The share of points in percent, 100 at most."""
    return f"{min(100, 100 * earned / points) if points else 0:.1f}"


def format_number(points: float) -> str:
    """Points without needless digits: 10, 7.5."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def format_count(n: int, word: str) -> str:
    """A number with its noun: 1 student, 2 students."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def has_text(cell: int, n: NotebookResult) -> bool:
    """Whether a student's page shows the text of the cell."""
    return any(cell == place for place, _ in n.sources)
