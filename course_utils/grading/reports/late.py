"""What late work is worth, by one small file.

    percent_per_day = 10        # for each day begun after the due time
    most_percent = 50           # never more than this; 100 unless given
    most_days = 7               # what comes later than this counts nothing; no end unless given
    grace_minutes = 30          # so much later is not late yet; 0 unless given
    zone = "Europe/Berlin"      # of times that name no zone themselves, and of days

    [due]
    05_ddpm = 2026-03-01T23:59:00

    [weights]                   # points that a notebook brings to the total; what its tasks are worth unless given
    05_ddpm = 30

    [extensions]                # in days, for all notebooks or for some; by id or by the number in Moodle or Canvas
    ada = 3
    123456 = { 05_ddpm = 1.5 }

    [handed_in]                 # goes before what the files say; Moodle's download says nothing
    ada = 2026-03-02T10:30:00

The rules are applied when the report is written, to points that were recorded before.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from course_utils.grading.intake.hand_in_time import HandInTime
from course_utils.grading.intake.names import tidy
from course_utils.grading.records import Result

DAY = timedelta(days=1)
TOLD_BY = {"file": " by its file's time", "timestamp.txt": " by timestamp.txt"}


@dataclass(frozen=True)
class Rules:
    """What late work is worth.

    Attributes:
        due: When each notebook is due; one that is not named is never late.
        percent_per_day: What each day begun costs, in percent of the points earned.
        most_percent: The most that lateness costs.
        most_days: After so many days nothing counts.
        grace: How much later is not late yet; once it is over, days count from the due time.
        extensions: Days by student's id or number, for all notebooks or by notebook.
        handed_in: Times by student's id or number, for all notebooks or by notebook.
        zone: In which a day goes from midnight to midnight, 23 or 25 hours where clocks are changed; that of the due
            time unless given.
        weights: The points that a notebook brings to the total.
    """

    due: dict[str, datetime]
    percent_per_day: float = 0
    most_percent: float = 100
    most_days: float = math.inf
    grace: timedelta = timedelta()
    extensions: dict[str, float | dict[str, float]] = field(default_factory=dict)
    handed_in: dict[str, datetime | dict[str, datetime]] = field(default_factory=dict)
    zone: tzinfo | None = None
    weights: dict[str, float] = field(default_factory=dict)

    def compute_factor(self, notebook: str, ids: Collection[str], handed_in: HandInTime | None) -> tuple[float, str]:
        """The share of the points earned that counts, and a sentence for the student that says why.

        Args:
            notebook: For example `05_ddpm`.
            ids: By which the student may be named in the rules: the id, the number in Moodle or Canvas.
            handed_in: None where nothing was handed in.
        """
        named = _look_up(self.handed_in, ids, notebook)
        if notebook not in self.due or not (handed_in or named):
            return 1.0, ""
        time, told = (named, "") if named else (handed_in.resolve(self.zone), TOLD_BY.get(handed_in.told_by, ""))
        extension = _look_up(self.extensions, ids, notebook) or 0.0
        if time is None:
            if not handed_in.late or extension:
                return 1.0, ""
            return self._reduce(1, "Handed in late, says Canvas, which tells no time:")
        late, days = self._measure_lateness(time, self.due[notebook], extension)
        if late <= self.grace:
            return 1.0, ""
        when = "after its extension ended" if extension else "after it was due"
        return self._reduce(days, f"Handed in {_format_duration(late if late < DAY else days * DAY)} {when}{told}:")

    def _measure_lateness(self, time: datetime, due: datetime, extension: float) -> tuple[timedelta, float]:
        """How late it is, and in how many days of the wall clock: what is due at noon is a day late at noon."""
        zone = self.zone or due.tzinfo
        end = due.astimezone(zone).replace(tzinfo=None) + extension * DAY
        late = time - end.replace(tzinfo=zone).astimezone(UTC)  # within a zone Python ignores a changed clock
        return late, max((time.astimezone(zone).replace(tzinfo=None) - end) / DAY, 1e-6)

    def _reduce(self, days: float, what: str) -> tuple[float, str]:
        if days > self.most_days:
            return 0.0, f"{what} what comes more than {self.most_days:g} days late does not count."
        begun = math.ceil(days)
        percent = min(self.most_percent, self.percent_per_day * begun)
        return 1 - percent / 100, f"{what} {percent:g} % less for {begun} {'day' if begun == 1 else 'days'} begun."


def _look_up(table: dict[str, Any], ids: Iterable[str], notebook: str) -> Any:
    """What a table says of a student and notebook, or None."""
    said = next((table[id] for id in ids if id in table), None)
    return said.get(notebook) if isinstance(said, dict) else said


def _format_duration(late: timedelta) -> str:
    """Two units, rounded down: `1 day 3 hours`, `12 minutes`."""
    minutes = max(1, int(late.total_seconds()) // 60)
    units = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    said = [f"{n} {unit}{'s' * (n != 1)}" for unit, n in units.items() if n]
    return " ".join(said[:2])


# ---- the file ------------------------------------------------------------------------------------------------------


def read(path: Path) -> Rules:
    """The rules in a file; ValueError names what is not understood."""
    from course_utils import notebooks

    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
        zone = _read_zone(said.pop("zone")) if "zone" in said else None
        tables = {name: said.pop(name, {}) for name in ("due", "extensions", "handed_in", "weights")}
        numbers = {name: _read_number(name, said.pop(name)) for name in
                   ("percent_per_day", "most_percent", "most_days", "grace_minutes") if name in said}
        if said:
            raise ValueError(f"{', '.join(said)} means nothing here.")
        due = {notebooks.source_of(name).stem: _read_time(name, time, zone)
               for name, time in _check_table(tables, "due").items()}
        weights = {notebooks.source_of(name).stem: _read_number(name, weight)
                   for name, weight in _check_table(tables, "weights").items()}
        extensions = _read_by_student(tables, "extensions", _read_number)
        handed_in = _read_by_student(tables, "handed_in", lambda name, time: _read_time(name, time, zone))
        if not due and (numbers or extensions or handed_in):
            raise ValueError("no notebook is due by it: name one under [due].")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8.") from None
    except (ValueError, TypeError, OverflowError) as e:
        raise ValueError(f"{path}: {e}") from None
    grace = timedelta(minutes=numbers.pop("grace_minutes", 0))
    return Rules(due, **numbers, grace=grace, extensions=extensions, handed_in=handed_in, zone=zone, weights=weights)


def _check_table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(tables[name], dict):
        raise ValueError(f"{name} is a table, [{name}].")
    return tables[name]


def _read_by_student(tables: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    from course_utils import notebooks

    return {tidy(id): {notebooks.source_of(n).stem: value(f"{id}, {n}", v) for n, v in said.items()}
            if isinstance(said, dict) else value(id, said) for id, said in _check_table(tables, name).items()}


def _read_zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise ValueError(f"there is no time zone {name!r}.") from None


def _read_number(name: str, said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < 1e6:
        raise ValueError(f"{name} is a number from 0 on, not {said!r}.")
    if "percent" in name and said > 100:
        raise ValueError(f"{name} is at most 100, not {said!r}.")
    return said


def _read_time(name: str, said: Any, zone: tzinfo | None) -> datetime:
    if not isinstance(said, datetime):
        raise ValueError(f"{name} is a day and a time, such as 2026-03-01T23:59:00+01:00, not {said}.")
    if said.tzinfo is None and zone is None:
        raise ValueError(f"{name} = {said} is in no time zone: write it as {said.isoformat()}+01:00, or name a zone.")
    return (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(zone or UTC)


# ---- a class -------------------------------------------------------------------------------------------------------


def apply(results: list[Result], rules: Rules) -> tuple[list[Result], list[str]]:
    """The results with each notebook's factor and weight, and sentences for the instructor about what is not known."""
    ids = {r.student: {tidy(r.student), *r.ids.values()} for r in results}
    applied = []
    for r in results:
        found = {n.notebook: rules.compute_factor(n.notebook, ids[r.student], r.handed_in.get(n.notebook))
                 for n in r.notebooks}
        applied.append(replace(r, notebooks=[replace(n, factor=found[n.notebook][0], late=found[n.notebook][1],
                                                     weight=rules.weights.get(n.notebook)) for n in r.notebooks]))
    known = set().union(*ids.values())
    notes = [f"The late rules name {id!r} under {table}, and no student is called so." for table, said in
             (("extensions", rules.extensions), ("handed_in", rules.handed_in)) for id in said if id not in known]
    graded = {n.notebook for r in results for n in r.notebooks}
    notes += [f"The late rules weigh {name}, which is not graded here." for name in rules.weights if name not in graded]
    blind = sum(any(h.told_by == "Moodle" and n in rules.due and not _look_up(rules.handed_in, ids[r.student], n)
                    for n, h in r.handed_in.items()) for r in results)
    if blind:
        notes.append(f"Moodle's download does not tell when work was handed in: {blind} students count as in time "
                     "unless [handed_in] names their times.")
    return applied, notes + [_describe_unknown_time(r.student, n, h) for r in results for n, h in r.handed_in.items()
                             if h.said and n in rules.due and not h.resolve(rules.zone)
                             and not _look_up(rules.handed_in, ids[r.student], n)]


def _describe_unknown_time(student: str, notebook: str, handed_in: HandInTime) -> str:
    return (f"{student}, {notebook}: {handed_in.told_by} says {handed_in.said!r}, which is not understood in the "
            "rules' zone. It counts as in time unless [handed_in] names the time.")
