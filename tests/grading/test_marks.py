"""Marks given by hand count, survive a regrading untouched, and a bad line costs only itself."""

import csv
import io
from dataclasses import replace

import pytest
from grading.classroom import made_up_class

from course_utils.grading.records import UNFILLED, UNMARKED
from course_utils.grading.reports import marks, report
from course_utils.grading.reports.marks import HEADER

ONE = made_up_class(3, ("05_ddpm",))
ADA, BEN, EVE = (r.student for r in ONE)


def added(tmp_path, *lines, encoding="utf-8"):
    """The class with these lines in its marks file, and what was said about them."""
    (tmp_path / "marks.csv").write_text("\n".join([HEADER, *lines]), encoding=encoding)
    results, faults = marks.add(ONE, tmp_path / "marks.csv")
    return {r.student: r for r in results}, faults


def task(result, id):
    return next(t for n in result.notebooks for t in n.tasks if t.task == id)


def test_an_empty_file_with_an_example_is_made_once(tmp_path):
    assert marks.add(ONE, tmp_path / "marks.csv") == (ONE, [])
    assert (tmp_path / "marks.csv").read_text().startswith(f"{HEADER},answer\n#")


def test_a_mark_replaces_the_machines_and_both_are_told(tmp_path):
    before = task(ONE[0], "ddpm.q_sample").earned
    by, faults = added(tmp_path, f'{ADA},ddpm.q_sample,2.5,"Nearly, see me"')
    t = task(by[ADA], "ddpm.q_sample")
    assert (faults, t.earned, t.machine, t.comment) == ([], 2.5, before, "Nearly, see me")
    assert by[ADA].total == ONE[0].total - before + 2.5 and by[BEN] == ONE[1]
    page = report.render_student(by[ADA])
    assert "2.5 / 10" in page and f"the grader gave {before:g}" in page and "Nearly, see me" in page
    (row, *others) = csv.DictReader(io.StringIO(report.format_grades(list(by.values()))))
    assert row["ddpm.q_sample"] == "2.5"
    assert row["by hand"] == f"ddpm.q_sample 2.5 (not {before:g}): Nearly, see me" and not others[0]["by hand"]


def test_a_question_counts_for_everybody_once_it_has_a_mark(tmp_path):
    by, _ = added(tmp_path, f"{BEN},ddpm.2,4,Good")
    assert by[BEN].total == ONE[1].total + 4
    assert task(by[ADA], "ddpm.2").why == UNMARKED and not task(by[BEN], "ddpm.2").why
    assert by[BEN].max == ONE[1].max + 5 and by[ADA].max == ONE[0].max  # what is not marked yet is outside of the sum
    page = report.render_student(by[ADA])
    assert "not marked yet" in page and "– / 5" in page and "0 / 5" not in page


def answered(*texts, reason=""):
    """The first of the class, as one student for each answer to ddpm.1."""
    n = ONE[0].notebooks[0]
    return [replace(ONE[0], student=f"s{i}", notebooks=[replace(n, answers={"ddpm.1": text}, reason=reason)])
            for i, text in enumerate(texts)]


def test_the_file_is_made_with_a_line_for_each_answer_and_its_first_words(tmp_path):
    class_ = answered("=Because\nof the noise", "", "word " * 100)
    assert marks.add(class_, tmp_path / "marks.csv") == (class_, [])
    rows = [row for row in csv.reader((tmp_path / "marks.csv").open()) if not row[0].startswith("#")]
    assert rows[:3] == [["student", "id", "points", "comment", "answer"],
                        ["s0", "ddpm.1", "", "", "'=Because of the noise"], ["s1", "ddpm.1", "", "", "(no answer)"]]
    assert rows[3][4].startswith("word word") and len(rows[3][4]) < 110 and rows[3][4].endswith(" …")


