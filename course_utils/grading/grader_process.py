"""What grades for one run within one process, and the settings by which every such process grades alike."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils import notebooks, tasks
from course_utils.grading.grader import Grader
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.rooms.limits import Limits
from course_utils.grading.rooms.room import RoomFactory, run_self_test
from course_utils.grading.rooms.warm import WarmRoomFactory
from course_utils.tasks import Task


@dataclass(frozen=True)
class GraderConfig:
    """What a run asks of every process that grades for it, here or on another machine: plain values only.

    Attributes:
        run: Names the run; two runs never share a GraderProcess.
        course: What `digest_course` gives where the run was started.
        seed: The run's secret; inputs follow from it.
        notebooks: Those to grade.
        only: The tasks to grade; all when empty.
        private: Paths that no room may see, wherever they lie, besides the course.
        sandbox: False runs submissions with the grader's own rights.
        warm: Whether rooms come from a process that has loaded torch.
    """

    run: str
    course: str
    seed: int
    notebooks: tuple[str, ...]
    only: tuple[str, ...] = ()
    limits: Limits = Limits()
    private: tuple[Path, ...] = ()
    sandbox: bool = True
    warm: bool = False

    def list_tasks(self, notebook: str) -> list[Task]:
        """The tasks of a notebook that are asked."""
        return [t for t in tasks.tasks_of(notebook) if not self.only or t.id in self.only]

    def make_failed_result(self, submission: Submission, reason: str) -> Result:
        """The result of a submission that the grader failed to grade; --resume grades it again."""
        rows = [NotebookResult(n, [TaskResult(t.id, t.points, 0) for t in self.list_tasks(n)], reason if i == 0 else "")
                for i, n in enumerate(self.notebooks)]
        return Result(submission.student, submission.digest(), rows, failed=True, ids=submission.ids,
                      handed_in=submission.handed_in, notes=list(submission.notes))

    def check_result(self, submission: Submission, answer: object) -> Result:
        """The answer, if it is this submission's result, task by task; ValueError for anything else."""
        if isinstance(answer, Result) and answer.student == submission.student:
            rows = {n.notebook: [(t.task, t.points) for t in n.tasks] for n in answer.notebooks}
            if rows == {n: [(t.id, t.points) for t in self.list_tasks(n)] for n in self.notebooks}:
                return answer
        raise ValueError(f"This is no result of {submission.student}.")


class GradingStopped(RuntimeError):
    """The process was closed while the submission was graded; there is no result."""


class GraderProcess:
    """A process's sandbox, tested, and its grader with the answer keys.

    The keys are made here, by this machine's reference in this machine's sandbox, and not sent: so a submission and
    the reference that it is compared with always ran with the same torch on the same processor.

    Args:
        jobs: Notebooks graded at the same time, of one submission or of several.

    Raises:
        SandboxError: When the sandbox does not hold on this machine.
        ValueError: When the reference does not answer.
    """

    def __init__(self, config: GraderConfig, jobs: int):
        kind = WarmRoomFactory if config.warm else RoomFactory
        self._notebooks = config.notebooks
        self._rooms = kind(config.limits, (notebooks.SOLUTIONS.parent, *config.private), config.sandbox)
        if config.sandbox:
            run_self_test(self._rooms)
        self._folder = tempfile.TemporaryDirectory(prefix="grading-")
        self._grader = Grader(self._rooms, config.seed, Path(self._folder.name), jobs)
        try:
            self._grader.add_keys(config.notebooks, config.only)
        except BaseException:
            self._rooms.close()
            self._folder.cleanup()
            raise

    def grade(self, submission: Submission, alone: bool = True) -> Result:
        """The unit of work: one submission's result. Threads may call it at the same time.

        Args:
            alone: Whether nothing else is graded meanwhile, so that a deadline is the submission's own fault.

        Raises:
            GradingStopped: When the process was closed before it was done.
        """
        read = submission.load_contents(self._notebooks)  # what is graded is what is recorded
        result = self._grader.grade(read, alone)
        if self._grader.closed:
            raise GradingStopped("The run was ended.")
        return replace(result, crowded=not alone)

    def close(self) -> None:
        """Ends the rooms that are open, and with them the gradings in progress."""
        self._grader.close()
        self._rooms.close()
        self._folder.cleanup()
