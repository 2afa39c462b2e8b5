"""The look of a report's pages, and nothing else: one style, nothing loaded, everything escaped.

A page may have one script of our own, which its policy names by digest: no other runs.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from course_utils.grading.records import NotebookResult
from course_utils.terminal import printable

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #626b76; --line: #e2e5e9; --paper: #fff; --shade: #f6f7f9;
  --good: #1a7f4b; --part: #9a6400; --bad: #b3352b; --note: #fff7e0; --edge: #e0b84c }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4b0; --line: #33393f; --paper: #16191d;
  --shade: #1f2429; --good: #57c98b; --part: #e0a93f; --bad: #f08a80; --note: #2c2718; --edge: #8a6f24 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 46rem; padding: 3rem 1.5rem 5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
  overflow-wrap: anywhere }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25 }
h2, h3 { display: flex; justify-content: space-between; gap: 1rem; margin: 2.8rem 0 .3rem; font-size: 1.15rem }
h3 { margin: 1.6rem 0 .2rem; font-size: 1rem } h3 .soft { flex: none; font-weight: 400; font-size: .9rem }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--line) }
a:hover { text-decoration-color: currentColor }
p { margin: .4rem 0 }
code { font: .92em ui-monospace, "SF Mono", "Liberation Mono", monospace }
.soft { color: var(--soft) }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .8rem 0 0; font-size: .95rem }
.sum { display: flex; align-items: baseline; gap: .5rem; margin-top: .8rem }
.sum b { flex: none; font-size: 2.6rem; line-height: 1; font-weight: 650; font-variant-numeric: tabular-nums }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; margin: .8rem 0 0 }
.bar i { display: block; height: 100%; background: var(--good) }
.points { white-space: nowrap; font-variant-numeric: tabular-nums; text-align: right }
.tasks { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }
.tasks > li { display: grid; grid-template-columns: 1.5rem 1fr auto; gap: 0 .6rem; align-items: baseline;
  padding: .65rem 0; border-bottom: 1px solid var(--line) }
.tasks .why { grid-column: 2 / -1 }
.mark { font-weight: 700; text-align: center }
.full .mark { color: var(--good) } .some .mark { color: var(--part) } .none .mark { color: var(--bad) }
.hint, .warn { margin: .7rem 0 .2rem; padding: .7rem .9rem; border-left: .25rem solid var(--edge);
  background: var(--note); border-radius: 0 .3rem .3rem 0 }
body > .warn { margin: 0 0 2.2rem } body > header + .warn { margin: 1.4rem 0 0 }
.hint { grid-column: 2 / -1 } .hint b { display: block }
.comment { grid-column: 2 / -1; margin: .7rem 0 .2rem; padding: .1rem 0 .1rem .9rem;
  border-left: .25rem solid var(--good) }
section > .comment { margin: .9rem 0 }
details { margin: .8rem 0; color: var(--soft) } summary { cursor: pointer }
table { width: 100%; border-collapse: collapse }
th, td { padding: .5rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th:first-child, td:first-child { padding-left: 0 }
th { color: var(--soft); font-weight: 500; font-size: .9rem }
th.points, td.points { width: 1%; padding-left: 1.2rem }
th:last-child, td:last-child { padding-right: 0 }
.meter { width: 40% } .meter .bar { margin: .55rem 0 0 }
footer { margin-top: 3.5rem; color: var(--soft); font-size: .9rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: .7rem; margin: 1.4rem 0 0 }
.tiles div { padding: .75rem .9rem; border-radius: .5rem; background: var(--shade) }
.tiles dt { color: var(--soft); font-size: .85rem }
.tiles dd { margin: 0; font-size: 1.55rem; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums }
.histogram { position: relative; margin: 1.6rem 0 0; font-size: .8rem; color: var(--soft); text-align: center }
.histogram .columns { display: grid; grid-template-columns: repeat(10, 1fr); gap: 3px; height: 10rem;
  border-bottom: 1px solid var(--soft) }
.columns div { display: flex; flex-direction: column; justify-content: flex-end; font-variant-numeric: tabular-nums }
.columns i { background: var(--good); border-radius: .2rem .2rem 0 0 }
.axis { display: flex; justify-content: space-between; margin: .3rem -1rem 0; font-variant-numeric: tabular-nums }
.axis span { width: 2rem }
.shares { list-style: none; margin: .6rem 0 0; padding: 0 }
.shares li { display: grid; grid-template-columns: minmax(0, 16.5rem) 1fr 3rem auto; gap: 0 1rem; align-items: center;
  padding: .22rem 0 }
.shares code { font-size: .875rem }
.stack { display: flex; height: .8rem; border-radius: .25rem; overflow: hidden; background: var(--line); gap: 1px }
.stack .right, .key .right { background: var(--good) } .stack .partly, .key .partly { background: var(--edge) }
.stack .wrong, .key .wrong { background: repeating-linear-gradient(135deg, var(--bad) 0 2px, transparent 2px 5px),
  color-mix(in srgb, var(--bad) 35%, var(--paper)) } .key .empty { background: var(--line) }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--soft); font-size: .85rem }
.key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: .2rem;
  vertical-align: -.05rem }
.shares .index { display: flex; gap: .5rem; justify-content: space-between; align-items: center; font-size: .85rem;
  min-width: 2.6rem; font-variant-numeric: tabular-nums }
.runs .index { min-width: 5.9rem }
.index i { font-style: normal; white-space: nowrap } .low { color: var(--bad) }
.index svg { flex: none; width: 2.5rem; height: 1rem; border-bottom: 1px solid var(--line) }
.index polyline { fill: none; stroke: var(--soft);
  stroke-width: 1.5; stroke-linejoin: round; vector-effect: non-scaling-stroke }
.slips, .odd { list-style: none; margin: .6rem 0 0; padding: 0; border-top: 1px solid var(--line) }
.odd > li { display: grid; grid-template-columns: 12rem 1fr; gap: 0 1rem; padding: .5rem 0;
  border-bottom: 1px solid var(--line) } .notes { margin: 0; padding-left: 1.1rem }
.odd p { margin: 0 }
.slips > li { display: grid; grid-template-columns: 2.4rem 1fr; padding: .75rem 0;
  border-bottom: 1px solid var(--line) }
.slips .many { font-size: 1.25rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums }
.slips details { margin: .25rem 0 0; font-size: .9rem }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem; align-items: center; margin: .6rem 0 1rem }
.tools[hidden] { display: none } .tools input { font: inherit; margin-left: .3rem }
.tools input[type=search] { width: 14rem }
.wide { overflow-x: auto; width: max-content; min-width: 100%; max-width: max(100%, min(100vw - 4rem, 76rem));
  position: relative; left: 50%; transform: translateX(-50%) }
.class { width: auto; min-width: 100% } .class .points { width: auto } .class th { padding: 0 .6rem .4rem }
.class th:first-child { padding-left: 0 } .class td { padding: .35rem .6rem } .class td:first-child { padding-left: 0;
  min-width: 9rem } .class td:first-child a { display: inline-block; max-width: 22rem }
.class .bar { height: .25rem; margin: .25rem 0 0 }
.class button { all: unset; cursor: pointer; font-weight: 650; font-size: .85rem } .class button:focus-visible {
  outline: 2px solid currentColor; outline-offset: 2px }
.class button::after { content: " ↕"; color: var(--soft) } .class [aria-sort=ascending] button::after { content: " ↑" }
.class [aria-sort=descending] button::after { content: " ↓" }
.flag { display: inline-block; margin-left: .5rem; width: 1.15rem; border-radius: .2rem; background: var(--note);
  color: var(--part); font-weight: 700; text-align: center; line-height: 1.15rem; font-size: .85rem }
pre { margin: .4rem 0 1rem; padding: .7rem .9rem; background: var(--shade); border-radius: .3rem; overflow-x: auto;
  font-size: .9rem; line-height: 1.45 } pre:target { outline: 2px solid var(--edge) }
h4 { margin: 1rem 0 .2rem; font-size: .95rem }
.pair h3 { margin: 1.4rem 0 0 } .pair details { margin: .2rem 0 }
.beside { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; width: min(100vw - 3rem, 80rem);
  position: relative; left: 50%; transform: translateX(-50%) }
.beside pre { margin: .4rem 0; font-size: .85rem; white-space: pre-wrap; color: var(--ink) }
mark { background: var(--note); color: inherit; box-shadow: 0 0 0 .1rem var(--note) }
.answer { white-space: pre-wrap; margin: .3rem 0 1rem }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media (max-width: 48rem) { .beside { grid-template-columns: 1fr; width: auto; left: 0; transform: none } }
@media (max-width: 34rem) { body { padding: 2rem 1.1rem 4rem } .meter { display: none }
  .odd > li { grid-template-columns: 1fr } .tasks > li { grid-template-columns: 1.2rem 1fr auto; gap: 0 .5rem }
  .shares li { grid-template-columns: 1fr 3rem auto; padding: .4rem 0 }
  .shares .stack { grid-row: 2; grid-column: 1 / -1 } }
@media print { body { padding: 0; max-width: none } .tasks > li { break-inside: avoid } }
"""
UNPROTECTED = ("Graded without a sandbox: the submissions ran with the instructor's own rights, "
               "and could have changed this report.")


