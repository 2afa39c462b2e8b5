"""The bank of mistakes: read, run against the reference, recorded.

A bank is percent text (`solutions/mistakes/05_ddpm.py`); variants, right answers written another way, and slips, wrong
ones that no hint was written for, have the same form without hints (`tests/variants/05_ddpm_loops.py`,
`tests/slips/05_ddpm.py`). An entry is one small edit of the reference's solution or several, one after the other:

    # %% [ddpm.q_sample] alpha_bar without its root
    # hint: The signal keeps the share alpha_bar of its variance; what is it that you multiply the image with?
    # edit: self.sqrt_alphas_cumprod → self.alphas_cumprod

    # %% [unet.forward] too few skips are saved
    # hint: The list of skips runs empty: each level saves one, and the way up takes two. Save one after each block.
    # replace:
    x = block1(x, context)
    skips.append(x)
    x = block2(x, context)
    # by:
    x = block2(block1(x, context), context)

`# edit:` puts one piece of text in the place of another, wherever that stands; `# replace:` and `# by:` whole lines.
Nothing after the arrow or after `# by:` deletes. With none of these words the code is a whole solution. A line that
begins with `# ----` heads the entries of a task, for the reader alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from course_utils import notebooks

_HEAD = re.compile(r"# %% \[([\w.]+)\] (\S.*)$")
_EDIT = re.compile(r"# edit: (\S.*?) →(.*)")


@dataclass(frozen=True)
class Entry:
    """One wrong (or other) answer: `code` replaces the solution region of `task`; `hint` is empty in a variant."""

    task: str
    title: str
    hint: str
    code: str


def read_bank(path: Path | str, source: Path | None = None) -> list[Entry]:
    """The entries of a bank, of a set of variants or of slips, in the order of the file, edits applied.

    Args:
        path: The file; its name begins with the notebook's number.
        source: The notebook's source, whose solutions the edits change; found by the number unless given.

    Raises:
        ValueError: If a cell's first line is not `# %% [task.id] title`, a cell has no code, an edit's text does not
            stand in the solution, or the lines of a `# replace:` do not stand there exactly once.
    """
    path = Path(path)
    cells = notebooks.read(source or notebooks.source_of(path.stem[:2])).cells
    solutions = {c.metadata["task"]: notebooks.solution(c.source) for c in cells if "task" in c.metadata}
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("# %%")]
    return [_entry(lines[a:b], solutions, f"{path.name}, line {a + 1}")
            for a, b in zip(starts, [*starts[1:], None], strict=True)]


def _entry(lines: list[str], solutions: dict[str, str], where: str) -> Entry:
    head = _HEAD.match(lines[0])
    if not head:
        raise ValueError(f"{where}: expected `# %% [task.id] what is wrong`.")
    lines = [line for line in lines[1:] if not line.startswith("# ----")]
    n = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("# hint:")), len(lines))
    hint = " ".join(line.removeprefix("# hint:").strip() for line in lines[:n] if line.strip())
    code = textwrap.dedent("\n".join(lines[n:])).strip("\n")
    if code.startswith(("# edit:", "# replace:")):
        code = _edit(solutions.get(head[1], ""), code, where)
    if not code.strip():
        raise ValueError(f"{where}: there is no code under `{head[2]}`.")
    return Entry(head[1], head[2], hint, code)


def _edit(solution: str, edits: str, where: str) -> str:
    """The solution after every edit, in their order."""
    for edit in re.split(r"^(?=# edit:|# replace:)", edits, flags=re.MULTILINE)[1:]:
        if edit.startswith("# replace:"):
            solution = _with_lines(solution, edit.removeprefix("# replace:\n"), where)
            continue
        small = _EDIT.fullmatch(edit.strip())
        if not small or small[1] not in solution:
            first = edit.splitlines()[0]
            raise ValueError(f"{where}: `{first}` should be one line, `# edit: old → new`, old as the solution has it.")
        solution = solution.replace(small[1], small[2].strip())
    return solution


def _with_lines(solution: str, pair: str, where: str) -> str:
    """The solution with the lines below `# by:` for those above; they keep the indentation that they find."""
    lines = solution.splitlines()
    old, by, new = pair.partition("# by:")
    old, new = (textwrap.dedent(part).strip("\n").splitlines() for part in (old, new))
    found = [i for i in range(len(lines) - len(old) + 1) if _plain(lines[i:i + len(old)]) == _plain(old)]
    if not (old and by) or len(found) != 1:
        first = old[0].strip() if old else ""
        raise ValueError(f"{where}: `{first}` should stand in the solution once, with `# by:` below.")
    indent = re.match(r"\s*", lines[found[0]])[0]
    lines[found[0]:found[0] + len(old)] = textwrap.indent("\n".join(new), indent).splitlines()
    return "\n".join(lines)


def _plain(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(line.rstrip() for line in lines))


# ---- what every answer gives on the public inputs ------------------------------------------------------------------


def bank_of(source: Path) -> Path:
    """Where the mistakes of a notebook's source lie."""
    return source.parent / "mistakes" / source.name


