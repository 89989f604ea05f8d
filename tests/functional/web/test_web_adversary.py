"""What a hostile or unlucky reader would try: each was tried once, and what was open is held shut here."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from benchwell.benchmarks import Edition
from benchwell.pipeline.live.sample import ANYWHERE
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.service_view import whose
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register, Role, Viewer
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from benchwell.web import create_app
from live_edition import with_edition
from live_house import NORTH, OTHER, OWN, SOUTH, House, add_scores, live_house

SCOPES = ("scores.write", "scores.read", "people.write", "editions.read")
RAISED = [0, 0, 0, 0, 0, 0, 0, 0, 2]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def program(house: House, *, organization: str | None = NORTH) -> TestClient:
    _, key = house.service.register.write(lambda connection: add_client(connection, 1.0, "EHR", SCOPES, organization))
    return TestClient(house.app, headers={"authorization": f"Bearer {key}"})


def score(id_: str | None = "a1", person: str = OWN, items: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"person": person, "instrument": "phq-9", "date": "2026-06-20", "id": id_, "items": items or RAISED} | more


def rows(house: House, table: Any) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(table)).all())


def change(house: House, *statements: Any) -> None:
    for one in statements:
        house.service.register.write(lambda connection, one=one: connection.execute(one) and None)  # type: ignore[misc]


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.mark.parametrize("path", ["/api/v1/scores", "/fhir/Observation"])
def test_a_full_line_is_busy_and_says_when_to_come_again(tmp_path: Path, path: str) -> None:
    workspace = Workspace.create(tmp_path / "workspace")
    register = Register(f"sqlite:///{tmp_path / 'register.db'}", room=1)
    service = LiveService(workspace, register)
    _, key = register.write(lambda connection: add_client(connection, 1.0, "EHR", SCOPES, None))
    began, may_end = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        began.set()
        may_end.wait(10)

    held = register.submit(hold)
    assert began.wait(10)
    waiting = register.submit(lambda _: None)
    try:
        client = TestClient(create_app(service), headers={"authorization": f"Bearer {key}"})
        resource = {"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p"}}
        resource |= {"code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}, "valueInteger": 7}
        body = score() if path.startswith("/api") else resource | {"effectiveDateTime": "2026-06-20"}
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), answer.text
    finally:
        may_end.set()
        held.result(10)
        waiting.result(10)
        service.close()


def test_taking_a_form_back_does_not_hide_a_safety_answer_that_nobody_has_seen(house: House) -> None:
    ehr = program(house)
    made = ehr.post("/api/v1/scores", json=score("QuestionnaireResponse/r1"))
    assert [one["state"] for one in made.json()["safety"]] == ["raised"]
    back = {"resourceType": "QuestionnaireResponse", "id": "r1", "status": "entered-in-error"}
    back |= {"subject": {"reference": f"Patient/{OWN}"}, "questionnaire": "http://loinc.org/q/44249-1"}
    kind = {"content-type": "application/fhir+json"}
    assert ehr.post("/fhir/QuestionnaireResponse", json=back, headers=kind).status_code == 200
    assert [row.retracted for row in rows(house, s.assessments)] == [True]
    page = house.browser(Role.CLINICIAN).get("/today")
    assert "Safety answer, not seen yet" in words(page)
    assert "The form was taken back since" in words(page)


@pytest.mark.parametrize("later", [[0] * 8 + [None], [0] * 9], ids=["left out", "zero"])
def test_a_correction_does_not_hide_a_safety_answer_that_nobody_has_seen(house: House, later: list[Any]) -> None:
    ehr = program(house)
    ehr.post("/api/v1/scores", json=score())
    assert ehr.post("/api/v1/scores", json=score(items=later)).status_code == 201
    assert [(row.state, row.seen_at) for row in rows(house, s.safety_prompts)] == [("raised", None)]
    assert "Safety answer, not seen yet" in words(house.browser(Role.CLINICIAN).get("/today"))


@pytest.mark.parametrize(
    ("items", "state"),
    [([0] * 8 + [2, 1], "raised"), ([0] * 8 + [0, 1], "unanswered"), ([1] * 8, "unanswered")],
    ids=["ten answers", "ten calm answers", "eight answers"],
)
def test_a_form_with_a_wrong_number_of_answers_is_looked_at(house: House, items: list[Any], state: str) -> None:
    made = program(house).post("/api/v1/scores", json=score(items=items))
    assert (made.status_code, made.json()["scores"][0]["status"]) == (201, "invalid")
    assert [one["state"] for one in made.json()["safety"]] == [state]


@pytest.mark.parametrize("value", [7, 3, 1], ids=str)
def test_an_answer_that_no_item_has_is_looked_at_too(house: House, value: int) -> None:
    made = program(house).post("/api/v1/scores", json=score(items=[None] * 8 + [value]))
    assert [one["state"] for one in made.json()["safety"]] == ["raised"]


def test_whoever_sends_a_form_again_hears_of_its_safety_answer_again(house: House) -> None:
    ehr = program(house)
    first, again = (ehr.post("/api/v1/scores", json=score()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["safety"] == first.json()["safety"] != []


def link(house: House, **fields: str) -> str:
    browser = house.browser(Role.CLINICIAN)
    data: dict[str, Any] = {"csrf": browser.csrf, "instrument": "phq-9", "how": "link", **fields}  # type: ignore[attr-defined]
    answer = browser.post(f"/people/{OWN}/link", data=data)
    found = re.search(r"/f/[\w-]+|<code>[A-Z2-9]{3} [A-Z2-9]{3}</code>", answer.text)
    assert found is not None
    return re.sub("</?code>", "", found[0])


def answered(last: int) -> dict[str, str]:
    return {f"phq-9:item-{item}": "0" for item in range(1, 9)} | {"phq-9:item-9": str(last)}


def test_a_button_pressed_twice_does_not_cost_the_words_about_safety(house: House) -> None:
    address, person = link(house), TestClient(house.app)
    first, again = (person.post(address, data=answered(2)) for _ in range(2))
    assert "Please read this now" in words(first)
    assert (again.status_code, words(again)) == (200, words(first))
    assert len(rows(house, s.assessments)) == len(rows(house, s.safety_prompts)) == 1
    assert person.post(address, data=answered(1)).status_code == 403, "other answers are another form"
    assert person.get(address).status_code == 404


def test_two_who_send_one_form_at_the_same_time_read_the_same(house: House) -> None:
    address = link(house)
    answers: list[Any] = []

    def send() -> None:
        answers.append(TestClient(house.app).post(address, data=answered(2)))

    both = [threading.Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.status_code for one in answers] == [200, 200]
    assert all("Please read this now" in words(one) for one in answers)
    assert len(rows(house, s.assessments)) == 1


def test_a_form_in_a_browser_where_a_clinician_is_signed_in_has_nothing_of_them(house: House) -> None:
    address, browser = link(house), house.browser(Role.CLINICIAN)
    page = browser.get(address)
    done = browser.post(address, data=answered(0))
    for answer in (page, done):
        assert answer.status_code == 200
        assert "A clinician" not in answer.text
        assert 'href="/today"' not in answer.text
        assert browser.csrf not in answer.text  # type: ignore[attr-defined]
    (row,) = [one for one in rows(house, s.audit) if one.route == "/f/{token}"]
    assert (row.role, row.user_id) == ("patient", None)


def test_a_device_that_becomes_a_kiosk_signs_out_whoever_set_it_up(house: House) -> None:
    browser = house.browser(Role.CLINICIAN)
    found = re.search(r"/kiosk/[\w-]{43}", browser.post("/kiosk/open", data={"csrf": browser.csrf}).text)  # type: ignore[attr-defined]
    assert found is not None
    assert browser.get(found[0]).headers["location"] == "/kiosk"
    assert browser.get("/today").headers["location"] == "/sign-in"
    assert not [row for row in rows(house, s.sessions) if row.user_id == "clinician"]


def test_codes_are_not_guessed_where_forms_are_sent(house: House) -> None:
    browser = house.browser(Role.CLINICIAN)
    found = re.search(r"/kiosk/[\w-]{43}", browser.post("/kiosk/open", data={"csrf": browser.csrf}).text)  # type: ignore[attr-defined]
    assert found is not None
    device = TestClient(house.app, follow_redirects=False)
    device.get(found[0])
    tried = [device.post("/kiosk/send", data=answered(0) | {"code": f"AAAA{n:02}"}).status_code for n in range(22)]
    assert (tried[0], tried[-1]) == (403, 429)


def handed_over(house: House, *, ended: dt.date | None) -> None:
    """The clinician's course ends, and another clinician's begins."""
    other = {"id": "course-9", "person_id": OWN, "organization_id": NORTH, "practitioner_id": "c2", "origin": "live"}
    change(
        house,
        update(s.courses).where(s.courses.c.id == "course-1").values(end_date=dt.date(2026, 7, 1)),
        insert(s.courses).values(**other, start_date=dt.date(2026, 7, 1), end_date=ended),
    )


@pytest.mark.parametrize("ended", [None, dt.date(2026, 8, 1)], ids=["runs", "has ended"])
def test_who_handed_somebody_over_sees_no_further(house: House, ended: dt.date | None) -> None:
    browser = house.browser(Role.CLINICIAN)
    handed_over(house, ended=ended)
    assert browser.get(f"/people/{OWN}").status_code == 404
    assert browser.get("/stream", params={"topic": f"person:{OWN}"}).status_code == 204
    assert "P. 1" not in browser.get("/people").text
    made = browser.post("/api/v1/scores", json=score(), headers={"x-csrf-token": browser.csrf})  # type: ignore[attr-defined]
    assert made.status_code == 422


def test_who_treated_somebody_last_may_look_back(house: House) -> None:
    change(house, update(s.courses).where(s.courses.c.id == "course-1").values(end_date=dt.date(2026, 7, 1)))
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}").status_code == 200
    handed_over(house, ended=dt.date(2026, 6, 15))
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}").status_code == 200


@pytest.mark.parametrize("whose", ["nobody", "left", "nowhere"])
def test_a_safety_answer_of_somebody_whom_nobody_treats_is_seen_by_the_place(house: House, whose: str) -> None:
    browser, person = house.browser(Role.CLINICIAN), "synthetic-new"
    program(house, organization=None if whose == "nowhere" else NORTH).post("/api/v1/scores", json=score("x", person))
    if whose == "left":
        change(house, update(s.courses).where(s.courses.c.person_id == person).values(practitioner_id="c2"))
    page = browser.get("/today")
    assert "Safety answer, not seen yet" in words(page)
    assert browser.get(f"/people/{person}").status_code == 200
    (prompt,) = rows(house, s.safety_prompts)
    said = {"csrf": browser.csrf, "prompt": prompt.id, "action": "spoke_now"}  # type: ignore[attr-defined]
    assert browser.post(f"/people/{person}/safety", data=said).headers["location"] == "/today"
    assert browser.get(f"/people/{person}").status_code == 404, "for as long as it was needed"
    assert ("read", person, "clinician") in {(row.action, row.person_id, row.user_id) for row in rows(house, s.audit)}


def test_a_safety_answer_elsewhere_stays_elsewhere(house: House) -> None:
    program(house, organization=SOUTH).post("/api/v1/scores", json=score("x", "synthetic-new"))
    program(house, organization=SOUTH).post("/api/v1/scores", json=score("y", OTHER))
    assert len(rows(house, s.safety_prompts)) == 2
    browser = house.browser(Role.CLINICIAN)
    assert "Safety answer" not in words(browser.get("/today"))
    assert [browser.get(f"/people/{one}").status_code for one in ("synthetic-new", OTHER)] == [404, 404]


def fhir(client: TestClient, resource: dict[str, Any]) -> Any:
    kind = {"content-type": "application/fhir+json"}
    return client.post(f"/fhir/{resource['resourceType']}", content=json.dumps(resource), headers=kind)


def in_error(id_: str) -> dict[str, Any]:
    back = {"resourceType": "QuestionnaireResponse", "id": id_, "status": "entered-in-error"}
    return back | {"subject": {"reference": f"Patient/{OWN}"}, "questionnaire": "http://loinc.org/q/44249-1"}


def shared_with_south(house: House) -> None:
    about = {"id": "course-8", "person_id": OWN, "organization_id": SOUTH, "origin": "live"}
    change(house, insert(s.courses).values(**about, start_date=dt.date(2026, 6, 1)))


def test_a_program_of_elsewhere_changes_nothing_of_what_another_sent(house: House) -> None:
    shared_with_south(house)
    north, south = program(house), program(house, organization=SOUTH)
    record = score("QuestionnaireResponse/r1")
    assert north.post("/api/v1/scores", json=record).status_code == 201
    assert south.post("/api/v1/scores", json=record).status_code == 200, "the same, word for word, does no harm"
    assert south.post("/api/v1/scores", json=record | {"items": [0] * 9}).status_code == 409
    assert fhir(south, in_error("r1")).status_code == 409
    (kept,) = rows(house, s.assessments)
    assert (kept.items, kept.retracted) == (RAISED, False)
    assert fhir(program(house), in_error("r1")).status_code == 200, "another key of the same place: keys are replaced"
    assert rows(house, s.assessments)[0].retracted


def test_no_program_changes_what_a_person_answered_or_a_clinician_typed(house: House) -> None:
    TestClient(house.app).post(link(house), data=answered(2))
    browser = house.browser(Role.CLINICIAN)
    typed = {f"item-{item}": "1" for item in range(1, 10)} | {"date": "2026-06-20", "csrf": browser.csrf}  # type: ignore[attr-defined]
    assert browser.post(f"/people/{OWN}/enter/phq-9", data=typed).status_code == 303
    before = rows(house, s.assessments)
    assert sorted(row.source for row in before) == ["clinician", "link"]
    ehr = program(house)
    for row in before:
        assert ehr.post("/api/v1/scores", json=score(row.id, items=[0] * 9)).status_code == 409
    assert rows(house, s.assessments) == before


def test_a_transaction_that_may_not_take_something_back_keeps_nothing(house: House) -> None:
    shared_with_south(house)
    program(house).post("/api/v1/scores", json=score("QuestionnaireResponse/r1"))
    about = {"subject": {"reference": f"Patient/{OWN}"}, "effectiveDateTime": "2026-06-21", "valueInteger": 7}
    code = {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}
    fresh = {"resourceType": "Observation", "id": "o1", "status": "final", "code": code} | about
    both = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in (fresh, in_error("r1"))
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": both}
    assert fhir(program(house, organization=SOUTH), bundle).status_code == 409
    assert [row.id for row in rows(house, s.assessments)] == ["QuestionnaireResponse/r1"]
    assert fhir(program(house), bundle).status_code == 200
    assert {row.id: row.retracted for row in rows(house, s.assessments)} == {
        "QuestionnaireResponse/r1": True,
        "Observation/o1": False,
    }


def test_a_day_of_two_thousand_years_ago_is_refused_and_shows_no_broken_page(house: House) -> None:
    made = program(house).post("/api/v1/scores", json=score(date="0001-01-01"))
    assert (made.status_code, rows(house, s.assessments)) == (422, [])
    add_scores(house, OWN, "course-1", "phq-9", [("0001-01-01", 4), ("2026-06-02", 5)])  # as data may bring it
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}").status_code == 200
    assert house.browser(Role.PATIENT).get("/my").status_code == 200


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_groups_that_are_clinicians_leave_by_no_door(house: House, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    with_edition(house)
    edition, real = house.service.edition(), Edition.arrow
    assert edition is not None

    def by_clinician(self: Edition, name: str) -> Any:
        table = real(self, name)
        names = pa.array(["therapist_id"] * table.num_rows, pa.string())
        return table.set_column(table.column_names.index("stratum"), "stratum", names)

    browser, ehr = house.browser(Role.ANALYST), program(house)
    addresses = f"/editions/{edition.id}/tables/organization_results.{form}", f"/api/v1/editions/{edition.id}/results"
    assert [browser.get(one).status_code for one in addresses] == [200, 200]
    monkeypatch.setattr(Edition, "arrow", by_clinician)
    assert [browser.get(one).status_code for one in addresses] == [403, 403]
    assert ehr.get(addresses[1]).status_code == 403


def test_a_sign_in_name_cannot_look_like_another(house: House) -> None:
    browser = house.browser(Role.ADMIN)
    for login in ("admin\u200b", "ad\u202emin", "\uff21dmin"):
        data = {"csrf": browser.csrf, "login": login, "name": "X"}  # type: ignore[attr-defined]
        assert browser.post("/admin/users", data=data).status_code == 400, ascii(login)


def test_a_team_with_the_id_of_another_place_sees_nothing_of_that_place(house: House) -> None:
    with_edition(house)
    edition = house.service.edition()
    assert edition is not None
    viewer = Viewer(Role.LEAD, organization_id=NORTH, team_id=ANYWHERE)
    found = whose(viewer, edition, None)
    assert found is not None
    assert (found.organization, found.is_team_without_figures) == (NORTH, True)
