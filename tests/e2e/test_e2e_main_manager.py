"""A clinic manager's way in a real browser: the service, what its data lack, one small change to try."""

from __future__ import annotations

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, sign_in, taken

pytestmark = needs_chromium


def test_a_manager_finds_what_to_repair_first_and_writes_one_change_down(desk: Desk) -> None:
    page = sign_in(desk, Role.MANAGER)
    heading(page, "Anywhere Clinic (synthetic)")
    follow(page, "Data health")
    heading(page, "What to do first")
    see(page, "without a follow-up score")
    see(page, "eligible people were followed up")
    keep(page, "main-manager-data-health")

    follow(page, "Circle")
    follow(page, "Experiments")
    page.get_by_label("Aim").fill("More people with a score at week 12")
    page.get_by_label("Change").fill("The front desk hands out the form.")
    page.get_by_label("Measure").select_option(label="Depression response at 12 weeks (PHQ-9)")
    press(page, "Write it down")
    heading(page, "Before and after")
    see(page, "More people with a score at week 12")
    page.get_by_label("A note").fill("Two weeks in, it takes a minute.")
    press(page, "Add the note")
    see(page, "Two weeks in, it takes a minute.")
    keep(page, "main-manager-experiment")
    follow(page, "All experiments")
    follow(page, "More people with a score at week 12")
    heading(page, "Experiment")
    assert page.troubles == []


def test_a_manager_opens_a_measure_and_takes_exactly_its_figures(desk: Desk) -> None:
    page = sign_in(desk, Role.MANAGER)
    follow(page, "Depression response at 12 weeks (PHQ-9)")
    page.get_by_text("Show the numbers as a table").first.click()
    page.get_by_role("table").first.wait_for()
    taken_along = taken(page, "CSV").decode()
    assert "105" in taken_along  # followed up, as the page says
    see(page, "105 of your 124 eligible people were followed up")
