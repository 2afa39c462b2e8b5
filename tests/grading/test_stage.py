"""A room's folder holds what its notebook needs: of data and checkpoints only those that its source names."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from course_utils import data, notebooks
from course_utils.grading import grader
from course_utils.grading.rooms.stage import stage

MODULES = ["course_utils.zoo", "course_utils.files", "course_utils.models"]


def staged(folder, modules, checkpoints):
    return sorted(path.name for path in stage(folder, "05_ddpm", modules, checkpoints).rglob("checkpoints/*"))


def test_a_room_holds_the_checkpoints_that_are_named_and_no_other(tmp_path):
    assert staged(tmp_path / "one", MODULES, ["mnist-classifier"]) == ["mnist-classifier.safetensors"]
    assert staged(tmp_path / "none", MODULES, []) == []
    assert staged(tmp_path / "no reader", [], ["mnist-classifier"]) == []
    assert staged(tmp_path / "untrained", MODULES, ["mnist-classifier", "hologram"]) == ["mnist-classifier.safetensors"]


@pytest.mark.parametrize("code, named", [
    ("zoo.load('b'); zoo.load(\n    \"a-1\", folder)", ["a-1", "b"]), ("zoo.load(name)", []), ("bazoo.load('a')", []),
    ("import zoo", [])])
def test_a_notebook_names_the_checkpoints_that_its_code_loads(code, named):
    texts = {"code": code, "markdown": "zoo.load('c')"}
    cells = [SimpleNamespace(cell_type=kind, source=text) for kind, text in texts.items()]
    assert notebooks.checkpoints(SimpleNamespace(cells=cells)) == named


def test_the_grader_stages_what_the_source_names(tmp_path, monkeypatch):
    monkeypatch.setattr(grader, "load_recorded", lambda notebook: SimpleNamespace(modules=MODULES))
    room = grader.Grader._stage(SimpleNamespace(folder=tmp_path), "05_ddpm")
    assert [path.name for path in (room / "course_utils/checkpoints").iterdir()] == ["mnist-unet.safetensors"]


def test_a_room_gets_the_cached_data_where_its_notebook_reads_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    data.load_or_build("numbers", lambda: {"x": np.arange(3)})
    with_data = stage(tmp_path / "with", "05_ddpm", ["course_utils.data", "course_utils.data.cache"])
    assert (with_data / "cache/course_utils/numbers.arrays").is_file()
    assert {p.name for p in (with_data / "course_utils/data").iterdir()} == {"__init__.py", "cache.py"}
    without = stage(tmp_path / "without", "05_ddpm")
    assert not (without / "cache/course_utils").exists()
    assert not (without / "course_utils/data").exists()
