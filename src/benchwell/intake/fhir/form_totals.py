"""Filled-in forms as official measures read them: the total of a QuestionnaireResponse, by the decoder of intake."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from benchwell.clinical.moments import Moment, moment_of
from benchwell.clinical.record import Event, Span
from benchwell.intake.fhir.fold_sums import plain_sums
from benchwell.intake.fhir.forms import Forms, Readers
from benchwell.intake.fhir.instrument_codes import codes_of
from benchwell.intake.fhir.raw_assessments import is_modified
from benchwell.intake.fhir.resources import QuestionnaireResponse
from benchwell.intake.fhir.response import Sheet, check_totals, sheets_of
from benchwell.intake.fhir.rows import Rows
from benchwell.registry import Registry

FORM: Final = "form"  # an observation's `points_to`: the forms that it was derived from
_STATUS: Final = {"completed": "final", "amended": "amended"}
_FINISHED: Final = frozenset({"final", "amended", "corrected"})
_CLOCKED: Final = frozenset({"minute", "second"})


class FormTotals:
    """Reads the totals that a measure asks for out of forms."""

    def __init__(self, registry: Registry, wanted: frozenset[str], forms: Forms) -> None:
        """Of which instruments a total is asked for follows from their codes.

        Args:
            registry: Instruments.
            wanted: Codes that are asked for.
            forms: Questionnaires of the same source.
        """
        self._registry = registry
        self._codes = {one: codes & wanted for one, codes in _total_codes(registry).items() if codes & wanted}
        self._readers = Readers(codes_of(registry), forms)

    def event(self, response: QuestionnaireResponse) -> Event | None:
        """The total of a finished form, as an observation of it would state it; None if it has none.

        Of a form with all its answers it is their sum. Of one that lacks some it is the total that the form itself
        states: who fills the gap of an official measure is its own software, not a rule of ours.
        """
        status = _STATUS.get(response.status or "")
        if status is None or is_modified(response.modifierExtension):
            return None
        for sheet in sheets_of(response, self._readers.of(response), Rows()):
            codes = self._codes.get(sheet.instrument.id)
            total = _total(sheet) if codes else None
            if codes and total is not None:
                when = Span.at(moment_of(response.authored))
                times = {} if when is None else {"when": when, "issued": when}
                return Event("observation", response.id or "", codes, status, times, number=total, has_value=True)
        return None


def asked_of_forms(registry: Registry, wanted: frozenset[str]) -> bool:
    """Whether any total that is asked for could stand in a form."""
    return any(codes & wanted for codes in _total_codes(registry).values())


def is_restated(form: Event, events: Iterable[Event]) -> bool:
    """Whether an observation states the total of a form: then there is one assessment, and the observation counts.

    It says so itself, was made at the same instant, or states the same number on the same day.
    """
    return any(
        one.kind == "observation"
        and one.status in _FINISHED
        and one.number is not None
        and not one.codes.isdisjoint(form.codes)
        and (form.id in one.points_to.get(FORM, ()) or _is_same_time(one, form))
        for one in events
    )


def _is_same_time(one: Event, form: Event) -> bool:
    mine, other = _start(form), _start(one)
    if mine is None or other is None:
        return False
    if mine.precision in _CLOCKED and other.precision in _CLOCKED and mine.earliest == other.earliest:
        return True
    return mine.local_date is not None and mine.local_date == other.local_date and one.number == form.number


def _start(event: Event) -> Moment | None:
    when = event.times.get("when")
    return None if when is None else when.start


def _total(sheet: Sheet) -> float | None:
    if sheet.reason is not None:
        return None
    if sheet.instrument.items is not None:
        answers = np.array([[math.nan if value is None else value for value in sheet.items]])
        total = float(plain_sums(answers, sheet.instrument)[0])
        if math.isfinite(total):
            return total
    check_totals(sheet)
    stated = [value for scale, value, unit in sheet.totals if scale is None and unit is None]
    return stated[0] if sheet.reason is None and stated else None


def _total_codes(registry: Registry) -> dict[str, frozenset[str]]:
    return {one.id: frozenset(one.score_codes(one.primary)) for one in registry.instruments.values()}
