"""Ways to spoil a resource, as servers, gateways and people do. Each is seeded and leaves a mark in what it writes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from benchmarks.fuzz.statements import LOINC, Json

MARK = "qzx"  # in every text that a mutation makes up: it must be seen in no finding and no message
Spot = tuple[Any, Any]  # a dictionary or list, and a key in it
Mutation = Callable[[Json, random.Random], Json]


def text(rng: random.Random) -> str:
    """A text that occurs nowhere else."""
    return f"{MARK}{rng.getrandbits(40):010x}"


def _spots(value: Any) -> list[Spot]:
    found: list[Spot] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        inside = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, child in inside:
            found.append((one, key))
            waiting.append(child)
    return found


def _spot(resource: Json, rng: random.Random, wanted: Callable[[Any, Any], bool] = lambda _key, _value: True) -> Spot:
    found = [(inside, key) for inside, key in _spots(resource) if wanted(key, inside[key])]
    return rng.choice(found) if found else (resource, "id")


def drop(resource: Json, rng: random.Random) -> Json:
    """A member is missing."""
    inside, key = _spot(resource, rng)
    if isinstance(inside, list) or key in inside:
        del inside[key]
    return resource


def double(resource: Json, rng: random.Random) -> Json:
    """An element of a list stands twice, the second time perhaps with another number."""
    inside, key = _spot(resource, rng, lambda _key, value: isinstance(value, list) and bool(value))
    if isinstance(inside.get(key) if isinstance(inside, dict) else inside[key], list):
        again = json.loads(json.dumps(rng.choice(inside[key])))
        inside[key].insert(rng.randrange(len(inside[key]) + 1), again)
        if rng.random() < 0.6:
            number({"x": again}, rng)
    return resource


def rename(resource: Json, rng: random.Random) -> Json:
    """A member has another name: of another type, another version of FHIR, or of none."""
    inside, key = _spot(resource, rng, lambda key, _value: isinstance(key, str))
    if key in inside:
        names = ("valueInteger", "valueDecimal", "valueString", "valueQuantity", "authoredOn", "context", "group",
                 "_" + key, key.upper(), text(rng))  # fmt: skip
        inside[rng.choice(names)] = inside.pop(key)
    return resource


def swap(resource: Json, rng: random.Random) -> Json:
    """A value of another type."""
    inside, key = _spot(resource, rng)
    others: tuple[Any, ...] = (None, True, 3, -1.5, "2", text(rng), [], {}, [{}], [None], {"value": 1}, [[1]])
    inside[key] = rng.choice(others)
    return resource


def number(resource: Json, rng: random.Random) -> Json:
    """Another number: near, far, absurd, or as text."""
    inside, key = _spot(resource, rng, lambda _key, value: isinstance(value, int | float) and value is not None)
    others = (0, 1, 2, 3, 4, -1, 12.0, 12.5, 27, 28, 1e15, 1e16, 1e308, -0.0, 2.0000001, 10**30, 0.1 + 0.2, "3")
    inside[key] = rng.choice(others)
    return resource


def value_too(resource: Json, rng: random.Random) -> Json:
    """A second value of another type beside the first."""
    inside, key = _spot(resource, rng, lambda key, _value: str(key).startswith("value"))
    if isinstance(inside, dict) and str(key).startswith("value"):
        inside["valueInteger"] = rng.randrange(4)
    return resource


def odd_text(resource: Json, rng: random.Random) -> Json:
    """Other letters: of other scripts, of no width, none, or a great many."""
    inside, key = _spot(resource, rng, lambda key, value: isinstance(value, str) and key != "resourceType")
    if isinstance(inside[key], str):
        ways = (text(rng), inside[key] + " ", "\u200b" + inside[key], inside[key].upper(), "٣", "²", "\x00", "",
                "é" + text(rng), "𝟛", text(rng) * 2000, inside[key] + "\u202e", "Patient/" + text(rng),
                " 2 ")  # fmt: skip
        inside[key] = rng.choice(ways)
    return resource


def date(resource: Json, rng: random.Random) -> Json:
    """A date that is partial, does not exist, lies ahead, or is none."""
    key = rng.choice(("authored", "effectiveDateTime", "effectivePeriod", "effectiveInstant"))
    ways: tuple[Any, ...] = (
        "2024", "2024-02", "2024-02-30", "2024-13-01", "0000-01-01", "9999-12-31T23:59:59-14:00",
        "2024-06-01T24:00:00Z", "2024-06-01T10:00",
         "2024-06-30T23:59:60Z", "2024-06-01T10:00:00+25:00", "01.02.2024", "2099-01-01",
        "2023-12-31T23:59:59-12:00", "2024-06-01T10:00:00.123456789Z", "2024-06-01 10:00:00", text(rng),
    )  # fmt: skip
    written = rng.choice(ways)
    resource[key] = {"start": rng.choice(ways), "end": written} if key == "effectivePeriod" else written
    return resource


def reference(resource: Json, rng: random.Random) -> Json:
    """A subject that is written otherwise, is another, or is nobody."""
    id_ = text(rng)
    ways: tuple[Any, ...] = (
        {"reference": f"Patient/{id_}"}, {"reference": f"Group/{id_}"}, {"reference": f"#{id_}"},
        {"reference": f"https://ehr.example/fhir/Patient/{id_}/_history/3"}, {"reference": f"urn:uuid:{id_}"},
        {"reference": f"Patient?identifier=a|{id_}"}, {"reference": "Patient/"}, {"reference": "http://["}, {},
        {"display": id_}, {"identifier": {"value": id_}}, {"reference": f"Patient/{id_}", "type": "Group"},
        {"reference": f"Device/{id_}"}, [{"reference": f"Patient/{id_}"}],
    )  # fmt: skip
    resource["subject"] = rng.choice(ways)
    return resource


def code(resource: Json, rng: random.Random) -> Json:
    """A code of another system, of another item, of another answer, or two codes for one."""
    inside, key = _spot(resource, rng, lambda key, value: key in ("code", "linkId") and isinstance(value, str))
    others = ("44250-9", "44255-8", "69725-0", "44261-6", "70274-6", "55758-7", "LA6571-9", "LA6568-5", "54643-2",
              "LA12345-6", text(rng))  # fmt: skip
    if isinstance(inside, dict) and isinstance(inside.get(key), str):
        if rng.random() < 0.4:
            inside["system"] = rng.choice(("http://snomed.info/sct", "https://loinc.org", "urn:oid:1.2.3", text(rng)))
        else:
            inside[key] = rng.choice(others)
    return resource


def second_coding(resource: Json, rng: random.Random) -> Json:
    """A second coding that says something else, or nothing."""
    inside, key = _spot(resource, rng, lambda key, value: key == "coding" and isinstance(value, list))
    if isinstance(inside, dict) and isinstance(inside.get(key), list):
        others = ("44261-6", "70274-6", "44250-9", "LA6568-5", "LA6571-9", text(rng))
        inside[key].insert(rng.randrange(len(inside[key]) + 1), {"system": LOINC, "code": rng.choice(others)})
    return resource


def move_answer(resource: Json, rng: random.Random) -> Json:
    """The answer of one item stands in another one, alone or beside that one's own."""
    holders = [inside for inside, key in _spots(resource) if key == "answer" and isinstance(inside[key], list)]
    if len(holders) > 1:
        one, other = rng.sample(holders, 2)
        if rng.random() < 0.5:
            one["answer"], other["answer"] = other["answer"], one["answer"]
        else:
            other["answer"] = other["answer"] + one["answer"]
    return resource


