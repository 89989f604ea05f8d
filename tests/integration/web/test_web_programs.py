"""A program's key is remembered for a moment, and not a moment longer than it is good."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection
from starlette.testclient import TestClient

from benchwell.register import Register
from benchwell.register.clients import add_client, note_change, set_client_disabled
from benchwell.web.access import ANYONE
from benchwell.web.programs import HELD, Programs
from benchwell.web.routing import PlainRoute, Routes
from benchwell.web.visit import Here


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register.in_file(tmp_path / "register.db")


def test_a_key_is_known_for_a_moment(register: Register) -> None:
    now = 0.0
    programs = Programs(clock=lambda: now)
    with register:
        client, key = register.write(lambda c: add_client(c, 0, "Records", ["scores.write"]))
        assert programs.known(key) is None
        found = programs.find(register, key)
        assert found is not None
        assert (found.client_id, programs.known(key)) == (client, found)
        now = HELD + 0.1
        assert programs.known(key) is None


def test_a_key_that_is_shut_out_here_is_forgotten_at_once(register: Register) -> None:
    programs = Programs(clock=lambda: 0.0)
    with register:
        client, key = register.write(lambda c: add_client(c, 0, "Records", ["scores.write"]))
        assert programs.find(register, key) is not None
        register.write(lambda c: set_client_disabled(c, client, True))
        assert programs.known(key) is None
        assert programs.find(register, key) is None
        register.write(lambda c: set_client_disabled(c, client, False))
        assert programs.find(register, key) is not None


def test_a_key_that_is_asked_for_just_before_the_commit_is_forgotten_after_it(register: Register) -> None:
    programs = Programs(clock=lambda: 0.0)
    with register:
        client, key = register.write(lambda c: add_client(c, 0, "Records", ["scores.write"]))

        def shut(connection: Connection) -> None:
            set_client_disabled(connection, client, True)
            assert programs.find(register, key) is not None  # as it still stands for everybody else

        register.write(shut)
        note_change()
        assert programs.known(key) is None
        assert programs.find(register, key) is None


def test_nobody_is_remembered_for_a_key_that_nobody_has(register: Register) -> None:
    programs = Programs()
    with register:
        assert programs.find(register, "no such key") is None
        assert programs.known("no such key") is None


def test_a_handler_that_wants_only_the_visit_is_called_as_it_is() -> None:
    from fastapi.responses import Response

    routes = Routes()

    @routes.post("/plain", ANYONE)
    async def plain(visit: Here) -> Response:
        return Response(visit.language)

    @routes.get("/asks", ANYONE)
    async def asks(visit: Here, topic: str = "") -> Response:
        return Response(topic)

    app = FastAPI()
    app.include_router(routes.router)
    kinds = {route.path: isinstance(route, PlainRoute) for route in routes.router.routes}  # type: ignore[attr-defined]
    assert kinds == {"/plain": True, "/asks": False}
    with pytest.raises(AttributeError):  # the guard is asked before the handler, and finds no service here
        TestClient(app).post("/plain")
