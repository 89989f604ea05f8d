"""Accounts, sessions, links, pauses, codes and keys hold on both databases, also when many come at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import insert, select, update

from benchwell.errors import AccessError
from benchwell.register import Register, Role
from benchwell.register import schema as s
from benchwell.register.accounts import (
    account_of,
    accounts,
    add_account,
    add_grant,
    has_admin,
    join_provider,
    remove_grant,
    set_disabled,
    set_second_factor,
)
from benchwell.register.audit import log_refusal
from benchwell.register.clients import add_client, find_client
from benchwell.register.departures import LASTS as AWAY
from benchwell.register.departures import arrive, depart
from benchwell.register.links import find_link, make_link, open_links, revoke_link, use_link
from benchwell.register.lockout import FREE, begin_attempt, forgive, pause
from benchwell.register.passwords import HASHER, check_rules, hash_password, is_right
from benchwell.register.scope import reaches_person
from benchwell.register.second_factor import step_of, use_code
from benchwell.register.sessions import IDLE, LASTS, LINK_LASTS, find_session, open_session, touch
from benchwell.register.signing_in import knows_password, sign_in, switch_role
from benchwell.register.viewer import PUBLIC, Viewer

PASSWORD = "quiet river under stones"


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    with Register(register_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


def find(register: Register, token: str, now: float) -> Any:
    with register.read() as connection:
        return find_session(connection, token, now)


def account(register: Register, hashed: str | None = None, *, role: Role = Role.ANALYST) -> str:
    def add(connection: Any) -> str:
        made = add_account(connection, 0, "kim", "Kim", hashed=hashed)
        add_grant(connection, made, role)
        return made

    return register.write(add)


def grant_of(register: Register, user_id: str) -> str:
    with register.read() as connection:
        return connection.execute(select(s.grants.c.id).where(s.grants.c.user_id == user_id)).scalar_one()


def test_a_session_ends_by_age_and_by_rest(register: Register) -> None:
    kim = account(register)
    token = register.write(lambda c: open_session(c, 0, user_id=kim, grant_id=grant_of(register, kim)))
    session = find(register, token, 10)
    assert (session.viewer.role, session.viewer.user_id) == (Role.ANALYST, kim)
    assert find(register, token, IDLE + 1) is None
    for hour in range(1, 12):
        register.write(lambda c, now=hour * 3600: touch(c, session.token, now))
        assert find(register, token, hour * 3600 + IDLE - 1) is not None or hour * 3600 + IDLE >= LASTS
    assert find(register, token, LASTS + 1) is None
    assert (
        find(
            register,
            token,
            11.5 * 3600,
        )
        is not None
    )
    with register.read() as connection:
        assert find_session(connection, token, 11.5 * 3600, idle=60) is None


def test_a_person_who_came_by_a_link_stays_an_hour(register: Register) -> None:
    token = register.write(lambda c: open_session(c, 0, person_id="p1"))
    assert find(register, token, 10).viewer == Viewer(Role.PATIENT, person_id="p1")
    assert find(register, token, LINK_LASTS + 1) is None


def test_a_session_ends_with_its_role_and_its_account(register: Register) -> None:
    kim = account(register)
    grant = grant_of(register, kim)
    token = register.write(lambda c: open_session(c, 0, user_id=kim, grant_id=grant))
    register.write(lambda c: set_disabled(c, kim, True))
    assert find(register, token, 1) is None
    register.write(lambda c: set_disabled(c, kim, False))
    token = register.write(lambda c: open_session(c, 0, user_id=kim, grant_id=grant))
    register.write(lambda c: remove_grant(c, grant))
    assert find(register, token, 1) is None
    assert register.write(lambda c: switch_role(c, 1, kim, grant)) is None


def test_guesses_that_come_at_once_each_count(register: Register) -> None:
    with ThreadPoolExecutor(8) as many:
        waits = list(many.map(lambda _: register.write(lambda c: begin_attempt(c, 1000.0, "kim")), range(40)))
    assert sum(wait == 0 for wait in waits) == FREE
    assert max(waits) > 0


def test_pauses_grow_and_are_forgotten(register: Register) -> None:
    def attempt(now: float) -> float:
        return register.write(lambda c: begin_attempt(c, now, " KIM "))

    assert [attempt(now) for now in range(5)] == [0.0] * 5
    assert attempt(5) == pytest.approx(pause(5) - 1)
    assert attempt(40) == 0.0
    assert attempt(41) == pytest.approx(pause(6) - 1)
    register.write(lambda c: forgive(c, "kim"))
    assert attempt(42) == 0.0
    later = 42 + 90_000
    assert [attempt(later + n) for n in range(5)] == [0.0] * 5


def test_a_link_works_as_often_as_it_may_also_for_many_at_once(register: Register) -> None:
    token = register.write(lambda c: make_link(c, 0, "form", uses=3, person_id="p1", instruments=["phq-9"]))
    with register.read() as connection:
        link = find_link(connection, 1, "form", token)
        assert find_link(connection, 1, "kiosk", token) is None
        assert find_link(connection, 15 * 86400, "form", token) is None
    assert link is not None
    assert (link.person_id, link.instruments, link.uses_left) == ("p1", ("phq-9",), 3)
    with ThreadPoolExecutor(8) as many:
        used = list(many.map(lambda _: register.write(lambda c: use_link(c, 1, "form", token)), range(12)))
    assert sum(one is not None for one in used) == 3
    kiosk = register.write(lambda c: make_link(c, 0, "kiosk", uses=5))
    with register.read() as connection:
        held = open_links(connection, 1, "kiosk")
    register.write(lambda c: revoke_link(c, held[0].id, kind="kiosk"))
    assert register.write(lambda c: use_link(c, 1, "kiosk", kiosk)) is None


def test_a_departure_comes_back_once_in_time_and_in_its_own_browser(register: Register) -> None:
    def leave(invitation: str | None = None) -> Any:
        return register.write(lambda c: depart(c, 0, invitation=invitation))

    def back(one: Any, *, now: float = 1, browser: str | None = None, invitation: str | None = None) -> Any:
        return register.write(lambda c: arrive(c, now, one.state, browser or one.browser, invitation=invitation))

    one = leave()
    assert back(one) == one
    assert back(one) is None
    assert back(leave(), now=AWAY + 1) is None
    assert back(leave(), browser="another") is None
    assert back(leave("a token")) is None
    assert back(leave("a token"), invitation="another") is None
    assert back(leave("a token"), invitation="a token") is not None


def test_a_password_is_hashed_anew_when_the_parameters_have_changed(register: Register) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    kim = account(register, weak)
    found = sign_in(register, time.time(), "KIM", PASSWORD)
    assert found.token is not None
    with register.read() as connection:
        stored = connection.execute(select(s.users.c.password).where(s.users.c.id == kim)).scalar_one()
    assert stored != weak
    assert not HASHER.check_needs_rehash(stored)
    assert is_right(stored, PASSWORD)
    assert stored.startswith("$argon2id$")


def test_wrong_names_and_passwords_do_the_same_work(
    register: Register, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(register, hashed)
    verified = []
    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, h, p: verified.append(h[:30]) or real(self, h, p))
    wrong, unknown = (sign_in(register, 1.0, login, "not the password") for login in ("kim", "nobody"))
    assert wrong == unknown
    assert len(verified) == 2
    assert verified[0] == verified[1]  # the same kind and cost


def test_a_shut_out_account_and_one_without_roles_get_no_session(register: Register, hashed: str) -> None:
    kim = account(register, hashed)
    register.write(lambda c: set_disabled(c, kim, True))
    assert sign_in(register, 1.0, "kim", PASSWORD).is_known is False
    register.write(lambda c: set_disabled(c, kim, False))
    register.write(lambda c: remove_grant(c, grant_of(register, kim)))
    found = sign_in(register, 2.0, "kim", PASSWORD)
    assert (found.is_known, found.token) == (True, None)


def test_a_code_is_used_once_also_by_two_at_once(register: Register) -> None:
    kim, secret, now = account(register), pyotp.random_base32(), 1_700_000_000.0
    register.write(lambda c: set_second_factor(c, kim, secret))
    code = pyotp.TOTP(secret).at(int(now))
    with ThreadPoolExecutor(4) as many:
        used = list(many.map(lambda _: register.write(lambda c: use_code(c, kim, secret, code, now)), range(8)))
    assert sum(used) == 1
    assert not register.write(lambda c: use_code(c, kim, secret, pyotp.TOTP(secret).at(int(now) - 30), now))
    assert register.write(lambda c: use_code(c, kim, secret, pyotp.TOTP(secret).at(int(now) + 30), now))
    assert step_of(secret, pyotp.TOTP(secret).at(int(now) + 90), now) is None
    assert step_of("no secret", "123456", now) is None
    assert step_of(secret, "١٢٣٤٥٦", now) is None


def test_somebody_remains_who_can_administer(register: Register, hashed: str) -> None:
    kim = account(register, hashed, role=Role.ADMIN)
    with register.read() as connection:
        assert has_admin(connection)
    for work in (lambda c: set_disabled(c, kim, True), lambda c: remove_grant(c, grant_of(register, kim))):
        with pytest.raises(AccessError, match="remain"):
            register.write(work)
    with register.read() as connection:
        assert has_admin(connection)


def test_names_and_roles_have_rules(register: Register) -> None:
    kim = account(register)
    for login, name in (("kim", "Again"), ("  KIM ", "Again"), ("", "Lee"), ("lee", " "), ("x" * 129, "Lee")):
        with pytest.raises(AccessError):
            register.write(lambda c, login=login, name=name: add_account(c, 0, login, name))
    for role in (Role.PUBLIC, Role.CLIENT):
        with pytest.raises(AccessError):
            register.write(lambda c, role=role: add_grant(c, kim, role))
    with pytest.raises(AccessError, match="team"):
        register.write(lambda c: add_grant(c, kim, Role.LEAD, organization_id="north", team_id=" "))
    with register.read() as connection:
        assert [one.login for one in accounts(connection)] == ["kim"]


def test_passwords_have_rules() -> None:
    for password in ("short", "x" * 257, "Kim.Lee@North"):
        with pytest.raises(AccessError):
            check_rules(password, login="kim.lee@north")
    assert check_rules("correct horse battery", login="kim") is None


def test_one_person_at_the_provider_is_one_account(register: Register) -> None:
    kim = account(register)
    lee = register.write(lambda c: add_account(c, 0, "lee", "Lee"))
    register.write(lambda c: join_provider(c, kim, "https://issuer.example", "one"))
    for user, subject in ((lee, "one"), (kim, "two")):
        with pytest.raises(AccessError):
            register.write(lambda c, u=user, sub=subject: join_provider(c, u, "https://issuer.example", sub))
    with register.read() as connection:
        found = account_of(connection, kim)
    assert found is not None
    assert found.has_provider


def test_somebody_signed_in_must_know_the_password_to_change_it(register: Register, hashed: str) -> None:
    kim = account(register, hashed)
    assert knows_password(register, 1.0, kim, PASSWORD)
    assert not knows_password(register, 2.0, kim, "not the password")
    assert not knows_password(register, 3.0, "nobody", PASSWORD)


def test_a_key_reaches_its_organization_only(register: Register) -> None:
    def furnish(connection: Any) -> tuple[str, str]:
        for place, person in (("north", "p1"), ("south", "p2")):
            connection.execute(insert(s.organizations).values(id=place, origin="live"))
            connection.execute(insert(s.people).values(id=person, origin="live"))
            course = {"id": f"course-{person}", "person_id": person, "organization_id": place}
            connection.execute(insert(s.courses).values(origin="live", **course))
        one, everywhere = (add_client(connection, 0, "x", ["scores.read"], place)[1] for place in ("north", None))
        return one, everywhere

    keys = register.write(furnish)
    with register.read() as connection:
        north, everywhere = (find_client(connection, key) for key in keys)
        assert north is not None
        assert everywhere is not None
        reached = [[reaches_person(connection, who, person) for person in ("p1", "p2")] for who in (north, everywhere)]
        assert reached == [[True, False], [True, True]]
        assert not reaches_person(connection, Viewer(Role.CLIENT), "p1")
        assert not reaches_person(connection, PUBLIC, "p1")
        for role in (Role.LEAD, Role.MANAGER, Role.ANALYST, Role.PAYER, Role.ADMIN):
            assert not reaches_person(connection, Viewer(role, organization_id="north", team_id="t"), "p1")
    register.write(lambda c: c.execute(update(s.people).where(s.people.c.id == "p1").values(erased_at=1.0)))
    with register.read() as connection:
        assert not reaches_person(connection, north, "p1")


def test_a_refusal_names_nobody_who_does_not_exist(register: Register) -> None:
    register.write(lambda c: c.execute(insert(s.people).values(id="p1", origin="live")))
    for person in ("p1", "whatever was typed", None):
        register.write(lambda c, person=person: log_refusal(c, 1.0, Viewer(Role.LEAD, user_id="u"), "/x/{id}", person))
    with register.read() as connection:
        lines = connection.execute(select(s.audit.c.action, s.audit.c.person_id).order_by(s.audit.c.sequence)).all()
    assert lines == [("refuse", "p1"), ("refuse", None), ("refuse", None)]
