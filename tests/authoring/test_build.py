"""`course build` on a tiny course in a folder of its own, and its check on the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils import cli, notebooks
from course_utils.authoring import bank, build

SOURCE = '''\
# %% tags=["setup"]
class Unfinished(NotImplementedError):
    pass

# %% task="ddpm.extract"
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

# %% check="ddpm.extract"
print("passed", double(2) == 4)

# %% tags=["demo"]
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(1, 1))
ax.plot([1, double(1)])
plt.show()
'''
pytestmark = pytest.mark.slow


def tiny_course(folder: Path, patches: pytest.MonkeyPatch) -> Path:
    """The source of a course of one tiny notebook; recording its answers only notes the digest."""
    (folder / "solutions").mkdir()
    shutil.copy(notebooks.SOLUTIONS / "nbgrader_config.py", folder / "solutions")
    path, answers = folder / "solutions/05_tiny.py", folder / "answers"
    path.write_text(SOURCE)
    patches.setattr(notebooks, "SOLUTIONS", folder / "solutions")
    patches.setattr(build, "registry_points", lambda prefixes: {"ddpm.extract": 10})
    patches.setattr(bank, "record", lambda source, digest: answers.write_text(digest))
    patches.setattr(build, "answers_digest", lambda name: answers.read_text() if answers.exists() else None)
    return path


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """A tiny course's source."""
    return tiny_course(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    """A tiny course as its first build leaves it."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patches:
        build.build(tiny_course(folder, patches))
    return folder


@pytest.fixture
def built(source, first) -> Path:
    """The source of a tiny course that was built."""
    shutil.copytree(first, source.parent.parent, dirs_exist_ok=True)
    return source


def state(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(root)): (p.read_bytes(), p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


def test_building_again_executes_nothing_and_writes_nothing(source, monkeypatch):
    assert build.build(source).startswith("05_tiny: student's notebook written, answers recorded, reference executed")
    assert build.check(source) == []
    before = state(source.parent.parent)
    assert {"notebooks/05_tiny.ipynb", "solutions/05_tiny.ipynb"} < set(before)
    monkeypatch.setattr(build, "execute", lambda *args: pytest.fail("executed again"))
    assert build.build(source).startswith("05_tiny: nothing to do")
    assert state(source.parent.parent) == before


def test_executing_again_by_force_changes_no_byte(built):
    before = state(built.parent.parent)
    assert "reference executed" in build.build(built, force=True)
    after = state(built.parent.parent)
    assert {name: data for name, (data, _) in after.items()} == {name: data for name, (data, _) in before.items()}


@pytest.mark.parametrize(("change", "says"), [
    (lambda source: source.write_text(SOURCE.replace("x + x", "2 * x")), "was not made from this source"),
    (lambda source: edit(source.with_suffix(".ipynb"), "x + x", "3 * x"), "reference's cells"),
    (lambda source: edit(notebooks.student_path(source), "passed", "ok"), "student's notebook"),
    (lambda source: notebooks.student_path(source).unlink(), "student's notebook"),
    (lambda source: source.with_suffix(".ipynb").unlink(), "was not made from this source"),
    (lambda source: (source.parent / "mistakes").mkdir() or bank.bank_of(source).write_text("# %% [a.b] c\nd\n"),
     "answers are out of date"),
], ids=["source", "reference", "student", "no student", "no reference", "bank"])
def test_check_says_what_is_out_of_date_and_building_mends_it(built, change, says):
    change(built)
    (said,) = build.check(built)
    assert says in said
    assert "course build 05" in said
    build.build(built)
    assert build.check(built) == []


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_a_named_checkpoint_is_part_of_what_a_reference_is_made_of(source, monkeypatch, tmp_path):
    monkeypatch.setattr(build, "LIBRARY", tmp_path)
    source.write_text(SOURCE + '\n# %% tags=["demo"]\nzoo.load("mnist-unet")\n')
    nb = notebooks.read(source)
    without = build.digest_reference(source, nb)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "other.safetensors").write_bytes(b"1")
    assert build.digest_reference(source, nb) == without
    (tmp_path / "checkpoints" / "mnist-unet.safetensors").write_bytes(b"1")
    first = build.digest_reference(source, nb)
    (tmp_path / "checkpoints" / "mnist-unet.safetensors").write_bytes(b"2")
    assert len({without, first, build.digest_reference(source, nb)}) == 3


def test_a_failing_cell_is_named_with_its_traceback_and_what_was_there_stays(built, capsys):
    before = built.with_suffix(".ipynb").read_bytes()
    built.write_text(SOURCE + '\n# %% tags=["demo"]\nnumber = 1\nnumber / 0\n')
    with pytest.raises(ValueError, match="05_tiny: cell demo-2 failed") as caught:
        build.build(built)
    told = str(caught.value)
    assert "ZeroDivisionError" in told
    assert "\x1b" not in told
    assert "number" in told
    assert built.with_suffix(".ipynb").read_bytes() == before
    assert sorted(p.name for p in built.parent.iterdir()) == ["05_tiny.ipynb", "05_tiny.py", "nbgrader_config.py"]


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    nb = nbformat.v4.new_notebook()
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        build._write(tmp_path / "x.ipynb", nb)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_notebook_is_one_sentence(capsys):
    assert cli.main(["build", "--check", "77"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("course build: There is no notebook 77; there are: 00_start_here, ")
    assert said.count("\n") == 1


def test_the_course_is_built_and_checking_it_loads_no_torch():
    code = """if True:
        import sys
        from course_utils import cli
        end = cli.main(["build", "--check"])
        print("torch" in sys.modules, end)"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == f"All {len(notebooks.sources())} notebooks are up to date.\nFalse 0\n", ran.stderr
