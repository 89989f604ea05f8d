"""Consent: which purposes somebody has permitted or denied. In doubt, nothing is granted.

What denies is read widely, what permits narrowly: a denial that names no purpose denies all of them and one that is
limited to some actor or data denies its purpose; a permission counts only for a purpose that it names, and only if
nothing limits it further. A status that is not known or a period that cannot be read grants nothing, and an exception
that does not say whether it permits denies. Parts that cannot be read are findings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from benchwell.intake.fhir.elements import Coding
from benchwell.intake.fhir.record_codes import codings, first_code
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.record_words import PURPOSE_SYSTEM, PURPOSES, SCOPES
from benchwell.intake.fhir.resources import Consent, Provision
from benchwell.intake.fhir.rows import Context, Found, Rows
from benchwell.terms import Purpose

_GRANTED, _DECLINED, _WITHDRAWN = "granted", "declined", "withdrawn"
_UNDECIDED = {"draft", "proposed"}
_KNOWN = {"active", "rejected", "inactive", "entered-in-error"}  # any other status grants nothing
_BASES = {"OPTIN": "permit", "OPTINR": "permit", "OPTOUT": "deny", "OPTOUTE": "deny"}  # v3 ActCode
_USE = "use"  # the action that a benchmark is; collecting or disclosing alone is not
Decision = dict[str, object]


@dataclass
class _Reading:
    """What was read so far: refusals win, whatever the order of the provisions."""

    permitted: set[Purpose]
    denied: set[Purpose]
    unread: bool = False

    def grant_nothing(self) -> None:
        """Keep what is denied; of what is permitted, something cannot be read."""
        self.unread |= bool(self.permitted)
        self.permitted = set()


def map_consent(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Consent` with its decisions: one per purpose, dated when it was given.

    `rejected` declines and `inactive` withdraws what the consent would have permitted. A provision that ends is
    withdrawn on the day after. A refusal without a date counts from the snapshot on; a grant without one is refused.
    """
    consent = cast("Consent", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    patient = context.references.id_of(consent.patient, "Patient")
    retracted = consent.status == "entered-in-error"
    if patient is None and not retracted:
        rows.refuse(found.row, "Consent.patient", "missing_patient_id")
        return
    if consent.status in _UNDECIDED or consent.status is None:
        rows.refuse(found.row, "Consent.status", "consent_not_decided")
        return
    decisions = list(_decisions(consent, context, found, rows))
    if not decisions and not retracted:
        rows.refuse(found.row, "Consent", "consent_unread")
        return
    add_raw(rows, "Consent", found, id_, retracted=retracted, patient_id=patient, decisions=decisions)


def _decisions(consent: Consent, context: Context, found: Found, rows: Rows) -> Iterator[Decision]:
    reading = _read(consent)
    period = consent.provision.period if consent.provision is not None else None
    start = None if period is None else day_of(period.start, "Consent.provision.period", found, rows)
    end = None if period is None else day_of(period.end, "Consent.provision.period", found, rows)
    given = day_of(consent.dateTime, "Consent.dateTime", found, rows)
    if period is not None and (_unread(period.start, start) or _unread(period.end, end)):
        reading.grant_nothing()  # it would begin too early, or never end
    if reading.unread:
        rows.note(found.row, "Consent.provision", "consent_unread")
    known = [day for day in (given, start) if day is not None]
    date = max(known) if known else None
    refusal = {"rejected": _DECLINED, "inactive": _WITHDRAWN}.get(consent.status or "")
    for purpose in Purpose:
        if purpose in reading.denied:
            yield _decision(purpose, date or _undated(context, found, rows), _DECLINED)
        elif purpose in reading.permitted and refusal is not None:
            yield _decision(purpose, date or _undated(context, found, rows), refusal)
        elif purpose in reading.permitted and date is None:
            rows.note(found.row, "Consent.dateTime", "missing_date", "flagged")
        elif purpose in reading.permitted and date is not None:
            yield _decision(purpose, date, _GRANTED)
            if end is not None and end < dt.date.max:
                yield _decision(purpose, max(date, end + dt.timedelta(days=1)), _WITHDRAWN)


def _unread(text: str | None, day: dt.date | None) -> bool:
    return text is not None and day is None


def _undated(context: Context, found: Found, rows: Rows) -> dt.date:
    rows.note(found.row, "Consent.dateTime", "missing_date", "flagged")
    return context.as_of


def _decision(purpose: Purpose, date: dt.date, decision: str) -> Decision:
    return {"purpose": purpose.value, "date": date, "decision": decision}


def _read(consent: Consent) -> _Reading:
    reading = _Reading(set(), set())
    provision = consent.provision
    base = provision.type if provision is not None and provision.type else _BASES.get(_rule(consent) or "")
    _take(provision or Provision(), base, reading, _scope(consent))
    if consent.modifierExtension or consent.status not in _KNOWN:
        reading.grant_nothing()
        reading.unread |= consent.status not in _KNOWN
    return reading


def _take(
    provision: Provision, kind: str | None, reading: _Reading, scope: Purpose | None, *, nested: bool = False
) -> None:
    """Read one provision and its exceptions."""
    known = {purpose for purpose in map(_purpose, provision.purpose) if purpose is not None}
    if not provision.purpose and scope is not None:
        known = {scope}
    unknown = any(_purpose(one) is None for one in provision.purpose)
    if kind == "deny":
        # A denial for some other purpose, such as marketing, is none of ours; one for no purpose at all is for any.
        nothing_named = not provision.purpose and scope is None
        reading.denied |= set(Purpose) if nothing_named and not provision.provision else known
        reading.unread |= nothing_named and bool(provision.provision)
    elif kind == "permit" and known and not _limited(provision) and not (nested and provision.period is not None):
        reading.permitted |= known
        reading.unread |= unknown
    else:
        reading.unread = True
    for exception in provision.provision:
        # It has to say what it is; one that does not may well be a denial.
        reading.unread |= exception.type not in ("permit", "deny")
        _take(exception, "permit" if exception.type == "permit" else "deny", reading, None, nested=True)
    if kind == "deny" and not provision.purpose and scope is None and provision.provision:
        # A general no with exceptions: whatever the exceptions do not permit for certain.
        reading.denied |= set(Purpose) - reading.permitted
    reading.permitted -= reading.denied


def _limited(provision: Provision) -> bool:
    """Whether it holds only for some actors, data or actions, which nobody here can check."""
    limits = (
        *(provision.actor, provision.securityLabel, provision.class_, provision.code, provision.data),
        provision.modifierExtension,
    )
    actions = {one.code for one in codings(provision.action)}
    return any(limits) or provision.dataPeriod is not None or bool(provision.action and _USE not in actions)


def _purpose(coding: Coding) -> Purpose | None:
    if coding.system == PURPOSE_SYSTEM:
        return Purpose(coding.code) if coding.code in set(Purpose) else None
    return PURPOSES.get(coding.code or "")


def _scope(consent: Consent) -> Purpose | None:
    return next((SCOPES[one.code] for one in codings([consent.scope]) if one.code in SCOPES), None)


def _rule(consent: Consent) -> str | None:
    return first_code(consent.policyRule)
