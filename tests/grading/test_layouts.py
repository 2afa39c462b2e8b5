"""The layouts in which a class's work comes: whose a file is, which notebook it is, and which of several counts."""

import io
import json
import os
import zipfile

import pytest

from course_utils.grading.intake import claims
from course_utils.grading.intake.layouts import find_submissions
from course_utils.grading.intake.names import find_notebook
from course_utils.grading.intake.submissions import StudentNotebook

FILE = "_assignsubmission_file_"


def put(root, *paths):
    for n, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{n}")
        os.utime(file, (1_700_000_000 + n, 1_700_000_000 + n))
    return root


def pack(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(name, f"{n}")
    return path


def students(seen):
    """Each student's notebooks, by the path of the file that counts."""
    return {s.student: {n: "/".join(e.path) for n, e in s.notebooks.items()} for s in seen.submissions}


ONE = {"05_ddpm": "ada/05_ddpm.ipynb"}
MOODLE = {"Ada Lovelace_123456": {"05_ddpm": f"Ada Lovelace_123456{FILE}/05_ddpm.ipynb"}}
LAYOUTS = {
    "folders": (["ada/05_ddpm.ipynb", "ben/x.txt", "ben.txt"], "a folder per student", {"ada": ONE, "ben": {}}),
    "deeper": (["ada/homework/05_ddpm.ipynb", "ben/06_unet.ipynb"], "a folder per student",
               {"ada": {"05_ddpm": "ada/homework/05_ddpm.ipynb"}, "ben": {"06_unet": "ben/06_unet.ipynb"}}),
    "flat": (["ada_05_ddpm.ipynb", "05_ddpm-ben.ipynb", "cy 05_ddpm (1).ipynb", "ada_06_unet-2.ipynb"],
             "a flat folder of notebooks",
             {"ada": {"05_ddpm": "ada_05_ddpm.ipynb", "06_unet": "ada_06_unet-2.ipynb"},
              "ben": {"05_ddpm": "05_ddpm-ben.ipynb"}, "cy": {"05_ddpm": "cy 05_ddpm (1).ipynb"}}),
    "flat-number": (["x_12_05_ddpm.ipynb"], "a flat folder", {"x_12": {"05_ddpm": "x_12_05_ddpm.ipynb"}}),
    "moodle": ([f"Ada Lovelace_123456{FILE}/05_ddpm.ipynb", "Bo Li_7_assignsubmission_onlinetext/onlinetext.html"],
               "a download from Moodle", {**MOODLE, "Bo Li_7": {}}),
    "moodle-flat": ([f"Ada Lovelace_123456{FILE}05_ddpm.ipynb"], "a download from Moodle",
                    {"Ada Lovelace_123456": {"05_ddpm": f"Ada Lovelace_123456{FILE}05_ddpm.ipynb"}}),
    "moodle-short": (["Ada Lovelace_123456/05_ddpm.ipynb"], "a download from Moodle",
                     {"Ada Lovelace_123456": {"05_ddpm": "Ada Lovelace_123456/05_ddpm.ipynb"}}),
    "moodle-group": ([f"Default group{FILE}/05_ddpm.ipynb"], "a download from Moodle",
                     {"Default group": {"05_ddpm": f"Default group{FILE}/05_ddpm.ipynb"}}),
    "canvas": (["lovelaceada_12_34567_05_ddpm.ipynb", "lovelaceada_12_34568_06_unet-1.ipynb",
                "liboç_LATE_13_34569_05_ddpm-1.ipynb", "anon_a1B2c_34570_05_ddpm.ipynb"], "a download from Canvas",
               {"lovelaceada_12": {"05_ddpm": "lovelaceada_12_34567_05_ddpm.ipynb",
                                   "06_unet": "lovelaceada_12_34568_06_unet-1.ipynb"},
                "liboç_13": {"05_ddpm": "liboç_LATE_13_34569_05_ddpm-1.ipynb"},
                "anon_a1B2c": {"05_ddpm": "anon_a1B2c_34570_05_ddpm.ipynb"}}),
    "nbgrader": (["ada/ps1/05_ddpm.ipynb", "ada/ps1/timestamp.txt", "ben/ps1/05_ddpm.ipynb", "ben/ps1/timestamp.txt"],
                 "nbgrader's tree",
                 {"ada": {"05_ddpm": "ada/ps1/05_ddpm.ipynb"}, "ben": {"05_ddpm": "ben/ps1/05_ddpm.ipynb"}}),
    "course": (["submitted/ada/ps1/05_ddpm.ipynb", "source/ps1/05_ddpm.ipynb"], "nbgrader's tree",
               {"ada": {"05_ddpm": "ada/ps1/05_ddpm.ipynb"}}),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_layout_is_recognised_as_folder_and_as_zip(tmp_path, case):
    paths, what, wanted = LAYOUTS[case]
    folder = find_submissions(put(tmp_path / "in", *paths))
    archive = find_submissions(pack(tmp_path / "in.zip", *paths))
    assert students(folder) == wanted
    assert students(archive) == wanted
    assert what in folder.sentence and what in archive.sentence and f"{len(wanted)} student" in folder.sentence


FIVE = [f"{name}/05_ddpm.ipynb" for name in ("ada", "ben", "cy", "dee", "eva")]


@pytest.mark.parametrize("odd, student", [
    (f"x{FILE}05_ddpm.ipynb", "x_assignsubmission_file"), ("x y_7/05_ddpm.ipynb", "x y_7"),
    ("submitted/05_ddpm.ipynb", "submitted"), ("x_1_2_05_ddpm.ipynb", "x_1_2"), ("x_05_ddpm.ipynb", "x")])
@pytest.mark.parametrize("form", ["folders", "flat"])
def test_one_entry_among_others_decides_no_layout(tmp_path, odd, student, form):
    paths = FIVE if form == "folders" else [path.replace("/", "_") for path in FIVE]
    folder, archive = put(tmp_path / "in", *paths, odd), pack(tmp_path / "in.zip", *paths, odd)
    for seen in map(find_submissions, (folder, archive)):
        assert students(seen).keys() == {"ada", "ben", "cy", "dee", "eva", student}
        assert all(students(seen).values())


def test_in_a_students_own_archive_the_archives_time_counts(tmp_path):
    put(tmp_path / "in", "ben/ps1/05_ddpm.ipynb", "ben/ps1/timestamp.txt", "ada/readme.zip")
    with zipfile.ZipFile(tmp_path / "in/ada/work.zip", "w") as archive:
        archive.writestr("timestamp.txt", "2001-01-01 00:00:00 UTC")
        for name, year in (("old/05_ddpm.ipynb", 2001), ("new/05_ddpm.ipynb", 2002)):
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), "{}")
    os.utime(tmp_path / "in/ada/work.zip", (1_700_000_500, 1_700_000_500))
    for layout in ("in", "submitted"):
        (tmp_path / "in").rename(tmp_path / layout)
        ada = find_submissions(tmp_path / layout).submissions[0]
        assert ada.handed_in["05_ddpm"].when.timestamp() == 1_700_000_500
        assert ada.notebooks["05_ddpm"].path[-2] == "new"


