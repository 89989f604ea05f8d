"""A person's own way in a real browser, on a phone: the course, purposes and receipts, files to keep, deletion."""

from __future__ import annotations

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, sign_in, taken, window

pytestmark = needs_chromium


def test_a_person_reads_the_own_course_decides_and_takes_everything_along(desk: Desk) -> None:
    page = sign_in(desk, Role.PATIENT, size="phone")
    heading(page, "My course")
    see(page, "Your last score was 12")
    see(page, "A lower number is better")
    page.locator("figure.chart svg").first.wait_for()
    keep(page, "main-patient-course")

    follow(page, "My data")
    purpose = page.locator("section.card", has=page.get_by_role("heading", name="Helping the clinic learn"))
    purpose.get_by_role("button", name="No").click()
    heading(page, "Receipt for your decision")
    see(page, "You said no to: Helping the clinic learn.")
    assert taken(page, "Receipt to keep or print (PDF)").startswith(b"%PDF-")
    keep(page, "main-patient-receipt")
    follow(page, "Back to my data")
    assert purpose.get_by_role("button", name="No").get_attribute("aria-pressed") == "true"

    assert b'"18"' in (held := taken(page, "For another program (JSON)")) or b"18" in held
    assert taken(page, "As tables, for a spreadsheet").startswith(b"PK")
    assert taken(page, "To read and print (PDF)").startswith(b"%PDF-")

    page.get_by_text("I want my data to be deleted").click()
    press(page, "Ask for deletion")
    heading(page, "Receipt")
    follow(page, "Back to my data")
    see(page, "Where it stands: asked for")
    keep(page, "main-patient-data")
    press(page, "Keep my data after all")
    see(page, "not done, since you no longer ask for it")
    assert page.troubles == []


def test_a_link_from_the_clinician_opens_the_own_page_without_a_password(desk: Desk) -> None:
    clinician = sign_in(desk, Role.CLINICIAN)
    follow(clinician, "People")
    follow(clinician, "P. 1")
    follow(clinician, "Let the person see their own page")
    press(clinician, "Make a link")
    address = clinician.locator("code").inner_text()

    page = window(desk, size="phone", language="de")
    page.goto(address)
    page.locator("main").get_by_role("button").click()
    heading(page, "Mein Verlauf")
    see(page, "Ihr letzter Wert war 12")
    keep(page, "main-patient-by-link-german")
    page.goto(address)
    heading(page, "Das hat nicht geklappt")
