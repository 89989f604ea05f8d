"""A payer's way in a real browser: in a workspace for learning there is nothing, and the page says why."""

from __future__ import annotations

from benchwell.register import Role
from browser import Desk, keep, needs_chromium
from role_paths import follow, heading, see, sign_in

pytestmark = needs_chromium


def test_a_payer_sees_nothing_of_a_workspace_for_learning_and_why(desk: Desk) -> None:
    page = sign_in(desk, Role.PAYER)
    heading(page, "There is nothing for a payer here")
    see(page, "nobody who pays sees the figures of a workspace for learning")
    assert "%" not in page.locator("main").inner_text()
    keep(page, "main-payer")
    assert page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts() == [
        "Contract",
        "How to read this",
        "My account",
    ]
    follow(page, "A sample: Anywhere Clinic")
    see(page, "This is a sample.")
    assert page.troubles == []
    for address in ("/service", "/editions", "/circle", "/people"):
        page.goto(address)
        heading(page, "This did not work")
