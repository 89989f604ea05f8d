"""Dates and times as FHIR writes them: often partial, sometimes with an offset from UTC."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

Precision = Literal["year", "month", "day", "minute", "second"]

_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_LARGEST_OFFSET = 14 * 60  # minutes; the easternmost clock on Earth
_TICK = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time known to some precision: it lies between two instants, both included.

    Attributes:
        earliest: First instant that it can be, UTC.
        latest: Last instant that it can be, UTC.
        precision: How much of it was written.
        local_date: The day on the calendar of whoever wrote it; None if only a month or year was written.
        local_time: The clock of whoever wrote it, HH:MM:SS; None if no time was written.
        has_offset: Whether it said how far its clock is from UTC. Without, UTC is assumed.
    """

    earliest: dt.datetime
    latest: dt.datetime
    precision: Precision
    local_date: dt.date | None
    local_time: str | None
    has_offset: bool

    @property
    def day(self) -> dt.date | None:
        """The day in UTC; None if only a month or year was written."""
        return None if self.precision in ("year", "month") else self.earliest.date()


def parse_moment(text: str) -> Moment:
    """Read a FHIR date, dateTime or instant.

    Fractions of a second beyond microseconds are cut; the second 60 of a leap second counts as 59.

    Raises:
        ValueError: If it is not one, or no such day or time exists. The message never repeats the text.

    >>> parse_moment("2026-02-25T23:30:00-05:00").day, parse_moment("2026-02-25T23:30:00-05:00").local_date
    (datetime.date(2026, 2, 26), datetime.date(2026, 2, 25))
    >>> parse_moment("2024-02").latest.date()
    datetime.date(2024, 2, 29)
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a FHIR date or time")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        if hour is not None:
            return _with_time(dt.date(int(year), int(month), int(day)), hour, minute, second, fraction, zone)
        first = dt.date(int(year), int(month or 1), int(day or 1))
    except (ValueError, OverflowError):
        raise ValueError("no such day or time") from None
    if day is not None:
        return Moment(_start(first), _end(first), "day", first, None, False)
    if month is not None:
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return Moment(_start(first), _end(last), "month", None, None, False)
    return Moment(_start(first), _end(first.replace(month=12, day=31)), "year", None, None, False)


def moment_of(text: str | None) -> Moment | None:
    """The same where a time may be missing or nonsense: then it is not known.

    >>> moment_of("2026-02-30"), moment_of(None)
    (None, None)
    """
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        return None


def _with_time(
    day: dt.date, hour: str, minute: str, second: str | None, fraction: str | None, zone: str | None
) -> Moment:
    seconds = min(int(second or 0), 59) if int(second or 0) <= 60 else 99  # 99: refused below
    clock = dt.time(int(hour), int(minute), seconds, int((fraction or "0")[:6].ljust(6, "0")))
    start = dt.datetime.combine(day, clock, dt.timezone(_offset(zone))).astimezone(dt.UTC)
    width = dt.timedelta(minutes=1) if second is None else dt.timedelta(seconds=1) if fraction is None else _TICK
    precision: Precision = "minute" if second is None else "second"
    return Moment(start, start + width - _TICK, precision, day, clock.strftime("%H:%M:%S"), zone is not None)


def _offset(zone: str | None) -> dt.timedelta:
    if zone is None or zone == "Z":
        return dt.timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    size = hours * 60 + minutes
    if minutes > 59 or size > _LARGEST_OFFSET:
        raise ValueError("no such offset")
    return dt.timedelta(minutes=-size if zone[0] == "-" else size)


def _start(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _end(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.max, dt.UTC)
