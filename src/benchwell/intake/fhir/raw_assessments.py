"""The raw row: one for each form, panel, score or single answer that a source states, before they are put together."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pyarrow as pa

from benchwell.intake.fhir.edition import edition_of
from benchwell.intake.fhir.elements import Meta, Reference
from benchwell.intake.fhir.references import References
from benchwell.intake.fhir.resources import Observation, QuestionnaireResponse
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.intake.fhir.when import When
from benchwell.tables.table import DATE, FLAG, INTEGER, NUMBER, TEXT

RAW: Final = "raw_assessments"

SCHEMA: Final = pa.schema(
    {
        "record": TEXT,  # `QuestionnaireResponse/x`: which resource; one resource may state several instruments
        "part": INTEGER,  # 0, 1 … within the resource
        "kind": TEXT,  # form (has answers), panel, score (a total), answer (to one item)
        "standing": INTEGER,  # by status, for two copies that say nothing else: 1 final, 2 amended, 3 taken back
        "stored": NUMBER,  # meta.lastUpdated, seconds since 1970
        "edit": INTEGER,  # meta.versionId, if it is a number
        "retracted": FLAG,
        "patient_id": TEXT,
        "instrument": TEXT,  # null for an answer: several instruments may share an item
        "scale": TEXT,
        "date": DATE,
        "time": TEXT,
        "instant": NUMBER,  # seconds since 1970, null if only the day is known
        "items": pa.list_(NUMBER),
        "total": NUMBER,
        "unit": TEXT,
        "language": TEXT,
        "informant": TEXT,
        "mode": TEXT,
        "encounter_id": TEXT,
        "links": pa.list_(TEXT),  # records that this one is derived from
        "members": pa.list_(TEXT),  # records that this one gathers
        "code": TEXT,  # of an answer
        "value": NUMBER,  # of an answer
        "source_row": INTEGER,
    }
)
_NAMES = tuple(SCHEMA.names)
_TYPES = ("QuestionnaireResponse", "Observation")
_INFORMANTS = {
    "Patient": "patient", "RelatedPerson": "related_person", "Practitioner": "practitioner",
    "PractitionerRole": "practitioner",
}  # fmt: skip


def raw_row(**values: Any) -> tuple[Any, ...]:
    """One row in the order of `SCHEMA`; what is not given is null.

    >>> len(raw_row(record="Observation/1", kind="score")) == len(SCHEMA)
    True
    """
    unknown = values.keys() - set(_NAMES)
    if unknown:
        raise ValueError(f"no such column: {sorted(unknown)}")
    return tuple(map(values.get, _NAMES))


def record_of(found: Found, kind: str) -> str | None:
    """The key of a resource, `Type/id`; the last part of its address if it has no id of its own."""
    id_ = found.resource.id or (found.full_url or "").rpartition("/")[2].rpartition(":")[2]
    return f"{kind}/{id_}" if id_ else None


def retracted_row(record: str, kind: str, meta: Meta | None, patient: str | None, source_row: int) -> tuple[Any, ...]:
    """The row that takes a record back. Of whom it was says only how new all of that person's records are."""
    stored, edit = edition_of(meta)
    return raw_row(
        record=record, part=0, kind=kind, standing=3, stored=stored, edit=edit, retracted=True, patient_id=patient,
        source_row=source_row,
    )  # fmt: skip


def is_modified(extensions: msgspec.Raw) -> bool:
    """Whether a resource brings extensions that change what it means: FHIR forbids to read on without knowing them."""
    return len(extensions) > 0 and bytes(extensions).strip() not in (b"[]", b"null")


def patient_of(resource: Observation | QuestionnaireResponse, row: int, context: Context, rows: Rows) -> str | None:
    """Whose an answer is; null with a finding if that cannot be said, or if unread extensions may change what it is."""
    if is_modified(resource.modifierExtension):
        rows.refuse(row, "modifierExtension", "modifier_unread")
        return None
    patient = context.references.id_of(resource.subject, "Patient")
    if patient is None:
        rows.refuse(row, "subject", "missing_patient_id")
    return patient


def known_when(when: When | str, column: str, row: int, context: Context, rows: Rows) -> When | None:
    """When an answer was given; null with a finding if that cannot be said, or lies after the snapshot.

    Args:
        when: As `read_when` gives it: the moment, or a reason code.
        column: The element it stands in.
        row: Of the source.
        context: The snapshot's day.
        rows: Gets the finding.
    """
    reason = when if isinstance(when, str) else "after_snapshot" if when.date > context.as_of else None
    if reason is not None:
        rows.refuse(row, column, reason)
    return None if reason is not None or isinstance(when, str) else when


def links_of(references: References, pointers: list[Reference]) -> list[str] | None:
    """The records that references name, as `Type/id`; null if there are none of the types that matter here."""
    found: list[str] = []
    for one in pointers:
        text = one.reference
        if text is not None and text.startswith(("Observation/", "QuestionnaireResponse/")) and text.count("/") == 1:
            found.append(text)
            continue
        found.extend(f"{kind}/{id_}" for kind in _TYPES if (id_ := references.id_of(one, kind)) is not None)
    return found or None


def informant_of(source: Reference | None, *writers: Reference) -> str | None:
    """Who answered: the source; else a patient or relative who wrote it down. A clinician may just have typed it in.

    >>> informant_of(Reference(reference="Practitioner/1")), informant_of(None, Reference(reference="Practitioner/1"))
    ('practitioner', None)
    """
    if source is not None:
        return _INFORMANTS.get(_type_of(source))
    for one in writers:
        kind = _type_of(one)
        if kind in ("Patient", "RelatedPerson"):
            return _INFORMANTS[kind]
    return None


def _type_of(one: Reference) -> str:
    return one.type or (one.reference or "").rstrip("/").rpartition("/")[0].rpartition("/")[2]
