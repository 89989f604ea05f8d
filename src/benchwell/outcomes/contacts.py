"""Endpoints from contacts rather than scores: retention and waiting (METHODS M1.3, section 11.6)."""

from __future__ import annotations

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import joined, number
from benchwell.outcomes.population import NOT_TREATMENT
from benchwell.outcomes.status import died_before, is_mature, moved_before, standing, status_columns, window_end
from benchwell.registry import Measure
from benchwell.registry.measure import Retention, WaitDays


def with_retention(counted: Frame, encounters: Frame, measure: Measure, snapshot_day: int) -> Frame:
    """Add the retention outcome: an attended contact in the window, or a planned end no later than it.

    An episode about which nothing is recorded, neither a contact nor an end, is missing, not a failure.
    """
    endpoint, followup = measure.endpoint, measure.followup
    if not isinstance(endpoint, Retention) or followup is None:
        raise TypeError(f"measure {measure.id} is not about retention")
    since = _attended_since_index(counted, encounters, snapshot_day, "any").filter(
        nw.col("relative_day") >= followup.from_day, nw.col("relative_day") <= followup.to_day
    )
    last_contact = since.group_by("episode_id").agg(followup_day=nw.col("day").max())
    last_day = window_end(measure)
    planned = nw.col("end_reason").is_in(endpoint.planned_end_reasons) & (nw.col("end_day") <= last_day)
    frame = joined(counted, last_contact, "episode_id").with_columns(
        kept=~nw.col("followup_day").is_null() | planned.fill_null(False)
    )
    recorded = (nw.col("n_contacts") > 0) | ~nw.col("end_day").is_null()
    known = nw.col("kept") | (recorded & ~died_before(last_day) & ~moved_before(last_day))
    stands = standing(
        mature=is_mature(measure, snapshot_day),
        found=known,
        last_day=last_day,
        missing_reason="no-contacts-recorded",
    )
    return frame.with_columns(
        **status_columns(nw.col("reason"), stands), met_raw=nw.col("kept"), value_raw=number(None)
    )


def with_wait(counted: Frame, encounters: Frame, measure: Measure, snapshot_day: int) -> Frame:
    """Add the wait: days from the index to the first attended contact.

    Who is still waiting is never dropped. Against a standard ("within 42 days") a longer wait is known to have
    missed it, contact or not. For the mean, people still waiting at the horizon (`followup.to_day`) are missing
    with reason `still-waiting`; before it they are immature. Who left before a contact within the standard is
    excluded as `ended-before-contact`.
    """
    endpoint = measure.endpoint
    if not isinstance(endpoint, WaitDays):
        raise TypeError(f"measure {measure.id} is not about waiting")
    contacts = _attended_since_index(counted, encounters, snapshot_day, endpoint.contact)
    first = contacts.filter(nw.col("relative_day") >= 0).group_by("episode_id").agg(followup_day=nw.col("day").min())
    frame = joined(counted, first, "episode_id")
    wait = nw.col("followup_day") - nw.col("index_day")
    within, grace = endpoint.within_days, 0 if measure.followup is None else measure.followup.grace_days
    horizon = within if within is not None else (measure.followup.to_day if measure.followup is not None else None)
    last_day = nw.col("index_day") + (0 if horizon is None else horizon)
    waited_out = nw.lit(False) if horizon is None else last_day + grace <= snapshot_day
    left = nw.col("followup_day").is_null() & ~nw.col("end_day").is_null()
    if within is not None:
        left = left & (nw.col("end_day") <= last_day)
    reason = nw.when(nw.col("reason").is_null() & left).then(nw.lit("ended-before-contact")).otherwise(nw.col("reason"))
    seen = ~nw.col("followup_day").is_null()
    # Against a standard everybody is judged at the same age of the referral.
    mature = waited_out if within is not None else (waited_out if horizon is not None else seen)
    found = seen if within is None else seen | ~died_before(last_day)
    stands = standing(
        mature=mature,
        found=found,
        last_day=last_day,
        missing_reason="still-waiting",
        immature_reason="immature" if within is not None or horizon is not None else "still-waiting",
    )
    met = nw.lit(None, dtype=nw.Boolean()) if within is None else (wait <= within).fill_null(False)
    return frame.with_columns(**status_columns(reason, stands), met_raw=met, value_raw=wait.cast(nw.Float64()))


def _attended_since_index(counted: Frame, encounters: Frame, snapshot_day: int, which: str) -> Frame:
    """Attended contacts of each episode with `relative_day`, days since the index."""
    attended = encounters.filter(nw.col("attended"), nw.col("day") <= snapshot_day)
    if which == "treatment":
        attended = attended.filter(nw.col("kind").is_null() | ~nw.col("kind").is_in(NOT_TREATMENT))
    indexed = counted.filter(nw.col("usable")).select("episode_id", "index_day")
    return (
        attended.select("episode_id", "day")
        .join(indexed, on="episode_id", how="inner")
        .with_columns(relative_day=nw.col("day") - nw.col("index_day"))
    )
