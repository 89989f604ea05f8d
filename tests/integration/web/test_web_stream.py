"""Open pages hear of new scores: on a real server, and across two that share a database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select, update

import benchwell.web.stream as web_stream
from benchwell.i18n import using
from benchwell.pipeline.live.course_changes import close_course, note_mark
from benchwell.pipeline.live.erasing import ask_for_deletion, carry_out
from benchwell.pipeline.live.news import Item
from benchwell.pipeline.live.receiving import Entry, receive, retract
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register, Role, Viewer
from benchwell.register import schema as s
from benchwell.web import create_app
from live_house import NORTH, OTHER, OWN, House, live_house
from live_server import live_server

DAY = dt.date(2026, 6, 20)
CLINICIAN = Viewer(Role.CLINICIAN, user_id="clinician", organization_id=NORTH, practitioner_id="c1")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


@contextmanager
def stream(
    address: str, house: House, topic: str = "", role: Role = Role.CLINICIAN, language: str = "en"
) -> Iterator[Iterator[str]]:
    cookies, spoken = dict(house.browser(role).cookies), {"accept-language": language}
    with (
        httpx.Client(base_url=address, cookies=cookies, headers=spoken, timeout=10) as client,
        client.stream("GET", "/stream", params={"topic": topic}) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        assert (next(lines), next(lines)) == (": open", "")
        yield lines


def event(lines: Iterator[str]) -> dict[str, str]:
    """The next event that is not a sign of life."""
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if not line and found:
            return found
        name, _, value = line.partition(":")
        if name:
            found[name] = f"{found[name]}\n{value.strip()}" if name in found else value.strip()
    return found


def take(service: LiveService, person: str = OWN, last: float = 0.0, day: dt.date = DAY) -> str:
    entry = Entry(person, None, "phq-9", day, items=(1.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, last))
    return receive(service, entry, 1000.0).result(10).assessment_id


def test_a_page_is_sent_each_new_score(house: House) -> None:
    with live_server(house.app) as address, stream(address, house, "practitioner:c2") as lines:
        take(house.service, OTHER)  # of another clinician: whatever a page asks for, it hears of its own
        made = take(house.service)
        found = event(lines)
        assert (found["event"], found["id"]) == ("score", made)
        assert "P. 1" in found["data"]
        assert f"/people/{OWN}" in found["data"]
        take(house.service, last=2.0, day=DAY - dt.timedelta(1))
        assert event(lines)["event"] == "safety"


def test_each_score_that_is_shown_stands_in_the_log(house: House) -> None:
    with live_server(house.app) as address, stream(address, house) as lines:
        take(house.service)
        event(lines)
        with house.service.register.read() as connection:
            asked = select(s.audit.c.person_id, s.audit.c.user_id).where(s.audit.c.route == "/stream")
            assert [tuple(row) for row in connection.execute(asked)] == [(None, "clinician"), (OWN, "clinician")]


def test_a_fragment_is_rendered_once_for_all_pages(house: House) -> None:
    with live_server(house.app) as address, ExitStack() as pages:
        streams = [pages.enter_context(stream(address, house, topic)) for topic in ("", "", f"person:{OWN}")]
        take(house.service)
        assert len({event(lines)["data"] for lines in streams}) == 1
        assert web_stream.fragments_of(house.app).rendered == 1


def test_a_person_page_hears_of_that_person_only(house: House) -> None:
    with live_server(house.app) as address, stream(address, house, f"person:{OWN}") as lines:
        take(house.service, "synthetic-p2")
        assert event_id(lines, take(house.service))


def event_id(lines: Iterator[str], expected: str) -> bool:
    return event(lines)["id"] == expected


@pytest.mark.parametrize(("role", "topic"), [(Role.CLINICIAN, f"person:{OTHER}"), (Role.PATIENT, f"person:{OTHER}")])
def test_nobody_hears_of_people_out_of_reach(house: House, role: Role, topic: str) -> None:
    assert house.browser(role).get("/stream", params={"topic": topic}).status_code == 204


@pytest.mark.parametrize("role", [Role.MANAGER, Role.LEAD, Role.ANALYST, Role.PAYER, Role.ADMIN])
def test_nobody_else_has_a_stream(house: House, role: Role) -> None:
    assert house.browser(role).get("/stream").status_code == 403


def test_a_page_is_told_that_a_record_was_taken_back(house: House) -> None:
    made = take(house.service)
    with live_server(house.app) as address, stream(address, house, f"person:{OWN}") as lines:
        assert retract(house.service, made, 5.0, CLINICIAN, "r").result(10)
        assert event(lines)["event"] == "reload"


def test_a_caseload_is_told_that_a_record_was_taken_back(house: House) -> None:
    made = take(house.service)
    with live_server(house.app) as address, stream(address, house) as lines:
        assert retract(house.service, made, 5.0, CLINICIAN, "r").result(10)
        assert event(lines)["event"] == "reload"


def test_an_open_page_follows_when_the_person_wants_no_expected_course(house: House) -> None:
    patient = house.browser(Role.PATIENT)
    with live_server(house.app) as address, stream(address, house, f"person:{OWN}") as lines:
        assert patient.post("/my/expected", data={"csrf": patient.csrf, "wanted": "no"}).status_code == 303  # type: ignore[attr-defined]
        assert event(lines)["event"] == "reload"


def test_an_open_page_learns_that_the_record_was_erased(house: House) -> None:
    asked = ask_for_deletion(house.service, OWN, 1.0)
    with live_server(house.app) as address, stream(address, house) as lines:
        carry_out(house.service, asked, 2.0, decided_by="admin")
        assert event(lines)["event"] == "reload"


def test_each_page_is_told_in_the_language_of_whoever_reads_it(house: House) -> None:
    take(house.service, day=DAY - dt.timedelta(7))
    with live_server(house.app) as address, ExitStack() as pages:
        german = pages.enter_context(stream(address, house, language="de"))
        english = pages.enter_context(stream(address, house))
        with using("en"):  # whoever entered it
            take(house.service)
        assert "7 (leicht). Niedriger ist günstiger. Wie am Anfang" in event(german)["data"]
        assert "7 (mild). Lower is better. The same as at the start" in event(english)["data"]


def test_a_corrected_score_says_so_and_old_pages_load_anew(house: House) -> None:
    named = Entry(OWN, None, "phq-9", DAY, total=9.0, assessment_id="synthetic-form", source="api", entered_by="ehr")
    receive(house.service, named, 1000.0).result(10)
    with live_server(house.app) as address, stream(address, house) as lines:
        receive(house.service, replace(named, total=12.0), 1001.0).result(10)
        found = event(lines)
        assert found["event"] == "score"
        assert "Corrected score: P. 1" in found["data"]
        assert "12 (moderate)" in found["data"]
        assert event(lines)["event"] == "reload"


@pytest.mark.parametrize("topic", ["", f"person:{OWN}"])
def test_a_page_is_told_what_else_changed(house: House, topic: str) -> None:
    with live_server(house.app) as address, stream(address, house, topic) as lines:
        note_mark(house.service, CLINICIAN, OWN, kind="life_event", date=DAY, note=None)
        assert event(lines)["event"] == "reload"
        close_course(house.service, CLINICIAN, OWN, "course-1", date=DAY, reason="completed")
        assert event(lines)["event"] == "reload"


@pytest.mark.parametrize("how", ["signed out", "no longer treats"])
def test_a_stream_ends_with_what_it_stood_on(house: House, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(web_stream, "BEAT", 0.05)
    with live_server(house.app) as address, stream(address, house, f"person:{OWN}") as lines:
        assert next(lines) == ": still here"
        gone = delete(s.sessions) if how == "signed out" else update(s.courses).values(practitioner_id="c2")
        house.service.register.write(lambda connection: connection.execute(gone))
        assert all(line in ("", ": still here") for line in lines)  # and it comes to an end


def test_an_end_ends_every_stream(house: House) -> None:
    with live_server(house.app) as address, stream(address, house) as lines:
        house.service.news.publish_all(Item("", "end"))
        assert list(lines) == []


def test_a_slow_page_is_told_to_load_itself_again(house: House) -> None:
    import asyncio

    async def fall_behind() -> list[str]:
        listener = house.service.news.open("practitioner:c1")
        for number in range(150):
            house.service.news.publish(Item("practitioner:c1", "score", OWN, str(number)))
        await asyncio.sleep(0)
        kinds = []
        while not listener.queue.empty():
            kinds.append(listener.queue.get_nowait().kind)
        house.service.news.close(listener)
        return kinds

    kinds = asyncio.run(fall_behind())
    assert kinds[0] == "reload"
    assert len(kinds) <= 100


def test_two_processes_on_one_database_tell_each_other(tmp_path: Path, postgres_url: str) -> None:
    with live_house(tmp_path, url=postgres_url) as house:
        other = LiveService(Workspace.open(tmp_path / "workspace"), Register(postgres_url))
        try:
            with live_server(create_app(other)) as address, stream(address, house) as lines:
                wait_for_hearing(house)
                made = take(house.service, last=1.0)
                found = event(lines)
                assert (found["event"], found["id"]) == ("safety", made)
                assert "P. 1" in found["data"]
        finally:
            other.close()


def test_what_one_process_takes_back_or_adds_the_pages_of_another_hear(tmp_path: Path, postgres_url: str) -> None:
    with live_house(tmp_path, url=postgres_url) as house:
        made = take(house.service)
        other = LiveService(Workspace.open(tmp_path / "workspace"), Register(postgres_url))
        try:
            with live_server(create_app(other)) as address, stream(address, house) as lines:
                wait_for_hearing(house)
                assert retract(house.service, made, 5.0, CLINICIAN, "r").result(10)
                assert event(lines)["event"] == "reload"
                note_mark(house.service, CLINICIAN, OWN, kind="life_event", date=DAY, note=None)
                assert event(lines)["event"] == "reload"
        finally:
            other.close()


def test_every_process_hears_of_a_safety_answer_of_somebody_whom_nobody_treats(
    tmp_path: Path, postgres_url: str
) -> None:
    with live_house(tmp_path, url=postgres_url) as house:
        house.service.register.write(
            lambda connection: connection.execute(
                update(s.courses).where(s.courses.c.id == "course-3").values(practitioner_id=None)
            )
        )
        other = LiveService(Workspace.open(tmp_path / "workspace"), Register(postgres_url))
        try:
            with live_server(create_app(other)) as address, stream(address, house) as lines:
                wait_for_hearing(house)
                take(house.service, OTHER, last=2.0)
                assert event(lines) == {"event": "reload", "data": ""}
        finally:
            other.close()


def wait_for_hearing(house: House) -> None:
    """Until the other server listens."""
    import time

    for _ in range(100):
        with house.service.register.read() as connection:
            asked = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE starts_with(query, 'LISTEN') AND datname = current_database()"
            )
            if connection.exec_driver_sql(asked).scalar():
                return
        time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_what_processes_tell_each_other_is_ids_only(tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    with live_house(tmp_path, url=postgres_url) as house:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("LISTEN benchwell_news")
            made = take(house.service)
            (notice,) = connection.notifies(timeout=5, stop_after=1)
        by, topics, kind, person, assessment, _ = json.loads(notice.payload)
        assert by == house.service.news.id
        assert (topics, kind) == (["practitioner:c1", f"person:{OWN}", "course:course-1"], "score")
        assert (person, assessment) == (OWN, made)
