"""Three values: what is certain, what is not, and what is not known."""

from __future__ import annotations

import pytest

from benchwell.clinical.moments import parse_moment
from benchwell.clinical.record import Span
from benchwell.quality.compare import (
    age_in_years,
    before,
    bounds_of,
    end_of,
    every,
    negated,
    not_after,
    some,
    start_of,
)


def moment(text):
    return None if text is None else parse_moment(text)


@pytest.mark.parametrize(
    ("left", "right", "by", "expected"),
    [
        ("2026-01-01", "2026-01-02", "day", True),
        ("2026-01-01", "2026-01-01", "day", False),
        ("2026-01-01T23:00:00-05:00", "2026-01-02T01:00:00Z", "day", False),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", "exact", True),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.5Z", "exact", True),  # seconds and fractions are one number
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z", "exact", False),
        ("2026-01-01", "2026-01-01T10:00:00Z", "exact", None),
        ("2026-01", "2026-01-15", "day", None),
        ("2026-01", "2026-02-01", "day", True),
        ("2025", "2026-01-01", "exact", True),
        (None, "2026-01-01", "day", None),
    ],
)
def test_before(left, right, by, expected):
    first, second = bounds_of(moment(left), by), bounds_of(moment(right), by)
    assert before(first, second) is expected
    assert not_after(second, first) is negated(expected)


@pytest.mark.parametrize(
    ("months", "days", "day", "expected"),
    [
        (12, 0, "2024-02-29", "2025-02-28"),
        (12, -60, "2024-02-29", "2024-12-30"),
        (-14, 0, "2026-01-01", "2024-11-01"),
        (1, 0, "2026-01-31", "2026-02-28"),
        (1, 1, "2026-01-31", "2026-03-01"),  # months first, then days
        (0, 366, "2024-01-01", "2025-01-01"),
    ],
)
def test_days_are_moved_by_calendar_months_and_then_by_days(months, days, day, expected):
    assert bounds_of(moment(day), "day").moved(months, days) == bounds_of(moment(expected), "day")


def test_what_cannot_be_moved_stays_unknown():
    unknown = bounds_of(None, "day")
    assert unknown.moved(12, 60) == unknown
    assert bounds_of(moment("9999-12-31"), "day").moved(12, 60).high.year == 9999
    assert bounds_of(moment("0001-01-01"), "day").moved(-12, -60).low.year == 1


def test_an_end_that_is_not_known_is_not_before_the_start():
    begun = Span(moment("2026-01-05"), None)
    assert not_after(bounds_of(moment("2026-01-05"), "day"), end_of(begun, "day")) is True
    assert before(end_of(begun, "day"), bounds_of(moment("2026-02-01"), "day")) is None
    lasting = Span(moment("2026-01-05"), None, ongoing=True)
    assert before(end_of(lasting, "day"), bounds_of(moment("2026-02-01"), "day")) is False
    ended = Span(None, moment("2026-01-05"))
    assert not_after(start_of(ended, "day"), bounds_of(moment("2026-01-05"), "day")) is True
    assert before(start_of(ended, "day"), bounds_of(moment("2026-01-01"), "day")) is None


@pytest.mark.parametrize(
    ("birth", "day", "expected"),
    [
        ("2014-01-01", "2026-01-01", (12, 12)),
        ("2014-01-02", "2026-01-01", (11, 11)),
        ("2014", "2026-01-01", (11, 12)),
        ("2014-06", "2026-06-15", (11, 12)),
        (None, "2026-01-01", None),
        ("2014-01-01", None, None),
    ],
)
def test_age(birth, day, expected):
    assert age_in_years(moment(birth), bounds_of(moment(day), "day")) == expected


def test_logic_of_three_values():
    assert every([True, None, False]) is False
    assert every([True, None]) is None
    assert every([True, True]) is True
    assert some([False, None, True]) is True
    assert some([False, None]) is None
    assert some([]) is False
    assert negated(None) is None
