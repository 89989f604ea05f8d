"""Race, ethnicity, payer and sex beside a measure: counts of everybody, or what is known of one person."""

from __future__ import annotations

from collections import Counter

from benchwell.publish.fhir_parts import Resource, concept_of, fhir_id
from benchwell.quality.result import INITIAL_POPULATION, QualityResult, SubjectResult

_REFERENCE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MeasureReport.supplementalData"
_CRITERIA = "http://hl7.org/fhir/StructureDefinition/cqf-criteriaReference"


def summed_data(result: QualityResult) -> tuple[list[Resource], list[Resource]]:
    """Contained observations and the references to them: how many of the initial population have each code."""
    counted = Counter(
        (name, code)
        for subject in result.subjects
        if subject.populations.get(INITIAL_POPULATION, 0)
        for name, code in subject.supplemental.items()
    )
    found = [
        (name, {"code": concept_of(code), "valueInteger": count}) for (name, code), count in sorted(counted.items())
    ]
    return _contained(found)


def person_data(subject: SubjectResult) -> tuple[list[Resource], list[Resource]]:
    """Contained observations and the references to them: what is known of one person."""
    return _contained(
        [
            (name, {"code": {"text": _criterion(name)}, "valueCodeableConcept": concept_of(code)})
            for name, code in sorted(subject.supplemental.items())
        ]
    )


def _contained(found: list[tuple[str, Resource]]) -> tuple[list[Resource], list[Resource]]:
    observations, references = [], []
    for number, (name, content) in enumerate(found, start=1):
        known = fhir_id(_criterion(name), str(number))
        observations.append({"resourceType": "Observation", "id": known, "status": "final", **content})
        criterion = {"url": _CRITERIA, "valueString": _criterion(name)}
        references.append({"url": _REFERENCE, "valueReference": {"extension": [criterion], "reference": f"#{known}"}})
    return observations, references


def _criterion(name: str) -> str:
    return f"sde-{name}"
