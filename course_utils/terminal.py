"""What a terminal, a page or a table shows of a text that somebody else wrote."""

from __future__ import annotations

import re

HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)  # characters without a picture: Unicode's Default_Ignorable_Code_Point, and the blank of Braille


def printable(text: str) -> str:
    """A text on one line, with blanks for characters that command, turn or hide."""
    return "".join(c if c.isprintable() else " " for c in HIDDEN.sub(" ", text))


def without_hidden(text: str) -> str:
    """A text as it is seen: two that look alike for want of a picture are equal."""
    return " ".join(printable(HIDDEN.sub("", text)).split())
