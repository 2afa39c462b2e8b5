"""The pages in a real browser: nothing loads, nothing sticks out, and every text can be read, by day and by night."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import require
from grading.classroom import made_up_class
from playwright.sync_api import Browser, sync_playwright

from course_utils.grading.records import Result, make_file_name
from course_utils.grading.reports import items, report

pytestmark = pytest.mark.slow
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LONG = "x" * 120
CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
  const paper = e => { const c = getComputedStyle(e).backgroundColor;
    return c != 'rgba(0, 0, 0, 0)' ? c : e.parentElement ? paper(e.parentElement) : 'rgb(255, 255, 255)' };
  const texts = [...document.body.querySelectorAll('*')].filter(e => [...e.childNodes].some(
    n => n.nodeType == 3 && n.data.trim()) && e.offsetParent);
  return texts.map(e => { const [a, b] = [light(getComputedStyle(e).color), light(paper(e))];
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.textContent.slice(0, 40)] }).sort((x, y) => x[0] - y[0]);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require("browser", CHROMIUM is not None, "There is no Chromium; install the package chromium.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Path]:
    """The class, the changes and one student's feedback, with the longest words that can come."""
    out = tmp_path_factory.mktemp("report")
    first, second, *others = made_up_class(30)
    (n, *more) = first.notebooks
    odd = replace(n.tasks[-1], earned=0, why=f"It raised E: {LONG}", hint=f"See {LONG}", mistake=LONG)
    first = replace(first, student=LONG, notes=[f"Two files claim {LONG}."],
                    notebooks=[replace(n, tasks=[*n.tasks[:-1], odd], stopped=[(3, LONG)]), *more])
    older = [replace(first, notebooks=more), replace(second, student="gone"), *others]
    (out / "marks.csv").write_text(f"student,id,points,comment\n{LONG},ddpm.1,3,{LONG}\n{LONG},{LONG},ten,\n")
    for results in ([second, *others], _with_all([first, second, *others])):  # two runs
        report.write(out, results, False, report.ReportInputs(older=older), also=["similar"])
        trend = out / items.TREND
        trend.write_text(trend.read_text().replace("\n20", "\n19"))
    names = ["index", "changes", "similar", f"students/{make_file_name(LONG)}"]
    return [out / f"{name}.html" for name in names]


def _with_all(results: list[Result]) -> list[Result]:
    """Everybody with one solution of long lines, and the wrong answers without a name in one group a task."""
    code = "\n".join(f"{LONG}{i} = torch.cos(({i} * x + {LONG}) / 2) ** {i}" for i in range(20))
    return [replace(r, notebooks=[replace(n, solutions=code if i < 4 else "", tasks=[
        t if t.mistake else replace(t, outcome="value x", sketch=[1.0] * 4, why=LONG) for t in n.tasks])
        for n in r.notebooks]) for i, r in enumerate(results)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_a_page_fits_loads_nothing_and_can_be_read(browser, pages, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for path in pages:
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
        contrast, text = page.evaluate(CONTRAST)[0]
        assert contrast >= 4.5, (path.name, text)
    assert said == [] and asked == [path.as_uri() for path in pages]
    page.close()


def test_the_class_is_sorted_and_filtered_without_a_server(browser, tmp_path):
    class_ = made_up_class(30)
    report.write(tmp_path, class_)
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    rows = "[...document.querySelectorAll('table.class tbody tr')].filter(r => !r.hidden)"
    totals = f"{rows}.map(r => +r.cells[1].dataset.value)"
    page.click("table.class th:nth-child(2) button")
    assert page.evaluate(totals) == sorted(round(r.total, 4) for r in class_)
    page.click("table.class th:nth-child(2) button")
    assert page.evaluate(totals) == sorted((round(r.total, 4) for r in class_), reverse=True)
    page.fill("input[type=search]", class_[3].student.upper())
    assert page.evaluate(f"{rows}.map(r => r.cells[0].textContent)") == [class_[3].student]
    page.fill("input[type=search]", " lucia1")  # without its mark
    assert page.evaluate(f"{rows}.map(r => r.cells[0].textContent)") == ["lucía13"]
    page.fill("input[type=search]", "")
    page.check("input[type=checkbox]")
    assert page.evaluate(f"{rows}.length") == sum(bool(r.reason) for r in class_) > 0
    page.close()
