"""A class of honest, hapless and hostile students: each gets what the work is worth, and the class goes on.

What such a student does to a room is tried in warm ones here; the families of attacks/ try it on both paths.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import nbformat
import pytest
from grading.classroom import QUICK, ddpm, hand_in, submission, with_cell

from course_utils import tasks
from course_utils.grading import grade, records

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sandbox")]
ALL = [t.id for t in tasks.tasks_of("05_ddpm")]
FULL = sum(t.points for t in tasks.tasks_of("05_ddpm"))


def stripped(nb):
    """As another editor leaves it: no metadata, no ids; so that given cells are known by their text alone."""
    for cell in nb.cells:
        cell.metadata = nbformat.NotebookNode()
        cell.pop("id")
    nb.nbformat_minor = 4
    return nb


def graded(tmp_path, **options):
    """Each student's row as (status, points, lost tasks)."""
    rows = {}
    for r in grade(tmp_path / "in", tmp_path / "out", limits=QUICK, **options):
        rows[r.student] = (r.status, r.total, [t.task for n in r.notebooks for t in n.tasks if not t.earned])
    return rows


def without(*names):
    """The row of a notebook that was graded, with the loss of these tasks."""
    lost = [id for id in ALL if id.split(".")[1] in names]
    return "graded", FULL - sum(tasks.get(id).points for id in lost), lost


def sentence(tmp_path, student, task=None):
    """Why a student lost a task; without one, the row's reason."""
    r = records.load_all(tmp_path / "out/records")[student]
    return next(t.why for n in r.notebooks for t in n.tasks if t.task == f"ddpm.{task}") if task else r.reason


def test_reference_and_unfilled(tmp_path):
    hand_in(tmp_path / "in", "ada", ddpm())
    hand_in(tmp_path / "in", "ben", submission("05_ddpm", unfilled=ALL))
    assert graded(tmp_path) == {"ada": ("graded", FULL, []), "ben": ("graded", 0, ALL)}
    assert sentence(tmp_path, "ben", "q_sample") == "It is not filled in yet."
    with open(tmp_path / "out/grades.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["student"], float(row["total"]), float(row["05_ddpm"])) for row in table] == [("ada", FULL, FULL),
                                                                                            ("ben", 0, 0)]
    assert list(table[0])[-len(ALL):] == ALL


TRAINS = """
import matplotlib.pyplot as plt
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(net.parameters())
for _ in range(3):
    net(torch.randn(4, 2)).mean().backward()
    optimizer.step()
plt.plot([1, 2])
plt.show()
"""
EXIT = "import os\nos._exit(0)"


def short_cells(*sources: str) -> nbformat.NotebookNode:
    """Right, with these cells of a moment each, which one fork runs, from the third on."""
    nb = ddpm()
    for at, source in enumerate(sources, 2):
        with_cell(nb, source, at)
    return nb


ACCIDENTS = {
    "loop": (ddpm(q_sample="while True: pass"), without("q_sample")),
    "exit": (ddpm(q_sample="import os; os._exit(0)"), without("q_sample")),
    "crash": (ddpm(q_sample="import ctypes; ctypes.string_at(0)"), without("q_sample")),
    "sys-exit": (ddpm(q_sample="raise SystemExit"), without("q_sample")),
    "memory": (ddpm(q_sample="return torch.ones(1 << 31)"), without("q_sample")),
    "raises": (ddpm(q_sample="return x_start + undefined"), without("q_sample")),
    "loop-in-cell": (with_cell(ddpm(), "while True: pass", 2), without()),
    "exit-in-cell": (with_cell(ddpm(), EXIT, 2), without()),
    "exits-in-cells": (short_cells("1 / 0", EXIT, "import os; os.mkdir('kept')", EXIT, "os.rmdir('kept')", "1 / 0"),
                       without()),
    "magics": (with_cell(ddpm(), "%matplotlib inline\n!ls\nfrom tqdm import tqdm\nfor _ in tqdm(range(9)): pass", 0),
               without()),
    "stripped": (stripped(ddpm()), without()),
    "trains": (with_cell(ddpm(), TRAINS), without()),
}


