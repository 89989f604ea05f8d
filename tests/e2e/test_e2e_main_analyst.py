"""An analyst's way in a real browser: the network, one clinic of it, an edition that is checked and taken along."""

from __future__ import annotations

from pathlib import Path

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, press, see, sign_in, taken

pytestmark = needs_chromium


def test_an_analyst_chooses_a_clinic_checks_an_edition_and_takes_it_along(desk: Desk) -> None:
    page = sign_in(desk, Role.ANALYST)
    heading(page, "The network")
    see(page, "Half of the clinics lie between")
    assert "synthetic-clinic" not in page.locator("article").first.inner_text()
    page.get_by_label("Show").select_option(label="Anywhere Clinic (synthetic)")
    press(page, "Show")
    heading(page, "Anywhere Clinic (synthetic)")
    see(page, "eligible people were followed up")
    keep(page, "main-analyst-clinic")

    follow(page, "Editions")
    follow(page, "Edition of 30 Jun 2025")
    heading(page, "Does it still recompute?")
    press(page, "Verify now")
    page.get_by_text("Passed:").wait_for(timeout=60_000)
    table = page.get_by_role("row", name="benchmarks").first
    with page.expect_download() as waiting:
        table.get_by_role("link", name="CSV").click()
    assert "measure" in Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()[0]
    keep(page, "main-analyst-edition")

    follow(page, "Model card")
    see(page, "how they did on clinics that they had not seen")
    follow(page, "Edition of 30 Jun 2025")

    follow(page, "Method page")
    see(page, "All method pages")
    assert page.troubles == []


def test_an_analyst_takes_the_circle_of_a_clinic_along(desk: Desk) -> None:
    page = sign_in(desk, Role.ANALYST)
    follow(page, "Circle")
    follow(page, "Anywhere Clinic (synthetic)")
    heading(page, "One puzzle")
    assert taken(page, "On paper (PDF)").startswith(b"%PDF-")
