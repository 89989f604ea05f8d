"""Every page, found from the routes of the application: a new page is looked at without being named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from benchwell.pipeline.live.sample import sample_edition
from benchwell.register import Role
from benchwell.web.access import ACCESS
from benchwell.web.choices import LANGUAGE
from benchwell.web.guard import COOKIE
from benchwell.web.routes import ALL_ROUTES
from browser import Desk, check_page, keep, look_over, needs_chromium, served, settle
from live_edition import RESPONSE, with_edition
from live_house import OWN, House, add_scores, live_house
from live_pages import a_decision, a_deletion

pytestmark = needs_chromium

# What stands in an address: one that exists in the clinic of these tests.
VALUES: dict[str, Callable[[House], str]] = {
    "person_id": lambda house: OWN,
    "course_id": lambda house: "course-1",
    "user_id": lambda house: "clinician",
    "instrument": lambda house: "phq-9",
    "measure": lambda house: RESPONSE,
    "kind": lambda house: "measure",
    "declaration": lambda house: RESPONSE,
    "edition": lambda house: sample_edition().id,
    "table": lambda house: "benchmarks",
    "form": lambda house: "csv",
    "decision_id": a_decision,
    "deletion_id": a_deletion,
}
# What only a person who was given it knows: here it is the refusal's turn to be a page like any other. Links that hold
# are followed by the tests of sign-in, forms and deletions.
UNKNOWN = ("token", "experiment_id")
# Without an identity provider, and without an instrument, there is nothing at these: the refusal is looked at.
REFUSES = ("/oidc", "/oidc/back", "/people/{person_id}/enter")
STREAMS = ("/stream",)  # these never end; the tests of news hear them

# Who looks at a page that several roles see: whoever sees most of it.
LOOKS = (Role.PATIENT, Role.CLINICIAN, Role.MANAGER, Role.ANALYST, Role.LEAD, Role.PAYER, Role.ADMIN, Role.PUBLIC)


def pages() -> list[tuple[str, str]]:
    """Each path with one role that may see it; what the other roles get is asked by the matrix and the German walk."""
    found: dict[str, str] = {}
    for routes in ALL_ROUTES:
        for route in routes.router.routes:
            if "GET" in route.methods and not route.path.startswith(("/api", "/fhir", "/static", *STREAMS)):
                roles = getattr(route.endpoint, ACCESS).roles - {Role.CLIENT}
                found[route.path] = min(roles, key=LOOKS.index).value
    return [(role, path) for path, role in sorted(found.items())]


@pytest.fixture(scope="module")
def served_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The clinic with an edition and the scores of one person."""
    with live_house(tmp_path_factory.mktemp("house")) as house:
        with_edition(house)
        scores = [("2026-06-01", 18.0), ("2026-07-01", 15.0), ("2026-08-01", 14.0), ("2026-09-01", 9.0)]
        add_scores(house, OWN, "course-1", "phq-9", scores)
        with served(house.app) as address:
            yield house, address


@pytest.mark.parametrize(("role", "path"), pages())
def test_no_page_has_a_barrier_an_error_or_a_request_elsewhere(desk: Desk, role: str, path: str) -> None:
    address = _address(desk.house, path)
    status, kind = _answer(desk, Role(role), address)
    if not kind.startswith("text/html"):
        return  # a file to keep, or a way to another page, which is looked at there
    may_refuse = path in REFUSES or any(f"{{{name}}}" in path for name in UNKNOWN)
    assert status == 200 or (may_refuse and status in (400, 403, 404)), f"{role} {address} answers {status}"
    page = desk.window(Role(role))
    page.goto(address)
    if status != 200:
        page.troubles.clear()  # the browser's own line about the status
    check_page(page, f"{role}{path}")
    if status == 200:
        _speaks_german(page, address, f"{role}{path}")


def _speaks_german(page: Any, address: str, name: str) -> None:
    page.context.add_cookies([{"name": LANGUAGE, "value": "de", "url": page.url}])
    page.goto(address)
    settle(page)
    assert page.evaluate("document.documentElement.lang") == "de"
    keep(page, f"{name}-phone-german")
    assert page.troubles + look_over(page) == []


def _address(house: House, path: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name in UNKNOWN:
            return "nobody-knows-this"
        assert name in VALUES, f"{path}: say in VALUES or UNKNOWN of this test what stands for {name}"
        return VALUES[name](house)

    return re.sub(r"\{([a-z_]+)(?::[a-z]+)?\}", value, path)


def _answer(desk: Desk, role: Role, address: str) -> tuple[int, str]:
    cookies = {} if role is Role.PUBLIC else {COOKIE: desk.house.browser(role).cookies[COOKIE]}
    client = httpx.Client(base_url=desk.address, cookies=cookies, timeout=30)
    with client, client.stream("GET", address) as answer:
        kind = "" if answer.is_redirect else answer.headers.get("content-type", "")
        assert answer.status_code < 500, f"{role} {address} answers {answer.status_code}"
        if kind.startswith("text/html") and not answer.read().lstrip().lower().startswith(b"<!doctype"):
            kind = ""  # a part that a page loads by itself
        return answer.status_code, kind
