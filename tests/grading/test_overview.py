"""The page about a class counts right, names the commonest mistakes, and shows nothing but what it was given."""

import re
from dataclasses import replace

import pytest
import torch
from grading.classroom import made_up_class

from course_utils import tasks
from course_utils.grading import grader, rubric
from course_utils.grading.grader import AnswerKey
from course_utils.grading.records import UNFILLED, UNMARKED, NotebookResult, Result, TaskResult
from course_utils.grading.reports import items, overview, report
from course_utils.tasks.recorded import load_recorded

TASK = "ddpm.q_sample"


def student(name, *earned, reason="", **more):
    done = [TaskResult(f"t.{i}", 10, points, **more) for i, points in enumerate(earned)]
    return Result(name, "", [NotebookResult("nb", done, reason)])


def test_the_points_are_spread_over_ten_bars():
    assert overview.compute_shares([student("a", 10, 5), student("b", 0), Result("c", "", [])]) == [0.75, 0.0, 0.0]
    earned = {"a": 0, "b": 9, "c": 10, "d": 3, "e": 2.9}
    page = overview.render_page([student(name, points) for name, points in earned.items()])
    assert "0 to 10 %: 1; 20 to 30 %: 1; 30 to 40 %: 1; 90 to 100 %: 2" in page


def test_answers_are_counted_among_those_who_handed_in():
    results = [student("a", 10, 4), student("b", 0, 10), student("c", 0, 0, why=UNFILLED),
               student("d", 0, 0, reason="nb.ipynb is missing.")]
    found = items.count_answers(results)["nb"]
    assert found == {"t.0": {"right": 1, "wrong": 1, "empty": 1}, "t.1": {"partly": 1, "right": 1, "empty": 1}}
    page = overview.render_page(results)
    assert "3 of 4 students" in page and "1 right, 1 not right, 1 not filled in" in page and "33%" in page
    assert re.search(r"To look at.*d</a>.*nb.ipynb is missing", page, re.DOTALL)


def test_what_everybody_or_nobody_solved_is_named():
    page = overview.render_page([student("a", 10, 0, 10), student("b", 10, 5, 0)])
    assert "Solved by everybody: <code>t.0</code>." in page and "Solved by nobody: <code>t.1</code>." in page


def test_a_question_without_a_mark_is_not_one_that_nobody_solved():
    given = [(4, ""), (0, UNMARKED), (0, UNMARKED)]
    asked = [TaskResult("q.1", 5, points, why, question=True) for points, why in given]
    results = [Result(str(i), "", [NotebookResult("nb", [TaskResult("t.0", 10, 10), t])]) for i, t in enumerate(asked)]
    assert items.count_answers(results)["nb"] == {"t.0": {"right": 3}, "q.1": {"partly": 1}}
    page = overview.render_page(results)
    assert "Solved by everybody: <code>t.0</code>." in page and "Solved by nobody" not in page


def test_the_commonest_mistakes_come_first_with_their_hints_and_students():
    made = [student(name, 0, mistake=m, hint=f"hint of {m}") for name, m in
            [("a", "rare"), ("b", "often"), ("c", "often")]]
    assert [(s.title, s.students) for s in overview.find_slips(made)] == [("often", ["b", "c"]), ("rare", ["a"])]
    page = overview.render_page(made)
    assert page.index("hint of often") < page.index("hint of rare")


def test_a_class_of_none_and_one_without_points_have_pages():
    assert "Class report" in overview.render_page([])
    assert "Class report" in overview.render_page([student("a")])


def test_notes_are_shown_and_escaped():
    assert "line 3: &lt;b&gt;" in overview.render_page(made_up_class(2), ["line 3: <b>"])


class Parrot:
    """A room that answers one task with a known mistake, whatever it is asked."""

    def __init__(self, outcome):
        self.outcome = outcome

    def ask(self, id, inputs):
        return self.outcome


@pytest.mark.parametrize("task", tasks.tasks_of("05_ddpm"), ids=lambda t: t.id)
def test_no_file_tells_an_input_an_expected_value_or_the_seed(task, tmp_path):
    seed = 4711004711
    recorded, inputs = load_recorded("05_ddpm"), tasks.draw_inputs(task, seed)
    wanted = recorded.reference[task.id]
    digest = rubric.digest("05_ddpm")
    key = AnswerKey("05_ddpm", [task], {task.id: inputs}, {task.id: wanted}, None, recorded, digest, None)
    judged = [grader._judge(task, key, Parrot(m.outcome)) for m in recorded.mistakes[task.id]]
    class_ = [Result(f"s{chr(97 + i)}", "", [NotebookResult("05_ddpm", [t])]) for i, t in enumerate(judged)]
    assert len(class_) > 2 and all(t.hint and not t.earned for t in judged)
    older = [replace(r, notebooks=[replace(r.notebooks[0], tasks=[replace(t, earned=3)])])
             for r, t in zip(class_, judged, strict=True)]
    report.write(tmp_path, class_, beside=report.ReportInputs(older=older))
    hidden = torch.cat([x.double().ravel() for x in (*inputs.values(), *wanted.tensors.values())])
    secret = {f"{v:.{digits}g}" for v in hidden.abs().tolist() for digits in range(4, 9) if v % 1} | {str(seed)}
    said = "\n".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert not secret & set(re.findall(r"\d+\.\d{3,}|\d{6,}", said))
