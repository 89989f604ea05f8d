"""Encounter: a contact, and whether it took place."""

from __future__ import annotations

import re
from typing import cast

from benchwell.intake.fhir.elements import Period
from benchwell.intake.fhir.record_codes import codings, minutes_of, word_of
from benchwell.intake.fhir.record_rows import add_raw, own_id, when_of
from benchwell.intake.fhir.record_words import ATTENDED, CONTACT_KINDS, CONTACT_MODES, ENCOUNTER_CLASSES, STAYS
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Encounter, Participant
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When

_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)\s*$", re.ASCII)
_MAIN = ("PPRF", "ATND")  # who performs, who is responsible (v3 ParticipationType)


def map_encounter(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Encounter`.

    Finished or under way means attended; cancelled or not shown up means not attended; planned means not yet known.
    """
    encounter = cast("Encounter", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    ids = context.references
    retracted = encounter.status == "entered-in-error"
    patient = ids.id_of(encounter.subject, "Patient")
    if patient is None and not retracted:
        rows.refuse(found.row, "Encounter.subject", "missing_patient_id")
        return
    attended = ATTENDED.get(encounter.status or "")
    start, finish = _times(encounter.period, found, rows)
    date, end = (None if one is None else one.date for one in (start, finish))
    if not retracted and attended and date is not None and date > context.as_of:
        rows.refuse(found.row, "Encounter.period.start", "after_snapshot")
        return
    if date is None and not retracted:
        rows.note(found.row, "Encounter.period.start", "missing_date", "flagged")
    kind, mode = _kind_and_mode(encounter, found, rows)
    practitioner, role = _who(encounter.participant, ids)
    add_raw(
        rows,
        "Encounter",
        found,
        id_,
        retracted=retracted,
        episode_id=next((one for one in (ids.id_of(e, "EpisodeOfCare") for e in encounter.episodeOfCare) if one), None),
        patient_id=patient,
        organization_id=ids.id_of(encounter.serviceProvider, "Organization"),
        location_id=next((one for one in (ids.id_of(e.location, "Location") for e in encounter.location) if one), None),
        practitioner_id=practitioner,
        role_id=role,
        date=date,
        end_date=end,
        kind=kind,
        mode=mode,
        attended=attended,
        minutes=None if kind in STAYS else _minutes(encounter, start, finish),
    )


def _times(period: Period | None, found: Found, rows: Rows) -> tuple[When | None, When | None]:
    if period is None:
        return None, None
    start = when_of(period.start, "Encounter.period.start", found, rows)
    end = when_of(period.end, "Encounter.period.end", found, rows)
    if start is not None and end is not None and end.date < start.date:
        rows.note(found.row, "Encounter.period.end", "end_before_start", "flagged")
        end = None
    return start, end


def _kind_and_mode(encounter: Encounter, found: Found, rows: Rows) -> tuple[str | None, str | None]:
    """The types say more than the class, which only tells where."""
    code = encounter.class_.code if encounter.class_ is not None else None
    kind, mode = ENCOUNTER_CLASSES.get(code or "", (None, None))
    if code is not None and code not in ENCOUNTER_CLASSES:
        word_of(code, {}, "Encounter.class", found, rows)
    codes = [one.code for one in codings(encounter.type) if one.code]
    kinds = [CONTACT_KINDS[one] for one in codes if one in CONTACT_KINDS]
    modes = [CONTACT_MODES[one] for one in codes if one in CONTACT_MODES]
    return (kinds[0] if kinds else kind), (modes[0] if modes else mode)


def _who(participants: list[Participant], ids: References) -> tuple[str | None, str | None]:
    """The main performer, else the first clinician named: as practitioner, or as a role to be looked up."""
    ranked = sorted(participants, key=lambda one: not any(c.code in _MAIN for c in codings(one.type)))
    for one in ranked:
        practitioner = ids.id_of(one.individual, "Practitioner")
        if practitioner is not None:
            return practitioner, None
        role = ids.id_of(one.individual, "PractitionerRole")
        if role is not None:
            return None, role
    return None, None


def _minutes(encounter: Encounter, start: When | None, end: When | None) -> float | None:
    if start is None or end is None or start.instant is None or end.instant is None:
        return minutes_of(encounter.length)
    lasted = (end.instant - start.instant) / 60
    return lasted if lasted >= 0 and _one_clock(encounter.period) else None


def _one_clock(period: Period | None) -> bool:
    """Whether both ends say how far their clock is from UTC, or neither does: else nobody knows what lies between."""
    written = () if period is None else (period.start or "", period.end or "")
    return len({_OFFSET.search(text) is None for text in written}) == 1
