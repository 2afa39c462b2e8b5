"""Which version of the course this is: what a machine can say at once, without torch."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from course_utils import notebooks


@cache
def digest_course() -> str:
    """Changes with whatever a verdict may depend on: the library, its answers and checkpoints, the references."""
    library = Path(__file__).parents[1]
    files = [p for p in library.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    sha = hashlib.sha256()
    for path in sorted(files) + sorted(notebooks.SOLUTIONS.glob("*.py")):
        content = path.read_bytes()
        sha.update(f"{path.name} {len(content)} ".encode() + content)
    return sha.hexdigest()
