"""A small clinic with people of every role, for tests of the live service. Nobody in it exists."""

from __future__ import annotations

import atexit
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from starlette.testclient import TestClient

from benchwell.pipeline.live import clock
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register, Role
from benchwell.register import schema as s
from benchwell.register.sessions import find_session, open_session
from benchwell.register.tokens import new_id
from benchwell.web import create_app
from benchwell.web.guard import COOKIE

NORTH, SOUTH = "synthetic-north", "synthetic-south"
OWN, OTHER = "synthetic-p1", "synthetic-p3"  # a person of clinician c1, and one of clinician c2 elsewhere
_ROLES: dict[Role, dict[str, str]] = {
    Role.CLINICIAN: {"organization_id": NORTH, "practitioner_id": "c1"},
    Role.LEAD: {"organization_id": NORTH, "team_id": "t1"},
    Role.MANAGER: {"organization_id": NORTH},
    Role.ANALYST: {},
    Role.PAYER: {"organization_id": NORTH, "contract": "contract-1"},
    Role.ADMIN: {},
    Role.PATIENT: {"person_id": OWN},
}


@dataclass
class House:
    """The clinic, its service, a browser for each role, and its day."""

    service: LiveService
    app: Any
    browsers: dict[Role, TestClient] = field(default_factory=dict)
    today: dt.date = dt.date.min

    def browser(self, role: Role) -> TestClient:
        """A signed-in browser in one role; `.csrf` is what its forms carry."""
        if role not in self.browsers:
            self.browsers[role] = _browser(self, role)
        return self.browsers[role]


@contextmanager
def live_house(folder: Path, *, url: str | None = None, today: dt.date | None = None) -> Iterator[House]:
    """A running service on a fresh workspace.

    Args:
        folder: An empty folder.
        url: A register elsewhere; null is SQLite in the folder.
        today: The clinic's day, which does not end while it is open; null is the one on which it opens.
    """
    shutil.copytree(_empty() / "workspace", folder / "workspace")
    if url is None:
        shutil.copy2(_empty() / "register.db", folder / "register.db")
    workspace = Workspace.open(folder / "workspace")
    register = Register(url) if url else Register.in_file(folder / "register.db")
    service = LiveService(workspace, register)
    register.write(_furnish)
    house = House(service, create_app(service), today=today or clock.today())
    before, clock.today = clock.today, lambda: house.today
    try:
        yield house
    finally:
        clock.today = before
        service.close()


@lru_cache(maxsize=1)
def _empty() -> Path:
    """An empty workspace and an empty register, made once in each process: a copy costs a tenth of new ones."""
    folder = Path(tempfile.mkdtemp(prefix="bw-house-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Workspace.create(folder / "workspace")
    Register.in_file(folder / "register.db").close()
    return folder


def _furnish(connection: Any) -> None:
    def put(table: Any, *rows: dict[str, Any]) -> None:
        for row in rows:
            connection.execute(insert(table).values(**row))

    live = {"origin": "live"}
    put(s.organizations, {"id": NORTH, "name": "North", **live}, {"id": SOUTH, "name": "South", **live})
    put(s.teams, {"id": "t1", "organization_id": NORTH, "name": "Day team"})
    put(
        s.practitioners,
        {"id": "c1", "organization_id": NORTH, "team_id": "t1", "name": "Clinician One", **live},
        {"id": "c2", "organization_id": SOUTH, "name": "Clinician Two", **live},
    )
    for number, (clinician, place) in enumerate([("c1", NORTH), ("c1", NORTH), ("c2", SOUTH)], start=1):
        put(s.people, {"id": f"synthetic-p{number}", "label": f"P. {number}", "birth_year": 1980 + number, **live})
        course = {"id": f"course-{number}", "person_id": f"synthetic-p{number}", "organization_id": place}
        put(s.courses, course | {"practitioner_id": clinician, "start_date": dt.date(2026, 6, 1), **live})
    now = time.time()
    for role, reach in _ROLES.items():
        put(s.users, {"id": role.value, "login": role.value, "name": f"A {role.value}", "created_at": now})
        put(s.grants, {"id": f"grant-{role.value}", "user_id": role.value, "role": role.value, **reach})


def _browser(house: House, role: Role) -> TestClient:
    client = TestClient(house.app, follow_redirects=False)
    client.csrf = ""  # type: ignore[attr-defined]
    if role is Role.PUBLIC:
        return client
    now = time.time()
    token = house.service.register.write(
        lambda connection: open_session(connection, now, user_id=role.value, grant_id=f"grant-{role.value}")
    )
    with house.service.register.read() as connection:
        session = find_session(connection, token, now)
    assert session is not None
    client.cookies.set(COOKIE, token)
    client.csrf = session.csrf  # type: ignore[attr-defined]
    return client


def add_scores(house: House, person: str, course: str, instrument: str, values: list[tuple[str, float]]) -> list[str]:
    """Put stated totals of one course into the register: pairs of an ISO day and a total. Returns their ids."""
    ids = []

    def put(connection: Any) -> None:
        for day, total in values:
            ids.append(new_id())
            about = {"person_id": person, "course_id": course, "instrument": instrument, "source": "clinician"}
            when = {"date": dt.date.fromisoformat(day), "received_at": time.time()}
            connection.execute(insert(s.assessments).values(id=ids[-1], total=total, **about, **when))
            score = {"assessment_id": ids[-1], "scale": "total", "value": total, "status": "total_only"}
            connection.execute(insert(s.scores).values(**score))

    house.service.register.write(put)
    return ids
