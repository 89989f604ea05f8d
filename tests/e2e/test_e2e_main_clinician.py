"""A clinician's day in a real browser: a score typed in the session, a form that the person fills in, somebody new."""

from __future__ import annotations

from typing import Any

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, sign_in, window

pytestmark = needs_chromium


def test_a_score_typed_in_the_session_says_at_once_what_it_means(desk: Desk) -> None:
    page = sign_in(desk, Role.CLINICIAN)
    heading(page, "Who may need attention")
    follow(page, "People")
    follow(page, "P. 1")
    heading(page, "P. 1")
    follow(page, "Enter PHQ-9")
    see(page, "Type a digit to answer")
    page.keyboard.type("222211113")
    page.locator("[data-total]", has_text="15").wait_for()
    assert page.locator("[data-left]").inner_text() == ""
    page.keyboard.press("Enter")

    heading(page, "Safety answer, not seen yet: P. 1")
    card = page.locator("section.card", has=page.get_by_role("heading", name="Patient Health Questionnaire-9")).first
    words = card.inner_text()
    assert "15 moderately severe" in words
    assert "3 points better than at the start, within error of measurement." in words
    assert "Lower is better." in words
    assert "Worth doing now" in words
    card.locator("svg").first.wait_for()
    keep(page, "main-clinician-scored")

    page.get_by_label("What was done").select_option(label="Spoke with the person about it")
    press(page, "Seen and done")
    page.get_by_text("Safety answer, not seen yet").wait_for(state="detached")
    heading(page, "P. 1")
    assert page.troubles == []


def test_a_form_that_the_person_sends_stands_on_the_open_page_by_itself(desk: Desk) -> None:
    page = sign_in(desk, Role.CLINICIAN)
    follow(page, "People")
    follow(page, "P. 2")
    page.get_by_label("The person sees their own score afterwards").check()
    press(page, "Make a link")
    address = page.get_by_label("Or send this address").input_value()
    follow(page, "Back to the course")
    heading(page, "P. 2")

    person = window(desk, size="phone")
    person.goto(address)
    heading(person, "Questions for you")
    _answer(person, first="Several days")
    see(person, "9 of 9 answered")
    keep(person, "main-clinician-form-on-a-phone")
    press(person, "Send my answers")
    heading(person, "Thank you")
    see(person, "Your score is 1 on a scale from 0 to 27.")

    see(page, "New score: P. 2")
    page.locator("section.card").get_by_text("minimal", exact=True).first.wait_for()
    keep(page, "main-clinician-arrived")
    person.goto(address)
    see(person, "This link does not work any more.")
    assert page.troubles == []


def test_a_code_opens_the_form_on_the_device_in_the_waiting_room(desk: Desk) -> None:
    page = sign_in(desk, Role.CLINICIAN)
    follow(page, "People")
    follow(page, "P. 2")
    press(page, "Make a code for the kiosk")
    code = page.locator("code").inner_text()
    follow(page, "Open a kiosk on a device")
    press(page, "Make the link for a device")
    address = page.get_by_label("Or type this address").input_value()

    device = window(desk)
    device.goto(address)
    device.get_by_label("Your code").fill(code)
    press(device, "Begin")
    heading(device, "Questions for you")
    _answer(device, first="Not at all")
    press(device, "Send my answers")
    heading(device, "Thank you")
    assert "Your score" not in device.locator("main").inner_text()
    keep(device, "main-clinician-kiosk")
    follow(device, "Done")
    device.get_by_label("Your code").wait_for()


def test_somebody_new_is_one_page_away_and_a_course_goes_on_paper(desk: Desk) -> None:
    page = sign_in(desk, Role.CLINICIAN)
    follow(page, "People")
    follow(page, "Add a person")
    page.get_by_label("Label").fill("N. N.")
    press(page, "Add and open the course")
    heading(page, "N. N.")
    heading(page, "No score yet")
    follow(page, "People")
    follow(page, "P. 1")
    follow(page, "Print or hand over")
    see(page, "Print this page with your browser.")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    keep(page, "main-clinician-paper")
    assert page.troubles == []


def _answer(page: Any, *, first: str) -> None:
    """Answer every question of the open form with "Not at all", the first with something else."""
    page.wait_for_load_state()
    for place, question in enumerate(page.locator("fieldset.question").all()):
        question.get_by_label("Not at all" if place else first).check()
