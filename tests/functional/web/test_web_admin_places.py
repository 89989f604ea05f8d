"""From an empty register to a clinician who can sign in, by an administrator's pages alone."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from benchwell.pipeline.live.first_admin import first_admin_link, first_steps
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.workspace import Workspace
from benchwell.register import Register, Role
from benchwell.register import schema as s
from benchwell.register.flowing import waiting
from benchwell.web import create_app
from live_house import NORTH, SOUTH, House, live_house

PASSWORD = "four words far apart"


def send(browser: TestClient, path: str, **fields: str) -> str:
    """Post a form as the page that holds it would; returns where it leads, or what it says."""
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/admin/places").text)
    assert csrf is not None
    answer = browser.post(path, data={"csrf": csrf[1]} | fields)
    return answer.headers.get("location") or html.unescape(answer.text)


def test_a_new_administrator_is_told_what_to_do_until_it_is_done(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "workspace")
    service = LiveService(workspace, Register.in_file(tmp_path / "register.db"))
    try:
        browser = TestClient(create_app(service), follow_redirects=False)
        link = first_admin_link(service, "")
        assert link is not None
        typed = {"name": "Ada Min", "login": "ada", "password": PASSWORD, "again": PASSWORD}
        assert browser.post(link, data=typed).status_code == 200
        page = browser.get("/sign-in").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf is not None
        browser.post("/sign-in", data={"csrf": csrf[1], "login": "ada", "password": PASSWORD})
        page = browser.get("/admin").text
        for step in ("First steps", "Add an organization and its clinicians", "benchwell intake", "benchwell build"):
            assert step in page
        assert "There is no organization yet." in browser.get("/admin/places").text
        assert send(browser, "/admin/places/organizations", name="North Clinic", key="north") == "/admin/places"
        assert send(browser, "/admin/places/teams", name="Day team", organization="north") == "/admin/places"
        assert send(browser, "/admin/places/clinicians", name="C. Linician", organization="north") == "/admin/places"
        assert [one.is_done for one in first_steps(service)] == [True, False, False, False]
        where = send(browser, "/admin/users", name="C. Linician", login="cl")
        with service.register.read() as connection:
            treats = connection.execute(select(s.practitioners.c.id)).scalar_one()
            flowing = waiting(connection).rows
        refused = send(browser, f"{where}/grants", role="clinician", organization="north")
        assert "This role also needs: a clinician." in refused
        assert '<option value="clinician" selected>' in refused  # what was chosen is not asked for again
        assert '<option value="north" selected>' in refused
        send(browser, f"{where}/grants", role="clinician", organization="north", practitioner=treats)
        assert "Clinician" in browser.get(where).text
        assert [one.is_done for one in first_steps(service)] == [True, True, False, False]
        # The lake learns of the place, and no name of a clinician.
        assert flowing["organizations"] == [{"id": "north", "part_of": None, "name": "North Clinic"}]
        assert flowing["practitioners"] == [{"id": treats, "organization_id": "north"}]
    finally:
        service.close()


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("organizations", {"name": " "}, "A name is needed"),
        ("organizations", {"name": "N" * 200}, "A name is needed"),
        ("organizations", {"name": "N", "key": "../etc"}, "This key cannot be used."),
        ("organizations", {"name": "N", "key": NORTH}, "This key is taken."),
        ("teams", {"name": "N", "organization": "none"}, "Choose one that is in the list."),
        ("clinicians", {"name": "N", "organization": SOUTH, "team": "t1"}, "belongs to another organization"),
        ("clinicians", {"name": "N", "organization": NORTH, "key": "c1"}, "This key is taken."),
        ("names", {"name": "N", "place": "user:admin"}, "Choose what gets the name."),
        ("names", {"name": "N", "place": "team:none"}, "Choose one that is in the list."),
    ],
)
def test_what_cannot_be_added_is_said_and_changes_nothing(
    tmp_path: Path, path: str, fields: dict[str, str], said: str
) -> None:
    with live_house(tmp_path) as house:
        before = state(house)
        assert said in send(house.browser(Role.ADMIN), f"/admin/places/{path}", **fields)
        assert state(house) == before


def test_a_clinician_gets_a_name_and_a_team(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        admin = house.browser(Role.ADMIN)
        send(admin, "/admin/places/clinicians", name="New One", organization=NORTH, team="t1", key="n-1")
        send(admin, "/admin/places/names", place="practitioner:n-1", name="  Another   Name ")
        with house.service.register.read() as connection:
            (found,) = connection.execute(select(s.practitioners).where(s.practitioners.c.id == "n-1")).all()
        assert (found.name, found.team_id, found.organization_id) == ("Another Name", "t1", NORTH)
        page = admin.get("/admin/places").text
        assert "Day team" in page
        assert "Clinician: Another Name" in page


def state(house: House) -> list[object]:
    """Every row that the page could change."""
    with house.service.register.read() as connection:
        return [connection.execute(select(table)).all() for table in (s.organizations, s.teams, s.practitioners)]
