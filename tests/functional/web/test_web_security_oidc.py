"""The organization's own sign-in, against a real provider that keeps the rules or breaks one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select, update
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.accounts import add_account, add_grant, invite, set_disabled
from benchwell.settings import OidcSettings, ServiceSettings
from live_house import NORTH, House, live_house
from oidc_provider import CLIENT, SECRET, OidcProvider, oidc_provider


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("BENCHWELL_OIDC_SECRET", SECRET)
    with live_house(tmp_path) as made:
        service = ServiceSettings(oidc=OidcSettings(issuer=provider.issuer, client_id=CLIENT, name="North"))
        made.service.workspace.settings = made.service.workspace.settings.model_copy(update={"service": service})
        yield made


def stranger(house: House) -> TestClient:
    return TestClient(house.app, follow_redirects=False)


def there(client: TestClient, start: str = "/oidc") -> str:
    """To the provider; returns the address that it sends the browser back to."""
    sent = client.get(start)
    assert sent.status_code == 303
    address = sent.headers["location"]
    return httpx.get(address).headers["location"].removeprefix("http://testserver")


def known(house: House, subject: str, issuer: str) -> None:
    def add(connection):
        made = add_account(connection, 0, "kim", "Kim")
        add_grant(connection, made, Role.MANAGER, organization_id=NORTH)
        connection.execute(update(s.users).where(s.users.c.id == made).values(issuer=issuer, subject=subject))

    house.service.register.write(add)


def test_the_sign_in_page_leads_to_the_provider(house: House) -> None:
    assert "Sign in with North" in stranger(house).get("/sign-in").text


def test_somebody_known_comes_in(house: House, provider: OidcProvider) -> None:
    known(house, provider.subject, provider.issuer)
    client = stranger(house)
    answer = client.get(there(client))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/").headers["location"] == "/service"


def test_somebody_new_gets_an_account_that_sees_nothing(house: House, provider: OidcProvider) -> None:
    for _ in range(2):
        client = stranger(house)
        assert client.get(there(client)).status_code == 403
        assert client.get("/").headers["location"] == "/sign-in"
    with house.service.register.read() as connection:
        found = connection.execute(select(s.users).where(s.users.c.subject == provider.subject)).all()
        granted = connection.execute(select(s.grants).where(s.grants.c.user_id == found[0].id)).all()
    assert [row.name for row in found] == ["Kim at the provider"]
    assert granted == []


def test_an_invitation_joins_an_account_once(house: House, provider: OidcProvider) -> None:
    def add(connection):
        made = add_account(connection, 0, "lee", "Lee")
        add_grant(connection, made, Role.MANAGER, organization_id=NORTH)
        return invite(connection, time.time(), made)

    token = house.service.register.write(add)
    client = stranger(house)
    assert f"/oidc/join/{token}" in client.get(f"/invitation/{token}").text
    assert client.get(there(client, f"/oidc/join/{token}")).headers["location"] == "/"
    assert client.get("/").headers["location"] == "/service"
    assert stranger(house).get(f"/oidc/join/{token}").status_code == 404
    again = stranger(house)
    assert again.get(there(again)).headers["location"] == "/"


def test_an_account_that_is_shut_out_stays_out(house: House, provider: OidcProvider) -> None:
    known(house, provider.subject, provider.issuer)
    with house.service.register.read() as connection:
        kim = connection.execute(select(s.users.c.id).where(s.users.c.login == "kim")).scalar_one()
    house.service.register.write(lambda c: set_disabled(c, kim, True))
    client = stranger(house)
    assert client.get(there(client)).status_code == 403


@pytest.mark.parametrize("fault", ["nonce", "expired", "audience", "none", "hmac", "key"])
def test_a_token_that_breaks_a_rule_opens_nothing(house: House, provider: OidcProvider, fault: str) -> None:
    known(house, provider.subject, provider.issuer)
    provider.fault = fault
    client = stranger(house)
    assert client.get(there(client)).status_code == 403
    assert client.get("/").headers["location"] == "/sign-in"
    with house.service.register.read() as connection:
        assert connection.execute(select(s.audit).where(s.audit.c.action == "sign_in_failed")).all()


@pytest.mark.parametrize("fault", ["issuer", "silent"])
def test_a_provider_that_answers_oddly_is_said_to(house: House, provider: OidcProvider, fault: str) -> None:
    client = stranger(house)
    if fault == "issuer":
        provider.fault = fault
        assert client.get("/oidc").status_code == 503
        return
    back = there(client)
    provider.fault = fault
    assert client.get(back).status_code in (403, 503)


def test_a_state_works_once_and_only_in_its_own_browser(house: House, provider: OidcProvider) -> None:
    known(house, provider.subject, provider.issuer)
    victim, other = stranger(house), stranger(house)
    back = there(victim)
    there(other)
    assert other.get(back).status_code == 403  # another browser's
    assert victim.get(back).status_code == 403  # and now used up
    state = parse_qs(urlsplit(there(victim)).query)["state"][0]
    assert victim.get(f"/oidc/back?code=guessed&state={state}").status_code == 403
    assert victim.get("/oidc/back?code=x&state=guessed").status_code == 403
    assert victim.get("/oidc/back").status_code == 403


def test_an_answer_in_the_name_of_another_issuer_is_refused(house: House, provider: OidcProvider) -> None:
    known(house, provider.subject, provider.issuer)
    client = stranger(house)
    back = there(client)
    parts = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    assert client.get("/oidc/back", params=parts | {"iss": "https://elsewhere.example"}).status_code == 403


def test_new_keys_of_the_provider_are_fetched(house: House, provider: OidcProvider) -> None:
    known(house, provider.subject, provider.issuer)
    first = stranger(house)
    first.get(there(first))
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    second = stranger(house)
    assert second.get(there(second)).status_code == 303


def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path) -> None:
    with live_house(tmp_path) as bare:
        assert [stranger(bare).get(path).status_code for path in ("/oidc", "/oidc/back")] == [404, 403]
        assert "Or with a name" not in stranger(bare).get("/sign-in").text


def test_the_environment_can_name_the_provider(
    tmp_path: Path, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHWELL_OIDC_ISSUER", provider.issuer)
    monkeypatch.setenv("BENCHWELL_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("BENCHWELL_OIDC_SECRET", SECRET)
    with live_house(tmp_path) as bare:
        known(bare, provider.subject, provider.issuer)
        client = stranger(bare)
        assert client.get(there(client)).status_code == 303
