"""Mappers of the resources that state scores."""

from __future__ import annotations

from typing import Final

from benchwell.intake.fhir.forms import Readers
from benchwell.intake.fhir.instrument_codes import codes_of
from benchwell.intake.fhir.observation import map_observation
from benchwell.intake.fhir.resources import Observation, Questionnaire, QuestionnaireResponse
from benchwell.intake.fhir.response import map_response
from benchwell.intake.fhir.rows import Context, Found, Mappers, Rows

_KEPT: dict[str, Readers] = {}  # a process reads one source at a time


def _response(found: Found, context: Context, rows: Rows) -> None:
    map_response(found, context, rows, readers_of(context))


def _observation(found: Found, context: Context, rows: Rows) -> None:
    map_observation(found, context, rows, codes_of(context.registry))


def _questionnaire(found: Found, context: Context, rows: Rows) -> None:
    """Forms are read before everything else (`Forms.add`); they are no rows of a table."""


def readers_of(context: Context) -> Readers:
    """The compiled forms of a context, kept until another source comes along or a form is added."""
    found = _KEPT.get("last")
    codes = codes_of(context.registry)
    if found is None or found.forms is not context.forms or found.codes is not codes or found.is_old:
        found = _KEPT["last"] = Readers(codes, context.forms)
    return found


MAPPERS: Final[Mappers] = {
    QuestionnaireResponse: _response,
    Observation: _observation,
    Questionnaire: _questionnaire,
}
