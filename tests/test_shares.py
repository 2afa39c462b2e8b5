"""What continuous integration says at its end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

SHARES = Path(__file__).parents[1] / ".ci/shares.py"
UNITS = """<testsuites><testsuite>
<testcase classname="tests.test_tasks" name="test_every_variant_passes[ddpm.extract]" time="100.0">
<properties><property name="group" value="05_ddpm" /></properties></testcase>
<testcase classname="tests.test_data" name="test_it_is_16_bit" time="7.0">
<properties><property name="group" value="tests/test_data.py" /></properties></testcase>
</testsuite></testsuites>"""
REFERENCES = """<testsuites><testsuite>
<testcase classname="solutions.05_ddpm.ipynb" name="Cell 1" time="60.4" />
<testcase classname="solutions.06_unet.ipynb" name="Cell 0" time="2.5" />
</testsuite></testsuites>"""


def test_each_stage_has_its_share_and_each_notebook_its_seconds(tmp_path):
    (tmp_path / "stages").write_text("30 style\n270 units\n")
    (tmp_path / "units.xml").write_text(UNITS)
    (tmp_path / "references.xml").write_text(REFERENCES)
    said = subprocess.run([sys.executable, SHARES, tmp_path], capture_output=True, text=True, check=True).stdout
    assert [" ".join(line.split()) for line in said.splitlines()] == [
        "30 s 10% style", "270 s 90% units", "300 s in all; of them one core spends",
        "160 s on 05_ddpm, more than 150 s", "2 s on 06_unet", "60 s Cell 1 of 05_ddpm, more than 20 s"]


def test_pytest_reports_cells_and_groups_as_it_expects(tmp_path):
    """A made-up notebook's cell under nbval, and a test in a group whose name holds a notebook's."""
    shutil.copy(SHARES.parents[1] / "tests/conftest.py", tmp_path)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "06_a.ipynb")
    (tmp_path / "05_b").mkdir()
    (tmp_path / "05_b/test_c.py").write_text("def test_d(): pass\n")
    words = ["--nbval-lax", "--nbval-current-env", "-n", "1", "--dist", "loadgroup", "--junitxml=all.xml"]
    ran = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, "--rootdir=.", "."],
                         cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    (tmp_path / "stages").write_text("1 all\n")
    said = subprocess.run([sys.executable, SHARES, tmp_path], capture_output=True, text=True, check=True).stdout
    assert "on 05_b\n" in said and "on 06_a\n" in said


def test_one_process_runs_a_group(tmp_path):
    """Without a sound, some versions of pytest and pytest-xdist do not: what a group shares is then made twice."""
    shutil.copy(SHARES.parents[1] / "tests/conftest.py", tmp_path)
    test = ("import os\nimport pytest\n\n\n@pytest.mark.parametrize('n', range(9))\ndef test_it(n):\n"
            "    with open(__name__, 'a') as f:\n        print(os.getpid(), file=f)\n")
    for name in ("test_a", "test_b"):
        (tmp_path / f"{name}.py").write_text(test)
    words = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]
    ran = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, "--rootdir=.", "."],
                         cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    for name in ("test_a", "test_b"):
        assert len(set((tmp_path / name).read_text().split())) == 1
