"""Rows of people, places and contacts before they are merged: one per resource, as its mapper read it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from benchwell.intake.fhir.edition import edition_of
from benchwell.intake.fhir.references import id_in_url
from benchwell.intake.fhir.rows import Found, Rows
from benchwell.intake.fhir.when import When, read_when
from benchwell.tables import DATE, FLAG, INTEGER, NUMBER, TEXT

_COMMON: dict[str, pa.DataType] = {
    "id": TEXT,
    "updated": NUMBER,  # seconds since 1970: which of two versions is the later one
    "version": INTEGER,
    "retracted": FLAG,
    "source_row": INTEGER,
}
_DECISION = pa.struct({"purpose": TEXT, "date": DATE, "decision": TEXT})


def _raw(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(_COMMON | columns)


RAW: dict[str, pa.Schema] = {
    "Patient": _raw(
        birth_date=DATE,
        birth_year=INTEGER,
        death_date=DATE,
        sex=TEXT,
        gender=TEXT,
        race=TEXT,
        ethnicity=TEXT,
        language=TEXT,
        region=TEXT,
        country=TEXT,
    ),
    "Organization": _raw(part_of=TEXT, name=TEXT, kind=TEXT, country=TEXT, region=TEXT),
    "Location": _raw(organization_id=TEXT, part_of=TEXT),
    "Practitioner": _raw(licensed_year=INTEGER),
    "PractitionerRole": _raw(practitioner_id=TEXT, organization_id=TEXT, discipline=TEXT, active=FLAG, end_date=DATE),
    "EpisodeOfCare": _raw(
        patient_id=TEXT,
        organization_id=TEXT,
        practitioner_id=TEXT,
        role_id=TEXT,
        conditions=pa.list_(TEXT),
        referrals=pa.list_(TEXT),
        start_date=DATE,
        end_date=DATE,
        end_reason=TEXT,
    ),
    "Encounter": _raw(
        episode_id=TEXT,
        patient_id=TEXT,
        organization_id=TEXT,
        location_id=TEXT,
        practitioner_id=TEXT,
        role_id=TEXT,
        date=DATE,
        end_date=DATE,
        kind=TEXT,
        mode=TEXT,
        attended=FLAG,
        minutes=NUMBER,
    ),
    "Condition": _raw(
        patient_id=TEXT,
        encounter_id=TEXT,
        codes=pa.list_(TEXT),
        category=TEXT,
        clinical_status=TEXT,
        verification_status=TEXT,
        onset_date=DATE,
        abatement_date=DATE,
        recorded_date=DATE,
        condition=TEXT,
    ),
    # Procedure and ServiceRequest: `kind` tells them apart, and so does the prefix of a request's id
    "Procedure": _raw(
        patient_id=TEXT,
        encounter_id=TEXT,
        kind=TEXT,
        codes=pa.list_(TEXT),
        status=TEXT,
        date=DATE,
        end_date=DATE,
    ),
    "Coverage": _raw(patient_id=TEXT, insurance=TEXT, start_date=DATE, end_date=DATE, rank=INTEGER),
    "Consent": _raw(patient_id=TEXT, decisions=pa.list_(_DECISION)),
}
"""What a mapper hands on, by type of resource: `merge` makes canonical tables of it."""

DELETED_LAST = 1e12  # a deletion without a time counts as later than every version


def add_raw(rows: Rows, kind: str, found: Found, id_: str, /, **values: Any) -> None:
    """Add one resource under its id; columns that are not named are unknown.

    `retracted` is false unless it is given: the source states the record, which revives it where it was taken back.
    """
    edition = edition_of(found.resource.meta)
    common = {
        "id": id_,
        "updated": edition.stored,
        "version": edition.number,
        "retracted": False,
        "source_row": found.row,
    }
    given = common | values
    rows.add(kind, tuple([given.get(name) for name in RAW[kind].names]))


def own_id(found: Found, rows: Rows) -> str | None:
    """The id of a resource; without one of its own, that of its entry. Refuses the row if there is neither."""
    id_ = found.resource.id or (id_in_url(found.full_url) if found.full_url else None)
    if not id_:
        rows.refuse(found.row, f"{type(found.resource).__name__}.id", "missing_id")
    return id_ or None


def when_of(text: str | None, path: str, found: Found, rows: Rows) -> When | None:
    """Day, clock and instant of a FHIR date or dateTime, or null; a partial or impossible one is noted."""
    if text is None:
        return None
    when = read_when(text)
    if not isinstance(when, str):
        return when
    if when != "missing_date":
        rows.note(found.row, path, when, "flagged")
    return None


def day_of(text: str | None, path: str, found: Found, rows: Rows) -> dt.date | None:
    """The same, only its day: the one on the calendar of whoever wrote it."""
    when = when_of(text, path, found, rows)
    return None if when is None else when.date
