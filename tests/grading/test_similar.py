"""Renamed copies are named, solutions written apart are not, and no student and no point ever hears of it."""

from __future__ import annotations

import csv
import importlib.util
import re
from itertools import combinations
from pathlib import Path

import nbformat
import pytest
from grading.classroom import submission, with_cell
from nbformat import NotebookNode

from course_utils import notebooks
from course_utils.authoring import bank
from course_utils.grading import grade, grader
from course_utils.grading.intake import submissions
from course_utils.grading.intake.submissions import FileContent
from course_utils.grading.records import NotebookResult, Result, TaskResult, save
from course_utils.grading.reports import report, similar

VARIANTS = Path(__file__).parents[1] / "variants"
SOURCES = {path.stem: path for path in notebooks.sources()}


def solutions(notebook: str, answers: dict[str, str]) -> str:
    """The student's own code, as the grader reads it from a notebook with these answers."""
    return own_code(notebook, submission(notebook, answers))


def own_code(notebook: str, nb: NotebookNode) -> str:
    cells = submissions.read(FileContent(f"{notebook}.ipynb", nbformat.writes(nb).encode()))
    return cells.read_solutions(grader.find_given_lines(notebooks.read(SOURCES[notebook])))


def written_apart(notebook: str) -> dict[str, dict[str, str]]:
    """The reference and the variants: the same tasks, solved in five ways."""
    found = {path.stem: {e.task: e.code for e in bank.read_bank(path)} for path in VARIANTS.glob(f"{notebook}_*.py")}
    return {"reference": {}, **found}


def renamed(code: str) -> str:
    """The code with other names, other blanks and a comment."""
    for name in set(re.findall(r"^\s*(\w+) = ", code, re.MULTILINE)):
        code = re.sub(rf"\b{name}\b", f"my_{name}", code)
    return "# all my own work\n" + code.replace(" * ", "*").replace("\n", "\n\n")


def of(notebook: str, texts: dict[str, str]) -> list[Result]:
    return [Result(name, "", [NotebookResult(notebook, [], solutions=text)]) for name, text in texts.items()]


@pytest.mark.parametrize("notebook", SOURCES)
def test_what_was_written_apart_is_far_below_the_threshold(notebook, monkeypatch):
    a_fifth = similar.ALIKE / 5
    monkeypatch.setattr(similar, "ALIKE", 0.0)
    monkeypatch.setattr(similar, "FEWEST", 1)
    texts = {name: solutions(notebook, answers) for name, answers in written_apart(notebook).items()}
    found = similar.find_pairs(of(notebook, texts), {})
    assert max([p.share for p in found], default=0) < a_fifth
    assert len(list(combinations(texts, 2))) == 10


@pytest.mark.parametrize("notebook", ["01_mle", "05_ddpm", "10_ode_likelihood"])
def test_renamed_copies_and_copies_of_half_are_listed_first(notebook):
    apart = written_apart(notebook)
    (original, answers), other = [(n, a) for n, a in apart.items() if n.endswith("loops")][0], {
        n: a for n, a in apart.items() if n.endswith("float64")}
    half = {t: renamed(c) if i % 3 else next(iter(other.values()))[t] for i, (t, c) in enumerate(answers.items())}
    texts = {name: solutions(notebook, a) for name, a in apart.items()}
    texts |= {"copy": solutions(notebook, {t: renamed(c) for t, c in answers.items()}),
              "half": solutions(notebook, half)}
    found = similar.find_pairs(of(notebook, texts), {})
    assert {p.first.student for p in found[:1]} | {p.second.student for p in found[:1]} == {original, "copy"}
    assert found[0].share > 0.9
    mine = {frozenset((p.first.student, p.second.student)) for p in found}
    assert {frozenset((original, "half")), frozenset(("copy", "half"))} <= mine
    assert all({"copy", "half"} & pair for pair in mine)


def test_what_everybody_writes_alike_is_no_sign():
    notebook = "05_ddpm"
    loops = next(a for n, a in written_apart(notebook).items() if n.endswith("loops"))
    everybody = {f"s{i}": solutions(notebook, {}) for i in range(20)}
    two = {"a": solutions(notebook, loops), "b": solutions(notebook, {t: renamed(c) for t, c in loops.items()})}
    (pair,) = similar.find_pairs(of(notebook, everybody | two), {})
    assert {pair.first.student, pair.second.student} == {"a", "b"}


def test_given_text_and_what_is_not_filled_in_is_no_work():
    unfilled = submission("05_ddpm", unfilled=list(written_apart("05_ddpm")["05_ddpm_loops"]))
    assert own_code("05_ddpm", unfilled) == ""
    text = own_code("05_ddpm", with_cell(with_cell(submission("05_ddpm"), "mine = 1", 3), "%%bash\nls"))
    assert "def q_sample" not in text and "# ddpm.q_sample" in text and "TODO" not in text
    head = "# a cell of their own\n"
    assert text.startswith(f"{head}mine = 1\n# ddpm.") and text.endswith(f"{head}%%bash\nls")
    assert "import" not in text and "plot" not in text  # of setup and demo cells


def test_an_earlier_report_is_compared_and_a_student_never_with_oneself():
    notebook = "05_ddpm"
    text = solutions(notebook, {})
    old = {"2025": of(notebook, {"ada": text, "zoe": text})}
    found = similar.find_pairs(of(notebook, {"ada": text}), old)
    assert [(p.first.student, p.second.student, p.second.report) for p in found] == [("ada", "zoe", "2025")]
    page = similar.render_page(found, {"ada": "Ada"})
    assert "Ada</a> · zoe (2025)" in page and "<mark>" in page


def test_the_page_is_the_instructors_alone_and_changes_no_point(tmp_path):
    text = solutions("05_ddpm", {}) + "\n# <script>alert(1)</script>"
    class_ = [Result(s, "", [NotebookResult("05_ddpm", [TaskResult("ddpm.extract", 5, 5)], solutions=text)])
              for s in ("ada", "ben")]
    report.write(tmp_path / "with", class_, also=["similar", "feedback", "anonymous"])
    report.write(tmp_path / "without", class_)
    assert "1 pair to look at" in (tmp_path / "with/index.html").read_text()
    assert "<script>alert" not in (tmp_path / "with/similar.html").read_text()
    assert not (tmp_path / "without/similar.html").exists()
    for name in ("grades.csv", *(f"students/{p.name}" for p in (tmp_path / "with/students").iterdir())):
        assert (tmp_path / "with" / name).read_text() == (tmp_path / "without" / name).read_text()
    with (tmp_path / "with/grades.csv").open() as file:
        assert "similar" not in "".join(csv.DictReader(file).fieldnames)


def test_a_missing_library_or_report_is_a_sentence_before_anything_is_graded(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="holds no records of an older report"):
        grade(tmp_path, tmp_path / "out", earlier=[tmp_path])
    save(Result("ada", "", []), tmp_path / "old/records")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install copydetect"):
        grade(tmp_path, tmp_path / "out", earlier=[tmp_path / "old"])
