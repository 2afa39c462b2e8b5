"""What was written in an earlier notebook is used when it is right, and a sentence says why it is not."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest
import torch
from grading.classroom import submission

from course_utils import cells
from course_utils import own as own_module
from course_utils.notebooks import kind_of
from course_utils.own import own

ASKED = ("06_unet", "drop_condition", ["unet.drop_condition"])


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A folder to be in, and a function that puts a student's notebook 06 there."""
    monkeypatch.chdir(tmp_path)

    def put(**options) -> None:
        nbformat.write(submission("06_unet", **options), tmp_path / "06_unet.ipynb")

    return put


def test_a_right_answer_is_taken(beside):
    beside()
    found, sentence = own(*ASKED)
    assert found.__name__ == "drop_condition"
    assert sentence == "drop_condition: your own, from notebook 06."


def test_no_notebook_beside(beside):
    found, sentence = own(*ASKED)
    assert found is None and "06_unet.ipynb is not beside" in sentence


@pytest.mark.parametrize("options", [{"unfilled": ["unet.drop_condition"]},
                                     {"replaced": {"unet.drop_condition": "return text_emb"}}])
def test_until_its_check_passes_the_library_is_used(beside, options):
    beside(**options)
    found, sentence = own(*ASKED)
    assert found is None and "until the check of unet.drop_condition in notebook 06 passes" in sentence


EXPERIMENTS = [
    "1 / 0", "import sys\nsys.exit()", "!touch made", "%%bash\ntouch made", "if True:\n    %time 1", "drop_condition?",
    "display(get_ipython())", "import asyncio\nawait asyncio.sleep(0)", "print('loud')", "def f(:",
    "import os\nos.makedirs('below', exist_ok=True)\nos.chdir('below')",
    "torch.set_default_dtype(torch.float64)", "torch.set_grad_enabled(False)"]


@pytest.mark.parametrize("at", [1, -1])
def test_a_students_experiments_do_no_harm(beside, tmp_path, capsys, at):
    beside()
    nb = nbformat.read(tmp_path / "06_unet.ipynb", as_version=4)
    place = 2 if at == 1 else len(nb.cells)  # behind the first given cell, or at the end
    nb.cells[place:place] = [nbformat.v4.new_code_cell(text) for text in EXPERIMENTS]
    nbformat.write(nb, tmp_path / "06_unet.ipynb")
    before = Path.cwd(), torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().tolist()
    found, sentence = own(*ASKED)
    assert found is not None, sentence
    assert (Path.cwd(), torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().tolist()) == before
    assert capsys.readouterr() == ("", "") and not list(tmp_path.glob("**/made"))


@pytest.mark.parametrize("reformat", [lambda text: text, lambda text: text.replace("\n", "\r\n"),
                                      lambda text: "# mine\n" + ast.unparse(ast.parse(text))], ids=["", "CRLF", "new"])
def test_given_cells_are_known_by_what_they_say_where_metadata_is_gone(beside, tmp_path, monkeypatch, reformat):
    beside()
    path = tmp_path / "06_unet.ipynb"
    nb = json.loads(path.read_text())
    for cell in nb["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["source"] = reformat("".join(cell["source"]))
    path.write_text(json.dumps(nb))
    ran = []
    monkeypatch.setattr(own_module, "run", lambda source, *rest: ran.append(source) or cells.run(source, *rest))
    assert own(*ASKED)[0] is not None
    assert not any("check(\"" in source or "check('" in source or "plot.show" in source for source in ran)


CORRECTION = "def drop_condition(text_emb, prob, u):\n    return text_emb * (u >= prob).to(text_emb)[:, None]\n"


@pytest.mark.parametrize("kind", ["check", "demo"])
def test_a_correction_in_a_given_cell_counts_here_as_for_the_grader(beside, tmp_path, kind):
    beside(replaced={"unet.drop_condition": "return text_emb"})
    path = tmp_path / "06_unet.ipynb"
    nb = nbformat.read(path, as_version=4)
    cell = next(c for c in reversed(nb.cells) if kind_of(c) == kind)
    cell.source = f"{CORRECTION}{cell.source}\nopen('ran', 'w')"
    nbformat.write(nb, path)
    found, sentence = own(*ASKED)
    assert found is not None, sentence
    assert not (tmp_path / "ran").exists()


def test_what_a_checked_function_prints_and_draws_does_no_harm(beside, capsys):
    beside(replaced={"unet.drop_condition": "print('loud'); torch.rand(3)\nreturn text_emb * (u >= prob)[:, None]"})
    before = torch.get_rng_state()
    found, sentence = own(*ASKED)
    assert found is not None, sentence
    assert capsys.readouterr() == ("", "") and torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("cell", ["while True: pass", "import contextlib\nwith contextlib.suppress(Exception):\n"
                                  "    check('unet.drop_condition')\nwhile True: pass"])
def test_a_loop_that_never_ends_ends_its_own_cell_only(beside, tmp_path, monkeypatch, cell):
    monkeypatch.setattr(own_module, "LONGEST", 3)
    beside()
    nb = nbformat.read(tmp_path / "06_unet.ipynb", as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell(cell))
    nbformat.write(nb, tmp_path / "06_unet.ipynb")
    found, sentence = own(*ASKED)
    assert found is not None, sentence


def test_a_function_that_never_ends_does_not_pass(beside, monkeypatch):
    monkeypatch.setattr(own_module, "LONGEST", 3)
    beside(replaced={"unet.drop_condition": "while True: pass"})
    found, sentence = own(*ASKED)
    assert found is None and "until the check of unet.drop_condition in notebook 06 passes" in sentence


def test_a_file_that_is_no_notebook_is_told(beside, tmp_path):
    (tmp_path / "06_unet.ipynb").write_text("not a notebook")
    found, sentence = own(*ASKED)
    assert found is None and "does not run by itself" in sentence
