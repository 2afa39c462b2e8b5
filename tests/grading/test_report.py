"""The report is escaped, tells nothing that it should not, and opens in a spreadsheet without running anything."""

import base64
import csv
import hashlib
import io
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_utils.grading.records import NotebookResult, Result, TaskResult, load_all, make_file_name, save
from course_utils.grading.reports import overview, report
from course_utils.grading.reports.page import TEMPLATES, UNPROTECTED

EVIL = "<script>alert('x')</script>"


def result(student="ada", *, why="", hint="", reason="", stopped=(), earned=0.0):
    tasks = [TaskResult("ddpm.q_sample", 10, earned, why, "known" if hint else "", hint),
             TaskResult("ddpm.extract", 5, 5)]
    return Result(student, "digest", [NotebookResult("05_ddpm", tasks, reason, list(stopped))])


class Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("r", [result(EVIL), result(why=EVIL), result(hint=EVIL), result(reason=EVIL),
                               result(stopped=[(3, EVIL)]), result(why=f"`{EVIL}` is off")], ids=str)
def test_whatever_is_said_is_shown_and_not_run(r):
    page = Tags(report.render_student(r))
    assert EVIL in page.text
    index = Tags(overview.render_page([r]))
    assert "script" not in {tag for tag, _ in page.tags} and [tag for tag, _ in index.tags].count("script") == 1
    assert not any(name.startswith("on") for _, attributes in page.tags + index.tags for name in attributes)


def test_of_scripts_only_the_pages_own_can_run():
    (script,) = re.findall("<script>(.*?)</script>", overview.render_page([result(EVIL)]), re.DOTALL)
    policy = next(a["content"] for t, a in Tags(overview.render_page([result(EVIL)])).tags if "http-equiv" in a)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_a_page_loads_nothing():
    page = Tags(report.render_student(result()))
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_direction_marks_and_controls_are_taken_out():
    for odd in (result(why="abc\u202edef\x00"), result(reason="a\u202eb\x00.zip is no zip file."),
                result(stopped=[(3, "a\u202e\x1b[31m")])):
        for page in (report.render_student(odd), overview.render_page([odd])):
            assert not {"\u202e", "\x00", "\x1b"} & {*page}


def test_the_page_says_points_reasons_and_hints():
    page = Tags(report.render_student(result(why="`x_t` is off.", hint="Look at the root.")))
    for words in ("ada", "5", "of 15 points", "1 of 2 tasks is right.", "x_t is off.", "Look at the root."):
        assert words in page.text
    assert "05_ddpm.ipynb is missing." in Tags(report.render_student(result(reason="05_ddpm.ipynb is missing."))).text
    assert "All 2 tasks are right." in Tags(report.render_student(result(earned=10))).text


def test_no_template_turns_escaping_off_and_all_are_packaged():
    pages = list(TEMPLATES.rglob("*.html"))
    assert pages and not [p.name for p in pages if re.search(r"\|\s*safe|autoescape", p.read_text("utf-8"))]
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    library, patterns = TEMPLATES.parents[2], project["tool"]["setuptools"]["package-data"]["course_utils"]
    packaged = {path for pattern in patterns for path in library.glob(pattern)}
    assert packaged >= {path for path in TEMPLATES.rglob("*") if path.is_file()}


def test_without_a_sandbox_every_page_says_so(tmp_path):
    report.write(tmp_path, [result("a"), result("b")], sandbox=False)
    pages = [*tmp_path.glob("*.html"), *tmp_path.glob("students/*.html")]
    assert len(pages) == 3 and all(UNPROTECTED in p.read_text() for p in pages)
    report.write(tmp_path, [result("a"), result("b")])
    assert not any(UNPROTECTED in p.read_text() for p in pages)


def rows(results):
    return list(csv.DictReader(io.StringIO(report.format_grades(results))))


def test_the_table_has_a_column_per_notebook_and_task():
    (row,) = rows([result(earned=7.5)])
    assert row == {"student": "ada", "total": "12.5", "max": "15", "status": "graded", "reason": "",
                   "05_ddpm": "12.5", "ddpm.q_sample": "7.5", "ddpm.extract": "5"}
    (row,) = rows([result(reason="05_ddpm.ipynb is not JSON.")])
    assert (row["status"], row["reason"]) == ("incomplete", "05_ddpm.ipynb is not JSON.")


@pytest.mark.parametrize("student", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1", " =1", "＝1", "－1"])
def test_no_cell_is_a_formula(student):
    assert rows([result(student)])[0]["student"].startswith("'")


@pytest.mark.parametrize("student", ["ada;=1+1", "ada|@x", "ada;\t＋1", 'a,"ada;""=1', "ada\t=1"])
def test_no_cell_is_a_formula_whatever_separates_them(student):
    cell = rows([result(student)])[0]["student"]
    assert not [c for mark in ";|\t" for c in cell.split(mark) if c.strip(" \"'")[:1] in tuple("=+-@＝＋－＠")
                and not c.lstrip(' "').startswith("'")]


def test_commas_quotes_and_lines_stay_in_their_cell():
    (row,) = rows([result('a,"b"\nc')])
    assert row["student"] == 'a,"b" c'


def test_every_id_has_a_file_of_its_own_inside_the_folder(tmp_path):
    students = ["../x", "..", ".", "x", "X", "x ", "/etc/passwd", "a" * 300, "名前", "Müller", "\ud800", "a\0b", ""]
    names = [make_file_name(s) for s in students]
    assert len({n.lower() for n in names}) == len(students)
    for student in students:
        save(result(student), tmp_path / "records")
    assert {p.parent for p in tmp_path.rglob("*.json")} == {tmp_path / "records"}
    assert len(load_all(tmp_path / "records")) == len(students)


def test_a_record_comes_back_as_it_was(tmp_path):
    r = result(why="It raised E: x", hint="h", stopped=[(3, "It took long.")])
    save(r, tmp_path)
    assert load_all(tmp_path) == {"ada": r}
