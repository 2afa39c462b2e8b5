"""When work was handed in, as far as its layout tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class HandedIn:
    """When a notebook was handed in, as far as is known.

    Attributes:
        time: ISO 8601 with a zone; empty where the layout does not tell.
        told_by: "timestamp.txt", "file" (its time of change), "Moodle" or "Canvas".
        late: Canvas marked it as late, without telling the time.
    """

    time: str = ""
    told_by: str = ""
    late: bool = False

    @property
    def when(self) -> datetime | None:
        """The time, or None."""
        return datetime.fromisoformat(self.time) if self.time else None


def parse_time(text: str) -> datetime:
    """A time in ISO form or as nbgrader writes it, `2026-03-01 23:59:00.123456 UTC`; without a zone it is in UTC.

    Raises:
        ValueError: When it is neither.
    """
    *words, zone = text.rsplit(" ", 1)
    if words and zone[:1].isalpha():
        try:
            return datetime.fromisoformat(words[0]).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
        except (KeyError, OSError):
            raise ValueError(f"There is no time zone {zone}.") from None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