def test_an_accident_costs_its_task_only(tmp_path):
    for student, (notebook, _) in ACCIDENTS.items():
        hand_in(tmp_path / "in", student, notebook)
    assert graded(tmp_path, warm=True) == {student: row for student, (_, row) in ACCIDENTS.items()}
    assert sentence(tmp_path, "loop", "q_sample") == f"It took longer than {QUICK.probe:g} seconds."
    found = records.load_all(tmp_path / "out/records")
    assert [s for s, r in found.items() if any(n.overran for n in r.notebooks)] == ["loop", "loop-in-cell"]
    assert not found["loop"].crowded and not found["loop-in-cell"].crowded  # asked again, alone
    assert sentence(tmp_path, "crash", "q_sample") == "It ended the Python process."
    assert "name 'undefined' is not defined" in sentence(tmp_path, "raises", "q_sample")
    results = records.load_all(tmp_path / "out/records")
    assert results["trains"].notebooks[0].stopped == results["magics"].notebooks[0].stopped == []
    assert results["loop-in-cell"].notebooks[0].stopped == [(3, f"The cell took longer than {QUICK.cell:g} seconds.")]
    assert results["exit-in-cell"].notebooks[0].stopped == [(3, "The cell ended the Python process.")]
    assert results["exits-in-cells"].notebooks[0].stopped == [
        (3, "It raised `ZeroDivisionError`: division by zero"), (4, "The cell ended the Python process."),
        (6, "The cell ended the Python process."), (8, "It raised `ZeroDivisionError`: division by zero")]


LIAR = """
class Liar(torch.Tensor):
    def __eq__(self, other): return torch.tensor(True)
    def isclose(self, *_, **__): return torch.tensor(True)
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})
return x_start.as_subclass(Liar)
"""
PATCHES = """
import sys, os, torch
torch.allclose = torch.equal = torch.isclose = lambda *_, **__: True
torch.testing.assert_close = lambda *_, **__: None
torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False); torch.set_num_threads(64)
import time; time.monotonic = time.time = lambda: 0.0
for name in [n for n in sys.modules if n.startswith("course_utils")]:
    for what in ("first_difference", "relative_error", "check"):
        setattr(sys.modules[name], what, lambda *_, **__: None)
print("11/11 passed"); sys.stderr.write("score: 100\\n")
"""
EVERYWHERE = """
import os
for fd in range(256):
    try: os.write(fd, b"\\x02\\x00\\x00\\x00{}")
    except OSError: pass
"""
LOOK = """
import os
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("usr", "proc", "dev", "site-packages", "lib")]
    found += [f"{folder}/{f}" for f in files if f.endswith((".ipynb", ".safetensors")) or "mistakes" in folder]
raise RuntimeError(found)
"""
HOSTILE = {
    "liar": (ddpm(q_sample=LIAR), without("q_sample")),
    "patches": (with_cell(ddpm(q_sample="return x_start"), PATCHES, 1), without("q_sample")),
    "prints": (ddpm(q_sample="print('x' * (1 << 28)); return x_start"), without("q_sample")),
    "searcher": (ddpm(q_sample=LOOK), without("q_sample")),
    "daemon": (ddpm(q_sample="import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(600)\nreturn x_start"),
               without("q_sample")),
    "sparse": (ddpm(q_sample="return x_start.to_sparse()"), without("q_sample")),
    "huge": (ddpm(q_sample="return torch.zeros(1).expand(1 << 28)"), without("q_sample")),
}


def test_hostile_work_earns_what_is_right_and_no_more(tmp_path):
    for student, (notebook, _) in HOSTILE.items():
        hand_in(tmp_path / "in", student, notebook)
    hand_in(tmp_path / "in", "everywhere", with_cell(ddpm(), EVERYWHERE))  # writes to the grader's own pipes, too
    hand_in(tmp_path / "in", "killer", with_cell(ddpm(), "import os\nos.kill(-1, 9)"))
    hand_in(tmp_path / "in", "neighbour", ddpm())
    rows = graded(tmp_path, warm=True)
    _, earned, lost = rows.pop("killer")  # its room dies, before its first answers or after them
    assert lost and earned == FULL - sum(tasks.get(id).points for id in lost)
    assert rows.pop("everywhere")[1:] == (0, ALL)
    assert "refused" in sentence(tmp_path, "everywhere", "q_sample")
    assert rows == {student: row for student, (_, row) in HOSTILE.items()} | {"neighbour": without()}
    assert sentence(tmp_path, "searcher", "q_sample").endswith("raised `RuntimeError` before `x_t` could be seen: []")