def test_marking_is_to_fill_a_column(tmp_path):
    path = tmp_path / "marks.csv"
    marks.add(answered("yes", "", "perhaps"), path)
    path.write_text(path.read_text().replace("s0,ddpm.1,,,yes", "s0,ddpm.1,4,Good,yes"))
    results, faults = marks.add(answered("yes", "", "perhaps"), path)
    assert faults == [] and [(task(r, "ddpm.1").earned, task(r, "ddpm.1").why) for r in results] == [
        (4, ""), (0, UNFILLED), (0, UNMARKED)]
    assert [r.max - ONE[0].max for r in results] == [5, 5, 0]
    (missing,), _ = marks.add(answered("", reason="05_ddpm.ipynb is missing."), path)
    assert missing.max == ONE[0].max + 5


def test_answers_that_come_later_are_lines_beside_the_file(tmp_path):
    path = tmp_path / "marks.csv"
    marks.add(answered("yes"), path)
    before = path.read_text()
    _, (said,) = marks.add(answered("yes", "late"), path)
    assert said.startswith("marks-more.csv holds 1 answer that has no line") and path.read_text() == before
    more = (tmp_path / "marks-more.csv").read_text()
    path.write_text(before + more.replace("s1,ddpm.1,,", "s1,ddpm.1,3,"))
    results, faults = marks.add(answered("yes", "late"), path)
    assert faults == [] and task(results[1], "ddpm.1").earned == 3 and not (tmp_path / "marks-more.csv").exists()


def test_a_mark_for_a_notebook_replaces_its_sum(tmp_path):
    by, _ = added(tmp_path, f"{ADA},05_ddpm,33,", f"{BEN},05_ddpm,,Come and see me.")
    assert by[ADA].total == 33 and by[BEN].total == ONE[1].total
    assert "Marked by hand" in report.render_student(by[ADA])
    assert "Come and see me." in report.render_student(by[BEN])


@pytest.mark.parametrize(("line", "said"), [
    ("nobody,ddpm.1,3,", "no student 'nobody'"), (f"{ADA},ddpm.99,3,", "'ddpm.99'"), (f"{ADA},ddpm.1,ten,", "'ten'"),
    (f"{ADA},ddpm.1,-1,", "'-1'"), (f"{ADA},ddpm.1,nan,", "'nan'"), (f"{ADA},ddpm.1", HEADER),
    (f'{ADA},ddpm.1,3,"never closed', HEADER), (f"{ADA},ddpm.1,3,Good, but late", HEADER)])
def test_a_bad_line_is_named_and_the_rest_counts(tmp_path, line, said):
    by, (fault,) = added(tmp_path, f"{BEN},ddpm.1,3,", line, f'{EVE},ddpm.1,5,"Yes, why?"')
    assert fault.startswith("marks.csv, line 3: ") and said in fault
    assert (task(by[BEN], "ddpm.1").earned, task(by[EVE], "ddpm.1").earned) == (3, 5)
    assert task(by[ADA], "ddpm.1").why == UNMARKED


def test_of_two_lines_the_later_counts_and_both_are_named(tmp_path):
    by, (fault,) = added(tmp_path, f"{ADA},ddpm.1,3,", f"{ADA},ddpm.1,4,")
    assert task(by[ADA], "ddpm.1").earned == 4 and "lines 2 and 3" in fault


def test_what_spreadsheets_write_is_read(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(f'student;id;points;comment\r\n"{ADA}";ddpm.1;"3,5";"Schön;\r\nweiter"\r\n'.encode("cp1252"))
    results, faults = marks.add(ONE, path)
    t = task(results[0], "ddpm.1")
    assert (faults, t.earned, t.comment) == ([], 3.5, "Schön; weiter")


def test_a_file_that_is_no_text_is_one_sentence(tmp_path):
    by, faults = added(tmp_path, f"{ADA},ddpm.q_sample,2.5,", f"{BEN},ddpm.q_sample,2.5,", encoding="utf-16")
    assert faults == ["marks.csv is no text: save it as CSV, in UTF-8. No mark is counted."]
    assert list(by.values()) == ONE


def test_a_comment_cannot_run(tmp_path):
    by, _ = added(tmp_path, f"{ADA},ddpm.1,3,<script>alert(1)</script>", f"{BEN},ddpm.1,3,=1+1")
    assert "<script" not in report.render_student(by[ADA])
    rows = list(csv.reader(io.StringIO(report.format_grades(list(by.values())))))
    assert not any(cell.startswith("=") for row in rows for cell in row)
