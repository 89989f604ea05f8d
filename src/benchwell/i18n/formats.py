"""Numbers and dates as the reader's language writes them."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from benchwell.i18n.catalogues import current


def number(value: float, digits: int = 0) -> str:
    """A number with its separators.

    >>> number(1234.56, 1)
    '1,234.6'
    """
    return _number(round(value, digits) or 0, digits, current())  # no "-0"


@lru_cache(maxsize=4096)
def _number(value: float, digits: int, language: str) -> str:
    # Scores and changes are few numbers that come again and again, and a pattern is slow to follow.
    places = "#,##0" + ("." + "0" * digits if digits else "")
    return str(format_decimal(value, places, locale=language))


_GERMAN_DIGITS = str.maketrans(",.", ".,")


def local_digits(written: str) -> str:
    """A number that is written in English, as the language being spoken writes it; quick, for tables of thousands.

    >>> local_digits(f"{1234.5:,.1f}")
    '1,234.5'
    """
    return written.translate(_GERMAN_DIGITS) if current() == "de" else written


def percent(share: float) -> str:
    """A whole percentage of a share between 0 and 1.

    >>> percent(0.456)
    '46 %'
    """
    return str(format_percent(share, "#,##0 %", locale=current()))


def day(date: dt.date) -> str:
    """A date in words.

    >>> day(dt.date(2026, 11, 23))
    '23 Nov 2026'
    """
    return _day(date, current())


@lru_cache(maxsize=4096)
def _day(date: dt.date, language: str) -> str:
    return str(format_date(date, "d. MMM y" if language == "de" else "d MMM y", locale=language))


def short_day(date: dt.date) -> str:
    """A date without its year, for places with little room where the year is said beside.

    >>> short_day(dt.date(2026, 11, 23))
    '23 Nov'
    """
    language = current()
    return str(format_date(date, "d. MMM" if language == "de" else "d MMM", locale=language))


def moment(at: float, *, to_the_second: bool = False) -> str:
    """An instant in words, by the clock of the machine that serves, whose zone is named.

    Args:
        at: Seconds since 1970-01-01 UTC.
        to_the_second: Say the second too.

    >>> moment(0).startswith(day(dt.datetime.fromtimestamp(0).date()))
    True
    """
    local, language = dt.datetime.fromtimestamp(at).astimezone(), current()
    hour = format_datetime(local, "HH:mm:ss" if to_the_second else "HH:mm", tzinfo=local.tzinfo, locale=language)
    return f"{day(local.date())}, {hour} {local.tzname()}"


def month(date: dt.date) -> str:
    """A month in words.

    >>> month(dt.date(2026, 11, 23))
    'November 2026'
    """
    return str(format_date(date, "MMMM y", locale=current()))