def test_what_is_carried_was_read_once_and_is_what_the_digest_is_of(tmp_path):
    (one,) = find_submissions(put(tmp_path / "in", "ada/05_ddpm.ipynb", "ada/06_unet.ipynb")).submissions
    before, carried = one.digest(), one.load_contents(["05_ddpm"])
    (tmp_path / "in/ada/05_ddpm.ipynb").write_text("a neighbour's")
    assert carried.digest() == carried.load_contents(["05_ddpm"]).digest() == before != one.digest()
    assert {n: f.read() for n, f in carried.notebooks.items()} == {"05_ddpm": b"0"}


@pytest.mark.parametrize("case", ["moodle", "canvas", "deeper"])
def test_one_folder_around_all_of_a_zip_is_looked_through(tmp_path, case):
    paths, _, wanted = LAYOUTS[case]
    assert students(find_submissions(pack(tmp_path / "in.zip", *(f"downloaded/{p}" for p in paths)))) == wanted


def test_one_student_alone(tmp_path):
    assert students(find_submissions(put(tmp_path / "ada", "05_ddpm.ipynb"))) == {"ada": {"05_ddpm": "05_ddpm.ipynb"}}
    assert students(find_submissions(pack(tmp_path / "in.zip", "ada/05_ddpm.ipynb"))) == {"ada": ONE}


def test_students_hand_in_zips(tmp_path):
    root = put(tmp_path / "in", f"Bo Li_7{FILE}/05_ddpm.ipynb")
    (root / f"Ada Lovelace_123456{FILE}").mkdir()
    pack(root / f"Ada Lovelace_123456{FILE}/work.zip", "my work/05_ddpm.ipynb")
    found = find_submissions(root).submissions
    assert [s.student for s in found] == ["Ada Lovelace_123456", "Bo Li_7"]
    assert found[0].notebooks["05_ddpm"].read() == b"0"
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        inner = io.BytesIO()
        pack(inner, "05_ddpm.ipynb")
        archive.writestr("lovelaceada_12_34567_work.zip", inner.getvalue())
        archive.writestr("boli_13_34568_05_ddpm.ipynb", "{}")
    found = find_submissions(tmp_path / "class.zip").submissions
    assert {s.student: list(s.notebooks) for s in found} == {"boli_13": ["05_ddpm"], "lovelaceada_12": ["05_ddpm"]}
    folder = put(tmp_path / "zips", "ben/x.txt")
    pack(folder / "ada.zip", "05_ddpm.ipynb")
    assert students(find_submissions(folder)) == {"ada": {"05_ddpm": "ada.zip/05_ddpm.ipynb"}, "ben": {}}


