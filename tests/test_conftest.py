from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import group_of, require

from course_utils import notebooks


def test_what_a_machine_has_is_used(monkeypatch):
    monkeypatch.setenv("COURSE_REQUIRE", "browser")
    assert require("browser", True, "no browser") is None


def test_what_a_machine_lacks_is_a_skip_for_a_user(monkeypatch):
    monkeypatch.setenv("COURSE_REQUIRE", "sandbox")
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        require("browser", False, "no browser")


def test_what_a_machine_lacks_is_a_failure_where_it_is_required(monkeypatch):
    monkeypatch.setenv("COURSE_REQUIRE", "browser,sandbox")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        require("browser", False, "no browser")


def test_a_test_without_a_notebook_is_of_its_file(request):
    assert group_of(request.node) == "tests/test_conftest.py"


@pytest.mark.parametrize("about", ["05_ddpm", notebooks.source_of("05_ddpm"), "ddpm.q_sample"], ids=str)
def test_a_test_of_a_notebook_is_of_its_group(request, about):
    assert group_of(request.node) == "05_ddpm"
    assert [mark.args for mark in request.node.iter_markers("xdist_group")] == [("05_ddpm",)]


@pytest.mark.parametrize("other", ["06", 5, None, "ddpm"])
def test_another_parameter_names_no_notebook(request, other):
    assert group_of(request.node) == "tests/test_conftest.py"


def test_known_answers_are_of_their_notebook(request):
    known = SimpleNamespace(path=Path("tests/test_ddpm.py"), nodeid="tests/test_ddpm.py::test_it")
    assert group_of(known) == "05_ddpm"
