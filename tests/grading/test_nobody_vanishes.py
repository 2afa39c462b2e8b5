"""Whatever was handed in is a row, or a sentence that names it; names that look alike are said."""

import json
import os
import unicodedata
import zipfile

import pytest
from grading.test_layouts import FILE, FIVE, cells, pack, put, students

from course_utils.grading.intake import archives, names
from course_utils.grading.intake.layouts import find_submissions
from course_utils.grading.records import make_file_name

NOTEBOOK = cells("ddpm-q_sample-todo", "ddpm-q_sample")
CLASS = {
    "folders": FIVE,
    "flat": [path.replace("/", "_") for path in FIVE],
    "moodle": [f"{path.split('/')[0].title()} L_{n}{FILE}/05_ddpm.ipynb" for n, path in enumerate(FIVE, 10)],
    "canvas": [f"{path.split('/')[0]}_{n}_{n + 900}_05_ddpm.ipynb" for n, path in enumerate(FIVE, 10)],
    "nbgrader": [f"submitted/{path.split('/')[0]}/ps1/05_ddpm.ipynb" for path in FIVE],
}
FIN = {"folders": ("fin/", "fin"), "flat": ("fin_", "fin"), "moodle": (f"Fin L_77{FILE}/", "Fin L_77"),
       "canvas": ("finl_77_999_", "finl_77"), "nbgrader": ("submitted/fin/ps1/", "fin")}


def by_student(seen):
    return {s.student: s for s in seen.submissions}


@pytest.mark.parametrize("name", ["05_ddpm.ipynb.txt", "05_ddpm.rar", "05_ddpm.7z", "05_ddpm.pdf", "05_ddpm.html",
                                  "05_ddpm.py", "05_ddpm.tar.gz", "05_ddpm.docx", "05_ddpm.ipynb.download"])
@pytest.mark.parametrize("layout", CLASS)
def test_a_file_of_the_wrong_kind_is_named_in_a_row(tmp_path, layout, name):
    before, student = FIN[layout]
    paths = [*CLASS[layout], before + name]
    for seen in (find_submissions(put(tmp_path / "in", *paths)), find_submissions(pack(tmp_path / "in.zip", *paths))):
        found = by_student(seen)
        assert len(found) == 6 and not found[student].notebooks
        assert any(name in sentence for sentence in found[student].unread)
        assert sum("05_ddpm" in s.notebooks for s in found.values()) == 5


@pytest.mark.parametrize("name", ["05_ddpm.ipynb.txt", "05_ddpm.json", "05_ddpm", "05_ddpm.txt", "05_ddpm.py"])
@pytest.mark.parametrize("layout", CLASS)
def test_a_notebook_under_another_name_is_graded(tmp_path, layout, name):
    before, student = FIN[layout]
    root = put(tmp_path / "in", *CLASS[layout], before + name)
    (root / (before + name)).write_text(NOTEBOOK)
    assert by_student(find_submissions(root))[student].notebooks["05_ddpm"].read().decode() == NOTEBOOK


def test_a_name_that_tells_nothing_is_known_by_its_cells_under_any_ending(tmp_path):
    root = put(tmp_path / "in", *FIVE, "fin/homework.json", "gus/data.json")
    (root / "fin/homework.json").write_text(NOTEBOOK)
    (root / "gus/data.json").write_text(json.dumps({"cells": 3}))
    found = by_student(find_submissions(root))
    assert list(found["fin"].notebooks) == ["05_ddpm"]
    assert found["gus"].unread == ("data.json is no notebook of the course.",)


def test_a_real_notebook_counts_over_a_later_one_under_another_name(tmp_path):
    root = put(tmp_path / "in", "ada/05_ddpm.ipynb", "ada/05_ddpm.ipynb.bak")
    (root / "ada/05_ddpm.ipynb.bak").write_text(NOTEBOOK)
    (ada,) = find_submissions(root).submissions
    assert ada.notebooks["05_ddpm"].name == "05_ddpm.ipynb" and "05_ddpm.ipynb.bak does not" in ada.notes[0]


def test_what_belongs_to_no_student_is_a_sentence(tmp_path):
    seen = find_submissions(put(tmp_path / "in", *FIVE, "notes.py", "timestamp.txt"))
    assert seen.notes == ["2 files belong to no student: timestamp.txt, notes.py."]
    assert find_submissions(put(tmp_path / "again", *FIVE)).notes == []
    odd = "ada_notes.txt", "ada.pdf", "sheet.md", "05_ddpm.pdf"
    flat = find_submissions(put(tmp_path / "flat", *CLASS["flat"], *odd))
    assert flat.notes == ["2 files belong to no student: 05_ddpm.pdf, sheet.md."] and len(flat.submissions) == 5


