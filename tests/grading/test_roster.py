"""A roster names who is missing and who is unknown, whatever exported it; a wrong one is refused."""

import csv

import pytest
from grading.classroom import ddpm, hand_in
from grading.test_layouts import FILE, put
from grading.test_runs import fake  # noqa: F401

from course_utils import cli
from course_utils.grading import grade
from course_utils.grading.intake import roster
from course_utils.grading.intake.layouts import find_submissions

CANVAS = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,05_ddpm (4711)
    Points Possible,,,,,100
"Lovelace, Ada",12,s1,ada@example.org,CS,
"Bell, José",13,s2,ben@example.org,CS,
"Cole, Cy",14,s3,cy@example.org,CS,
"Student, Test",99,,x,CS,
"""
MOODLE = """\
First name,Last name,ID number,Email address
Ada,Lovelace,s1,ada@example.org
José,Bell,s2,ben@example.org
Cy,Cole,s3,cy@example.org
"""
WORKSHEET = """\
Identifier;Full name;Email address;Status
Participant 12;Ada Lovelace;ada@example.org;Submitted
Participant 13;José Bell;ben@example.org;Submitted
Participant 14;Cy Cole;cy@example.org;No submission
"""
ROSTERS = {"canvas": CANVAS, "moodle": MOODLE, "worksheet": WORKSHEET, "ids": "ada\nben\ncy\n",
           "names": "ada,Ada Lovelace\nben,José Bell\ncy,Cy Cole\n", "header": "id,name\nada,Ada\nben,José Bell\ncy,\n",
           "one column": "student\nada\nben\ncy\n", "semicolons": "login;email\nada;a@b\nben;b@b\ncy;c@b\n"}
HANDED_IN = {
    "logins": ["ada/05_ddpm.ipynb", "ben/05_ddpm.ipynb", "eve/05_ddpm.ipynb"],
    "capitals": ["Ada/05_ddpm.ipynb", "BEN/05_ddpm.ipynb", "eve/05_ddpm.ipynb"],
    "Canvas": ["lovelaceada_12_901_05_ddpm.ipynb", "belljose\u0301_13_902_05_ddpm.ipynb", "evee_15_903_05_ddpm.ipynb"],
    "Moodle": [f"{name}{FILE}/05_ddpm.ipynb" for name in ("Ada Lovelace_12", "Jose\u0301 Bell_13", "Eve E_15")],
}
FIT = [(r, h) for r in ROSTERS for h in HANDED_IN
       if h in ("logins", "capitals") or r in ("canvas", "moodle", "worksheet")]


def held(tmp_path, text, paths):
    (tmp_path / "roster.csv").write_text(text)
    people = roster.read(tmp_path / "roster.csv")
    return roster.compare(find_submissions(put(tmp_path / "in", *paths)).submissions, people, tmp_path / "roster.csv")


@pytest.mark.parametrize(("kind", "handed_in"), FIT)
def test_who_is_missing_and_who_is_unknown_is_named(tmp_path, kind, handed_in):
    found, missing, notes = held(tmp_path, ROSTERS[kind], HANDED_IN[handed_in])
    assert [p.student[:2].lower() for p in missing] == ["cy"] or missing[0].student == "Cole, Cy"
    assert [s.notes for s in found if s.student.lower().startswith("eve")] == [
        ("roster.csv does not name this student.",)]
    assert sum(bool(s.notes) for s in found) == 1 and len(found) == 3
    assert "1 student from whom nothing has come" in notes[0] and "Not in roster.csv: 1 student" in notes[1]


def test_numbers_of_who_is_missing_are_kept_for_import_files(tmp_path):
    assert held(tmp_path, CANVAS, HANDED_IN["Canvas"])[1][0].ids == {"canvas": "14"}
    assert held(tmp_path, WORKSHEET, HANDED_IN["Moodle"])[1][0].ids == {"moodle": "14"}


def test_two_of_one_name_are_told_and_neither_is_taken(tmp_path):
    text = "student,login\nAda Bell,a1\nAda Bell,a2\nCy Cole,cy\n"
    _, missing, notes = held(tmp_path, text, ["Ada Bell/05_ddpm.ipynb", "cy/05_ddpm.ipynb"])
    assert [p.student for p in missing] == ["a1", "a2"] and "may be: Ada Bell" in notes[-1].replace(
        " 1 student and none is taken", "")


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody yet\n", "Student,ID,Section\n    Points Possible,,\n"])
def test_a_roster_of_nobody_is_refused(tmp_path, text):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(ValueError, match="names nobody"):
        roster.read(tmp_path / "roster.csv")


def test_another_classs_roster_is_refused_before_anything_is_graded(tmp_path, capsys):
    hand_in(tmp_path / "in", "ada", ddpm())
    (tmp_path / "roster.csv").write_text("zoe\nyusuf\n")
    words = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--roster", str(tmp_path / "roster.csv")]
    assert cli.main(words) == 2
    assert "names nobody of those who handed in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def rows(out):
    with open(out / "grades.csv", newline="") as file:
        return {row["student"]: (float(row["total"]), row["status"], row["reason"]) for row in csv.DictReader(file)}


def test_who_is_missing_has_a_row_until_something_comes(tmp_path, fake):  # noqa: F811
    hand_in(tmp_path / "in", "ada", ddpm())
    hand_in(tmp_path / "in", "eve", ddpm())
    (tmp_path / "roster.csv").write_text("ada\nben\n")
    said = []
    results = list(grade(tmp_path / "in", tmp_path / "out", roster=tmp_path / "roster.csv", say=said.append,
                         feedback=True, anonymous=True))
    assert {"feedback.zip", "anonymous.csv", "anonymous"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert {r.student: r.status for r in results} == {"ada": "graded", "eve": "graded", "ben": "incomplete"}
    assert rows(tmp_path / "out")["ben"] == (0, "incomplete", "Nothing was handed in.")
    assert said == ["roster.csv names 1 student from whom nothing has come: ben.",
                    "Not in roster.csv: 1 student who handed in: eve."]
    page = (tmp_path / "out/index.html").read_text()
    assert all(sentence in page for sentence in said)
    hand_in(tmp_path / "in", "ben", ddpm())
    list(grade(tmp_path / "in", tmp_path / "out", resume=True, say=said.append))
    assert rows(tmp_path / "out")["ben"][:2] == (10, "graded") and len(rows(tmp_path / "out")) == 3
    assert len(said) == 3  # and the roster is remembered


def test_a_resumed_run_sees_the_same_layout(tmp_path, fake):  # noqa: F811
    for student in ("A B_7", "C D_8"):
        hand_in(tmp_path / "in", student, ddpm())
    list(grade(tmp_path / "in", tmp_path / "out", layout="folders"))
    hand_in(tmp_path / "in", "E F_9", ddpm())
    assert [r.ids for r in grade(tmp_path / "in", tmp_path / "out", resume=True)] == [{}] * 3
    list(grade(tmp_path / "in", tmp_path / "out", resume=True, layout="folders"))  # said again
