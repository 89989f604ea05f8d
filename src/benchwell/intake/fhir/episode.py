"""EpisodeOfCare: a course of care."""

from __future__ import annotations

import datetime as dt
from typing import cast

from benchwell.intake.fhir.condition import REQUEST
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.record_words import END_REASONS
from benchwell.intake.fhir.resources import EpisodeOfCare
from benchwell.intake.fhir.rows import Context, Found, Rows

_NOT_BEGUN = {"planned", "waitlist"}


def map_episode(found: Found, context: Context, rows: Rows) -> None:
    """One row of `EpisodeOfCare`; what it is for and when it was asked for is looked up when parts are merged."""
    episode = cast("EpisodeOfCare", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    retracted = episode.status == "entered-in-error"
    patient = context.references.id_of(episode.patient, "Patient")
    if patient is None and not retracted:
        rows.refuse(found.row, "EpisodeOfCare.patient", "missing_patient_id")
        return
    start, end = _days(episode, context.as_of, found, rows)
    if not retracted and start is not None and (start > context.as_of or (end is not None and end < start)):
        reason = "after_snapshot" if start > context.as_of else "end_before_start"
        rows.refuse(found.row, "EpisodeOfCare.period", reason)
        return
    ids = context.references
    ranked = sorted(episode.diagnosis, key=lambda one: one.rank if one.rank is not None else 1 << 30)
    conditions = [ids.id_of(one.condition, "Condition") for one in ranked]
    referrals = [ids.id_of(one, "ServiceRequest") for one in episode.referralRequest]
    add_raw(
        rows,
        "EpisodeOfCare",
        found,
        id_,
        retracted=retracted,
        patient_id=patient,
        organization_id=ids.id_of(episode.managingOrganization, "Organization"),
        practitioner_id=ids.id_of(episode.careManager, "Practitioner"),
        role_id=ids.id_of(episode.careManager, "PractitionerRole"),
        conditions=[one for one in conditions if one is not None],
        referrals=[REQUEST + one for one in referrals if one is not None],
        start_date=start,
        end_date=end,
        end_reason=END_REASONS.get(episode.status or ""),
    )


def _days(episode: EpisodeOfCare, as_of: dt.date, found: Found, rows: Rows) -> tuple[dt.date | None, dt.date | None]:
    """First and last day. What has not begun has no first day, and a last day that is still to come is a plan."""
    period = episode.period
    if period is None:
        return None, None
    start = day_of(period.start, "EpisodeOfCare.period.start", found, rows)
    end = day_of(period.end, "EpisodeOfCare.period.end", found, rows)
    if end is not None and end > as_of:
        if episode.status in END_REASONS:
            rows.note(found.row, "EpisodeOfCare.period.end", "after_snapshot", "flagged")
        end = None
    return (None if episode.status in _NOT_BEGUN else start), end
