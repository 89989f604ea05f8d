"""Odd requests are answered calmly, and neither the log nor an answer ever says of whom or what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register.clients import add_client, set_client_disabled
from benchwell.web import create_app
from benchwell.web.access import ANYONE, only, to_person
from benchwell.web.limits import PROGRAM, Limits
from benchwell.web.routing import Routes
from benchwell.web.visit import Here
from live_house import OTHER, OWN, House, live_house

CANARY = "canary-7f3a"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    extra = Routes()

    @extra.get("/test/breaks/{person_id}", to_person(Role.CLINICIAN))
    def breaks(visit: Here, person_id: str) -> None:
        raise KeyError(f"{CANARY} of {person_id}") from ValueError(CANARY)

    @extra.post("/test/form", only(Role.CLINICIAN))
    def form(visit: Here) -> str:
        return "sent"

    @extra.get("/api/test", only(Role.CLIENT, scope="editions.read"))
    def program(visit: Here) -> str:
        return visit.viewer.name

    @extra.post("/api/test", only(Role.CLIENT, Role.CLINICIAN))
    async def program_posts(visit: Here) -> int:
        return len(await visit.request.body())

    @extra.get("/test/open", ANYONE)
    def opens(visit: Here) -> str:
        return visit.address

    monkeypatch.setattr("benchwell.web.app.ALL_ROUTES", (*_routes(), extra))
    with live_house(tmp_path) as made:
        yield made


def _routes() -> tuple[Routes, ...]:
    from benchwell.web.routes import ALL_ROUTES

    return ALL_ROUTES


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/\u00fc\U0001f600", 404),
        ("GET", "/%ff%fe", 404),
        ("GET", "/a%00b", 400),
        ("GET", "/sign-in?x=%00", 400),
        ("GET", "/" + "a" * 5000, 414),
        ("DELETE", "/sign-in", 405),
        ("PATCH", "/", 405),
        ("HEAD", "/sign-in", 200),
        ("HEAD", "/nothing/here", 404),
    ],
    ids=[f"request-{n}" for n in range(13)],
)
def test_odd_requests_have_plain_answers(house: House, method: str, address: str, status: int) -> None:
    answer = house.browser(Role.PUBLIC).request(method, address)
    assert answer.status_code == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (answer.text == "") is (method == "HEAD")
    if method != "HEAD":
        assert "<main" in answer.text


def test_bodies_have_a_limit_whether_or_not_they_say_how_long_they_are(house: House) -> None:
    client = house.browser(Role.PUBLIC)
    assert client.post("/sign-in", content=b"x" * 5_300_000).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(6):
            yield b"login=" + b"x" * 1_000_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/sign-in", content=pieces(), headers=kind).status_code == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"login=%ff%fe&csrf=\xff"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"login=a"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        (
            "multipart/form-data; boundary=x; charset=nonsense",
            b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb',
        ),
        ("application/json", b"\xff\xfe{"),
        ("nonsense", b"\x00"),
    ],
    ids=[f"body-{n}" for n in range(7)],
)
def test_broken_bodies_are_refused_without_breaking(house: House, kind: str, body: bytes) -> None:
    for path in ("/sign-in", "/test/form"):
        answer = house.browser(Role.CLINICIAN).post(path, content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500


def test_a_form_with_the_character_zero_is_refused(house: House) -> None:
    client = house.browser(Role.CLINICIAN)
    sent = {"csrf": client.csrf, "note": ["a", "b\x00", "c"]}  # type: ignore[attr-defined]
    assert client.post("/test/form", data=sent).status_code == 400


def test_an_unforeseen_error_says_a_number_and_its_place(
    house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = house.browser(Role.CLINICIAN).get(f"/test/breaks/{OWN}?token={CANARY}")
    assert answer.status_code == 500
    number = answer.text.partition("number: ")[2][:8]
    assert any(number in line and "KeyError at" in line and "ValueError" in line for line in caplog.messages)
    told = "\n".join([*_ours(caplog), *capfd.readouterr(), answer.text])
    assert CANARY not in told
    assert OWN not in told
    assert "/test/breaks/{person_id}" in told


def test_the_log_has_patterns_and_never_ids_or_what_was_sent(
    house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    client = house.browser(Role.CLINICIAN)
    for address in (f"/nothing/{CANARY}", f"/test/breaks/{OTHER}?q={CANARY}", f"/invitation/{CANARY}", f"/{CANARY}"):
        client.get(address)
        client.post(address, data={"csrf": client.csrf, "note": CANARY})  # type: ignore[attr-defined]
    client.post("/sign-in", data={"csrf": client.csrf, "login": CANARY, "password": CANARY})  # type: ignore[attr-defined]
    told = "\n".join([*_ours(caplog), *capfd.readouterr()])
    assert "/invitation/{token} 404" in told
    assert CANARY not in told
    assert OTHER not in told
    assert client.cookies["benchwell_session"] not in told


def _ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Every line but those of the test's own browser, which writes down what it asks."""
    return [f"{one.getMessage()} {one.exc_text or ''}" for one in caplog.records if not one.name.startswith("http")]


