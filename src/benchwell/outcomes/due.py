"""On which day an outcome becomes due: the last day on which it can still come about."""

from __future__ import annotations

import narwhals as nw

from benchwell.outcomes.status import window_end
from benchwell.registry import Measure
from benchwell.registry.measure import WaitDays


def due_day(measure: Measure) -> nw.Expr:
    """Last day of the follow-up window, or of the standard that a wait is held against; grace is not part of it.

    Reads `index_day` and `end_day` (null while the course goes on). Null without an index.

    Args:
        measure: Any that is computed from courses.
    """
    within = measure.endpoint.within_days if isinstance(measure.endpoint, WaitDays) else None
    return window_end(measure) if within is None else nw.col("index_day") + within
