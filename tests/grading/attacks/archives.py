"""Hostile archives, as many as are wanted: each lies about what it holds, or holds too much of it."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

NAME = "05_ddpm.ipynb"
EMPTY = b'{"cells": 1, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'  # no notebook: no room is needed


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def _attributed(mode: int) -> bytes:
    info = zipfile.ZipInfo(NAME)
    info.external_attr = mode << 16
    return packed((info, b"/etc/passwd"))


def _said(content: bytes, offset: int, what: bytes, central: bool = True) -> bytes:
    """With other bytes in the first member's header."""
    at = content.index(b"PK\1\2" if central else b"PK\3\4") + offset
    return content[:at] + what + content[at + len(what):]


def _overlapping(n: int) -> bytes:
    """Members that are all one: a bomb by the list alone, as each unpacks to the same megabytes."""
    one = packed((NAME, b" " * (1 << 20)))
    at = one.index(b"PK\1\2")
    entry, end = one[at:one.index(b"PK\5\6")], one[one.index(b"PK\5\6"):]
    listed = b"".join(entry.replace(NAME.encode(), f"{k:05}_d.ipynb".encode()[:len(NAME)]) for k in range(n))
    return one[:at] + listed + end[:8] + struct.pack("<HHII", n, n, len(listed), at) + end[20:]


def _nested(depth: int) -> bytes:
    inner = packed((NAME, EMPTY))
    for _ in range(depth):
        inner = packed((f"{NAME}.zip", inner))
    return inner


def _claims_zip64(members: int) -> bytes:
    one = packed((NAME, EMPTY))
    at = one.index(b"PK\5\6")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, members, members, 1 << 40, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    return one[:at] + record + locator + one[at:]


def _repeated(dice: random.Random) -> bytes:
    nest = "[" * dice.randrange(10_000, 100_000)
    return packed((NAME, f'{{"cells": {nest}'.encode()))


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    "random bytes behind the right beginning": lambda dice: b"PK\3\4" + dice.randbytes(3000),
    "cut": lambda dice: packed((NAME, EMPTY))[:dice.randrange(4, 150)],
    "a byte changed": lambda dice: _flipped(packed((NAME, dice.randbytes(300))), dice),
    "a gigabyte of blanks": lambda dice: packed((NAME, b" " * (30 << 20))),
    "a size that is a lie": lambda dice: _said(packed((NAME, EMPTY)), 24, struct.pack("<I", dice.randrange(1 << 31))),
    "a packed size that is a lie": lambda dice: _said(packed((NAME, EMPTY)), 20, b"\xff\xff\xff\x7f"),
    "a place that is a lie": lambda dice: _said(packed((NAME, EMPTY)), 42, struct.pack("<I", dice.randrange(1 << 32))),
    "a method that nobody knows": lambda dice: _said(packed((NAME, EMPTY)), 10, b"\x63\x00"),
    "encrypted": lambda dice: _said(packed((NAME, EMPTY)), 8, b"\x01\x00"),
    "checksums that are wrong": lambda dice: _said(packed((NAME, EMPTY)), 16, dice.randbytes(4)),
    "members that are one another": lambda dice: _overlapping(4000),
    "more members than are listed": lambda dice: packed(*((f"{n}/{NAME}", b"") for n in range(5_001))),
    "names of sixty kilobytes": lambda dice: packed(*((f"{'n' * 60_000}{n}/{NAME}", b"{") for n in range(60))),
    "names that are endless folders": lambda dice: packed(("a/" * 30_000 + NAME, b"{}")),
    "names with controls and turned letters": lambda dice: packed((f"\x1b[2J\r\n\u202e=1+1/{NAME}", b"{}")),
    "names that lead out": lambda dice: packed(*((f"{at}{NAME}", EMPTY) for at in ("../../", "/etc/", "C:\\"))),
    "one name for all": lambda dice: packed(*[(NAME, b"{}")] * 90),
    "a link": lambda dice: _attributed(0o120777),
    "archives in archives": lambda dice: _nested(9),
    "a directory of zip64 without end": lambda dice: _claims_zip64(1 << 40),
    "a comment that is an archive": lambda dice: _with_comment(packed((NAME, b"{")), packed((NAME, b"["))[:60_000]),
    "JSON nested without end": _repeated,
    "values without end": lambda dice: packed((NAME, b'{"cells": [' + b"[]," * 500_000 + b"[]]}")),
    "a notebook of strings": lambda dice: packed((NAME, json.dumps({"cells": ["x" * 2000] * 5000}).encode())),
    "nothing": lambda dice: packed(),
}


def _flipped(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(30, len(content))
    return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1:]


def _with_comment(content: bytes, comment: bytes) -> bytes:
    return content[:-2] + struct.pack("<H", len(comment)) + comment


def hand_in(submissions: Path, students: int, seed: int = 0) -> list[str]:
    """Writes so many archives, of all kinds in turn; gives the students' names."""
    dice, names = random.Random(seed), []
    submissions.mkdir(parents=True, exist_ok=True)
    kept: dict[str, bytes] = {}
    for n in range(students):
        kind = list(KINDS)[n % len(KINDS)]
        once = kind not in kept or zlib.crc32(kind.encode()) % 2  # those that take long to make are made once
        kept[kind] = KINDS[kind](dice) if once else kept[kind]
        names.append(f"{n:04} {kind}")
        (submissions / f"{names[-1]}.zip").write_bytes(kept[kind])
    return names