def test_numbers_and_marks_are_kept_for_import_files(tmp_path):
    found = find_submissions(put(tmp_path / "canvas", *LAYOUTS["canvas"][0])).submissions
    assert [s.ids for s in found] == [{"canvas": "anon_a1B2c"}, {"canvas": "13"}, {"canvas": "12"}]
    assert [s.handed_in["05_ddpm"].late for s in found] == [False, True, False]
    found = find_submissions(put(tmp_path / "moodle", *LAYOUTS["moodle"][0])).submissions
    assert [s.ids for s in found] == [{"moodle": "123456"}, {"moodle": "7"}]
    assert found[0].handed_in["05_ddpm"].when is None  # the times in the download are those of the download


def test_nbgraders_time_counts_and_a_broken_one_is_no_time(tmp_path):
    root = put(tmp_path / "in", *(f"{s}/ps1/05_ddpm.ipynb" for s in ("ada", "ben", "cy")))
    (root / "ada/ps1/timestamp.txt").write_text("2026-03-01 23:59:00.123456 UTC\n")
    (root / "ben/ps1/timestamp.txt").write_text("yesterday")
    (root / "cy/ps1/timestamp.txt").write_bytes(b"\xff" * 5000)
    ada, ben, cy = (s.handed_in["05_ddpm"] for s in find_submissions(root).submissions)
    assert (ada.time, ada.told_by) == ("2026-03-01T23:59:00.123456+00:00", "timestamp.txt")
    assert (ben.when, ben.told_by, ben.said) == (None, "timestamp.txt", "yesterday")
    assert cy.when is None and "cannot be read" in cy.said


@pytest.mark.parametrize("name", ["05_ddpm.ipynb", "05_ddpm (1).ipynb", "05_ddpm-2.ipynb", "Copy of 05_ddpm.ipynb",
                                  "05_ddpm_solved.ipynb", "05_ddpm-Copy1.ipynb", "05 ddpm.ipynb", "my_05-DDPM.IPYNB"])
def test_a_renamed_notebook_is_known(name):
    assert find_notebook(name) == "05_ddpm"


@pytest.mark.parametrize("name", ["ddpm.ipynb", "105_ddpm.ipynb", "05_ddpms.ipynb", "05_ddpm and 06_unet.ipynb"])
def test_other_names_tell_nothing(name):
    assert find_notebook(name) is None


def cells(*ids, grade=False):
    return json.dumps({"cells": [{"cell_type": "code", "source": "", "id": "x" if grade else id,
                                  "metadata": {"nbgrader": {"grade_id": id}} if grade else {}} for id in ids]})


def test_a_name_that_tells_nothing_is_known_by_its_cells(tmp_path):
    root = put(tmp_path / "in", "ada/a.ipynb", "ada/b.ipynb", "ada/c.ipynb", "ada/d.ipynb")
    (root / "ada/a.ipynb").write_text(cells("text-1", "ddpm-q_sample-todo", "ddpm-q_sample", "unet-x"))
    (root / "ada/b.ipynb").write_text(cells("unet-x", grade=True))
    (root / "ada/c.ipynb").write_text(cells("text-1", "setup-1"))
    assert students(find_submissions(root)) == {"ada": {"05_ddpm": "ada/a.ipynb", "06_unet": "ada/b.ipynb"}}
    assert find_submissions(root).submissions[0].notes == ()


def test_a_student_cannot_bring_a_time_along(tmp_path):
    root = put(tmp_path / "in", "ada/x/05_ddpm.ipynb", "ben/05_ddpm.ipynb", "cy/05_ddpm.ipynb")
    (root / "ada/x/timestamp.txt").write_text("2000-01-01 00:00:00 UTC")
    (root / "ben/timestamp.txt").write_text("2000-01-01 00:00:00 UTC")
    assert [s.handed_in["05_ddpm"].told_by for s in find_submissions(root).submissions] == ["file"] * 3


