"""Mappers of people, places, courses, contacts, diagnoses, procedures, payers and consents."""

from __future__ import annotations

from typing import Final

from benchwell.intake.fhir.condition import REQUEST, map_condition, map_procedure, map_request
from benchwell.intake.fhir.consent import map_consent
from benchwell.intake.fhir.coverage import map_coverage
from benchwell.intake.fhir.encounter import map_encounter
from benchwell.intake.fhir.episode import map_episode
from benchwell.intake.fhir.merge_records import merge, with_named
from benchwell.intake.fhir.patient import map_patient
from benchwell.intake.fhir.places import map_location, map_organization, map_practitioner, map_role
from benchwell.intake.fhir.record_rows import DELETED_LAST, RAW
from benchwell.intake.fhir.resources import (
    Condition,
    Consent,
    Coverage,
    Encounter,
    EpisodeOfCare,
    Location,
    Medication,
    MedicationRequest,
    Organization,
    Patient,
    Practitioner,
    PractitionerRole,
    Procedure,
    ServiceRequest,
)
from benchwell.intake.fhir.rows import Context, Found, Mappers, Rows

__all__ = ["MAPPERS", "RAW", "merge", "retract", "with_named"]


def _nothing(found: Found, context: Context, rows: Rows) -> None:
    """What has no table of its own; official measures read it by another way."""


MAPPERS: Final[Mappers] = {
    Patient: map_patient,
    Organization: map_organization,
    Location: map_location,
    Practitioner: map_practitioner,
    PractitionerRole: map_role,
    EpisodeOfCare: map_episode,
    Encounter: map_encounter,
    Condition: map_condition,
    Procedure: map_procedure,
    ServiceRequest: map_request,
    Coverage: map_coverage,
    Consent: map_consent,
    MedicationRequest: _nothing,
    Medication: _nothing,
}

_INSIDE_OTHERS = {"Location", "PractitionerRole", "Coverage", "Consent"}  # their rows are parts of other records


def retract(kind: str, id_: str, row: int, rows: Rows, at: float | None = None) -> bool:
    """Take a deleted resource back: a row with its key only.

    Args:
        kind: Its type, such as "Encounter".
        id_: Its id.
        row: Where the deletion stood.
        rows: Receives the row. A type that is kept only inside other records gets a finding instead for what earlier
            sources said; within the same part the deletion counts.
        at: By when it was deleted, seconds since 1970; null is later than any version in the same part.

    Returns:
        Whether the type is one of these mappers'.

    >>> rows = Rows()
    >>> retract("Encounter", "7", 1, rows), retract("Observation", "8", 2, rows)
    (True, False)
    """
    if kind == "ServiceRequest":
        kind, id_ = "Procedure", REQUEST + id_
    if kind not in RAW:
        return False
    given = {"id": id_, "updated": DELETED_LAST if at is None else at, "retracted": True, "source_row": row}
    rows.add(kind, tuple([given.get(name) for name in RAW[kind].names]))
    if kind in _INSIDE_OTHERS:
        rows.note(row, kind, "deletion_not_applied")
    return True