def test_what_is_no_notebook_is_a_row_with_a_reason(tmp_path):
    given, outside = tmp_path / "in", tmp_path / "outside.ipynb"
    outside.write_text(nbformat.writes(ddpm()))
    hand_in(given, "text", "not JSON {")
    hand_in(given, "deep", "[" * 100_000)
    hand_in(given, "digits", "9" * 10_000)
    hand_in(given, "list", "[1, 2]")
    hand_in(given, "old", json.dumps({"worksheets": [], "nbformat": 3}))
    hand_in(given, "cells", json.dumps({"cells": [{"cell_type": "code", "source": 7}]}))
    hand_in(given, "none", "", "99_unknown")
    hand_in(given, "many", json.dumps({"cells": [{"cell_type": "code", "source": "1"}] * 2001}))
    latin = "caf\udce9", "caf\udce8"  # no UTF-8, alike to the eye, and two students all the same
    for name in latin:
        hand_in(given, name, "not JSON {")
    hand_in(given, "latin", "").write_bytes(b'{"cells": "\xff"}')
    hand_in(given, "large", "").write_bytes(b" " * (21 << 20))
    hand_in(given, "link", "").unlink()
    (given / "link/05_ddpm.ipynb").symlink_to(outside)
    (given / "linked-folder").symlink_to(given / "text")
    (given / "folder/05_ddpm.ipynb").mkdir(parents=True)
    (given / "pipe").mkdir()
    os.mkfifo(given / "pipe/05_ddpm.ipynb")
    hand_in(given, '=..,"<b>', ddpm())
    (given / "notes.txt").write_text("not a submission")
    rows = graded(tmp_path, only="ddpm.extract")
    reasons = {student: sentence(tmp_path, student) for student in rows}
    assert rows.pop('=..,"<b>') == ("graded", tasks.get("ddpm.extract").points, [])
    assert all(row == ("incomplete", 0, ["ddpm.extract"]) for row in rows.values())
    assert reasons == {
        "text": "05_ddpm.ipynb is not JSON.", "deep": "05_ddpm.ipynb is not JSON.",
        "digits": "05_ddpm.ipynb is not JSON.", "list": "05_ddpm.ipynb is JSON, but no notebook.",
        "many": "05_ddpm.ipynb has 2001 cells, more than the 2000 allowed.",
        **dict.fromkeys((latin[1], f"{latin[0]} (2)"), "05_ddpm.ipynb is not JSON."),
        "old": "05_ddpm.ipynb is in nbformat 3; save it with a newer Jupyter.",
        "cells": "05_ddpm.ipynb is no notebook: a cell has no source.",
        "none": "05_ddpm.ipynb is missing. 99_unknown.ipynb is no notebook of the course.",
        "latin": "05_ddpm.ipynb is not UTF-8 text.",
        "large": "05_ddpm.ipynb has 21 MiB, more than the 20 allowed.",
        "link": "05_ddpm.ipynb is a link, which is not followed.",
        "linked-folder": "05_ddpm.ipynb is missing. linked-folder is a link, which is not followed.",
        "folder": "05_ddpm.ipynb is not a file.", "pipe": "05_ddpm.ipynb is not a file.", '=..,"<b>': ""}


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    for student in ("ada", "ben", "eve"):
        hand_in(tmp_path / "in", student, ddpm(q_sample="return x_start") if student == "ben" else ddpm())
    command = [sys.executable, "-m", "course_utils.cli", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen([*command, "--jobs", "1", "--only", "ddpm.q_sample"], stderr=subprocess.DEVNULL)
    done = tmp_path / "out/records"
    while not list(done.glob("*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in done.glob("*.json")}
    secret = (tmp_path / "out/run.json").read_text()
    assert len(before) < 3 and (tmp_path / "out/run.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="--resume"):
        list(grade(tmp_path / "in", tmp_path / "out", only="ddpm.q_sample"))
    with pytest.raises(ValueError, match="was begun with --only"):
        list(grade(tmp_path / "in", tmp_path / "out", resume=True))
    rows = graded(tmp_path, only="ddpm.q_sample", resume=True)
    points = tasks.get("ddpm.q_sample").points
    assert {s: row[1] for s, row in rows.items()} == {"ada": points, "ben": 0, "eve": points}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (tmp_path / "out/run.json").read_text() == secret
    assert len((tmp_path / "out/grades.csv").read_text().splitlines()) == 4


def test_without_a_sandbox_it_refuses_or_says_so(tmp_path, monkeypatch, capsys):
    from course_utils import cli
    from course_utils.grading.reports.page import UNPROTECTED

    hand_in(tmp_path / "in", "ada", ddpm())
    monkeypatch.setattr("course_utils.grading.rooms.room._USER_OPTIONS", ["--no-such-flag"])
    monkeypatch.setattr("course_utils.grading.rooms.room._ROOT_OPTIONS", ["--no-such-flag"])
    words = ["grade", str(tmp_path / "in"), "--only", "ddpm.extract", "--out"]
    assert cli.main([*words, str(tmp_path / "refused")]) == 2
    assert "no-such-flag" in capsys.readouterr().err
    assert cli.main([*words, str(tmp_path / "out"), "--no-sandbox"]) == 0
    assert records.load_all(tmp_path / "out/records")["ada"].total == tasks.get("ddpm.extract").points
    assert UNPROTECTED in (tmp_path / "out/index.html").read_text()


def test_two_runs_ask_other_questions(tmp_path):
    hand_in(tmp_path / "in", "ada", ddpm(q_sample="raise RuntimeError(x_start.sum().item())"))
    for out in ("one", "two"):
        list(grade(tmp_path / "in", tmp_path / out, only="ddpm.q_sample"))
    said = [records.load_all(tmp_path / out / "records")["ada"].notebooks[0].tasks[0].why for out in ("one", "two")]
    assert said[0] != said[1] and all("It raised `RuntimeError`" in s for s in said)


def test_a_changed_rubric_and_marks_by_hand_meet_in_a_resumed_run(tmp_path, monkeypatch):
    """Other points are weighed, other tasks graded again, marks kept, and each change is told with its cause."""
    hand_in(tmp_path / "in", "ada", ddpm())
    hand_in(tmp_path / "in", "ben", ddpm(extract="return 2 * a[t].reshape(-1, *[1] * (len(x_shape) - 1))"))
    out, said = tmp_path / "out", []
    settings = {"only": "ddpm.extract", "compare": out, "say": said.append, "resume": True}
    list(grade(tmp_path / "in", out, only="ddpm.extract", say=said.append))
    written = {p: p.stat().st_mtime_ns for p in (out / "records").iterdir()}
    (out / "marks.csv").write_text('student,id,points,comment\nben,ddpm.extract,4,"Nearly, "\n')
    list(grade(tmp_path / "in", out, **settings))
    assert said == ["Of 2 students in both reports, 0 gained and 0 lost points."]
    assert written == {p: p.stat().st_mtime_ns for p in written}
    assert "4 (not 0): Nearly," in (out / "grades.csv").read_text()

    worth = tasks.get("ddpm.extract").points
    monkeypatch.setitem(tasks._registry, "ddpm.extract", replace(tasks.get("ddpm.extract"), points=2 * worth))
    with monkeypatch.context() as nothing_runs:
        nothing_runs.setattr("course_utils.grading.grader.Grader.grade", None)
        list(grade(tmp_path / "in", out, **settings))
    assert f"  ada: {worth} → {2 * worth} (+{worth}), changed points" in said

    monkeypatch.setattr("course_utils.grading.rubric.digest", lambda notebook: "other")
    monkeypatch.setitem(tasks._registry, "ddpm.extract", replace(tasks.get("ddpm.extract"), rtol=1e9))
    list(grade(tmp_path / "in", out, **settings))
    assert said[-1] == f"  ben: 0 → {2 * worth} (+{2 * worth}), a changed task"
    assert (out / "marks.csv").read_text() == 'student,id,points,comment\nben,ddpm.extract,4,"Nearly, "\n'
    assert "a changed task" in (out / "changes.html").read_text()
