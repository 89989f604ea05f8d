"""Mappers of the resources that state scores."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from benchwell.intake.fhir.forms import Forms, Readers
from benchwell.intake.fhir.instrument_codes import codes_of
from benchwell.intake.fhir.observation import map_observation
from benchwell.intake.fhir.raw_assessments import RAW, SCHEMA, retracted_row
from benchwell.intake.fhir.resources import Observation, Questionnaire, QuestionnaireResponse
from benchwell.intake.fhir.response import map_response
from benchwell.intake.fhir.rows import Context, Found, Mappers, Rows

_READERS: WeakKeyDictionary[Forms, Readers] = WeakKeyDictionary()  # what was compiled for the forms of a source


def _response(found: Found, context: Context, rows: Rows) -> None:
    map_response(found, context, rows, readers_of(context))


def _observation(found: Found, context: Context, rows: Rows) -> None:
    map_observation(found, context, rows, codes_of(context.registry))


def _questionnaire(found: Found, context: Context, rows: Rows) -> None:
    """Forms are read before everything else (`Forms.add`); they are no rows of a table."""


def readers_of(context: Context) -> Readers:
    """The compiled forms of a context; compiled once, as long as no form is added."""
    found = _READERS.get(context.forms)
    codes = codes_of(context.registry)
    if found is None or found.codes is not codes or found.known != len(context.forms.by_name):
        found = _READERS[context.forms] = Readers(codes, context.forms)
    return found


def delete_assessment(kind: str, id_: str, row: int, rows: Rows) -> None:
    """Take a record back that its source has deleted. Other types than those of `MAPPERS` are none of ours."""
    if kind in ("QuestionnaireResponse", "Observation"):
        rows.add(RAW, retracted_row(f"{kind}/{id_}", "form" if kind == "QuestionnaireResponse" else "score", None, row))


SCHEMAS: Final = {RAW: SCHEMA}  # shapes of the raw rows

MAPPERS: Final[Mappers] = {
    QuestionnaireResponse: _response,
    Observation: _observation,
    Questionnaire: _questionnaire,
}
