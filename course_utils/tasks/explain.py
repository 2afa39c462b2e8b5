"""Sentences on what the student's own code did: an exception in a check or below it, a cell that defined nothing."""

from __future__ import annotations

import ast
import linecache
import re
import traceback
from types import CodeType
from typing import Any

from course_utils import tasks
from course_utils.tasks import ChangedInPlace, Task, Told, in_place
from course_utils.tasks.draws import by_student
from course_utils.tasks.given import is_given
from course_utils.tasks.recorded import Recorded

NO_PARENT = ("`super()` has no meaning here: this function stands in a cell of its own, outside its class. Use what "
             "the TODO names, or call the parent's method by its class: Parent.forward(self, x).")


def explain(error: BaseException, task: Task, recorded: Recorded) -> str:
    """One sentence on an exception that ended a probe: what to run or where to look, with the student's own line."""
    line = _line_of_student(error, recorded)
    where = f"\n  in your line {line}" if line else ""
    if isinstance(error, NameError) and line is None:
        return f"`{error.name}` is not defined yet: run the cells above, from the top of the notebook."
    if isinstance(error, AttributeError) and (sentence := _no_attribute(error, task, recorded)):
        return sentence + where
    if isinstance(error, (TimeoutError, Told)):
        return str(error) + where
    if isinstance(error, RuntimeError) and str(error).startswith("super():"):
        return NO_PARENT + where
    if isinstance(error, ChangedInPlace):
        return str(error)
    if "in-place operation" in str(error):
        return in_place() + where
    if line is None and isinstance(error, (TypeError, ValueError)):
        return f"what it takes or returns is not what the notebook asks for: {error}"
    return f"{type(error).__name__}: {error}" + where


def _no_attribute(error: AttributeError, task: Task, recorded: Recorded) -> str | None:
    """On an attribute that is a task of this notebook: a method whose cell is to be run, or a function."""
    classes = {cls.__name__ for cls in (error.obj if isinstance(error.obj, type) else type(error.obj)).__mro__}
    asked = [t for t in tasks.tasks_of(tasks.notebook_of(task.id)) if t.name == error.name]
    for t in asked:
        if recorded.owners.get(t.id) in classes:
            return (f"there is no `{error.name}` yet: run the cell of {t.id}. (When a class's own cell is run again, "
                    "the cells of its methods must be run again too.)")
    if any(t.id not in recorded.owners for t in asked):
        return f"`{error.name}` is a function, not a method: call {error.name}(…) by its name alone."
    return None


def _line_of_student(error: BaseException, recorded: Recorded) -> str | None:
    """The innermost line of the student's own code on the way to the exception, as `12: x = y`."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if by_student(file) and not is_given(file, recorded.given.get("setup", ())):
            return f"{line}: {linecache.getline(file, line).strip()}"
    return None


# ---- which definition was checked ----------------------------------------------------------------------------------


def older_definition(task: Task, nb: Any, owner: str | None) -> str | None:
    """In a notebook: which run of a task's cell was checked, where a later one defined nothing; else None.

    Args:
        nb: The notebook's namespace; IPython keeps the texts of all runs in its list `In`.
        owner: The class that the task's method is put on; None for a function or a class.
    """
    names = vars(nb)
    runs, checked = names.get("In"), _codes_of(task, names, owner)
    if not isinstance(runs, list) or not checked:
        return None
    cell = "".join(linecache.getlines(checked[0].co_filename)).strip()
    told = [i for i, run in enumerate(runs) if run.strip() == cell]
    later = [i for i in range(told[-1] + 1, len(runs)) if _is_run_of(runs[i], cell, task.name, owner)] if told else []
    if not later:
        return None
    return (f"This is the `{task.name}` of In [{told[-1]}]: the last run of its cell, In [{later[-1]}], "
            f"{_why_nothing(runs[later[-1]], owner)}.")


def _codes_of(task: Task, names: dict[str, Any], owner: str | None) -> list[CodeType]:
    """The code object of a task's function, or those of the methods of its class."""
    found = vars(names[owner]).get(task.name) if owner in names else names.get(task.name)
    candidates = list(vars(found).values()) if isinstance(found, type) else [getattr(found, "__wrapped__", found)]
    return [f.__code__ for f in candidates if hasattr(f, "__code__")]


def _is_run_of(text: str, cell: str, name: str, owner: str | None) -> bool:
    """Whether a cell's text defines `name` at its left edge, on this owner or with the same first line."""
    head = re.compile(rf"^(?:def|class) {re.escape(name)}\b.*", re.MULTILINE)
    found, known = head.search(text), head.search(cell)
    put_on = re.findall(r"method_of\((\w+)\)", text)
    return bool(found) and (owner in put_on or not put_on and bool(known) and found[0] == known[0])


def _why_nothing(text: str, owner: str | None) -> str:
    try:
        ast.parse(text)
    except SyntaxError as e:
        return f"is no Python ({e.msg}, line {e.lineno})"
    if owner and "method_of" not in text:
        return f"lacks the line @method_of({owner}) above its def"
    return "did not come to its end"


# ---- which checks are red ------------------------------------------------------------------------------------------


def still_red(verdicts: dict[str, str], uses: str = "uses") -> str:
    """One sentence that names tasks; empty without any.

    Args:
        verdicts: What each task's check said: "red" for a wrong answer, "open" for a stub.
        uses: "uses" or "may need": what the cell that reads the sentence has to do with them.
    """
    said = []
    for verdict in ("red", "open"):
        names = [f"`{id}`" for id, v in verdicts.items() if v == verdict]
        said += [f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} still {verdict}"] if names else []
    mend = "mend" if "red" in verdicts.values() else "write"
    it = "it" if len(verdicts) == 1 else "them"
    return f"{', '.join(said)}: {mend} {it} first, this cell {uses} {it}." if said else ""


def blame(error: BaseException, verdicts: dict[str, str], nb: Any, recorded: Recorded) -> tuple[str, bool]:
    """What checks that did not pass have to do with a cell's exception.

    Args:
        error: With its traceback, from the cell inwards.
        verdicts: As `still_red` takes them.
        nb: The notebook's namespace.

    Returns:
        A sentence, empty where there is nothing to say, and whether it says all that is to be shown: so in a given
        cell. The reader's own cells keep their traceback.
    """
    ran = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    cell = next((code.co_filename for code in ran if by_student(code.co_filename)), "")
    codes = {id: _codes_of(tasks.get(id), vars(nb), recorded.owners.get(id)) for id in verdicts}
    if any(code.co_filename == cell for found in codes.values() for code in found):
        return "", False  # a task's own cell
    given = is_given(cell, [*recorded.given.get("setup", ()), *recorded.given.get("demo", ())])
    met = {id: verdicts[id] for id, found in codes.items() if not set(ran).isdisjoint(found)}
    if met or not given:
        return still_red(met), given
    return f"{_perhaps(verdicts, cell)}\n{type(error).__name__}: {error}".rstrip(), True


def _perhaps(verdicts: dict[str, str], cell: str) -> str:
    """For a cell that failed outside of the tasks' functions, over what one of them returned or for another reason."""
    text = "".join(linecache.getlines(cell))
    named = {id: v for id, v in verdicts.items() if re.search(rf"\b{re.escape(tasks.get(id).name)}\b", text)}
    return still_red(named) or still_red(verdicts, "may need")
