"""The figures about tasks are those of the books, and runs are kept from one to the next."""

from __future__ import annotations

import csv

import pytest
from grading.classroom import made_up_class
from scipy import stats

from course_utils.grading.records import UNMARKED, NotebookResult, Result, TaskResult
from course_utils.grading.reports import items, overview, report


def student(name, *earned, reason=""):
    return Result(name, "", [NotebookResult("nb", [TaskResult(f"t.{i}", 10, p) for i, p in enumerate(earned)], reason)])


def test_discrimination_is_the_point_biserial_correlation_with_the_rest():
    class_ = made_up_class(40)
    found = items.compute_discrimination(class_)
    for notebook in ("05_ddpm", "06_unet"):
        handed_in = [n for r in class_ for n in r.notebooks if n.notebook == notebook and not n.reason]
        for task in {t.task for n in handed_in for t in n.tasks}:
            right = [next(t.right for t in n.tasks if t.task == task) for n in handed_in]
            rest = [sum(t.earned for t in n.tasks if t.task != task) for n in handed_in]
            if all(right):
                assert task not in found
            else:
                assert found[task] == pytest.approx(stats.pointbiserialr(right, rest).statistic)


def test_a_task_that_the_good_ones_miss_is_below_nothing_and_shown_so():
    class_ = [student(str(i), 10 * (i >= 5), 10 * (i >= 5), 10 * (i < 5)) for i in range(10)]
    assert items.compute_discrimination(class_) == pytest.approx({"t.2": -1})  # of the others, all have the rest alike
    assert '<i class="low">r −1.00</i>' in overview.render_page(class_)
    assert items.compute_discrimination(class_[:9]) == {}  # too few


def test_missing_notebooks_and_answers_without_a_mark_do_not_count():
    class_ = [student(str(i), 10 * (i % 2), 10 * (i % 3 > 0)) for i in range(12)]
    waiting = [Result(r.student, "", [NotebookResult("nb", [*r.notebooks[0].tasks, TaskResult(
        "q.1", 5, 0, UNMARKED, question=True)])]) for r in class_]
    missing = [student(f"x{i}", 0, 0, reason="nb.ipynb is missing.") for i in range(5)]
    assert items.compute_discrimination([*waiting, *missing]) == items.compute_discrimination(class_)
    assert items.correlate([(1, 2), (1, 3)]) is None


def test_runs_are_kept_where_something_has_changed(tmp_path):
    path, first, second = tmp_path / items.TREND, [student("a", 10, 0), student("b", 0, 0)], [student("a", 10, 10)]
    assert items.update_trend(path, first) == {"t.0": [0.5], "t.1": [0.0]}
    before = path.read_text()
    assert items.update_trend(path, first) == {"t.0": [0.5], "t.1": [0.0]} and path.read_text() == before
    path.write_text(before.replace("20", "19", 1).replace("\n20", "\n19"))  # an earlier time
    assert items.update_trend(path, second) == {"t.0": [0.5, 1.0], "t.1": [0.0, 1.0]}
    with path.open() as file:
        assert [row["right"] for row in csv.DictReader(file)] == ["1", "0", "1", "1"]
    assert "run by run: 50%, 100%" in overview.render_page(second, trend={"t.0": [0.5, 1.0]})


def test_a_report_keeps_its_runs(tmp_path):
    report.write(tmp_path, [student("a", 0)])
    path = tmp_path / items.TREND
    path.write_text(path.read_text().replace("\n20", "\n19") + "what,is,this\n\"never closed\n")
    report.write(tmp_path, [student("a", 10)])
    page = (tmp_path / "index.html").read_text()
    assert "run by run: 0%, 100%" in page and '<polyline points="2.0,14.0 38.0,2.0"/>' in page