LATER = {
    "by-time": (["ada/05_ddpm (1).ipynb", "ada/05_ddpm.ipynb"], "ada/05_ddpm.ipynb"),
    "canvas": (["a_12_34569_05_ddpm.ipynb", "a_12_34568_05_ddpm-1.ipynb"], "a_12_34569_05_ddpm.ipynb"),
    "counter": ([f"A B_1{FILE}/05_ddpm-2.ipynb", f"A B_1{FILE}/05_ddpm.ipynb"], f"A B_1{FILE}/05_ddpm-2.ipynb"),
    "married": ([f"A B_1{FILE}/05_ddpm.ipynb", f"A C_1{FILE}/05_ddpm-1.ipynb"], f"A C_1{FILE}/05_ddpm-1.ipynb"),
}


@pytest.mark.parametrize("case", LATER)
def test_of_two_files_the_later_counts_and_both_are_named(tmp_path, case):
    paths, later = LATER[case]
    (student,) = find_submissions(put(tmp_path / "in", *paths)).submissions
    assert "/".join(student.notebooks["05_ddpm"].path) == later
    (note,) = student.notes
    assert all(p in note for p in paths) and f"{later} counts" in note


def test_a_file_that_cannot_be_read_never_counts_over_one_that_can(tmp_path):
    root = put(tmp_path / "in", f"Ada Lovelace_123456{FILE}/05_ddpm.ipynb")
    (root / f"Ada Lovelace_123456{FILE}/05_ddpm (9).ipynb").symlink_to("/etc/passwd")
    assert students(find_submissions(root)) == MOODLE


def test_hostile_names_are_students_like_others(tmp_path):
    names = ['=1+1,"<b>', "\udce9", "..x", "a\nb", "A", "a"]
    root = put(tmp_path / "in", *(f"{n}/05_ddpm.ipynb" for n in names if n != "..x"))
    assert {s.student for s in find_submissions(root).submissions} == set(names) - {"..x"}
    found = find_submissions(pack(tmp_path / "in.zip", "../x/05_ddpm.ipynb", "ben/05_ddpm.ipynb")).submissions
    assert [(s.student, s.notebooks["05_ddpm"].refused) for s in found] == [
        ("ben", ""), ("x", "has a path that leads out of its folder")]


def test_a_thousand_members_and_a_broken_zip_are_one_students_matter(tmp_path):
    root = put(tmp_path / "in", "ben/05_ddpm.ipynb", *(f"cy/{i}.ipynb" for i in range(1000)))
    (root / "ada").mkdir()
    (root / "ada/work.zip").write_bytes(b"no zip")
    ada, ben, cy = find_submissions(root).submissions
    assert ada.notebooks == cy.notebooks == {} and ada.unread == ("work.zip is no zip file, or an incomplete one.",)
    assert list(ben.notebooks) == ["05_ddpm"]


def test_a_reason_stays_short_and_no_two_have_one_id(tmp_path):
    many = [f"A B_1{FILE}/05_ddpm ({i}).ipynb" for i in range(30)]
    (student,) = find_submissions(put(tmp_path / "many", *many)).submissions
    assert student.notes[0].startswith("30 files are 05_ddpm: ") and student.notes[0].endswith("24 more do not.")
    assert "(29).ipynb counts" in student.notes[0]
    moodle = [f"{name}{FILE}/05_ddpm.ipynb" for name in ("Ada_1", "Bo_2", "Cy_3")]
    stray = put(tmp_path / "stray", *moodle, "Ada_1/05_ddpm.ipynb", "1/05_ddpm.ipynb")
    assert [s.student for s in find_submissions(stray).submissions] == ["1", "Ada_1", "Ada_1 (2)", "Bo_2", "Cy_3"]


def test_nothing_to_grade_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="There is no submission in"):
        find_submissions(put(tmp_path / "in", "notes.txt"))


def test_a_sign_that_is_not_seen_makes_no_second_student_of_a_name(tmp_path):
    hidden = put(tmp_path / "in", "ada/05_ddpm.ipynb", "a\u200bda/05_ddpm.ipynb", "ben/05_ddpm.ipynb")
    assert [s.student for s in find_submissions(hidden).submissions] == ["ada", "a\u200bda (2)", "ben"]


def test_few_files_without_a_name_are_opened_and_only_small_ones(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(claims, "read", lambda file, most: opened.append((file.name, most)) or StudentNotebook([]))
    put(tmp_path / "in", *(f"ada/work{n}.ipynb" for n in range(9)))
    assert [s.notebooks for s in find_submissions(tmp_path / "in").submissions] == [{}]
    assert opened == [(f"work{n}.ipynb", 5 << 20) for n in range(5)]
