"""The students' wheel runs whole notebooks where nothing but the core's distributions is installed."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest
from grading.classroom import submission
from packaging.requirements import Requirement

from course_utils import tasks
from course_utils.authoring import release

pytestmark = pytest.mark.slow
PROJECT = tomllib.loads((release.LIBRARY.parent / "pyproject.toml").read_text("utf-8"))["project"]
RUN = """
import importlib.metadata, json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
with open(sys.argv[1], encoding="utf-8") as file:
    cells = json.load(file)["cells"]
for cell in cells:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"])).raise_error()
import course_utils
print("library", course_utils.__file__)
print("installed", *sorted(d.name.lower() for d in importlib.metadata.distributions()))
"""


def needed(requirements: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """What is installed of these requirements, and of theirs."""
    found, asked = {}, list(map(Requirement, requirements))
    while asked:
        requirement = asked.pop()
        here = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if here and requirement.name not in found:
            found[requirement.name] = importlib.metadata.distribution(requirement.name)
            asked += map(Requirement, found[requirement.name].requires or [])
    return found


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> Path:
    """A folder that holds links to the core's distributions, as if nothing else were installed."""
    folder = tmp_path_factory.mktemp("core")
    for distribution in needed(PROJECT["dependencies"]).values():
        for name in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            place = folder / name
            if not place.is_symlink():
                place.symlink_to(distribution.locate_file(name))
    return folder


@pytest.fixture(scope="module")
def installed(bundle, tmp_path_factory) -> Path:
    """The wheel's content, where an installer would put it."""
    (wheel,) = bundle.parent.glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("notebook", ["05_ddpm", "06_unet"])  # a whole run takes half a minute
def test_a_filled_notebook_runs_alone_on_the_core(core, installed, tmp_path, notebook):
    path = tmp_path / "alone" / f"{notebook}.ipynb"
    path.parent.mkdir()
    nbformat.write(submission(notebook), path)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg",
                   "PYTHONPATH": os.pathsep.join(map(str, (installed, core)))}
    ran = subprocess.run([sys.executable, "-S", "-c", RUN, path.name], cwd=path.parent, env=environment,
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr
    said = ran.stdout.splitlines()
    assert said[-2] == f"library {installed / 'course_utils/__init__.py'}"
    seen = set(said[-1].split()[1:])
    assert {"torch", "mlxtend", "course_utils"} <= seen
    assert not {"jupyterlab", "ipykernel", "jupytext", "nbgrader", "emoji", "distributed", "pytest"} & seen
    assert {t.id for t in tasks.tasks_of(notebook)} == {
        line.split()[1] for line in said if line.startswith("✓ ") and " passed" in line}


def test_the_library_imports_nothing_but_the_core_before_it_is_used(bundle):
    """Extras are imported where they are needed, inside of functions."""
    names = importlib.metadata.packages_distributions()
    core = {name.lower() for name in needed(PROJECT["dependencies"])} | {"course-utils", "course_utils"}
    for path in bundle.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for top in {module.partition(".")[0] for module in modules} - {"course_utils", *sys.stdlib_module_names}:
                assert core & {d.lower() for d in names[top]}, f"{path.name} imports {top}"


def test_the_wheel_is_the_bundles_library_and_the_same_again(bundle, installed):
    for kind in ("course_utils", "course_utils/answers", "course_utils/checkpoints", "course_utils/tasks"):
        names = [{p.name for p in (place / kind).iterdir() if p.is_file()} for place in (bundle, installed)]
        assert names[0] == names[1] and names[0]
    (wheel,) = bundle.parent.glob("*.whl")
    before = wheel.read_bytes()
    assert release.build_wheel(bundle) == wheel
    assert wheel.read_bytes() == before


def test_a_wheel_that_cannot_be_built_is_one_sentence(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course/pyproject.toml").write_text("[project]\nname = 'a name'\nversion = '1'\n")
    with pytest.raises(ValueError, match=r"^The wheel could not be built: .+$"):
        release.build_wheel(tmp_path / "course")
    assert [p.name for p in tmp_path.iterdir()] == ["course"]
