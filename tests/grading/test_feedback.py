"""The list of a class, and the pages that go back to a platform or to a second marker."""

import csv
import io
import re
import zipfile
from dataclasses import replace

import nbformat
from grading.classroom import ddpm, made_up_class

from course_utils.grading import grader
from course_utils.grading.intake.hand_in_time import HandInTime
from course_utils.grading.intake.submissions import PLACEHOLDER, FileContent, read
from course_utils.grading.records import NotebookResult, Result, TaskResult, load_all, save
from course_utils.grading.reports import classlist, feedback, overview, report

CLASS = made_up_class(4)
MOODLE = [replace(r, student=f"{name}_{n}", ids={"moodle": str(n)}, handed_in={"05_ddpm": HandInTime("", "Moodle")})
          for r, name, n in zip(CLASS, ["Zhang Wei", "Élodie Bo", "Ada Bell", "Ada Bell"], (3, 5, 7, 9), strict=True)]


def names_in(page):
    return re.findall(r'<tr[^>]*><td><a href="[^"]*">(.*?)</a>', page)


def test_names_stand_without_numbers_sorted_as_people_sort(tmp_path):
    report.write(tmp_path, MOODLE)
    page = (tmp_path / "index.html").read_text()
    assert names_in(page) == ["Ada Bell_7", "Ada Bell_9", "Élodie Bo", "Zhang Wei"]  # two of one name keep theirs
    with (tmp_path / "grades.csv").open(newline="") as file:
        assert [row["student"] for row in csv.DictReader(file)] == ["Ada Bell_7", "Ada Bell_9", "Élodie Bo_5",
                                                                     "Zhang Wei_3"]
    name = classlist.choose_names(MOODLE)[MOODLE[1].student]
    assert "<h1>Élodie Bo</h1>" in report.render_student(MOODLE[1], name=name)


def test_the_list_has_a_column_for_each_notebook_and_for_lateness():
    late = [replace(r, notebooks=[replace(n, factor=0.5, late="Late.") for n in r.notebooks]) for r in CLASS[:1]]
    head, first = re.findall(r"<tr.*?</tr>", overview.render_page(late + CLASS[1:]), re.DOTALL)[:2]
    assert re.findall(r"<button[^>]*>(.*?)</button>", head) == ["Student", "Total", "05_ddpm", "06_unet", "Late"]
    values = [float(v) for v in re.findall(r'data-value="([^"]*)"', first)]
    assert values == [late[0].total, *(n.earned for n in late[0].notebooks), late[0].total]
    assert "05_ddpm: Late. 06_unet: Late." in first
    many = made_up_class(2, ("01_mle", "02_autoregressive", "03_vae", "05_ddpm", "06_unet"))
    assert '<button title="05_ddpm">05</button>' in overview.render_page(many)


def test_pages_go_back_under_the_platforms_own_names():
    pages = {r.student: f"page of {r.student}" for r in MOODLE}
    nothing = replace(CLASS[0], student="boli_13", ids={"canvas": "13"})  # Canvas has no upload of theirs
    with zipfile.ZipFile(io.BytesIO(feedback.pack_zip(pages, [*MOODLE[:2], nothing]))) as z:
        assert z.namelist() == [f"{r.student}_assignsubmission_file_/feedback.html" for r in MOODLE[:2]]
        assert z.read(z.namelist()[1]).decode() == "page of Élodie Bo_5"
    for file, place in (("boli_LATE_13_34569_05_ddpm-1.ipynb", "boli_LATE_13_34569_feedback.html"),
                        ("13_34569_work.zip/05_ddpm.ipynb", "13_34569_feedback.html")):
        r = replace(CLASS[0], student="boli_13", ids={"canvas": "13"}, handed_in={"05_ddpm": HandInTime(file=file)})
        with zipfile.ZipFile(io.BytesIO(feedback.pack_zip({"boli_13": ""}, [r]))) as z:
            assert z.namelist() == [place]
    odd = [replace(CLASS[0], student=s, ids={}) for s in ("ada", "../x", "a/b", "..")]
    with zipfile.ZipFile(io.BytesIO(feedback.pack_zip({r.student: "" for r in odd}, odd))) as z:
        assert z.namelist() == ["ada/feedback.html", "--x/feedback.html", "a-b/feedback.html", "-/feedback.html"]


def test_pages_for_a_second_marker_name_nobody_and_keep_their_numbers(tmp_path):
    n = replace(CLASS[0].notebooks[0], reason="Élodie Bo_5/05_ddpm.ipynb counts.",
                answers={"ddpm.1": "I, élodie, say no."}, sources=[(3, "# by Elodie Bo, 5")])
    told = replace(MOODLE[1], notebooks=[n], notes=["'Élodie Bo' look alike."])
    class_ = [MOODLE[0], told, *MOODLE[2:]]
    report.write(tmp_path, class_, also=["anonymous"])
    pages = {p.name: p.read_text() for p in (tmp_path / "anonymous").iterdir()}
    assert pages.keys() == {"001.html", "002.html", "003.html", "004.html"}
    assert not re.findall("Élodie|Zhang|Ada Bell|Wei|élodie", "".join(pages.values()))
    key = dict(csv.reader((tmp_path / "anonymous.csv").open()))
    assert "say no" in pages[f"{key['Élodie Bo_5']}.html"] and f"Student {key['Élodie Bo_5']}" in pages[
        f"{key['Élodie Bo_5']}.html"]
    report.write(tmp_path, [*class_, CLASS[0]], also=["anonymous"])
    again = dict(csv.reader((tmp_path / "anonymous.csv").open()))
    assert again == {**key, CLASS[0].student: "005"}
    assert (tmp_path / "anonymous.csv").stat().st_mode & 0o077 == 0


def test_a_page_leads_to_the_cell_that_went_wrong(tmp_path):
    nb = ddpm()
    answer, cell = (next(i for i, c in enumerate(nb.cells) if c.metadata.get(word) == id) for word, id in
                    (("question", "ddpm.1"), ("task", "ddpm.q_sample")))
    nb.cells[answer].source, nb.cells[cell].source = f"Because.\n{PLACEHOLDER}", "def q_sample(self):\n    '<b>'"
    handed_in = read(FileContent("05_ddpm.ipynb", nbformat.writes(nb).encode()))
    wrong, right = TaskResult("ddpm.q_sample", 10, 0, "It is off."), TaskResult("ddpm.extract", 10, 10)
    n = grader._add_places(NotebookResult("05_ddpm", [wrong, right], stopped=[(1, "It stopped.")]), handed_in,
                           ["ddpm.1", "ddpm.2"])
    assert n.answers == {"ddpm.1": "Because.", "ddpm.2": ""} and n.tasks[0].cell == cell + 1
    assert [place for place, _ in n.sources] == [1, cell + 1]
    result = Result("ada", "", [n])
    save(result, tmp_path)
    assert load_all(tmp_path) == {"ada": result}
    page = report.render_student(result)
    assert f'<a href="#05_ddpm-{cell + 1}">Cell {cell + 1}</a>: It is off.' in page
    assert f'<pre id="05_ddpm-{cell + 1}"><code>def q_sample(self):\n    &#x27;&lt;b&gt;' in page
    assert '<a href="#05_ddpm-1">Cell 1</a>: It stopped.' in page and "Because." in page
