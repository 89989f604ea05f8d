"""Scores as Observations of FHIR R4: one for each score of a scale; the answers to single questions stay here.

A score that could not be computed leaves as an Observation without a value and with the reason, never as a 0. The time
of day stays here too: tables hold a local clock without an offset from UTC, and FHIR allows no such time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchwell.clinical.systems import system_address
from benchwell.publish.fhir_parts import Resource, address, concept, fhir_id, is_fhir_id
from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale
from benchwell.tables.days import date_of
from benchwell.terms import ScoreStatus

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_CATEGORY = _TERMINOLOGY + "observation-category"
_ABSENT = _TERMINOLOGY + "data-absent-reason"
_EPISODE = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
_UCUM = "http://unitsofmeasure.org"
_UNITS = {None: "{score}", "T": "{Tscore}", "%": "%"}  # UCUM of the units that instruments declare
_RESOURCES = ("QuestionnaireResponse/", "Observation/")  # assessments that came as FHIR are called after these

_HOW = {
    ScoreStatus.COMPLETE.value: "Computed from all answers",
    ScoreStatus.PRORATED.value: "Prorated from the answers that were given",
    ScoreStatus.TOTAL_ONLY.value: "As the source states it; the answers are not known",
}
_FLAGS = {
    "safety-item-missing": "An answer that concerns safety is missing: the score does not show it.",
    "total-differs": "The source states another total than its answers give; this is the one from the answers.",
}
# FHIR's word for why there is no value, by our reason; what the form is not able to say is "unknown".
_WHY = {
    "wrong-item-count": "error",
    "not-integer": "error",
    "out-of-range": "error",
    "not-an-answer": "error",
    "total-out-of-range": "error",
    "items-not-accepted": "unsupported",
    "unknown-scale": "unsupported",
    "unknown-unit": "unsupported",
}


@dataclass(frozen=True, slots=True)
class _Head:
    """What every Observation of one scale says."""

    fixed: Resource
    unit: Resource
    bands: tuple[tuple[float, str], ...]  # lowest value and name, highest band first
    primary: bool


class ScoreObservations:
    """Turns rows of scores into Observations; what a scale always says is made once.

    Args:
        instruments: Those that may occur, by id.

    >>> from benchwell.registry import Registry
    >>> row = {"assessment_id": "a1", "scale": "total", "patient_id": "p1", "instrument": "phq-9", "day": 20000,
    ...     "value": 12.0, "status": "complete", "reason": None, "episode_id": None, "derived_from": None}
    >>> made = ScoreObservations(Registry.load().instruments).observation(row)
    >>> made["code"]["coding"][0]["code"], made["valueQuantity"]["value"], made["effectiveDateTime"]
    ('44261-6', 12, '2024-10-04')
    >>> made["interpretation"]
    [{'text': 'moderate'}]
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._heads: dict[tuple[str, str], _Head] = {}

    def observation(self, row: Mapping[str, Any]) -> Resource:
        """One score as an Observation.

        Args:
            row: A row of `tables.DERIVED["scores"]`, and `derived_from` of its assessment.

        Raises:
            KeyError: If the instrument or scale is not declared.
        """
        head = self._head(row["instrument"], row["scale"])
        made: Resource = {
            "resourceType": "Observation",
            "id": _id(row, head.primary),
            **head.fixed,
            "subject": _reference("Patient", row["patient_id"]),
            "effectiveDateTime": date_of(row["day"]).isoformat(),
        }
        if row["episode_id"] is not None:
            made["extension"] = [{"url": _EPISODE, "valueReference": _reference("EpisodeOfCare", row["episode_id"])}]
        if sources := _derived_from(row):
            made["derivedFrom"] = [{"reference": one} for one in sources]
        if row["value"] is None:
            made["dataAbsentReason"] = _absent(row["reason"])
            return made
        value = row["value"]
        made["valueQuantity"] = {"value": int(value) if value == int(value) else value, **head.unit}
        made["method"] = {"text": _HOW[row["status"]]}
        label = next((label for lowest, label in head.bands if value >= lowest), None)
        if label is not None:
            made["interpretation"] = [{"text": label}]
        if row["reason"] is not None:
            made["note"] = [{"text": _FLAGS.get(row["reason"], row["reason"].replace("-", " "))}]
        return made

    def has_code(self, instrument: str, scale: str) -> bool:
        """Whether a scale has a code that others know."""
        return _code(self._instruments[instrument], self._instruments[instrument].scale(scale)) is not None

    def _head(self, instrument_id: str, scale_id: str) -> _Head:
        found = self._heads.get((instrument_id, scale_id))
        if found is None:
            instrument = self._instruments[instrument_id]
            found = self._heads[instrument_id, scale_id] = _head(instrument, instrument.scale(scale_id))
        return found


def _head(instrument: Instrument, scale: Scale) -> _Head:
    title = instrument.title if len(instrument.scales) == 1 else f"{instrument.title}: {scale.title}"
    # Forms of one item bank share a public code: ours says which one it was.
    own = {"system": address("CodeSystem", "scores", None), "code": f"{instrument.id}/{scale.id}"}
    public = _code(instrument, scale)
    codings = [own] if public is None else [{"system": public[0], "code": public[1]}, own]
    category = "laboratory" if instrument.is_laboratory else "survey"
    ucum = _UNITS.get(instrument.unit)
    coded = {"system": _UCUM, "code": ucum} if ucum else {}
    bands = sorted(((band.min, band.label) for band in instrument.bands_of(scale)), reverse=True)
    return _Head(
        fixed={
            "status": "final",
            "category": [concept(_CATEGORY, category, category.capitalize())],
            "code": {"coding": codings, "text": title},
        },
        unit={"unit": instrument.unit or "score", **coded},
        bands=tuple(bands),
        primary=scale.primary,
    )


def _code(instrument: Instrument, scale: Scale) -> tuple[str, str] | None:
    """System and code of a scale's score; None if none is declared."""
    for declared in instrument.score_codes(scale):
        system, bar, code = declared.rpartition("|")
        return (system_address(system), code) if bar else None
    return None


def _id(row: Mapping[str, Any], primary: bool) -> str:
    """Always the same for the same score.

    A score that came as an Observation keeps its id. One that was computed here gets a new one, or the answers that
    came under the old one would be replaced by it wherever both are known.
    """
    assessment: str = row["assessment_id"]
    kind, _, known = assessment.rpartition("/")
    if kind == "Observation" and row["status"] == ScoreStatus.TOTAL_ONLY.value and is_fhir_id(known):
        return known
    return fhir_id(assessment) if primary else fhir_id(assessment, row["scale"])


def _derived_from(row: Mapping[str, Any]) -> list[str]:
    """The resources whose answers the score was computed from, or that its source named."""
    computed = row["status"] != ScoreStatus.TOTAL_ONLY.value
    named = [row["assessment_id"] if computed else None, row["derived_from"]]
    found = [one.partition("#")[0] for one in named if one is not None]  # `…/x#gad-7`: one of several in a resource
    return [one for one in dict.fromkeys(found) if one.startswith(_RESOURCES) and is_fhir_id(one.rpartition("/")[2])]


def _reference(kind: str, known: str) -> Resource:
    """By address where the id can be one, else by identifier."""
    return {"reference": f"{kind}/{known}"} if is_fhir_id(known) else {"type": kind, "identifier": {"value": known}}


def _absent(reason: str | None) -> Resource:
    why = concept(_ABSENT, _WHY.get(reason or "", "unknown"))
    return why | {"text": (reason or "no value").replace("-", " ")}
