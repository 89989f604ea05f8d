"""When an assessment was made: the calendar day and clock of whoever wrote it, and the instant, as fast as it goes."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from benchwell.clinical.moments import parse_moment


class When(NamedTuple):
    """A day, its clock and the instant in seconds since 1970 UTC; clock and instant are null if only a day is known."""

    date: dt.date
    time: str | None
    instant: float | None


_FULL = re.compile(r"T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAYS: dict[str, dt.date | None] = {}  # days written so far: a source has thousands of days and millions of times
_DAYS_KEPT = 100_000


def read_when(text: str | None) -> When | str:
    """Read a FHIR dateTime or instant.

    Returns:
        When it was, or the reason code why that cannot be said.

    >>> read_when("2026-02-25T23:30:00.5-05:00")
    When(date=datetime.date(2026, 2, 25), time='23:30:00', instant=1772080200.5)
    >>> read_when("2026-02-25")
    When(date=datetime.date(2026, 2, 25), time=None, instant=None)
    >>> read_when("2026-02"), read_when("yesterday"), read_when(None)
    ('partial_date', 'unparseable_date', 'missing_date')
    """
    if not text:
        return "missing_date"
    day = _day(text[:10])
    if day is not None:
        if len(text) == 10:
            return When(day, None, None)
        found = _FULL.fullmatch(text, 10)
        if found is not None and found[1][6:] != "60":
            try:
                return When(day, found[1], dt.datetime.fromisoformat(text).timestamp())
            except (ValueError, OverflowError):
                return _slowly(text)
    return _slowly(text)


def stored_at(text: str | None) -> float | None:
    """The instant of `meta.lastUpdated`, for telling which of two versions is the later one; null if there is none.

    >>> stored_at("2026-01-01T00:00:00Z") < stored_at("2026-01-01T00:00:00-01:00")
    True
    """
    found = read_when(text)
    return None if isinstance(found, str) else found.instant


def _day(text: str) -> dt.date | None:
    if text in _DAYS:
        return _DAYS[text]
    try:
        day = parse_moment(text).local_date if len(text) == 10 else None
    except ValueError:
        day = None
    if len(_DAYS) < _DAYS_KEPT:
        _DAYS[text] = day
    return day


def _slowly(text: str) -> When | str:
    """Everything that is rare: minutes without seconds, no offset, leap seconds, partial dates, nonsense."""
    try:
        moment = parse_moment(text)
    except ValueError:
        return "unparseable_date"
    if moment.local_date is None:
        return "partial_date"
    return When(moment.local_date, moment.local_time, moment.earliest.timestamp() if moment.local_time else None)