def test_what_lies_outside_of_a_wrapping_folder_is_a_sentence(tmp_path):
    course = ["submitted/ada/ps1/05_ddpm.ipynb", "source/ps1/05_ddpm.ipynb", "gradebook.db"]
    seen = find_submissions(put(tmp_path / "course", *course))
    assert seen.notes == ["Outside of submitted, this is left out: gradebook.db, source."]
    seen = find_submissions(pack(tmp_path / "in.zip", *(f"down/{p}" for p in FIVE), "read me.md"))
    assert len(seen.submissions) == 5 and seen.notes == ["Outside of down, this is left out: read me.md."]


def test_a_folder_around_a_class_makes_no_class_of_one(tmp_path):
    found = find_submissions(put(tmp_path / "in", *(f"week 3/{p}" for p in FIVE)))
    assert students(found).keys() == {p[:-14] for p in FIVE}
    assert students(find_submissions(put(tmp_path / "one", "ada/homework/05_ddpm.ipynb"))).keys() == {"ada"}


def test_a_layout_can_be_forced(tmp_path):
    root = put(tmp_path / "in", "A B_7/05_ddpm.ipynb", "C D_8/05_ddpm.ipynb")
    assert students(find_submissions(root, "folders")).keys() == {"A B_7", "C D_8"}
    assert "Moodle" in find_submissions(root).sentence
    assert [s.ids for s in find_submissions(root).submissions] == [{"moodle": "7"}, {"moodle": "8"}]
    assert [s.ids for s in find_submissions(root, "folders").submissions] == [{}, {}]
    stamped = put(tmp_path / "class", "ada/ps1/05_ddpm.ipynb", "ben/05_ddpm.ipynb", "cy/05_ddpm.ipynb")
    (stamped / "ada/ps1/timestamp.txt").write_text("2026-03-01 23:59:00 UTC")
    assert [by_student(find_submissions(stamped, layout))["ada"].handed_in["05_ddpm"].told_by for layout in
            ("folders", "nbgrader")] == ["file", "timestamp.txt"]


def test_of_many_files_of_other_kinds_a_few_are_listed(tmp_path):
    paths = [f"ada/pictures/{n:04}.png" for n in range(200)]
    pack(put(tmp_path / "in", "ben/05_ddpm.ipynb", *paths) / "cy.zip", *paths)
    listed = archives.list_entries(tmp_path / "in")
    assert sum(e.name.endswith(".png") for e in listed) == 2 * archives.MAX_OTHERS
    ada, ben, cy = find_submissions(tmp_path / "in").submissions
    for student, place in ((ada, "pictures"), (cy, "cy.zip")):
        assert student.unread[0] == f"{place} holds 150 more files of other kinds."
        assert student.unread[1].endswith("0004.png, 45 more are no notebooks of the course.")


def test_an_archive_behind_many_files_is_named(tmp_path):
    paths = [f"{n:04}.png" for n in range(60)]
    root = put(tmp_path / "in", "ben/05_ddpm.ipynb", *(f"ada/{p}" for p in paths), "ada/work.rar")
    pack(root / "cy.zip", *paths, "work.rar")
    ada, _, cy = find_submissions(root).submissions
    for student in (ada, cy):
        assert "work.rar is an archive that is not opened here; a zip file is." in student.unread


def test_what_is_hidden_has_a_row_or_a_sentence(tmp_path):
    names = [".ada/05_ddpm.ipynb", ".ben.zip", "cy/05_ddpm.ipynb", "cy/.old/05_ddpm.ipynb", "dee/05_ddpm.ipynb",
             ".git/config", ".DS_Store", "cy/.ipynb_checkpoints/05_ddpm-checkpoint.ipynb", "cy/._05_ddpm.ipynb"]
    for root in (put(tmp_path / "in", *names), pack(tmp_path / "in.zip", *names)):
        found = {s.student: s for s in find_submissions(root).submissions}
        assert found.keys() == {".ada", ".ben", "cy", "dee"}
        assert [found[name].unread for name in (".ada", ".ben", "cy", "dee")] == [
            (".ada is hidden, and is not looked into.",), (".ben.zip is hidden, and is not looked into.",),
            (".old is hidden, and is not looked into.",), ()]


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "Copy of 05_ddpm", "Copy_of_05_ddpm", "Kopie von 05_ddpm", "Kopie_von_05_ddpm", "Copie de 05_ddpm",
    "05_ddpm - Kopie", "05_ddpm - Copy (2)", "05_ddpm-Copy1", "05_ddpm (1)", "05_ddpm_copy", "05_ddpm_final_v2",
    "Copy of Copy of 05_ddpm", "my_05_ddpm", "05_ddpm-3"])
