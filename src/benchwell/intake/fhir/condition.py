"""Condition, Procedure and ServiceRequest: what somebody has, what was done, and what was asked for."""

from __future__ import annotations

import datetime as dt
from typing import cast

from benchwell.intake.fhir.elements import Period
from benchwell.intake.fhir.record_codes import code_texts, condition_word, first_code
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.resources import Condition, Procedure, ServiceRequest
from benchwell.intake.fhir.rows import Context, Found, Rows

REQUEST = "ServiceRequest/"  # before the id of a request: both kinds share a table, and may share an id
_ERROR = "entered-in-error"


def map_condition(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Condition`, refuted ones too: `verification_status` says so."""
    condition = cast("Condition", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    verification = first_code(condition.verificationStatus)
    onset = _start(condition.onsetDateTime, condition.onsetPeriod, "Condition.onset", found, rows)
    recorded = day_of(condition.recordedDate, "Condition.recordedDate", found, rows)
    patient = context.references.id_of(condition.subject, "Patient")
    retracted = verification == _ERROR
    if not retracted and not _usable(patient, onset or recorded, "Condition", found, context, rows):
        return
    codes = code_texts(condition.code)
    period = condition.abatementPeriod
    abated = condition.abatementDateTime or (None if period is None else period.end or period.start)
    add_raw(
        rows,
        "Condition",
        found,
        id_,
        retracted=retracted,
        patient_id=patient,
        encounter_id=context.references.id_of(condition.encounter, "Encounter"),
        codes=codes,
        category=first_code(*condition.category),
        clinical_status=first_code(condition.clinicalStatus),
        verification_status=verification,
        onset_date=onset,
        abatement_date=day_of(abated, "Condition.abatement", found, rows),
        recorded_date=recorded,
        condition=condition_word(codes),
    )


def map_procedure(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Procedure`, kind `done`; `status` tells those that were not done."""
    procedure = cast("Procedure", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    date = _start(procedure.performedDateTime, procedure.performedPeriod, "Procedure.performed", found, rows)
    period = procedure.performedPeriod
    end = None if period is None else day_of(period.end, "Procedure.performed", found, rows)
    patient = context.references.id_of(procedure.subject, "Patient")
    retracted = procedure.status == _ERROR
    if retracted or _usable(patient, date, "Procedure", found, context, rows):
        add_raw(
            rows,
            "Procedure",
            found,
            id_,
            retracted=retracted,
            patient_id=patient,
            encounter_id=context.references.id_of(procedure.encounter, "Encounter"),
            kind="done",
            codes=code_texts(procedure.code),
            status=procedure.status,
            date=date,
            end_date=end,
        )


def map_request(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Procedure`, kind `ordered`, dated when it was asked for. A request not to do something is none."""
    request = cast("ServiceRequest", found.resource)
    id_ = own_id(found, rows)
    if id_ is None or request.doNotPerform:
        return
    asked = day_of(request.authoredOn, "ServiceRequest.authoredOn", found, rows)
    date = asked or _start(
        request.occurrenceDateTime, request.occurrencePeriod, "ServiceRequest.occurrence", found, rows
    )
    patient = context.references.id_of(request.subject, "Patient")
    retracted = request.status == _ERROR
    if retracted or _usable(patient, asked, "ServiceRequest", found, context, rows):
        add_raw(
            rows,
            "Procedure",
            found,
            REQUEST + id_,
            retracted=retracted,
            patient_id=patient,
            encounter_id=context.references.id_of(request.encounter, "Encounter"),
            kind="ordered",
            codes=code_texts(request.code),
            status=request.status,
            date=date,
        )


def _usable(patient: str | None, date: dt.date | None, kind: str, found: Found, context: Context, rows: Rows) -> bool:
    """Whether a record has an owner and is not of the future; refuses its row otherwise."""
    if patient is None:
        rows.refuse(found.row, f"{kind}.subject", "missing_patient_id")
        return False
    if date is not None and date > context.as_of:
        rows.refuse(found.row, kind, "after_snapshot")
        return False
    return True


def _start(moment: str | None, period: Period | None, path: str, found: Found, rows: Rows) -> dt.date | None:
    text = moment if moment is not None or period is None else period.start
    return day_of(text, path, found, rows)
