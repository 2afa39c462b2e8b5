"""Given cells and what belongs to a notebook: a changed cell's definitions count, and what is missing is said."""

from __future__ import annotations

import csv
import sys

import pytest
from grading.classroom import QUICK, ddpm, hand_in, with_cell

from course_utils import notebooks
from course_utils.cells import fresh_notebook
from course_utils.grading import grade, records
from course_utils.grading.causes import find_common_causes
from course_utils.grading.intake.archives import Unreadable
from course_utils.grading.intake.submissions import FileContent, GivenCells, read
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.reports.page import visible
from course_utils.grading.reports.report import render_student
from course_utils.grading.rooms.stage import stage
from course_utils.grading.rooms.work import PARTLY, Work
from course_utils.released import digest

HELPER = """
from course_utils.plot import grid
pictures = grid(data.mnist("train"))
first = pictures[0]
def mixed(diffusion, x_start, t, noise):
    tables = diffusion.sqrt_alphas_cumprod, diffusion.sqrt_one_minus_alphas_cumprod
    a, b = (table[t].reshape(-1, *[1] * (x_start.dim() - 1)) for table in tables)
    return a * x_start + b * noise
"""


def code(nb, text):
    """The code cell in which `text` stands."""
    return next(c for c in nb.cells if c.cell_type == "code" and text in c.source)


def corrected_in_a_check_cell():
    nb = ddpm(q_sample="return x_start")
    right, check = code(ddpm(), "def q_sample(").source, code(nb, 'check("ddpm.q_sample")')
    check.source = f"{right}\n\n{check.source}"
    return nb


def helper_in_a_demo_cell():
    nb = ddpm(q_sample="return mixed(self, x_start, t, noise)")
    code(nb, "from course_utils import data, plot").source += HELPER
    return nb


def another_editors():
    """Without ids and metadata, with other line ends and blanks, and an edit that only a formatter makes."""
    nb = ddpm()
    for cell in nb.cells:
        if "demo" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("    ", "\xa0\xa0\xa0\xa0").replace("\n", "  \r\n")
        cell.metadata = {}
        cell.pop("id")
    nb.nbformat_minor = 4
    return nb


def older():
    """Of a release that never was: a task less, a demo cell of its own, an id that is another cell's today."""
    nb = ddpm()
    nb.metadata.course.release = "0" * 8
    nb.cells = [c for c in nb.cells if c.metadata.get("task") != "ddpm.p_sample"]
    demo = next(c for c in nb.cells if "demo" in c.metadata.get("tags", []))
    demo.source = "def q_sample(*_): return 7\nGaussianDiffusion.q_sample = q_sample\nraise SystemExit"
    demo.metadata["released"] = digest(demo)
    return nb


def with_import(line):
    nb = ddpm()
    cell = code(nb, "import math")
    cell.source = cell.source.replace("import math\n", line)
    return nb


def with_a_demos_import():
    """What a given demo cell imports is there when a student's cell runs: numpy's asarray."""
    return ddpm(extract="return torch.from_numpy(asarray(a))[t].reshape(len(t), *[1] * (len(x_shape) - 1))")


def a_class_from_a_file():
    return ddpm(q_sample="from helpers import mixed\nreturn mixed(self, x_start, t, noise)")


