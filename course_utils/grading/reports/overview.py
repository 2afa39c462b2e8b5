"""The page about a class: how the points are spread, which tasks are hard, which mistakes are common, whom to see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import mean, median

from course_utils.grading import outcomes
from course_utils.grading.records import Result
from course_utils.grading.reports import classlist, items
from course_utils.grading.reports.classlist import link
from course_utils.grading.reports.items import KINDS, count_answers
from course_utils.grading.reports.page import anchor, document, format_count, format_number, has_text, section, visible

SHOWN = 10  # rows of a list; the others are folded
MAX_WHY = 200  # characters of what an exception says
DISCRIMINATION = ('<p class="soft">r says how far those who solve a task also have the other points of its notebook '
                  "(item-rest correlation, Henrysson 1963). Below .2, look at the task: its text may mislead, or it "
                  "asks for something else than the rest.</p>")


@dataclass(frozen=True)
class Slip:
    """A known mistake and the students who made it."""

    task: str
    title: str
    hint: str
    students: list[str]


def compute_shares(results: list[Result]) -> list[float]:
    """Each student's share of the points, in [0, 1]."""
    return [min(1.0, r.total / r.max) if r.max else 0.0 for r in results]


def find_slips(results: list[Result]) -> list[Slip]:
    """The known mistakes that were made, the commonest first."""
    found: dict[tuple[str, str], Slip] = {}
    for r in results:
        for t in (t for n in r.notebooks for t in n.tasks if t.mistake):
            found.setdefault((t.task, t.mistake), Slip(t.task, t.mistake, t.hint, [])).students.append(r.student)
    return sorted(found.values(), key=lambda s: -len(s.students))


def render_page(results: list[Result], notes: Sequence[str] = (), sandbox: bool = True,
                trend: items.Trend | None = None, pairs: int | None = None) -> str:
    """The class report as HTML.

    Args:
        results: In the order in which the students are to be listed.
        notes: Sentences for the instructor, about files that could not be understood.
        trend: How each task went, run by run.
        pairs: How many pairs of similar work lie on a page of their own; None where nobody asked.
    """
    told = "".join(f"<li>{visible(note)}</li>\n" for note in notes)
    warning = f'<div class="warn" role="note"><ul class="notes">\n{told}</ul></div>\n' if notes else ""
    names = classlist.choose_names(results)
    body = [_head(results), warning, _histogram(compute_shares(results)), _odd(results, names),
            _tasks(results, trend or {}), _slips(results, names), _unnamed(results, names),
            _similar(pairs), classlist.table(results)]
    text = "\n".join(filter(None, body))
    return document("Class report", text.replace("</header>", f"{_contents(text)}</header>", 1), sandbox,
                    classlist.SCRIPT)


def _contents(page: str) -> str:
    """Links to the page's sections, which each have an id and a heading."""
    found = re.findall(r'<section id="(\w+)">\n<h2>([^<]+)</h2>', page)
    links = "\n".join(f'<a href="#{id}">{title}</a>' for id, title in found)
    return f"<nav>\n{links}\n</nav>\n"


def _head(results: list[Result]) -> str:
    every, odd = compute_shares(results), sum(bool(r.reason) for r in results)
    tiles = {"students": len(results), "mean": f"{mean(every or [0]):.0%}", "median": f"{median(every or [0]):.0%}",
             "to look at": odd}
    shown = "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())
    points = format_number(max((r.max for r in results), default=0))
    return (f'<header>\n<h1>Class report</h1>\n<p class="soft">{points} points. The same as a table: '
            f'<a href="grades.csv">grades.csv</a></p>\n<dl class="tiles">\n{shown}\n</dl>\n</header>')


def _histogram(every: list[float]) -> str:
    """How many students earned 0 to 10 % of the points, and so on."""
    bins = Counter(min(9, int(share * 10 + 1e-9)) for share in every)
    highest = max(bins.values(), default=1)
    columns = "\n".join(f'<div>{bins[i] or ""}<i style="height: {85 * bins[i] / highest:.1f}%"></i></div>'
                        for i in range(10))
    said = "; ".join(f"{10 * i} to {10 * i + 10} %: {bins[i]}" for i in range(10) if bins[i])
    axis = "".join(f"<span>{10 * i}</span>" for i in range(11))
    figure = (f'<figure class="histogram" role="img" aria-label="Students by their share of the points. {said}">\n'
              f'<div class="columns">\n{columns}\n</div>\n<div class="axis">{axis}</div>\n'
              "<figcaption>students by their share of the points, in %</figcaption>\n</figure>")
    return section("points", "Points", figure)


def _odd(results: list[Result], names: dict[str, str]) -> str:
    rows = [f'<li>{link(r.student, names[r.student])}<p class="soft">{visible(r.reason)}</p></li>'
            for r in results if r.reason]
    return section("odd", "To look at", _folded(rows, "odd", "student")) if rows else ""


def _folded(rows: list[str], kind: str, what: str) -> str:
    """A list, of which what comes after the first ones is folded."""
    if not rows:
        return ""
    first, others = "\n".join(rows[:SHOWN]), "\n".join(rows[SHOWN:])
    many = format_count(len(rows) - SHOWN, f"more {what}")
    more = (f'<details><summary>{many}</summary>\n<ul class="{kind}">\n{others}\n'
            "</ul></details>\n") if others else ""
    return f'<ul class="{kind}">\n{first}\n</ul>\n{more}'


