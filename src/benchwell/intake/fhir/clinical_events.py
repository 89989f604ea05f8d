"""FHIR resources as events of a person's record: what official measures ask for, and nothing else."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections.abc import Callable, Iterable

from benchwell.clinical.moments import Moment, moment_of, parse_moment
from benchwell.clinical.record import Event, Span
from benchwell.clinical.systems import code_text
from benchwell.intake.fhir.elements import Concept, Extension, Period, Quantity, Reference
from benchwell.intake.fhir.resources import (
    Condition,
    Encounter,
    MedicationRequest,
    Observation,
    Procedure,
    Resource,
    ServiceRequest,
)

# The id that a reference to a type means; None if there is none.
IdOf = Callable[[Reference | None, str], str | None]

_LASTS = frozenset({"active", "recurrence", "relapse"})  # of a condition without an end: it still is
_NUMBER = re.compile(r"\s*[+-]?\d{1,12}(\.\d{1,12})?\s*", re.ASCII)
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}
_MONTHS = {"a": 12, "year": 12, "years": 12, "mo": 1, "month": 1, "months": 1}


def condition_event(one: Condition, id_of: IdOf, birth: Moment | None) -> Event:
    """A condition. Its time is its prevalence: from onset to abatement.

    Without abatement it lasts if it is active, recurring or relapsed; otherwise nobody knows when it ended. An
    abatement that has begun and has no end still goes on.
    """
    del id_of
    start = _onset(one, birth)
    end = _abatement(one, birth)
    lasts = not _LASTS.isdisjoint(_plain(one.clinicalStatus)) or _still_abating(one.abatementPeriod)
    return Event(
        "condition",
        one.id or "",
        concept_codes(one.code),
        None,
        _times(when=Span(start, end, ongoing=end is None and lasts), recorded=Span.at(moment_of(one.recordedDate))),
        _facts(
            verification=_plain(one.verificationStatus),
            category=frozenset().union(*(_plain(concept) for concept in one.category)),
        ),
    )


def encounter_event(one: Encounter, id_of: IdOf, birth: Moment | None) -> Event:
    """A contact, with its reasons and how a stay ended."""
    del birth
    stay = one.hospitalization
    return Event(
        "encounter",
        one.id or "",
        _all_codes(one.type),
        one.status,
        _times(when=_span(one.period)),
        _facts(
            reason=_all_codes(one.reasonCode), disposition=concept_codes(stay.dischargeDisposition if stay else None)
        ),
        _pointing(
            reason=_ids(one.reasonReference, "Condition", id_of),
            diagnosis=_ids((diagnosis.condition for diagnosis in one.diagnosis), "Condition", id_of),
        ),
    )


def observation_event(one: Observation, id_of: IdOf, birth: Moment | None) -> Event:
    """A finding with its value in whatever form it came; a number with a comparator is no number."""
    del birth
    coded = one.valueCodeableConcept
    forms = (one.valueQuantity and one.valueQuantity.value, coded, one.valueString, one.valueBoolean)
    return Event(
        "observation",
        one.id or "",
        concept_codes(one.code),
        one.status,
        _times(
            when=_point_or_span(one.effectiveDateTime or one.effectiveInstant, one.effectivePeriod),
            issued=Span.at(moment_of(one.issued)),
            recorded=_recorded(one),
        ),
        _facts(**{"not-done-reason": _not_done(one)}),
        _pointing(form=_ids(one.derivedFrom, "QuestionnaireResponse", id_of)),
        number=_number(one),
        answers=concept_codes(coded),
        has_value=any(form is not None for form in (*forms, one.valueInteger, one.valueDateTime)),
    )


def procedure_event(one: Procedure, id_of: IdOf, birth: Moment | None) -> Event:
    """Something that was done, or was not."""
    del id_of, birth
    return Event(
        "procedure",
        one.id or "",
        concept_codes(one.code),
        one.status,
        _times(when=_point_or_span(one.performedDateTime, one.performedPeriod), recorded=_recorded(one)),
        _facts(
            **{
                "reason": _all_codes(one.reasonCode),
                "not-done-reason": concept_codes(one.statusReason) | _not_done(one),
            }
        ),
    )


def service_request_event(one: ServiceRequest, id_of: IdOf, birth: Moment | None) -> Event:
    """Something that was asked for."""
    del id_of, birth
    return Event(
        "service-request",
        one.id or "",
        concept_codes(one.code),
        one.status,
        _times(
            when=_point_or_span(one.occurrenceDateTime, one.occurrencePeriod),
            authored=Span.at(moment_of(one.authoredOn)),
        ),
        _facts(**_request_facts(one)),
    )


def medication_request_event(one: MedicationRequest, id_of: IdOf, birth: Moment | None) -> Event:
    """A prescription. Its time is the supply that was asked for, refills included; unknown if nothing says how long."""
    del id_of, birth
    return Event(
        "medication-request",
        one.id or "",
        concept_codes(one.medicationCodeableConcept),
        one.status,
        _times(when=_supply(one), authored=Span.at(moment_of(one.authoredOn))),
        _facts(**_request_facts(one)),
    )


EVENTS: dict[type[Resource], Callable[..., Event]] = {
    Condition: condition_event,
    Encounter: encounter_event,
    Observation: observation_event,
    Procedure: procedure_event,
    ServiceRequest: service_request_event,
    MedicationRequest: medication_request_event,
}


def main_codes(one: Resource) -> frozenset[str]:
    """What a resource is, as its event will say: cheap, so that most resources need not become events."""
    if isinstance(one, Encounter):
        return _all_codes(one.type)
    if isinstance(one, MedicationRequest):
        return concept_codes(one.medicationCodeableConcept)
    return concept_codes(getattr(one, "code", None))


def concept_codes(concept: Concept | None) -> frozenset[str]:
    """The codes of a concept, each `system|code`.

    >>> from benchwell.intake.fhir.elements import Coding
    >>> concept_codes(Concept(coding=[Coding(system="http://loinc.org", code="44261-6")]))
    frozenset({'loinc|44261-6'})
    """
    if concept is None:
        return frozenset()
    return frozenset(code_text(one.system, one.code.strip()) for one in concept.coding if one.code)


def _all_codes(concepts: Iterable[Concept]) -> frozenset[str]:
    return frozenset().union(*(concept_codes(concept) for concept in concepts))


def _plain(concept: Concept | None) -> frozenset[str]:
    """The codes of one of FHIR's own small lists, without their system."""
    return frozenset() if concept is None else frozenset(one.code for one in concept.coding if one.code)


