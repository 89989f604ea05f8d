"""A clinician's and a person's main paths, in a real browser against the real service."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import insert

from benchwell.register import Role
from benchwell.register import schema as s
from browser import Desk, check_page, chromium, desk, needs_chromium, served, settle, until  # noqa: F401
from live_house import OWN, House, add_scores, live_house

pytestmark = needs_chromium


@pytest.fixture
def served_house(tmp_path: Path) -> Iterator[tuple[House, str]]:
    """A clinic for one test: which questionnaire is offered first follows from what was entered before."""
    with live_house(tmp_path) as house, served(house.app) as address:
        yield house, address


@pytest.fixture
def treated(desk: Desk) -> Desk:  # noqa: F811
    """The clinic, with a course of six scores and a contact today."""
    days = [(desk.house.today - dt.timedelta(days=back)).isoformat() for back in (70, 56, 49, 35, 21, 8)]
    add_scores(desk.house, OWN, "course-1", "phq-9", list(zip(days, [19, 18, 15, 14, 11, 9], strict=True)))
    about = {"person_id": OWN, "course_id": "course-1", "practitioner_id": "c1", "origin": "live"}
    desk.house.service.register.write(
        lambda connection: connection.execute(
            insert(s.contacts).values(id="contact-1", date=desk.house.today, time="10:00", kind="session", **about)
        )
    )
    return desk


def test_a_phq_9_is_entered_by_nine_digits_and_enter(treated: Desk) -> None:
    page = treated.window(Role.CLINICIAN)
    page.goto(f"/people/{OWN}/enter/phq-9")
    until(page, "document.activeElement.name === 'item-1'")
    for digit in "211102100":
        page.keyboard.press(digit)
    assert page.locator("[data-total]").inner_text() == "8"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{OWN}")
    settle(page)
    assert page.locator(".big").first.inner_text() == "8"
    assert page.troubles == []


def test_without_scripts_the_same_form_is_filled_in_by_keyboard(treated: Desk) -> None:
    page = treated.window(Role.CLINICIAN, scripts=False)
    page.goto(f"/people/{OWN}/enter/gad-7")
    assert page.get_by_text("Today is").is_visible(), "the day in words, where nothing can be written by a script"
    page.locator("input[name='item-1'][value='0']").focus()
    for steps in (1, 2, 3, 1, 2, 3):
        page.keyboard.press("Space")  # the first answer, or with arrows one of the next
        for _ in range(steps):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_load_state("load")
    assert "Question 7 has no answer yet." in page.get_by_role("alert").inner_text()
    assert page.locator("input[type=radio]:checked").count() == 6
    page.locator("input[name='item-7'][value='0']").check()
    page.get_by_role("button", name="Keep and show the course").click()
    page.wait_for_url(f"**/people/{OWN}")
    assert page.locator(".big").first.inner_text() == "12"


def test_numbers_that_are_typed_add_up_too(treated: Desk) -> None:
    page = treated.window(Role.CLINICIAN)
    page.goto(f"/people/{OWN}/enter/ors")
    until(page, "document.querySelector('[data-left]').textContent !== ''")
    for item, value in ((1, "6,5"), (2, "7"), (3, "2.2")):
        page.locator(f"input[name='item-{item}'][inputmode]").fill(value)
    page.locator("input[name='item-4'][type=checkbox]").check()
    assert page.locator("[data-total]").inner_text() == "15.7"
    assert page.locator("[data-left]").inner_text() == ""
    page.locator("input[name='item-4'][inputmode]").fill("1")
    assert not page.locator("input[name='item-4'][type=checkbox]").is_checked()
    assert page.locator("[data-total]").inner_text() == "16.7"


def test_an_answer_is_left_out_by_one_key_and_taken_back_by_another(treated: Desk) -> None:
    page = treated.window(Role.CLINICIAN)
    page.goto(f"/people/{OWN}/enter/gad-7")
    until(page, "document.activeElement.name === 'item-1'")
    for key in ("1", "2", "m", "Backspace", "3"):
        page.keyboard.press(key)
    assert page.locator("[data-total]").inner_text() == "6"
    assert page.locator("[data-left]").inner_text().endswith("4")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("today", "/today"),
        ("people", "/people"),
        ("people-new", "/people/new"),
        ("course", f"/people/{OWN}"),
        ("course-show", f"/people/{OWN}/show"),
        ("handout", f"/people/{OWN}/handout"),
        ("entry", f"/people/{OWN}/enter/phq-9"),
        ("entry-numbers", f"/people/{OWN}/enter/pcl-5"),
        ("kiosk-open", "/kiosk/open"),
    ],
)
def test_pages_have_no_barrier(treated: Desk, name: str, path: str) -> None:
    page = treated.window(Role.CLINICIAN)
    page.goto(path)
    check_page(page, f"clinician-{name}")


def _link(treated: Desk, **fields: Any) -> str:
    page = treated.window(Role.CLINICIAN)
    page.goto(f"/people/{OWN}")
    settle(page)
    if fields.get("show_score"):
        page.get_by_label("The person sees their own score afterwards").check()
    page.get_by_role("button", name="Make a link").click()
    page.wait_for_load_state("load")
    address: str = page.locator("#address").input_value()
    return address


def test_a_person_fills_in_a_form_and_the_open_pages_of_the_clinician_hear_of_it(treated: Desk) -> None:
    today, course = treated.window(Role.CLINICIAN), treated.window(Role.CLINICIAN)
    today.goto("/today")
    course.goto(f"/people/{OWN}")
    settle(course)
    address = _link(treated, show_score=True)
    person = treated.window(Role.PUBLIC, size="phone")
    person.goto(address)
    check_page(person, "person-form")
    person.set_viewport_size({"width": 360, "height": 740})
    for item in range(1, 10):
        person.locator(f"input[name='phq-9:item-{item}'][value='1']").check()
    person.get_by_role("button", name="Send my answers").click()
    person.wait_for_load_state("load")
    assert person.get_by_role("alert").count() == 1
    check_page(person, "person-done")
    for page in (today, course):
        until(page, "document.querySelector('[data-part] [role=alert]') !== null")
        until(page, "document.querySelector('#news [role=alert]') === null")  # said once, where it can be answered
    assert today.troubles == course.troubles == []
    check_page(course, "clinician-course-safety")

    course.get_by_label("What was done").first.select_option("spoke_now")
    course.get_by_role("button", name="Seen and done").first.click()
    course.wait_for_load_state("load")
    assert course.locator("[data-part=prompts] [role=alert]").count() == 0
    until(today, "document.querySelector('[data-part] [role=alert]') === null")


def test_a_kiosk_goes_back_to_its_code_and_keeps_nothing(treated: Desk) -> None:
    staff = treated.window(Role.CLINICIAN)
    staff.goto("/kiosk/open")
    staff.get_by_role("button", name="Make the link for a device").click()
    staff.wait_for_load_state("load")
    device = staff.locator("#address").input_value()
    staff.goto(f"/people/{OWN}")
    staff.get_by_role("button", name="Make a code for the kiosk").click()
    staff.wait_for_load_state("load")
    code = staff.locator("code").inner_text()

    kiosk = treated.window(Role.PUBLIC, size="phone")
    kiosk.goto(device)
    kiosk.wait_for_url("**/kiosk")
    kiosk.get_by_label("Your code").fill(code)
    kiosk.get_by_role("button", name="Begin").click()
    kiosk.wait_for_load_state("load")
    for item in range(1, 10):
        kiosk.locator(f"input[name='phq-9:item-{item}'][value='0']").check()
    kiosk.get_by_role("button", name="Send my answers").click()
    kiosk.get_by_role("link", name="Done").click()
    kiosk.wait_for_url("**/kiosk")
    # The form came as an answer to a sent code, so a browser asks before it would send that again: nothing is shown.
    with contextlib.suppress(PlaywrightError):
        kiosk.go_back()
    assert kiosk.locator("input[type=radio]").count() == 0
    assert kiosk.locator("body").inner_text().count(code.replace(" ", "")) == 0
