"""Every role against every route: `matrix.txt` says what each gets, and the running service is asked.

A route that is not in the table fails, and so does a line of a route that is gone. After looking at what changed:
`python tests/functional/web/test_web_security_matrix.py` writes the table anew.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # where it is run as a program

from benchwell.register import Role
from benchwell.web.access import Reach
from benchwell.web.navigation import every_route, routes_of
from benchwell.web.routing import ACCESS
from every_role import ROLES, Asker, address, method_for
from live_house import OTHER, OWN, House, live_house

TABLE = Path(__file__).with_name("matrix.txt")
OPEN = frozenset(ROLES)
_KNOWN_OUTSIDE = {"/api/openapi.json", "/static"}  # served without asking who it is


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def answers(house: House) -> dict[str, str]:
    """What each role gets of each route, asked for an own person and with an empty form."""
    found = {}
    askers = [Asker(house, role) for role in ROLES]
    for method, path, _access in sorted(routes_of(house.app), key=lambda route: (route[1], route[0])):
        asked = about(path, OWN)
        got = [asker.ask(method_for(method, path), asked).status_code for asker in askers]
        found[f"{method} {path}"] = "  ".join(map(str, got))
        if path.startswith("/sign-out"):
            for asker in askers:
                asker.sign_in()
    return found


def about(path: str, person: str) -> str:
    """The address of a route for one person; whatever else it names is not there."""
    return address(path, lambda name: person if name == "person_id" else "none")


def written(found: dict[str, str]) -> str:
    width = max(map(len, found)) + 2
    head = "route".ljust(width) + "  ".join(role.value[:3] for role in ROLES)
    return "\n".join([head, *(name.ljust(width) + line for name, line in found.items())]) + "\n"


def test_every_role_gets_of_every_route_what_the_table_says(house: House) -> None:
    assert written(answers(house)).splitlines() == TABLE.read_text(encoding="utf-8").splitlines()


def test_every_route_says_who_may_use_it(house: House) -> None:
    silent = {
        route.path for route in every_route(house.app.routes) if not hasattr(getattr(route, "endpoint", None), ACCESS)
    }
    assert silent == _KNOWN_OUTSIDE


def test_nobody_outside_a_routes_roles_gets_in(house: House) -> None:
    askers = {role: Asker(house, role) for role in ROLES}
    for method, path, access in routes_of(house.app):
        for role in OPEN - access.roles:
            asked = about(path, OWN)
            got = askers[role].ask(method_for(method, path), asked)
            assert got.status_code in (303, 401, 403), (method, path, role)
            assert got.status_code != 303 or got.headers["location"] == "/sign-in", (method, path, role)


def test_a_person_of_others_is_nobody(house: House) -> None:
    askers = {role: Asker(house, role) for role in ROLES}
    for method, path, access in routes_of(house.app):
        if access.reach is not Reach.PERSON:
            continue
        for role in access.roles:
            for person in (OTHER, "nobody-at-all"):
                asked = about(path, person)
                got = askers[role].ask(method, asked)
                assert got.status_code == 404, (method, path, role)


def test_roles_reach_what_they_are_for(house: House) -> None:
    for method, path, access in routes_of(house.app):
        route = (method, path)
        if access.reach is Reach.PERSON:
            assert access.roles <= {Role.CLINICIAN, Role.CLIENT}, route
        if access.reach is Reach.SELF:
            assert access.roles == {Role.PATIENT}, route
        if access.roles != OPEN:
            assert Role.PUBLIC not in access.roles, route
            own = ("/account", "/roles", "/sign-out")
            if Role.ADMIN in access.roles:
                assert path.startswith(("/admin", *own)), route
            if Role.PAYER in access.roles:
                assert path.startswith(("/contract", "/editions", *own)), route
            if Role.CLIENT in access.roles:
                assert access.scope is not None, route
                assert path.startswith(("/api/", "/fhir")), route
        if path.startswith("/admin"):
            assert access.roles == {Role.ADMIN}, route
        if access.is_open:
            assert access.reach is Reach.ANYONE, route


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, live_house(Path(folder)) as furnished:
        TABLE.write_text(written(answers(furnished)), encoding="utf-8")