def _tasks(results: list[Result], trend: items.Trend) -> str:
    key = "\n".join(f'<span><i class="{k}"></i>{said}</span>' for k, said in KINDS.items())
    parts = [f'<div class="key" aria-hidden="true">\n{key}\n</div>']
    tells = items.compute_discrimination(results)
    for notebook, table in count_answers(results).items():
        handed = max((sum(c.values()) for c in table.values()), default=0)
        rows = "\n".join(_share(task, counted, tells.get(task), trend.get(task, [])) for task, counted in table.items())
        again = " runs" if any(len(trend.get(task, [])) > 1 for task in table) else ""
        parts.append(f'<h3><span>{escape(notebook)}</span> <span class="soft">{handed} of '
                     f'{format_count(len(results), "student")}</span></h3>\n<ul class="shares{again}">\n{rows}\n</ul>')
        for said, wanted in (("everybody", handed), ("nobody", 0)):
            names = [f"<code>{escape(t)}</code>" for t, c in table.items()
                     if 0 < handed == sum(c.values()) and c["right"] == wanted]
            parts += [f'<p class="soft">Solved by {said}: {", ".join(names)}.</p>'] if names else []
    parts += [DISCRIMINATION] if tells else []
    return section("tasks", "Tasks", "\n".join(parts))


def _share(task: str, counted: Counter[str], tells: float | None, runs: list[float]) -> str:
    """A task's answers as a bar, the share of right ones, how it tells students apart, and its earlier runs."""
    total = sum(counted.values())
    said = ", ".join(f"{counted[k]} {words}" for k, words in KINDS.items() if counted[k]) or "no answers"
    said += f"; r = {tells:.2f}" if tells is not None else ""
    said += f"; run by run: {', '.join(f'{share:.0%}' for share in runs)}" if len(runs) > 1 else ""
    stack = "".join(f'<i class="{k}" style="width: {100 * counted[k] / total:.1f}%"></i>'
                    for k in ("right", "partly", "wrong") if counted[k])
    percent = f'{counted["right"] / total:.0%}' if total else "–"
    index = "" if tells is None else f'<i class="{"low" if tells < items.POOR else "soft"}">r {signed(tells)}</i>'
    return (f'<li title="{said}"><code>{escape(task)}</code><div class="stack" aria-hidden="true">{stack}</div>'
            f'<span class="points" aria-hidden="true">{percent}</span><span class="index" aria-hidden="true">{index}'
            f'{_line(runs)}</span><span class="hidden">{said}</span></li>')


def signed(r: float) -> str:
    """A correlation, .45 or −.12: without the 0 that it always begins with."""
    return f"{r:.2f}".replace("0.", ".").replace("-", "−")


def _line(runs: list[float]) -> str:
    """The shares of right answers, run by run, as a small line from 0 at the bottom to 1 at the top."""
    if len(runs) < 2:
        return ""
    points = " ".join(f"{2 + 36 * i / (len(runs) - 1):.1f},{14 - 12 * share:.1f}" for i, share in enumerate(runs))
    return f'<svg viewBox="0 0 40 16"><polyline points="{points}"/></svg>'


def _slips(results: list[Result], names: dict[str, str]) -> str:
    rows = [_slip(s, names) for s in find_slips(results)]
    if not rows:
        return ""
    return section("mistakes", "Common mistakes", _folded(rows, "slips", "mistake"))


def _slip(s: Slip, names: dict[str, str]) -> str:
    who = ", ".join(link(student, names[student]) for student in s.students)
    return (f'<li><span class="many">{len(s.students)}<span class="hidden"> '
            f'{"student" if len(s.students) == 1 else "students"}:</span></span><div><b>{visible(s.title)}</b> '
            f'<code class="soft">{escape(s.task)}</code><p class="soft">{visible(s.hint)}</p>'
            f'<details><summary>Who?</summary>{who}</details></div></li>')


# ---- what the bank does not know yet -------------------------------------------------------------------------------


def _unnamed(results: list[Result], names: dict[str, str]) -> str:
    """Wrong answers that no known mistake explains, where several students gave the same."""
    wrong = [(r.student, n, t) for r in results for n in r.notebooks for t in n.tasks]
    found = outcomes.group_same(wrong)
    shared = [g for g in found if len(g) > 1]
    if not found:
        return ""
    rows = [_group(g, names) for g in shared]
    alone = f"{format_count(len(found) - len(shared), 'wrong answer')} of a kind that nobody else gave."
    about = ("Wrong answers that no known mistake explains, put together where they give the same on the check's own "
             "inputs: the bank's next entries.")
    return section("unnamed", "Mistakes without a name", f'<p class="soft">{about}</p>\n'
                   f'{_folded(rows, "slips", "mistake")}<p class="soft">{alone}</p>')


def _group(group: list[outcomes.Answer], names: dict[str, str]) -> str:
    student, n, t = next((a for a in group if has_text(a[1], a[2].cell)), group[0])
    who = ", ".join(link(s, names[s]) for s, _, _ in group)
    place = f"#{anchor(n, t.cell)}" if has_text(n, t.cell) else ""
    cell = f", cell {t.cell}" if t.cell else ""
    shortened = t.why if len(t.why) <= MAX_WHY else t.why[:MAX_WHY] + " …"
    return (f'<li><span class="many">{len(group)}<span class="hidden"> students:</span></span><div>'
            f'<b>{outcomes.describe(t)}</b> <code class="soft">{escape(t.task)}</code>'
            f'<p class="soft">{visible(shortened)}</p>'
            f'<p class="soft">For example {link(student, names[student] + cell, place)}</p>'
            f"<details><summary>Who?</summary>{who}</details></div></li>")


def _similar(pairs: int | None) -> str:
    if pairs is None:
        return ""
    many = format_count(pairs, "pair")
    return section("similar", "Similar work", f'<p><a href="similar.html">{many} to look at</a>. '
                   '<span class="soft">No points hang on it.</span></p>')
