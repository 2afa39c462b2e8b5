"""The bank's form, and submissions made from it."""

from __future__ import annotations

import pytest
from grading.classroom import submission

from course_utils import notebooks
from course_utils.authoring import bank

BANK = '''\
"""What a file says before its first cell is not read."""

# %% [ddpm.q_sample] alpha_bar without its root
# hint: The variance keeps the share alpha_bar.
# hint: What is multiplied with the image?

# a comment of the code
if t:
    return 1

return 2

# %% [ddpm.extract] returns None
return None
'''


def test_an_entry_is_task_title_hint_and_code(tmp_path):
    (tmp_path / "05.py").write_text(BANK)
    assert bank.read_bank(tmp_path / "05.py") == [
        bank.Entry("ddpm.q_sample", "alpha_bar without its root",
                   "The variance keeps the share alpha_bar. What is multiplied with the image?",
                   "# a comment of the code\nif t:\n    return 1\n\nreturn 2"),
        bank.Entry("ddpm.extract", "returns None", "", "return None")]


@pytest.mark.parametrize("cell", ["# %% ddpm.q_sample no brackets\npass", "# %% [ddpm.q_sample]\npass",
                                  "# %% [ddpm.q_sample] nothing under it\n# hint: x"])
def test_a_cell_of_another_form_is_refused_with_its_line(tmp_path, cell):
    (tmp_path / "05.py").write_text(BANK + "\n" + cell + "\n")
    with pytest.raises(ValueError, match=r"05\.py, line 16"):
        bank.read_bank(tmp_path / "05.py")


def test_a_submission_is_filled_by_the_reference_by_given_code_or_not_at_all():
    one, two, *others = bank.task_ids(notebooks.source_of("05_ddpm"))
    nb = submission("05_ddpm", {one: "return 'mine'"}, unfilled=[two])
    told = {c.metadata["task"]: c.source for c in nb.cells if "task" in c.metadata}
    assert "    return 'mine'\n" in told[one]
    assert "raise Unfinished()" in told[two]
    assert not any("Unfinished" in told[id] or "SOLUTION" in told[id] for id in others)
    assert all("raises-exception" in c.metadata.tags for c in nb.cells if "check" in c.metadata)


def test_recording_needs_hints_and_known_tasks(tmp_path):
    source = tmp_path / "05_ddpm.py"
    source.write_text(notebooks.source_of("05_ddpm").read_text())
    bank.bank_of(source).parent.mkdir()
    for head in ("# %% [ddpm.extract] no hint\nreturn a", "# %% [ddpm.nothing] no task\n# hint: x\nreturn a"):
        bank.bank_of(source).write_text(head)
        with pytest.raises(ValueError, match="no hint|no task"):
            bank.record(source)


def test_a_reference_that_answers_nothing_is_not_recorded(tmp_path):
    source = tmp_path / "05_ddpm.py"
    source.write_text(notebooks.source_of("05_ddpm").read_text().replace("def extract(", "def extrakt("))
    with pytest.raises(ValueError, match=r"the reference of ddpm\.\w+ raised NameError"):
        bank.record(source)
