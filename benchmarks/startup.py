"""How long a program waits for its imports.

`import course_utils` and the modules that a notebook's first cell names, in fresh processes, against `import torch`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from course_utils.bench import Row, medians

FIRST_CELL = "import course_utils.check, course_utils.diffusion.samplers, course_utils.zoo"


def rows() -> Iterator[Row]:
    """Every import in a process of its own; the medians of nine."""
    programs = {"torch": "import torch", "course": "import course_utils", "both": "import torch, course_utils",
                "first cell": FIRST_CELL}
    taken = medians({name: lambda code=code: subprocess.run([sys.executable, "-c", code], check=True)
                     for name, code in programs.items()}, repeats=9, warmup=1, least=0)
    yield Row.time("import torch, course_utils, against import torch", taken["both"], taken["torch"], unit="s",
                   goal=1 / 1.05, limit="torch itself")
    yield Row.time("import course_utils, against import torch", taken["course"], taken["torch"], unit="s",
                   goal=1 / 1.05, limit="Python's start")
    yield Row.time("import check, samplers and zoo, against import torch", taken["first cell"], taken["torch"],
                   unit="s", limit="torch itself")
