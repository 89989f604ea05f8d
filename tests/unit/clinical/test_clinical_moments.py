"""Partial dates, offsets and what is no date."""

import datetime as dt

import pytest

from benchwell.clinical.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2024", "2024-01-01T00:00:00+00:00", "2024-12-31T23:59:59.999999+00:00"),
        ("2024-02", "2024-02-01T00:00:00+00:00", "2024-02-29T23:59:59.999999+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00", "2024-02-29T23:59:59.999999+00:00"),
        ("2024-02-29T10:15Z", "2024-02-29T10:15:00+00:00", "2024-02-29T10:15:59.999999+00:00"),
        ("2024-02-29T10:15:30Z", "2024-02-29T10:15:30+00:00", "2024-02-29T10:15:30.999999+00:00"),
        ("2024-02-29T23:15:30.250-05:00", "2024-03-01T04:15:30.250000+00:00", "2024-03-01T04:15:30.250000+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00", "2016-12-31T23:59:59.999999+00:00"),
    ],
)
def test_a_moment_lies_between_two_instants(text, earliest, latest):
    moment = parse_moment(text)
    assert (moment.earliest.isoformat(), moment.latest.isoformat()) == (earliest, latest)


def test_the_writers_calendar_and_clock_are_kept():
    moment = parse_moment("2025-12-31T23:30:00-05:00")
    assert (moment.local_date, moment.local_time) == (dt.date(2025, 12, 31), "23:30:00")
    assert moment.day == dt.date(2026, 1, 1)


def test_a_month_has_no_day():
    assert parse_moment("2025-12").day is None
    assert parse_moment("2025-12").local_date is None


@pytest.mark.parametrize(
    "text",
    ["", "2025-13", "2025-02-29", "0000-01-01", "2025-1-1", "25-01-01", "2025-01-01T24:00:00Z", "2025-01-01T10",
     "2025-01-01T10:00:61Z", "2025-01-01T10:00:00+15:00", "2025-01-01T10:00:00+01:75", "9999-12-31T23:59:59-01:00",
     "٢٠٢٥-01-01", "2025-01-01 10:00"],
)  # fmt: skip
def test_what_is_no_date_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match=r"date|day|offset") as caught:
        parse_moment(text)
    assert not text or text not in str(caught.value)
