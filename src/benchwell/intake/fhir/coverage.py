"""Coverage: who pays."""

from __future__ import annotations

from typing import cast

from benchwell.clinical.systems import system_name
from benchwell.intake.fhir.elements import Coding
from benchwell.intake.fhir.record_codes import codings
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.record_words import NOT_KNOWN, PAYERS, PAYERS_SOP, PAYERS_SOP_UNKNOWN
from benchwell.intake.fhir.resources import Coverage
from benchwell.intake.fhir.rows import Context, Found, Rows


def map_coverage(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Coverage`; only one that is active says anything about a person."""
    coverage = cast("Coverage", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    patient = context.references.id_of(coverage.beneficiary, "Patient")
    counts = coverage.status == "active"
    if patient is None and counts:
        rows.refuse(found.row, "Coverage.beneficiary", "missing_patient_id")
        return
    period = coverage.period
    add_raw(
        rows,
        "Coverage",
        found,
        id_,
        retracted=not counts,
        patient_id=patient,
        insurance=_payer(codings([coverage.type]), found, rows) if counts else None,
        start_date=None if period is None else day_of(period.start, "Coverage.period.start", found, rows),
        end_date=None if period is None else day_of(period.end, "Coverage.period.end", found, rows),
        rank=None if coverage.order is None else min(max(coverage.order, 0), 1 << 31),
    )


def _payer(types: list[Coding], found: Found, rows: Rows) -> str | None:
    unread = False
    for one in types:
        code = one.code or ""
        if system_name(one.system) == "sop":
            word = PAYERS_SOP.get(code[:1])
            unread |= word is None and code[:1] not in PAYERS_SOP_UNKNOWN
        else:
            word = PAYERS.get(code)
            unread |= word is None and code not in NOT_KNOWN
        if word is not None:
            return word
    if unread:
        rows.note(found.row, "Coverage.type", "unread_code")
    return None
