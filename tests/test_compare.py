"""Verdicts: what is judged first, what passes, and what each sentence says."""

from __future__ import annotations

import torch

from course_utils.tasks import Namespace, NotATensor, Outcome, Task, observe
from course_utils.tasks.compare import first_difference, relative_error
from course_utils.tasks.recorded import Mistake, known_mistake

TASK = Task("demo.f", 10, lambda rng: {}, lambda nb: {}, 1e-4, 1e-5)


def difference(got, want, **options):
    as_outcome = lambda x: x if isinstance(x, Outcome) else Outcome({"y": x})  # noqa: E731
    return first_difference(as_outcome(got), as_outcome(want), TASK, **options)


def test_equal_and_higher_precision_pass():
    want = torch.tensor([1.0, 2.0])
    assert difference(want, want) is None
    assert difference(want.double() + 1e-6, want) is None


def test_the_imaginary_part_counts():
    want = torch.tensor([1 + 2j, 3j])
    assert difference(want.clone(), want) is None and difference(want.real, want).kind == "dtype"
    said = difference(torch.tensor([1 - 2j, 3j]), want).sentence
    assert "1 of 2 values; the worst is 1-2j at [0], expected 1+2j" in said


def test_nothing_broadcasts():
    for got, want in [(torch.ones(1), torch.ones(1000)), (torch.ones(3, 1), torch.ones(3)),
                      (torch.empty(0), torch.empty(0, 2)), (torch.ones(()), torch.ones(1))]:
        assert difference(got, want).kind == "shape"


def test_kinds_of_difference_are_told_apart():
    want = torch.tensor([1.0, 2.0])
    assert difference(torch.tensor([1, 2]), want).kind == "dtype"
    assert difference(want.half(), want).kind == "dtype"
    assert difference(torch.tensor([1.0, float("nan")]), want).kind == "nan"
    assert difference(torch.tensor([1.0, float("inf")]), want).kind == "nan"
    assert difference(torch.tensor([1.0, 2.1]), want).kind == "value"
    assert difference(torch.tensor([True, False]), torch.tensor([1, 0])).kind == "dtype"


def test_a_value_names_its_worst_element_and_hides_it_from_the_grader():
    want = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    got = want + torch.tensor([[0.0, 0.5], [0.0, 0.1]])
    seen = difference(got, want).sentence
    assert "2 of 4 values" in seen and "[0, 1]" in seen and "2.5" in seen and "expected 2" in seen
    hidden = difference(got, want, reveal=False).sentence
    assert "expected" not in hidden and "2.5" not in hidden
    assert difference(torch.tensor(1.5), torch.tensor(2.0)).sentence == "`y` is 1.5, expected 2."
    assert "2" not in difference(torch.tensor(1.5), torch.tensor(2.0), reveal=False).sentence


def test_outputs_before_an_exception_are_judged_first():
    want = Outcome({"a": torch.ones(2), "b": torch.ones(2)})
    stopped = Outcome({"a": torch.ones(2)}, "ValueError", "no")
    assert difference(stopped, want).kind == "error" and "before `b`" in difference(stopped, want).sentence
    assert difference(Outcome({"a": torch.zeros(2)}, "ValueError"), want).output == "a"
    assert difference(Outcome({"a": torch.ones(2)}), want).kind == "missing"


def test_a_mistake_is_known_by_its_whole_outcome():
    twice = Mistake("twice", "…", Outcome({"y": torch.tensor([2.0])}))
    raises = Mistake("raises", "…", Outcome({}, "KeyError"))
    assert known_mistake(Outcome({"y": torch.tensor([2.0])}), [raises, twice], TASK) is twice
    assert known_mistake(Outcome({}, "KeyError"), [raises, twice], TASK) is raises
    assert known_mistake(Outcome({"y": torch.tensor([3.0])}), [raises, twice], TASK) is None
    # the same exception at a later place is another slip
    assert known_mistake(Outcome({"y": torch.tensor([2.0])}, "KeyError"), [raises, twice], TASK) is None


def test_a_probe_keeps_what_came_before_an_exception():
    def probe(nb, x):
        yield {"first": x + 1}
        x.zero_()  # the student may write into inputs: they are copies
        yield {"second": nb.missing(x)}

    x = torch.ones(2)
    outcome = observe(Task("demo.g", 1, lambda rng: {}, probe, 0, 0), Namespace({}), {"x": x})
    assert list(outcome.tensors) == ["first"] and outcome.error == "NameError" and x.eq(1).all()


def test_what_is_no_tensor_is_told():
    outcome = observe(Task("demo.h", 1, lambda rng: {}, lambda nb: {"loss": 3.0}, 0, 0), Namespace({}), {})
    assert outcome.error == NotATensor.__name__ and "`loss` should be a tensor" in outcome.message


def test_relative_error_is_of_the_largest_value():
    assert relative_error(torch.tensor([1.0, 10.0]), torch.tensor([1.5, 10.0])) == 0.05
    assert relative_error(torch.empty(0), torch.empty(0)) == 0.0


def test_a_shape_is_told_by_the_name_of_what_has_it():
    outcome = lambda name, *shape: Outcome({f"shape_of_{name}": torch.tensor(shape)})  # noqa: E731
    name = "level 0, module 2: weight"
    wanted = outcome(name, 12, 6, 2, 2)
    found = difference(outcome(name, 6, 6, 3, 3), wanted, reveal=False)
    assert found.sentence == "`level 0, module 2: weight` has shape (6, 6, 3, 3), expected (12, 6, 2, 2)."
    assert found.kind == difference(outcome(name, 6), wanted).kind == "shape"
    assert difference(wanted, wanted) is None
    assert difference(Outcome({f"shape_of_{name}": torch.tensor(6)}), wanted).kind == "shape"  # from a forger


def test_what_was_passed_over_is_not_blamed_on_a_later_exception():
    got, want = Outcome({"b": torch.ones(1)}, "ValueError", "later"), Outcome(dict.fromkeys("ab", torch.ones(1)))
    assert difference(got, want).sentence == "There is no `a`."
    assert difference(Outcome({}, "ValueError", "later"), want).kind == "error"


def test_a_property_is_true_or_false():
    assert difference(torch.tensor(False), torch.tensor(True)).sentence == "`y` is False, it should be True."
