"""Administration: accounts, keys and the log; and an administrator sees no scores."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.accounts import add_account, add_grant
from benchwell.register.audit import log, log_many
from benchwell.register.audit_reading import readers_of
from benchwell.register.my_data import ask_deletion
from benchwell.register.passwords import hash_password
from benchwell.register.viewer import Viewer
from live_house import NORTH, OWN, House, live_house

PASSWORD = "quiet river under stones"
MARK = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        yield made


def send(client: TestClient, path: str, **data: Any) -> Any:
    return client.post(path, data={"csrf": client.csrf, **data})  # type: ignore[attr-defined]


def test_an_account_is_added_given_a_role_invited_and_shut_out(house: House) -> None:
    admin = house.browser(Role.ADMIN)
    page = send(admin, "/admin/users", login="Kim", name="Kim <b>Lee</b>").headers["location"]
    assert "Kim &lt;b&gt;Lee&lt;/b&gt;" in admin.get(page).text
    assert send(admin, "/admin/users", login="kim", name="Again").status_code == 400
    assert send(admin, f"{page}/grants", role="manager").status_code == 400
    assert send(admin, f"{page}/grants", role="client").status_code == 400
    assert send(admin, f"{page}/grants", role="nonsense").status_code == 400
    assert send(admin, f"{page}/grants", role="manager", organization=NORTH).status_code == 303
    link = re.search(r"http://testserver(/invitation/\S+?)<", send(admin, f"{page}/invitation").text)
    assert link is not None
    public = house.browser(Role.PUBLIC)
    assert public.post(link[1], data={"password": PASSWORD, "again": PASSWORD}).status_code == 200
    kim = TestClient(house.app, follow_redirects=False)
    mark = MARK.search(kim.get("/sign-in").text)
    assert mark is not None
    assert kim.post("/sign-in", data={"csrf": mark[1], "login": "kim", "password": PASSWORD}).status_code == 303
    assert kim.get("/account").status_code == 200
    send(admin, f"{page}/disable")
    assert kim.get("/account").headers["location"] == "/sign-in"
    assert send(admin, f"{page}/invitation").status_code == 403
    send(admin, f"{page}/enable")
    grant = re.search(r'name="grant" value="([^"]+)"', admin.get(page).text)
    assert grant is not None
    assert send(admin, f"{page}/grants/remove", grant="grant-clinician").status_code == 404
    assert send(admin, f"{page}/grants/remove", grant=grant[1]).status_code == 303
    assert admin.get("/admin/users/nobody").status_code == 404


def test_a_key_is_shown_once_and_opens_until_it_is_shut_out(house: House) -> None:
    admin = house.browser(Role.ADMIN)
    assert send(admin, "/admin/programs", name="Records").status_code == 400
    assert send(admin, "/admin/programs", name="Records", scopes="everything").status_code == 400
    assert send(admin, "/admin/programs", name="Records", scopes="reports.read").status_code == 400  # opened nothing
    assert "No program has a key yet." in admin.get("/admin/programs").text
    made = send(admin, "/admin/programs", name="Records", scopes=["scores.write", "editions.read"]).text
    key = re.search(r"<code>([\w-]{43})</code>", made)
    assert key is not None
    assert key[1] not in admin.get("/admin/programs").text
    asks = TestClient(house.app, headers={"authorization": f"Bearer {key[1]}"}, follow_redirects=False)
    assert asks.get("/").status_code == 303
    program = re.search(r"/admin/programs/(\w+)/disable", made)
    assert program is not None
    send(admin, f"/admin/programs/{program[1]}/disable")
    assert asks.get("/").status_code == 401
    send(admin, f"/admin/programs/{program[1]}/enable")
    assert asks.get("/").status_code == 303


def test_a_kiosk_has_an_address_that_can_be_taken_away(house: House) -> None:
    admin = house.browser(Role.ADMIN)
    assert send(admin, "/admin/kiosks", organization="nowhere").status_code == 400
    assert "http://testserver/kiosk/" in send(admin, "/admin/kiosks", organization=NORTH).text
    page = admin.get("/admin/kiosks").text
    assert "http://testserver/kiosk/" not in page
    remove = re.search(r"/admin/kiosks/\w+/remove", page)
    assert remove is not None
    send(admin, remove[0])
    assert "/remove" not in admin.get("/admin/kiosks").text


def test_the_log_can_be_narrowed_and_taken_along(house: House) -> None:
    clinician = Viewer(Role.CLINICIAN, user_id="clinician")

    def write(connection: Any) -> None:
        log(connection, 86400.0 * 10.5, clinician, "read", "/people/{person_id}", person_id=OWN)
        log_many(connection, 86400.0 * 20.5, clinician, "read", "/today", [OWN, "synthetic-p2", OWN])
        log(connection, 86400.0 * 30.5, Viewer(Role.PUBLIC), "refuse", "=cmd()", person_id=OWN)

    house.service.register.write(write)
    admin = house.browser(Role.ADMIN)

    def rows(query: str) -> list[dict[str, str]]:
        found = csv.DictReader(admin.get(f"/admin/log.csv?{query}").text.splitlines())
        return [row for row in found if row["role"] in ("clinician", "public")]

    assert len(rows("")) == 4
    assert {row["person"] for row in rows("user=clinician&since=1970-01-21&until=1970-01-21")} == {OWN, "synthetic-p2"}
    assert len(rows(f"person={OWN}")) == 3
    assert rows("until=1970-01-05") == []
    assert rows("since=1970-01-31")[0]["route"] == "'=cmd()"
    assert admin.get("/admin/log?since=nonsense&before=x&until=9999-99-99").status_code == 200
    page = admin.get(f"/admin/log?person={OWN}").text
    assert "/people/{person_id}" in page
    assert '<time datetime="1970-01-11T12:00:00Z">' in page  # for programs; people read it as they write it
    assert "1970-01-11 " not in page
    german = admin.get(f"/admin/log?person={OWN}", headers={"accept-language": "de"}).text
    assert re.search(r">1[01]\. Jan\. 1970, \d\d:\d\d:\d\d \S+</time>", german)
    nothing = admin.get("/admin/log?person=nobody").text
    assert "There is no line like that." in nothing
    assert "<thead>" not in nothing  # no head of a table without a row
    with house.service.register.read() as connection:
        readers = [(line.name, line.action, line.route) for line in readers_of(connection, OWN)]
        exported = connection.execute(select(s.audit).where(s.audit.c.action == "export")).all()
    assert readers == [("A clinician", "read", "/today"), ("A clinician", "read", "/people/{person_id}")]
    assert len(exported) == 5


def test_a_long_log_has_pages(house: House) -> None:
    people = [f"person-{n:03}" for n in range(150)]
    house.service.register.write(lambda c: log_many(c, 1.0, Viewer(Role.ANALYST), "read", "/test", people))
    admin = house.browser(Role.ADMIN)
    first = admin.get("/admin/log").text
    older = re.search(r'href="(/admin/log\?[^"]*before=\d+)"', first)
    assert older is not None
    second = admin.get(older[1].replace("&amp;", "&")).text
    seen = [set(re.findall(r"person-\d{3}", page)) for page in (first, second)]
    assert not seen[0] & seen[1]
    assert seen[0] | seen[1] == set(people)


def test_password_and_codes_are_changed_by_whoever_knows_the_password(house: House) -> None:
    hashed = hash_password(PASSWORD)
    made = house.service.register.write(lambda c: add_account(c, 0, "lee", "Lee", hashed=hashed))
    house.service.register.write(lambda c: add_grant(c, made, Role.ANALYST))

    def browser(password: str, code: str = "") -> TestClient:
        client = TestClient(house.app, follow_redirects=False)
        mark = MARK.search(client.get("/sign-in").text)
        assert mark is not None
        client.post("/sign-in", data={"csrf": mark[1], "login": "lee", "password": password, "code": code})
        inside = MARK.search(client.get("/account").text)
        client.csrf = inside[1] if inside else ""  # type: ignore[attr-defined]
        return client

    lee = browser(PASSWORD)
    page = lee.get("/account/second-factor").text
    assert 'src="data:image/svg+xml' in page
    secret = re.search(r'name="secret" value="(\w+)"', page)
    assert secret is not None
    code = pyotp.TOTP(secret[1]).now()
    typed = {"secret": secret[1], "code": code}
    assert send(lee, "/account/second-factor", current="wrong one, surely", **typed).status_code == 400
    assert send(lee, "/account/second-factor", current=PASSWORD, secret=secret[1], code="12").status_code == 400
    assert send(lee, "/account/second-factor", current=PASSWORD, secret="<x>", code=code).status_code == 400
    assert send(lee, "/account/second-factor", current=PASSWORD, **typed).status_code == 303
    assert browser(PASSWORD).csrf == ""  # type: ignore[attr-defined]
    assert browser(PASSWORD, code).csrf == ""  # type: ignore[attr-defined]  # it proved the phone, and is used up
    assert send(lee, "/account/second-factor/remove", current=PASSWORD).status_code == 303
    new = "another password altogether"
    assert send(lee, "/account/password", current=PASSWORD, password="lee", again="lee").status_code == 400
    assert send(lee, "/account/password", current=PASSWORD, password=new, again=f"{new}?").status_code == 400
    assert send(lee, "/account/password", current=PASSWORD, password=new, again=new).status_code == 303
    assert lee.get("/account").headers["location"] == "/sign-in"
    assert browser(PASSWORD).csrf == ""  # type: ignore[attr-defined]
    assert browser(new).csrf != ""  # type: ignore[attr-defined]


def test_a_request_to_delete_is_carried_out_or_refused_for_a_reason(house: House) -> None:
    def ask(person: str) -> str:
        return house.service.register.write(lambda c: ask_deletion(c, 0.0, person)).id

    admin = house.browser(Role.ADMIN)
    assert "Nobody waits" in admin.get("/admin/deletions").text
    first, second = ask(OWN), ask("synthetic-p2")
    page = admin.get("/admin/deletions").text
    assert first in page
    assert "P. 1" not in page
    assert send(admin, f"/admin/deletions/{first}/refused", reason="because").status_code == 400
    assert send(admin, "/admin/deletions/nobody/refused", reason="law").status_code == 400
    assert send(admin, "/admin/deletions/nobody/done").status_code == 400
    assert send(admin, f"/admin/deletions/{second}/refused", reason="law").status_code == 303
    assert send(admin, f"/admin/deletions/{second}/done").status_code == 400
    assert send(admin, f"/admin/deletions/{first}/done").status_code == 303
    page = admin.get("/admin/deletions").text
    assert OWN not in page
    assert "refused: A law says that it must be kept for now." in page
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}").status_code == 404
    with house.service.register.read() as connection:
        assert connection.execute(select(s.courses.c.id).where(s.courses.c.person_id == OWN)).all() == []


def test_a_problem_is_told_in_the_readers_language(house: House) -> None:
    admin = house.browser(Role.ADMIN)
    taken = send(admin, "/admin/users", login="admin", name="Again")
    assert "This sign-in name is taken." in taken.text
    admin.headers["accept-language"] = "de"
    assert 'lang="de"' in send(admin, "/admin/users", login="admin", name="Again").text
