"""What a hostile or unlucky reader would try: each was tried once, and what was open is held shut here."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register, Role
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from benchwell.web import create_app
from live_house import NORTH, OWN, SOUTH, House, live_house

SCOPES = ("scores.write", "scores.read", "people.write")
RAISED = [0, 0, 0, 0, 0, 0, 0, 0, 2]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def program(house: House, *, organization: str | None = NORTH) -> TestClient:
    _, key = house.service.register.write(
        lambda connection: add_client(connection, 1.0, "EHR", SCOPES, organization)
    )
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
