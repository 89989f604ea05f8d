"""Signing in: the same answer whatever was wrong, pauses that grow, codes that work once, links that work once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from benchwell.pipeline.live.first_admin import first_admin_link
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.accounts import (
    accept_invitation,
    add_account,
    add_grant,
    invite,
    remove_grant,
    set_disabled,
    set_second_factor,
)
from benchwell.register.passwords import hash_password
from benchwell.web.guard import COOKIE
from live_house import NORTH, House, live_house

PASSWORD = "quiet river under stones"
MARK = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def house(tmp_path: Path, hashed: str) -> Iterator[House]:
    with live_house(tmp_path) as made:
        made.service.register.write(
            lambda c: add_grant(c, add_account(c, 0, "Kim", "Kim", hashed=hashed), Role.ANALYST)
        )
        yield made


def stranger(house: House) -> TestClient:
    client = TestClient(house.app, follow_redirects=False)
    client.csrf = MARK.search(client.get("/sign-in").text)[1]  # type: ignore[attr-defined, index]
    return client


def enter(client: TestClient, login: str = "kim", password: str = PASSWORD, **more: str):
    return client.post("/sign-in", data={"csrf": client.csrf, "login": login, "password": password, **more})  # type: ignore[attr-defined]


def user_id(house: House, login: str = "kim") -> str:
    with house.service.register.read() as connection:
        return connection.execute(select(s.users.c.id).where(s.users.c.login == login)).scalar_one()


def test_a_name_and_its_password_open_a_session_in_a_new_cookie(house: House) -> None:
    client = stranger(house)
    answer = enter(client, "  KIM ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert client.get("/").headers["location"] == "/service"


def test_unknown_and_wrong_get_the_same_answer(house: House) -> None:
    def told(login: str, password: str) -> tuple[int, str]:
        client = stranger(house)
        answer = enter(client, login, password)
        return answer.status_code, answer.text.replace(client.csrf, "").replace(login, "")  # type: ignore[attr-defined]

    wrong, unknown = told("kim", "not the password"), told("stranger9", "not the password")
    assert wrong == unknown
    assert wrong[0] == 401


def test_five_failures_begin_a_pause_for_known_and_unknown_names_alike(house: House) -> None:
    for login in ("kim", "stranger9"):
        client = stranger(house)
        assert [enter(client, login, "not the password").status_code for _ in range(6)] == [401] * 5 + [429]
        assert int(enter(client, login).headers["retry-after"]) in range(20, 32)


def test_a_pause_holds_for_the_right_password_too_and_ends(house: House) -> None:
    client = stranger(house)
    for _ in range(5):
        enter(client, password="not the password")
    assert enter(client).status_code == 429
    house.service.register.write(lambda c: c.execute(update(s.lockouts).values(locked_until=time.time() - 1)))
    assert enter(client).status_code == 303


def test_a_form_of_another_site_signs_nobody_in(house: House) -> None:
    client = stranger(house)
    mark = client.csrf  # type: ignore[attr-defined]
    typed = {"login": "kim", "password": PASSWORD}
    assert client.post("/sign-in", data=typed).status_code == 403
    assert client.post("/sign-in", data=typed | {"csrf": "guessed"}).status_code == 403
    elsewhere = {"origin": "https://elsewhere.example"}
    assert client.post("/sign-in", data=typed | {"csrf": mark}, headers=elsewhere).status_code == 403
    crossing = {"sec-fetch-site": "cross-site"}
    assert client.post("/sign-in", data=typed | {"csrf": mark}, headers=crossing).status_code == 403
    without_cookie = TestClient(house.app, follow_redirects=False)
    assert without_cookie.post("/sign-in", data=typed | {"csrf": mark}).status_code == 403
    same = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert client.post("/sign-in", data=typed | {"csrf": mark}, headers=same).status_code == 303


def test_a_code_is_asked_and_works_once(house: House) -> None:
    import pyotp

    secret = pyotp.random_base32()
    house.service.register.write(lambda c: set_second_factor(c, user_id(house), secret))
    code = pyotp.TOTP(secret).now()
    assert enter(stranger(house)).status_code == 401
    assert enter(stranger(house), code="000000" if code != "000000" else "000001").status_code == 401
    assert enter(stranger(house), code=code).status_code == 303
    assert enter(stranger(house), code=code).status_code == 401


def test_an_account_shut_out_or_without_its_role_is_out_at_once(house: House) -> None:
    for end in (
        lambda c: set_disabled(c, user_id(house), True),
        lambda c: remove_grant(
            c, c.execute(select(s.grants.c.id).where(s.grants.c.user_id == user_id(house))).scalar()
        ),
    ):
        house.service.register.write(lambda c: set_disabled(c, user_id(house), False))
        client = stranger(house)
        enter(client)
        assert client.get("/").headers["location"] == "/service"
        house.service.register.write(end)
        assert client.get("/").headers["location"] == "/sign-in"


def test_the_first_start_makes_one_administrator(house: House) -> None:
    first, second = first_admin_link(house.service, "http://testserver"), first_admin_link(house.service)
    assert first is not None
    assert second is not None
    client = TestClient(house.app, follow_redirects=False)
    typed = {"login": "root", "name": "Ro Ot", "password": PASSWORD, "again": PASSWORD}
    assert client.get(first.removeprefix("http://testserver")).status_code == 404  # the newer link replaced it
    assert client.post(second, data=typed | {"again": "another one altogether"}).status_code == 400
    assert client.post(second, data=typed | {"password": "short", "again": "short"}).status_code == 400
    assert client.post(second, data=typed).status_code == 200
    assert client.post(second, data=typed | {"login": "more"}).status_code == 404
    assert first_admin_link(house.service) is None
    client = stranger(house)
    assert enter(client, "root").status_code == 303
    assert client.get("/").headers["location"] == "/admin"


def test_an_invitation_sets_a_password_once(house: House) -> None:
    def make(connection):
        made = add_account(connection, 0, "lee", "Lee")
        add_grant(connection, made, Role.MANAGER, organization_id=NORTH)
        return made, invite(connection, time.time(), made)

    made, earlier = house.service.register.write(make)
    token = house.service.register.write(lambda c: invite(c, time.time(), made))
    client = TestClient(house.app, follow_redirects=False)
    both = {"password": PASSWORD, "again": PASSWORD}
    assert client.get(f"/invitation/{earlier}").status_code == 404
    assert "lee" in client.get(f"/invitation/{token}").text
    assert client.post(f"/invitation/{token}", data={"password": "x", "again": "x"}).status_code == 400
    assert client.post(f"/invitation/{token}", data=both).status_code == 200
    assert client.post(f"/invitation/{token}", data=both).status_code == 404
    assert enter(stranger(house), "lee").status_code == 303
    late = house.service.register.write(lambda c: invite(c, time.time() - 8 * 86400, made))
    assert client.get(f"/invitation/{late}").status_code == 404


def test_another_role_is_used_in_another_session(house: House) -> None:
    grant = house.service.register.write(lambda c: add_grant(c, user_id(house), Role.MANAGER, organization_id=NORTH))
    client = stranger(house)
    assert enter(client).headers["location"] == "/roles"
    before = client.cookies[COOKIE]
    page = client.get("/roles").text
    assert "North" in page
    mark = MARK.search(page)[1]  # type: ignore[index]
    assert client.post("/roles", data={"csrf": mark, "grant": "grant-admin"}).status_code == 404
    assert client.post("/roles", data={"csrf": mark, "grant": grant}).headers["location"] == "/"
    assert client.cookies[COOKIE] != before
    old = TestClient(house.app, follow_redirects=False, cookies={COOKIE: before})
    assert old.get("/").headers["location"] == "/sign-in"


def test_signing_out_everywhere_ends_every_session(house: House) -> None:
    one, two = stranger(house), stranger(house)
    enter(one)
    enter(two)
    mark = MARK.search(one.get("/roles").text)[1]  # type: ignore[index]
    assert one.post("/sign-out/everywhere", data={"csrf": mark}).status_code == 303
    assert [client.get("/").headers["location"] for client in (one, two)] == ["/sign-in"] * 2


def test_accepting_needs_an_invitation_that_works(house: House, hashed: str) -> None:
    from benchwell.errors import AccessError

    with pytest.raises(AccessError):
        house.service.register.write(lambda c: accept_invitation(c, time.time(), "no such token", hashed))
