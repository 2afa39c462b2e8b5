"""The files for Canvas and Moodle have the columns that those look for, in every corner of a name."""

import csv
import io
from dataclasses import replace

import pytest
from grading.classroom import made_up_class

from course_utils.grading.reports import gradebooks
from course_utils.grading.reports.gradebooks import Template

CLASS = made_up_class(4, ("05_ddpm",))
EXPORT = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Notes,05_ddpm (4711),Essay (12),ddpm.extract (99),Final
,,,,,,Manual Posting,,,
    Points Possible,,,,,,100.00,20.00,10.00,(read only)
"Lovelace, Ada",{canvas},s1,ada@example.org,"CS, section 1",,,15,,0
"Bell, Ben",22,s2,{login},CS,,,,,0
"Twin, Tom",23,s3,t1,CS,,,,,0
"Twin, Tom",24,s4,t2,CS,,,,,0
"Student, Test",25,,x,CS,,,,,0
"""


def table(text):
    return list(csv.reader(io.StringIO(text)))


def test_canvas_has_a_file_for_notebooks_and_one_for_tasks():
    files, notes = gradebooks.make_files(CLASS)
    head, possible, first, *others = table(files["canvas.csv"])
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "05_ddpm"]
    assert possible == ["Points Possible", "", "", "", "", "100"] and len(others) == 3 and not notes
    assert first == [CLASS[0].student, CLASS[0].ids["canvas"], "", CLASS[0].student, "", f"{CLASS[0].total:g}"]
    assert len(table(files["canvas-tasks.csv"])[0]) == 5 + len(CLASS[0].notebooks[0].tasks)


def test_moodle_has_percent_and_an_identifier_where_it_is_known():
    known = replace(CLASS[0], ids={"moodle": "123456"})
    head, first, second = table(gradebooks.make_files([known, CLASS[1]])[0]["moodle.csv"])
    assert head[:5] == ["Identifier", "Student", "Grade", "Last modified (grade)", "05_ddpm (%)"]
    assert head[5] == "ddpm.cosine_beta_schedule (%)" and head[-1] == "Feedback comments"
    assert first[0] == "Participant 123456" and not second[0] and second[1] == CLASS[1].student
    assert first[2] == f"{100 * known.total / known.max:g}" and all(0 <= float(x) <= 100 for x in first[4:-1])
    right = [t.right for t in known.notebooks[0].tasks]
    assert [float(x) for x in first[5:-1]] == [100 * r for r in right] and len(set(right)) == 2


@pytest.mark.parametrize("how", [{"factor": 0.9}, {"mark": 95.0}, {"factor": 0.5, "mark": 7.0}])
def test_the_columns_of_the_tasks_add_up_to_what_counts(how):
    late = [replace(r, notebooks=[replace(n, **how) for n in r.notebooks]) for r in CLASS]
    late[0] = replace(late[0], notebooks=[replace(n, tasks=[replace(t, earned=0) for t in n.tasks])
                                          for n in late[0].notebooks])
    files, _ = gradebooks.make_files(late)
    for r, row, line in zip(late, table(files["canvas-tasks.csv"])[2:], table(files["canvas.csv"])[2:], strict=True):
        assert float(line[5]) == pytest.approx(r.total)
        assert sum(map(float, row[5:])) == pytest.approx(r.total, abs=0.005 * len(row))  # two digits each


def test_a_name_is_quoted_and_no_formula():
    odd = [replace(CLASS[0], student=s, ids={}) for s in ("=1+1", 'Bell, "Ben"\nB', "@x")]
    for text in gradebooks.make_files(odd)[0].values():
        rows = table(text)
        assert len({len(row) for row in rows}) == 1
        assert not any(cell.startswith(("=", "@")) for row in rows for cell in row)
    assert 'Bell, "Ben" B' in [row[0] for row in table(gradebooks.make_files(odd)[0]["canvas.csv"])]


def filled(tmp_path, results, export=EXPORT):
    path = tmp_path / "export.csv"
    path.write_text(export.format(canvas=CLASS[0].ids["canvas"], login=CLASS[1].student), "utf-8")
    files, notes = gradebooks.make_files(results, Template(path))
    return table(files["canvas.csv"]), notes


def test_a_template_gives_titles_ids_and_students(tmp_path):
    tom = replace(CLASS[2], student="Tom Twin", ids={})
    ben = replace(CLASS[1], ids={})
    (head, possible, *rows), notes = filled(tmp_path, [CLASS[0], ben, tom])
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "05_ddpm (4711)", "ddpm.extract (99)"]
    assert possible == ["Points Possible", "", "", "", "", "100.00", "10.00"]
    assert [row[:5] for row in rows] == [
        ["Lovelace, Ada", CLASS[0].ids["canvas"], "s1", "ada@example.org", "CS, section 1"],
        ["Bell, Ben", "22", "s2", ben.student, "CS"]]
    assert [float(row[5]) for row in rows] == [CLASS[0].total, ben.total]
    assert notes == ["export.csv has no student 'Tom Twin'; not in canvas.csv."]


def test_a_template_is_told_apart_from_what_it_lacks(tmp_path):
    _, notes = filled(tmp_path, CLASS[:1], EXPORT.replace("100.00", "50"))
    assert notes == ["05_ddpm (4711) has 50 points in Canvas and 100 here; Canvas's are kept."]
    (head, *_), notes = filled(tmp_path, CLASS[:1], EXPORT.replace("05_ddpm", "x").replace("ddpm.extract", "y"))
    assert head[5:] == ["05_ddpm"] and "no assignment named 05_ddpm" in notes[0]
    twice = [CLASS[0], replace(CLASS[0], student="again")]
    assert "more than one submission" in filled(tmp_path, twice)[1][0]


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "student,total\n"])
def test_what_is_no_gradebook_is_refused(tmp_path, text):
    (tmp_path / "other.csv").write_text(text)
    with pytest.raises(ValueError, match="no gradebook exported by Canvas"):
        Template(tmp_path / "other.csv")
