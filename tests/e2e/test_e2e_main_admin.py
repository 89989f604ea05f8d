"""An administrator's way in a real browser: an invitation that is taken up, a program with a key, a deletion."""

from __future__ import annotations

import httpx

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from fhir_assessments import response
from live_house import NORTH, OWN
from role_paths import PASSWORD, follow, heading, press, see, sign_in, window

pytestmark = needs_chromium


def test_somebody_is_invited_sets_a_password_and_sees_what_the_role_sees(desk: Desk) -> None:
    page = sign_in(desk, Role.ADMIN)
    page.get_by_label("Name", exact=True).fill("Nora New")
    page.get_by_label("Sign-in name").fill("nora")
    press(page, "Add")
    heading(page, "Nora New")
    press(page, "New link to set the password")
    heading(page, "Invitation")
    address = page.locator("code").inner_text()
    page.get_by_label("Role").select_option(label="Clinic manager")
    page.get_by_label("Organization", exact=True).select_option(NORTH)
    press(page, "Give this role")
    heading(page, "Clinic manager")
    keep(page, "main-admin-invited")

    guest = window(desk)
    guest.goto(address)
    guest.get_by_label("New password").fill(PASSWORD)
    guest.get_by_label("The same password again").fill(PASSWORD)
    press(guest, "Set the password")
    see(guest, "Your password is set. Sign in with it now.")
    again = sign_in(desk, Role.MANAGER, name="nora")
    again.get_by_role("link", name="Data health").wait_for()
    assert page.troubles + guest.troubles == []


def test_a_program_sends_a_score_with_its_key_and_the_log_says_so(desk: Desk) -> None:
    page = sign_in(desk, Role.ADMIN)
    follow(page, "Programs")
    page.get_by_label("Name", exact=True).fill("Record system")
    page.get_by_label("send scores").check()
    press(page, "Make a key")
    key = page.locator("code").first.inner_text()
    form = response([1] * 9, "from-the-record", patient=OWN, at="2026-10-05T09:00:00Z")
    sent = httpx.post(
        f"{desk.address}/fhir/QuestionnaireResponse",
        json=form,
        headers={"authorization": f"Bearer {key}", "content-type": "application/fhir+json"},
        timeout=30,
    )
    assert sent.status_code == 201, sent.text
    keep(page, "main-admin-programs")
    follow(page, "Log")
    line = page.get_by_role("row", name="Record system").first
    line.wait_for()
    assert OWN in line.inner_text()
    assert "wrote something down" in line.inner_text()
    keep(page, "main-admin-log")
    assert page.troubles == []


def test_a_deletion_that_was_asked_for_is_carried_out(desk: Desk) -> None:
    person = sign_in(desk, Role.PATIENT)
    follow(person, "My data")
    person.get_by_text("I want my data to be deleted").click()
    press(person, "Ask for deletion")
    heading(person, "Receipt")

    page = sign_in(desk, Role.ADMIN)
    follow(page, "Deletions")
    see(page, OWN)
    page.get_by_text("Carry it out").click()
    press(page, "Remove it now")
    see(page, "Nobody waits for an answer.")
    see(page, "carried out")
    keep(page, "main-admin-deleted")
    person.goto("/my")
    assert "Your last score" not in person.locator("body").inner_text()
    assert page.troubles == []
