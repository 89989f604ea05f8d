"""Days as whole numbers, as derived tables hold them: how many since 1970-01-01."""

from __future__ import annotations

import datetime as dt
from typing import Final

EPOCH: Final = dt.date(1970, 1, 1)


def epoch_day(date: dt.date) -> int:
    """Days since 1970-01-01.

    >>> epoch_day(dt.date(1970, 1, 11))
    10
    """
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """The date of a day: the opposite of `epoch_day`.

    >>> date_of(10)
    datetime.date(1970, 1, 11)
    """
    return EPOCH + dt.timedelta(days=day)
