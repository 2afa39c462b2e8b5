"""The list of a class: a row for each student, a column for each notebook, sorted and filtered where it is read."""

from __future__ import annotations

from collections import Counter
from html import escape

from course_utils.grading.records import NotebookResult, Result, make_file_name
from course_utils.grading.reports.page import bar, format_count, format_number, section, verbatim, visible

MANY = 4  # notebooks; with more, a column is headed by the number alone
SCRIPT = """
(() => {
  const table = document.querySelector('table.class'), body = table.tBodies[0], rows = [...body.rows];
  const tools = document.querySelector('.tools'), [search, odd] = tools.querySelectorAll('input');
  const names = new Intl.Collator(undefined, {numeric: true, sensitivity: 'base'});
  const value = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent;
  const plain = text => text.normalize('NFKD').replace(/\\p{M}/gu, '').toLowerCase();
  const called = new Map(rows.map(row => [row, plain(row.cells[0].textContent + ' ' + row.dataset.id)]));
  const show = () => {
    const words = plain(search.value.trim());
    for (const row of rows) row.hidden = !called.get(row).includes(words) || odd.checked && !row.dataset.odd;
    const shown = rows.filter(row => !row.hidden).length;
    tools.querySelector('output').textContent = shown == rows.length ? '' : shown + ' of ' + rows.length;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => head.querySelector('button').addEventListener('click', () => {
    const turn = head.getAttribute('aria-sort') == 'ascending' ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', turn > 0 ? 'ascending' : 'descending');
    const isNumber = head.classList.contains('points');
    const order = isNumber ? (a, b) => value(a, i) - value(b, i) : (a, b) => names.compare(value(a, i), value(b, i));
    body.append(...rows.sort((a, b) => turn * order(a, b)));
  }));
  search.addEventListener('input', show);
  odd.addEventListener('change', show);
  tools.hidden = false;
  show();
})();
"""


def choose_names(results: list[Result]) -> dict[str, str]:
    """What each student is called: the id without the platform's number, where nobody else is called so."""
    bare = {r.student: strip_number(r) for r in results}
    taken = Counter(bare.values())
    return {student: name if taken[name] == 1 else student for student, name in bare.items()}


def strip_number(r: Result) -> str:
    """A student's id without the number that Moodle or Canvas puts behind a name."""
    ends = (f"_{number}" for number in r.ids.values() if r.student.endswith(f"_{number}"))
    return next((r.student.removesuffix(end) for end in ends if len(r.student) > len(end)), r.student)


def link(student: str, name: str, place: str = "") -> str:
    """A student's name, which leads to the student's page, perhaps to a `#place` there."""
    return f'<a href="students/{make_file_name(student)}.html{place}">{visible(name)}</a>'


def table(results: list[Result]) -> str:
    """The list as HTML: it is sorted as `results` are; without a script it stays so."""
    names = choose_names(results)
    notebooks = list(dict.fromkeys(n.notebook for r in results for n in r.notebooks))
    heads = ["Student", "Total", *(n if len(notebooks) <= MANY else n.partition("_")[0] for n in notebooks), "Late"]
    titles = ["", "points, as they count", *notebooks, "points lost by lateness"]
    head = "".join(f'<th scope="col"{_class(i)}><button title="{escape(title)}">{escape(name)}</button></th>'
                   for i, (name, title) in enumerate(zip(heads, titles, strict=True)))
    rows = "\n".join(_row(r, names[r.student], notebooks) for r in results)
    tools = ('<div class="tools" hidden>\n<label>Search <input type="search"></label>\n'
             '<label><input type="checkbox"> only those to look at</label>\n<output class="soft"></output>\n</div>')
    waiting = any(t.unmarked for r in results for n in r.notebooks for t in n.tasks)
    note = '\n<p class="soft">* not marked yet: some answers, which stand outside of the sum</p>' if waiting else ""
    return section("students", "Students", f'{tools}\n<div class="wide">\n<table class="class">\n<thead><tr>{head}</tr>'
                   f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>{note}")


def _class(column: int) -> str:
    return ' aria-sort="ascending"' if column == 0 else ' class="points"'


def _row(r: Result, name: str, notebooks: list[str]) -> str:
    by_name = {n.notebook: n for n in r.notebooks}
    late = [n for n in r.notebooks if n.late and n.mark is None]
    odd = ' data-odd="1"' if r.reason else ""
    cells = "".join(_cell(by_name.get(n)) for n in notebooks)
    lost = sum(n.before - n.earned for n in late)
    said = verbatim(" ".join(f"{n.notebook}: {n.late}" for n in late))
    shown = ("−" if lost else "") + format_number(lost) if late else ""
    return (f'<tr{odd} data-id="{verbatim(r.student)}"><td>{link(r.student, name)}{_flag(r)}</td>'
            f'<td class="points" data-value="{r.total:.4f}">'
            f'{format_number(r.total)} <span class="soft">/ {format_number(r.max)}</span>'
            f"{bar(r.total, r.max)}</td>{cells}"
            f'<td class="points" data-value="{lost:.4f}" title="{said}">{shown}</td></tr>')


def _flag(r: Result) -> str:
    return '<span class="flag" role="img" aria-label="to look at" title="to look at">!</span>' if r.reason else ""


def _cell(n: NotebookResult | None) -> str:
    if n is None or n.reason and not n.earned:
        return f'<td class="points soft" data-value="-1" title="{verbatim(n.reason) if n else ""}">–</td>'
    waiting = sum(t.unmarked for t in n.tasks)
    said = f' title="{format_count(waiting, "answer")} not marked yet"' if waiting else ""
    star = "*" if waiting else ""
    return f'<td class="points" data-value="{n.earned:.4f}"{said}>{format_number(n.earned)}{star}</td>'
