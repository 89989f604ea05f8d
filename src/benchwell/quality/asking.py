"""What a measure needs before anybody is counted: a period, and whole value sets."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from benchwell.errors import BenchwellError
from benchwell.quality.evaluate import Question
from benchwell.quality.result import UsedValueSet
from benchwell.quality.value_sets import ValueSets
from benchwell.registry.quality_measure import QualityMeasure

_PERIOD = re.compile(r"(\d{4})(?:-(\d\d))?", re.ASCII)


def parse_period(text: str) -> tuple[dt.date, dt.date]:
    """First and last day of a period: a year, a month, or two days with `..` between them.

    Raises:
        BenchwellError: If it is none of these, or ends before it begins.

    >>> parse_period("2026")
    (datetime.date(2026, 1, 1), datetime.date(2026, 12, 31))
    >>> parse_period("2026-01-01..2026-04-30")[1]
    datetime.date(2026, 4, 30)
    """
    first, between, last = text.strip().partition("..")
    try:
        start, end = _days(first) if not between else (_days(first)[0], _days(last)[1])
    except ValueError:
        raise BenchwellError(
            f"{text!r} is not a period.", hint="write a year (2026) or two days (2026-01-01..2026-12-31)"
        ) from None
    if end < start:
        raise BenchwellError(f"The period {text!r} ends before it begins.", hint="write the earlier day first")
    return start, end


@dataclass(frozen=True)
class Asked:
    """A measure that is ready to be evaluated.

    Attributes:
        question: Measure, period and codes.
        value_sets: What was loaded for it.
        notes: What a reader must know of those.
        official: Whether none of them is smaller than the measure says.
    """

    question: Question
    value_sets: tuple[UsedValueSet, ...]
    notes: tuple[str, ...]
    official: bool


def ask(measure: QualityMeasure, period: tuple[dt.date, dt.date], loaded: ValueSets) -> Asked:
    """Put a measure's codes in place of their names.

    Args:
        measure: The declaration.
        period: First and last day.
        loaded: What the user loaded.

    Raises:
        ValueSetError: If one is missing, empty or cut off.
    """
    codes = {name: frozenset(listed) for name, listed in measure.codes.items()}
    used, notes, few, whole = [], [], [], True
    for name, needed in measure.value_sets.items():
        found = loaded.require(needed.oid, title=needed.title, measure=measure.id)
        codes[name] = found.codes
        used.append(UsedValueSet(needed.title, found.url, found.version, found.count))
        whole = whole and found.count > 0
        if needed.codes is not None and found.count < needed.codes:
            whole = False
            few.append(f"{needed.title} ({found.count} of {needed.codes})")
        else:
            notes += list(found.notes)
        if needed.version is not None and found.version is not None and found.version != needed.version:
            notes.append(f"{needed.title}: version {found.version} was loaded, the measure names {needed.version}")
    if few:
        notes.insert(0, f"Fewer codes were loaded than the official sets have: {', '.join(few)}")
    return Asked(Question(measure, *period, codes), tuple(used), tuple(notes), whole)


def _days(text: str) -> tuple[dt.date, dt.date]:
    found = _PERIOD.fullmatch(text)
    if found is None:
        day = dt.date.fromisoformat(text)
        return day, day
    year, month = int(found[1]), found[2]
    if month is None:
        return dt.date(year, 1, 1), dt.date(year, 12, 31)
    return dt.date(year, int(month), 1), dt.date(year, int(month), calendar.monthrange(year, int(month))[1])