def _facts(**found: frozenset[str]) -> dict[str, frozenset[str]]:
    return {name: codes for name, codes in found.items() if codes}


_pointing = _facts


def _ids(references: Iterable[Reference | None], kind: str, id_of: IdOf) -> frozenset[str]:
    return frozenset(filter(None, (id_of(one, kind) for one in references)))


def _times(**found: Span | None) -> dict[str, Span]:
    return {name: span for name, span in found.items() if span is not None}


def _request_facts(one: ServiceRequest | MedicationRequest) -> dict[str, frozenset[str]]:
    return {
        "intent": frozenset((one.intent,)) if one.intent else frozenset(),
        "do-not-perform": frozenset(("true" if one.doNotPerform else "false",)),
    }


def _span(period: Period | None) -> Span | None:
    """A period; without an end it has not ended."""
    if period is None or (period.start is None and period.end is None):
        return None
    return Span(moment_of(period.start), moment_of(period.end), ongoing=period.end is None)


def _point_or_span(text: str | None, period: Period | None) -> Span | None:
    return Span.at(moment_of(text)) or _span(period)


def _onset(one: Condition, birth: Moment | None) -> Moment | None:
    if one.onsetPeriod is not None:
        return moment_of(one.onsetPeriod.start)
    return moment_of(one.onsetDateTime) or _at_age(birth, one.onsetAge)


