"""A browser or program for every role, and an address for every route: for tests that ask everything of everybody."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register.clients import SCOPES, add_client
from benchwell.register.sessions import find_session, open_session
from benchwell.web.guard import COOKIE
from live_house import NORTH, House

ROLES = (
    Role.PUBLIC,
    Role.PATIENT,
    Role.CLINICIAN,
    Role.LEAD,
    Role.MANAGER,
    Role.ANALYST,
    Role.PAYER,
    Role.ADMIN,
    Role.CLIENT,
)
PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")


class Asker:
    """Somebody of one role; signed in anew whenever a session was ended by what was asked."""

    def __init__(self, house: House, role: Role) -> None:
        self._house, self._role = house, role
        # One that breaks is answered by the service, as for anybody.
        self.client = TestClient(house.app, follow_redirects=False, raise_server_exceptions=False)
        self.csrf = ""
        self.sign_in()

    def sign_in(self) -> None:
        """A session for the role; a key for a program; nothing for the public."""
        register, role = self._house.service.register, self._role
        if role is Role.PUBLIC:
            return
        if role is Role.CLIENT:
            _id, key = register.write(lambda c: add_client(c, 0, "Records", list(SCOPES), NORTH))
            self.client.headers["authorization"] = f"Bearer {key}"
            return
        now = time.time()
        token = register.write(lambda c: open_session(c, now, user_id=role.value, grant_id=f"grant-{role.value}"))
        with register.read() as connection:
            session = find_session(connection, token, now)
        assert session is not None
        self.client.cookies.clear()
        self.client.cookies.set(COOKIE, token)
        self.csrf = session.csrf

    def ask(self, method: str, address: str, data: Mapping[str, Any] | None = None) -> httpx.Response:
        """Ask as a browser would: a form carries its mark."""
        if method in ("GET", "HEAD"):
            return self.client.request(method, address)
        return self.client.request(method, address, data={"csrf": self.csrf, **(data or {})})


def address(pattern: str, value: Callable[[str], str]) -> str:
    """An address of a route.

    >>> address("/people/{person_id}/x", lambda name: name.upper())
    '/people/PERSON_ID/x'
    """
    return PLACE.sub(lambda found: value(found[1]), pattern)


def method_for(method: str, pattern: str) -> str:
    """How a route is asked: of a stream that never ends, only how it begins."""
    return "HEAD" if pattern.startswith("/stream") else method
