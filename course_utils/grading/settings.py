"""How a class is graded and reported: what holds for a whole run, whatever a student has handed in."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.grading.rooms.limits import Limits

EXTRAS = ("feedback", "anonymous", "similar")  # what a report may hold besides, by the setting that asks for it
FILES = ("canvas", "late", "roster")  # the instructor's files, which a resumed run reads again


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run.

    Attributes:
        jobs: Notebooks graded at the same time on this machine; without meaning with a scheduler.
        scheduler: The address of a Dask scheduler, such as `tls://host:8786`, whose workers grade instead.
        tls: PEM files for a `tls://` scheduler: the authority's certificate, one's own, its key; else those of Dask.
        resume: Go on with the run in the report's folder; what is there is kept, unless a submission has changed since.
            `canvas`, `late`, `roster` and `layout` are those of before, files read again, unless others are given.
        only: Grade one notebook (`05_ddpm`) or one task (`ddpm.q_sample`).
        student: Grade one student.
        sandbox: False runs the submissions with your own rights: they can then read and change all that you can.
        warm: Start rooms from a process that has loaded torch already: the same verdicts, sooner.
        seed: The run's seed, instead of a fresh one; for tests.
        limits: Of time and memory, for each submission.
        canvas: The gradebook that Canvas exported, for the titles and ids in `canvas.csv`.
        compare: An older report; what has changed since is written to `changes.html` and `changes.csv`.
        late: The rules for late work, a TOML file; they apply to the report, not to what is yielded.
        roster: Who is in the class: ids, or a table of Canvas's or Moodle's. Who is missing has a row, too.
        layout: One of `folders`, `flat`, `moodle`, `canvas`, `nbgrader`; by default that of most of what lies there.
        feedback: Also write `feedback.zip`, which Moodle and Canvas take back.
        anonymous: Also write pages without names.
        similar: Also write `similar.html`, pairs of students whose code is alike; implied by `earlier`.
        earlier: Older reports, whose code is compared with this class's, too.
        progress: Say on stderr what was found, and show a bar with the time left.
        say: Is given every sentence about files and marks that are nobody's, who is missing, changes, the cluster.
    """

    jobs: int = 2
    scheduler: str | None = None
    tls: tuple[Path, Path, Path] | None = None
    resume: bool = False
    only: str | None = None
    student: str | None = None
    sandbox: bool = True
    warm: bool = False
    seed: int | None = None
    limits: Limits = field(default_factory=Limits)
    canvas: Path | str | None = None
    compare: Path | str | None = None
    late: Path | str | None = None
    roster: Path | str | None = None
    layout: str | None = None
    feedback: bool = False
    anonymous: bool = False
    similar: bool = False
    earlier: tuple[Path | str, ...] = ()
    progress: bool = False
    say: Callable[[str], object] = warnings.warn

    def __post_init__(self):
        if self.jobs < 1:
            raise ValueError(f"jobs is a number from 1 on, not {self.jobs}.")

    @property
    def extras(self) -> list[str]:
        """What the report holds besides, of `EXTRAS`."""
        return [name for name in EXTRAS if getattr(self, name) or name == "similar" and self.earlier]

    @property
    def files(self) -> dict[str, Path | str]:
        """The instructor's files that are given, by name."""
        return {name: path for name in FILES if (path := getattr(self, name)) is not None}

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks to grade; empty for all."""
        return (self.only,) if self.only and "." in self.only else ()
