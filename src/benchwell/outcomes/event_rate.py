"""Events per person-time (METHODS M2.10)."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import joined
from benchwell.outcomes.population import DAYS_PER_YEAR
from benchwell.outcomes.status import standing, status_columns
from benchwell.registry import Measure
from benchwell.registry.measure import EventRate


def with_event_rate(counted: Frame, events: Frame, measure: Measure, snapshot_day: int) -> Frame:
    """Add the count of events and the person-years in which they could have been seen.

    Time runs from the index to the end of the course, death, the follow-up window's end if one is declared, or the
    snapshot, whichever comes first; both days count. Events outside that time are not counted.

    Args:
        counted: With `index_day`, `end_day`, `death_day` and `reason`.
        events: With `episode_id`, `day`, `kind`.
        measure: With an event-rate endpoint.
        snapshot_day: Nothing after this day is known.
    """
    if not isinstance(measure.endpoint, EventRate):
        raise TypeError(f"measure {measure.id} is not an event rate")
    limits = [nw.col("end_day"), nw.col("death_day"), nw.lit(snapshot_day, dtype=nw.Int64())]
    if measure.followup is not None:
        limits.append(nw.col("index_day") + measure.followup.to_day)
    frame = counted.with_columns(until=nw.min_horizontal(*limits))
    frame = frame.with_columns(days=nw.col("until") - nw.col("index_day") + 1)
    seen = (
        events.filter(nw.col("kind") == measure.endpoint.event)
        .select("episode_id", "day")
        .join(frame.select("episode_id", "index_day", "until"), on="episode_id", how="inner")
        .filter(nw.col("day") >= nw.col("index_day"), nw.col("day") <= nw.col("until"))
        .group_by("episode_id")
        .agg(count=nw.len())
    )
    frame = joined(frame, seen, "episode_id")
    started = (nw.col("days") > 0).fill_null(False)
    stands = standing(mature=started, found=started, last_day=nw.col("until"), immature_reason="no-exposure")
    return frame.with_columns(
        **status_columns(nw.col("reason"), stands),
        met_raw=nw.lit(None, dtype=nw.Boolean()),
        value_raw=nw.col("count").fill_null(0).cast(nw.Float64()),
        exposure_raw=nw.col("days") / DAYS_PER_YEAR,
    )
