"""What anybody may see, in a real browser: a sample, how to read it, method pages; two languages, both looks."""

from __future__ import annotations

from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, window

pytestmark = needs_chromium


def test_anybody_reads_a_sample_how_to_read_it_and_how_it_was_made(desk: Desk) -> None:
    page = window(desk)
    page.goto("/")
    heading(page, "Sign in")
    follow(page, "A sample: Anywhere Clinic")
    see(page, "This is a sample.")
    follow(page, "Depression response at 12 weeks (PHQ-9)")
    see(page, "105 of your 124 eligible people were followed up")
    heading(page, "Beside the others")
    page.locator("figure.chart svg").first.wait_for()
    keep(page, "main-public-sample")
    follow(page, "How to read this")
    for light in ("clearly above", "about the same", "clearly below", "cannot tell yet"):
        see(page, light)
    follow(page, "Method pages")
    follow(page, "Depression response at 12 weeks (PHQ-9)")
    see(page, "how many had at least halved their PHQ-9 score")
    keep(page, "main-public-method")
    assert page.troubles == []


def test_a_page_changes_language_and_look_and_keeps_them(desk: Desk) -> None:
    page = window(desk, size="phone")
    page.goto("/sample")
    press(page, "Deutsch")
    see(page, "Das ist ein Beispiel.")
    press(page, "Dunkle Farben")
    see(page, "Das ist ein Beispiel.")
    assert page.evaluate("document.documentElement.dataset.look") == "dark"
    follow(page, "So lesen Sie das")
    heading(page, "So lesen Sie das")
    assert page.evaluate("document.documentElement.lang") == "de"
    assert page.evaluate("document.documentElement.dataset.look") == "dark"
    keep(page, "main-public-german-dark-phone")
    assert page.troubles == []
