"""What programs send and get: FHIR and plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from fhir_assessments import observation, response, score
from live_house import NORTH, OTHER, OWN, House, add_scores, live_house

SCOPES = ("scores.write", "scores.read", "editions.read")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def program(house: House, *scopes: str, organization: str | None = NORTH) -> TestClient:
    _, key = house.service.register.write(
        lambda connection: add_client(connection, 1.0, "EHR", scopes or SCOPES, organization)
    )
    return TestClient(house.app, headers={"authorization": f"Bearer {key}"})


def form(answers: list[int | None] | None = None, id_: str = "r1", **more: Any) -> dict[str, Any]:
    return response(answers or [1] * 9, id_, patient=OWN, at="2026-06-20T09:00:00Z", **more)


def post(client: TestClient, resource: dict[str, Any], **headers: str) -> Any:
    return client.post(
        f"/fhir/{resource['resourceType']}",
        content=json.dumps(resource),
        headers={"content-type": "application/fhir+json", **headers},
    )


def rows(house: House, table: Any) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(table)).all())


def test_a_questionnaire_is_created_once(house: House) -> None:
    ehr = program(house)
    made = post(ehr, form())
    assert made.status_code == 201, made.text
    assert made.headers["content-type"] == "application/fhir+json"
    assert made.headers["location"].startswith("http://testserver/fhir/QuestionnaireResponse/r1/_history/")
    assert made.json()["resourceType"] == "OperationOutcome"
    again = post(ehr, form())
    assert (again.status_code, again.headers["etag"]) == (200, made.headers["etag"])
    (row,) = rows(house, s.assessments)
    assert (row.id, row.person_id, row.course_id, row.source) == ("QuestionnaireResponse/r1", OWN, "course-1", "api")
    assert [one.value for one in rows(house, s.scores)] == [9.0]


def test_a_correction_is_new_and_has_another_version(house: House) -> None:
    ehr = program(house)
    made, corrected = post(ehr, form()), post(ehr, form([2] + [1] * 8))
    assert corrected.status_code == 201
    assert corrected.headers["etag"] != made.headers["etag"]
    assert sorted(row.retracted for row in rows(house, s.assessments)) == [False, True]


def test_what_was_entered_in_error_is_taken_back(house: House) -> None:
    ehr = program(house)
    post(ehr, form())
    assert post(ehr, form(status="entered-in-error")).status_code == 200
    assert [row.retracted for row in rows(house, s.assessments)] == [True]


def test_the_score_comes_back_if_it_is_asked_for(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-02", 20)])
    made = post(program(house), form(), prefer="return=representation").json()
    assert (made["resourceType"], made["type"]) == ("Bundle", "collection")
    (entry,) = made["entry"]
    assert entry["resource"]["valueQuantity"]["value"] == 9
    assert entry["resource"]["interpretation"] == [{"text": "mild"}]
    assert "extension" not in json.dumps(entry["resource"]["note"])


def test_a_safety_answer_raises_a_prompt(house: House) -> None:
    post(program(house), form([0] * 8 + [1]))
    assert [(row.item, row.state) for row in rows(house, s.safety_prompts)] == [(9, "raised")]


def test_a_stated_score_comes_in(house: House) -> None:
    made = post(program(house), score(12, "o1", patient=OWN))
    assert made.status_code == 201, made.text
    assert [(row.value, row.status) for row in rows(house, s.scores)] == [(12.0, "total_only")]


@pytest.mark.parametrize(
    ("resource", "status", "reason"),
    [
        (form(status="in-progress"), 422, "not_finished"),
        (form() | {"subject": {"reference": f"Patient/{OTHER}"}}, 422, "unknown_person"),
        (form() | {"subject": {"reference": "Patient/nobody"}}, 422, "unknown_person"),
        (form() | {"authored": "2999-01-01"}, 422, "after_snapshot"),
        (form() | {"item": []}, 422, "nothing_read"),
        (observation("8867-4", "o", patient=OWN, valueInteger=70), 422, "nothing_read"),
        (form() | {"subject": {"reference": f"Patient/{OWN}\x00"}}, 422, "not_text"),
        ({"resourceType": "Bundle", "type": "collection"}, 422, "bundle_type"),
    ],
)
def test_what_does_not_come_in_says_why_without_a_value(
    house: House, resource: dict[str, Any], status: int, reason: str
) -> None:
    answer = post(program(house), resource)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/fhir+json")
    assert [one["details"]["text"] for one in answer.json()["issue"] if one["severity"] == "error"] == [reason]
    assert OTHER not in answer.text
    assert "nobody" not in answer.text
    assert rows(house, s.assessments) == []


def test_requests_that_are_none_are_refused(house: House) -> None:
    ehr = program(house)
    json_ = {"content-type": "application/json"}
    assert ehr.post("/fhir/Observation", content="{", headers=json_).status_code == 400
    assert ehr.post("/fhir/Observation", content=json.dumps(form()), headers=json_).status_code == 400
    assert ehr.post("/fhir/Observation", content="{}", headers={"content-type": "text/plain"}).status_code == 415
    assert post(ehr, form(), **{"if-none-exist": "identifier=1"}).status_code == 412
    large = json.dumps(form() | {"text": "x" * (5 << 20)})
    assert ehr.post("/fhir/QuestionnaireResponse", content=large, headers=json_).status_code == 413
    assert rows(house, s.assessments) == []


def test_a_key_opens_what_it_says(house: House) -> None:
    assert post(program(house, "scores.read"), form()).status_code == 403
    stranger = TestClient(house.app, headers={"authorization": "Bearer no"})
    assert post(stranger, form()).status_code == 401
    assert post(TestClient(house.app), form()).status_code == 401
    assert post(stranger, form()).json()["resourceType"] == "OperationOutcome"
    assert rows(house, s.assessments) == []


def test_a_clinician_needs_the_mark_of_the_own_page(house: House) -> None:
    browser = house.browser(Role.CLINICIAN)
    assert post(browser, form()).status_code == 403
    assert post(browser, form(), **{"x-csrf-token": browser.csrf}).status_code == 201  # type: ignore[attr-defined]


def test_a_program_adds_people_only_with_that_scope(house: House) -> None:
    new = form() | {"subject": {"reference": "Patient/newcomer"}}
    assert post(program(house), new).status_code == 422
    assert post(program(house, "scores.write", "people.write"), new).status_code == 201
    assert post(program(house), new).status_code == 200


def bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def test_of_a_batch_each_entry_stands_for_itself(house: House) -> None:
    ehr = program(house)
    elsewhere = form(id_="r2") | {"subject": {"reference": f"Patient/{OTHER}"}}
    patient = {"resourceType": "Patient", "id": OWN}
    answer = post(ehr, bundle("batch", form(), elsewhere, patient, score(12, "o1", patient=OWN))).json()
    assert answer["type"] == "batch-response"
    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["201", "422", "422", "201"]
    assert len(rows(house, s.assessments)) == 2


def test_a_transaction_comes_in_as_a_whole_or_not_at_all(house: House) -> None:
    ehr = program(house)
    elsewhere = form(id_="r2") | {"subject": {"reference": f"Patient/{OTHER}"}}
    refused = post(ehr, bundle("transaction", form(), elsewhere))
    assert (refused.status_code, refused.json()["resourceType"]) == (422, "OperationOutcome")
    assert rows(house, s.assessments) == []
    made = post(ehr, bundle("transaction", form(), form(id_="r2") | {"authored": "2026-06-21"}))
    assert [one["response"]["status"][:3] for one in made.json()["entry"]] == ["201", "201"]
    assert len(rows(house, s.assessments)) == 2


def test_parts_of_one_record_are_put_together(house: House) -> None:
    whole = score(9, "total", patient=OWN, derivedFrom=[{"reference": "QuestionnaireResponse/r1"}])
    answer = post(program(house), bundle("transaction", form(), whole)).json()
    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["201", "200"]
    assert len(rows(house, s.assessments)) == 1


def test_the_server_says_what_it_can_do(house: House) -> None:
    said = TestClient(house.app).get("/fhir/metadata").json()
    assert said["resourceType"] == "CapabilityStatement"
    assert [one["type"] for one in said["rest"][0]["resource"]] == ["QuestionnaireResponse", "Observation"]


def test_a_plain_score_comes_in(house: House) -> None:
    ehr = program(house)
    sent = {"person": OWN, "instrument": "phq-9", "date": "2026-06-20", "items": [1, 1, 1, 1, 1, 1, 1, 1, 1], "id": "x"}
    made = ehr.post("/api/v1/scores", json=sent)
    assert made.status_code == 201, made.text
    assert made.json()["scores"] == [
        {"scale": "total", "value": 9.0, "status": "complete", "band": "mild", "reason": None}
    ]
    assert made.json()["safety"] == [{"item": 9, "state": "raised"}]
    assert ehr.post("/api/v1/scores", json=sent).status_code == 200
    assert ehr.post("/api/v1/scores", json=sent | {"person": "synthetic-p2"}).status_code == 409
    assert ehr.post("/api/v1/scores", json=sent | {"instrument": "none"}).status_code == 422
    assert ehr.post("/api/v1/scores", json=sent | {"time": "25:00"}).status_code == 422


def test_a_program_reads_a_course_within_reach_and_the_log_knows(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-02", 20), ("2026-06-20", 9)])
    ehr = program(house)
    found = ehr.get(f"/api/v1/people/{OWN}/course")
    assert found.status_code == 200, found.text
    assert [one["value"] for one in found.json()["scores"]] == [20.0, 9.0]
    assert [(one["change"], one["state"]) for one in found.json()["signals"]] == [(11.0, "off")]
    assert ehr.get(f"/api/v1/people/{OTHER}/course").status_code == 404
    assert program(house, "scores.write").get(f"/api/v1/people/{OWN}/course").status_code == 403
    assert ("read", "/api/v1/people/{person_id}/course", OWN) in [
        (row.action, row.route, row.person_id) for row in rows(house, s.audit)
    ]


def test_editions_are_listed_and_hold_no_clinician(house: House) -> None:
    ehr = program(house)
    assert ehr.get("/api/v1/editions").json() == {"editions": []}
    assert ehr.get("/api/v1/editions/none/results").status_code == 404
    shapes = ehr.get("/api/openapi.json").json()["components"]["schemas"]
    assert not [name for name in shapes["ResultOut"]["properties"] if "practitioner" in name or "clinician" in name]


def test_no_value_or_id_stands_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0):
        post(program(house), form())
        post(program(house), form() | {"subject": {"reference": "Patient/nobody"}})
    assert OWN not in caplog.text
    assert "nobody" not in caplog.text
