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


def solution(id):
    cells = [c for source in notebooks.sources() for c in notebooks.read(source).cells]
    return next(notebooks.solution(c.source) for c in cells if c.metadata.get("task") == id)


def test_an_entry_is_task_title_hint_and_code(tmp_path):
    (tmp_path / "05.py").write_text(BANK)
    assert bank.read_bank(tmp_path / "05.py") == [
        bank.Entry("ddpm.q_sample", "alpha_bar without its root",
                   "The variance keeps the share alpha_bar. What is multiplied with the image?",
                   "# a comment of the code\nif t:\n    return 1\n\nreturn 2"),
        bank.Entry("ddpm.extract", "returns None", "", "return None")]


def test_an_entry_may_be_small_edits_of_the_solution(tmp_path):
    (tmp_path / "05.py").write_text("""\
# %% [ddpm.p_losses] two edits
# hint: x
# replace:
weight = extract(self.loss_weight, t, x_start.shape)
return (weight * (prediction - target) ** 2).mean()
# by:
if t.any():
    return (prediction - target).abs().mean()
# replace:
x_t = self.q_sample(x_start, t, noise)
# by:
""")
    (entry,) = bank.read_bank(tmp_path / "05.py")
    assert entry.code.splitlines() == [*solution("ddpm.p_losses").splitlines()[1:3], "if t.any():",
                                       "    return (prediction - target).abs().mean()"]


def test_a_small_edit_changes_a_piece_of_text_wherever_it_stands_and_edits_follow_each_other(tmp_path):
    (tmp_path / "06.py").write_text("""\
# ---- unet.forward ----

# %% [unet.forward] four edits
# hint: x
# edit: skips.pop() → skips.pop(0)
# edit: x = downsample(x) →
# replace:
x = upsample(x)
# by:
x = upsample(x) + 0
# edit: + 0 → + 1

# ---- unet.ema_update ----

# %% [unet.ema_update] the next task's
# edit: copy_ → add_
""")
    entry, other = bank.read_bank(tmp_path / "06.py")
    wanted = solution("unet.forward").replace("pop()", "pop(0)").replace("x = downsample(x)", "").replace(
        "x = upsample(x)", "x = upsample(x) + 1")
    assert entry == bank.Entry("unet.forward", "four edits", "x", wanted.strip("\n"))
    assert other.code == solution("unet.ema_update").replace("copy_", "add_").strip("\n")


@pytest.mark.parametrize("edit", ["no such text → pass", "len(t) - len(x)", "len(t) → len(x)\nreturn a", "→ pass"])
def test_a_small_edit_that_fits_nowhere_or_has_another_form_is_refused(tmp_path, edit):
    (tmp_path / "05.py").write_text(f"# %% [ddpm.extract] x\n# hint: x\n# edit: {edit}\n")
    with pytest.raises(ValueError, match=r"05\.py, line 1: .* should be one line, `# edit: old → new`"):
        bank.read_bank(tmp_path / "05.py")


@pytest.mark.parametrize("edit", ["# replace:\nno such line\n# by:\npass", "# replace:\n# by:\npass",
                                  "# replace:\nreturn a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1))"])
def test_an_edit_that_fits_nowhere_is_refused(tmp_path, edit):
    (tmp_path / "05.py").write_text(f"# %% [ddpm.extract] x\n# hint: x\n{edit}\n")
    with pytest.raises(ValueError, match=r"05\.py, line 1: .* should stand in the solution once"):
        bank.read_bank(tmp_path / "05.py")


def test_an_edit_keeps_the_indentation_that_it_finds(tmp_path):
    (tmp_path / "06.py").write_text("""\
# %% [unet.forward] blocks of the way down do not see the context
# replace:
x = block1(x, context)
skips.append(x)
# by:
x = block1(x)
""")
    (entry,) = bank.read_bank(tmp_path / "06.py")
    assert "\n    x = block1(x)\n    x = block2(x, context)" in entry.code


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
