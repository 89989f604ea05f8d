"""Is it before, is it within? Yes, no, or not known: CQL's three values, over times of which only a part is written."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benchwell.clinical.moments import Moment
from benchwell.clinical.record import Span

Truth = bool | None
Precision = Literal["day", "exact"]

_MIN = dt.datetime.min.replace(tzinfo=dt.UTC)
_MAX = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first and the last instant that a time can be, UTC. In comparisons by day both are midnight."""

    low: dt.datetime
    high: dt.datetime

    def moved(self, months: int, days: int) -> Bounds:
        """Calendar months later, then days later."""
        return Bounds(_moved(self.low, months, days), _moved(self.high, months, days))


UNKNOWN = Bounds(_MIN, _MAX)
FOREVER = Bounds(_MAX, _MAX)


def bounds_of(moment: Moment | None, by: Precision) -> Bounds:
    """What is certain of a moment.

    A time written to the second is that instant: seconds and fractions are one number, as in CQL.

    >>> from benchwell.clinical.moments import parse_moment
    >>> bounds_of(parse_moment("2026-02"), "day").high.date()
    datetime.date(2026, 2, 28)
    """
    if moment is None:
        return UNKNOWN
    if by == "day":
        return Bounds(_midnight(moment.earliest), _midnight(moment.latest))
    return Bounds(moment.earliest, moment.earliest if moment.precision == "second" else moment.latest)


def day_bounds(day: dt.date, *, by: Precision, at: Literal["start", "end"]) -> Bounds:
    """A known day: as such, or as its first or last instant."""
    clock = dt.time.max if by == "exact" and at == "end" else dt.time()
    instant = dt.datetime.combine(day, clock, dt.UTC)
    return Bounds(instant, instant)


def start_of(span: Span, by: Precision) -> Bounds:
    """When it starts; unknown is no later than its end."""
    if span.start is None and span.end is not None:
        return Bounds(_MIN, bounds_of(span.end, by).high)
    return bounds_of(span.start, by)


def end_of(span: Span, by: Precision) -> Bounds:
    """When it ends; unknown is no earlier than its start."""
    if span.end is None and span.ongoing:
        return FOREVER
    if span.end is None and span.start is not None:
        return Bounds(bounds_of(span.start, by).low, _MAX)
    return bounds_of(span.end, by)


def before(left: Bounds, right: Bounds) -> Truth:
    """Whether left is earlier than right.

    >>> day = lambda n: Bounds(dt.datetime(2026, 1, n, tzinfo=dt.UTC), dt.datetime(2026, 1, n, tzinfo=dt.UTC))
    >>> before(day(1), day(2)), before(day(2), day(2)), before(UNKNOWN, day(2))
    (True, False, None)
    """
    if left.high < right.low:
        return True
    return False if left.low >= right.high else None


def not_after(left: Bounds, right: Bounds) -> Truth:
    """Whether left is right or earlier."""
    return negated(before(right, left))


def negated(truth: Truth) -> Truth:
    """The opposite; unknown stays unknown."""
    return None if truth is None else not truth


def every(truths: Iterable[Truth]) -> Truth:
    """False if one is false, else unknown if one is unknown, else true.

    >>> every([True, None]), every([None, False]), every([])
    (None, False, True)
    """
    found: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            found = None
    return found


def some(truths: Iterable[Truth]) -> Truth:
    """True if one is true, else unknown if one is unknown, else false."""
    return negated(every(negated(truth) for truth in truths))


def age_in_years(birth: Moment | None, day: Bounds) -> tuple[int, int] | None:
    """The fewest and the most whole years that somebody can be on a day; None if nothing is known.

    >>> from benchwell.clinical.moments import parse_moment
    >>> age_in_years(parse_moment("2012-02-29"), bounds_of(parse_moment("2025-02-28"), "day"))
    (12, 12)
    """
    if birth is None or day.low == _MIN or day.high == _MAX:
        return None
    return _years(birth.latest.date(), day.low.date()), _years(birth.earliest.date(), day.high.date())


def _years(birth: dt.date, day: dt.date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _midnight(instant: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(instant.date(), dt.time(), dt.UTC)


def _moved(instant: dt.datetime, months: int, days: int) -> dt.datetime:
    if instant in (_MIN, _MAX):
        return instant
    count = instant.year * 12 + instant.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        return _MIN if months < 0 else _MAX
    last = calendar.monthrange(year, month + 1)[1]
    try:
        return instant.replace(year=year, month=month + 1, day=min(instant.day, last)) + dt.timedelta(days=days)
    except OverflowError:
        return _MIN if days < 0 else _MAX
