"""A made-up bulk export: filled-in PHQ-9 and GAD-7 forms, their totals as Observations, and other Observations."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np

_PHQ9 = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
_GAD7 = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
_FORMS = (("44249-1", "44261-6", _PHQ9), ("69737-5", "70274-6", _GAD7))
_ANSWERS = (
    ("LA6568-5", "Not at all"),
    ("LA6569-3", "Several days"),
    ("LA6570-1", "More than half the days"),
    ("LA6571-9", "Nearly every day"),
)
_OTHERS = (("29463-7", "Body weight", "kg"), ("8867-4", "Heart rate", "/min"))
_FIRST_DAY = dt.date(2021, 1, 1)
_FORMS_PER_PERSON = 8
_QUESTION = "Over the last two weeks, how often have you been bothered by problem number {} of this form?"


def write_export(folder: Path, megabytes: float, *, seed: int = 1) -> int:
    """Write Patient, QuestionnaireResponse and Observation NDJSON; about half of the bytes are responses.

    Every form brings a response, its total as an Observation derived from it, and two Observations of other kinds, as
    exports are full of what no score is.

    Returns:
        Bytes of responses and Observations together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    written = form = 0
    with (
        (folder / "Patient.ndjson").open("w", encoding="utf-8") as people,
        (folder / "QuestionnaireResponse.ndjson").open("w", encoding="utf-8") as responses,
        (folder / "Observation.ndjson").open("w", encoding="utf-8") as observations,
    ):
        while written < megabytes * 1e6:
            person = f"p{form // _FORMS_PER_PERSON}"
            if form % _FORMS_PER_PERSON == 0:
                people.write(_line(_patient(person, form)))
            panel, total, codes = _FORMS[form % 2]
            answers = rng.integers(0, 4, len(codes)).tolist()
            day = _FIRST_DAY + dt.timedelta(days=int(rng.integers(0, 1900)))
            when = f"{day}T{rng.integers(8, 18):02d}:{rng.integers(0, 60):02d}:00+01:00"
            written += responses.write(_line(_response(f"r{form}", person, when, panel, total, codes, answers)))
            written += observations.write(_line(_score(f"s{form}", person, when, total, form, sum(answers))))
            for place, (code, name, unit) in enumerate(_OTHERS):
                value = float(rng.integers(50, 110))
                other = _observation(f"v{form}-{place}", person, when, "vital-signs", code, name, value, unit)
                written += observations.write(_line(other))
            form += 1
    return written


def _line(resource: dict[str, Any]) -> str:
    return json.dumps(resource, separators=(",", ":")) + "\n"


def _patient(person: str, number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": person,
        "gender": "female" if number % 16 else "male",
        "birthDate": str(dt.date(1950, 1, 1) + dt.timedelta(days=number * 17 % 18000)),
    }


def _loinc(code: str, display: str) -> dict[str, Any]:
    return {"system": "http://loinc.org", "code": code, "display": display}


def _response(
    name: str, person: str, when: str, panel: str, total: str, codes: list[str], answers: list[int]
) -> dict[str, Any]:
    items = [
        {
            "linkId": f"/{code}",
            "text": _QUESTION.format(place + 1),
            "answer": [{"valueCoding": _loinc(*_ANSWERS[answer])}],
        }
        for place, (code, answer) in enumerate(zip(codes, answers, strict=True))
    ]
    items.append({"linkId": f"/{total}", "text": "Total score", "answer": [{"valueDecimal": sum(answers)}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": when},
        "questionnaire": f"http://loinc.org/q/{panel}",
        "status": "completed",
        "subject": {"reference": f"Patient/{person}"},
        "authored": when,
        "item": items,
    }


def _observation(
    name: str, person: str, when: str, category: str, code: str, display: str, value: float, unit: str
) -> dict[str, Any]:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category}
    return {
        "resourceType": "Observation",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": when},
        "status": "final",
        "category": [{"coding": [kind]}],
        "code": {"coding": [_loinc(code, display)], "text": display},
        "subject": {"reference": f"Patient/{person}"},
        "effectiveDateTime": when,
        "issued": when,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def _score(name: str, person: str, when: str, total: str, form: int, value: int) -> dict[str, Any]:
    score = _observation(name, person, when, "survey", total, "Total score", value, "{score}")
    return score | {"derivedFrom": [{"reference": f"QuestionnaireResponse/r{form}"}]}
