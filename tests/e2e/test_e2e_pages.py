"""Every page of every role, found from the routes of the application: a new page is looked at without being named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from benchwell.register import Role
from benchwell.web.access import ACCESS
from benchwell.web.choices import LANGUAGE
from benchwell.web.guard import COOKIE
from benchwell.web.routes import ALL_ROUTES
from browser import Desk, check_page, keep, look_over, needs_chromium, settle
from live_house import OWN, House

pytestmark = needs_chromium

# What stands in an address: one that exists in the clinic of these tests.
VALUES: dict[str, Callable[[House], str]] = {
    "person_id": lambda house: OWN,
    "course_id": lambda house: "course-1",
    "instrument": lambda house: "phq-9",
    "token": lambda house: "an-unknown-link",  # tests of sign-in follow links that hold; here it is the refusal's turn
}
STREAMS = ("/stream",)  # these never end; the tests of news hear them


def pages() -> list[tuple[str, str]]:
    """Role and path of every page, in the order in which people come to it."""
    found = []
    for routes in ALL_ROUTES:
        for route in routes.router.routes:
            if "GET" in route.methods and not route.path.startswith(("/api", "/fhir", "/static", *STREAMS)):
                roles = getattr(route.endpoint, ACCESS).roles - {Role.CLIENT}
                found += [(role.value, route.path) for role in sorted(roles)]
    return sorted(set(found))


@pytest.mark.parametrize(("role", "path"), pages())
def test_no_page_has_a_barrier_an_error_or_a_request_elsewhere(desk: Desk, role: str, path: str) -> None:
    address = _address(desk.house, path)
    kind = _kind(desk, Role(role), address)
    if not kind.startswith("text/html"):
        return  # a file to keep, or a way to another page, which is looked at there
    page = desk.window(Role(role))
    answer = page.goto(address)
    if "{token}" in path:
        assert answer.status in (200, 400, 403, 404)
        page.troubles.clear()  # the browser's own line about the status
    else:
        assert answer.status == 200, page.inner_text("main")
    name = f"{role}{path}"
    check_page(page, name)
    if "{token}" not in path:
        _speaks_german(page, address, name)


def _speaks_german(page: Any, address: str, name: str) -> None:
    page.context.add_cookies([{"name": LANGUAGE, "value": "de", "url": page.url}])
    page.goto(address)
    settle(page)
    assert page.evaluate("document.documentElement.lang") == "de"
    keep(page, f"{name}-phone-german")
    assert page.troubles + look_over(page) == []


def _address(house: House, path: str) -> str:
    for part in path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}").split(":")[0]
            assert name in VALUES, f"{path}: say in VALUES of this test what stands for {name}"
            path = path.replace(part, VALUES[name](house))
    return path


def _kind(desk: Desk, role: Role, address: str) -> str:
    cookies = {} if role is Role.PUBLIC else {COOKIE: desk.house.browser(role).cookies[COOKIE]}
    with (
        httpx.Client(base_url=desk.address, cookies=cookies, timeout=30) as client,
        client.stream("GET", address) as answer,
    ):
        assert answer.status_code < 500, f"{role} {address} answers {answer.status_code}"
        return "" if answer.is_redirect else answer.headers.get("content-type", "")
