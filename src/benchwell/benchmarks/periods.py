"""Periods: quarters of the index date, and rolling windows made of them (METHODS M4.5)."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from benchwell.registry import Measure
from benchwell.tables.days import epoch_day

ALL = "all"
_FIRST_YEAR, _LAST_YEAR = 1970, 2099


def quarter_of(day: dt.date) -> str:
    """The calendar quarter of a day.

    >>> quarter_of(dt.date(2026, 2, 28))
    '2026-Q1'
    """
    return f"{day.year}-Q{(day.month + 2) // 3}"


def calendar() -> pa.Table:
    """Every day of 1970 to 2099 with its quarter: columns `calendar_day` and `quarter`.

    Joining this table is plain equality on every engine. The same in integer arithmetic is one nested expression
    that both engines expand until it takes minutes to plan.

    >>> calendar().num_rows
    47482
    """
    first, last = dt.date(_FIRST_YEAR, 1, 1), dt.date(_LAST_YEAR, 12, 31)
    days = [first + dt.timedelta(days=step) for step in range((last - first).days + 1)]
    return pa.table(
        {
            "calendar_day": pa.array([epoch_day(day) for day in days], pa.int64()),
            "quarter": [quarter_of(day) for day in days],
        }
    )


def quarters_back(quarter: str, count: int) -> tuple[str, ...]:
    """`count` quarters in order, the last of which is `quarter`.

    >>> quarters_back("2026-Q1", 3)
    ('2025-Q3', '2025-Q4', '2026-Q1')
    """
    last = int(quarter[:4]) * 4 + int(quarter[-1]) - 1
    return tuple(f"{step // 4}-Q{step % 4 + 1}" for step in range(last - count + 1, last + 1))


def quarter_end(quarter: str) -> dt.date:
    """The last day of a quarter.

    >>> quarter_end("2026-Q1")
    datetime.date(2026, 3, 31)
    """
    year, number = int(quarter[:4]), int(quarter[-1])
    following = dt.date(year + number // 4, number % 4 * 3 + 1, 1)
    return following - dt.timedelta(days=1)


def last_mature_quarter(measure: Measure, as_of: dt.date) -> str:
    """The latest quarter in which every index date is mature at `as_of` (METHODS M1.2).

    An index on the quarter's last day is mature when index + end of the follow-up window + grace lies on or before
    `as_of`. Without a follow-up window (waits, event rates) the quarter only has to be over.
    """
    followup = measure.followup
    needed = 0 if followup is None else followup.to_day + followup.grace_days
    limit = as_of - dt.timedelta(days=needed)
    quarter = quarter_of(limit)
    return quarter if quarter_end(quarter) <= limit else quarters_back(quarter, 2)[0]


def rolling_quarters(measure: Measure, as_of: dt.date, months: int, *, windows_back: int = 0) -> tuple[str, ...]:
    """The quarters of the rolling window that ends with the last mature quarter, or of one `windows_back` before it.

    Args:
        measure: Its follow-up window decides what is mature.
        as_of: The snapshot's date.
        months: Length of the window; whole quarters.
        windows_back: 0 is the current window, 1 the one before it, without overlap.
    """
    count = months // 3
    last = quarters_back(last_mature_quarter(measure, as_of), count * windows_back + 1)[0]
    return quarters_back(last, count)


def window_label(quarters: tuple[str, ...]) -> str:
    """How a rolling window is named in tables.

    >>> window_label(("2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1"))
    '2025-Q2..2026-Q1'
    """
    return f"{quarters[0]}..{quarters[-1]}"
