"""What strangers write is shown as one line that commands, turns and hides nothing."""

from __future__ import annotations

import unicodedata

import pytest

from course_utils.terminal import HIDDEN, printable, without_hidden


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x07", "\r\n", "\x9b31m", "\u202e", "\u200b", "\u2028", "\u3164", "\ufe0f",
                                 "\u034f", "\U000e0041", "\udce9", "\x85", "\u00a0"])
def test_nothing_but_text_is_left(odd):
    shown = printable(f"  ada{odd}ben é 漢 😀")
    assert shown.startswith("  ada") and shown.endswith("é 漢 😀")
    assert all(c == " " or c.isprintable() and not HIDDEN.match(c) and unicodedata.category(c) != "Cf" for c in shown)


@pytest.mark.parametrize("name", ["a\u200bda", "\u00adada", "ada\u3164", "\ufeffada", "a\u2060d\ufe0fa", " ada\u00a0"])
def test_names_that_look_alike_are_alike(name):
    assert name != "ada" and without_hidden(name) == "ada"