def _abatement(one: Condition, birth: Moment | None) -> Moment | None:
    if one.abatementPeriod is not None:
        return moment_of(one.abatementPeriod.end)
    return moment_of(one.abatementDateTime) or _at_age(birth, one.abatementAge)


def _still_abating(period: Period | None) -> bool:
    return period is not None and period.start is not None and period.end is None


def _at_age(birth: Moment | None, age: Quantity | None) -> Moment | None:
    """The day on which somebody reached an age."""
    if birth is None or birth.local_date is None or age is None or age.value is None or age.value < 0:
        return None
    unit, day = age.code or age.unit or "", birth.local_date
    size = math.floor(age.value)
    try:
        if unit in _DAYS:
            return parse_moment((day + dt.timedelta(days=size * _DAYS[unit])).isoformat())
        if unit in _MONTHS:
            year, month = divmod(day.year * 12 + day.month - 1 + size * _MONTHS[unit], 12)
            return parse_moment(
                f"{year:04d}-{month + 1:02d}-{min(day.day, calendar.monthrange(year, month + 1)[1]):02d}"
            )
    except (ValueError, OverflowError):
        return None
    return None


def _number(one: Observation) -> float | None:
    if one.valueInteger is not None:
        return _real(one.valueInteger)
    quantity = one.valueQuantity
    if quantity is not None:
        return None if quantity.comparator else quantity.value
    text = one.valueString
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None


def _real(number: int) -> float:
    """A whole number of any length: one that no float holds is still above, or below, every limit."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _extensions(found: Iterable[Extension], name: str) -> list[Extension]:
    return [one for one in found if one.url.rpartition("/")[2].removeprefix("qicore-") == name]


def _not_done(one: Resource) -> frozenset[str]:
    return _all_codes(
        extension.valueCodeableConcept
        for extension in _extensions(one.extension, "notDoneReason")
        if extension.valueCodeableConcept is not None
    )


def _recorded(one: Resource) -> Span | None:
    found = _extensions(one.extension, "recorded")
    return Span.at(moment_of(found[0].valueDateTime)) if found else None


def _supply(one: MedicationRequest) -> Span | None:
    """From the first of the dates that are given, for as many days as were supplied, or to the end that is stated."""
    dosage = one.dosageInstruction[0] if one.dosageInstruction else None
    repeat = dosage.timing.repeat if dosage is not None and dosage.timing is not None else None
    bounds = repeat.boundsPeriod if repeat is not None else None
    request = one.dispenseRequest
    valid = request.validityPeriod if request is not None else None
    starts = (bounds.start if bounds else None, one.authoredOn, valid.start if valid else None)
    start = next((day for day in map(_day, starts) if day is not None), None)
    if start is None:
        return None
    supplied = _supplied_days(request.expectedSupplyDuration) if request is not None else None
    if request is not None and supplied is not None:
        return _between(start, supplied * (1 + _real(request.numberOfRepeatsAllowed or 0)) - 1)
    end = _day(bounds.end) if bounds is not None else None
    return None if end is None or end < start else _between(start, (end - start).days)


def _between(start: dt.date, days: float) -> Span | None:
    try:
        end = start + dt.timedelta(days=max(math.ceil(days), 0))
    except OverflowError:
        return Span(parse_moment(start.isoformat()), None, ongoing=True)
    return Span(parse_moment(start.isoformat()), parse_moment(end.isoformat()))


def _day(text: str | None) -> dt.date | None:
    found = moment_of(text)
    return None if found is None else found.day


def _supplied_days(duration: Quantity | None) -> float | None:
    if duration is None or duration.value is None or duration.value <= 0:
        return None
    unit = duration.code or duration.unit or ""
    if unit in _MONTHS:
        return duration.value * 30 * _MONTHS[unit]
    return duration.value * _DAYS[unit] if unit in _DAYS else None
