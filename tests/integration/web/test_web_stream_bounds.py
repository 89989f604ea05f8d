"""Streams have bounds: how many one session may open, and whose words they carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

import benchwell.web.stream as web_stream
from benchwell.pipeline.live.receiving import Entry, receive
from benchwell.register import Role
from benchwell.register import schema as s
from live_house import OWN, House, live_house
from live_server import live_server


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def lines_until_blank(lines: Iterator[str]) -> list[str]:
    found = []
    for line in lines:
        if not line:
            return found
        found.append(line)
    return found


def test_one_session_opens_so_many_streams_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_stream, "MOST", 1)
    cookies = dict(house.browser(Role.CLINICIAN).cookies)
    with (
        live_server(house.app) as address,
        httpx.Client(base_url=address, cookies=cookies, timeout=10) as client,
        client.stream("GET", "/stream") as first,
    ):
        lines = first.iter_lines()  # held: where it is let go, the stream ends
        assert next(lines) == "retry: 2000"
        refused = client.get("/stream")
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)


def test_the_person_is_not_sent_what_clinicians_read(house: House) -> None:
    cookies = dict(house.browser(Role.PATIENT).cookies)
    with (
        live_server(house.app) as address,
        httpx.Client(base_url=address, cookies=cookies, timeout=10) as client,
        client.stream("GET", "/stream") as answer,
    ):
        lines = answer.iter_lines()
        lines_until_blank(lines)
        entry = Entry(OWN, None, "phq-9", dt.date(2026, 6, 20), items=(0.0,) * 8 + (2.0,))
        receive(house.service, entry, 1000.0).result(10)
        assert lines_until_blank(lines) == ["event: reload", "data:"]


def test_a_safety_answer_of_somebody_whom_nobody_treats_makes_every_page_look(house: House) -> None:
    cookies = dict(house.browser(Role.CLINICIAN).cookies)
    nobody = update(s.courses).where(s.courses.c.id == "course-1").values(practitioner_id=None)
    house.service.register.write(lambda connection: connection.execute(nobody) and None)
    with (
        live_server(house.app) as address,
        httpx.Client(base_url=address, cookies=cookies, timeout=10) as client,
        client.stream("GET", "/stream") as answer,
    ):
        lines = answer.iter_lines()
        lines_until_blank(lines)
        entry = Entry(OWN, None, "phq-9", dt.date(2026, 6, 20), items=(0.0,) * 8 + (2.0,))
        receive(house.service, entry, 1000.0).result(10)
        assert lines_until_blank(lines) == ["event: reload", "data:"], "no word of whom"
        assert "Safety answer, not seen yet" in client.get("/today").text
