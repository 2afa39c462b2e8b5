"""Reading a source, running it, its two faces; then every notebook of the course as it was built."""

from __future__ import annotations

import json
import re
import sys
import traceback
from pathlib import Path

import nbformat
import pytest

from course_utils import notebooks
from course_utils.authoring import build

TINY = '''\
# %% [markdown]
# # Doubling

# %% tags=["setup"]
%config InlineBackend.figure_format = "png"
class Unfinished(NotImplementedError):
    pass

# %% task="ddpm.extract"
def double(x):
    """2x"""
    # TODO
    ### BEGIN SOLUTION
    y = x + x

    return y
    ### END SOLUTION
    # END

# %% check="ddpm.extract"
assert double(2) == 4

# %% tags=["demo"]
import random; print(object(), double(3))

# %% [markdown] question="ddpm.1"
# Because.
'''
POINTS = {"ddpm.extract": 10, "ddpm.1": 5}
pytestmark = pytest.mark.slow
SOURCES = pytest.mark.parametrize("source", notebooks.sources(), ids=lambda p: p.stem)


@pytest.fixture
def tiny(tmp_path) -> Path:
    path = tmp_path / "05_tiny.py"
    path.write_text(TINY)
    return path


def test_a_cell_says_what_it_is_and_is_named_by_it(tiny):
    nb = notebooks.read(tiny)
    assert [(c.id, notebooks.kind_of(c)) for c in nb.cells] == [
        ("text-1", "text"), ("setup-1", "setup"), ("ddpm-extract-todo", "task"), ("ddpm-extract", "check"),
        ("demo-1", "demo"), ("ddpm-1", "question")]


@pytest.mark.parametrize(("wrong", "line", "says"), [
    ("# %%\nx = 1", 29, "exactly one"),
    ('# %% tags=["demos"]\nx = 1', 29, "exactly one"),
    ('# %% check="ddpm.q" tags=["demo"]\nx = 1', 29, "exactly one"),
    ('# %% taks="ddpm.q"\nx = 1', 29, "taks"),
    ('# %% tags=["setup"]\n### BEGIN SOLUTION\n### END SOLUTION', 29, "only a task"),
    ('# %% task="ddpm.q"\ndef f(): pass', 29, "0"),
])
def test_what_a_cell_must_not_say_is_told_with_file_and_line(tiny, wrong, line, says):
    tiny.write_text(TINY + "\n" + wrong + "\n")
    with pytest.raises(ValueError, match=rf"05_tiny\.py, line {line}: .*{says}"):
        notebooks.read(tiny)


def test_two_cells_of_one_task_are_refused(tiny):
    tiny.write_text(TINY + '\n# %% check="ddpm.extract"\n1\n')
    with pytest.raises(ValueError, match="two cells ddpm-extract"):
        notebooks.read(tiny)


def test_a_task_needs_its_check_and_its_points(tiny):
    with pytest.raises(ValueError, match=r"check ddpm\.extract is not in the registry|task ddpm\.extract"):
        build.add_metadata_(notebooks.read(tiny), {})
    tiny.write_text(TINY.replace('check="ddpm.extract"', 'tags=["demo"]'))
    with pytest.raises(ValueError, match=r"not both .* ddpm\.extract"):
        build.add_metadata_(notebooks.read(tiny), POINTS)


def test_load_runs_setup_and_tasks_and_what_demos_import(tiny, capsys):
    nb = notebooks.load(tiny)
    assert nb.double(4) == 8
    assert capsys.readouterr().out == ""
    assert nb.random.random() < 1


def test_load_takes_other_code_and_tracebacks_show_its_line(tiny):
    nb = notebooks.load(tiny, {"ddpm.extract": "if x:\n    raise KeyError(x)"})
    with pytest.raises(KeyError) as caught:
        nb.double(1)
    told = "".join(traceback.format_exception(caught.value))
    assert "05_tiny, cell ddpm-extract-todo" in told
    assert "raise KeyError(x)" in told
    with pytest.raises(ValueError, match=r"ddpm\.q_sample"):
        notebooks.load(tiny, {"ddpm.q_sample": "pass"})


def test_a_students_notebook_loads_with_cells_of_their_own(tiny):
    face = build.student_face(build.add_metadata_(notebooks.read(tiny), POINTS))
    face.cells.insert(2, nbformat.v4.new_code_cell("mine = 3\n%time mine"))
    nbformat.write(face, tiny.with_suffix(".ipynb"))
    nb = notebooks.load(tiny.with_suffix(".ipynb"))
    assert nb.mine == 3
    with pytest.raises(nb.Unfinished):
        nb.double(1)


def test_two_loads_share_nothing(tiny):
    first, second = notebooks.load(tiny), notebooks.load(tiny)
    first.double = None
    assert second.double(1) == 2


