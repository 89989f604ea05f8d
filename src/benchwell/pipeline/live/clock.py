"""The day of the place, asked in one place, so that a test may hold it still over midnight."""

from __future__ import annotations

import datetime as dt


def today() -> dt.date:
    """Today, where the service runs. Call it as `clock.today()`, so that a test's day is everybody's."""
    return dt.date.today()