def task_ids(source: Path) -> list[str]:
    """The ids of a source's tasks, in the order of their cells."""
    return [c.metadata["task"] for c in notebooks.read(source).cells if "task" in c.metadata]


def observe_all(source: Path, replaced: dict[str, str] | None = None, only: Collection[str] | None = None) -> dict:
    """Task id to the outcome of its probe on the public inputs, with code put in place of solution regions.

    Args:
        source: The notebook's source.
        replaced: As for `notebooks.load`.
        only: The tasks to probe; all of the notebook's by default.
    """
    from course_utils.tasks import draw_inputs, get, observe

    nb = notebooks.load(source, replaced)
    asked = [get(id) for id in task_ids(source) if only is None or id in only]
    return {t.id: observe(t, nb, draw_inputs(t)) for t in asked}


def record(notebook: str | Path, digest: str = "") -> None:
    """Runs the reference and every mistake of its bank on the public inputs and saves the notebook's answers.

    Args:
        notebook: A name such as `05_ddpm`, or the source itself.
        digest: Of what the answers were made from; kept with them.

    Raises:
        ValueError: If the reference answers nothing, or a mistake has no hint or names no task.
    """
    from course_utils.tasks import draw_inputs, get
    from course_utils.tasks.recorded import Mistake, Recorded, save_recorded

    source = notebook if isinstance(notebook, Path) else notebooks.source_of(notebook)
    inputs = {id: draw_inputs(get(id)) for id in task_ids(source)}
    reference = observe_all(source)
    for id, outcome in reference.items():
        if outcome.error and not outcome.tensors:
            raise ValueError(f"{source.name}: the reference of {id} raised {outcome.error}: {outcome.message}")
    mistakes: dict[str, list] = {id: [] for id in inputs}
    for entry in read_bank(bank_of(source), source):
        if entry.task not in inputs or not entry.hint:
            raise ValueError(f"{bank_of(source).name}: `{entry.title}` has no hint, or {entry.task} is no task here.")
        outcome = observe_all(source, {entry.task: entry.code}, only=[entry.task])[entry.task]
        mistakes[entry.task].append(Mistake(entry.title, entry.hint, outcome))
    save_recorded(source.stem, Recorded(inputs, reference, mistakes, owners_of(source), find_given_cells(source),
                                         modules_of(source), digest))


def owners_of(source: Path) -> dict[str, str]:
    """Task id to the class that its method is put on, for the tasks that are methods."""
    put_on = {c.metadata["task"]: re.search(r"^@method_of\((\w+)\)", c.source, re.MULTILINE)
              for c in notebooks.read(source).cells if "task" in c.metadata}
    return {id: found[1] for id, found in put_on.items() if found}


def find_given_cells(source: Path) -> dict[str, list[str]]:
    """The texts of a source's given code cells by their kind."""
    cells = [(notebooks.kind_of(c), c.source) for c in notebooks.read(source).cells if c.cell_type == "code"]
    return {kind: [text for k, text in cells if k == kind] for kind in ("setup", "demo", "check")}


_MEASURE = """
import sys, pathlib
from course_utils.authoring import bank
bank.observe_all(pathlib.Path(sys.argv[1]))
print("modules:", *sorted(m for m in sys.modules if m.split(".")[0] == "course_utils"))
"""


def modules_of(source: Path) -> list[str]:
    """The modules of course_utils that a source's cells (but demo and check ones) and its probes load."""
    got = subprocess.run([sys.executable, "-c", _MEASURE, str(source)], check=False, capture_output=True, text=True)
    if got.returncode:
        raise ValueError(f"{source.name} does not run by itself:\n{got.stderr}")
    loaded = got.stdout.splitlines()[-1].split()[1:]
    readers = ("course_utils.authoring", "course_utils.notebooks", "course_utils.cells")
    return [m for m in loaded if not m.startswith(readers)]