def document(title: str, body: str, sandbox: bool, script: str = "") -> str:
    """A whole page. `title` is text, `body` is HTML whose texts are escaped, `script` is our own and runs alone."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'unsafe-inline'" + (f"; script-src 'sha256-{digest}'" if script else "")
    body += f"\n<script>{script}</script>" if script else ""
    warning = "" if sandbox else f'<p class="warn" role="note">{UNPROTECTED}</p>\n'
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            f"<title>{escape(printable(title))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{warning}{body}\n"
            "</body>\n</html>\n")


def bar(earned: float, points: float) -> str:
    """A bar filled by the share of points; its number stands beside it, so that it is hidden from readers of text."""
    share = min(100, 100 * earned / points) if points else 0
    return f'<div class="bar" aria-hidden="true"><i style="width: {share:.1f}%"></i></div>'


def format_number(points: float) -> str:
    """Points without needless digits: 10, 7.5."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def visible(text: str) -> str:
    """Escaped, `code` marked up, and characters that turn or hide text taken out."""
    parts = escape(printable(text)).split("`")
    if len(parts) % 2 == 0:  # a backtick of its own
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def format_count(n: int, word: str) -> str:
    """A number with its noun: 1 student, 2 students."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def verbatim(text: str) -> str:
    """Escaped, with its lines and blanks; other characters that command, turn or hide are taken out."""
    return escape("\n".join(printable(line.expandtabs(4)) for line in text.split("\n")))


def section(id: str, title: str, body: str) -> str:
    """A part of a page, with its heading; `body` is HTML."""
    return f'<section id="{id}">\n<h2>{title}</h2>\n{body}\n</section>'


def anchor(n: NotebookResult, cell: int) -> str:
    """What the text of a cell is called on a student's page."""
    return f"{escape(n.notebook)}-{cell}"


def has_text(n: NotebookResult, cell: int) -> bool:
    """Whether a student's page shows the text of the cell."""
    return any(cell == place for place, _ in n.sources)
