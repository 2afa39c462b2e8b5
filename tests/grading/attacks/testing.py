"""The two tests that every family has; a file of tests imports them beside its FAMILY."""

from __future__ import annotations

import pytest
from grading.attacks.suite import PATHS, Graded, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sandbox")]
AROUND = ["an honest neighbour has full marks", "nothing outside has changed", "no listener was called",
          "no reply holds a canary or the seed", "no process of a room is left", "no folder of a room is left",
          "the report is small, whole and plain text", "an answer is waited for no longer than allowed",
          "the machine keeps what it has"]


@pytest.fixture(scope="module", params=PATHS)
def graded(request, tmp_path_factory) -> Graded:
    return run(request.module.FAMILY, request.param, tmp_path_factory.mktemp("attacks") / "class")


def pytest_generate_tests(metafunc):
    if "title" in metafunc.fixturenames:
        metafunc.parametrize("title", [p.title for p in metafunc.module.FAMILY.pieces])


def test_it_ends_as_it_should(graded, title):
    ending = graded.endings[title]
    assert ending.survived, f"{ending.outcome}: {ending.sentence}"


@pytest.mark.parametrize("promise", AROUND)
def test_the_world_around_it(graded, promise):
    assert graded.around[promise] == ""
