"""What was written in an earlier notebook is used when it is right, and a sentence says why it is not."""

from __future__ import annotations

import nbformat
import pytest
from grading.classroom import submission

from course_utils import notebooks
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


def test_a_notebook_that_does_not_run(beside, tmp_path):
    beside()
    nb = nbformat.read(tmp_path / "06_unet.ipynb", as_version=4)
    next(c for c in nb.cells if notebooks.kind_of(c) == "setup").source += "\n1 / 0"
    nbformat.write(nb, tmp_path / "06_unet.ipynb")
    found, sentence = own(*ASKED)
    assert found is None and "does not run by itself (ZeroDivisionError)" in sentence
