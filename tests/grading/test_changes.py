"""What a changed rubric changes is told apart from other work, other points and other notebooks."""

import csv
import io
from dataclasses import replace

import pytest
from grading.classroom import made_up_class

from course_utils import tasks
from course_utils.grading import rubric
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.reports import changes
from course_utils.grading.reports.changes import DRAWS, HANDED_IN, POINTS, RUBRIC

NEW = made_up_class(5, ("05_ddpm",))
TASK = "ddpm.cosine_beta_schedule"  # solved by everybody


def edited(result, *, digest=None, rubric=None, **changed):
    """A result whose notebook, and task `TASK`, were something else before."""
    (n,) = result.notebooks
    done = [replace(t, **changed) if t.task == TASK else t for t in n.tasks]
    return replace(result, digest=digest or result.digest,
                   notebooks=[replace(n, tasks=done, rubric=rubric or n.rubric)])


def test_each_cause_is_named_and_sorted_by_size():
    old = [edited(NEW[0], rubric="x", earned=0), edited(NEW[1], digest="x", earned=9), NEW[2],
           edited(NEW[3], points=5, earned=5), edited(NEW[4], earned=2.5)]
    found = changes.compare(old, NEW)
    assert [(s, cause) for s, _, _, cause in found.list_students()] == [
        (NEW[0].student, RUBRIC), (NEW[4].student, DRAWS), (NEW[3].student, POINTS), (NEW[1].student, HANDED_IN)]
    ((task, counted),) = found.group_by_task()
    assert task == TASK and len(counted) == 3  # without the one who handed in anew
    lines = changes.describe(found)
    assert lines[0] == "Of 5 students in both reports, 4 gained and 0 lost points."
    assert f"{NEW[0].student}: " in lines[2] and "(+10), a changed task" in lines[2]
    assert len(list(csv.DictReader(io.StringIO(changes.format_table(found))))) == 4
    page = changes.render_page(found, {r.student: f"Student Number {i}" for i, r in enumerate(NEW)})
    assert [i for i in range(5) if f"Student Number {i}<" in page] == [0, 1, 3, 4]
    assert not any(r.student in page for r in NEW)


def test_what_stands_in_one_report_only_is_named():
    lacking = replace(NEW[1], notebooks=[replace(NEW[1].notebooks[0], notebook="06_unet")])
    found = changes.compare([NEW[0]], [lacking])
    assert found.only == [f"Only in the old report: 1 student, {NEW[0].student}.",
                          f"Only in this report: 1 student, {NEW[1].student}.",
                          "Only in the old report: 1 notebook, 05_ddpm.", "Only in this report: 1 notebook, 06_unet."]
    both = changes.compare([NEW[0]], [replace(lacking, student=NEW[0].student)])
    assert both.totals == {NEW[0].student: (0, 0)} and not both.list_students()
    (n,) = NEW[0].notebooks
    fewer = replace(NEW[0], notebooks=[replace(n, tasks=n.tasks[1:])])
    assert changes.compare([NEW[0]], [fewer]).only == [f"Only in the old report: 1 task, {TASK}."]


def test_the_same_report_has_no_changes():
    found = changes.compare(NEW, NEW)
    assert changes.describe(found) == ["Of 5 students in both reports, 0 gained and 0 lost points."]


# ---- a changed rubric ------------------------------------------------------------------------------------------------


SOURCE = """NOTEBOOK = "x"
QUESTIONS = {"a.1": 5}

@task("a.b", points=10, inputs=f, atol=1e-4)
def b(nb): return nb.b()
"""


@pytest.mark.parametrize(("old", "new", "same"), [
    ("points=10", "points=20", True), ("points=10, ", "", True), ('"a.1": 5', '"a.1": 7', True),
    ("\n\n@task", "\n\n# why\n@task", True), ("atol=1e-4", "atol=1e-3", False), ("nb.b()", "nb.c()", False),
    ("inputs=f", "inputs=g", False)])
def test_the_digest_of_code_hangs_on_all_but_points(old, new, same):
    assert old in SOURCE and (rubric.normalise_code(SOURCE) == rubric.normalise_code(SOURCE.replace(old, new))) is same


def test_the_digest_hangs_on_the_recorded_answers(tmp_path, monkeypatch):
    from course_utils.tasks import recorded

    def digest_of(content):
        (tmp_path / "05_ddpm.safetensors").write_bytes(content)
        rubric.digest.cache_clear()
        return rubric.digest("05_ddpm")

    content = (recorded.FOLDER / "05_ddpm.safetensors").read_bytes()
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    of_text = recorded.load_recorded("05_ddpm").digest.encode()
    assert digest_of(content) == digest_of(content.replace(of_text, b"0" * len(of_text)))
    assert digest_of(content) != digest_of(content[:-1] + bytes([content[-1] ^ 1]))
    rubric.digest.cache_clear()


NOTEBOOKS = [n.notebook for n in NEW[0].notebooks]


class Handed(Submission):
    """What `NEW[0]` handed in."""

    def digest(self):
        return NEW[0].digest


def test_a_record_is_kept_only_while_it_counts():
    r, now = NEW[0], Handed(NEW[0].student, {}, NEW[0].ids, notes=("Two files claim 05_ddpm.",))
    assert rubric.reuse_record(r, now, NOTEBOOKS) == replace(r, notes=["Two files claim 05_ddpm."])
    assert rubric.reuse_record(None, now, NOTEBOOKS) is None
    assert rubric.reuse_record(replace(r, digest="other"), now, NOTEBOOKS) is None
    assert rubric.reuse_record(replace(r, failed=True), now, NOTEBOOKS) is None
    assert rubric.reuse_record(edited(r, rubric="other"), now, NOTEBOOKS) is None
    assert rubric.reuse_record(r, now, [*NOTEBOOKS, "06_unet"]) is None


def test_other_points_are_weighed_without_running():
    worth = tasks.get(TASK).points
    half = edited(NEW[0], points=2 * worth, earned=worth)
    (n,) = rubric.reuse_record(half, Handed(half.student, {}), NOTEBOOKS).notebooks
    assert (n.tasks[0].points, n.tasks[0].earned) == (worth, worth / 2)