def nest(resource: Json, rng: random.Random) -> Json:
    """Groups in groups in groups."""
    if isinstance(resource.get("item"), list):
        for _ in range(rng.choice((1, 5, 60, 110))):
            resource["item"] = [{"linkId": text(rng), "item": resource["item"]}]
    else:
        inner: Json = {"url": text(rng)}
        for _ in range(rng.choice((5, 110))):
            inner = {"url": text(rng), "extension": [inner]}
        resource["extension"] = [inner]
    return resource


def pad(resource: Json, rng: random.Random) -> Json:
    """Many questions of no instrument before those that matter."""
    if isinstance(resource.get("item"), list):
        many = [{"linkId": str(number), "answer": [{"valueString": text(rng)}]} for number in range(2500)]
        resource["item"] = many[: rng.choice((3, 50, 2500))] + resource["item"]
    return resource


def kind(resource: Json, rng: random.Random) -> Json:
    """Another type of resource, or none."""
    others = ("Patient", "Observation", "QuestionnaireResponse", "Encounter", "Bundle", "Claim", text(rng), "", None, 7)
    resource["resourceType"] = rng.choice(others)
    return resource


def version(resource: Json, rng: random.Random) -> Json:
    """The shape of another version of FHIR."""
    ways: tuple[Json, ...] = (
        {"context": {"reference": f"Encounter/{text(rng)}"}},
        {"questionnaire": {"reference": f"Questionnaire/{text(rng)}"}},
        {"group": {"linkId": text(rng)}}, {"related": [{"target": {}}]}, {"category": {"text": text(rng)}},
        {"status": "unknown"}, {"status": "entered-in-error"},
        {"meta": {"lastUpdated": text(rng), "versionId": text(rng)}},
    )  # fmt: skip
    return {**resource, **rng.choice(ways)}


def modifier(resource: Json, rng: random.Random) -> Json:
    """An extension that says that the resource does not mean what it seems to."""
    ways: tuple[Json, ...] = (
        {"modifierExtension": [{"url": text(rng), "valueBoolean": True}]},
        {"dataAbsentReason": {"coding": [{"code": "error"}]}},
        {"focus": [{"reference": f"Patient/{text(rng)}"}]},
    )
    return {**resource, **rng.choice(ways)}


MUTATIONS: tuple[Mutation, ...] = (
    drop, double, rename, swap, number, value_too, odd_text, date, reference, code, second_coding, move_answer, nest,
    pad, kind, version, modifier,
)  # fmt: skip


def line_of(resource: Json, rng: random.Random) -> bytes:
    """One line of NDJSON; some are cut, too deep, hold bytes that are no text, or a member twice."""
    line = json.dumps(resource, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    roll = rng.random()
    if roll < 0.02:
        return line[: rng.randrange(1, len(line))]
    if roll < 0.04:
        at = rng.randrange(len(line))
        return line[:at] + rng.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"\x00")) + line[at:]
    if roll < 0.041:
        return line[:-1] + b', "extension": ' + b"[" * 3000 + b"]" * 3000 + b"}"
    if roll < 0.06:
        return line[:-1] + rng.choice((b', "status": "completed"}', b', "subject": {"reference": "Patient/qzxlast"}}'))
    return line
