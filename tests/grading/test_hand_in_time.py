"""From a download to the grades: ids, late rules and names are those of the layout."""

import csv
import json
import zipfile
from dataclasses import replace

import nbformat
import pytest
from grading.classroom import QUICK, ddpm, hand_in, made_up_class

from course_utils import tasks
from course_utils.grading import grade, records
from course_utils.grading.intake import layouts

LATE = "percent_per_day = 10\n[due]\n05_ddpm = 2026-03-01T23:59:00Z\n"


def table(out):
    with open(out / "grades.csv", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_canvas_zip_with_a_late_a_resubmitted_and_a_broken_one(tmp_path):
    whole, wrong = nbformat.writes(ddpm()), nbformat.writes(ddpm(extract="return t"))
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lovelaceada_LATE_12_34567_05_ddpm.ipynb", whole)
        archive.writestr("liboç_13_34568_05_ddpm.ipynb", wrong)
        archive.writestr("liboç_13_34599_05_ddpm-1.ipynb", whole)
        archive.writestr("../../eve_14_34570_05_ddpm.ipynb", whole)
        archive.writestr("mallory_15_34571_work.zip", b"PK\5\6 no zip")
    (tmp_path / "late.toml").write_text(LATE)
    list(grade(tmp_path / "submissions.zip", tmp_path / "out", only="ddpm.extract", limits=QUICK,
               late=tmp_path / "late.toml"))
    points = tasks.get("ddpm.extract").points
    rows = table(tmp_path / "out")
    assert {s: (float(r["total"]), r["status"]) for s, r in rows.items()} == {
        "lovelaceada_12": (0.9 * points, "graded"), "liboç_13": (points, "graded"), "eve_14": (0, "incomplete"),
        "mallory_15": (0, "incomplete")}
    assert float(rows["lovelaceada_12"]["ddpm.extract"]) == points
    assert "10 % less" in rows["lovelaceada_12"]["reason"] and "34599" in rows["liboç_13"]["reason"]
    assert "leads out" in rows["eve_14"]["reason"] and "work.zip" in rows["mallory_15"]["reason"]
    assert {r.ids["canvas"] for r in records.load_all(tmp_path / "out/records").values()} == {"12", "13", "14", "15"}


def test_other_late_rules_change_grades_and_run_nothing(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", "ada/05_ddpm", "{}")
    (tmp_path / "in/ada/05_ddpm/timestamp.txt").write_text("2026-03-03 12:00:00.000000 UTC")
    (submission,) = layouts.find_submissions(tmp_path / "in").submissions
    found = replace(made_up_class(1, ("05_ddpm",))[0], student="ada", digest=submission.digest())
    records.save(found, tmp_path / "out/records")
    (tmp_path / "out/run.json").write_text(json.dumps(
        {"seed": 1, "only": None, "sandbox": False, "notebooks": ["05_ddpm"]}))
    monkeypatch.setattr("course_utils.grading.grader.Grader.__init__", None)  # nothing can be graded

    def again(rules):
        (tmp_path / "late.toml").write_text(rules)
        list(grade(tmp_path / "in", tmp_path / "out", resume=True, sandbox=False, late=tmp_path / "late.toml"))
        (page,) = (tmp_path / "out/students").glob("*.html")
        return float(table(tmp_path / "out")["ada"]["total"]), page.read_text()

    total, page = again(LATE)
    assert total == pytest.approx(0.8 * found.total)
    assert "Handed in 1 day 12 hours after it was due by timestamp.txt: 20 % less for 2 days begun." in page
    assert f"{found.total:g} points earned, {total:g} count." in page
    total, page = again(LATE + "[extensions]\nada = 1\n")
    assert total == pytest.approx(0.9 * found.total) and "after its extension ended" in page
    total, page = again(LATE + "[extensions]\nada = 2\n")
    assert total == found.total and "Handed in" not in page
    assert records.load_all(tmp_path / "out/records")["ada"].total == found.total
