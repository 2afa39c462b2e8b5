"""When work was handed in, as far as its layout tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

NO_ZONE = {"", "Z", "UTC", "GMT", "UT"}  # nbgrader writes UTC, and older ones nothing
OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])(\d{1,2}):?(\d\d)?", re.IGNORECASE)
MAX_SAID = 60  # characters of a time that is not understood


@dataclass(frozen=True)
class HandInTime:
    """When a notebook was handed in, as far as is known.

    Attributes:
        time: ISO 8601 with a zone; empty where the layout does not tell.
        told_by: "timestamp.txt", "file" (its time of change), "Moodle" or "Canvas".
        late: Canvas marked it as late, without telling the time.
        said: A time as it stands in timestamp.txt that only the late rules' zone makes clear, such as
            `2026-03-01 23:59:00 CET`, or nothing does; then there is no `time`.
        file: Where the notebook lay among the submissions, by which a platform takes feedback back.
    """

    time: str = ""
    told_by: str = ""
    late: bool = False
    said: str = ""
    file: str = ""

    @classmethod
    def from_timestamp(cls, text: str) -> HandInTime:
        """The time in a timestamp.txt: understood now, by the rules' zone later, or never; never the file's."""
        line = next((line for line in text.splitlines() if line.strip()), "").strip()
        time = parse_time(line)
        return cls(time.isoformat() if time else "", "timestamp.txt", said="" if time else line[:MAX_SAID] or "nothing")

    @property
    def when(self) -> datetime | None:
        """The time, or None."""
        return datetime.fromisoformat(self.time) if self.time else None

    def resolve(self, zone: tzinfo | None) -> datetime | None:
        """The time, where need be by what the zone's hours are called; None when it is not known."""
        return self.when or (parse_time(self.said, zone) if self.said else None)


def parse_time(text: str, zone: tzinfo | None = None) -> datetime | None:
    """A time in ISO form or as nbgrader writes it, `2026-03-01 23:59:00.123456 UTC`; without a zone it is in UTC.

    Args:
        text: May end with an offset, `+02:00` or `GMT+2`, with a place, `Europe/Berlin`, or with what the hours of
            `zone` are called in that year, `CEST`: BST and IST mean this in one country and that in another.
        zone: That of the late rules.

    Returns:
        the time, or None when it is not understood.
    """
    said = re.fullmatch(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:[.,]\d{1,6})?)?) ?\(?([^()]{0,40})\)?", text.strip())
    try:
        time = datetime.fromisoformat(said[1].replace(",", ".")) if said else None
        found = _find_zone(said[2].strip(), time, zone) if time else None
        return time.replace(tzinfo=found) if found and 1970 <= time.year < 3000 else None
    except (ValueError, OverflowError):
        return None


def _find_zone(name: str, time: datetime, zone: tzinfo | None) -> tzinfo | None:
    if name.upper() in NO_ZONE:
        return UTC
    if offset := OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-ahead if offset[1] == "-" else ahead)
    if "/" in name:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError):
            return None
    for moment in (datetime(time.year, month, 1, tzinfo=zone) for month in range(1, 13) if zone):
        if (moment.tzname() or "").casefold() == name.casefold():
            return timezone(moment.utcoffset())
    return None