AWAITS = "import asyncio\nasync def f():\n    return 7\nassert await f() == 7\nx = await asyncio.sleep(0, 7)"
CLASS = {"check": corrected_in_a_check_cell(), "demo": helper_in_a_demo_cell(), "editor": another_editors(),
         "older": older(), "no-math": with_import(""), "seaborn": with_import("import seabornish\nimport math\n"),
         "imported": with_a_demos_import(), "awaits": with_cell(ddpm(), AWAITS, 3), "file": a_class_from_a_file(),
         "no-file": a_class_from_a_file()}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The class, graded once."""
    folder = tmp_path_factory.mktemp("given")
    for student, notebook in CLASS.items():
        hand_in(folder / "in", student, notebook)
    (folder / "in/file/helpers.py").write_text(HELPER.partition("first = pictures[0]\n")[2])
    (folder / "in/file/torch.py").write_text("raise RuntimeError")
    list(grade(folder / "in", folder / "out", limits=QUICK, warm=True))
    return folder / "out"


@pytest.fixture
def graded(report):
    """Each student's (points, lost tasks by why), notebook and row in grades.csv."""
    found = records.load_all(report / "records")
    with open(report / "grades.csv", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    return {s: (r.total, {t.task: t.why for t in r.notebooks[0].tasks if not t.right}, r.notebooks[0], rows[s])
            for s, r in found.items()}


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_right_work_in_odd_places_has_full_marks(graded):
    right = "check", "demo", "editor", "imported", "awaits", "file"
    assert {s: (graded[s][0], graded[s][1], graded[s][2].stopped) for s in right} == dict.fromkeys(right, (100, {}, []))
    number = {s: 1 + [t in c.source for c in CLASS[s].cells].index(True)
              for s, t in {"check": 'check("ddpm.q_sample")', "demo": HELPER}.items()}
    assert {s: n.partly for s, (_, _, n, _) in graded.items() if n.partly} == {s: [n] for s, n in number.items()}
    assert graded["file"][2].notes == ["torch.py bears the name of a module that is there already, torch. It was not "
                                       "taken along."]


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_an_older_release_is_graded_by_its_task_ids(graded, report):
    points, lost, notebook, _ = graded["older"]
    assert points == 90 and notebook.outdated and notebook.release == "0" * 8 and notebook.partly == []
    assert lost == {"ddpm.p_sample": "This task is new: the notebook is of an older release, which does not have it."}
    assert not graded["check"][2].outdated and len(graded["check"][2].release) == 8
    (page,) = (report / "students").glob("older-*.html")
    assert "Release 00000000" in page.read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_what_is_missing_stands_in_the_table_the_class_report_and_first_on_the_page(graded, report):
    missing = "was neither handed in as a file nor is it installed."
    said = {"no-math": ["An import of the given cells is missing: `math`."],
            "no-file": [f"`helpers` is missing: ddpm.q_sample imports it, and it {missing}"],
            "seaborn": [f"`seabornish` is missing: cell 2 imports it, and it {missing}",
                        "An import of the given cells is missing: `F`, `method_of`, `nn`, `torch`. Cell 2 stopped: "
                        "It raised `ModuleNotFoundError`: No module named 'seabornish'"]}
    overview = (report / "index.html").read_text()
    for student, notes in said.items():
        (page,) = (report / "students").glob(f"{student}-*.html")
        shown = page.read_text()
        assert graded[student][2].notes == notes
        assert graded[student][3]["reason"] == " ".join(notes) and graded[student][3]["status"] == "graded"
        assert shown.index(visible(notes[0])) < shown.index("ddpm.cosine_beta_schedule")
        assert visible(" ".join(notes)) in overview
    assert graded["no-file"][0] == graded["no-math"][0] == 90


# ---- without a room ------------------------------------------------------------------------------------------------


@pytest.fixture
def nb(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return fresh_notebook("__main__")


def test_the_given_text_is_not_run_a_changed_cell_in_part_and_all_others_whole(nb):
    carried = digest({"cell_type": "code", "source": "a = show()"})
    work = Work.unpack(Work([], {1: "", 3: carried}, [digest({"cell_type": "code", "source": "b = 1"})]).pack())
    assert work.run(1, "b  =  1", nb).error is None and not hasattr(nb, "b")
    assert work.run(2, "b = 1 # mine", nb).error is None and not hasattr(nb, "b")
    assert work.run(3, "a = show( )", nb).error is None
    assert work.run(3, "c = absent\nd = 1\nshow()", nb).error == PARTLY and nb.d == 1
    assert work.run(1, "import absent\ndef e(): pass", nb).error == "ModuleNotFoundError" and nb.e
    assert work.run(1, "def (", nb).error == "SyntaxError"
    assert work.run(2, "f = [1]\ng = f[1]", nb).error == "IndexError" and nb.f


def test_modules_are_found_after_all_that_is_installed(tmp_path, monkeypatch, nb):
    monkeypatch.setattr(sys, "path", list(sys.path))
    Work([], files={"of_ada/nets.py": "x = 7", "torch.py": "raise RuntimeError"}).place_files(str(tmp_path))
    work = Work([])
    assert work.run(1, "import torch\nfrom of_ada.nets import x\nassert torch.nn", nb).error is None and nb.x == 7


def test_what_demo_cells_import_is_there_and_does_nothing(tmp_path):
    demo = "from course_utils import plot, zoo\nfrom course_utils.diffusion.samplers import sample as s\nimport math"
    library = stage(tmp_path / "room", "05_ddpm", demos=[demo]) / "course_utils"
    stand_in = (library / "plot.py").read_text()
    same = {p.relative_to(library).as_posix() for p in library.rglob("*.py") if p.read_text() == stand_in}
    assert same == {"plot.py", "zoo.py", "diffusion/__init__.py", "diffusion/samplers.py"}
    names = {}
    exec(stand_in, names)  # noqa: S102 (as an import would)
    grid = names["__getattr__"]("grid")
    assert list(grid(3, k=4).anything().more) == []
    with pytest.raises(AttributeError):
        names["__getattr__"]("__path__")


def test_forged_metadata_spares_no_cell_that_the_course_does_not_know(nb):
    """Whoever marks an own cell as given and adds its digest has it skipped: it is theirs to lose."""
    source = notebooks.read(notebooks.source_of("05_ddpm"))
    given = GivenCells.of(source)
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {"tags": "demo", "released": 7, "check": 1}}
    work = given.make_work([cell, {**cell, "metadata": {"released": "f" * 16}, "id": 3}])
    assert work.claimed == {1: ""} and [n for n, _ in work.cells] == [1, 2]


@pytest.mark.parametrize("metadata", ["[]", '{"course": 7}', '{"course": {"release": ["x"]}}',
                                      '{"course": {"release": "<script>"}}', '{"course": {"release": "12345678\\n"}}'])
def test_a_release_that_is_none_is_not_shown(metadata):
    assert read(FileContent("x.ipynb", f'{{"cells": [], "metadata": {metadata}}}'.encode())).release == ""
    with pytest.raises(Unreadable):
        read(FileContent("x.ipynb", b"[]"))


def test_the_page_names_the_cells_that_were_run_in_part():
    rows = [TaskResult("ddpm.q_sample", 10, 10)]
    page = render_student(Result("ada", "", [NotebookResult("05_ddpm", rows, partly=[3, 7], release="12ab34cd")]))
    assert "Cells 3, 7 are given, and changed here" in page and "Release 12ab34cd of the notebook.<" in page


def test_nothing_is_missing_where_nothing_was_lost():
    stopped = [(3, "It raised `ModuleNotFoundError`: No module named 'seaborn'")]
    right, wrong = TaskResult("ddpm.q_sample", 10, 10), TaskResult("ddpm.q_sample", 10, 0, "`x_t` is off.")
    assert find_common_causes([right], stopped, {"math"}) == []
    assert len(find_common_causes([right, wrong], stopped, {"math"})) == 1
    library = [(3, "It raised `ModuleNotFoundError`: No module named 'course_utils.models'")]
    assert find_common_causes([wrong], library, {"math"}) == []
