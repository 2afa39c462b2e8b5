"""Every task of every notebook: the reference and all variants pass, every mistake fails and gets its own hint."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils import notebooks, tasks
from course_utils.authoring import bank, build
from course_utils.check import CheckFailed, Unfinished, check
from course_utils.tasks.compare import first_difference
from course_utils.tasks.recorded import load_recorded

pytestmark = pytest.mark.slow
SOURCES = {p.stem: p for p in notebooks.sources()}
NOTEBOOKS = pytest.mark.parametrize("notebook", SOURCES)
TASKS = pytest.mark.parametrize("id", [t.id for name in SOURCES for t in tasks.tasks_of(name)])


def source_of(id: str) -> Path:
    return SOURCES[tasks.notebook_of(id)]


@cache
def reference(notebook: str) -> tasks.Namespace:
    return notebooks.load(SOURCES[notebook])


@cache
def mistakes(notebook: str) -> list[bank.Entry]:
    return bank.read_bank(bank.bank_of(SOURCES[notebook]))


@cache
def slips(notebook: str) -> list[bank.Entry]:
    """Wrong answers that were written before the bank knew them; they stay wrong, whatever it has learned since."""
    return [entry for path in sorted((Path(__file__).parent / "slips").glob(f"{notebook}*.py"))
            for entry in bank.read_bank(path)]


@cache
def variants(notebook: str) -> dict[str, dict[str, str]]:
    """File to task id to code."""
    files = sorted((Path(__file__).parent / "variants").glob(f"{notebook}_*.py"))
    return {f.stem: {entry.task: entry.code for entry in bank.read_bank(f)} for f in files}


# ---- what is written for a notebook --------------------------------------------------------------------------------


@NOTEBOOKS
def test_cells_registry_and_points_tell_the_same(notebook):
    nb = notebooks.read(SOURCES[notebook])
    points = build.registry_points(build.prefixes_of(nb))
    asked = [c.metadata[word] for c in nb.cells for word in ("task", "question") if word in c.metadata]
    assert sorted(asked) == sorted(points)
    built = nbformat.read(notebooks.student_path(SOURCES[notebook]), as_version=4)
    given = {c.metadata.get("check") or c.metadata["question"]: c.metadata.nbgrader.points for c in built.cells
             if c.metadata.get("nbgrader", {}).get("grade")}
    assert given == points


@NOTEBOOKS
def test_the_bank_has_three_mistakes_a_task_and_no_hint_twice(notebook):
    count = Counter(entry.task for entry in mistakes(notebook))
    assert {t.id: count[t.id] for t in tasks.tasks_of(notebook) if count[t.id] < 3} == {}
    hints = Counter((entry.task, entry.hint) for entry in mistakes(notebook))
    assert [key for key, n in hints.items() if n > 1 or not key[1]] == []


@NOTEBOOKS
def test_there_are_four_whole_sets_of_variants(notebook):
    sets = variants(notebook)
    assert len(sets) == 4
    assert {name: set(entries) for name, entries in sets.items()} == dict.fromkeys(sets, {
        t.id for t in tasks.tasks_of(notebook)})


@NOTEBOOKS
def test_there_are_forty_slips_and_every_task_has_some(notebook):
    told = Counter(entry.task for entry in slips(notebook))
    assert told.total() >= 40 and set(told) == {t.id for t in tasks.tasks_of(notebook)}


@NOTEBOOKS
def test_recorded_answers_are_those_of_the_bank(notebook):
    recorded = load_recorded(notebook)
    told = {(id, m.title, m.hint) for id, entries in recorded.mistakes.items() for m in entries}
    assert told == {(e.task, e.title, e.hint) for e in mistakes(notebook)}


# ---- verdicts ------------------------------------------------------------------------------------------------------


@TASKS
def test_the_reference_passes(id, capsys):
    check(id, reference(tasks.notebook_of(id)))
    assert capsys.readouterr().out.startswith(f"✓ {id} passed")


@TASKS
def test_every_mistake_fails_with_its_own_hint_and_on_a_graders_inputs(id):
    task, others, wrong = tasks.get(id), tasks.draw_inputs(tasks.get(id), seed=7), []
    right = tasks.observe(task, reference(tasks.notebook_of(id)), others)
    for entry in mistakes(tasks.notebook_of(id)):
        if entry.task == id:
            nb = notebooks.load(source_of(id), {id: entry.code})
            try:
                check(id, nb)
                wrong.append(f"{entry.title}: passed")
            except CheckFailed as e:
                if not str(e).endswith(f"Hint: {entry.hint}"):
                    wrong.append(f"{entry.title}: {e}")
            if first_difference(tasks.observe(task, nb, others), right, task) is None:
                wrong.append(f"{entry.title}: right on other inputs")
    assert wrong == []


@TASKS
def test_every_slip_fails(id):
    passed = []
    for entry in slips(tasks.notebook_of(id)):
        if entry.task == id:
            with contextlib.suppress(CheckFailed):
                check(id, notebooks.load(source_of(id), {id: entry.code}))
                passed.append(entry.title)
    assert passed == []


@TASKS
def test_an_answer_that_writes_into_what_it_is_given_fails(id):
    """The reference's own answer, after which every input of the probe is another one."""
    task = tasks.get(id)

    def spoiling(nb, **inputs):
        for part in probe_parts(task, nb, inputs):
            with torch.no_grad():
                next(iter(inputs.values())).add_(1)
            yield part

    changed = dataclasses.replace(task, probe=spoiling)
    recorded = load_recorded(tasks.notebook_of(id))
    outcome = tasks.observe(changed, reference(tasks.notebook_of(id)), recorded.inputs[id])
    assert outcome.error == "ChangedInPlace" and "make a new tensor" in outcome.message
    assert first_difference(outcome, recorded.reference[id], task).kind == "error"


