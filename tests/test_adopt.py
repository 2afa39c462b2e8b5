"""Work of an older release, one that never was, is put into the new one, and what was not placed is told."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils import cli, notebooks
from course_utils.adopt import adopt
from course_utils.authoring import build
from course_utils.released import digest

SOURCE = '''\
# %% [markdown]
# # Tiny

# %% tags=["setup"]
import math

# %% task="ddpm.extract"
def extract(a):
    """Takes a."""
    ### BEGIN SOLUTION
    return a
    ### END SOLUTION

# %% check="ddpm.extract"
check("ddpm.extract")

# %% [markdown] question="ddpm.1"
# An answer.

# %% task="ddpm.q_sample"
def q_sample(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

# %% check="ddpm.q_sample"
check("ddpm.q_sample")
'''
OLDER = SOURCE.replace("import math", "import cmath").replace("Takes a.", "Takes b.").replace(
    "def extract(a):", "def extract(b):").replace("ddpm.q_sample", "ddpm.gone").replace("def q_sample", "def gone")
POINTS = {"ddpm.extract": 10, "ddpm.q_sample": 10, "ddpm.gone": 10, "ddpm.1": 5}


@pytest.fixture
def given(tmp_path):
    """The student's notebook of a source, as a release gives it out."""
    def student_face(text):
        path = tmp_path / "05_tiny.py"
        path.write_text(text)
        return build.student_face(build.add_metadata_(notebooks.read(path), POINTS))
    return student_face


@pytest.fixture
def old(given, tmp_path):
    """A student's notebook of the older release, with one task filled in; the new one lies in new.ipynb."""
    nb = given(OLDER)
    cell(nb, "ddpm-extract-todo").source = "def extract(b):\n    return 2 * b"
    nbformat.write(given(SOURCE), tmp_path / "new.ipynb")
    return nb


def cell(nb, id):
    return next(c for c in nb.cells if c.id == id)


def adopted(tmp_path, nb):
    nbformat.write(nb, tmp_path / "old.ipynb")
    said = adopt(tmp_path / "old.ipynb", tmp_path / "new.ipynb")
    return nbformat.read(tmp_path / "new.ipynb", as_version=4), said


def test_filled_cells_are_placed_by_id_and_all_else_is_as_the_new_release_has_it(tmp_path, old, given):
    cell(old, "ddpm-1").source = "Because."
    nb, said = adopted(tmp_path, old)
    wanted = given(SOURCE)
    cell(wanted, "ddpm-extract-todo").source = "def extract(b):\n    return 2 * b"
    cell(wanted, "ddpm-1").source = "Because."
    assert nb == wanted
    releases = f"{old.metadata.course.release} → {wanted.metadata.course.release}"
    assert said == [f"2 of your cells are now in {tmp_path / 'new.ipynb'} (release {releases}).",
                    "ddpm.extract has another text in this release: compare your cell with it."]
    assert digest(cell(nb, "ddpm-extract-todo")) != cell(nb, "ddpm-extract-todo").metadata.released


def test_what_cannot_be_placed_is_told(tmp_path, old):
    cell(old, "ddpm-gone-todo").source = "def gone(x):\n    return -x"
    cell(old, "setup-1").source += "\nimport os"
    cell(old, "ddpm-extract").source = "# a remark\n" + cell(old, "ddpm-extract").source  # is no change
    old.cells += [new_code_cell("def helper():\n    pass"), new_markdown_cell("A note of mine."), new_code_cell("")]
    _, said = adopted(tmp_path, old)
    assert [line for line in said if "not placed" in line] == [
        "Cell 2 was not placed: it is a given setup cell, and stays as this release has it. "
        "It begins with: import cmath",
        "Cell 6 was not placed: this release has no task ddpm.gone. It begins with: def gone(x):",
        "Cell 8 was not placed: it is your own, and has no place that is known. It begins with: def helper():",
        "Cell 9 was not placed: it is your own, and has no place that is known. It begins with: A note of mine."]


def test_of_a_cell_and_its_copy_the_last_counts(tmp_path, old):
    again = copy.deepcopy(cell(old, "ddpm-extract-todo"))
    again.update(id="random", source="def extract(b):\n    return 3 * b")
    old.cells.append(again)
    nb, said = adopted(tmp_path, old)
    assert "3 * b" in cell(nb, "ddpm-extract-todo").source
    assert said[-1] == "Cell 8 is ddpm.extract once more: this last one counts."


def test_a_release_without_digests_is_adopted_as_well(tmp_path, old):
    for c in old.cells:
        c.metadata.pop("released", None)
    nb, said = adopted(tmp_path, old)
    assert "2 * b" in cell(nb, "ddpm-extract-todo").source and said[0].startswith("1 of your cells")
    assert not [line for line in said if "ddpm.gone" in line and "task" in line]  # it was never filled in


def test_work_that_is_there_already_is_not_written_over(tmp_path, old, capsys):
    adopted(tmp_path, old)
    before = (tmp_path / "new.ipynb").read_bytes()
    (tmp_path / "broken.ipynb").write_text("{")
    words = {"old.ipynb --into new.ipynb": "is filled in already", "new.ipynb --into new.ipynb": "itself",
             "old.ipynb": "05_tiny.ipynb: name the new release's by --into", "broken.ipynb": "is no notebook",
             "none.ipynb": "No such file"}
    for line, says in words.items():
        arguments = [str(tmp_path / w) if w.endswith(".ipynb") else w for w in line.split()]
        assert cli.main(["adopt", *arguments]) == 2
        assert says in (told := capsys.readouterr().err) and told.count("\n") == 1
    assert (tmp_path / "new.ipynb").read_bytes() == before
    assert not list(tmp_path.glob(".*"))
