"""A team lead's way in a real browser: the service's figures, why they are grey or not, and the circle on paper."""

from __future__ import annotations

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, sign_in, taken

pytestmark = needs_chromium


def test_a_lead_reads_a_figure_with_who_is_counted_and_takes_the_circle_along(desk: Desk) -> None:
    page = sign_in(desk, Role.LEAD)
    heading(page, "Anywhere Clinic (synthetic)")
    see(page, "There are no figures of single teams in this edition, so you see the whole organization")
    card = page.get_by_role("article").first
    words = card.inner_text()
    assert "eligible people were followed up" in words
    assert "(higher is better)" in words
    assert "Clinics like yours" in words
    keep(page, "main-lead-service")

    card.get_by_role("link").first.click()
    for part in ("Own trend", "Beside the others", "Compared fairly", "What decided the light", "Definition"):
        heading(page, part)
    page.locator("figure.chart svg").first.wait_for()
    see(page, "Diamond: this clinic.")
    keep(page, "main-lead-measure")

    follow(page, "Circle")
    for point in ("One strength", "One puzzle", "One question of equity"):
        heading(page, point)
    assert taken(page, "On paper (PDF)").startswith(b"%PDF-")
    page.get_by_label("What was said and agreed").fill("Ask at week 12, every time.")
    press(page, "Keep the minutes")
    page.locator("summary", has_text="edition 2025-06-30").click()
    see(page, "Ask at week 12, every time.")
    keep(page, "main-lead-circle")
    assert page.troubles == []


def test_a_lead_meets_no_single_person(desk: Desk) -> None:
    page = sign_in(desk, Role.LEAD)
    assert page.get_by_role("link", name="People").count() == 0
    page.goto("/people")
    heading(page, "This did not work")
    assert "P. 1" not in page.locator("main").inner_text()
