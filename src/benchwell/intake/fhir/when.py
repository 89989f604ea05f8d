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
_CLOCK = re.compile(r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_OFFSET = re.compile(r"Z|[+-]([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_EPOCH = dt.date(1970, 1, 1).toordinal()
# A source has millions of times, but they are made of thousands of days, clocks and offsets: each is read once.
_DAYS: dict[str, tuple[dt.date, float] | None] = {}  # the day, and its midnight as if it were UTC
_CLOCKS: dict[str, float | None] = {}  # seconds since midnight by `T10:20:30`
_OFFSETS: dict[str, float | None] = {}  # seconds east of UTC by `Z` or `+01:00`
_KEPT = 100_000  # of each


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
    found_day = _day(text[:10])
    if found_day is not None:
        day, midnight = found_day
        if len(text) == 10:
            return When(day, None, None)
        clock, offset = _clock(text[10:19]), _offset(text[19:])
        if clock is not None and offset is not None:
            return When(day, text[11:19], midnight + clock - offset)
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


def _day(text: str) -> tuple[dt.date, float] | None:
    if text in _DAYS:
        return _DAYS[text]
    try:
        day = parse_moment(text).local_date if len(text) == 10 else None
    except ValueError:
        day = None
    found = None if day is None else (day, (day.toordinal() - _EPOCH) * 86400.0)
    if len(_DAYS) < _KEPT:
        _DAYS[text] = found
    return found


def _clock(text: str) -> float | None:
    if text in _CLOCKS:
        return _CLOCKS[text]
    found = None
    if _CLOCK.fullmatch(text):
        found = int(text[1:3]) * 3600.0 + int(text[4:6]) * 60 + int(text[7:])
    if len(_CLOCKS) < _KEPT:
        _CLOCKS[text] = found
    return found


def _offset(text: str) -> float | None:
    if text in _OFFSETS:
        return _OFFSETS[text]
    found = None
    if _OFFSET.fullmatch(text):
        sign = -1 if text[0] == "-" else 1
        found = 0.0 if text == "Z" else sign * (int(text[1:3]) * 3600.0 + int(text[4:]) * 60)
    if len(_OFFSETS) < _KEPT:
        _OFFSETS[text] = found
    return found


def _slowly(text: str) -> When | str:
    """Everything that is rare: minutes without seconds, no offset, leap seconds, partial dates, nonsense."""
    try:
        moment = parse_moment(text)
    except ValueError:
        return "unparseable_date"
    if moment.local_date is None:
        return "partial_date"
    return When(moment.local_date, moment.local_time, moment.earliest.timestamp() if moment.local_time else None)
