from __future__ import annotations

import pytest
from conftest import require


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