def probe_parts(task: tasks.Task, nb: Any, inputs: dict) -> list[dict]:
    result = task.probe(nb, **inputs)
    return [result] if isinstance(result, dict) else result


@TASKS
def test_stand_ins_take_their_arguments_by_the_names_that_the_notebook_gives(id, monkeypatch):
    """Whatever is put in the place of a name of the notebook, or of a method, is called like what stood there."""
    module, nb, put = tasks.module_of(id.split(".")[0]), reference(tasks.notebook_of(id)), {}
    if original := vars(module).get("stand_ins"):
        monkeypatch.setattr(module, "stand_ins", lambda nb, **others: put.update(others) or original(nb, **others))
    tasks.observe(tasks.get(id), nb, load_recorded(tasks.notebook_of(id)).inputs[id])
    for name, stand_in in put.items():
        assert arguments(stand_in) == arguments(getattr(nb, name)), name
        if isinstance(stand_in, type):
            assert arguments(stand_in.forward) == arguments(getattr(nb, name).forward), name
    for name, method in methods(vars(module).get("Known", object)).items():
        assert arguments(method) == arguments(vars(nb.GaussianDiffusion)[name]), name


def methods(cls: type) -> dict[str, Callable]:
    return {name: f for name, f in vars(cls).items() if inspect.isfunction(f)}


def arguments(called: Callable) -> list[str]:
    """The names of what it takes, in their order."""
    return [p.name for p in inspect.signature(called).parameters.values()]


@TASKS
def test_every_variant_passes(id):
    for name, entries in variants(tasks.notebook_of(id)).items():
        try:
            check(id, notebooks.load(source_of(id), {id: entries[id]}))
        except CheckFailed as e:
            pytest.fail(f"{name}: {e}")


@NOTEBOOKS
def test_a_notebook_of_variants_alone_passes(notebook):
    for entries in variants(notebook).values():
        nb = notebooks.load(SOURCES[notebook], entries)
        for t in tasks.tasks_of(notebook):
            check(t.id, nb)


@TASKS
def test_an_unfilled_task_is_unfinished(id):
    with pytest.raises(Unfinished, match="TODO"):
        check(id, notebooks.load(source_of(id), {id: "raise Unfinished()"}))