def test_a_program_comes_with_a_key_and_without_a_cookie(house: House) -> None:
    client_id, key = house.service.register.write(lambda c: add_client(c, 0, "Records", ["editions.read"]))
    _other, scores = house.service.register.write(lambda c: add_client(c, 0, "Scores", ["scores.write"]))
    asks = TestClient(house.app)

    def get(secret: str) -> int:
        return asks.get("/api/test", headers={"authorization": f"Bearer {secret}"}).status_code

    assert [get(key), get(scores), get("no such key"), asks.get("/api/test").status_code] == [200, 403, 401, 401]
    unknown = asks.get("/api/test", headers={"authorization": "Basic eDp5"})
    assert unknown.headers["www-authenticate"].startswith("Bearer")
    # A key needs no form's mark; and a browser's cookie does not help a key that nobody has.
    assert asks.post("/api/test", headers={"authorization": f"Bearer {key}"}, content=b"abc").json() == 3
    signed_in = house.browser(Role.CLINICIAN)
    assert signed_in.post("/api/test", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert signed_in.post("/api/test").status_code == 403
    house.service.register.write(lambda c: set_client_disabled(c, client_id, True))
    assert get(key) == 401


def test_a_program_may_ask_a_thousand_times_a_second(house: House) -> None:
    _id, key = house.service.register.write(lambda c: add_client(c, 0, "Records", ["editions.read"]))
    with TestClient(house.app, headers={"authorization": f"Bearer {key}"}) as client:
        assert {client.get("/api/test").status_code for _ in range(200)} == {200}
    now = 0.0
    limits = Limits(clock=lambda: now)
    for second in range(10):
        now = float(second)
        assert sum(limits.wait("program", "one", PROGRAM) for _ in range(1000)) == 0
    assert sum(limits.wait("program", "one", PROGRAM) > 0 for _ in range(10_000)) > 0


def test_guessing_keys_is_slowed_down(house: House) -> None:
    client = TestClient(house.app, headers={"authorization": "Bearer wrong"})
    answers = [client.get("/api/test") for _ in range(40)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_floods_of_forms_are_slowed_down(house: House) -> None:
    client = house.browser(Role.CLINICIAN)
    answers = {client.post("/test/form", data={"csrf": client.csrf}).status_code for _ in range(200)}  # type: ignore[attr-defined]
    assert answers == {200, 429}


def test_proxies_are_believed_only_where_the_settings_say_so(house: House, tmp_path: Path) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9, 198.51.100.7, 10.1.1.1"}
    near = TestClient(house.app, client=("10.0.0.1", 5000))
    assert near.get("/test/open", headers=forwarded).json() == "10.0.0.1"
    workspace = house.service.workspace
    service = workspace.settings.service.model_validate({"trusted_proxy": ["10.0.0.0/8"]})
    workspace.settings = workspace.settings.model_copy(update={"service": service})
    app = create_app(house.service)
    assert TestClient(app, client=("10.0.0.1", 5000)).get("/test/open", headers=forwarded).json() == "198.51.100.7"
    assert TestClient(app, client=("192.0.2.1", 5000)).get("/test/open", headers=forwarded).json() == "192.0.2.1"
    assert TestClient(app, client=("10.0.0.1", 5000)).get("/test/open").json() == "10.0.0.1"


def test_https_makes_cookies_that_no_neighbour_can_set(house: House) -> None:
    workspace = house.service.workspace
    service = workspace.settings.service.model_validate({"base_url": "https://scores.example"})
    workspace.settings = workspace.settings.model_copy(update={"service": service})
    cookie = (
        TestClient(create_app(house.service), base_url="https://scores.example").get("/sign-in").headers["set-cookie"]
    )
    assert cookie.startswith("__Host-benchwell_form=")
    assert "secure" in cookie.lower()