def test_a_copy_is_no_student(tmp_path, monkeypatch, name):
    root = put(tmp_path / "ada", f"{name}.ipynb")
    assert students(find_submissions(root)).keys() == {"ada"}
    monkeypatch.chdir(root)
    assert students(find_submissions(root.relative_to(root))).keys() == {"ada"}  # `course grade .`
    assert names.find_student(f"ben_{name}.ipynb") == "ben" or name[0] in "CKm"


@pytest.mark.parametrize(("name", "student"), [
    ("1234567_05_ddpm", "1234567"), ("05_ddpm_1234567", "1234567"), ("copycat_05_ddpm", "copycat"),
    ("Copy of ada_05_ddpm", "ada"), ("12_05_ddpm", "12"), ("05_ddpm_ada2", "ada2"), ("newton_05_ddpm", "newton")])
def test_a_student_with_an_odd_name_is_one(name, student):
    assert names.find_student(f"{name}.ipynb") == student


def test_one_letter_written_in_two_ways_is_one_student(tmp_path):
    two = [unicodedata.normalize(form, "José") for form in ("NFC", "NFD")]
    paths = [f"{two[0]}/05_ddpm.ipynb", f"{two[1]}/06_unet.ipynb", "ben/05_ddpm.ipynb"]
    for seen in (find_submissions(put(tmp_path / "in", *paths)), find_submissions(pack(tmp_path / "in.zip", *paths))):
        assert students(seen)[two[0]].keys() == {"05_ddpm", "06_unet"} and len(seen.submissions) == 2
        assert "look alike and are taken for one student" in by_student(seen)[two[0]].notes[0]


def test_blanks_around_a_name_make_no_second_student_and_capitals_do(tmp_path):
    paths = ["ada/05_ddpm.ipynb", "ada /06_unet.ipynb", "Ben/05_ddpm.ipynb", "ben/05_ddpm.ipynb"]
    seen = find_submissions(put(tmp_path / "in", *paths))
    assert students(seen).keys() == {"ada", "Ben", "ben"}
    assert by_student(seen)["ada"].notes == ("'ada' and 'ada ' look alike and are taken for one student.",)
    assert len(seen.notes) == 1 and "'Ben'" in seen.notes[0] and "are graded as 2 students" in seen.notes[0]


def test_names_are_sorted_as_people_sort_them():
    wanted = ["abe", "ada2", "ada10", "Ben", "Élodie", "Øre", "Zhang"]
    assert sorted(reversed(wanted), key=names.make_sort_key) == wanted


@pytest.mark.parametrize("name", ["05_ddpm.ipynb", "class.rar", "class.7z", "class.tar.gz"])
def test_a_file_that_is_no_class_is_a_sentence_that_helps(tmp_path, name):
    put(tmp_path, name)
    with pytest.raises(ValueError, match="name the folder"):
        find_submissions(tmp_path / name)


def test_a_time_in_windows_own_encoding_is_read(tmp_path):
    root = put(tmp_path / "in", "ada/ps1/05_ddpm.ipynb", "ben/ps1/05_ddpm.ipynb")
    for student, codec in (("ada", "utf-16"), ("ben", "utf-8-sig")):
        (root / student / "ps1/timestamp.txt").write_text("2026-03-01 23:59:00 UTC\r\n", encoding=codec)
    times = [s.handed_in["05_ddpm"].time for s in find_submissions(root).submissions]
    assert times == ["2026-03-01T23:59:00+00:00"] * 2


def test_an_empty_folder_is_a_row(tmp_path):
    root = put(tmp_path / "in", *FIVE)
    os.mkdir(root / "fin")
    with zipfile.ZipFile(root / "gus.zip", "w"):
        pass
    assert {"fin", "gus"} < students(find_submissions(root)).keys()


@pytest.mark.parametrize("folders, said", [
    (["ada", "ada\u200b", "ada (2)"], "told apart by numbers"),
    (["ada!!!!+!.+.+!", "ada!..+.!..!!."], "its record would have the name of another's")])  # made for their digests
def test_no_two_share_a_record(tmp_path, folders, said):
    seen = find_submissions(put(tmp_path, *(f"{folder}/05_ddpm.ipynb" for folder in folders)))
    assert len({make_file_name(s) for s in by_student(seen)}) == len(seen.submissions) == len(folders)
    assert len({*by_student(seen)} & {*folders}) == len(folders) - 1
    assert any(said in note for note in seen.notes)
