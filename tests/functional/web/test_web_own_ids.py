"""Two record systems that number alike: each organization's programs have ids of their own, and stay idempotent."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import delete, insert, select
from starlette.testclient import TestClient

from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.to_lake import flow
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from benchwell.register.copying import copy_rows
from benchwell.register.own_ids import marked
from live_house import NORTH, OTHER, OWN, SOUTH, House, live_house

FORM, OWN_IN_SOUTH = "QuestionnaireResponse/1", marked("QuestionnaireResponse/1", f"organization:{SOUTH}")
ANSWERS = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")


@pytest.fixture
def house(tmp_path: Path, register_url: str) -> Iterator[House]:
    with live_house(tmp_path, url=register_url) as made:
        yield made


def system(house: House, organization: str | None) -> TestClient:
    """A record system with a key of its organization."""
    scopes = ("scores.write", "scores.read")
    _, key = house.service.register.write(lambda connection: add_client(connection, 1.0, "EHR", scopes, organization))
    return TestClient(house.app, headers={"authorization": f"Bearer {key}", "content-type": "application/fhir+json"})


def form(person: str, first: int, id_: str = "1", status: str = "completed") -> dict[str, Any]:
    given = [first, *[1] * 7, 0]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "status": status,
        "questionnaire": "http://loinc.org/q/44249-1",
        "subject": {"reference": f"Patient/{person}"},
        "authored": "2026-06-20T09:00:00+02:00",
        "item": [
            {"linkId": f"/{code}", "answer": [{"valueInteger": value}]}
            for code, value in zip(ANSWERS, given, strict=True)
        ],
    }


def send(client: TestClient, resource: dict[str, Any]) -> Any:
    return client.post(f"/fhir/{resource['resourceType']}", content=json.dumps(resource))


def standing(house: House) -> dict[str, tuple[str, float]]:
    """Whose each record is that stands, and its first answer."""
    with house.service.register.read() as connection:
        rows = connection.execute(select(s.assessments).where(s.assessments.c.retracted.is_(False))).all()
    return {row.id: (row.person_id, row.items[0]) for row in rows}


def test_two_systems_that_number_alike_each_have_a_record_of_their_own(house: House) -> None:
    north, south = system(house, NORTH), system(house, SOUTH)
    answers = [send(north, form(OWN, 1)), send(south, form(OTHER, 2))]
    assert [one.status_code for one in answers] == [201, 201]
    assert standing(house) == {FORM: (OWN, 1), OWN_IN_SOUTH: (OTHER, 2)}
    for one in answers:
        assert one.headers["location"].rpartition("/_history/")[0].endswith("/fhir/QuestionnaireResponse/1")


def test_each_of_them_repeats_corrects_and_takes_back_its_own(house: House) -> None:
    north, south = system(house, NORTH), system(house, SOUTH)
    send(north, form(OWN, 1))
    send(south, form(OTHER, 2))
    assert [send(north, form(OWN, 1)).status_code, send(south, form(OTHER, 2)).status_code] == [200, 200]
    assert send(system(house, SOUTH), form(OTHER, 3)).status_code == 201, "with a key that replaced the first"
    assert standing(house) == {FORM: (OWN, 1), OWN_IN_SOUTH: (OTHER, 3)}
    assert send(south, form(OTHER, 3, status="entered-in-error")).status_code == 200
    assert standing(house) == {FORM: (OWN, 1)}
    assert send(south, form("synthetic-p1", 3)).status_code == 422, "and reaches nobody else by it"
    assert send(north, form(OWN, 2)).status_code == 201
    assert send(north, form("synthetic-p2", 2)).status_code == 409, "one system's id is one record's"


def test_a_record_keeps_its_mark_when_the_other_is_gone(house: House) -> None:
    north, south = system(house, NORTH), system(house, SOUTH)
    send(north, form(OWN, 1))
    send(south, form(OTHER, 2))

    def erase(connection: Any) -> None:
        connection.execute(delete(s.scores).where(s.scores.c.assessment_id == FORM))
        connection.execute(delete(s.assessments).where(s.assessments.c.id == FORM))

    house.service.register.write(erase)
    assert send(south, form(OTHER, 2)).status_code == 200
    assert send(south, form(OTHER, 3)).status_code == 201
    assert standing(house) == {OWN_IN_SOUTH: (OTHER, 3)}


def test_a_transaction_and_plain_json_follow_the_same_rule(house: House) -> None:
    north, south = system(house, NORTH), system(house, SOUTH)
    body = {"id": "1", "person": OWN, "instrument": "phq-9", "date": "2026-06-20", "items": [1] * 9}
    plain = {"content-type": "application/json"}
    assert north.post("/api/v1/scores", json=body, headers=plain).json()["id"] == "1"
    answer = south.post("/api/v1/scores", json=body | {"person": OTHER}, headers=plain)
    assert (answer.status_code, answer.json()["id"]) == (201, marked("1", f"organization:{SOUTH}"))
    again = south.post("/api/v1/scores", json=body | {"person": OTHER, "id": answer.json()["id"]}, headers=plain)
    assert again.status_code == 200, "the id of the answer means the same record"
    send(north, form(OWN, 1))
    both = [{"resource": form(OTHER, 2)}, {"resource": form(OTHER, 2, "2") | {"authored": "2026-06-27"}}]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": both}
    done = south.post("/fhir", content=json.dumps(bundle), headers={"prefer": "return=representation"})
    assert done.status_code == 200, done.text
    assert {FORM, OWN_IN_SOUTH, "QuestionnaireResponse/2"} <= set(standing(house))


def test_what_came_with_the_data_is_one_record_with_what_the_same_system_sends(house: House) -> None:
    """A FHIR export and a post of the same system meet under the id that both have, in either order."""

    def export(connection: Any) -> None:
        about = {"person_id": OWN, "course_id": "course-1", "instrument": "phq-9", "date": dt.date(2026, 6, 20)}
        known = {"scale": None, "time": "09:00", "total": None, "unit": None, "language": None, "informant": None}
        more = {"items": [1] * 8 + [0], "mode": None, "retracted": False, "received_at": 0.0}
        copy_rows(connection, "assessments", [{"id": FORM} | about | known | more])

    house.service.register.write(export)
    assert send(system(house, SOUTH), form(OTHER, 2)).status_code == 201, "another system's"
    assert send(system(house, NORTH), form(OWN, 1)).status_code in (200, 201)
    assert send(system(house, NORTH), form(OWN, 3)).status_code == 201
    assert send(system(house, NORTH), form("synthetic-p2", 3)).status_code == 409
    assert standing(house) == {FORM: (OWN, 3), OWN_IN_SOUTH: (OTHER, 2)}


def test_a_key_for_all_organizations_numbers_for_itself_and_never_over_the_data(house: House) -> None:
    send(system(house, NORTH), form(OWN, 1))
    everywhere = system(house, None)
    assert send(everywhere, form(OTHER, 2)).status_code == 201
    assert standing(house) == {FORM: (OWN, 1), marked(FORM, "organization:"): (OTHER, 2)}
    house.service.register.write(lambda c: copy_rows(c, "assessments", [_of_lake("QuestionnaireResponse/7", OWN)]))
    assert send(everywhere, form(OTHER, 2, "7")).status_code == 409


def test_a_part_of_a_form_is_taken_back_with_the_rest_of_it_and_with_nothing_else(house: House) -> None:
    """The second instrument in a form had its id free, the first had not."""
    south = system(house, SOUTH)
    send(system(house, NORTH), form(OWN, 1))
    send(south, form(OTHER, 2))
    client = _client_of(house, SOUTH)

    def part(connection: Any) -> None:
        row = {"person_id": OTHER, "instrument": "gad-7", "date": dt.date(2026, 6, 20), "items": [4] * 7}
        row |= {"source": "api", "entered_by": client, "received_at": 0.0}
        connection.execute(insert(s.assessments).values(id=f"{FORM}#gad-7", **row))

    house.service.register.write(part)
    assert send(south, form(OTHER, 2, status="entered-in-error")).status_code == 200
    assert standing(house) == {FORM: (OWN, 1)}


def test_forms_of_both_that_come_at_once_stay_apart(house: House) -> None:
    systems = {OWN: system(house, NORTH), OTHER: system(house, SOUTH)}

    def post(number: int, person: str) -> int:
        body = {"id": f"{number}", "person": person, "instrument": "phq-9", "date": "2026-06-20", "items": [1] * 9}
        answer = systems[person].post("/api/v1/scores", json=body, headers={"content-type": "application/json"})
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        twice = [pool.submit(post, number, person) for number in range(20) for person in (OWN, OTHER, OWN, OTHER)]
        found = Counter(one.result() for one in twice)
    assert found == {201: 40, 200: 40}
    assert Counter(person for person, _first in standing(house).values()) == {OWN: 20, OTHER: 20}


def test_an_export_never_makes_what_another_system_sent_its_own(house: House) -> None:
    """It had: the record was another person's from then on, with the other's scores."""
    send(system(house, NORTH), form(OWN, 1))
    flow(house.service)
    exported = {"assessment_id": FORM, "patient_id": OTHER, "instrument": "phq-9", "date": dt.date(2026, 6, 21)}
    take_in(house, exported | {"total": 3.0})
    take_in(house, exported | {"assessment_id": "QuestionnaireResponse/2", "total": 4.0}, "cd")
    brought = bring_from_lake(house.service)
    assert brought.apart == 1
    with house.service.register.read() as connection:
        rows = connection.execute(select(s.assessments, s.scores.c.value).join(s.scores)).all()
    assert {(row.id, row.person_id, row.value, row.retracted) for row in rows} == {
        (FORM, OWN, 8.0, False),
        ("QuestionnaireResponse/2", OTHER, 4.0, False),
    }


def test_an_export_of_the_system_that_sent_it_is_the_same_record(house: House) -> None:
    send(system(house, NORTH), form(OWN, 1))
    flow(house.service)
    exported = {"assessment_id": FORM, "patient_id": OWN, "instrument": "phq-9", "date": dt.date(2026, 6, 20)}
    take_in(house, exported | {"items": [2.0, *[1.0] * 7, 0.0], "time": "09:00:00"})
    assert bring_from_lake(house.service).apart == 0
    assert standing(house) == {FORM: (OWN, 2)}


def take_in(house: House, row: dict[str, Any], source: str = "ab") -> None:
    """What an intake merges into the lake."""
    house.service.workspace.lake.merge(
        {"assessments": pa.Table.from_pylist([row])},
        source_hash=source * 32,
        file=f"{source}.ndjson",
        counts={"accepted": 1},
    )


def _client_of(house: House, organization: str) -> str:
    with house.service.register.read() as connection:
        asked = select(s.clients.c.id).where(s.clients.c.organization_id == organization)
        return str(connection.execute(asked).scalars().first())


def _of_lake(id_: str, person: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("scale", "time", "items", "unit", "language", "informant", "mode"))
    about = {"id": id_, "person_id": person, "course_id": "course-1", "instrument": "phq-9", "total": 7.0}
    return nothing | about | {"date": dt.date(2026, 6, 20), "retracted": False, "received_at": 0.0}