@TASKS
def test_a_stub_that_gives_none_fails(id):
    with pytest.raises(CheckFailed):
        check(id, notebooks.load(source_of(id), {id: "return None"}))


# ---- nothing that a verdict must not depend on ---------------------------------------------------------------------


class Disturbed(TorchDispatchMode):
    """Draws once more after every draw: whoever relies on the order of draws gets other numbers."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags:
            torch.empty(1).uniform_()
        return out


def outcome_of(id: str, seed: int = 0) -> tasks.Outcome:
    torch.manual_seed(seed)
    return tasks.observe(tasks.get(id), reference(tasks.notebook_of(id)),
                         load_recorded(tasks.notebook_of(id)).inputs[id])


@TASKS
def test_the_order_of_draws_does_not_matter(id):
    quiet = outcome_of(id)
    with Disturbed():
        disturbed = outcome_of(id, seed=1)
    assert first_difference(disturbed, quiet, tasks.get(id)) is None


@TASKS
def test_no_random_dropout_acts(id, monkeypatch):
    quiet = outcome_of(id)

    def dropout(x, p=0.5, training=True, inplace=False):
        return x * (float("nan") if p < 1 else 0.0) if training and p > 0 else x  # p = 1 draws nothing that matters

    for module in (torch, torch.nn.functional):
        monkeypatch.setattr(module, "dropout", dropout)
    assert first_difference(outcome_of(id), quiet, tasks.get(id)) is None


@TASKS
def test_nothing_in_the_grading_room_is_the_answer(id, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    notebook = tasks.notebook_of(id)
    nb, recorded, task = reference(notebook), load_recorded(notebook), tasks.get(id)
    owner, name = place(id, nb)
    found = []
    for where, candidate in callables(recorded.modules):
        with put(owner, name, candidate):
            outcome = tasks.observe(task, nb, recorded.inputs[id])
        if first_difference(outcome, recorded.reference[id], task) is None:
            found.append(where)
    assert found == []


def place(id: str, nb: Any) -> tuple[Any, str]:
    """The class or namespace in which a task's answer is looked up, and the name under which."""
    cell = next(c for c in notebooks.read(source_of(id)).cells if c.metadata.get("task") == id)
    names = [n for n in ast.parse(cell.source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    written = next(n for n in names if n.name == tasks.get(id).name)
    for d in written.decorator_list:
        if isinstance(d, ast.Call) and ast.unparse(d.func) == "method_of":
            return getattr(nb, ast.unparse(d.args[0])), written.name
    return nb, written.name


@contextlib.contextmanager
def put(owner: Any, name: str, value: Any) -> Iterator[None]:
    old = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old)


def callables(modules: list[str]) -> Iterator[tuple[str, Callable]]:
    """Every function and class of these modules, and every function in those classes."""
    for module in map(importlib.import_module, modules):
        for name, value in vars(module).items():
            if callable(value) and str(getattr(value, "__module__", "")).startswith("course_utils"):
                yield f"{module.__name__}.{name}", value
                for inner, method in vars(value).items() if isinstance(value, type) else ():
                    if callable(method):
                        yield f"{module.__name__}.{name}.{inner}", method


@TASKS
def test_that_search_would_find_an_answer(id):
    nb, recorded = reference(tasks.notebook_of(id)), load_recorded(tasks.notebook_of(id))
    owner, name = place(id, nb)
    with put(owner, name, None):
        broken = outcome_of(id)
    with put(owner, name, vars(owner)[name]):
        right = outcome_of(id)
    assert first_difference(right, recorded.reference[id], tasks.get(id)) is None
    assert first_difference(broken, recorded.reference[id], tasks.get(id)) is not None


@TASKS
def test_a_failing_probe_leaves_the_notebook_as_it_was(id):
    nb = reference(tasks.notebook_of(id))
    owner, name = place(id, nb)
    names, attributes = dict(vars(nb)), dict(vars(owner))
    for wrong in (lambda *args, **kwargs: "no tensor", None):
        with put(owner, name, wrong):
            outcome = outcome_of(id)
        assert outcome.error
        assert vars(nb) == names
        assert dict(vars(owner)) == attributes
