"""Runs: nothing is lost or graded twice, a deadline is asked again alone, memory does not grow with the class."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from grading.classroom import ddpm, hand_in
from tqdm import tqdm

from course_utils import cli, tasks
from course_utils.grading import grade, pools, records, rubric, runs
from course_utils.grading.causes import add_cause, describe_error
from course_utils.grading.grader import Grader
from course_utils.grading.intake import layouts
from course_utils.grading.intake.submissions import FileContent, StudentNotebook, Submission
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.room import RoomFactory, RoomFailed
from course_utils.tasks import Outcome
from course_utils.tasks.compare import first_difference


class FakeProcess:
    """Grades without a room: a student called `loop` overruns unless alone, `stuck` always."""

    graded: list[tuple[str, bool]] = []
    busy = 0
    lock = threading.Lock()

    def __init__(self, config, jobs):
        self.graded.clear()
        self.rubrics = {n: rubric.digest(n) for n in (config.notebooks if config else ["05_ddpm"])}

    def grade(self, submission, alone=True):
        cls = FakeProcess
        with cls.lock:
            cls.graded.append((submission.student, alone))
            cls.busy += 1
            assert not alone or cls.busy == 1
        time.sleep(0.002)
        overran = submission.student == "stuck" or submission.student == "loop" and not alone
        task = TaskResult("ddpm.q_sample", 10, 0 if overran else 10, "w" * 300)
        with cls.lock:
            cls.busy -= 1
        done = [NotebookResult(n, [task], overran=overran, rubric=r) for n, r in self.rubrics.items()]
        return Result(submission.student, submission.digest(), done, crowded=not alone)

    def close(self):
        pass


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(pools, "GraderProcess", FakeProcess)
    return FakeProcess


def class_of(tmp_path, *students):
    for student in students:
        hand_in(tmp_path / "in", student, "{}")
    return tmp_path / "in", tmp_path / "out"


def test_what_missed_a_deadline_beside_others_is_asked_again_alone(tmp_path, fake):
    folder, out = class_of(tmp_path, "ada", "ben", "loop", "stuck")
    points = {r.student: r.total for r in grade(folder, out, jobs=2)}
    assert points == {"ada": 10, "ben": 10, "loop": 10, "stuck": 0}
    assert sorted(fake.graded[:4]) == [(s, False) for s in ("ada", "ben", "loop", "stuck")]
    assert sorted(fake.graded[4:]) == [("loop", True), ("stuck", True)]
    assert {s: r.total for s, r in records.load_all(out / "records").items()} == points


def test_alone_from_the_start_is_not_asked_again(tmp_path, fake):
    folder, out = class_of(tmp_path, "ada", "stuck")
    assert len(list(grade(folder, out, jobs=1))) == 2
    assert sorted(fake.graded) == [("ada", True), ("stuck", True)]


def test_a_run_ended_before_the_second_asking_asks_on_resume(tmp_path, fake):
    folder, out = class_of(tmp_path, "ada", "loop")
    first = {r.student: r for r in grade(folder, out)}
    records.save(replace(first["loop"], notebooks=[replace(first["loop"].notebooks[0], overran=True)], crowded=True),
                 out / "records")
    assert {r.student: r.total for r in grade(folder, out, resume=True)} == {"ada": 10, "loop": 10}
    assert fake.graded == [("loop", True)]


def test_leaving_the_loop_loses_nothing_and_resume_grades_the_rest(tmp_path, fake):
    students = [f"s{n:02}" for n in range(20)]
    folder, out = class_of(tmp_path, *students)
    run = grade(folder, out)
    seen = {next(run).student, next(run).student}
    run.close()
    kept = set(records.load_all(out / "records"))
    assert seen <= kept and len(kept) < 20
    assert sorted(r.student for r in grade(folder, out, resume=True)) == students
    assert {s for s, _ in fake.graded} == set(students) - kept


def test_a_notebook_that_is_first_handed_in_later_is_graded_for_everybody(tmp_path, fake):
    folder, out = class_of(tmp_path, "ada", "ben")
    assert len(list(grade(folder, out))) == 2
    hand_in(folder, "ben", "{}", "06_unet")
    for graded in (["ada", "ben"], []):
        fake.graded.clear()
        results = list(grade(folder, out, resume=True))
        assert sorted(s for s, _ in fake.graded) == graded
        assert [[n.notebook for n in r.notebooks] for r in results] == [["05_ddpm", "06_unet"]] * 2


def test_two_graders_in_one_report_are_refused(tmp_path, fake):
    folder, out = class_of(tmp_path, "ada", "ben")
    run = grade(folder, out)
    next(run)
    with pytest.raises(ValueError, match="Another grader is at work"):
        next(grade(folder, out, resume=True))
    assert len(list(run)) == 1 and len(list(grade(folder, out, resume=True))) == 2


def test_resumed_ones_do_not_count_for_the_speed(tmp_path, fake, monkeypatch):
    bars = []
    monkeypatch.setattr(runs, "tqdm", lambda **options: bars.append(tqdm(**options)) or bars[-1])
    folder, out = class_of(tmp_path, "ada", "ben", "eve")
    assert len(list(grade(folder, out, progress=True))) == 3
    hand_in(folder, "ben", "{ }")
    assert len(list(grade(folder, out, resume=True, progress=True))) == 3
    assert [(bar.initial, bar.n, bar.total) for bar in bars] == [(0, 3, 3), (2, 3, 3)]


def test_results_are_not_kept(tmp_path, fake):
    folder, out = class_of(tmp_path, *(f"s{n:03}" for n in range(200)))
    alive = weakref.WeakValueDictionary()
    with pools.LocalPool(None, 2) as pool:
        for result in runs._grade(layouts.find_submissions(folder).submissions, [], pool, out):
            alive[result.student] = result
            assert len(alive) < 20


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_an_interruption_ends_the_rooms_and_says_how_to_go_on(tmp_path):
    for student, code in {"ada": "return x_start", "loop": "while True: pass"}.items():
        hand_in(tmp_path / "in", student, ddpm(q_sample=code))
    command = [sys.executable, "-m", "course_utils.cli", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"),
               "--only", "ddpm.q_sample", "--task-seconds", "300"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "out").glob("records/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.endswith("Interrupted. 1 are graded and on disk; go on with --resume.\n") and "Traceback" not in said
    assert list(records.load_all(tmp_path / "out/records")) == ["ada"]


LATE = "percent_per_day = 10\n[due]\n05_ddpm = 2026-03-01T12:00:00Z\n[handed_in]\nada = 2026-03-02T11:00:00Z"


def totals(out):
    with open(out / "grades.csv", newline="") as file:
        return {row["student"]: float(row["total"]) for row in csv.DictReader(file)}


def test_a_resumed_run_is_late_by_the_same_rules(tmp_path, fake):
    hand_in(tmp_path / "in", "ada", ddpm())
    rules, out = tmp_path / "late.toml", tmp_path / "out"
    rules.write_text(LATE)
    list(grade(tmp_path / "in", out, late=rules))
    assert totals(out) == {"ada": 9}
    list(grade(tmp_path / "in", out, resume=True))
    assert totals(out) == {"ada": 9}
    rules.write_text(LATE.replace("= 10", "= 20"))
    list(grade(tmp_path / "in", out, resume=True))
    assert totals(out) == {"ada": 8}
    rules.unlink()
    with pytest.raises(ValueError, match="late.toml is no file, and --late names it"):
        grade(tmp_path / "in", out, resume=True)
    (tmp_path / "none.toml").touch()
    list(grade(tmp_path / "in", out, resume=True, late=tmp_path / "none.toml"))
    assert totals(out) == {"ada": 10}


def test_more_at_one_time_than_the_machine_can_hold_is_said(tmp_path, fake):
    hand_in(tmp_path / "in", "ada", ddpm())
    said = []
    list(grade(tmp_path / "in", tmp_path / "out", jobs=3, limits=Limits(room_memory=1 << 50), say=said.append))
    assert len(said) == 1 and "3 notebooks at one time may take 3145728.0: grade with fewer --jobs" in said[0]


def test_a_report_among_the_submissions_is_refused(tmp_path, fake):
    hand_in(tmp_path / "in", "ada", ddpm())
    for out in (tmp_path / "in/report", tmp_path / "in"):
        with pytest.raises(ValueError, match="would be taken for a student's"):
            list(grade(tmp_path / "in", out))
    assert os.listdir(tmp_path / "in") == ["ada"]


def test_who_is_no_longer_there_stays_and_is_named(tmp_path, fake):
    for student in ("ada", "ben"):
        hand_in(tmp_path / "in", student, ddpm())
    list(grade(tmp_path / "in", tmp_path / "out"))
    shutil.rmtree(tmp_path / "in/ben")
    said = []
    list(grade(tmp_path / "in", tmp_path / "out", resume=True, say=said.append))
    assert said == [f"The report keeps 1 of an earlier run, who are not in {tmp_path / 'in'}: ben."]


def test_no_name_commands_a_terminal(tmp_path, fake):
    for student in ("ada", "b\x1b[31men"):
        hand_in(tmp_path / "in", student, ddpm())
    list(grade(tmp_path / "in", tmp_path / "out"))
    shutil.rmtree(tmp_path / "in/b\x1b[31men")
    said = []
    list(grade(tmp_path / "in", tmp_path / "out", resume=True, say=said.append))
    assert said[0].endswith(": b [31men.") and said[0].isprintable()


@pytest.mark.parametrize("name", ["run.json", "records/*.json"])
def test_a_damaged_file_is_named(tmp_path, fake, name):
    hand_in(tmp_path / "in", "ada", ddpm())
    list(grade(tmp_path / "in", tmp_path / "out"))
    (path,) = (tmp_path / "out").glob(name)
    path.write_text("{")
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        list(grade(tmp_path / "in", tmp_path / "out", resume=True))


TWICE, SAME = '{"task": "ddpm.q_sample", "points": 1, "earned": 0}', '{"notebook": "x", "tasks": [], "stopped": []}'


@pytest.mark.parametrize("old, new", [
    ('"earned": 10', '"earned": "10"'), ('"earned": 10', '"earned": NaN'), ('"earned": 10', '"earned": 1e999'),
    ('"earned": 10', '"earned": 1' + "0" * 400), ('"student": "ada"', '"student": "ben"'), ('"ids": {}', '"ids": []'),
    ('"handed_in": {', '"handed_in": [], "x": {'), ('"notes": []', '"notes": [1]'), ('"mark": null', '"mark": "x"'),
    # what no machine finds
    ('"earned": 10', '"earned": 1000'), ('"earned": 10', '"earned": -1'), ('"earned": 10', '"earned": true'),
    ('"mark": null', '"mark": 100'), ('"factor": 1.0', '"factor": 9'), ('"weight": null', '"weight": 1000'),
    ('"question": false', '"question": true'), ('"machine": null', '"machine": 0'), ('"late": ""', '"late": "Never."'),
    ('"tasks": [', f'"tasks": [{TWICE}, {TWICE},'), ('"notebooks": [', f'"notebooks": [{SAME}, {SAME},'),
    # what a page would stumble over, or take as its own
    ('"stopped": []', '"stopped": [["<b>", "x"]]'), ('"sources": []', '"sources": [[1, 2]]'),
    ('"sources": []', '"sources": [[1, "x", "y"]]'), ('"partly": []', '"partly": ["<img>"]'),
    ('"answers": {}', '"answers": {"ddpm.1": ["x"]}'), ('"notes": []', '"notes": ' + "[" * 100_000)])
def test_an_edited_record_is_named(tmp_path, fake, old, new):
    hand_in(tmp_path / "in", "ada", ddpm())
    list(grade(tmp_path / "in", tmp_path / "out"))
    (path,) = (tmp_path / "out/records").iterdir()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        list(grade(tmp_path / "in", tmp_path / "out", resume=True))


@pytest.mark.parametrize("changed", [
    {"seed": "7"}, {"seed": -1}, {"seed": 1 << 80}, {"seed": True}, {"only": 5}, {"sandbox": "no"}, {"notebooks": "05"},
    {"notebooks": ["../05_ddpm"]}, {"notebooks": [[]]}, {"late": 5}, {"layout": ["flat"]}, None])
def test_an_edited_run_is_named(tmp_path, fake, capsys, changed):
    hand_in(tmp_path / "in", "ada", ddpm())
    words = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    path = tmp_path / "out/run.json"
    path.write_text(json.dumps(changed and json.loads(path.read_text()) | changed))
    assert cli.main([*words, "--resume"]) == 2
    assert "run.json is damaged" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("option", ["--jobs 0", "--cell-seconds nan", "--task-seconds -1", "--memory 0"])
def test_a_number_that_is_none_is_one_sentence(tmp_path, capsys, option):
    hand_in(tmp_path / "in", "ada", ddpm())
    assert cli.main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *option.split()]) == 2
    name, number = option.split()
    assert capsys.readouterr().err.splitlines()[-1] == f"course grade: {name} is a number above 0, not {number}."


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    hand_in(tmp_path / "in", "ada", ddpm())
    (tmp_path / "out").touch()
    assert cli.main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"course grade: {tmp_path / 'out'}: File exists."


@pytest.mark.parametrize(("error", "said"), [
    (OSError(errno.ENOSPC, "No space left on device"), "the disk is full. What was there is kept: free some space"),
    (OSError(errno.ENOSPC, "No space left on device", "/elsewhere/x"), "Free some space, or name another by TMPDIR.")])
def test_a_full_disk_is_a_sentence_that_says_how_to_go_on(tmp_path, fake, capsys, monkeypatch, error, said):
    folder, out = class_of(tmp_path, "ada", "ben")
    words = ["grade", str(folder), "--out", str(out)]
    list(grade(folder, out, student="ada"))

    def full(_):
        raise error

    with monkeypatch.context() as m:
        m.setattr("course_utils.files.os.fsync", full)
        assert cli.main([*words, "--resume"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last and last.endswith("What is graded is on disk; go on with --resume.")
    assert cli.main([*words, "--resume"]) == 0


@pytest.mark.parametrize("name, shown", [("ValueError", "`ValueError`"), ("Ошибка", "`Ошибка`"),
                                         ("points: 10 of 10", "an exception without a name"),
                                         ("E`<b>", "an exception without a name")])
def test_an_exceptions_name_is_a_name(name, shown):
    task = tasks.get("ddpm.extract")
    got, want = Outcome(error=name, message="m"), Outcome({"x": torch.zeros(1)})
    assert describe_error(got) == f"It raised {shown}: m"
    assert first_difference(got, want, task).sentence == f"It raised {shown} before `x` could be seen: m"


def test_a_missing_name_is_told_with_the_cell_that_stopped():
    lost = TaskResult("ddpm.q_sample", 10, 0, "It raised `NameError`: name 'extract' is not defined.")
    cause = [(3, "It raised `SyntaxError`: '(' was never closed."), (5, "")]
    assert add_cause(lost, cause).why == f"{lost.why} Before that, cell 3 had stopped: {cause[0][1]}"
    assert add_cause(lost, []) == lost
    wrong = replace(lost, why="`x_t` is off.")
    assert add_cause(wrong, cause) == wrong


def test_the_notebooks_of_one_submission_are_graded_beside_each_other(tmp_path, monkeypatch):
    meeting = threading.Barrier(2)

    def meet(self, submission, notebook):
        if submission.student == "ada":
            meeting.wait(30)
        return NotebookResult(notebook, [])

    monkeypatch.setattr(Grader, "_grade_notebook", meet)
    grader = Grader(RoomFactory(), 1, tmp_path, jobs=2)
    grader.keys = {name: name for name in ["05_ddpm", "06_unet"]}
    for student, alone in [("ada", False), ("ben", True)]:
        result = grader.grade(Submission(student, {}), alone)
        assert [n.notebook for n in result.notebooks] == ["05_ddpm", "06_unet"] and not result.failed
    grader.close()


def test_a_run_that_ends_ends_its_rooms_and_opens_no_more(tmp_path, monkeypatch):
    opened, both = [], threading.Barrier(3)

    class Endless(RoomFactory):
        @contextmanager
        def open(self, *_, slot):
            opened.append(slot)
            over = threading.Event()
            yield SimpleNamespace(kill=over.set, wait=over.wait)

    def stay(room, _):
        both.wait(30)
        assert room.wait(30)
        raise RoomFailed("It was ended.")

    monkeypatch.setattr(sys.modules[Grader.__module__], "RoomClient", stay)
    monkeypatch.setattr(Grader, "_ask_tasks", lambda self, work, key: self._open_room(tmp_path).__enter__())
    monkeypatch.setattr(sys.modules[Grader.__module__], "read", lambda file: StudentNotebook([]))
    grader = Grader(Endless(), 1, tmp_path, jobs=2)
    key = SimpleNamespace(notebook="05_ddpm", given=SimpleNamespace(make_work=lambda *_: None), tasks=[], rubric="")
    grader.keys = {n: key for n in range(5)}
    with ThreadPoolExecutor() as threads:
        result = threads.submit(grader.grade, Submission("ada", {"05_ddpm": FileContent("", b"")}), False)
        both.wait(30)
        grader.close()
        assert result.result(30).failed
    assert sorted(opened) == [0, 1]
