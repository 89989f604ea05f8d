"""Sound FHIR to be spoilt: forms, totals, panels and single answers of PHQ-9 and GAD-7, each of a person of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.fuzz.plain_reader import ANSWERS, ITEMS, PANELS, TOTALS

Json = dict[str, Any]
LOINC = "http://loinc.org"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
_CODES = {value: code for code, value in ANSWERS.items()}


def statements(rng: random.Random, mark: str) -> list[Json]:
    """One assessment, stated in one of the ways that servers have; several resources where it takes several.

    Args:
        rng: What decides.
        mark: Ends every id, so that people and records are told apart.
    """
    name = rng.choice(("phq-9", "phq-9", "gad-7"))
    values = [rng.randrange(4) for _ in ITEMS[name]]
    return rng.choice(_WAYS)(rng, mark, name, values)


def _written(rng: random.Random) -> str:
    day = f"202{rng.randrange(3, 6)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:00"
    return day + rng.choice(("", f"T{clock}Z", f"T{clock}-05:00", f"T{clock}.250+02:00"))


def _coding(code: str) -> Json:
    return {"system": LOINC, "code": code}


def _answer(rng: random.Random, value: int) -> Json:
    coded = {"valueCoding": _coding(_CODES[value])}
    ways: tuple[Json, ...] = (
        coded,
        coded,
        {"valueInteger": value},
        {"valueDecimal": float(value)},
        {"valueString": str(value)},
        {"valueQuantity": {"value": value}},
        {"valueCoding": {**_coding(_CODES[value]), "extension": [{"url": ORDINAL, "valueDecimal": value}]}},
    )
    return rng.choice(ways)


def _response_items(rng: random.Random, name: str, values: list[int]) -> list[Json]:
    way = rng.choice(("{}", "{}", "/{}", f"/{PANELS[name]}/{{}}"))
    items: list[Json] = [
        {"linkId": way.format(code), "answer": [_answer(rng, value)]}
        for code, value in zip(ITEMS[name], values, strict=True)
    ]
    if rng.random() < 0.5:
        items.append({"linkId": TOTALS[name], "answer": [{"valueDecimal": sum(values)}]})
    return [{"linkId": "all", "item": items}] if rng.random() < 0.3 else items


def _response(rng: random.Random, mark: str, name: str, values: list[int]) -> list[Json]:
    items = _response_items(rng, name, values)
    if rng.random() < 0.15:
        other = "gad-7" if name == "phq-9" else "phq-9"
        items += _response_items(rng, other, [rng.randrange(4) for _ in ITEMS[other]])
    return [
        {
            "resourceType": "QuestionnaireResponse",
            "id": f"r{mark}",
            "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"},
            "questionnaire": f"http://loinc.org/q/{PANELS[name]}",
            "status": rng.choice(("completed", "amended")),
            "subject": {"reference": f"Patient/p{mark}"},
            "authored": _written(rng),
            "item": items,
        }
    ]


def _observation(mark: str, name: str, code: str, written: str, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"{name}{mark}",
        "status": "final",
        "code": {"coding": [_coding(code)]},
        "subject": {"reference": f"Patient/p{mark}"},
        "effectiveDateTime": written,
        **more,
    }


def _total(rng: random.Random, mark: str, name: str, values: list[int]) -> list[Json]:
    ways: tuple[Json, ...] = (
        {"valueInteger": sum(values)},
        {"valueQuantity": {"value": sum(values), "unit": "{score}", "code": "{score}"}},
        {"valueString": str(sum(values))},
    )
    return [_observation(mark, "t", TOTALS[name], _written(rng), **rng.choice(ways))]


def _stated(rng: random.Random, value: int) -> Json:
    ways: tuple[Json, ...] = (
        {"valueCodeableConcept": {"coding": [_coding(_CODES[value])]}},
        {"valueInteger": value},
        {"valueQuantity": {"value": value, "code": "{score}"}},
    )
    return rng.choice(ways)


def _components(rng: random.Random, mark: str, name: str, values: list[int]) -> list[Json]:
    parts = [
        {"code": {"coding": [_coding(code)]}, **_stated(rng, value)}
        for code, value in zip(ITEMS[name], values, strict=True)
    ]
    total = {"valueInteger": sum(values)} if rng.random() < 0.5 else {}
    return [_observation(mark, "c", TOTALS[name] if total else PANELS[name], _written(rng), component=parts, **total)]


def _panel(rng: random.Random, mark: str, name: str, values: list[int]) -> list[Json]:
    written = _written(rng)
    made = [
        _observation(mark, f"i{place}-", code, written, **_stated(rng, value))
        for place, (code, value) in enumerate(zip(ITEMS[name], values, strict=True))
    ]
    members = [{"reference": f"Observation/{one['id']}"} for one in made]
    made.append(_observation(mark, "t", TOTALS[name], written, valueInteger=sum(values)))
    members.append({"reference": f"Observation/t{mark}"})
    return [*made, _observation(mark, "g", PANELS[name], written, hasMember=members)]


_WAYS: tuple[Callable[[random.Random, str, str, list[int]], list[Json]], ...] = (
    *(_response,) * 6,
    *(_total,) * 2,
    *(_components,) * 3,
    _panel,
)
