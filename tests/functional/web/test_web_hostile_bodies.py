"""Bodies that programs should not send: each is answered at once, in words, and costs no more than it weighs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from benchwell.pipeline.live.posting import MOST
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from live_house import NORTH, OWN, House, live_house

CODES = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
FHIR, PLAIN = {"content-type": "application/fhir+json"}, {"content-type": "application/json"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


@pytest.fixture
def program(house: House) -> TestClient:
    scopes = ("scores.write", "scores.read")
    _, key = house.service.register.write(lambda connection: add_client(connection, 1.0, "EHR", scopes, NORTH))
    return TestClient(house.app, headers={"authorization": f"Bearer {key}"})


def total(**more: Any) -> dict[str, Any]:
    about = {"subject": {"reference": f"Patient/{OWN}"}, "effectiveDateTime": "2026-06-20", "valueInteger": 7}
    code = {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}
    return {"resourceType": "Observation", "id": "o1", "status": "final", "code": code} | about | more


def answer_to(item: int, value: int = 1, id_: str | None = None) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": CODES[item - 1]}]}
    return total(id=id_ or f"i{item}", code=code, valueInteger=value)


def bundle(resources: list[dict[str, Any]], kind: str = "batch") -> str:
    entries = [{"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


def kept(house: House) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(s.assessments)).all())


WHOLE = json.dumps(total())
HOSTILE = {
    "deep lists": b'{"resourceType":"Observation","extension":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"resourceType":"Observation","subject":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "not a number": WHOLE.replace("7}", "NaN}").encode(),
    "no end": WHOLE.replace("7}", "-Infinity}").encode(),
    "too large a number": WHOLE.replace('"valueInteger": 7', '"valueQuantity": {"value": 1e400}').encode(),
    "a number of many digits": WHOLE.replace("7}", "9" * 200_000 + "}").encode(),
    "half a character": WHOLE.replace('"o1"', '"o\\ud800"').encode(),
    "half a character of a person": WHOLE.replace(OWN, "\\udfff").encode(),
    "another encoding": WHOLE.encode("utf-16"),
    "a broken character": WHOLE.encode().replace(b'"o1"', b'"o\xff"'),
    "the character zero": WHOLE.replace('"o1"', '"o\\u0000"').encode(),
    "a mark of direction": WHOLE.replace('"o1"', '"o\\u202e"').encode(),
    "nothing": b"",
    "two documents": f"{WHOLE} {WHOLE}".encode(),
    "two types": (WHOLE[:-1] + ',"resourceType":"QuestionnaireResponse"}').encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_resource_is_refused_in_words_and_nothing_is_kept(
    house: House, program: TestClient, name: str
) -> None:
    answer = program.post("/fhir/Observation", content=HOSTILE[name], headers=FHIR)
    assert answer.status_code in (400, 422), answer.text
    (issue,) = answer.json()["issue"]
    assert issue["severity"] == "error"
    assert issue["diagnostics"]
    assert OWN not in answer.text
    assert not kept(house)


def test_of_a_name_that_stands_twice_the_last_counts_in_every_reading(house: House, program: TestClient) -> None:
    """Whom the log names, who must be reached, and whose record it is: one and the same."""
    twice = WHOLE.replace('"valueInteger"', '"subject": {"reference": "Patient/synthetic-p3"}, "valueInteger"')
    assert program.post("/fhir/Observation", content=twice, headers=FHIR).status_code == 422
    assert not kept(house)


@pytest.mark.parametrize("path", ["/fhir/Observation", "/fhir", "/api/v1/scores", "/sign-in"])
@pytest.mark.parametrize("how", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_nothing_that_is_packed_is_unpacked(house: House, program: TestClient, path: str, how: str) -> None:
    body = gzip.compress(bytes(50_000_000))
    answer = program.post(path, content=body, headers=FHIR | {"content-encoding": how})
    assert answer.status_code == 415
    assert "Send it as it is." in answer.text
    assert not kept(house)


def test_a_bundle_of_very_many_entries_is_refused_before_it_is_read(house: House, program: TestClient) -> None:
    """A hundred thousand empty entries held all others up for minutes: each was looked for among all."""
    empty = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 200_000})
    answer = program.post("/fhir", content=empty, headers=FHIR)
    assert answer.status_code == 413
    assert answer.json()["issue"][0]["details"]["text"] == "too_many_entries"
    most = bundle([total(id=f"o{number}") for number in range(MOST + 1)])
    assert program.post("/fhir", content=most, headers=FHIR).status_code == 413
    assert not kept(house)


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_single_answers_in_one_bundle_are_one_form(house: House, program: TestClient, kind: str) -> None:
    nine = bundle([answer_to(item, 2 if item == 9 else 1) for item in range(1, 10)], kind)
    answer = program.post("/fhir", content=nine, headers=FHIR)
    assert answer.status_code == 200, answer.text
    (form,) = kept(house)
    assert (form.instrument, form.items) == ("phq-9", [1.0] * 8 + [2.0])


def test_single_answers_one_by_one_are_refused_and_say_how_to_send_them(house: House, program: TestClient) -> None:
    """Nine posts had become nine questionnaires of one answer each."""
    for item in range(1, 10):
        answer = program.post("/fhir/Observation", content=json.dumps(answer_to(item)), headers=FHIR)
        assert answer.status_code == 422
        (issue,) = answer.json()["issue"]
        assert issue["details"]["text"] == "lone_answer"
        assert "in one Bundle" in issue["diagnostics"]
    lone = bundle([answer_to(9, 3), total()])
    assert [
        one["response"]["status"][:3] for one in program.post("/fhir", content=lone, headers=FHIR).json()["entry"]
    ] == [
        "422",
        "201",
    ]
    assert [row.id for row in kept(house)] == ["Observation/o1"]


def test_plain_json_is_held_to_the_same(house: House, program: TestClient) -> None:
    form = {"person": OWN, "instrument": "phq-9", "date": "2026-06-20", "id": "a1", "items": [1] * 9}
    text = json.dumps(form)
    bodies = [
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        text.replace("[1, 1", "[NaN, 1").encode(),
        text.replace("[1, 1", f"[{'9' * 5000}, 1").encode(),
        text.replace("a1", "\\ud800").encode(),
        text.replace("a1", "\\u0000").encode(),
        json.dumps(form | {"items": [1] * 500_000}).encode(),
    ]
    for body in bodies:
        assert program.post("/api/v1/scores", content=body, headers=PLAIN).status_code in (400, 422)
    assert not kept(house)


@pytest.mark.parametrize("day", ["2099-01-01", "1899-12-31", "99999-01-01", "2026", "2026-02-30", "-2026-01-01"])
def test_a_day_that_cannot_be_is_refused(house: House, program: TestClient, day: str) -> None:
    made = program.post("/fhir/Observation", content=json.dumps(total(effectiveDateTime=day)), headers=FHIR)
    assert made.status_code == 422
    assert not kept(house)


@pytest.mark.parametrize("zone", ["-12:00", "+14:00", "Z"])
def test_a_form_is_of_the_day_where_it_was_filled_in(house: House, program: TestClient, zone: str) -> None:
    late = total(effectiveDateTime=f"2026-06-20T23:59:59{zone}")
    assert program.post("/fhir/Observation", content=json.dumps(late), headers=FHIR).status_code == 201
    (row,) = kept(house)
    assert (str(row.date), row.time) == ("2026-06-20", "23:59:59")
