"""The pages about a service in a real browser: no barrier, nothing refused, nothing from elsewhere, desk and phone."""

from __future__ import annotations

import pytest

from benchwell.pipeline.live.sample import sample_edition
from benchwell.register import Role
from browser import check_page, chromium, desk, needs_chromium, served_house, settle
from live_edition import RESPONSE, with_edition

__all__ = ["chromium", "desk", "served_house"]
pytestmark = needs_chromium
ID = sample_edition().id


@pytest.fixture(autouse=True)
def edition(served_house):
    house, _ = served_house
    if not house.service.workspace.editions():
        with_edition(house)


@pytest.mark.parametrize(
    ("role", "path", "name"),
    [
        (Role.MANAGER, "/service", "service"),
        (Role.MANAGER, f"/service/{RESPONSE}", "measure"),
        (Role.ANALYST, "/service", "network"),
        (Role.ANALYST, f"/service/{RESPONSE}", "network-measure"),
        (Role.MANAGER, "/readiness", "readiness"),
        (Role.ANALYST, "/editions", "editions"),
        (Role.ANALYST, f"/editions/{ID}", "edition"),
        (Role.PUBLIC, f"/methods/measure/{RESPONSE}", "method"),
        (Role.PUBLIC, "/reading", "reading"),
        (Role.PAYER, "/contract", "contract"),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
def test_no_barrier_on_a_page_about_a_service(desk, role, path, name):
    page = desk.window(role)
    assert page.goto(path).status == 200
    check_page(page, f"service-{name}")


def test_a_manager_goes_from_the_card_to_everything_behind_it(desk):
    page = desk.window(Role.MANAGER)
    page.goto("/service")
    page.get_by_role("link", name="Depression response at 12 weeks (PHQ-9)", exact=True).click()
    settle(page)
    for part in ("Own trend", "Beside the others", "Compared fairly"):
        assert page.get_by_role("heading", name=part).is_visible()
    page.locator("summary", has_text="Show the numbers as a table").first.click()
    assert page.get_by_role("table").first.is_visible()
    assert page.troubles == []


def test_on_a_phone_the_picture_for_a_phone_is_drawn(desk):
    page = desk.window(Role.MANAGER, size="phone")
    page.goto(f"/service/{RESPONSE}")
    settle(page)
    fair = page.locator("section[aria-labelledby=part-fair] .chart-draw svg")
    assert fair.get_by_text("As counted").first.is_visible()
    # Each light stands below its label; beside it there is no room, and the axis would be squeezed to nothing.
    ends = fair.locator("g.role-axis-label text").evaluate_all("all => all.map(one => one.getBoundingClientRect().x)")
    assert max(ends) - min(ends) > 120
    states = (
        fair.get_by_text("cannot tell yet").or_(fair.get_by_text("clearly")).or_(fair.get_by_text("about the same"))
    )
    assert states.count() >= 2
    wide = page.evaluate("document.documentElement.clientWidth")
    edges = fair.locator("text").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert max(edges) <= wide
