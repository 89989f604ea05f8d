"""Made-up people in FHIR for official measures: builders, value sets, and one call from resources to counts."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from functools import cache
from typing import Any

from benchwell.intake.fhir.people import People
from benchwell.intake.fhir.reading_people import take_document
from benchwell.quality.asking import parse_period
from benchwell.quality.evaluate import Question
from benchwell.quality.populations import judge
from benchwell.quality.result import SubjectResult
from benchwell.registry import Registry

Resource = dict[str, Any]
PERSON = "p1"
_number = itertools.count()

# One code a value set: the tests are about rules, not about what stands in the sets.
CODES = {
    "cms159": {
        "phq-9-tools": {"loinc|44261-6", "loinc|89204-2"},
        "major-depression": {"icd-10-cm|F32.9"},
        "dysthymia": {"icd-10-cm|F34.1"},
        "visit": {"hcpcs|G0438"},
        "bipolar": {"icd-10-cm|F31.9"},
        "labile-personality": {"icd-10-cm|F60.3"},
        "psychosis": {"icd-10-cm|F20.9"},
        "pervasive-developmental": {"icd-10-cm|F84.0"},
        "hospice-encounter": {"hcpcs|G9473"},
        "hospice-ambulatory": {"hcpcs|G0182"},
        "hospice-diagnosis": {"snomed|hospice-dx"},
        "palliative-encounter": {"hcpcs|G9054"},
        "palliative-intervention": {"snomed|palliative-px"},
        "palliative-diagnosis": {"icd-10-cm|Z51.5"},
        "inpatient": {"snomed|inpatient"},
    },
    "cms2": {
        "screening-visit": {"hcpcs|G0101"},
        "physiotherapy": {"cpt|physio"},
        "telephone": {"cpt|phone"},
        "bipolar": {"icd-10-cm|F31.9"},
        "medical-reason": {"snomed|183932001"},
        "adolescent-medication": {"rxnorm|1190110"},
        "adult-medication": {"rxnorm|1000048"},
        "adolescent-follow-up": {"snomed|adolescent-care"},
        "adult-follow-up": {"snomed|adult-care"},
        "adolescent-referral": {"snomed|adolescent-referral"},
        "adult-referral": {"snomed|adult-referral"},
    },
    "cms177": {
        "major-depression": {"icd-10-cm|F32.2"},
        "office-visit": {"cpt|office"},
        "consultation": {"cpt|consultation"},
        "diagnostic-evaluation": {"cpt|diagnostic"},
        "family-psychotherapy": {"cpt|family"},
        "psychotherapy": {"cpt|psychotherapy"},
        "psychoanalysis": {"cpt|psychoanalysis"},
        "group-psychotherapy": {"cpt|group"},
        "telephone": {"cpt|phone"},
    },
}
_SYSTEMS = {
    "loinc": "http://loinc.org",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "hcpcs": "http://www.nlm.nih.gov/research/umls/hcpcs",
    "snomed": "http://snomed.info/sct",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}


def concept(code: str) -> Resource:
    """`icd-10-cm|F32.9` as a CodeableConcept."""
    system, _, bare = code.partition("|")
    return {"coding": [{"system": _SYSTEMS[system], "code": bare}]}


def plain(code: str) -> Resource:
    """A code of one of FHIR's own lists."""
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/any", "code": code}]}


def resource(kind: str, **members: Any) -> Resource:
    """A resource of the person; members that are None are left out."""
    made = {"resourceType": kind, "id": f"r{next(_number)}", "subject": {"reference": f"Patient/{PERSON}"}} | members
    return {name: value for name, value in made.items() if value is not None}


def patient(birth: str | None = "1980-01-01", **members: Any) -> Resource:
    """The person."""
    return resource("Patient", birthDate=birth, **members) | {"id": PERSON}


def condition(code: str, onset: str | None, clinical: str | None = "active", **members: Any) -> Resource:
    """A diagnosis."""
    status = plain(clinical) if clinical else None
    return resource("Condition", code=concept(code), clinicalStatus=status, onsetDateTime=onset, **members)


def encounter(code: str, start: str | None, end: str | None, status: str = "finished", **members: Any) -> Resource:
    """A contact."""
    period = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    return resource("Encounter", status=status, type=[concept(code)], period=period, **members)


def observation(code: str, at: str | None, status: str = "final", **members: Any) -> Resource:
    """A finding."""
    return resource("Observation", status=status, code=concept(code), effectiveDateTime=at, **members)


def phq9(
    score: int | None, at: str | None, status: str = "final", code: str = "loinc|44261-6", **members: Any
) -> Resource:
    """A PHQ-9 total."""
    return observation(code, at, status, valueInteger=score, **members)


def procedure(code: str, at: str | None, status: str = "completed", **members: Any) -> Resource:
    """Something done."""
    return resource("Procedure", status=status, code=concept(code), performedDateTime=at, **members)


def order(kind: str, code: str, authored: str | None, **members: Any) -> Resource:
    """A ServiceRequest or MedicationRequest."""
    name = "medicationCodeableConcept" if kind == "MedicationRequest" else "code"
    found = {"status": "active", "intent": "order", name: concept(code), "authoredOn": authored} | members
    return resource(kind, **found)


def day(text: str, days: int = 0) -> str:
    """A day some days later."""
    return (dt.date.fromisoformat(text) + dt.timedelta(days=days)).isoformat()


@cache
def question(measure_id: str, period: str) -> Question:
    """A measure over a period with the made-up value sets."""
    measure = Registry.load().quality_measure(measure_id)
    # What extends CMS159 uses its value sets.
    sets = {name: frozenset(codes) for name, codes in CODES.get(measure_id, CODES["cms159"]).items()}
    lists = {name: frozenset(codes) for name, codes in measure.codes.items()}
    return Question(measure, *parse_period(period), sets | lists)


def result_of(measure_id: str, *resources: Resource, period: str = "2026") -> SubjectResult:
    """What a measure says of the one person whose resources these are."""
    asked = question(measure_id, period)
    people = People(frozenset().union(*asked.codes.values()))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    take_document(json.dumps(bundle).encode(), people)
    (record,) = people.records()
    return judge(asked, record)


def counts(measure_id: str, *resources: Resource, period: str = "2026") -> dict[str, int]:
    """The counts alone, by population."""
    return dict(result_of(measure_id, *resources, period=period).populations)
