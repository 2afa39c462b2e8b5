"""A notebook is JSON from a stranger: what its values would take is known before they are made."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from course_utils import notebooks
from course_utils.grading.intake import submissions
from course_utils.grading.intake.archives import Unreadable
from course_utils.grading.intake.submissions import FileContent, read

TOO_MUCH = r"^a.ipynb holds more than 250,000 values; clear its outputs and hand it in again\.$"


def notebook(**about) -> bytes:
    """One cell, and what else stands in the file."""
    return json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}], **about}, ensure_ascii=False).encode()


@pytest.mark.parametrize("value", ["[]", "{}", '{"a":1}', '"ab"', '["\\\\",[]]', '{"\\"":[]}', '[[],"\\\\\\""]'])
def test_values_beyond_all_measure_are_refused_before_they_are_made(value):
    content = b'{"cells": [' + b",".join([value.encode()] * 600_000) + b"]}"
    tracemalloc.start()
    with pytest.raises(Unreadable, match=TOO_MUCH):
        read(FileContent("a.ipynb", content))
    assert tracemalloc.get_traced_memory()[1] < 3 * len(content)
    tracemalloc.stop()


@pytest.mark.parametrize("about", [{"a": ["[,{" * 200_000]}, {"b": '",[\\' * 200_000}, {"c": list(range(400_000))},
                                   {"d": [""] * 200_000}, {"é": "😀\n" * 10}])
def test_what_stands_in_strings_is_not_counted_and_numbers_are_cheap(about):
    assert read(FileContent("a.ipynb", notebook(**about))).cells[0]["source"] == "x = 1"


def test_every_value_is_counted(monkeypatch):
    """Whatever JSON holds, its values are no more than what is counted."""
    monkeypatch.setattr(submissions, "MAX_VALUES", 3)  # six of commas, brackets and strings
    assert not submissions._holds_too_much(b'[1, {"a": 2}]')
    assert not submissions._holds_too_much(rb'["\",\\", [], 1]')
    assert submissions._holds_too_much(rb'["\",\\", [], 1, 2, 3]')
    assert submissions._holds_too_much(rb'["\\", "\\", "\\", "\\"]')


@pytest.mark.parametrize("path", sorted(notebooks.SOLUTIONS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_an_executed_notebook_is_far_from_the_limit(monkeypatch, path):
    monkeypatch.setattr(submissions, "MAX_VALUES", submissions.MAX_VALUES // 20)
    assert read(FileContent(path.name, path.read_bytes())).cells