def test_the_students_face_of_a_tiny_source(tiny):
    nb = build.add_metadata_(notebooks.read(tiny), POINTS)
    nb.metadata.course["digest"] = "of the reference"
    face = build.student_face(nb)
    cells = {c.id: c for c in face.cells}
    assert cells["ddpm-extract-todo"].source == (
        'def double(x):\n    """2x"""\n    # TODO\n    raise Unfinished()\n    # END')
    assert cells["ddpm-1"].source == "*Write your answer here.*"
    tagged = [c.id for c in face.cells if "raises-exception" in c.metadata.get("tags", [])]
    assert tagged == ["ddpm-extract", "demo-1"]
    assert face.metadata.course == {"notebook": "05_tiny", "release": nb.metadata.course.release}  # and no digest
    assert nb.cells[2].source != cells["ddpm-extract-todo"].source, "the graded source itself was changed"


def test_nbgraders_metadata_says_points_on_checks_and_questions_only(tiny):
    cells = {c.id: c.metadata.nbgrader for c in build.add_metadata_(notebooks.read(tiny), POINTS).cells
             if "nbgrader" in c.metadata}
    flags = {id: (m.grade, m.solution, m.locked, m.get("points")) for id, m in cells.items()}
    assert flags == {"ddpm-extract-todo": (False, True, False, None), "ddpm-extract": (True, False, True, 10),
                     "ddpm-1": (True, True, False, 5)}


def test_answers_are_folded_in_the_reference(tiny):
    answer = next(c for c in build.add_metadata_(notebooks.read(tiny), POINTS).cells if c.id == "ddpm-1")
    assert answer.source.startswith("<details><summary>Answer</summary>\n\n") and answer.source.endswith("</details>")


def test_an_executed_notebook_is_the_same_twice_and_names_no_address(tiny):
    tiny.write_text(TINY + '\n# %% tags=["demo"]\nimport os, pathlib, ipywidgets\nprint(pathlib.Path.home() / "x")\n'
                           'display(ipywidgets.IntSlider())\nprint(os.environ["COURSE_RECORD"], os.getcwd())\n')
    nb = build.add_metadata_(notebooks.read(tiny), POINTS)
    first, second = (nbformat.writes(build.execute(nb, tiny.parent)) for _ in range(2))
    assert first == second
    told = "".join(o.text for c in json.loads(first, object_hook=nbformat.from_dict).cells[-2:] if "outputs" in c
                   for o in c.outputs for o.text in ["".join(o.text)])
    assert told == f"~/x\n1 {tiny.parent}\n"
    assert "0x…" in first
    assert "widget" not in first.replace("ipywidgets", "")


# ---- every notebook as it was built --------------------------------------------------------------------------------


@SOURCES
def test_an_unfilled_notebook_raises_nothing_but_unfinished(source):
    path = notebooks.student_path(source)
    ran = build.execute(nbformat.read(path, as_version=4), path.parent, allow_errors=True)
    raised = {c.id: o.ename for c in ran.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error"}
    assert {id: name for id, name in raised.items() if name != "Unfinished"} == {}
    checks = {c.id for c in ran.cells if "check" in c.metadata}
    assert checks <= set(raised), "a check of an unfilled task says nothing"
    mayraise = {c.id for c in ran.cells if "raises-exception" in c.metadata.get("tags", [])}
    assert set(raised) <= mayraise, "Run All would stop here"


@SOURCES
def test_a_students_notebook_holds_no_solution_and_no_output(source):
    nb = nbformat.read(notebooks.student_path(source), as_version=4)
    nbformat.validate(nb)
    todo = [c for c in nb.cells if "task" in c.metadata]
    assert todo
    assert all(c.source.count("raise Unfinished()") == 1 for c in todo)
    assert not any("BEGIN SOLUTION" in c.source or c.get("outputs") or c.get("execution_count") for c in nb.cells)


@SOURCES
def test_a_reference_names_nothing_of_the_run_or_the_machine(source):
    nb = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(nb)
    assert set(nb.metadata) == {"kernelspec", "language_info", "course"}
    assert nb.metadata.kernelspec.name == "python3"
    assert all("execution" not in c.metadata for c in nb.cells)
    places = [re.escape(str(p)) for p in (notebooks.SOLUTIONS.parent, Path(sys.prefix), Path.home() / "_")]
    private = re.compile("|".join([*(p.rstrip("_") for p in places), r"\b0x[0-9a-f]{6,}\b", "widget-(view|state)"]))
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            texts = [output.get("text", ""), *(v for k, v in output.get("data", {}).items() if k.startswith("text/"))]
            assert output.output_type != "error", cell.id
            assert not any(mime.endswith("+json") for mime in output.get("data", {})), cell.id
            assert not [m[0] for text in texts for m in private.finditer(text)], cell.id


@SOURCES
def test_what_a_check_prints_is_compared(source):
    nb = notebooks.read(source)
    assert [c.id for c in nb.cells if "check" in c.metadata and "nbval" in str(c.metadata.get("tags"))] == []
    reference = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    silent = [c.id for c in reference.cells if "check" in c.metadata and not c.outputs]
    errors = [c.id for c in reference.cells for o in c.get("outputs", []) if o.get("name") == "stderr"
              and "check" in c.metadata]
    assert (silent, errors) == ([], [])
