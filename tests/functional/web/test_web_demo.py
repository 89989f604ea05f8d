"""The demonstration is entered with one press, at its own machine; nothing else is ever entered so."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from benchwell.pipeline.live.demo_roles import MARK, ROLES
from benchwell.pipeline.workspace import Workspace
from benchwell.settings import FILE_NAME
from benchwell.web import create_app
from live_house import House, live_house

HERE = "http://127.0.0.1:8000"


def browser(
    house: House, *, is_demo: bool = True, mark: str = MARK, base: str = HERE, peer: str = "127.0.0.1"
) -> TestClient:
    """A browser in front of the same clinic, shown as a demonstration or not."""
    path = house.service.workspace.path
    settings = house.service.workspace.settings.model_copy(update={"id": mark})
    settings.save(path / FILE_NAME)
    service = replace(house.service, workspace=Workspace.open(path), is_demo=is_demo)
    return TestClient(create_app(service), base_url=base, client=(peer, 5000), follow_redirects=False)


def press(client: TestClient, role: str, **headers: str) -> int:
    page = client.get("/sign-in")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    return client.post("/demo/enter", data={"csrf": csrf[1], "role": role}, headers=headers).status_code


@pytest.mark.parametrize("role", [role.value for role, _sees in ROLES])
def test_one_press_opens_each_role_and_the_page_says_that_nobody_exists(tmp_path: Path, role: str) -> None:
    with live_house(tmp_path) as house:
        client = browser(house)
        page = client.get("/sign-in").text
        assert "Nobody in it exists" in page
        assert f'value="{role}"' in page
        assert press(client, role) == 303
        assert client.get("/").headers["location"] != "/sign-in"
        assert "Look around in another role" in client.get("/reading").text


@pytest.mark.parametrize(
    ("there", "headers"),
    [
        ({"is_demo": False}, {}),  # a service of one's own
        ({"mark": "my-network"}, {}),  # a workspace of one's own
        ({"peer": "192.0.2.7"}, {}),  # another machine
        ({"base": "http://demo.example"}, {}),  # a name that leads here
        ({}, {"x-forwarded-for": "192.0.2.7"}),  # a proxy on this machine
    ],
)
def test_nothing_else_is_entered_without_a_password(
    tmp_path: Path, there: dict[str, object], headers: dict[str, str]
) -> None:
    with live_house(tmp_path) as house:
        client = browser(house, **there)  # type: ignore[arg-type]
        assert press(client, "admin", **headers) == 404
        assert client.get("/").headers["location"] == "/sign-in"
        assert ("/demo/enter" in client.get("/sign-in", headers=headers).text) is False


def test_a_role_that_is_not_offered_and_a_form_of_another_site_open_nothing(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        client = browser(house)
        assert press(client, "client") == 404
        assert client.post("/demo/enter", data={"role": "admin"}).status_code == 403
        assert press(client, "admin", **{"sec-fetch-site": "cross-site"}) == 403
